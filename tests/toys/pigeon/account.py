"""
A pigeon fancier's account in one space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from msgspec import structs

from simulator.provider import (
    Act,
    AnswerFault,
    Attempt,
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
from toys.pigeon.wire import pigeon, render_reports, seal

__all__ = ["RETRY_DOCUMENTED", "SETTINGS", "PigeonAccount", "Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What can be said about a fancier's account.
    """

    credentials: tuple[str, ...] = setting(
        ListOf(Text(1, 100)), [], "The only rings accepted. None listed: any.", secret=True
    )
    webhook: WebhookSettings = group(WebhookSettings, "Where reports fly to.")
    seal_key: str = setting(Text(0, 200), "", "Seals webhooks. Empty: they are not sealed.", secret=True)
    deliver_after: Delay = setting(
        DelayShape(), "1s..4s", "From release to arrival when no rule says otherwise."
    )
    mute: bool = setting(Boolean(), False, "Recipients cannot write back.")


SETTINGS: Final = settings_shape(Settings, "Settings of the pigeon account.")

RETRY_DOCUMENTED: Final = RetrySchedule((60_000, 300_000))
_GONE: Final = 410


def _repeats(target: str, attempt: Attempt) -> bool:
    """A loft that is gone for good is not flown to again."""
    return attempt.status != _GONE


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

    pace_ms = 1_000
    """One waiting bird a second comes in."""
    throttled_code = FLOCK_FULL

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.settings = Settings()

    # -- settings -------------------------------------------------------------------------------

    def configure(self, settings: Mapping[str, object]) -> None:
        """Change settings from now on."""
        self.settings = changed(self.settings, settings)

    def describe(self) -> Mapping[str, object]:
        """Return the settings in force as plain JSON, without secrets."""
        return described(self.settings)

    @property
    def credentials(self) -> Sequence[str]:
        """The only credentials accepted; empty: any well-formed one."""
        return self.settings.credentials

    @property
    def policy(self) -> WebhookPolicy:
        """How reports are delivered."""
        return replace(self.settings.webhook.policy(RETRY_DOCUMENTED), repeats=_repeats)

    # -- what becomes of a bird -----------------------------------------------------------------

    def compose(self, recipient: str, text: str) -> Submission:
        """Return a bird with nothing but a text."""
        return pigeon(recipient, text)

    def mint_id(self, key: MessageKey, draws: Draws) -> str:
        """Return the number on the bird's ring."""
        return f"bird-{draws.hex('message.id')[:12]}"

    def refuses_call(self, code: str) -> bool:
        """Return True for what refuses a whole flock."""
        return code in CALL_REFUSALS

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

    # -- what is told ---------------------------------------------------------------------------

    def reports_of(self, message: Message, move: Move | None) -> Sequence[Report]:
        """Return the report of an arrival, a failure, an expiry or a reading."""
        word = _REPORTED.get(message.state) if move is not None else None
        target = message.submission.details or self.settings.webhook.url
        if word is None or not isinstance(target, str) or not target:
            return ()
        key = message.key
        report = Report(
            provider=key.provider,
            recipient=key.recipient,
            label=word,
            target=target,
            at_ms=message.changed_ms,
            key=key,
            batch="reports",
            payload=(message.id, key.recipient, message.code, message.changed_ms),
        )
        return (report,)

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
        assert isinstance(report.payload, tuple)
        bird, *rest = report.payload
        return structs.replace(report, payload=(f"{bird}-{draws.integer('again', 0, 9)}", *rest))

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return the request of one or more reports."""
        body = render_reports(webhook.reports)
        headers = (("Content-Type", "text/x-coo"),)
        if not self.settings.seal_key:
            return WebhookRequest(url=webhook.target, body=body, headers=headers)
        sealed = (*headers, ("X-Seal", seal(body, self.settings.seal_key)))
        return WebhookRequest(url=webhook.target, body=body, headers=sealed, signed_by=("X-Seal",))
