"""
`serve --journal FILE`: every fact of every space, on disk as it happens.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from simulator.files.outputs import place_of
from simulator.kernel.store.journal import Entry
from simulator.provider import Provider
from simulator.run.journal_rows import Opened, Secrets, line_of, opened_of
from simulator.runtime.space import Space

__all__ = ["FILES_MAX", "JournalFile"]

FILES_MAX: Final = 10
"""The file itself and so many but one that it was before: FILE.1 is the youngest of them."""

_LOG = logging.getLogger("simulator")


class JournalFile:
    """
    Appends a line of JSON per fact; a killed process leaves everything that it did.

    At *bytes_max* the file moves on to FILE.1 and a new one begins.  What is no regular
    file, such as a pipe, is written through and never moved.  When it cannot be written
    that is told once, and the server goes on.  Raises OSError when it cannot be opened.
    """

    def __init__(self, path: Path, bytes_max: int, providers: Mapping[str, Provider]) -> None:
        self._secrets: WeakKeyDictionary[Space, Secrets] = WeakKeyDictionary()
        self._opened: WeakKeyDictionary[Space, Opened] = WeakKeyDictionary()
        self._providers = providers
        # Where it leads: a link goes on leading there when the file moves on.
        self._path = place_of(path) or path
        self._bytes_max = bytes_max
        self._ended = False
        # Without a buffer: what happened is on its way to the disk before anything else happens.
        self._file = path.open("ab", buffering=0)
        status = os.fstat(self._file.fileno())
        self._rotates = stat.S_ISREG(status.st_mode)
        self._size = status.st_size if self._rotates else 0
        if self._rotates and self._breaks_off():
            # An earlier process was killed in the middle of a line.
            self._size += self._file.write(b"\n")
        if stat.S_ISFIFO(status.st_mode):
            # Who reads too slowly must not hold the server up.
            os.set_blocking(self._file.fileno(), False)

    def tell(self, space: Space, entry: Entry) -> None:
        """Write down a fact of *space*."""
        if self._ended:
            return
        opened = opened_of(space)
        secrets = self._secrets.get(space)
        if secrets is None:
            secrets = self._secrets[space] = Secrets(space)
        line = line_of(space, entry, self._providers, secrets.after(entry))
        head = b"" if self._opened.get(space) == opened else self._head(space, opened, secrets)
        try:
            if self._rotates and self._size and self._size + len(head) + len(line) > self._bytes_max:
                self._rotate()
                head = self._head(space, opened, secrets)
            line = head + line
            written = self._file.write(line)
        except OSError as trouble:
            self._give_up(trouble.strerror or str(trouble))
        else:
            self._size += len(line)
            if written != len(line):
                self._give_up("its reader is too slow, or the disk is full")

    def _head(self, space: Space, opened: Opened, secrets: Secrets) -> bytes:
        self._opened[space] = opened
        return line_of(space, None, self._providers, secrets.secrecy)

    def _breaks_off(self) -> bool:
        """Return True when the last line has no end."""
        if not self._size:
            return False
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"

    def _rotate(self) -> None:
        self._file.close()
        # Each file tells by itself of which spaces it is.
        self._opened.clear()
        for number in range(FILES_MAX - 1, 0, -1):
            older = self._earlier(number - 1)
            if older.exists():
                older.replace(self._earlier(number))
        self._file = self._path.open("ab", buffering=0)
        self._size = 0

    def _earlier(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path

    def _give_up(self, why: str) -> None:
        self._ended = True
        _LOG.error("simulator: --journal %s ends here: %s; the server goes on", self._path, why)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
