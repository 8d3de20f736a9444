"""
Spaces of a process that is gone, as the file of `serve --journal` tells of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import structs

from simulator.files.inputs import rows_of
from simulator.provider import Provider
from simulator.run.journal_rows import Row
from simulator.run.past_space import PastSpace, providers_of_the_past

__all__ = ["JournalError", "read_journal"]

_ROW_BYTES_MAX: Final = 64_000_000
_EARLIER: Final = re.compile(r"\.([0-9]{1,3})$")


class JournalError(ValueError):
    """
    A file is no journal; the text says what is wrong, and where.
    """


def read_journal(path: Path, providers: Mapping[str, Provider]) -> tuple[list[PastSpace], list[str]]:
    """
    Return the spaces that the file at *path* tells of, in the order in which they began.

    The second is what is to be said about the file itself: lines that break off, as
    the last one of a killed process may.  Files that it was before (FILE.1 …) are
    read first.  Raises JournalError where there is no journal.
    """
    lives: dict[str, list[list[Row]]] = {}
    order: list[tuple[str, int]] = []
    latest: dict[str, int] = {}
    opened: dict[str, Row] = {}
    remarks: list[str] = []
    for row in _rows(path, remarks):
        if row.opened is not None:
            opened[row.space] = row
            continue
        if row.data is None:
            continue
        own = lives.setdefault(row.space, [])
        if not own or row.seq <= latest[row.space]:
            order.append((row.space, len(own)))
            own.append([])
        head = opened.pop(row.space, None)
        if head is not None or not own[-1]:
            own[-1].append(_head(head, row))
        own[-1].append(row)
        latest[row.space] = row.seq
    if not order:
        raise JournalError(f"{path}: tells of nothing; `serve --journal` writes a line for every fact")
    past = providers_of_the_past(providers)
    _check_providers(path, lives, past)
    spaces = [
        PastSpace(_label(name, number, len(lives[name])), lives[name][number], past) for name, number in order
    ]
    return spaces, remarks


def _head(head: Row | None, row: Row) -> Row:
    opened = head.opened if head is not None else None
    return structs.replace(row, data=None, opened=opened, submission=None, webhook=None, call=None)


def _label(name: str, number: int, lives: int) -> str:
    """Return what a life is called: the last one of a name has it to itself."""
    return name if number == lives - 1 else f"{name}.{number + 1}"


def _check_providers(
    path: Path, lives: Mapping[str, list[list[Row]]], providers: Mapping[str, Provider]
) -> None:
    named = {row.provider for own in lives.values() for rows in own for row in rows if row.provider}
    unknown = sorted(named - set(providers))
    if unknown:
        raise JournalError(f"{path}: tells of {unknown[0]!r}, a provider that is not installed")


def _rows(path: Path, remarks: list[str]) -> Iterator[Row]:
    decoder = msgspec.json.Decoder(Row)
    for part in _parts(path):
        number = 0
        try:
            with part.open("rb") as file:
                for number, line in enumerate(rows_of(file, _ROW_BYTES_MAX), 1):
                    try:
                        row = decoder.decode(line)
                    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as trouble:
                        if number == 1 and not line.lstrip().startswith(b"{"):
                            raise JournalError(f"{part}:1: is no line of a journal: {trouble}") from None
                        remarks.append(f"{part}:{number}: breaks off, and is left out")
                        continue
                    yield row
        except OSError as trouble:
            why = trouble.strerror or trouble
            raise JournalError(f"{part}: cannot be read ({why}); `serve --journal` writes it") from None


def _parts(path: Path) -> list[Path]:
    """Return the files of a journal, the oldest first."""
    if _EARLIER.search(path.name):
        return [path]
    earlier = []
    for other in path.parent.glob(f"{_escaped(path.name)}.*"):
        match = _EARLIER.search(other.name)
        if match is not None and other.name == f"{path.name}.{match[1]}":
            earlier.append((int(match[1]), other))
    return [*(other for _, other in sorted(earlier, reverse=True)), path]


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
