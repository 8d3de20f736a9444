"""
Calls of the integrator, and what they are answered.
"""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from time import monotonic_ns
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct, field

from simulator.kernel.engine.call_result import UNDECIDED, CallResult, Later
from simulator.kernel.model.message import Message, Refused
from simulator.kernel.model.rules import Drop
from simulator.kernel.model.submission import Submission
from simulator.kernel.model.turns import InTurns, at_once
from simulator.kernel.webhooks.webhook import Report
from simulator.provider.aside import aside
from simulator.provider.gateway import Gateway
from simulator.provider.refusing import CallCut, Refuse

__all__ = ["Answer", "Call", "Credential"]

A = TypeVar("A")
T = TypeVar("T")

TURN_REAL_NS: Final = 2_000_000
"""A call that takes longer lets others have their turn so often."""
_SMALL: Final = 12
"""A call of so few pieces, three messages or so, is never divided, however slow the machine is."""
_AT_ONCE_BYTES_MAX: Final = 32_768


class Answer(NamedTuple):
    """
    What a provider answers to a call.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Credential(NamedTuple):
    """
    What a client presented to prove who it is.
    """

    scheme: str
    secret: str
    user: str = ""

    @property
    def text(self) -> str:
        """The credential as settings list it: the secret, or `user:secret`."""
        return f"{self.user}:{self.secret}" if self.user else self.secret

    @property
    def always_refused(self) -> bool:
        """True for the ones that every space refuses, so that refusal can be tested."""
        return self.secret.startswith("invalid") or self.user.startswith("invalid")


class Call(Struct, kw_only=True, eq=False):
    """
    One HTTP call to a provider, read completely.
    """

    method: str
    path: str
    gateway: Gateway
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = {}
    body: bytes = b""
    credential: Credential | None = None
    began_real_ns: int = 0
    """When it came, by the machine's own watch; evidence tells how long it took."""
    path_values: Mapping[str, str] = {}
    """What stands in the path where its route has `{name}`."""
    url: str = ""
    """Scheme, host and prefix under which the client reached this provider."""
    result: CallResult = field(default_factory=lambda: UNDECIDED)
    names: Mapping[str, str] = {}
    """What the client calls it by, such as a `txnid`, for the journal; known once it has submitted."""
    refused: Refuse | None = None
    """Why it was refused, if it was."""
    notes: tuple[str, ...] = ()
    """What its answer has no words for."""
    at_once: bool = False
    """Nothing else may happen before it is dealt with."""
    unreadable: str = ""
    """Why its body could not be read, before any provider looked at it; empty: it could."""

    @property
    def credential_text(self) -> str:
        """The credential as settings list it; empty when the call has none."""
        return self.credential.text if self.credential is not None else ""

    def account(self, kind: type[A]) -> A:
        """Return the provider's account in the space of this call, which is of *kind*."""
        account = self.gateway.account
        if not isinstance(account, kind):
            raise TypeError(f"expected an account of {kind.__name__}, got {type(account).__name__}")
        return account

    def query_value(self, name: str) -> str | None:
        """Return the last query parameter of this name, or None."""
        last = None
        for key, value in self.query:
            if key == name:
                last = value
        return last

    def note(self, text: str) -> None:
        """Tell in a header of the answer, and in the journal, what the answer itself has no words for."""
        self.notes = (*self.notes, text)
        self.gateway.note(text)

    def submit(self, submissions: Sequence[Submission]) -> list[Message | Refused]:
        """
        Submit everything this call asks to send; return one outcome per submission, in order.

        Raises Refuse when a rule refuses the whole call, CallCut when one cuts it off.
        """
        self._note_names(submissions)
        self.decided(self.gateway.submit(submissions))
        return self.result.outcomes

    def submitting(self, submissions: Sequence[Submission]) -> InTurns[list[Message | Refused]]:
        """Do the same in turns, for calls that ask for thousands; see `in_turns`."""
        self._note_names(submissions)
        self.decided((yield from self.gateway.submitting(submissions)))
        return self.result.outcomes

    def in_turns(self, steps: InTurns[Answer | Awaitable[Answer]]) -> Answer | Awaitable[Answer]:
        """
        Return the answer that *steps* come to, with turns for others between those that yield.

        What takes less than a turn, as nearly every call does, comes to it at once.  A call that
        is recorded or replayed does so, too, for its place among the others counts.
        """
        if self.at_once:
            return at_once(steps)
        answer = _one_turn(steps, _SMALL)
        return answer if answer is not None else _taking_turns(steps)

    def when_decided(
        self, deciding: InTurns[CallResult], handler: Callable[[Call], Answer | Awaitable[Answer]]
    ) -> Answer | Awaitable[Answer]:
        """Return the answer of *handler* once it is decided what rules do to the call."""

        def steps() -> InTurns[Answer | Awaitable[Answer]]:
            self.decided((yield from deciding))
            return handler(self)

        return self.in_turns(steps())

    @property
    def short(self) -> bool:
        """True when its body is read at once, whatever stands in it."""
        return self.at_once or len(self.body) <= _AT_ONCE_BYTES_MAX

    def read_in_turns(
        self, read: Callable[[], T], then: Callable[[T], Answer | Awaitable[Answer]]
    ) -> Answer | Awaitable[Answer]:
        """Return what *then* makes of what is *read* from the body; a long one is read beside the loop."""
        if self.short:
            return then(read())
        return _reading_aside(read, then)

    async def aside(self, size: int, work: Callable[[], T]) -> T:
        """Return what *work* on so many bytes comes to; on many it is done beside the loop."""
        if self.at_once or size <= _AT_ONCE_BYTES_MAX:
            return work()
        return await aside(work)

    def submitting_later(
        self,
        submissions: Sequence[Submission],
        *,
        after_ms: int,
        name: str = "",
        prepare: Callable[[Sequence[Submission]], Iterable[Submission]],
        done: Callable[[Sequence[Message | Refused]], Sequence[Report] | InTurns[Sequence[Report]]],
    ) -> InTurns[None]:
        """
        Do what this call asks for *after_ms* from now, in turns, for providers that answer before they work.

        Whatever rules do to the answer happens at once.  When the work is due, *prepare*
        makes the provider's own checks, the submissions are decided together as things
        stand then, and *done* says what the integrator is owed for it.  Raises Refuse when
        a rule refuses the whole call, CallCut when one cuts it off.
        """
        self._note_names(submissions)
        later = Later(self.gateway.now_ms + after_ms, name, prepare, done, not self.at_once)
        self.decided((yield from self.gateway.submitting_later(submissions, later)))

    def _note_names(self, submissions: Sequence[Submission]) -> None:
        if submissions and not self.names:
            self.names = self.gateway.names_of(submissions[0])

    def decided(self, result: CallResult) -> None:
        """Take note of what became of it; raises Refuse or CallCut when that is the end of it."""
        self.result = result
        if self.result.refusal is not None:
            raise Refuse.as_decided(self.result.refusal)
        if self.result.drop is Drop.BEFORE:
            raise CallCut


def _one_turn(
    steps: InTurns[Answer | Awaitable[Answer]], first: int = 1
) -> Answer | Awaitable[Answer] | None:
    """Return the answer that *steps* come to; None: they take longer than their *first* ones and a turn."""
    pieces = 0
    until_ns = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: Answer | Awaitable[Answer] = end.value
            return answer
        pieces += 1
        if pieces == first:
            until_ns = monotonic_ns() + TURN_REAL_NS
        elif pieces > first and monotonic_ns() >= until_ns:
            return None


async def _taking_turns(steps: InTurns[Answer | Awaitable[Answer]]) -> Answer:
    answer = None
    while answer is None:
        await _turn()
        answer = _one_turn(steps)
    # To make a long answer takes its time, and so will writing it.
    await _turn()
    return answer if isinstance(answer, Answer) else await answer


async def _reading_aside(read: Callable[[], T], then: Callable[[T], Answer | Awaitable[Answer]]) -> Answer:
    answer = then(await aside(read))
    return answer if isinstance(answer, Answer) else await answer


@types.coroutine
def _turn() -> Generator[None, None, None]:
    """Let everybody else have a turn; the same as a sleep of no time, without loading what sleeps."""
    yield
