"""
Every message by its end, in few characters: what a browser's own search finds on a page without scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simulator.evidence.lives import Group
from simulator.kernel.model.message import Message

__all__ = ["Index", "IndexRow", "index"]

_CHARACTERS_MAX = 60_000


class IndexRow(NamedTuple):
    """
    Messages that ended alike.
    """

    title: str
    names: str


class Index(NamedTuple):
    """
    All messages; *note* says what is left out.
    """

    note: str
    rows: Sequence[IndexRow]


def index(groups: Sequence[Group]) -> Index:
    """
    Return the messages of *groups*: recipient and number, and their ids as long as those fit.

    Of more than fit, the first ones of each group are listed; the groups at the
    end, which are the usual ones, give way first.
    """
    total = sum(len(group.lives) for group in groups)
    ids = sum(len(_name(life.message)) for group in groups for life in group.lives) <= _CHARACTERS_MAX
    rows: list[IndexRow] = []
    room = _CHARACTERS_MAX
    listed = 0
    for group in groups:
        names: list[str] = []
        for life in group.lives:
            name = _name(life.message) if ids else _short_name(life.message)
            room -= len(name) + 2
            if room < 0:
                break
            names.append(name)
        listed += len(names)
        if names:
            rows.append(IndexRow(f"{group.title} ({len(group.lives):,})", ", ".join(names)))
    left = f"; {total - listed:,} more have no room, and are in the journal and HAR" if listed < total else ""
    return Index(f"{'' if ids else ', without ids'}{left}", rows)


def _short_name(message: Message) -> str:
    key = message.key
    return key.recipient if key.ordinal == 1 else f"{key.recipient}#{key.ordinal}"


def _name(message: Message) -> str:
    return f"{_short_name(message)} {message.id}" if message.id else _short_name(message)
