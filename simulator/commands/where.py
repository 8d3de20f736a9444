"""
Which server a client command asks: the same options and variables for all of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

import click
from click.core import ParameterSource

from simulator.commands.exits import INVALID, UNREACHABLE
from simulator.commands.terminal import say
from simulator.control import ControlError, HttpControl, Unreachable

__all__ = ["Where", "asking", "where_options"]

_URL_DEFAULT: Final = "http://127.0.0.1:4010"
_ELSEWHERE: Final = "; if it is elsewhere, say --url or SIMULATOR_URL"


class Where(NamedTuple):
    """
    What the command line and the environment say about the server.
    """

    url: str
    port_file: Path | None
    """The file with its port, read anew each time; it goes before the URL."""
    chosen: bool
    """Somebody said where; else it is the place that `serve` takes by default."""

    def control(self) -> HttpControl:
        """Return a way to the server; raises Unreachable while its port is not known."""
        url = _url_in(self.port_file) if self.port_file is not None else self.url
        try:
            return HttpControl(url)
        except ValueError as refusal:
            say(f"simulator: --url: {refusal}", err=True)
            sys.exit(INVALID)

    def call(self, method: str, path: str, body: object = None, query: dict[str, str] | None = None) -> Any:
        """Run an operation of the control API; ends the process when it is refused or nobody is there."""
        try:
            return self.control().call(method, path, body, query)
        except Unreachable as trouble:
            self._end(f"{trouble}{'' if self.chosen else _ELSEWHERE}", UNREACHABLE)
        except ControlError as trouble:
            self._end(str(trouble), INVALID)

    def _end(self, text: str, code: int) -> NoReturn:
        say(f"simulator: {text}", err=True)
        sys.exit(code)


def where_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* the options that name a server; it takes them as one argument, `where`."""

    @click.option("--url", envvar="SIMULATOR_URL", help=f"Where the server is.  [default: {_URL_DEFAULT}]")
    @click.option(
        "--port-file",
        type=click.Path(path_type=Path),
        envvar="SIMULATOR_PORT_FILE",
        help="The file that `serve --port-file` writes, instead of --url.",
    )
    @wraps(command)
    def with_where(url: str | None, port_file: Path | None, **others: Any) -> None:
        command(where=_where(url, port_file), **others)

    return with_where


def asking(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* the options that name a server and a space on it: `where` and `space`."""
    space = click.option(
        "--space",
        default="default",
        show_default=True,
        envvar="SIMULATOR_SPACE",
        help="In which space.",
    )
    return space(where_options(command))


def _where(url: str | None, port_file: Path | None) -> Where:
    source = click.get_current_context().get_parameter_source
    # A flag goes before a variable, whichever of the two it is; of two alike the URL does.
    by_file = source("port_file") is ParameterSource.COMMANDLINE
    if url and (not by_file or source("url") is ParameterSource.COMMANDLINE):
        port_file = None
    port = os.environ.get("SIMULATOR_PORT", "")
    if not url and port_file is None and port.isascii() and port.isdigit() and int(port):
        # Where `serve` in this environment listens.
        return Where(f"http://127.0.0.1:{port}", None, chosen=True)
    return Where(url or _URL_DEFAULT, port_file, chosen=bool(url) or port_file is not None)


def _url_in(port_file: Path) -> str:
    try:
        with port_file.open("rb") as file:
            # No more than shows what it is instead, whatever it is.
            port = file.read(100).decode("utf-8", "replace").strip()
    except OSError as trouble:
        raise Unreachable(f"{port_file}: {trouble.strerror or trouble}") from None
    if not port.isascii() or not port.isdigit():
        raise Unreachable(f"{port_file}: expected a port, got {port[:20]!r}")
    return f"http://127.0.0.1:{port}"
