"""
`simulator exam`.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import click

from simulator.commands.exits import (
    COULD_NOT_START,
    EXPECTATIONS_FAILED,
    INTERRUPTED,
    INVALID,
    UNREACHABLE,
    could_not_bind,
)
from simulator.commands.outputs import Output, write_whole
from simulator.commands.terminal import say
from simulator.exam.badge import badge
from simulator.exam.baseline import Baseline, against, read_baseline, written
from simulator.exam.card import card
from simulator.exam.examine import examine
from simulator.exam.hardships import Hardship, chosen, library
from simulator.exam.html import html
from simulator.exam.junit import junit
from simulator.exam.results import ExamResult, Grade, Outcome
from simulator.exam.software import Software, read_part, read_software
from simulator.exam.text import Line, at_once, listing, scorecard
from simulator.provider import Provider, discover
from simulator.run.runner import IntegratorUnreachable, RunOptions
from simulator.run.software import Software as Process
from simulator.run.software import SoftwareEnded
from simulator.runtime.driver import AdvanceBusy
from simulator.scenario.loader import ScenarioError
from simulator.schema.node import Json
from simulator.server.app import Server, ServerConfig

__all__ = ["exam"]

_DRAWN_SEEDS: Final = 1_000_000
_PORT: Final = 4010
_FORMS: Final[Mapping[str, Callable[[ExamResult], str]]] = {
    "junit": junit,
    "html": html,
    "badge": badge,
    "json": card,
}


class _Plan(NamedTuple):
    """Everything that an exam is carried out with."""

    server: Server
    provider: Provider
    hardships: Sequence[Hardship]
    software: Software
    seed: int
    baseline: Baseline
    folder: Path
    options: RunOptions
    start: str
    port_file: Path | None


@click.command()
@click.argument("provider")
@click.option(
    "--software",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="How your software is reached, written once: drive, ask, providers, and what else there is.",
)
@click.option("--drive", metavar="CALL", help="The call that makes it send {text} to {recipient}.")
@click.option(
    "--ask",
    multiple=True,
    metavar="QUESTION",
    help="What it is asked, as `integrator:` of a scenario; may be given several times.",
)
@click.option("--webhook", metavar="URL", help="Where webhooks go; {provider} stands for the provider's name.")
@click.option("--inbound", metavar="URL", help="Where inbound messages go, where the provider has another place.")
@click.option("--reset", metavar="CALL", help="Makes it forget everything; called before each hardship.")
@click.option("--only", multiple=True, metavar="NAME", help="These hardships alone; * stands for anything.")
@click.option("--skip", multiple=True, metavar="NAME", help="All hardships but these.")
@click.option("--list", "listed", is_flag=True, help="List the hardships, and examine nobody.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Failures that are known: they pass, new ones fail, and mended ones are told.",
)
@click.option("--write-baseline", is_flag=True, help="Write what fails to the file of --baseline, and exit 0.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML: a test case per hardship.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a self-contained page.")
@click.option("--badge", type=click.Path(path_type=Path), help="Write the score as SVG.")
@click.option("--json", "card", type=click.Path(path_type=Path), help="Write the score and every grade as JSON.")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="exam",
    show_default=True,
    help="Where the scenario files of what failed go.",
)
@click.option("--start", default="", metavar="COMMAND", help="Begin your software so, and end it afterwards.")
@click.option("--wait-for", default="", metavar="URL", help="Begin when this URL of your software answers.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", default=_PORT, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0: any.")
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the bound port to this file.")
@click.option("--seed", type=click.IntRange(0, 2**53), help="Same seed, same exam.  [default: drawn and told]")
@click.option("--allow-target", multiple=True, metavar="NETWORK", help="Let webhooks go to this network, too.")
def exam(
    provider: str,
    software: Path | None,
    drive: str | None,
    ask: tuple[str, ...],
    webhook: str | None,
    inbound: str | None,
    reset: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    listed: bool,
    baseline: Path | None,
    write_baseline: bool,
    junit: Path | None,
    html: Path | None,
    badge: Path | None,
    card: Path | None,
    folder: Path,
    start: str,
    wait_for: str,
    host: str,
    port: int,
    port_file: Path | None,
    seed: int | None,
    allow_target: tuple[str, ...],
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
    everything = library(providers)
    hardships = chosen([one for one in everything if provider in one.providers], only, skip)
    if not hardships:
        raise click.UsageError("no hardship has such a name; --list tells them")
    if listed:
        _print(listing([(hardship.name, hardship.promise) for hardship in hardships]))
        return
    parts = _parts(provider, drive, ask, webhook, inbound, reset)
    try:
        plan = _Plan(
            server=Server(ServerConfig(host=host, port=port, providers=providers, allow_targets=allow_target)),
            provider=providers[provider],
            hardships=hardships,
            software=read_software(_text(software), str(software or "options"), providers, parts()),
            seed=seed if seed is not None else secrets.randbelow(_DRAWN_SEEDS),
            baseline=_baseline(baseline, everything, providers, must_be=not write_baseline),
            folder=folder / provider,
            options=RunOptions(wait_for=wait_for, allow_targets=allow_target),
            start=start,
            port_file=port_file,
        )
    except ScenarioError as trouble:
        _refuse(trouble.lines)
    except ValueError as trouble:
        _refuse([f"simulator: {trouble}"])
    outputs = {"junit": junit, "html": html, "badge": badge, "json": card}
    sys.exit(_carry_out(plan, {form: path for form, path in outputs.items() if path}, baseline if write_baseline else None))


def _refuse(lines: Sequence[str]) -> None:
    for line in lines:
        say(line, err=True)
    sys.exit(INVALID)


def _text(path: Path | None) -> str | None:
    """Return what a file holds; raises ScenarioError when it cannot be read."""
    try:
        return path.read_text("utf-8") if path is not None else None
    except (OSError, UnicodeDecodeError) as trouble:
        raise ScenarioError([f"{path}: cannot be read ({getattr(trouble, 'strerror', '') or trouble})"]) from None


def _parts(
    provider: str,
    drive: str | None,
    ask: Sequence[str],
    webhook: str | None,
    inbound: str | None,
    reset: str | None,
) -> Callable[[], dict[str, Json]]:
    """Return what reads the parts that the command line gives, in the words of the file."""

    def read() -> dict[str, Json]:
        parts: dict[str, Json] = {}
        if drive:
            parts["drive"] = read_part(drive, "--drive")
        if ask:
            parts["ask"] = [read_part(question, "--ask") for question in ask]
        if reset:
            parts["reset"] = reset
        settings: dict[str, Json] = {
            name: {"url": url.replace("{provider}", provider)}
            for name, url in (("webhook", webhook), ("inbound", inbound))
            if url
        }
        if settings:
            parts["providers"] = {provider: settings}
        return parts

    return read


def _baseline(
    path: Path | None, hardships: Sequence[Hardship], providers: Mapping[str, Provider], *, must_be: bool
) -> Baseline:
    if path is None or not (must_be or path.exists()):
        return {}
    names = {
        provider: [hardship.name for hardship in hardships if provider in hardship.providers]
        for provider in providers
    }
    return read_baseline(_text(path) or "", str(path), names)


def _carry_out(plan: _Plan, paths: Mapping[str, Path], new_baseline: Path | None) -> int:
    """Return the exit code of the exam."""
    try:
        with _opened(paths) as outputs:
            result = asyncio.run(_examine(plan))
            for form, output in outputs.items():
                output.file.write(_FORMS[form](result).encode())
                output.keep()
            if new_baseline is not None:
                write_whole(new_baseline, written(result, plan.baseline).encode())
    except IntegratorUnreachable as trouble:
        say(f"simulator: {trouble}", err=True)
        return UNREACHABLE
    except AdvanceBusy:
        say("simulator: your software moves the clock itself; in an exam, that is left to the simulator", err=True)
        return COULD_NOT_START
    except _NotBound as trouble:
        say(f"simulator: {trouble}", err=True)
        return COULD_NOT_START
    except OSError as trouble:
        name = trouble.filename or "a file"
        say(f"simulator: {name}: cannot be written ({trouble.strerror or trouble})", err=True)
        return INVALID
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("simulator: interrupted; no evidence is written", err=True)
        return INTERRUPTED
    port = f" --port {plan.server.config.port}" if plan.server.config.port != _PORT else ""
    _print(scorecard(result, port))
    if new_baseline is not None:
        say(f"{new_baseline} holds what fails now")
        return 0
    return 0 if result.passed else EXPECTATIONS_FAILED


@contextmanager
def _opened(paths: Mapping[str, Path]) -> Iterator[dict[str, Output]]:
    """Open every file of evidence before the exam: nobody waits to hear that it has no place."""
    with ExitStack() as opened:
        yield {form: opened.enter_context(Output(path)) for form, path in paths.items()}


class _NotBound(Exception):
    """The port cannot be had."""


async def _examine(plan: _Plan) -> ExamResult:
    server = plan.server
    try:
        await server.start()
    except OSError as trouble:
        raise _NotBound(f"cannot listen on {server.config.host}: {could_not_bind(trouble)}") from None
    process = Process(plan.start, server.url) if plan.start else None
    width = max(len(hardship.name) for hardship in plan.hardships)
    expected = plan.baseline.get(plan.provider.name, ())

    def graded(grade: Grade) -> Grade:
        grade = replace(grade, expected=grade.outcome is Outcome.FAILED and grade.name in expected)
        if grade.outcome is Outcome.FAILED:
            grade = replace(grade, file=_file(plan.folder, grade))
        _print([at_once(grade, width)])
        return grade

    try:
        if plan.port_file is not None:
            write_whole(plan.port_file, f"{server.ports['']}\n".encode())
        say(f"{plan.provider.title}, {len(plan.hardships)} hardships: serving at {server.url}", err=True)
        if process is not None:
            await process.start()
        result = await examine(
            server, plan.provider, plan.hardships, plan.software, seed=plan.seed, options=plan.options, graded=graded
        )
    except SoftwareEnded as trouble:
        raise IntegratorUnreachable(str(trouble)) from None
    finally:
        if process is not None:
            await process.stop()
        await server.stop()
    return against(result, plan.baseline)


def _file(folder: Path, grade: Grade) -> str:
    """Write the scenario that repeats a failure alone; return where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{grade.name}.yaml"
    write_whole(path, grade.text.encode())
    return str(path)


def _print(lines: Iterator[Line] | Sequence[Line]) -> None:
    for line in lines:
        for span in line:
            say(span.text, colour=span.colour, nl=False)
        say("")
