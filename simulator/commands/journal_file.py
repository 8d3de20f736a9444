"""
`serve --journal FILE`: every fact of every space, on disk as it happens.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path
from typing import Final

from simulator.kernel.store.journal import Entry

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

    def __init__(self, path: Path, bytes_max: int) -> None:
        # Loaded when it is asked for: other servers are ready sooner.
        from simulator.evidence.jsonl import entry_line
        from simulator.secrecy import Withholding

        # What a space keeps secret may change at any time; what an address holds is withheld by its name.
        self._secrecy = Withholding()
        self._line_of = entry_line
        self._path = path
        self._bytes_max = bytes_max
        self._ended = False
        # Without a buffer: what happened is on its way to the disk before anything else happens.
        self._file = path.open("ab", buffering=0)
        status = os.fstat(self._file.fileno())
        self._rotates = stat.S_ISREG(status.st_mode)
        self._size = status.st_size if self._rotates else 0
        if stat.S_ISFIFO(status.st_mode):
            # Who reads too slowly must not hold the server up.
            os.set_blocking(self._file.fileno(), False)

    def tell(self, space: str, entry: Entry) -> None:
        """Write down a fact of *space*."""
        if self._ended:
            return
        line = self._line_of(entry, space, self._secrecy)
        try:
            if self._rotates and self._size and self._size + len(line) > self._bytes_max:
                self._rotate()
            written = self._file.write(line)
        except OSError as trouble:
            self._give_up(trouble.strerror or str(trouble))
        else:
            self._size += len(line)
            if written != len(line):
                self._give_up("its reader is too slow, or the disk is full")

    def _rotate(self) -> None:
        self._file.close()
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
