"""
`simulator codes`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Final

import click

from simulator.commands.completion import complete_provider
from simulator.commands.exits import INVALID
from simulator.commands.terminal import plain_json, say
from simulator.provider import discover

__all__ = ["codes"]

_CELL_LENGTH_MAX: Final = 72


@click.command()
@click.argument("provider", required=False, shell_complete=complete_provider)
@click.option("--coverage", is_flag=True, help="Print which endpoints are imitated instead.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def codes(provider: str | None, coverage: bool, form: str) -> None:
    """
    Print the catalogue of PROVIDER: each code, and the recipient that triggers it.
    """
    providers = discover()
    if provider is None:
        for name, each in providers.items():
            say(f"{name:12} {each.title}")
        return
    chosen = providers.get(provider)
    if chosen is None:
        say(f"simulator: there is no provider {provider!r}; known: {', '.join(providers)}", err=True)
        sys.exit(INVALID)
    rows = [row._asdict() for row in (chosen.coverage if coverage else chosen.codes())]
    if form == "json":
        say(plain_json(rows, indent=2))
        return
    names = list(rows[0]) if rows else []
    table = [line for row in rows for line in _lines([str(row[name]) for name in names])]
    head = [name.upper() for name in names]
    widths = [max(map(len, column)) for column in zip(head, *table, strict=True)]
    for shown in [head, *table]:
        say("  ".join(f"{cell:{width}}" for cell, width in zip(shown, widths, strict=True)).rstrip())


def _lines(row: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield *row* in as many lines as its longest cell needs: a sentence makes no other line as long."""
    yield from zip_longest(*(wrap(cell, _CELL_LENGTH_MAX) or [""] for cell in row), fillvalue="")
