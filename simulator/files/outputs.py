"""
Where results are written to: a file that is there whole or not at all, or whatever else a path may be.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

__all__ = ["Output", "check_apart", "forget", "place_of", "write_whole"]


class Output:
    """
    Something to write to, opened at once, so that a place that cannot be had is told before the work.

    A regular file keeps what it holds until `keep` puts the new one in its place, and a
    link goes on leading to it.  Pipes, devices and sockets are written through as they
    are: replaced by a file, /dev/null would be gone for the whole machine.

    Raises OSError when the path cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        """As it was given."""
        # Never for a standard stream: behind a link such as /dev/stdout may lie a file that others hold open.
        stream = _standard_stream(path)
        target = _target(path)
        self._draft: Path | None = None
        self._target = target
        try:
            self.file: BinaryIO = self._opened(stream)
        except OSError as trouble:
            # The name that was given says more than that of a draft.
            raise OSError(trouble.errno, trouble.strerror, str(path)) from None

    def _opened(self, stream: int | None) -> BinaryIO:
        target = self._target
        if stream is not None:
            return os.fdopen(os.dup(stream), "wb")
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder", str(target))
        if _is_something_else(target):
            return target.open("wb")
        draft = target.with_name(f"{target.name}.{os.getpid()}.part")
        file = draft.open("xb")
        self._draft = draft
        return file

    def fill(self, content: bytes) -> None:
        """Write all of *content*, and let it be the file, all at once; raises OSError that names the file."""
        try:
            self.file.write(content)
            self.keep()
        except OSError as trouble:
            raise OSError(trouble.errno, trouble.strerror, str(self.path)) from None

    def keep(self) -> None:
        """Let what was written be the file, all at once; raises OSError."""
        self.file.close()
        if self._draft is not None:
            with suppress(FileNotFoundError):
                self._draft.chmod(stat.S_IMODE(self._target.stat().st_mode))
            self._draft.replace(self._target)
            self._draft = None

    def close(self) -> None:
        """Leave what was there before, unless the output was kept."""
        # What could not be written is told when it was tried; closing tries once more.
        with suppress(OSError):
            self.file.close()
        if self._draft is not None:
            self._draft.unlink(missing_ok=True)

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that others may be polling for; raises OSError."""
    with Output(path) as output:
        output.fill(content)


def forget(path: Path) -> None:
    """Remove a file of an earlier run, if it is one; what is no regular file stays."""
    with suppress(OSError):
        target = _target(path)
        if stat.S_ISREG(target.lstat().st_mode) and _standard_stream(path) is None:
            target.unlink()


def check_apart(outputs: Iterable[Path], inputs: Iterable[Path] = ()) -> None:
    """Raise OSError when an output would take the place of another one, or of what is read."""
    taken = {place_of(path): "is read, and would be overwritten" for path in inputs}
    for path in outputs:
        place = place_of(path)
        if place is None:
            continue
        if place in taken:
            raise OSError(errno.EINVAL, f"it {taken[place]}", str(path))
        taken[place] = "is named twice"


def place_of(path: Path) -> Path | None:
    """Return which file would be replaced; None: what is there is written through, by as many as like."""
    if _standard_stream(path) is not None:
        return None
    target = _target(path)
    return None if _is_something_else(target) else target


def _target(path: Path) -> Path:
    """Return where *path* leads to; raises OSError where links lead in a circle."""
    try:
        target = path.resolve()
    except RuntimeError:
        target = path
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return target


def _is_something_else(target: Path) -> bool:
    """Return True for what exists and is no regular file."""
    try:
        return not stat.S_ISREG(target.stat().st_mode)
    except OSError:
        return False


def _standard_stream(path: Path) -> int | None:
    """Return the descriptor of the output that *path* is another name of, as `-` and /dev/stdout are."""
    if str(path) == "-":
        return 1
    if not path.is_symlink() and not str(path).startswith(("/dev/fd/", "/proc/self/fd/")):
        return None
    for stream in (1, 2):
        with suppress(OSError):
            if os.path.samestat(path.stat(), os.fstat(stream)):
                return stream
    return None
