"""
`simulator codes`.
"""

from __future__ import annotations

import sys
from typing import Final

import click

from simulator.commands.exits import INVALID
from simulator.commands.terminal import plain_json, say
from simulator.provider import discover

__all__ = ["codes"]

_CELL_LENGTH_MAX: Final = 72


@click.command()
@click.argument("provider", required=False)
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
    table = [{name: _cell(str(row[name])) for name in names} for row in rows]
    widths = {name: max(len(name), *(len(row[name]) for row in table)) for name in names}
    for shown in [{name: name.upper() for name in names}, *table]:
        say("  ".join(f"{shown[name]:{widths[name]}}" for name in names).rstrip())


def _cell(text: str) -> str:
    # One long sentence must not make every line as long; `--format json` has it whole.
    return text if len(text) <= _CELL_LENGTH_MAX else f"{text[: _CELL_LENGTH_MAX - 1]}…"
