"""
A pigeon fancier's account in one space.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from simulator.provider import (
    Act,
    AnswerFault,
    Behaviour,
    Boolean,
    Circumstances,
    ConstantDelay,
    Delay,
    DelayShape,
    Draws,
    Ending,
    Fate,
    Gateway,
    ImpossibleAct,
    Json,
    ListOf,
    Message,
    MessageKey,
    Move,
    Progress,
    Report,
    RetrySchedule,
    State,
    Submission,
    Text,
    Webhook,
    WebhookPolicy,
    WebhookRequest,
    WebhookSettings,
    changed,
    described,
    group,
    setting,
    settings_shape,
)
from toys.pigeon.codes import CALL_REFUSALS, FLOCK_FULL, NO_PERCH, failure, magic
from toys.pigeon.wire import render_reports

__all__ = ["RETRY_DOCUMENTED", "SETTINGS", "PigeonAccount", "Settings"]

RETRY_DOCUMENTED: Final = RetrySchedule((60_000, 300_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What can be said about a fancier's account.
    """

    credentials: tuple[str, ...] = setting(
        ListOf(Text(1, 100)), [], "The only rings accepted. None listed: any.", secret=True
    )
    webhook: WebhookSettings = group(WebhookSettings, "Where reports fly to.")
    deliver_after: Delay = setting(
        DelayShape(), "1s..4s", "From release to arrival when no rule says otherwise."
    )
    mute: bool = setting(Boolean(), False, "Recipients cannot write back.")


SETTINGS: Final = settings_shape(Settings, "Settings of the pigeon account.")

_REPORTED: Final = {
    State.DELIVERED: "DELIVERED",
    State.FAILED: "FAILED",
    State.EXPIRED: "EXPIRED",
    State.READ: "READ",
}


class PigeonAccount:
    """
    Settings, and how pigeons have it by default.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.settings = Settings()
        self._policy = self.settings.webhook.policy(RETRY_DOCUMENTED)

    # -- what the server asks -------------------------------------------------------------------

    @property
    def credentials(self) -> Sequence[str]:
        """The only credentials accepted; empty: any well-formed one."""
        return self.settings.credentials

    @property
    def actions(self) -> Mapping[str, Callable[[Json], Json]]:
        """One action: `coo` says what it was told."""
        return {"coo": lambda said: {"coo": said}}

    def configure(self, settings: Mapping[str, object]) -> None:
        """Change settings from now on."""
        self.settings = changed(self.settings, settings)
        self._policy = self.settings.webhook.policy(RETRY_DOCUMENTED)

    def describe(self) -> Mapping[str, object]:
        """Return the settings in force as plain JSON, without secrets."""
        return described(self.settings)

    # -- what the kernel asks -------------------------------------------------------------------

    @property
    def policy(self) -> WebhookPolicy:
        """How reports are delivered."""
        return self._policy

    @property
    def pace_ms(self) -> int:
        """One bird a second comes in."""
        return 1_000

    @property
    def throttled_code(self) -> str:
        """The code of the refusal when a client sends too fast."""
        return FLOCK_FULL

    def refuses_call(self, code: str) -> bool:
        """Return True for what refuses a whole flock."""
        return code in CALL_REFUSALS

    def mint_id(self, key: MessageKey, draws: Draws) -> str:
        """Return the number on the bird's ring."""
        return f"bird-{draws.hex('message.id')[:12]}"

    def compose(self, recipient: str, text: str) -> Submission:
        """Return a bird with nothing but a text."""
        return Submission(provider="pigeon", recipient=recipient, text=text)

    def magic(self, submission: Submission) -> Behaviour | None:
        """Return what a magic recipient asks for."""
        return magic(submission.recipient)

    def by_circumstances(self, submission: Submission, circumstances: Circumstances) -> Behaviour | None:
        """Return what becomes of birds to a black-listed, blocking or unknown recipient."""
        if circumstances.blacklisted:
            return Behaviour(answer=AnswerFault(refuse=NO_PERCH))
        if circumstances.blocked:
            return Behaviour(fate=failure("HAWK"))
        if circumstances.known is False:
            return Behaviour(fate=failure("LOST"))
        return None

    def default_fate(self, submission: Submission) -> Fate:
        """Return a safe arrival."""
        aloft = Progress(code="ALOFT", after=ConstantDelay(200))
        return Fate(ending=Ending.DELIVER, after=self.settings.deliver_after, progress=(aloft,))

    def reports_of(self, message: Message, move: Move | None) -> Sequence[Report]:
        """Return the report of an arrival, a failure, an expiry or a reading."""
        word = _REPORTED.get(message.state) if move is not None else None
        target = message.submission.details or self.settings.webhook.url
        if word is None or not isinstance(target, str) or not target:
            return ()
        key = message.key
        return (
            Report(
                provider=key.provider,
                recipient=key.recipient,
                label=word,
                target=target,
                at_ms=message.changed_ms,
                key=key,
                batch="reports",
                payload=(message.id, key.recipient, message.code, message.changed_ms),
            ),
        )

    def act(self, recipient: str, act: Act, draws: Draws) -> Sequence[Report]:
        """Return the note that a recipient's own bird brings."""
        if act.kind != "writes":
            raise ImpossibleAct(f"pigeon recipients cannot do {act.kind!r}; they can only write")
        if self.settings.mute:
            raise ImpossibleAct(f"{recipient} has no birds")
        if not self.settings.webhook.url:
            return ()
        note = Report(
            provider="pigeon",
            recipient=recipient,
            label="HARK",
            target=self.settings.webhook.url,
            at_ms=self._gateway.now_ms,
            payload=(draws.hex("note.id")[:12], recipient, act.sender, act.text),
        )
        return (note,)

    def reissue(self, report: Report, draws: Draws) -> Report:
        """Return the report of another bird."""
        bird, *rest = report.payload
        return structs.replace(report, payload=(f"{bird}-{draws.integer('again', 0, 9)}", *rest))

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return the request of one or more reports."""
        return WebhookRequest(
            url=webhook.target,
            body=render_reports(webhook.reports),
            headers=(("Content-Type", "text/x-coo"),),
        )
