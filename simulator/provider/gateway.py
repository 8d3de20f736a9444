"""
A provider's door into one space, and from there to the integrator.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from simulator.kernel.engine.call_result import CallResult, Later
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.chance import Draws
from simulator.kernel.model.lifecycle import Move
from simulator.kernel.model.message import Message, Rung
from simulator.kernel.model.recipient import Circumstances, Value
from simulator.kernel.model.submission import MessageKey, Reason, Submission
from simulator.kernel.model.turns import InTurns
from simulator.kernel.store.facts import Note
from simulator.kernel.webhooks.webhook import Report
from simulator.provider.account import ProviderAccount

__all__ = ["Fetch", "Fetched", "Gateway", "Watch"]

_REMOVED_MAX: Final = 1_000_000


class Watch(Protocol):
    """
    Whatever tells the time of a space: a gateway, or a clock.
    """

    @property
    def now_ms(self) -> int:
        """The space's time, in milliseconds since it began."""
        ...

    @property
    def epoch_ms(self) -> int:
        """When the space began, in milliseconds since 1970."""
        ...

    def unix_ms(self, at_ms: int | None = None) -> int:
        """Return *at_ms* of the space's time, or now, in milliseconds since 1970."""
        ...


class Fetched(NamedTuple):
    """
    What came of a request that a provider made itself.
    """

    status: int
    """0 when there was no answer; `error` says why."""
    body: bytes = b""
    error: str = ""


class Fetch(Protocol):
    """
    Makes an HTTP request to the integrator, through the same guard as webhooks.
    """

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_real_ms: int
    ) -> Awaitable[Fetched]: ...


def nobody_objects(url: str) -> str:
    """Refuse no address."""
    return ""


async def no_way_out(
    method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_real_ms: int
) -> Fetched:
    """Reach nobody."""
    return Fetched(0, error="this space has no way out")


class Gateway:
    """
    A provider's door into one space.

    Times are milliseconds since the space began; `unix_ms` turns them into dates.
    """

    __slots__ = (
        "_removed",
        "_simulation",
        "account",
        "base_url",
        "credential",
        "fetch",
        "provider",
        "space",
        "why_not",
    )

    account: ProviderAccount
    """The provider's own account; there is none yet while the provider opens it."""

    def __init__(
        self,
        *,
        space: str,
        provider: str,
        simulation: Simulation,
        credential: str = "",
        fetch: Fetch = no_way_out,
    ) -> None:
        self.space = space
        self.provider = provider
        """The provider's name."""
        self.credential = credential
        """The credential that leads to this space, whatever the URL."""
        self.fetch = fetch
        """Makes a request of the provider's own, such as the handshake of a new webhook."""
        self.why_not: Callable[[str], str] = nobody_objects
        """Says why nothing will ever be sent to an address, as far as is known before; empty: it will."""
        self.base_url = ""
        """Where clients reach this provider in this space, as far as anybody has told."""
        self._simulation = simulation
        self._removed: dict[MessageKey, None] = {}

    # -- time and chance ------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The space's time, in milliseconds since it began."""
        return self._simulation.clock.now_ms

    @property
    def epoch_ms(self) -> int:
        """When the space began, in milliseconds since 1970."""
        return self._simulation.clock.epoch_ms

    def unix_ms(self, at_ms: int | None = None) -> int:
        """Return *at_ms* of the space's time, or now, in milliseconds since 1970."""
        return self._simulation.clock.unix_ms(at_ms)

    def draws(self, *key: str | int) -> Draws:
        """
        Return the draws of *key*: the same for the same seed and key, whatever came before.

        Begin keys with the provider's name; a message's own key needs no more.
        """
        return self._simulation.chance.of(*key)

    # -- recipients -----------------------------------------------------------------------------

    def circumstances(self, recipient: str, at_ms: int | None = None) -> Circumstances:
        """Return what is true of *recipient* at *at_ms*, or now."""
        return self._simulation.directory.at(recipient, self.now_ms if at_ms is None else at_ms)

    def next_change_ms(self, recipient: str, trait: str, after_ms: int) -> int | None:
        """Return when *trait* of a recipient changes next after *after_ms*; None: never, so far."""
        return self._simulation.directory.next_change_after(recipient, trait, after_ms)

    def true_since_ms(self, recipient: str, trait: str) -> int | None:
        """Return since when *trait* of a recipient is as it is now; None: it never changed."""
        return self._simulation.directory.since(recipient, trait, self.now_ms)

    def known_recipients(self) -> Iterator[str]:
        """Yield the addresses about which something was said one by one, in no order."""
        return self._simulation.directory.addresses()

    def change_recipient(self, recipient: str, traits: Mapping[str, Value], why: str) -> None:
        """Change circumstances of a recipient from now on; *why* is told in the journal."""
        self._simulation.change_recipient(recipient, traits, why=why)

    # -- messages -------------------------------------------------------------------------------

    @property
    def messages_max(self) -> int:
        """So many messages the space keeps; an account need not remember more of them."""
        return self._simulation.state.store.limit

    def names_of(self, submission: Submission) -> Mapping[str, str]:
        """Return what else a submission goes by, as the account's `names_of` has it."""
        return self._simulation.names_of(submission)

    def submit(self, submissions: Sequence[Submission]) -> CallResult:
        """Submit what a call asks for; handlers use `Call.submit`, which raises what refuses it."""
        return self._simulation.submit(submissions, unanswered=True)

    def submitting(self, submissions: Sequence[Submission]) -> InTurns[CallResult]:
        """Submit the same a slice at a time; handlers use `Call.submitting`."""
        return self._simulation.submitting(submissions)

    def submitting_later(self, submissions: Sequence[Submission], later: Later) -> InTurns[CallResult]:
        """Submit what a call asks for once it is answered; handlers use `Call.submitting_later`."""
        return self._simulation.submitting_later(submissions, self.provider, later)

    def message(self, message_id: str) -> Message | None:
        """Return the latest message with this id, or None when there is none or it was removed."""
        message = self._simulation.message(self.provider, message_id)
        return None if message is None or message.key in self._removed else message

    def message_of(self, key: MessageKey) -> Message | None:
        """Return the message with this key, or None when there is none any more or it was removed."""
        return None if key in self._removed else self._simulation.messages.get(key)

    def messages(self) -> Iterator[Message]:
        """Yield this provider's messages that have not been removed, one for each id, the oldest first."""
        removed = self._removed
        for message in self._simulation.state.store.of_provider(self.provider):
            if message.key not in removed:
                yield message

    def remove(self, message: Message) -> None:
        """
        Hide a message from `message` and `messages`, for calls that delete it.

        What becomes of it goes on; the journal keeps its story.
        """
        self._removed[message.key] = None
        if len(self._removed) > _REMOVED_MAX:
            del self._removed[next(iter(self._removed))]
        self.note("removed by its client", message=message)

    def move(
        self,
        message: Message,
        move: Move,
        code: str = "",
        reason: Reason = Reason.NONE,
        *,
        by: Rung = Rung.CLIENT,
    ) -> None:
        """Move a message now, because its client (or whoever *by* says) wants it; may raise IllegalMove."""
        self._simulation.move(message, move, code, reason, by=by)

    def cancel(self, message: Message, code: str = "") -> None:
        """Revoke a message on its client's behalf; raises IllegalMove when it is too late for that."""
        self.move(message, Move.REVOKE, code, Reason.CANCELED)

    def reschedule(self, message: Message, at_ms: int) -> None:
        """Move the sending of a scheduled message to *at_ms*; raises IllegalMove for any other."""
        self._simulation.reschedule(message, at_ms)

    def suspend(self, message: Message) -> None:
        """Hold a scheduled message until it is rescheduled; raises IllegalMove for any other."""
        self._simulation.suspend(message)

    def next_key(self, recipient: str) -> MessageKey:
        """Return the key that the next submission to *recipient* will have; takes nothing."""
        return self._simulation.next_key(self.provider, recipient)

    def take_key(self, recipient: str) -> MessageKey:
        """Take and return the next key of *recipient*, for draws about what is no message."""
        return self._simulation.take_key(self.provider, recipient)

    # -- what happens later, and what is told ---------------------------------------------------

    def later(self, at_ms: int, name: str, run: Callable[[], Sequence[Report]]) -> None:
        """Do something of the provider's own at *at_ms*; *name* puts those of one instant in order."""
        self._simulation.run_at(at_ms, self.provider, name, run)

    def owe(self, report: Report) -> None:
        """Owe the integrator a report that neither a message nor a recipient caused."""
        self._simulation.owe(report)

    def note(self, text: str, *, message: Message | None = None, why: str = "") -> None:
        """Write into the journal what nobody else would, about *message* if it is about one."""
        self._simulation.journal.add(
            self.now_ms,
            Note(text, why),
            key=message.key if message is not None else None,
            provider=self.provider,
            ref=message.id if message is not None else "",
        )
