"""
Messages and events of the agent: create and revoke.
"""

from __future__ import annotations

import re
from typing import Any, Final

from simulator.provider import Answer, Call, IllegalMove, Message, Move, Report, Submission, next_state
from simulator.providers.rbm.account import Account
from simulator.providers.rbm.agents import Agent
from simulator.providers.rbm.attachments import check_attachments
from simulator.providers.rbm.calls import account_of, agent_of, body_of, client_id_of, phone_of
from simulator.providers.rbm.content import check_content, classification, text_of
from simulator.providers.rbm.errors import json_answer, refuse
from simulator.providers.rbm.instants import format_instant, parse_duration, parse_instant
from simulator.providers.rbm.outcomes import DESPITE_REVOKE
from simulator.providers.rbm.reporting import Details
from simulator.providers.rbm.wire import Violation, bad_request

__all__ = ["create_event", "create_message", "dialogflow", "revoke_message"]

_MESSAGE_BYTES_MAX: Final = 256_000
"""Documented as 250 KB; that this means 250 × 1024 is chosen."""
_TTL_MS_MAX: Final = 15 * 86_400_000
_RACE_MS: Final = 500
_SIGNAL_VALIDITY_MS: Final = 30 * 86_400_000
_UNSET: Final = re.compile(r".*UNSPECIFIED")


def create_message(call: Call) -> Answer:
    """Accept a message for a number; whether it arrives is told by webhook."""
    account = account_of(call)
    phone = phone_of(call, magic=False)
    agent = agent_of(call)
    message_id = client_id_of(call, "messageId")
    if (earlier := _earlier(call, account, agent, message_id)) is not None:
        return earlier
    if len(call.body) > _MESSAGE_BYTES_MAX:
        raise refuse("INVALID_ARGUMENT", f"agent_message: must have at most {_MESSAGE_BYTES_MAX} bytes")
    body = body_of(call, "AgentMessage", "agent_message")
    content = body.get("contentMessage", {})
    check_content(content, "agent_message.content_message")
    check_attachments(
        content,
        "agent_message.content_message",
        account.files,
        call.gateway.now_ms,
        only_uploaded=account.settings.files == "uploaded",
    )
    traffic = body.get("messageTrafficType", "")
    if agent.needs_traffic_type and (not traffic or _UNSET.fullmatch(traffic)):
        raise refuse("TRAFFIC_TYPE_MISSING", hint=f"{agent.id} is registered for {agent.settings.use_case}")
    expiry = _expiry(call, body)
    resource: dict[str, Any] = {
        "name": f"phones/{phone}/agentMessages/{message_id}",
        "sendTime": account.reporter.now_text(),
        "contentMessage": content,
    }
    if traffic:
        resource["messageTrafficType"] = traffic
    if expiry is not None:
        resource["expireTime"] = expiry[1]
    carrier = account.reporter.us_carrier(phone)
    if carrier:
        resource["richMessageClassification"] = classification(content)
        resource["totalPayloadSizeBytes"] = str(len(call.body))
        resource["carrier"] = carrier
    call.submit(
        [
            Submission(
                provider=call.gateway.provider,
                recipient=phone,
                sender=agent.id,
                text=text_of(content),
                credential=call.credential_text,
                id=message_id,
                validity_ms=account.settings.retention_ms if expiry is None else expiry[0],
                details=Details(agent.id, resource, expiry is not None),
            )
        ]
    )
    return json_answer(call, resource)


def _earlier(call: Call, account: Account, agent: Agent, client_id: str) -> Answer | None:
    """Return the answer to the call that used this id first, if there was one."""
    resource = account.ids.get((agent.id, client_id))
    if resource is None:
        return None
    if account.settings.duplicates == "refuse":
        raise refuse("ALREADY_EXISTS", hint=f"{agent.id} has used the id {client_id} for {resource['name']}")
    call.note(f"the agent {agent.id} has used the id {client_id} before: ignored, answered as the first time")
    return json_answer(call, resource)


def _expiry(call: Call, body: dict[str, Any]) -> tuple[int, str] | None:
    """Return how long a message is valid and its expireTime, or None when the client set neither."""
    gateway = call.gateway
    if "ttl" in body:
        left_ms = parse_duration(body["ttl"]) or 0
        path, text = "agent_message.ttl", format_instant(gateway.unix_ms() + left_ms)
    elif "expireTime" in body:
        instant = parse_instant(body["expireTime"])
        assert instant is not None
        left_ms = instant.unix_ms - gateway.unix_ms()
        path, text = "agent_message.expire_time", instant.text
    else:
        return None
    if not 0 < left_ms <= _TTL_MS_MAX:
        wrong = f"{path}: must be in the future, and at most 15 days ahead"
        clock = f"the space's clock stands at {format_instant(gateway.unix_ms())}"
        raise bad_request([Violation(path, wrong)], hint=clock)
    return left_ms, text


def revoke_message(call: Call) -> Answer:
    """Take a message out of the queue, if it is still there."""
    account = account_of(call)
    phone = phone_of(call)
    agent = agent_of(call)
    gateway = call.gateway
    message = gateway.message(call.path_values["message"])
    mine = (
        message is not None
        and message.key.recipient == phone
        and message.submission.sender == agent.id
        and not message.submission.signal
    )
    if message is not None and mine and next_state(message.state, Move.REVOKE) is not None:
        _revoke(call, message)
        return json_answer(call, {})
    if account.settings.revoke == "always":
        return json_answer(call, {})
    if message is not None and mine:
        raise refuse("ALREADY_DELIVERED", hint=f"it is {message.state.value}")
    message_id = call.path_values["message"][:100]
    raise refuse("ENTITY_NOT_FOUND", hint=f"{agent.id} has sent no message {message_id!r} to {phone}")


def _revoke(call: Call, message: Message) -> None:
    gateway = call.gateway
    if message.fate.code != DESPITE_REVOKE:
        gateway.cancel(message)
        return

    def arrive() -> list[Report]:
        try:
            gateway.move(message, Move.DELIVER, by=message.rung)
        except IllegalMove as refusal:
            gateway.note(str(refusal), message=message)
        return []

    gateway.note("revoked too late: it is on its way to the phone", message=message)
    gateway.later(gateway.now_ms + _RACE_MS, f"race of {message.key}", arrive)


def create_event(call: Call) -> Answer:
    """Accept a typing indicator or a read receipt of the agent."""
    account = account_of(call)
    phone = phone_of(call, magic=False)
    agent = agent_of(call)
    event_id = client_id_of(call, "eventId")
    if (earlier := _earlier(call, account, agent, event_id)) is not None:
        return earlier
    body = body_of(call, "AgentEvent", "agent_event")
    kind = body.get("eventType", "")
    if kind not in ("IS_TYPING", "READ"):
        wrong = "agent_event.event_type: must be IS_TYPING or READ"
        raise bad_request([Violation("agent_event.event_type", wrong)])
    if kind == "READ" and not body.get("messageId"):
        wrong = "agent_event.message_id: must name the message that was read"
        raise bad_request([Violation("agent_event.message_id", wrong)])
    resource = {
        "name": f"phones/{phone}/agentEvents/{event_id}",
        **body,
        "sendTime": account.reporter.now_text(),
    }
    call.submit(
        [
            Submission(
                provider=call.gateway.provider,
                recipient=phone,
                operation="event",
                sender=agent.id,
                text=kind,
                credential=call.credential_text,
                id=event_id,
                validity_ms=_SIGNAL_VALIDITY_MS,
                ephemeral=kind == "IS_TYPING",
                signal=True,
                details=Details(agent.id, resource),
            )
        ]
    )
    return json_answer(call, resource)


def dialogflow(call: Call) -> Answer:
    """Answer for agents with Dialogflow; no conversation is imitated."""
    account = account_of(call)
    phone = phone_of(call)
    agent = agent_of(call)
    prefix = client_id_of(call, "messageIdPrefix")
    body = body_of(call, "DialogflowEvent", "dialogflow_event")
    if not agent.settings.dialogflow:
        hint = f"the setting agents: {{{agent.id}: {{dialogflow: true}}}} enables it"
        raise refuse("DIALOGFLOW_DISABLED", hint=hint)
    if not body.get("eventName"):
        wrong = "dialogflow_event.event_name: must not be empty"
        raise bad_request([Violation("dialogflow_event.event_name", wrong)])
    account.check_reach(phone)
    return json_answer(call, {"name": f"phones/{phone}/dialogflowMessages/{prefix}", **body})
