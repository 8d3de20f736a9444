"""
`simulator run`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import click

from simulator.commands.completion import complete_scenario
from simulator.commands.ending import end_when_asked
from simulator.commands.evidence_files import evidence_options, opened, write_evidence
from simulator.commands.exits import (
    COULD_NOT_START,
    EXPECTATIONS_FAILED,
    INTERRUPTED,
    INVALID,
    UNREACHABLE,
    could_not_bind,
)
from simulator.commands.files import find_scenario, read_text
from simulator.commands.option_types import listen_option, ports_of
from simulator.commands.sharing import Door, share
from simulator.commands.terminal import ProgressLine, plain_json, say, stop_printing
from simulator.commands.watching import PROGRESS, Shown
from simulator.evidence.card import card_line
from simulator.evidence.result import RunResult
from simulator.evidence.text import text
from simulator.files.outputs import Output, write_whole
from simulator.kernel.model.scenario import ClockMode, ClockSpec, Scenario
from simulator.kernel.model.units import format_offset
from simulator.load.live import View, view_alone
from simulator.load.run import Shared
from simulator.provider import discover
from simulator.run.meter import Meter
from simulator.run.record import Recorder
from simulator.run.runner import IntegratorUnreachable, RunOptions, makes_calls
from simulator.run.runner import run as carry_out
from simulator.runtime.driver import AdvanceBusy
from simulator.runtime.space import Space
from simulator.scenario.goals import RunFile
from simulator.scenario.loader import ScenarioError, load_run
from simulator.server.app import Server, ServerConfig
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["run"]

_QUIET_REAL_S: Final = 30.0
_LINES: Final = Path("-")
"""What --json says for lines on standard output."""
_COLOURS: Final = {"PASSED": "green", "  ✓": "green", "FAILED": "red", "  ✗": "red"}
"""Of lines of the verdict, by how they begin."""


@click.command()
@click.argument("scenario", shell_complete=complete_scenario)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", default=4010, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0: any.")
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the bound port to this file.")
@listen_option
@click.option(
    "--seed", type=click.IntRange(0, 2**53), help="Same seed, same story.  [default: the scenario's]"
)
@click.option(
    "--live", "live_rate", type=click.IntRange(1, 1_000_000), help="Real time, so many times as fast."
)
@click.option(
    "--start",
    default="",
    metavar="COMMAND",
    help="Begin your software with this command, and end it after the run.",
)
@click.option("--wait-for", default="", metavar="URL", help="Begin when this URL of the integrator answers.")
@click.option(
    "--within",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds to wait for the integrator.",
)
@click.option(
    "--quiet",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds without a call before draining.",
)
@click.option(
    "--at-most",
    default=3_600.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds after which a run that has not ended by itself has failed.",
)
@click.option(
    "--give-up",
    default=10_000,
    show_default=True,
    type=click.IntRange(0),
    metavar="COUNT",
    help="End when so many attempts in a row, twenty for each webhook, were not acknowledged; 0: never.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Share the storm among N processes; needs the extra load.",
)
@click.option(
    "--progress",
    default="text",
    show_default=True,
    type=PROGRESS,
    help="How the run is shown meanwhile on standard error; json: a line twice a second.",
)
@evidence_options
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    help="Write a bundle for `simulator replay`, in place of an earlier one; no credentials but those in "
    "SCENARIO, which is copied.",
)
@click.option(
    "--inspect",
    is_flag=True,
    help="Serve on when the run is over, so that it can be looked at in the inspector; Ctrl-C ends it.",
)
@click.option(
    "--allow-target",
    multiple=True,
    metavar="NETWORK",
    help="Let webhooks go to this network, too: 192.0.2.0/24, 0.0.0.0/0.",
)
def run(
    scenario: str,
    host: str,
    port: int,
    port_file: Path | None,
    listen: tuple[tuple[str, int], ...],
    seed: int | None,
    live_rate: int | None,
    start: str,
    wait_for: str,
    within: float,
    quiet: float,
    at_most: float,
    give_up: int,
    workers: int | None,
    progress: str,
    evidence: dict[str, Path],
    record: Path | None,
    inspect: bool,
    allow_target: tuple[str, ...],
) -> None:
    """
    Carry out SCENARIO against your software and print a verdict.

    Exits 0 when every expectation was met, 1 when not.
    """
    lines = evidence.get("json") == _LINES and evidence.pop("json") == _LINES
    _check_flags(wait_for, alone=bool(record or start or wait_for or listen or inspect), workers=workers)
    path = find_scenario(scenario)
    server, plan, source = _server(
        path, host=host, port=port, listen=listen, seed=seed, live_rate=live_rate, allow_targets=allow_target
    )
    options = RunOptions(
        start=start,
        wait_for=wait_for,
        within_real_s=within,
        quiet_real_s=quiet,
        at_most_real_s=at_most,
        allow_targets=allow_target,
        give_up=give_up,
    )
    result = None
    try:
        show = Shown("json" if lines else progress, err=not lines)
        with opened(evidence, reads=path, also=port_file) as outputs:
            if workers is None:
                work = _run(server, plan, source, options, outputs, record, port_file, show, inspect=inspect)
                code, result = asyncio.run(work)
            else:
                code, result = _share(server, plan, source, options, outputs, workers, port_file, show)
    except OSError as trouble:
        _complain(f"{trouble.filename or 'a file'}: cannot be written ({trouble.strerror or trouble})")
        code = INVALID
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = INTERRUPTED
    if result is not None:
        # Last, since whoever reads it may have gone, and the evidence is to stay.
        _tell(result, lines=lines)
    if code:
        sys.exit(code)


class _Source(NamedTuple):
    """A scenario file, read once: a pipe has it only once."""

    name: str
    text: str


def _check_flags(wait_for: str, *, alone: bool, workers: int | None) -> None:
    if wait_for and re.match(r"https?://[^/]", wait_for) is None:
        raise click.UsageError(f"--wait-for: expected a URL such as http://127.0.0.1:9000, got {wait_for!r}")
    if workers is not None and alone:
        raise click.UsageError("--workers goes without --record, --start, --wait-for, --listen and --inspect")


def _share(
    server: Server,
    plan: RunFile,
    source: _Source,
    options: RunOptions,
    evidence: Mapping[str, Output],
    workers: int,
    port_file: Path | None,
    show: Shown,
) -> tuple[int, RunResult | None]:
    """Carry a scenario out over workers, unless something of it cannot be shared among them."""
    shared = Shared(
        workers=workers,
        seed=server.config.seed,
        clock=server.config.clock,
        allow_targets=options.allow_targets,
        at_most_real_s=options.at_most_real_s,
        give_up=options.give_up,
    )
    config = server.config
    door = Door(config.host, config.port, lambda port: _write_port(port_file, port))
    code, result = share(plan, source.text, discover(), shared, door, show)
    if result is None:
        return code, None
    written = _write(result, evidence, None)
    return (code if code or written else INVALID), result


def _server(
    path: Path,
    *,
    host: str,
    port: int,
    listen: Sequence[tuple[str, int]],
    seed: int | None,
    live_rate: int | None,
    allow_targets: Sequence[str],
) -> tuple[Server, RunFile, _Source]:
    """
    Return a server, what a file says, and the file as it was read.

    Ends the process with every complaint about the file.
    """
    providers = discover()
    try:
        content = read_text(path)
        plan = load_run(content, str(path), providers)
        config = ServerConfig(
            host=host,
            port=port,
            seed=seed if seed is not None else plan.scenario.seed or 0,
            clock=_clock(plan.scenario, live_rate),
            scenario=plan.scenario,
            listen=ports_of(listen, providers),
            allow_targets=allow_targets,
            providers=providers,
        )
        return Server(config), plan, _Source(path.name, content)
    except ScenarioError as trouble:
        for line in trouble.lines:
            say(line, err=True)
    except ValueError as refusal:
        _complain(refusal)
    sys.exit(INVALID)


def _complain(trouble: object) -> None:
    say(f"simulator: {trouble}", err=True)


def _clock(scenario: Scenario, live_rate: int | None) -> ClockSpec:
    spec = scenario.clock or ClockSpec()
    return spec if live_rate is None else replace(spec, mode=ClockMode.LIVE, rate=live_rate)


async def _run(
    server: Server,
    plan: RunFile,
    source: _Source,
    options: RunOptions,
    evidence: Mapping[str, Output],
    record: Path | None,
    port_file: Path | None,
    show: Shown,
    *,
    inspect: bool,
) -> tuple[int, RunResult | None]:
    end_when_asked()
    try:
        await server.start()
    except OSError as trouble:
        _complain(f"cannot listen on {server.config.host}: {could_not_bind(trouble)}")
        return COULD_NOT_START, None
    space = server.registry.get(DEFAULT_SPACE)
    recorder = None
    try:
        if record is not None:
            recorder = Recorder(space, record, source.text, source.name)
        _write_port(port_file, server.ports[""])
        say(f"{plan.scenario.name}: serving at {server.url}", err=True)
        for name, url in server.alone_urls.items():
            say(f"{name} alone at {url}", err=True)
        if not makes_calls(plan):
            say(f"waiting up to {options.within_real_s:g} s for a first call (--within)", err=True)
        watching = _Watching(show)
        result = await carry_out(server, plan, options, watching)
        watching.end()
        written = _write(result, evidence, recorder)
        if inspect:
            _tell(result)
            await _stay(server, space)
    except IntegratorUnreachable as trouble:
        _complain(trouble)
        _abandon(recorder)
        return UNREACHABLE, None
    except AdvanceBusy:
        _complain("the integrator moves the clock itself; in a run, that is left to the simulator")
        _abandon(recorder)
        return COULD_NOT_START, None
    except asyncio.CancelledError:
        _tell_interrupted(space, recorder, record)
        raise
    finally:
        await server.stop()
    code = EXPECTATIONS_FAILED if not result.passed else 0 if written else INVALID
    return code, None if inspect else result


async def _stay(server: Server, space: Space) -> None:
    """Serve on until interrupted, with a clock that stands where the run ended."""
    space.driver.set_mode(ClockSpec(mode=ClockMode.FROZEN))
    say(f"the run is at {server.url}/_ui/{space.name}/run; Ctrl-C ends it", err=True)
    # Whoever ends it wants the verdict's exit code, not that of an interruption.
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def _write(result: RunResult, evidence: Mapping[str, Output], recorder: Recorder | None) -> bool:
    """Write everything down; what cannot be written is told, and does not hide the verdict."""
    written = True
    try:
        if recorder is not None:
            recorder.close(result)
    except OSError as trouble:
        _complain(f"the record is not written: {trouble.strerror or trouble}")
        written = False
    for complaint in write_evidence(result, evidence):
        _complain(complaint)
        written = False
    return written


def _abandon(recorder: Recorder | None) -> None:
    if recorder is not None:
        recorder.abandon()


def _tell_interrupted(space: Space, recorder: Recorder | None, record: Path | None) -> None:
    if recorder is not None:
        # First: who ends the process may have closed the terminal that the rest is told to.
        recorder.close(complete=False)
    _complain(f"interrupted at {format_offset(space.simulation.clock.now_ms)}; no evidence is written")
    if recorder is not None:
        _complain(f"{record} holds the run until then")


def _write_port(path: Path | None, port: int) -> None:
    if path is not None:
        write_whole(path, f"{port}\n".encode())


def _tell(result: RunResult, *, lines: bool = False) -> None:
    """Print the verdict for people; with *lines*, one for programs before, and it on standard error."""
    try:
        if lines:
            say(plain_json(json.loads(card_line(result))))
        for line in text(result):
            colours = [colour for begin, colour in _COLOURS.items() if line.startswith(begin)]
            say(line, colour=colours[0] if colours else None, err=lines)
    except BrokenPipeError:
        stop_printing()


class _Watching:
    """Shows how a run in this process goes on: on a clock that stands still by its instants."""

    def __init__(self, show: Shown) -> None:
        self._show = show
        self._line = ProgressLine(_QUIET_REAL_S)
        self._view: View | None = None

    def __call__(self, space: Space, meter: Meter) -> None:
        """Show a space and what was measured in it."""
        simulation, driver, dispatcher = space.simulation, space.driver, space.dispatcher
        live, due_ms = driver.mode is ClockMode.LIVE, simulation.next_due()
        self._view = view_alone(
            meter,
            messages=len(simulation.messages),
            backlog=dispatcher.waiting,
            in_flight=simulation.outbox.in_flight - dispatcher.waiting,
            behind_ms=driver.late_real_us(due_ms) // 1_000 if due_ms is not None else 0,
            live=live,
        )
        if live or self._show.machine:
            self._show(self._view)
        elif self._show.text:
            self._line(
                f"{format_offset(simulation.clock.now_ms)}  {len(simulation.messages)} messages  "
                f"{len(simulation.outbox.webhooks)} webhooks  {simulation.outbox.in_flight} in flight"
            )

    def end(self) -> None:
        """Tell programs that this is the last they hear."""
        if self._view is not None and self._show.machine:
            self._show(self._view, last=True)
