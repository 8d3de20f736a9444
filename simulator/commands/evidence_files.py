"""
The files of evidence that a command is asked for, opened before the work and whole after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from simulator.evidence.formats import FORMATS
from simulator.evidence.result import RunResult
from simulator.files.outputs import Output, check_apart

__all__ = ["evidence_options", "opened", "write_evidence"]

_FORMS: Final = {
    "junit": "Write JUnit XML.",
    "html": "Write a self-contained page with the timeline.",
    "jsonl": "Write the journal as NDJSON.",
    "json": "Write the verdict and every figure as JSON; -: as lines on standard output, those of --progress "
    "json before the last one.",
    "har": "Write calls and webhooks as HAR.",
}


def evidence_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* a flag for each form of evidence; it takes paths by form as one argument, `evidence`."""

    @wraps(command)
    def with_evidence(**others: Any) -> None:
        paths = {form: others.pop(f"evidence_{form}") for form in _FORMS}
        command(evidence={form: path for form, path in paths.items() if path is not None}, **others)

    decorated: Callable[..., None] = with_evidence
    for form, help_text in reversed(_FORMS.items()):
        kind = click.Path(path_type=Path)
        decorated = click.option(f"--{form}", f"evidence_{form}", type=kind, help=help_text)(decorated)
    return decorated


@contextmanager
def opened(
    paths: Mapping[str, Path], *, reads: Path, also: Path | None = None
) -> Iterator[dict[str, Output]]:
    """
    Open every file of evidence before the work, under another name until it is whole.

    Nobody waits for a run to hear that its evidence has no place, and a run that
    does not end leaves what was there before.  None of them, and not what is *also*
    written, may be the file that is read.
    """
    check_apart([*paths.values(), *([] if also is None else [also])], [reads])
    with ExitStack() as stack:
        yield {form: stack.enter_context(Output(path)) for form, path in paths.items()}


def write_evidence(result: RunResult, outputs: Mapping[str, Output]) -> list[str]:
    """Write every form down; return what could not be written, and why."""
    troubles = []
    for form, output in outputs.items():
        try:
            output.fill(FORMATS[form].render(result))
        except OSError as trouble:
            troubles.append(f"{output.path} is not written: {trouble.strerror or trouble}")
    return troubles
