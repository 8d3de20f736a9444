"""
What became of a submission: a message, or a refusal.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from simulator.kernel.model.fates import Fate
from simulator.kernel.model.faults import WebhookFaults
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.submission import MessageKey, Reason, Submission

__all__ = ["Message", "Refused", "Rung"]


class Rung(StrEnum):
    """
    Which rung of the outcome ladder decided.
    """

    PROVIDER = "the provider's own checks"
    CONTROL = "control"
    CLIENT = "the client's own call"
    RECIPIENT = "the recipient"
    MAGIC = "magic recipient"
    RULE = "rule"
    CIRCUMSTANCES = "circumstances"
    DEFAULT = "default"


class Message(Struct, kw_only=True, gc=False):
    """
    A submission that we accepted.
    """

    key: MessageKey
    id: str
    submission: Submission
    state: State
    accepted_ms: int
    changed_ms: int
    valid_ms: int
    """How long it is valid from when it is sent."""
    fate: Fate
    faults: WebhookFaults | None = None
    rung: Rung = Rung.DEFAULT
    rule: str = ""
    """The rule that decided the fate, if one did."""
    faults_rule: str = ""
    code: str = ""
    """The provider's own code for the state, when something more exact than the state decided it."""
    reason: Reason = Reason.NONE
    reports: int = 0
    """How many reports about it were owed so far; they leave in this order."""
    unanswered: bool = False
    """True while the call that submitted it has not been answered; its webhooks wait for that."""
    answer_lost: bool = False
    """True when the answer of that call was kept, spoilt or never read: whoever called cannot know of it."""
    id_unknown: bool = False
    """True when its id was in such an answer, so it may never have been heard of."""
    injected: bool = False
    """True when a storm of the scenario made it, and no call of the integrator."""
    offered: State | None = None
    """The last state of which a report was put up for pulling alone."""

    @property
    def expires_ms(self) -> int:
        """When its validity ends."""
        return max(self.accepted_ms, self.submission.hold_until_ms) + self.valid_ms


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
