"""
Scenarios: rules that say when, and what then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from simulator.kernel.model.chance import Draws
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.faults import WebhookFaults
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.model.units import Rate, format_duration, format_share

__all__ = [
    "Act",
    "AnswerFault",
    "Behaviour",
    "Drop",
    "Match",
    "Miss",
    "Nth",
    "Pattern",
    "Rule",
    "TextMatch",
    "Throttle",
]

_LISTED_MAX: Final = 5
_CONTAINED_LENGTH_MAX: Final = 2_000
"""So far into a text `contains` looks."""


class Act(NamedTuple):
    """
    Something a recipient does: writes, taps, reads, types, follows.
    """

    kind: str
    text: str = ""
    sender: str = ""
    """Whom it is addressed to: the integrator's number or agent; empty: the provider's default."""
    data: object = None


class Drop(StrEnum):
    """
    When the connection is cut: before or after the work of the call was done.
    """

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Throttle:
    """
    A token bucket on the space's clock: so many calls, then the provider's refusal for too many.
    """

    rate: Rate
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFault:
    """
    What a rule does to the answer of a call.
    """

    refuse: str = ""
    """The provider's code; whether it refuses one recipient or the whole call is the provider's to say."""
    why: str = ""
    """What stands against it, where a recipient's circumstances refuse: `no session is open`."""
    gateway: int = 0
    """A proxy in front of the provider answers, with this status, in its own words; 0: none does."""
    work_done: bool = False
    """Refuse, but do the work all the same."""
    throttle: Throttle | None = None
    stall_real_ms: int = 0
    drop: Drop | None = None
    truncate: bool = False
    """Break the answer off in the middle."""
    garble: bool = False
    """Flip a few bytes of the answer."""
    drip_real_ms: int = 0
    """Send the answer bit by bit, over so long in real time."""

    @property
    def refuses(self) -> bool:
        """True when it says no, in the provider's words or a proxy's."""
        return bool(self.refuse or self.gateway)

    @property
    def alters_answer(self) -> bool:
        """True when something is done to the answer itself, whatever it says."""
        late = self.stall_real_ms or self.drip_real_ms
        return bool(late or self.drop or self.truncate or self.garble or self.work_done)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """
    What then: the three places in which a rule may act.
    """

    answer: AnswerFault | None = None
    fate: Fate | None = None
    webhooks: WebhookFaults | None = None


class Miss(NamedTuple):
    """
    One reason why a rule did not apply.
    """

    field: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True)
class Nth:
    """
    Which of a recipient's submissions: from first to last, or every so many.
    """

    first: int = 1
    last: int | None = None
    every: int = 1

    def holds(self, ordinal: int) -> bool:
        """Return True when the *ordinal*-th submission to a recipient is meant."""
        if ordinal < self.first or (self.last is not None and ordinal > self.last):
            return False
        return (ordinal - self.first) % self.every == 0

    def __str__(self) -> str:
        if self.every > 1:
            return f"every {self.every}"
        return str(self.first) if self.last == self.first else f"{self.first}..{self.last or ''}"


class Pattern(Protocol):
    """
    What searches a text, in a time that its maker answers for.
    """

    @property
    def pattern(self) -> str:
        """How it is written."""
        ...

    def search(self, text: str, /) -> object | None:
        """Return something when *text* has a match, else None."""
        ...


@dataclass(frozen=True, slots=True)
class TextMatch:
    """
    A condition on the text of a message: contained, equal, or a regular expression.
    """

    contains: str = ""
    equals: str | None = None
    matches: Pattern | None = None
    _folded: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_folded", self.contains.casefold())

    def holds(self, text: str) -> bool:
        """Return True when *text* fits; containment ignores case."""
        if self.equals is not None and text != self.equals:
            return False
        if self._folded and self._folded not in _folded(text):
            return False
        return self.matches is None or self.matches.search(text) is not None

    def __str__(self) -> str:
        if self.equals is not None:
            return f"the text {self.equals!r}"
        if self.matches is not None:
            return f"a text that matches {self.matches.pattern!r}"
        return f"a text that contains {self.contains!r}"


@lru_cache(maxsize=8)
def _folded(text: str) -> str:
    # Ten thousand rules may ask about one text; folding it for each of them would show.
    return text[:_CONTAINED_LENGTH_MAX].casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """
    When a rule applies: every condition that is given must hold.
    """

    provider: str = ""
    operation: str = ""
    recipient: tuple[str, ...] = ()
    sender: str = ""
    text: TextMatch | None = None
    credential: str = ""
    nth: Nth | None = None
    share_bp: int | None = None
    during: tuple[int, int | None] | None = None
    """From and until, offsets from the start of the scenario; the end is not part of it."""
    _patterns: frozenset[str] = field(init=False, repr=False, compare=False)
    _lengths: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A rule may list ten thousand recipients; asking each of them would show.
        prefixes = {len(pattern) - 1 for pattern in self.recipient if pattern.endswith("*")}
        object.__setattr__(self, "_patterns", frozenset(self.recipient))
        object.__setattr__(self, "_lengths", tuple(sorted(prefixes)))

    def _means(self, recipient: str) -> bool:
        patterns = self._patterns
        return (recipient in patterns and not recipient.endswith("*")) or any(
            length <= len(recipient) and f"{recipient[:length]}*" in patterns for length in self._lengths
        )

    def misses(
        self, submission: Submission, key: MessageKey, draws: Draws, since_start_ms: int, name: str
    ) -> Iterator[Miss]:
        """
        Yield why the rule *name* does not apply to a submission; nothing means that it applies.

        One function decides and explains, so the explanation cannot differ from
        the decision.  It is lazy: to decide, ask for the first miss only.
        """
        if self.provider and self.provider != submission.provider:
            yield Miss("provider", self.provider, submission.provider)
        if self.operation and self.operation != submission.operation:
            yield Miss("operation", self.operation, submission.operation)
        if self.recipient and not self._means(submission.recipient):
            yield Miss("recipient", _listed(self.recipient), submission.recipient)
        if self.sender and not _fits(self.sender, submission.sender):
            yield Miss("sender", self.sender, submission.sender or "no sender")
        if self.credential and self.credential != submission.credential:
            yield Miss("credential", "another credential", "the credential of the call")
        if self.nth is not None and not self.nth.holds(key.ordinal):
            yield Miss("nth", str(self.nth), str(key.ordinal))
        if self.during is not None:
            start_ms, end_ms = self.during
            if since_start_ms < start_ms or (end_ms is not None and since_start_ms >= end_ms):
                until = format_duration(end_ms) if end_ms is not None else ""
                expected = f"{format_duration(start_ms)}..{until}"
                yield Miss("during", expected, format_duration(since_start_ms))
        if self.text is not None and not self.text.holds(submission.text):
            yield Miss("text", str(self.text), repr(submission.text[:80]))
        if self.share_bp is not None:
            place_bp = draws.place_bp(f"rule.{name}.share")
            if place_bp >= self.share_bp:
                yield Miss("share", format_share(self.share_bp), f"a draw of {format_share(place_bp)}")


def _listed(patterns: tuple[str, ...]) -> str:
    more = len(patterns) - _LISTED_MAX
    shown = [*patterns[:_LISTED_MAX], f"{more} more"] if more > 0 else patterns
    return " or ".join(shown)


def _fits(pattern: str, value: str) -> bool:
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    When, and what then.
    """

    name: str
    when: Match
    then: Behaviour
    line: int = 0
    """Line of the scenario file; 0 when it came from elsewhere."""
