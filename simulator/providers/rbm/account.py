"""
An RBM partner in one space: agents, testers, files, and what webhooks tell.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from simulator.provider import (
    Act,
    AnswerFault,
    Behaviour,
    Circumstances,
    ConstantDelay,
    Draws,
    Ending,
    Fate,
    Gateway,
    Json,
    Message,
    MessageKey,
    Move,
    Report,
    Submission,
    Webhook,
    WebhookPolicy,
    WebhookRequest,
    format_duration,
)
from simulator.providers.rbm.actions import actions_of
from simulator.providers.rbm.acts import perform
from simulator.providers.rbm.agents import Agent, Agents, Testers
from simulator.providers.rbm.content import features_needed
from simulator.providers.rbm.envelope import Payload, agent_address, render
from simulator.providers.rbm.files import Files
from simulator.providers.rbm.instants import format_instant
from simulator.providers.rbm.outcomes import BOTH, REVOKE_FAILED, magic
from simulator.providers.rbm.settings import Settings

__all__ = ["Account", "Details", "uuid_of"]

_IDS_MAX: Final = 1_000_000
_THREAD_MAX: Final = 20
_FRESH_MS: Final = 31 * 86_400_000
"""So long a device counts as capable after it was last seen.  Source: "Capabilities"."""

_SIGNAL_FATE: Final = Fate(after=ConstantDelay(200), progress=())


class Details(Struct, frozen=True, gc=False):
    """
    What RBM remembers of a submission beyond what the kernel does.
    """

    agent: str
    resource: dict[str, Any]
    """The message or event as it was answered."""
    expires: bool = False
    """Whether the client set ttl or expireTime; only then an expiry is told."""


def uuid_of(digits: str) -> str:
    """Return 32 hexadecimal digits as a UUID of version 4."""
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


class Account:
    """
    One space's partner account at RBM.
    """

    __slots__ = (
        "_default_fate",
        "_gateway",
        "agents",
        "batch_calls",
        "files",
        "ids",
        "reports_made",
        "settings",
        "testers",
        "threads",
        "tokens_issued",
        "tokens_void",
    )

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.settings = Settings()
        self.agents = Agents()
        self.testers = Testers()
        self.files = Files()
        self.ids: dict[tuple[str, str], dict[str, Any]] = {}
        """Every id in use by agent; messages and events share them."""
        self.threads: dict[str, list[Message]] = {}
        """The last messages to each recipient."""
        self.batch_calls: deque[int] = deque()
        """When users:batchGet was called in the last minute."""
        self.reports_made = 0
        self.tokens_issued = 0
        self.tokens_void = 0
        """Tokens up to this number are refused."""
        self._default_fate = Fate(after=self.settings.deliver_after, progress=())

    @property
    def gateway(self) -> Gateway:
        """The way into the space."""
        return self._gateway

    # -- what the server asks -------------------------------------------------------------------

    @property
    def credentials(self) -> Sequence[str]:
        """The only credentials accepted; empty: any well-formed one."""
        return self.settings.credentials

    @property
    def actions(self) -> Mapping[str, Callable[[Json], Json | Awaitable[Json]]]:
        """Minting keys, ending tokens, launching agents, verifying webhooks."""
        return actions_of(self)

    def configure(self, settings: Mapping[str, object]) -> None:
        """Change settings from now on."""
        self.settings = self.settings.changed(settings)
        self._default_fate = Fate(after=self.settings.deliver_after, progress=())
        if "agents" in settings:
            self.agents.configure(self.settings.agents)

    def describe(self) -> Mapping[str, object]:
        """Return the settings in force as plain JSON, without secrets."""
        settings = self.settings
        now_ms = self._gateway.now_ms
        return {
            "webhook": {"url": settings.webhook.url},
            "credentials": len(settings.credentials),
            "agents": {agent.id: agent.launch_state.at(now_ms) for agent in self.agents.all()},
            "duplicates": settings.duplicates,
            "propagation": format_duration(settings.propagation_ms),
        }

    # -- what the kernel asks -------------------------------------------------------------------

    @property
    def policy(self) -> WebhookPolicy:
        """How webhooks are delivered."""
        return self.settings.policy

    @property
    def pace_ms(self) -> int:
        """Time between two waiting messages to a recipient who is back; chosen, nothing is documented."""
        return 200

    @property
    def throttled_code(self) -> str:
        """The code of the refusal when a client sends too fast."""
        return "RESOURCE_EXHAUSTED"

    def refuses_call(self, code: str) -> bool:
        """Return True: a call is about one recipient."""
        return True

    def mint_id(self, key: MessageKey, draws: Draws) -> str:
        """Return a UUID; clients give the id, so this is asked for refused calls alone."""
        return uuid_of(draws.hex("message.id"))

    def compose(self, recipient: str, text: str) -> Submission:
        """Return a text message of the first agent there is."""
        agents = self.agents.all()
        agent = agents[0].id if agents else "welcome-bot"
        return Submission(
            provider=self._gateway.provider,
            recipient=recipient,
            sender=agent,
            text=text,
            validity_ms=self.settings.retention_ms,
            details=Details(agent, {"contentMessage": {"text": text}}),
        )

    def magic(self, submission: Submission) -> Behaviour | None:
        """Return what a magic recipient asks for."""
        return magic(submission.recipient)

    def by_circumstances(self, submission: Submission, circumstances: Circumstances) -> Behaviour | None:
        """Return the refusals that follow from recipient and agent, and silence for who blocked it."""
        details = submission.details
        if circumstances.known is False or circumstances.capable is False:
            return _refuse("NOT_REACHABLE")
        agent = self.agents.find(submission.sender)
        if agent is not None and not self.may_reach(agent, submission.recipient, circumstances):
            return _refuse("NOT_A_TESTER")
        if submission.signal:
            return None
        if isinstance(details, Details) and isinstance(circumstances.capable, tuple):
            needed = features_needed(details.resource["contentMessage"])
            if any(feature not in circumstances.capable for feature in needed):
                return _refuse("FEATURE_UNSUPPORTED")
        if circumstances.blocked:
            # RBM has no event for failures; what blocking an agent does is not documented.
            return Behaviour(fate=Fate(ending=Ending.SILENCE))
        return None

    def default_fate(self, submission: Submission) -> Fate:
        """Return delivery after a while."""
        return _SIGNAL_FATE if submission.signal else self._default_fate

    def noted(self, message: Message, move: Move | None) -> None:
        """Remember an accepted message; plan the expiry that some deliveries are told of as well."""
        details = message.submission.details
        if not isinstance(details, Details):
            return
        if move is None:
            self._remember(message, details)
        elif (
            move is Move.DELIVER
            and message.code == BOTH
            and details.expires
            and not message.submission.signal
        ):
            self._owe_expiry_later(message, details)

    def reports_of(self, message: Message, move: Move | None) -> Sequence[Report]:
        """Return the events for delivery, reading and expiry."""
        details = message.submission.details
        if not isinstance(details, Details) or message.submission.signal:
            return ()
        match move:
            case Move.DELIVER:
                return self._user_event(message, details, "DELIVERED")
            case Move.READ:
                return self._user_event(message, details, "READ")
            case Move.EXPIRE if details.expires:
                word = REVOKE_FAILED if message.code == REVOKE_FAILED else "TTL_EXPIRATION_REVOKED"
                return self._server_event(message, details, word)
        return ()

    def act(self, recipient: str, act: Act, draws: Draws) -> Sequence[Report]:
        """Return what the integrator is owed when a recipient does something."""
        return perform(self, recipient, act, draws)

    def reissue(self, report: Report, draws: Draws) -> Report:
        """Return the event as published once more: Pub/Sub numbers it anew, its own ids stay."""
        payload = report.payload
        assert isinstance(payload, Payload)
        again = structs.replace(payload, pubsub_id=draws.digits("pubsub", 16))
        return structs.replace(report, payload=again)

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return the request for a webhook."""
        payload = webhook.reports[0].payload
        assert isinstance(payload, Payload)
        return render(payload, webhook.target)

    # -- circumstances --------------------------------------------------------------------------

    def tester_status(self, agent: Agent, phone: str, circumstances: Circumstances) -> str | None:
        """Return the status of a tester; what a scenario says wins over invitations."""
        return (circumstances.tester or self.testers.status(agent.id, phone) or "").upper() or None

    def may_reach(self, agent: Agent, phone: str, circumstances: Circumstances) -> bool:
        """Return True when the agent is launched, or the number is a tester who accepted."""
        if agent.launched(self._gateway.now_ms):
            return True
        return self.tester_status(agent, phone, circumstances) == "ACCEPTED"

    def features_of(self, phone: str) -> tuple[str, ...] | None:
        """Return what a device can do, or None when it is not to be reached by RCS."""
        circumstances = self._gateway.circumstances(phone)
        if circumstances.known is False or circumstances.capable is False:
            return None
        if not circumstances.reachable and self._long_gone(phone):
            return None
        capable = circumstances.capable
        return capable if isinstance(capable, tuple) else self.settings.features

    def _long_gone(self, phone: str) -> bool:
        now_ms = self._gateway.now_ms
        since_ms = now_ms - _FRESH_MS
        if since_ms < 0 or self._gateway.circumstances(phone, since_ms).reachable:
            return False
        change_ms = self._gateway.next_change_ms(phone, "reachable", since_ms)
        return change_ms is None or change_ms > now_ms

    # -- reports --------------------------------------------------------------------------------

    def report(
        self,
        *,
        agent: str,
        recipient: str,
        kind: str,
        word: str,
        unique: str,
        data: Mapping[str, object],
        key: MessageKey | None = None,
    ) -> Sequence[Report]:
        """Return one report for the agent's webhook or the partner's; nothing when there is neither."""
        now_ms = self._gateway.now_ms
        known = self.agents.find(agent)
        target = (known.webhook.at(now_ms) if known is not None else None) or self.settings.webhook
        if not target.url:
            return ()
        if key is None:
            self.reports_made += 1
        payload = Payload(
            kind=kind,
            agent=agent,
            word=word,
            data=data,
            client_token=target.client_token,
            pubsub_id=self._gateway.draws("rbm", "pubsub", unique).digits("id", 16),
            publish_time=format_instant(self._gateway.unix_ms()),
            project_number=self.settings.project_number,
            indented=self.settings.inner_json == "indented",
        )
        return (
            Report(
                provider=self._gateway.provider,
                recipient=recipient,
                label=word,
                target=target.url,
                at_ms=now_ms,
                key=key,
                rank=0 if key is not None else self.reports_made,
                payload=payload,
            ),
        )

    def now_text(self) -> str:
        """Return the space's time as Google writes it."""
        return format_instant(self._gateway.unix_ms())

    def _event(
        self, message: Message, details: Details, word: str, kind: str, phone_name: str
    ) -> Sequence[Report]:
        draws = self._gateway.draws(*message.key)
        event_id = uuid_of(draws.hex(f"event.{word}"))
        data = {
            phone_name: message.key.recipient,
            "eventType": word,
            "eventId": event_id,
            "messageId": message.id,
            "sendTime": self.now_text(),
            "agentId": agent_address(details.agent),
        }
        return self.report(
            agent=details.agent,
            recipient=message.key.recipient,
            kind=kind,
            word=word,
            unique=event_id,
            data=data,
            key=message.key,
        )

    def _user_event(self, message: Message, details: Details, word: str) -> Sequence[Report]:
        return self._event(message, details, word, "event", "senderPhoneNumber")

    def _server_event(self, message: Message, details: Details, word: str) -> Sequence[Report]:
        return self._event(message, details, word, "server", "phoneNumber")

    def _owe_expiry_later(self, message: Message, details: Details) -> None:
        self._gateway.later(
            max(message.expires_ms, self._gateway.now_ms),
            f"expiry of {message.key}",
            lambda: self._server_event(message, details, "TTL_EXPIRATION_REVOKED"),
        )

    # -- memory ---------------------------------------------------------------------------------

    def _remember(self, message: Message, details: Details) -> None:
        self.take_id(details.agent, message.id, details.resource)
        if message.submission.signal:
            return
        thread = self.threads.setdefault(message.key.recipient, [])
        thread.append(message)
        if len(thread) > _THREAD_MAX:
            del thread[0]

    def take_id(self, agent: str, client_id: str, resource: dict[str, Any]) -> None:
        """Remember that an agent has used an id, and what it was answered."""
        self.ids[agent, client_id] = resource
        if len(self.ids) > _IDS_MAX:
            del self.ids[next(iter(self.ids))]


def _refuse(name: str) -> Behaviour:
    return Behaviour(answer=AnswerFault(refuse=name))
