"""
`simulator evidence`, and how commands read the journal of a process that is gone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from simulator.commands.evidence_files import evidence_options, opened, write_evidence
from simulator.commands.exits import INVALID
from simulator.commands.terminal import say
from simulator.evidence.scorecard import without_verdict
from simulator.provider import discover
from simulator.run.journal_reading import JournalError, read_journal
from simulator.run.past_space import PastSpace

__all__ = ["evidence", "past_space"]


@click.command()
@click.argument("journal", type=click.Path(path_type=Path))
@click.option("--space", default="", help="Which of its spaces.  [default: the only one, or else `default`]")
@evidence_options
def evidence(journal: Path, space: str, evidence: dict[str, Path]) -> None:
    """
    Write evidence of what `serve --journal` wrote down, as JUnit, HTML, JSON lines or HAR.

    The process may be gone, killed even. JOURNAL is the file; those that it was
    before (JOURNAL.1 …) are read with it.
    """
    if not evidence:
        raise click.UsageError("expected a file to write: --html, --junit, --json, --jsonl or --har")
    result = without_verdict(past_space(journal, space).space)
    try:
        with opened(evidence, reads=journal) as outputs:
            troubles = write_evidence(result, outputs)
    except OSError as trouble:
        troubles = [f"{trouble.filename or 'a file'}: cannot be written ({trouble.strerror or trouble})"]
    for each in troubles:
        say(f"simulator: {each}", err=True)
    if troubles:
        sys.exit(INVALID)


def past_space(journal: Path, name: str) -> PastSpace:
    """Return a space that a journal tells of; ends the process where there is none of that name."""
    try:
        spaces, remarks = read_journal(journal, discover())
    except JournalError as trouble:
        say(f"simulator: {trouble}", err=True)
        sys.exit(INVALID)
    for remark in remarks:
        say(f"simulator: {remark}", err=True)
    chosen = _chosen(spaces, name)
    if chosen is None:
        names = ", ".join(space.name for space in spaces)
        say(f"simulator: {journal} tells of no space {name or 'default'!r}; it tells of {names}", err=True)
        sys.exit(INVALID)
    return chosen


def _chosen(spaces: Sequence[PastSpace], name: str) -> PastSpace | None:
    if not name and len(spaces) == 1:
        return spaces[0]
    return next((space for space in spaces if space.name == (name or "default")), None)
