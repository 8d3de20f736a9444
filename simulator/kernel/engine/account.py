"""
What the kernel asks a provider about one space.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol, runtime_checkable

from simulator.kernel.model.chance import Draws
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.lifecycle import Move
from simulator.kernel.model.message import Message
from simulator.kernel.model.recipient import Circumstances
from simulator.kernel.model.rules import Act, Behaviour
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.webhooks.webhook import Attempt, Report, Webhook, WebhookPolicy, WebhookRequest

__all__ = [
    "Account",
    "Act",
    "GivesNames",
    "HearsAnswers",
    "Hooks",
    "ImpossibleAct",
    "IsAskedAbout",
    "KeepsReports",
    "Plan",
    "Plans",
    "Reserves",
    "TakesNote",
    "hooks_of",
]


class ImpossibleAct(ValueError):
    """
    A recipient cannot do this here; the text says why and what would be possible.
    """


class Account(Protocol):
    """
    A provider in one space: its settings, its policies, and what it remembers.

    The kernel decides what happens; an account says how this provider would have
    it by default, and what the integrator gets to hear.  Two of its members are
    commands, `configure` and `act`; the others are questions, which change
    nothing: they are asked about what never happened, too.  What else an account
    may do is in the protocols below, each of one member and each optional.
    """

    @property
    def policy(self) -> WebhookPolicy:
        """How webhooks are delivered."""
        ...

    @property
    def pace_ms(self) -> int:
        """Time between two waiting messages delivered to a recipient who is back."""
        ...

    @property
    def throttled_code(self) -> str:
        """The code of the refusal when a client sends too fast."""
        ...

    def configure(self, settings: Mapping[str, object]) -> None:
        """Change settings from now on; *settings* are as the provider's own shape has read them."""
        ...

    def mint_id(self, key: MessageKey, draws: Draws) -> str:
        """Return the id of a message whose client gave none."""
        ...

    def compose(self, recipient: str, text: str) -> Submission:
        """Return a submission as a client's simplest call would make it; storms are made of these."""
        ...

    def magic(self, submission: Submission) -> Behaviour | None:
        """Return what the recipient's reserved number asks for, if it is one."""
        ...

    def by_circumstances(self, submission: Submission, circumstances: Circumstances) -> Behaviour | None:
        """Return what the recipient's circumstances lead to, being unreachable apart, if anything."""
        ...

    def default_fate(self, submission: Submission) -> Fate:
        """Return what becomes of a message when nobody says otherwise; complete, with delays."""
        ...

    def refuses_call(self, code: str) -> bool:
        """Return True when *code* refuses the whole call, False when one recipient of it."""
        ...

    def reports_of(self, message: Message, move: Move | None) -> Sequence[Report]:
        """
        Return what the integrator is owed when *move* has brought *message* to the state it has.

        *move* is None when the message has just been accepted.  A report without a
        target is sent to nobody; it is for `told`.
        """
        ...

    def act(self, recipient: str, act: Act, draws: Draws) -> Sequence[Report]:
        """Let a recipient do something; return what is owed for it.  May raise ImpossibleAct."""
        ...

    def reissue(self, report: Report, draws: Draws) -> Report:
        """Return *report* as the provider makes it a second time, with new ids where it numbers them."""
        ...

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return the request for *webhook*; the same bytes however often it is asked."""
        ...


class Plan(NamedTuple):
    """
    What is to become of a message, and when its validity ends.
    """

    fate: Fate
    expires_ms: int


@runtime_checkable
class Plans(Protocol):
    """
    An account that fits fates to how its provider works.
    """

    def planned(self, message: Message) -> Plan:
        """Return the plan of *message*, accepted just now with the fate that the ladder decided."""
        ...


@runtime_checkable
class TakesNote(Protocol):
    """
    An account that keeps books about messages.
    """

    def noted(self, message: Message, move: Move | None) -> None:
        """
        Take note of a real change, before `reports_of` is asked about it.

        *move* is None when the message has just been accepted.
        """
        ...


@runtime_checkable
class KeepsReports(Protocol):
    """
    An account whose reports can be pulled.
    """

    def told(self, report: Report) -> None:
        """Take note of a report that is owed, true or not; faults of its webhook do not change it."""
        ...


@runtime_checkable
class Reserves(Protocol):
    """
    An account in which one submission of a call uses up what the next one needs.
    """

    def reserve(self, submission: Submission, behaviour: Behaviour | None) -> None:
        """Take note of what `by_circumstances` answered; the next submission is asked about after that."""
        ...


@runtime_checkable
class HearsAnswers(Protocol):
    """
    An account that cares for what the integrator answers to its webhooks.
    """

    def heard(self, webhook: Webhook, attempt: Attempt) -> Sequence[Report]:
        """Take note of an attempt and the answer in its `excerpt`; return what is owed for it."""
        ...


@runtime_checkable
class GivesNames(Protocol):
    """
    An account whose clients know a message by more than its id.
    """

    def names_of(self, submission: Submission) -> Mapping[str, str]:
        """
        Return ids of the client's or the call's own, in the provider's words, such as a `txnid`.

        They may be those of several submissions.
        """
        ...


@runtime_checkable
class IsAskedAbout(Protocol):
    """
    An account whose clients may look a submission up by ids that its story need not tell.
    """

    def found_by(self, submission: Submission) -> Sequence[str]:
        """Return ids that lead to the submission, beside its own and those of `names_of`."""
        ...


class Hooks(NamedTuple):
    """
    The optional commands and questions of one account; None where it has none of the kind.
    """

    planned: Callable[[Message], Plan] | None
    noted: Callable[[Message, Move | None], None] | None
    told: Callable[[Report], None] | None
    reserve: Callable[[Submission, Behaviour | None], None] | None
    heard: Callable[[Webhook, Attempt], Sequence[Report]] | None
    names_of: Callable[[Submission], Mapping[str, str]] | None
    found_by: Callable[[Submission], Sequence[str]] | None


def hooks_of(account: Account) -> Hooks:
    """Return the optional members of *account*."""
    # To ask by `isinstance` whether it is of a protocol costs ten times as much, in every new space.
    present = _hooks_of(type(account))
    return Hooks(*(getattr(account, name) if there else None for name, there in present))


@lru_cache(maxsize=256)
def _hooks_of(kind: type[Account]) -> tuple[tuple[str, bool], ...]:
    return tuple((name, hasattr(kind, name)) for name in Hooks._fields)
