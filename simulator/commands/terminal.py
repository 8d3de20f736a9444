"""
The one way to a terminal: what commands print cannot steer it.

Names, texts, headers and paths come from outside.  Control characters, the second set of
them (C1) and marks that turn the direction of writing are shown, not sent.
"""

from __future__ import annotations

import json
import logging

import click

from simulator.kernel.model.printable import printable

__all__ = ["PlainLines", "lines_printable", "plain_json", "say"]


def say(text: object, *, err: bool = False, nl: bool = True, colour: str | None = None) -> None:
    """Print *text*, lines kept, on standard output or, with *err*, on standard error."""
    lines = lines_printable(str(text))
    click.echo(lines if colour is None else click.style(lines, fg=colour), err=err, nl=nl)


def lines_printable(text: str) -> str:
    """Return *text* with its lines, but without anything else that could steer a terminal."""
    # Carriage returns alone would let a line overwrite the one before it.
    return "\n".join(map(printable, text.replace("\r\n", "\n").split("\n")))


def plain_json(value: object, indent: int | None = None) -> str:
    """Return JSON that is the same to programs whether or not its letters had to be escaped for people."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return text if lines_printable(text) == text else json.dumps(value, indent=indent)


class PlainLines(logging.Formatter):
    """
    Log lines that cannot steer a terminal, traces included.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of *record*."""
        return lines_printable(super().format(record))
