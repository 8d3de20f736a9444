"""
`simulator exam`.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import click

from simulator.commands.ending import end_when_asked
from simulator.commands.exam_options import (
    PORT,
    Place,
    Reach,
    Written,
    place_options,
    reach_options,
    written_options,
)
from simulator.commands.exits import (
    COULD_NOT_START,
    EXPECTATIONS_FAILED,
    INTERRUPTED,
    INVALID,
    UNREACHABLE,
    could_not_bind,
)
from simulator.commands.files import read_text
from simulator.commands.terminal import say, say_on
from simulator.exam.badge import badge
from simulator.exam.baseline import Baseline, against, marked, read_baseline, renewed
from simulator.exam.card import card
from simulator.exam.examine import examine
from simulator.exam.hardships import Hardship, library, names
from simulator.exam.html import html
from simulator.exam.junit import junit
from simulator.exam.results import ExamResult, Grade, Outcome
from simulator.exam.software import Software, parts_of, read_software
from simulator.exam.text import Line, at_once, listing, scorecard
from simulator.files.outputs import Output, check_apart, write_whole
from simulator.provider import Provider, discover
from simulator.run.runner import IntegratorUnreachable, RunOptions
from simulator.run.software import Software as Process
from simulator.run.software import SoftwareEnded
from simulator.runtime.driver import AdvanceBusy
from simulator.scenario.loader import ScenarioError
from simulator.server.app import Server, ServerConfig

__all__ = ["exam"]

_DRAWN_SEEDS: Final = 1_000_000
_FORMS: Final[Mapping[str, Callable[[ExamResult], str]]] = {
    "junit": junit,
    "html": html,
    "badge": badge,
    "json": card,
}


class _Sitting(NamedTuple):
    """Everything that an exam is carried out with."""

    provider: Provider
    hardships: Sequence[Hardship]
    software: Software
    baseline: Baseline
    seed: int
    place: Place
    folder: Path


class _CouldNotStart(Exception):
    """There is no port, or somebody else moves the clock."""


@click.command()
@click.argument("provider")
@reach_options
@click.option("--only", multiple=True, metavar="NAME", help="These hardships alone; * stands for anything.")
@click.option("--skip", multiple=True, metavar="NAME", help="All hardships but these.")
@click.option("--list", "listed", is_flag=True, help="List the hardships, and examine nobody.")
@click.option(
    "--seed", type=click.IntRange(0, 2**53), help="Same seed, same exam.  [default: drawn and told]"
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Failures that are known: they pass, new ones fail, and mended ones are told.",
)
@click.option(
    "--write-baseline", is_flag=True, help="Write what fails to the file of --baseline, and exit 0."
)
@written_options
@place_options
def exam(
    provider: str,
    reach: Reach,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    listed: bool,
    seed: int | None,
    baseline: Path | None,
    write_baseline: bool,
    evidence: Written,
    place: Place,
) -> None:
    """
    Put your software through every hardship that PROVIDER has for a receiver.

    Exits 0 when none of them failed, 1 when one did that no baseline expects.
    """
    if write_baseline and baseline is None:
        raise click.UsageError("--write-baseline writes to the file of --baseline; give one")
    providers = discover()
    if provider not in providers:
        raise click.UsageError(f"there is no provider {provider!r}; there are {', '.join(sorted(providers))}")
    hardships = [each for each in library(providers, only=only, skip=skip) if provider in each.providers]
    if not hardships:
        raise click.UsageError("no hardship has such a name; --list tells them")
    if listed:
        _show(listing([(hardship.name, hardship.promise) for hardship in hardships]))
        return
    try:
        sitting = _Sitting(
            provider=providers[provider],
            hardships=hardships,
            software=_software(reach, provider, providers),
            baseline=_baseline(baseline, providers, must_be=not write_baseline),
            seed=seed if seed is not None else secrets.randbelow(_DRAWN_SEEDS),
            place=place,
            folder=evidence.folder / provider,
        )
    except ScenarioError as trouble:
        for line in trouble.lines:
            say(line, err=True)
        sys.exit(INVALID)
    renewed_at, expected = (baseline, None) if write_baseline else (None, baseline)
    sys.exit(_carry_out(sitting, evidence, renewed_at, [path for path in (reach.software, expected) if path]))


def _software(reach: Reach, provider: str, providers: Mapping[str, Provider]) -> Software:
    parts = parts_of(
        provider,
        drive=reach.drive,
        ask=reach.ask,
        reset=reach.reset,
        webhook=reach.webhook,
        inbound=reach.inbound,
    )
    text = read_text(reach.software) if reach.software is not None else ""
    return read_software(text, str(reach.software or "the command line"), providers, parts)


def _baseline(path: Path | None, providers: Mapping[str, Provider], *, must_be: bool) -> Baseline:
    if path is None or not (must_be or path.exists()):
        return {}
    return read_baseline(read_text(path), str(path), tuple(providers), names())


def _carry_out(
    sitting: _Sitting, evidence: Written, new_baseline: Path | None, inputs: Sequence[Path]
) -> int:
    """Return the exit code of the exam."""
    paths: dict[str, Path | None] = {form: getattr(evidence, form) for form in _FORMS}
    try:
        outputs_in_all = (*paths.values(), new_baseline, sitting.place.port_file)
        check_apart([path for path in outputs_in_all if path is not None], inputs)
        with ExitStack() as opened:
            # Before the exam: nobody waits to hear that its evidence has no place.
            outputs = {form: opened.enter_context(Output(path)) for form, path in paths.items() if path}
            result = asyncio.run(_examine(sitting))
            for form, output in outputs.items():
                output.fill(_FORMS[form](result).encode())
            if new_baseline is not None:
                write_whole(new_baseline, renewed(sitting.baseline, result).encode())
    except IntegratorUnreachable as trouble:
        return _complain(trouble, UNREACHABLE)
    except _CouldNotStart as trouble:
        return _complain(trouble, COULD_NOT_START)
    except OSError as trouble:
        what = f"{trouble.filename or 'a file'}: cannot be written ({trouble.strerror or trouble})"
        return _complain(what, INVALID)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return _complain("interrupted; no evidence is written", INTERRUPTED)
    port = sitting.place.port
    _show(scorecard(result, again=f" --port {port}" if port not in (0, PORT) else ""))
    if new_baseline is not None:
        say(f"{new_baseline} holds what fails now")
        return 0
    return 0 if result.passed else EXPECTATIONS_FAILED


def _complain(trouble: object, code: int) -> int:
    say(f"simulator: {trouble}", err=True)
    return code


async def _examine(sitting: _Sitting) -> ExamResult:
    end_when_asked()
    place, provider = sitting.place, sitting.provider
    config = ServerConfig(host=place.host, port=place.port, allow_targets=place.allow_target)
    try:
        server = Server(config)
        await server.start()
    except ValueError as refusal:
        raise _CouldNotStart(str(refusal)) from None
    except OSError as trouble:
        raise _CouldNotStart(f"cannot listen on {place.host}: {could_not_bind(trouble)}") from None
    process = Process(place.start, server.url) if place.start else None
    width = max(len(hardship.name) for hardship in sitting.hardships)

    def graded(grade: Grade) -> Grade:
        grade = marked(grade, sitting.baseline.get(provider.name, ()))
        if grade.outcome is Outcome.FAILED:
            grade = replace(grade, file=_file(sitting.folder, grade))
        _show([at_once(grade, width)])
        return grade

    try:
        if place.port_file is not None:
            write_whole(place.port_file, f"{server.ports['']}\n".encode())
        say(f"{provider.title}: {len(sitting.hardships)} hardships, served at {server.url}", err=True)
        if process is not None:
            await process.start()
        result = await examine(
            server,
            provider,
            sitting.hardships,
            sitting.software,
            seed=sitting.seed,
            options=RunOptions(wait_for=place.wait_for, allow_targets=place.allow_target),
            graded=graded,
        )
    except SoftwareEnded as trouble:
        raise IntegratorUnreachable(str(trouble)) from None
    except AdvanceBusy:
        raise _CouldNotStart("your software moves the clock; in an exam, that is the simulator's") from None
    finally:
        if process is not None:
            await process.stop()
        await server.stop()
    return against(result, sitting.baseline)


def _file(folder: Path, grade: Grade) -> str:
    """Write the scenario that repeats a failure alone; return where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{grade.name}.yaml"
    write_whole(path, grade.text.encode())
    return str(path)


def _show(lines: Iterable[Line]) -> None:
    for line in lines:
        for span in line:
            say_on(span.text, colour=span.colour, nl=False)
        say_on("")
