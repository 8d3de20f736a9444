"""
What can be asked about numbers: capabilities, reachable users, testers.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final

from simulator.provider import Answer, Call, InTurns, Report
from simulator.providers.rbm.account import Account
from simulator.providers.rbm.agents import INVITES_IN_ALL, INVITES_PER_DAY, Agent
from simulator.providers.rbm.calls import (
    account_of,
    agent_lookup,
    agent_of,
    body_of,
    phone_of,
    required,
    texts_in_body,
)
from simulator.providers.rbm.errors import json_answer, refuse
from simulator.providers.rbm.settings import REGIONS
from simulator.providers.rbm.wire import Violation, bad_request

__all__ = ["batch_get", "capabilities", "capability_callback", "create_tester", "invite", "users_of"]

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_USERS_MAX: Final = 10_000
_SAMPLED_FROM: Final = 500
_SAMPLE_BP: Final = 7_500
_MINUTE_MS: Final = 60_000
_CALLBACK_AFTER_MS: Final = 1_000
_ENDPOINT: Final = re.compile(rf"({'|'.join(REGIONS)})-rcsbusinessmessaging\.")


def capabilities(call: Call) -> Answer:
    """Answer what a device can do."""
    account = account_of(call)
    phone = phone_of(call)
    agent = agent_of(call)
    required(call, "requestId")
    circumstances = call.gateway.circumstances(phone)
    account.check_reach(phone)
    if not account.may_reach(agent, phone, circumstances):
        raise refuse("NOT_REACHABLE", hint=f"{agent.id} is not launched, and {phone} is none of its testers")
    features = account.features_of(phone) or ()
    body: dict[str, object] = {"features": list(features)}
    carrier = account.reporter.us_carrier(phone)
    if carrier:
        body["carrier"] = carrier
    return json_answer(call, body)


def batch_get(call: Call) -> Answer | Awaitable[Answer]:
    """Answer which of many numbers can be reached, from what a cache would know."""
    account = account_of(call)
    body = body_of(call, "BatchGetUsersRequest", "")
    agent = agent_of(call, body.get("agentId", ""))
    _count_batch(call)
    users = list(dict.fromkeys(body.get("users", ())))
    if not 0 < len(users) <= _USERS_MAX:
        raise bad_request([Violation("users", f"users: must have between 1 and {_USERS_MAX} items")])
    wrong = [
        Violation(f"users[{number}]", f"users[{number}]: must be a phone number in E.164, got {user[:40]!r}")
        for number, user in enumerate(users)
        if _E164.fullmatch(user) is None
    ]
    if wrong:
        raise bad_request(wrong[:100])
    return call.in_turns(_batch(call, account, agent, users))


def _batch(call: Call, account: Account, agent: Agent, users: Sequence[str]) -> InTurns[Answer]:
    gateway = call.gateway
    _check_region(call, users)
    capable: list[str] = []
    reachable: list[str] = []
    sample: set[str] = set()
    for user in users:
        if account.features_of(user) is not None:
            capable.append(user)
            if account.may_reach(agent, user, gateway.circumstances(user)):
                reachable.append(user)
        if len(users) >= _SAMPLED_FROM and gateway.draws("rbm", "sample", user).hits("sample", _SAMPLE_BP):
            sample.add(user)
        yield
    answer: dict[str, object] = {
        "reachableUsers": reachable,
        "totalRandomSampleUserCount": len(sample),
        "reachableRandomSampleUserCount": sum(user in sample for user in capable),
    }
    if by_carrier := _by_carrier(account, reachable):
        answer["reachableUsersMap"] = by_carrier
    if account.settings.batch_get_zeros == "omitted":
        answer = {name: value for name, value in answer.items() if value}
    return json_answer(call, answer)


def users_of(call: Call) -> Sequence[str]:
    """Return the numbers that a call asks about in its body."""
    return texts_in_body(call, "users")[:_USERS_MAX]


def _by_carrier(account: Account, users: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Return numbers that are marked as ones of the United States by their carriers."""
    carriers: dict[str, dict[str, list[str]]] = {}
    for user in users:
        if carrier := account.reporter.us_carrier(user):
            carriers.setdefault(carrier, {"reachableUsers": []})["reachableUsers"].append(user)
    return carriers


def _check_region(call: Call, users: Sequence[str]) -> None:
    """Raise Refuse when numbers are of several regions, or of another one than the endpoint."""
    table = account_of(call).settings.number_regions
    if not table:
        return
    examples: dict[str, str] = {}
    for user in users:
        examples.setdefault(_region(table, user), user)
    examples.pop("", None)
    endpoint = _ENDPOINT.match(call.headers.get("Host", ""))
    if endpoint is not None and examples.keys() - {endpoint[1]}:
        wrong = f"users: must be numbers of the region of the endpoint, {endpoint[1]}"
    elif len(examples) > 1:
        wrong = "users: must be numbers of a single region"
    else:
        return
    placed = ", ".join(f"{user} is in {region}" for region, user in examples.items())
    hint = f"{placed}; the setting number_regions says which number is where"
    raise bad_request([Violation("users", wrong)], hint=hint)


def _region(table: Mapping[str, str], user: str) -> str:
    begins = [prefix for prefix in table if user.startswith(prefix)]
    return table[max(begins, key=len)] if begins else ""


def _count_batch(call: Call) -> None:
    account = account_of(call)
    limit = account.settings.batch_get_per_minute
    now_ms = call.gateway.now_ms
    calls = account.batch_calls
    while calls and calls[0] <= now_ms - _MINUTE_MS:
        calls.popleft()
    if limit and len(calls) >= limit:
        raise refuse("RESOURCE_EXHAUSTED", hint=f"{limit} calls to users:batchGet a minute")
    calls.append(now_ms)


def create_tester(call: Call) -> Answer:
    """Invite a number to test an agent; no webhook will tell what comes of it."""
    phone = phone_of(call)
    agent = agent_of(call)
    body_of(call, "Tester", "tester")
    status = invite(call, agent, phone)
    return json_answer(call, {"name": f"phones/{phone}/testers", "inviteStatus": status})


def invite(call: Call, agent: Agent, phone: str) -> str:
    """Invite a number and return the status of its invitation; raises Refuse."""
    account = account_of(call)
    gateway = call.gateway
    status = account.tester_status(agent, phone, gateway.circumstances(phone))
    if status == "ACCEPTED":
        return status
    if status == "DECLINED":
        raise refuse("INVALID_ARGUMENT", f"{phone} has declined; remove the tester before inviting again")
    account.check_reach(phone)
    if not account.testers.within_limits(agent.id, gateway.now_ms):
        raise refuse(
            "RESOURCE_EXHAUSTED", hint=f"{INVITES_PER_DAY} invitations a day, {INVITES_IN_ALL} in all"
        )
    account.testers.invite(agent.id, phone, gateway.now_ms)
    return "PENDING"


def capability_callback(call: Call) -> Answer:
    """Answer at once, and tell the webhook a moment later: the way of the 2021 client."""
    account = account_of(call)
    phone = phone_of(call)
    body = body_of(call, "RequestCapabilityCallbackRequest", "")
    request_id = body.get("requestId", "")
    if not request_id:
        raise bad_request([Violation("request_id", "request_id: must not be empty")])
    agent = account.agents.only() if call.query_value("agentId") is None else agent_of(call)
    if agent is None:
        raise agent_lookup(account, "")
    name, gateway = agent.id, call.gateway

    def tell() -> Sequence[Report]:
        features = account.features_of(phone)
        data = {
            "phoneNumber": phone,
            "requestId": request_id,
            "rbmEnabled": features is not None,
            "features": list(features or ()),
        }
        return account.reporter.report(
            agent=name,
            recipient=phone,
            kind="capabilities",
            word="CAPABILITIES",
            unique=f"{phone} {request_id}",
            data=data,
        )

    due_ms = gateway.now_ms + _CALLBACK_AFTER_MS
    gateway.later(due_ms, f"capability callback {phone} {request_id}", tell)
    return json_answer(call, {})
