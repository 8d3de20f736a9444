"""
The head of the evidence page: expectations with what failed them, and figures of the receiver.

Plain values; the template `tables.html` shows them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from simulator.evidence.result import Check, Scorecard, passed
from simulator.evidence.text import ROWS, Row, shown
from simulator.kernel.model.submission import MessageKey

__all__ = [
    "CheckRow",
    "Link",
    "Receiver",
    "Tile",
    "Verdict",
    "blame",
    "check_rows",
    "checks_note",
    "receiver",
    "verdict",
]

_STORY_LINES_MAX = 200
_LINKS_MAX = 20
# What is read first: reproaches, then how slow it was at worst.
_FIRST = ("latency_p99_us", "latency_p50_us", "since_due_p99_us", "recovery_ms")


class Link(NamedTuple):
    """
    A message that can be looked at: its name, and where it is.
    """

    name: str
    target: str


class CheckRow(NamedTuple):
    """
    An expectation, what came instead, and the messages that it is about.
    """

    name: str
    passed: bool
    detail: str
    links: Sequence[Link]
    links_left: int
    lines: Sequence[str]
    lines_left: int
    judged: bool = True
    """False: there was nothing to judge it by, so it has no tick."""


class Tile(NamedTuple):
    """
    A figure; *warn* when it is a reproach to the receiver.
    """

    label: str
    value: str
    warn: bool


class Verdict(NamedTuple):
    """
    The verdict in a word, and its colour.
    """

    css: str
    word: str


class Receiver(NamedTuple):
    """
    The figures worth a look, and the names of those that are nothing or were not measured.
    """

    tiles: Sequence[Tile]
    none: Sequence[str]
    unmeasured: Sequence[str]


def blame(checks: Sequence[Check]) -> dict[MessageKey, list[str]]:
    """Return each message that kept an expectation from being met, with the names of those, in order."""
    blamed: dict[MessageKey, list[str]] = {}
    for check in checks:
        if not check.passed:
            for key in check.blamed:
                blamed.setdefault(key, []).append(check.name)
    return blamed


def verdict(checks: Sequence[Check]) -> Verdict:
    """Return the verdict that *checks* come to."""
    if not checks:
        return Verdict("none", "NO EXPECTATIONS")
    return Verdict("pass", "PASSED") if passed(checks) else Verdict("fail", "FAILED")


def checks_note(checks: Sequence[Check]) -> str:
    """Return how many expectations were met."""
    failed = sum(not check.passed for check in checks)
    unjudged = sum(check.passed and not check.judged for check in checks)
    note = f"{failed} of {len(checks)} not met" if failed else f"all {len(checks)} met"
    if unjudged:
        met = len(checks) - failed - unjudged
        note = f"{failed} not met, {met} met" if failed else f"{met} met"
        note += f", {unjudged} not judged"
    return note


def check_rows(checks: Sequence[Check], drawn: Mapping[MessageKey, str]) -> list[CheckRow]:
    """Return the expectations, those not met first; *drawn* says where messages are."""
    rows: list[CheckRow] = []
    for check in sorted(checks, key=lambda check: (check.passed, not check.judged)):
        blamed = () if check.passed else check.blamed
        links = [Link(str(key), drawn[key]) for key in blamed if key in drawn][:_LINKS_MAX]
        lines = check.lines[:_STORY_LINES_MAX]
        rows.append(
            CheckRow(
                check.name,
                check.passed,
                check.detail,
                links,
                len(blamed) - len(links),
                lines,
                len(check.lines) - len(lines),
                check.judged or not check.passed,
            )
        )
    return rows


def receiver(card: Scorecard) -> Receiver:
    """Return the scorecard with what matters most first, and what is nothing in a word."""
    tiles: list[Tile] = []
    none: list[str] = []
    unmeasured: list[str] = []
    for row in sorted(ROWS, key=_place):
        value = shown(row, card)
        if value == "–" or (row.unit and not card.attempts):
            unmeasured.append(row.label)
        elif getattr(card, row.field) or (row.blame and card.attempts):
            tiles.append(Tile(row.label, value, row.blame and bool(getattr(card, row.field))))
        else:
            none.append(row.label)
    return Receiver(tiles, none, unmeasured)


def _place(row: Row) -> int:
    if row.blame:
        return -2
    return -1 if row.field in _FIRST else 0
