"""
The contract: every question there is, put to one provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from simulator.provider import Provider
from simulator.testing.case import Case
from simulator.testing.questions import declared, refusing, sending, telling
from simulator.testing.row import Row

__all__ = ["Question", "contract"]

_QUESTIONS: Final[tuple[Callable[[Case], Awaitable[None]], ...]] = (
    *declared.QUESTIONS,
    *refusing.QUESTIONS,
    *sending.QUESTIONS,
    *telling.QUESTIONS,
)


class Question:
    """
    One question of the contract; calling it asks, and raises AssertionError where the answer is no.
    """

    def __init__(self, name: str, promise: str, ask: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self.promise = promise
        """What a provider that passes keeps, in a sentence."""
        self._ask = ask

    def __call__(self) -> None:
        async def asked() -> None:
            await self._ask()

        asyncio.run(asked())

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{self.name}: {self.promise}>"


def contract(provider: Provider, row: Row) -> list[Question]:
    """
    Return every question for *provider*: one of each kind, and one for each magic recipient.
    """
    case = Case(provider, row)
    questions = [_question(f"{provider.name}-{ask.__name__}", ask, partial(ask, case)) for ask in _QUESTIONS]
    magic = sending.magic_recipient_does_what_the_catalogue_says
    for code in provider.codes():
        if code.recipient:
            name = f"{provider.name}-magic-{code.kind}-{code.code or code.name}-{code.recipient}"
            questions.append(_question(name, magic, partial(magic, case, code)))
    return questions


def _question(
    name: str, promise: Callable[..., Awaitable[None]], ask: Callable[[], Awaitable[None]]
) -> Question:
    return Question(name, " ".join((promise.__doc__ or "").split()), ask)
