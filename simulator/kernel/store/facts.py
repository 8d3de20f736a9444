"""
The facts that a journal holds: data, and not a word of prose.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, TypeAlias

from msgspec import Struct

from simulator.kernel.model.causes import Cause
from simulator.kernel.model.faults import Purpose
from simulator.kernel.model.lifecycle import Move, State
from simulator.kernel.model.message import Rung
from simulator.kernel.model.recipient import Value
from simulator.kernel.model.scenario import ClockMode, ServerTurn
from simulator.kernel.model.submission import Reason

__all__ = [
    "Accepted",
    "ActImpossible",
    "Acted",
    "AnswerUnread",
    "Attempted",
    "Called",
    "CircumstancesChanged",
    "ClockChanged",
    "Contradicted",
    "Dropped",
    "Duplicated",
    "EntryKind",
    "Fact",
    "Failed",
    "Held",
    "Intended",
    "Lapsed",
    "Lost",
    "Moved",
    "NotContradicted",
    "Note",
    "RefusalLeftOut",
    "Released",
    "Rescheduled",
    "Resent",
    "ScenarioLoaded",
    "Scope",
    "SendRefused",
    "ServerTurned",
    "SettingsChanged",
    "Suspended",
    "Unsigned",
]


class EntryKind(StrEnum):
    """
    What kind of fact an entry records; several facts share a kind.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    MOVED = "moved"
    LAPSED = "lapsed"
    CALL = "call"
    CIRCUMSTANCES = "circumstances"
    HELD = "held"
    RELEASED = "released"
    DROPPED = "dropped"
    ATTEMPT = "attempt"
    LOST = "lost"
    ACT = "act"
    SCENARIO = "scenario"
    CLOCK = "clock"
    SETTINGS = "settings"
    NOTE = "note"


class Scope(StrEnum):
    """
    How much a refusal refuses.
    """

    RECIPIENT = "recipient"
    CALL = "call"
    CONNECTION = "connection"
    """Dropped before any work; nobody was there to hear a code."""


# -- submissions and messages -----------------------------------------------------------------------


class Accepted(Struct, frozen=True, gc=False, omit_defaults=True, tag="accepted", tag_field="fact"):
    """
    A submission became a message; *rung* and *rule* decided its fate.
    """

    kind: ClassVar = EntryKind.ACCEPTED
    state: State
    rung: Rung
    rule: str = ""


class SendRefused(Struct, frozen=True, gc=False, omit_defaults=True, tag="refused", tag_field="fact"):
    """
    A submission, or the call that made it, was refused.
    """

    kind: ClassVar = EntryKind.REFUSED
    scope: Scope
    code: str
    rung: Rung
    rule: str = ""
    detail: str = ""
    """What exactly stood against it, in the provider's words."""
    retry_after_ms: int = 0
    """When a retry may help, as the answer said."""


class Moved(Struct, frozen=True, gc=False, omit_defaults=True, tag="moved", tag_field="fact"):
    """
    A message changed its state.
    """

    kind: ClassVar = EntryKind.MOVED
    state: State
    rung: Rung
    rule: str = ""
    code: str = ""
    reason: Reason = Reason.NONE
    unreachable: bool = False
    """That the recipient was out of reach is why; what decided the fate is not."""


class Lapsed(Struct, frozen=True, gc=False, omit_defaults=True, tag="lapsed", tag_field="fact"):
    """
    A move fell due and something else had got there first.
    """

    kind: ClassVar = EntryKind.LAPSED
    move: Move
    state: State


class Rescheduled(Struct, frozen=True, gc=False, omit_defaults=True, tag="rescheduled", tag_field="fact"):
    """
    A scheduled message will be sent at another time.
    """

    kind: ClassVar = EntryKind.NOTE
    to_ms: int


class Suspended(Struct, frozen=True, gc=False, omit_defaults=True, tag="suspended", tag_field="fact"):
    """
    A scheduled message will not be sent until it is rescheduled.
    """

    kind: ClassVar = EntryKind.NOTE


class NotContradicted(
    Struct, frozen=True, gc=False, omit_defaults=True, tag="not contradicted", tag_field="fact"
):
    """
    The end of a message was to be contradicted, and its provider has no report that would.
    """

    kind: ClassVar = EntryKind.NOTE
    provider: str
    arrived: bool
    rule: str = ""


# -- calls ------------------------------------------------------------------------------------------


class Called(Struct, frozen=True, gc=False, omit_defaults=True, tag="called", tag_field="fact"):
    """
    The integrator called, and was answered or cut off.
    """

    kind: ClassVar = EntryKind.CALL
    method: str
    path: str
    status: int
    """0: it was cut off."""
    query: tuple[tuple[str, str], ...] = ()
    """Without what proves who calls."""
    stall_real_ms: int = 0
    garbled: bool = False
    truncated: bool = False
    dripped: bool = False
    work_done: bool = False
    """Refused on purpose, after doing the work."""
    dropped: bool = False
    """Cut off on purpose."""
    rule: str = ""
    """The rule that did something to the answer."""
    code: str = ""
    """The provider's code, where its own checks refused the call."""
    detail: str = ""
    """Why the call was turned away by the provider's own checks, or before it reached them."""
    names: tuple[tuple[str, str], ...] = ()
    """What the client calls it by, in the provider's words, such as its `txnid`."""
    invalid_send: bool = False
    """It was to send something, and those checks found it wrong, or nobody serves such a call."""

    @property
    def misbehaved(self) -> bool:
        """True when something was done to the answer on purpose."""
        return (
            self.stall_real_ms > 0
            or self.garbled
            or self.truncated
            or self.dripped
            or self.work_done
            or self.dropped
        )


class AnswerUnread(Struct, frozen=True, gc=False, omit_defaults=True, tag="unread", tag_field="fact"):
    """
    Whoever made a call was gone before its answer was read.
    """

    kind: ClassVar = EntryKind.CALL


class Failed(Struct, frozen=True, gc=False, omit_defaults=True, tag="failed", tag_field="fact"):
    """
    A call failed inside the simulator.
    """

    kind: ClassVar = EntryKind.NOTE
    method: str
    path: str


class RefusalLeftOut(
    Struct, frozen=True, gc=False, omit_defaults=True, tag="refusal left out", tag_field="fact"
):
    """
    A rule refuses with a code about one recipient, and the call has none.
    """

    kind: ClassVar = EntryKind.NOTE
    operation: str
    code: str
    rule: str


# -- webhooks ---------------------------------------------------------------------------------------


class Intended(Struct, frozen=True, gc=False, omit_defaults=True, tag="intended", tag_field="fact"):
    """
    A rule does something to a webhook: it is late, damaged, or both.
    """

    kind: ClassVar = EntryKind.NOTE
    label: str
    purposes: tuple[Purpose, ...]
    rule: str = ""


class Dropped(Struct, frozen=True, gc=False, omit_defaults=True, tag="dropped", tag_field="fact"):
    """
    A rule drops a webhook.
    """

    kind: ClassVar = EntryKind.DROPPED
    label: str
    rule: str = ""


class Duplicated(Struct, frozen=True, gc=False, omit_defaults=True, tag="duplicated", tag_field="fact"):
    """
    A rule sends a webhook once more.
    """

    kind: ClassVar = EntryKind.NOTE
    label: str
    rule: str = ""


class Contradicted(Struct, frozen=True, gc=False, omit_defaults=True, tag="contradicted", tag_field="fact"):
    """
    A rule tells the opposite of how a message ended.
    """

    kind: ClassVar = EntryKind.NOTE
    label: str
    rule: str = ""
    pulled: bool = False
    """It is sent to nobody, but there for whoever pulls it."""


class Unsigned(Struct, frozen=True, gc=False, omit_defaults=True, tag="unsigned", tag_field="fact"):
    """
    A rule wants a wrong signature where there is none at all.
    """

    kind: ClassVar = EntryKind.NOTE
    label: str
    rule: str = ""


class Attempted(Struct, frozen=True, gc=False, omit_defaults=True, tag="attempted", tag_field="fact"):
    """
    A webhook was sent, and answered or not.
    """

    kind: ClassVar = EntryKind.ATTEMPT
    label: str
    number: int
    status: int = 0
    cause: Cause | None = None
    """Why there was no status."""
    error: str = ""
    """The same in words, with what the connection said."""


class Lost(Struct, frozen=True, gc=False, omit_defaults=True, tag="lost", tag_field="fact"):
    """
    A webhook is given up.
    """

    kind: ClassVar = EntryKind.LOST
    label: str
    attempts: int


class Resent(Struct, frozen=True, gc=False, omit_defaults=True, tag="resent", tag_field="fact"):
    """
    A webhook is sent again on request, as one of its own.
    """

    kind: ClassVar = EntryKind.NOTE
    label: str
    original: str


class Held(Struct, frozen=True, gc=False, omit_defaults=True, tag="held", tag_field="fact"):
    """
    Webhooks are held back from now on.
    """

    kind: ClassVar = EntryKind.HELD


class Released(Struct, frozen=True, gc=False, omit_defaults=True, tag="released", tag_field="fact"):
    """
    Webhooks that were held back may go.
    """

    kind: ClassVar = EntryKind.RELEASED
    count: int


# -- the space --------------------------------------------------------------------------------------


class CircumstancesChanged(
    Struct, frozen=True, gc=False, omit_defaults=True, tag="circumstances", tag_field="fact"
):
    """
    Something about a recipient, or about all under a prefix, is different from now on.
    """

    kind: ClassVar = EntryKind.CIRCUMSTANCES
    traits: dict[str, Value]
    by: str = ""
    """What changed it: `control`, `timeline`, or an act."""
    until_ms: int | None = None
    """When all is again as it was; None: it stays."""


class Acted(Struct, frozen=True, gc=False, omit_defaults=True, tag="acted", tag_field="fact"):
    """
    A recipient did something.
    """

    kind: ClassVar = EntryKind.ACT
    act: str
    text: str = ""
    to: str = ""
    """Whom it is addressed to."""
    number: int = 0
    """Which it is among the things that this recipient did; with it draws are named."""
    rule: str = ""
    """The rule that does something to its webhooks."""


class ActImpossible(
    Struct, frozen=True, gc=False, omit_defaults=True, tag="act impossible", tag_field="fact"
):
    """
    A recipient was to do something and cannot.
    """

    kind: ClassVar = EntryKind.NOTE
    act: str
    detail: str
    by: str = ""


class ScenarioLoaded(Struct, frozen=True, gc=False, omit_defaults=True, tag="scenario", tag_field="fact"):
    """
    Another scenario is in force, or one more rule, before those that were.
    """

    kind: ClassVar = EntryKind.SCENARIO
    name: str
    rule: str = ""


class ClockChanged(Struct, frozen=True, gc=False, omit_defaults=True, tag="clock", tag_field="fact"):
    """
    Time passes in another way.
    """

    kind: ClassVar = EntryKind.CLOCK
    mode: ClockMode
    rate: int = 1


class SettingsChanged(Struct, frozen=True, gc=False, omit_defaults=True, tag="settings", tag_field="fact"):
    """
    An account has other settings.
    """

    kind: ClassVar = EntryKind.SETTINGS
    names: tuple[str, ...] = ()
    text: str = ""
    """The change in words, where names do not say it."""


class ServerTurned(Struct, frozen=True, gc=False, omit_defaults=True, tag="server", tag_field="fact"):
    """
    Nobody listens at a provider's own port any more, or somebody does again.
    """

    kind: ClassVar = EntryKind.SCENARIO
    turn: ServerTurn


class Note(Struct, frozen=True, gc=False, omit_defaults=True, tag="note", tag_field="fact"):
    """
    What a provider wants to be known, in its own words; nothing is decided by them.
    """

    kind: ClassVar = EntryKind.NOTE
    text: str
    detail: str = ""
    """What caused it, in the provider's words, too."""


Fact: TypeAlias = (
    Accepted
    | SendRefused
    | Moved
    | Lapsed
    | Rescheduled
    | Suspended
    | NotContradicted
    | Called
    | AnswerUnread
    | Failed
    | RefusalLeftOut
    | Intended
    | Dropped
    | Duplicated
    | Contradicted
    | Unsigned
    | Attempted
    | Lost
    | Resent
    | Held
    | Released
    | CircumstancesChanged
    | Acted
    | ActImpossible
    | ScenarioLoaded
    | ClockChanged
    | ServerTurned
    | SettingsChanged
    | Note
)
