"""
`simulator codes`.
"""

from __future__ import annotations

import json
import sys

import click

from simulator.commands.exits import INVALID
from simulator.provider import discover

__all__ = ["codes"]


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
        for name, known in providers.items():
            click.echo(f"{name:12} {known.title}")
        return
    found = providers.get(provider)
    if found is None:
        click.echo(f"simulator: there is no provider {provider!r}; known: {', '.join(providers)}", err=True)
        sys.exit(INVALID)
    rows = [row._asdict() for row in (found.coverage if coverage else found.codes())]
    if form == "json":
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    names = list(rows[0]) if rows else []
    widths = {name: max(len(name), *(len(str(row[name])) for row in rows)) for name in names}
    for row in [{name: name.upper() for name in names}, *rows]:
        click.echo("  ".join(f"{row[name]:{widths[name]}}" for name in names).rstrip())
