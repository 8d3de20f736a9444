"""
The one way to a terminal: what commands print cannot steer it.

Names, texts, headers and paths come from outside.  Control characters, the second set of
them (C1) and marks that turn the direction of writing are shown, not sent.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time

import click

from simulator.kernel.model.printable import printable
from simulator.secrecy import harmless_text

__all__ = [
    "PlainLines",
    "ProgressLine",
    "lines_printable",
    "plain_json",
    "say",
    "say_on",
    "shown",
    "stop_printing",
]


def say(
    text: object, *, err: bool = False, nl: bool = True, colour: str | None = None, as_sent: bool = False
) -> None:
    """
    Print *text*, lines kept, on standard output or, with *err*, on standard error.

    Credentials in addresses are withheld, but where people asked to see what was sent, *as_sent*.
    """
    lines = lines_printable(str(text)) if as_sent else shown(str(text))
    click.echo(lines if colour is None else click.style(lines, fg=colour), err=err, nl=nl)


def shown(text: str) -> str:
    """Return *text* as people may read it: nothing steers a terminal, and addresses hold no credentials."""
    return lines_printable(harmless_text(text))


def lines_printable(text: str) -> str:
    """Return *text* with its lines, but without anything else that could steer a terminal."""
    # Carriage returns alone would let a line overwrite the one before it.
    return "\n".join(map(printable, text.replace("\r\n", "\n").split("\n")))


def plain_json(value: object, indent: int | None = None) -> str:
    """Return JSON that is the same to programs whether or not its letters had to be escaped for people."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return text if lines_printable(text) == text else json.dumps(value, indent=indent)


def say_on(text: object, *, nl: bool = True, colour: str | None = None) -> None:
    """Print *text* on standard output, and go on with the work when nobody reads it any more."""
    try:
        say(text, nl=nl, colour=colour)
    except BrokenPipeError:
        stop_printing()


def stop_printing() -> None:
    """Let the rest go nowhere: who read has read enough, and it would fail again when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class ProgressLine:
    """
    A line that begins anew on a terminal each time; in a log, one line now and then, as a sign of life.
    """

    def __init__(self, log_every_real_s: float) -> None:
        self._terminal = sys.stderr.isatty()
        self._width = 0
        self._every_s = log_every_real_s
        self._next_s = time.monotonic() + log_every_real_s

    def __call__(self, text: str) -> None:
        """Show *text*; whatever is printed next takes its place."""
        if self._terminal:
            # Spaces take away what is left of a longer line.
            self._width = max(self._width, len(text))
            click.echo(f"\r{printable(text):<{self._width}}   \r", nl=False, err=True)
        elif time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + self._every_s
            say(text, err=True)


class PlainLines(logging.Formatter):
    """
    Log lines that cannot steer a terminal and hold no credentials of addresses, traces included.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of *record*."""
        return shown(super().format(record))
