"""
An RBM partner in one space: agents, testers, files, and what webhooks tell.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import structs

from simulator.provider import (
    Act,
    Action,
    AnswerFault,
    Behaviour,
    Circumstances,
    ConstantDelay,
    Draws,
    Ending,
    Fate,
    Gateway,
    Message,
    MessageKey,
    Move,
    ProviderAccount,
    Report,
    State,
    Submission,
    Webhook,
    WebhookPolicy,
    WebhookRequest,
    changed,
    described,
)
from simulator.providers.rbm.actions import actions_of
from simulator.providers.rbm.acts import perform
from simulator.providers.rbm.agents import Agent, Agents, Testers
from simulator.providers.rbm.attachments import shows_pdf_in_card
from simulator.providers.rbm.content import features_needed, is_plain_text
from simulator.providers.rbm.envelope import payload_of, render
from simulator.providers.rbm.errors import refuse
from simulator.providers.rbm.files import Files
from simulator.providers.rbm.outcomes import BOTH, REVOKE_FAILED, magic
from simulator.providers.rbm.reporting import Details, Reporter, details_of, uuid_of
from simulator.providers.rbm.settings import RETRY_DOCUMENTED, Settings
from simulator.providers.rbm.tokens import IssuedTokens

__all__ = ["Account", "figures"]

_THREAD_MAX: Final = 20
_FRESH_MS: Final = 31 * 86_400_000
"""So long a device counts as capable after it was last seen.  Source: "Capabilities"."""

_AGENT: Final = "welcome-bot"
"""Who sends where no agent is listed."""

_SIGNAL_FATE: Final = Fate(after=ConstantDelay(200), progress=())


class Account:
    """
    One space's partner account at RBM.
    """

    __slots__ = (
        "_default_fate",
        "_gateway",
        "_policy",
        "batch_calls",
        "files",
        "ids",
        "reporter",
        "testers",
        "threads",
        "tokens",
    )

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.reporter = Reporter(gateway)
        self.testers = Testers()
        self.files = Files()
        self.tokens = IssuedTokens()
        self.ids: dict[tuple[str, str], dict[str, Any]] = {}
        """Every id in use by agent; messages and events share them."""
        self.threads: dict[str, list[Message]] = {}
        """The last messages to each recipient."""
        self.batch_calls: deque[int] = deque()
        """When users:batchGet was called in the last minute."""
        self._take_over()

    def _take_over(self) -> None:
        settings = self.settings
        self._policy = settings.webhook.policy(RETRY_DOCUMENTED)
        self._default_fate = Fate(after=settings.deliver_after, progress=())

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.reporter.settings

    @property
    def agents(self) -> Agents:
        """The partner's agents."""
        return self.reporter.agents

    # -- what the server asks -------------------------------------------------------------------

    @property
    def credentials(self) -> Sequence[str]:
        """The only credentials accepted; empty: any well-formed one."""
        return self.settings.credentials

    @property
    def actions(self) -> Mapping[str, Action]:
        """Minting keys, ending tokens, launching agents, verifying webhooks."""
        return actions_of(self.reporter, self.tokens)

    def configure(self, settings: Mapping[str, object]) -> None:
        """Change settings from now on."""
        self.reporter.settings = changed(self.settings, settings)
        self._take_over()
        if "agents" in settings:
            self.agents.configure(self.settings.agents)

    def describe(self) -> Mapping[str, object]:
        """Return the settings in force as plain JSON, without secrets."""
        now_ms = self._gateway.now_ms
        agents = {agent.id: agent.launch_state.at(now_ms) for agent in self.agents.all()}
        return {**described(self.settings), "agents": agents}

    # -- what the kernel asks -------------------------------------------------------------------

    @property
    def policy(self) -> WebhookPolicy:
        """How webhooks are delivered."""
        return self._policy

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
        agent = agents[0].id if agents else _AGENT
        # From now on recipients can write to it, even those whom no message has reached.
        self.agents.find(agent)
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
        phone = submission.recipient
        if why := self._why_unreachable(phone, circumstances):
            return _refuse("NOT_REACHABLE", why)
        agent = self.agents.find(submission.sender)
        if agent is not None and not self.may_reach(agent, phone, circumstances):
            status = self.tester_status(agent, phone, circumstances) or "not invited"
            return _refuse("NOT_A_TESTER", f"{agent.id} is not launched, and {phone} as a tester is {status}")
        if submission.signal:
            return None
        if missing := self._missing_features(submission, circumstances):
            return _refuse("FEATURE_UNSUPPORTED", f"{phone} lacks {', '.join(missing)}")
        if circumstances.blocked:
            # RBM has no event for failures; what blocking an agent does is not documented.
            return Behaviour(fate=Fate(ending=Ending.SILENCE))
        return None

    def _missing_features(self, submission: Submission, circumstances: Circumstances) -> list[str]:
        content = details_of(submission).resource["contentMessage"]
        if is_plain_text(content):
            return []
        needed = features_needed(content)
        if shows_pdf_in_card(content, self.files, self._gateway.now_ms):
            needed.append("PDF_IN_RICH_CARDS")
        capable = circumstances.capable
        features = capable if isinstance(capable, tuple) else self.settings.features
        return [feature for feature in needed if feature not in features]

    def default_fate(self, submission: Submission) -> Fate:
        """Return delivery after a while."""
        return _SIGNAL_FATE if submission.signal else self._default_fate

    def noted(self, message: Message, move: Move | None) -> None:
        """Remember an accepted message; plan the expiry that some deliveries are told of as well."""
        if move is None:
            self._remember(message)
        elif move is Move.DELIVER and message.code == BOTH and self._tells_expiry(message):
            self._gateway.later(
                max(message.expires_ms, self._gateway.now_ms),
                f"expiry of {message.key}",
                lambda: self.reporter.server_event(message, "TTL_EXPIRATION_REVOKED"),
            )

    def reports_of(self, message: Message, move: Move | None) -> Sequence[Report]:
        """Return the events for delivery, reading and expiry."""
        if message.submission.signal:
            return ()
        match move:
            case Move.DELIVER:
                return self.reporter.user_event(message, "DELIVERED")
            case Move.READ:
                return self.reporter.user_event(message, "READ")
            case Move.EXPIRE if self._tells_expiry(message):
                word = REVOKE_FAILED if message.code == REVOKE_FAILED else "TTL_EXPIRATION_REVOKED"
                return self.reporter.server_event(message, word)
        return ()

    def _tells_expiry(self, message: Message) -> bool:
        submission = message.submission
        return not submission.signal and details_of(submission).expires

    def act(self, recipient: str, act: Act, draws: Draws) -> Sequence[Report]:
        """Return what the integrator is owed when a recipient does something."""
        return perform(self.reporter, self.threads, self.testers, recipient, act, draws)

    def reissue(self, report: Report, draws: Draws) -> Report:
        """Return the event as published once more: Pub/Sub numbers it anew, its own ids stay."""
        payload = structs.replace(payload_of(report), pubsub_id=draws.digits("pubsub", 16))
        return structs.replace(report, payload=payload)

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return the request for a webhook."""
        return render(payload_of(webhook.reports[0]), webhook.target)

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
        if self._why_unreachable(phone, circumstances):
            return None
        capable = circumstances.capable
        return capable if isinstance(capable, tuple) else self.settings.features

    def check_reach(self, phone: str) -> None:
        """Raise Refuse when a device is not to be reached by RCS."""
        if why := self._why_unreachable(phone, self._gateway.circumstances(phone)):
            raise refuse("NOT_REACHABLE", hint=why)

    def _why_unreachable(self, phone: str, circumstances: Circumstances) -> str:
        if circumstances.known is False:
            return f"{phone} is not known"
        if circumstances.capable is False:
            return f"{phone} is not capable of RCS"
        if not circumstances.reachable and self._long_gone(phone):
            return f"{phone} has not been connected for 31 days"
        return ""

    def _long_gone(self, phone: str) -> bool:
        now_ms = self._gateway.now_ms
        since_ms = now_ms - _FRESH_MS
        if since_ms < 0 or self._gateway.circumstances(phone, since_ms).reachable:
            return False
        change_ms = self._gateway.next_change_ms(phone, "reachable", since_ms)
        return change_ms is None or change_ms > now_ms

    def forget(self, message: Message) -> None:
        """Let go of a message that is over, in its thread and among the ids."""
        self.ids.pop((details_of(message.submission).agent, message.id), None)
        recipient = message.key.recipient
        thread = [other for other in self.threads.get(recipient, ()) if other.key != message.key]
        if thread:
            self.threads[recipient] = thread
        else:
            self.threads.pop(recipient, None)

    # -- memory ---------------------------------------------------------------------------------

    def _remember(self, message: Message) -> None:
        details = details_of(message.submission)
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
        if len(self.ids) > self._gateway.messages_max:
            del self.ids[next(iter(self.ids))]


def _refuse(name: str, why: str) -> Behaviour:
    return Behaviour(answer=AnswerFault(refuse=name, why=why))


_EVENTS: Final = {
    State.DELIVERED: "DELIVERED",
    State.READ: "READ",
    State.EXPIRED: "TTL_EXPIRATION_REVOKED",
}


def figures(account: ProviderAccount, message: Message) -> Mapping[str, str]:
    """Return the event that tells of a message, and in the US its segments."""
    word = _EVENTS.get(message.state, "")
    if message.state is State.EXPIRED and message.code == REVOKE_FAILED:
        word = REVOKE_FAILED
    classified = details_of(message.submission).resource.get("richMessageClassification", {})
    return {"code": word, "parts": str(classified.get("segmentCount", ""))}
