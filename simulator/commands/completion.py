"""
What a shell may add to a command line that was begun.
"""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

__all__ = ["complete_provider", "complete_scenario"]


def complete_provider(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the providers whose names begin so, for the shell."""
    from simulator.provider import discover

    return [name for name in discover() if name.startswith(incomplete)]


def complete_scenario(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the shipped scenarios whose names begin so, and have the shell add its files."""
    from simulator.scenario.shipped import library

    names = [file.stem for file in library() if file.stem.startswith(incomplete)]
    return [*map(CompletionItem, names), CompletionItem(incomplete, type="file")]
