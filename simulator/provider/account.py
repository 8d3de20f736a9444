"""
What the server asks a provider about one space, beyond what the kernel asks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from simulator.kernel.engine.account import Account
from simulator.kernel.model.message import Message
from simulator.schema.node import Json

__all__ = ["Action", "Forgets", "OffersActions", "ProviderAccount", "actions_of"]

Action = Callable[[Json], "Json | Awaitable[Json]"]
"""Takes the body of a control call, answers with another; raises ValueError for one that is wrong."""


class ProviderAccount(Account, Protocol):
    """
    A provider in one space: its settings, and what it remembers.
    """

    @property
    def credentials(self) -> Sequence[str]:
        """The only credentials accepted; empty: any well-formed one."""
        ...

    def describe(self) -> Mapping[str, object]:
        """Return the settings in force as plain JSON, without secrets."""
        ...


@runtime_checkable
class OffersActions(Protocol):
    """
    An account with actions of its own in the control API.
    """

    @property
    def actions(self) -> Mapping[str, Action]:
        """What can be done through the control API that only this provider has, by name."""
        ...


@runtime_checkable
class Forgets(Protocol):
    """
    An account that remembers messages, and can forget them.
    """

    def forget(self, message: Message) -> None:
        """Let go of a message that is over: nobody asks about it any more, as in a storm of a million."""
        ...


def actions_of(account: ProviderAccount) -> Mapping[str, Action]:
    """Return the actions of *account* by name; most have none."""
    return account.actions if isinstance(account, OffersActions) else {}
