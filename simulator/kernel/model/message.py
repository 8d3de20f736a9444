"""
What became of a submission: a message, or a refusal.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, structs

from simulator.kernel.model.fates import Fate
from simulator.kernel.model.faults import WebhookFaults
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.moulds import cast
from simulator.kernel.model.ruling import Ruling
from simulator.kernel.model.rung import Rung
from simulator.kernel.model.submission import MessageKey, Reason, Submission

__all__ = ["INJECTED", "OWN_ID", "UNANSWERED", "Message", "Refused", "Rung"]

UNANSWERED: Final = 1
ANSWER_LOST: Final = 2
ID_UNKNOWN: Final = 4
INJECTED: Final = 8
OWN_ID: Final = 16
"""Its id is the client's own."""
_ONE_REPORT: Final = 32


class Message(Struct, kw_only=True, gc=False):
    """
    A submission that we accepted.
    """

    key: MessageKey
    id: str
    mould: Submission
    """Its submission but for recipient, id, text and time of sending, which are its own."""
    text: str
    hold_until_ms: int
    state: State
    accepted_ms: int
    changed_ms: int
    valid_ms: int
    """How long it is valid from when it is sent."""
    ruling: Ruling
    code: str = ""
    """The provider's own code for the state, when something more exact than the state decided it."""
    reason: Reason = Reason.NONE
    marks: int = 0
    """Which of the claims below are true, and of the marks above; above them, how many reports were owed."""
    offered: State | None = None
    """The last state of which a report was put up for pulling alone."""

    @property
    def submission(self) -> Submission:
        """What the client asked for, put together anew each time; mostly `mould` says enough."""
        own_id = self.id if self.marks & OWN_ID else ""
        return cast(self.mould, self.key.recipient, self.text, own_id, self.hold_until_ms)

    def hold_back(self, until_ms: int) -> None:
        """Let it be sent at another time, and be valid from then on as long as was asked for."""
        self.hold_until_ms = until_ms
        self.valid_ms = self.mould.validity_ms
        if self.mould.recipient:
            self.mould = structs.replace(self.mould, hold_until_ms=until_ms)

    @property
    def reports(self) -> int:
        """How many reports about it were owed so far; they leave in this order."""
        return self.marks // _ONE_REPORT

    def count_report(self) -> int:
        """Count one more report about it, and return which one it is."""
        self.marks += _ONE_REPORT
        return self.marks // _ONE_REPORT

    @property
    def fate(self) -> Fate:
        """What becomes of it."""
        return self.ruling.fate

    @property
    def faults(self) -> WebhookFaults | None:
        """What is done to its webhooks."""
        return self.ruling.faults

    @property
    def rung(self) -> Rung:
        """Who decided its fate."""
        return self.ruling.rung

    @property
    def rule(self) -> str:
        """The rule that decided the fate, if one did."""
        return self.ruling.rule

    @property
    def faults_rule(self) -> str:
        """The rule that decided what is done to its webhooks, if one did."""
        return self.ruling.faults_rule

    @property
    def unanswered(self) -> bool:
        """True while the call that submitted it has not been answered; its webhooks wait for that."""
        return self.marks & UNANSWERED != 0

    @property
    def answer_lost(self) -> bool:
        """True when the answer of that call was kept, spoilt or never read: the caller cannot know of it."""
        return self.marks & ANSWER_LOST != 0

    @property
    def id_unknown(self) -> bool:
        """True when its id was in such an answer, so it may never have been heard of."""
        return self.marks & ID_UNKNOWN != 0

    def lose_answer(self, *, with_id: bool) -> None:
        """Note that whoever called cannot know of it, and *with_id* that its id is as unknown."""
        self.marks |= ANSWER_LOST | (ID_UNKNOWN if with_id else 0)

    @property
    def injected(self) -> bool:
        """True when a storm of the scenario made it, and no call of the integrator."""
        return self.marks & INJECTED != 0

    def inject(self) -> None:
        """Note that a storm of the scenario made it."""
        self.marks |= INJECTED

    @property
    def expires_ms(self) -> int:
        """When its validity ends."""
        sent_ms = self.hold_until_ms if self.hold_until_ms > self.accepted_ms else self.accepted_ms
        return sent_ms + self.valid_ms


class Refused(Struct, frozen=True, kw_only=True, gc=False):
    """
    A submission that we refused, with the provider's code for it.
    """

    key: MessageKey
    submission: Submission
    code: str
    id: str = ""
    rung: Rung = Rung.RULE
    rule: str = ""
    why: str = ""
    """What exactly stood against it, where the rung alone does not say."""
    at_ms: int = 0
    retry_after_s: int = 0
    """What the answer said in its Retry-After; 0: it had none."""
