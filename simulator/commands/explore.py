"""
`simulator explore`.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from simulator.commands.exits import (
    COULD_NOT_START,
    EXPECTATIONS_FAILED,
    INTERRUPTED,
    INVALID,
    TOO_LITTLE,
    UNREACHABLE,
    could_not_bind,
)
from simulator.commands.files import find_scenario, read_text
from simulator.commands.terminal import ProgressLine, plain_json, say, say_on
from simulator.explore.finding import Explored, Finding
from simulator.explore.found import read_found
from simulator.explore.job import Bounds, Job
from simulator.explore.reach import Reach, whole
from simulator.explore.text import as_json, finding_lines, summary
from simulator.files.outputs import Output, check_apart
from simulator.provider import Provider, discover
from simulator.run.runner import IntegratorUnreachable
from simulator.scenario.loader import ScenarioError, load_run
from simulator.scenario.yaml import YamlError, dump, parse
from simulator.schema.node import Json

__all__ = ["explore"]

_DRAWN_SEEDS: Final = 1_000_000
_QUIET_REAL_S: Final = 30.0
"""So long a log that is no terminal says nothing."""
_NO_HYPOTHESIS: Final = (
    'explore searches with Hypothesis: pip install "messaging-provider-simulator[hypothesis]"'
)


@click.command()
@click.argument("scenario", required=False)
@click.option("--provider", "names", multiple=True, metavar="NAME", help="Whose troubles to search.")
@click.option("--drive", metavar="CALL", help="Makes your software send {text} to {recipient}.")
@click.option("--ask", multiple=True, metavar="QUESTION", help="What it is asked, as `integrator:` has it.")
@click.option("--webhook", metavar="URL", help="Where webhooks go; {provider} is filled in.")
@click.option("--reset", default="", metavar="CALL", help="Makes it forget everything, before each run.")
@click.option("--restart", default="", metavar="CALL", help="Makes whoever runs it restart it.")
@click.option(
    "--invariant",
    "invariants",
    multiple=True,
    metavar="MODULE:FUNCTION",
    help="One of your own: takes a RunResult, and returns what is wrong, or None.",
)
@click.option("--seed", type=click.IntRange(0, 2**53), help="Same seed, same search.  [default: drawn]")
@click.option(
    "--seconds",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Search so long.",
)
@click.option("--runs", default=1_000_000, show_default=True, type=click.IntRange(1), help="Runs at most.")
@click.option(
    "--seeds",
    default=50,
    show_default=True,
    type=click.IntRange(0),
    help="Try so many seeds before troubles.",
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option(
    "--found",
    "folder",
    default=Path("found"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of findings; what is in it is tried first.",
)
@click.option(
    "--replay",
    type=click.Path(path_type=Path, exists=True),
    help="Only run this finding, or all of a folder.",
)
@click.option(
    "--reach", default=8, show_default=True, type=click.IntRange(0), help="Situations to come to, at least."
)
@click.option("--json", "card", type=click.Path(path_type=Path), help="Write everything as JSON.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option(
    "--port",
    default=4010,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="Of the first worker; 0: any.",
)
@click.option("--allow-target", multiple=True, metavar="NETWORK", help="Let webhooks go there, too.")
def explore(
    scenario: str | None,
    names: tuple[str, ...],
    drive: str | None,
    ask: tuple[str, ...],
    webhook: str | None,
    reset: str,
    restart: str,
    invariants: tuple[str, ...],
    seed: int | None,
    seconds: float,
    runs: int,
    seeds: int,
    workers: int,
    folder: Path,
    replay: Path | None,
    reach: int,
    card: Path | None,
    host: str,
    port: int,
    allow_target: tuple[str, ...],
) -> None:
    """
    Search for the smallest scenario in which your software does wrong.

    Begins with SCENARIO, or with a healthy one.  Exits 0 when nothing was found, 1 when something was,
    5 when nothing was and the search came to too little to say so.
    """
    if find_spec("hypothesis") is None:
        say(f"simulator: {_NO_HYPOTHESIS}", err=True)
        sys.exit(COULD_NOT_START)
    try:
        asked = _reach(scenario, names, drive, ask, webhook, reset, restart, replaying=replay is not None)
    except ScenarioError as trouble:
        for line in trouble.lines:
            say(line, err=True)
        sys.exit(INVALID)
    if workers > 1 and not asked.shareable:
        raise click.UsageError(
            "--workers: your software sends to one simulator, so that one worker is all; say {simulator} or "
            "{worker} in --drive where it can be told which one a call is for"
        )
    job = Job(
        reach=asked,
        bounds=Bounds(seconds=seconds, runs=runs, sweep=seeds),
        seed=seed if seed is not None else secrets.randbelow(_DRAWN_SEEDS),
        host=host,
        port=port,
        invariants=invariants,
        allow_targets=allow_target,
        found=folder,
        workers=workers,
    )
    sys.path.insert(0, os.getcwd())
    read = [find_scenario(scenario)] if scenario is not None else []
    code = _guarded(lambda: _apart(card, read))
    if not code:
        code = _guarded(lambda: _explore(job, reach, card) if replay is None else _replay(job, replay))
    if code:
        sys.exit(code)


def _apart(card: Path | None, read: Sequence[Path]) -> int:
    """Raise OSError when the file to write is one of those that are *read*."""
    check_apart([] if card is None else [card], read)
    return 0


def _guarded(work: Callable[[], int]) -> int:
    try:
        return work()
    except IntegratorUnreachable as trouble:
        say(f"simulator: {trouble}", err=True)
        return UNREACHABLE
    except ValueError as trouble:
        say(f"simulator: {trouble}", err=True)
        return INVALID
    except OSError as trouble:
        what = f"{trouble.filename}: " if trouble.filename else ""
        say(f"simulator: {what}{could_not_bind(trouble)}", err=True)
        return COULD_NOT_START
    except KeyboardInterrupt:
        say("simulator: interrupted; what was found is kept", err=True)
        return INTERRUPTED


def _explore(job: Job, least: int, card: Path | None) -> int:
    from simulator.explore.workers import explore as search

    say(f"searching {', '.join(job.reach.providers)} with seed {job.seed}", err=True)

    def keep(finding: Finding) -> None:
        for line in finding_lines(finding):
            say_on(line.text, colour=line.colour)
        say_on(f"  written to {job.found}/{finding.name}.yaml")

    with ExitStack() as stack:
        # Before the search: nobody waits to hear that it has no place.
        output = stack.enter_context(Output(card)) if card is not None else None
        explored = search(job, _progress(), keep)
        if output is not None:
            output.fill(plain_json(as_json(explored), indent=2).encode() + b"\n")
    for line in summary(explored, least):
        say_on(line.text, colour=line.colour)
    return _code(explored, least)


def _code(explored: Explored, least: int) -> int:
    if explored.findings:
        return EXPECTATIONS_FAILED
    return 0 if explored.judged and len(explored.reached) >= least else TOO_LITTLE


def _replay(job: Job, place: Path) -> int:
    from simulator.explore.workers import replay

    files = read_found(place)
    if not files:
        say(f"simulator: {place} holds no finding", err=True)
        return INVALID
    failing = silent = 0
    for path, finding, sent in replay(job, files):
        if finding is not None:
            failing += 1
            say(f"still fails  {path}", colour="red")
            for line in list(finding_lines(finding))[1:]:
                say(line.text, colour=line.colour)
        elif sent:
            say(f"passes now   {path}", colour="green")
        else:
            silent += 1
            say(f"not judged   {path}: nothing was sent to this port; --port says which", colour="yellow")
    say(f"{failing} of {len(files)} still fail, {silent} were not judged")
    return EXPECTATIONS_FAILED if failing else TOO_LITTLE if silent else 0


def _progress() -> Callable[[str, int, int], None]:
    line = ProgressLine(_QUIET_REAL_S)

    def show(phase: str, runs: int, findings: int) -> None:
        line(f"{phase:<12}  {runs} runs  {findings} findings")

    return show


def _part(text: str, origin: str) -> Json:
    try:
        return parse(text, origin).plain()
    except YamlError as trouble:
        raise ScenarioError(trouble.problems.render(origin)) from None


def _reach(
    scenario: str | None,
    names: tuple[str, ...],
    drive: str | None,
    ask: tuple[str, ...],
    webhook: str | None,
    reset: str,
    restart: str,
    *,
    replaying: bool,
) -> Reach:
    """Return how the software is reached; raises ScenarioError with every complaint about it."""
    providers = discover()
    base: Json = {}
    if scenario is not None:
        path = find_scenario(scenario)
        text = read_text(path)
        load_run(text, str(path), providers)
        base = _part(text, str(path))
    assert isinstance(base, dict)
    accounts = base.get("providers")
    chosen = names or (tuple(accounts) if isinstance(accounts, dict) and accounts else ("infobip",))
    for name in chosen:
        if name not in providers:
            raise click.UsageError(f"unknown provider {name!r}; known: {', '.join(sorted(providers))}")
    call = _part(drive, "--drive") if drive is not None else None
    if isinstance(call, str):
        call = {"call": call}
    if call is not None and not isinstance(call, dict):
        raise ScenarioError(
            [f'--drive: expected a call such as "POST http://127.0.0.1:9000/send", got {drive}']
        )
    reach = Reach(
        providers=chosen,
        base=base,
        drive=call,
        asks=tuple(_part(question, "--ask") for question in ask),
        settings=_settings(chosen, webhook),
        reset=reset,
        restart=restart,
    )
    if replaying:
        return reach
    if call is None and not base.get("drive"):
        raise click.UsageError("expected --drive, or a SCENARIO with drive:, so that your software sends")
    _checked(reach, providers)
    return reach


def _settings(chosen: tuple[str, ...], webhook: str | None) -> dict[str, Json]:
    """Return where webhooks go: a URL for every provider, or a mapping as `providers:` has it."""
    if webhook is None:
        return {}
    plain = _part(webhook, "--webhook")
    if isinstance(plain, dict):
        return plain
    return {name: {"webhook": {"url": webhook.replace("{provider}", name)}} for name in chosen}


def _checked(reach: Reach, providers: Mapping[str, Provider]) -> None:
    """Raise ScenarioError when options make no scenario."""
    from simulator.explore.search import healthy

    filled = reach.at("http://127.0.0.1:4010", 0)
    for name in reach.providers:
        tree = whole(filled, healthy(filled, providers[name]), providers[name], seed=0)
        load_run(dump(tree), "options", providers)
