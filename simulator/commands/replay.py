"""
`simulator replay`.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from simulator import __version__
from simulator.commands.ending import end_when_asked
from simulator.commands.exits import (
    COULD_NOT_START,
    EXPECTATIONS_FAILED,
    INTERRUPTED,
    INVALID,
    UNREACHABLE,
    could_not_bind,
)
from simulator.commands.sharing import Interrupts, share_firing
from simulator.commands.terminal import plain_json, say
from simulator.commands.watching import PROGRESS, Shown, watched
from simulator.files.outputs import write_whole
from simulator.kernel.model.scenario import ClockSpec
from simulator.kernel.model.units import UnitError, format_duration, parse_duration
from simulator.load.extra import MissingExtra
from simulator.load.live import View, view_of
from simulator.load.parts import Progress
from simulator.load.refire import Firing, LoadReport, Plan, plan_of_load, refire
from simulator.provider import discover
from simulator.run.bundle import SCENARIO, Bundle, BundleError, read_bundle
from simulator.run.compare import first_divergence
from simulator.run.record import Recorder
from simulator.run.replay import Replayed, plan_of
from simulator.run.replay import replay as play_again
from simulator.run.runner import IntegratorUnreachable, RunOptions, run
from simulator.scenario.loader import ScenarioError
from simulator.server.app import Server, ServerConfig
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["replay"]

_RATE_MAX: Final = 1_000_000
_ROUNDED_FROM_MS: Final = 10_000


# Older releases of click have no types to be asked for.
class _Times(click.ParamType):  # type: ignore[type-arg]
    """`×10`, `x10` or `10`, up to a million."""

    name = "times"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"[×x*]?([1-9][0-9]{0,6})", str(value))
        if match is None or int(match[1]) > _RATE_MAX:
            expected = "how many times as fast, from ×1 to ×1000000, such as ×10 (or x10)"
            self.fail(f"expected {expected}, got {value!r}", param, ctx)
        return int(match[1])


class _Gap(click.ParamType):  # type: ignore[type-arg]
    """`1s`, or `keep` for pauses as they are."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if isinstance(value, int):
            return value
        if value == "keep":
            return None
        try:
            return parse_duration(str(value))
        except UnitError as refusal:
            self.fail(f"{refusal}, or keep", param, ctx)


class _Header(click.ParamType):  # type: ignore[type-arg]
    """`Name: value`."""

    name = "header"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        name, colon, text = str(value).partition(":")
        if not colon or re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) is None or not text.isprintable():
            self.fail(f"expected Name: value, got {value!r}", param, ctx)
        return name, text.strip()


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--to",
    default="",
    metavar="URL",
    help="Send the recorded webhooks there, as load: the path that each was sent to follows URL.",
)
@click.option(
    "--rate", default=1, type=_Times(), help="With --to: so many times as fast, from ×1 to ×1000000."
)
@click.option(
    "--gap",
    "gap_real_ms",
    default="1s",
    show_default=True,
    type=_Gap(),
    metavar="DURATION|keep",
    help="With --to: cut every pause longer than this short; keep: wait as long as the record did.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    type=_Header(),
    metavar="'NAME: VALUE'",
    help="With --to: send this header, too; records hold no credentials.",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), metavar="N", help="With --to: share the load among N processes."
)
@click.option(
    "--progress",
    default="text",
    show_default=True,
    type=PROGRESS,
    help="With --to: how the load is shown meanwhile on standard error; json: a line twice a second.",
)
@click.option(
    "--json",
    "figures",
    type=click.Path(path_type=Path),
    help="With --to: write the report as JSON; -: as lines on standard output, those of --progress json "
    "before the last one.",
)
@click.option("--against", is_flag=True, help="Run the scenario against the integrator as it is now.")
@click.option(
    "--port", default=4010, show_default=True, type=click.IntRange(0, 65_535), help="With --against."
)
@click.option("--port-file", type=click.Path(path_type=Path), help="With --against: write the bound port.")
@click.option("--wait-for", default="", metavar="URL", help="With --against: begin when this URL answers.")
@click.option("--within", default=30.0, show_default=True, help="With --against: seconds to wait for it.")
@click.option(
    "--quiet", default=1.0, show_default=True, help="With --against: seconds without a call before draining."
)
@click.option(
    "--allow-target",
    multiple=True,
    metavar="NETWORK",
    help="Let webhooks go to this network, too: 192.0.2.0/24, 0.0.0.0/0.",
)
def replay(
    bundle: Path,
    to: str,
    rate: int,
    gap_real_ms: int | None,
    headers: tuple[tuple[str, str], ...],
    workers: int | None,
    progress: str,
    figures: Path | None,
    against: bool,
    port: int,
    port_file: Path | None,
    wait_for: str,
    within: float,
    quiet: float,
    allow_target: tuple[str, ...],
) -> None:
    """
    Replay a BUNDLE that `run --record` wrote.

    By itself: let everything happen again as recorded and compare every webhook,
    byte for byte. With --against: run the scenario with the integrator as it is
    now, and name the first thing it does otherwise; ids that look random count by
    where they are used. With --to: re-fire the webhooks as load; one that was
    answered 2xx in the record is to be answered 2xx again.

    Exits 0 when nothing differs, 1 when something does, 4 when nobody answers.
    """
    if to and against:
        raise click.UsageError("--to and --against are two replays; choose one")
    providers = discover()
    try:
        recorded = read_bundle(bundle)
        if recorded.incomplete:
            _complain(recorded.incomplete)
        plan_of(recorded, providers)
        code = 0
        if to:
            firing = Firing(to, rate, allow_target, headers, gap_real_ms=gap_real_ms)
            code = _refire(recorded, firing, workers, progress, figures)
        elif against:
            options = RunOptions(
                wait_for=wait_for, within_real_s=within, quiet_real_s=quiet, allow_targets=allow_target
            )
            code = asyncio.run(_against(recorded, port, port_file, options))
        else:
            code = _judge(asyncio.run(play_again(recorded, providers)), recorded)
    except ScenarioError as trouble:
        for line in trouble.lines:
            say(f"{bundle / SCENARIO}: {line}", err=True)
        code = INVALID
    except (BundleError, MissingExtra, ValueError, OSError) as trouble:
        _complain(trouble)
        code = COULD_NOT_START if isinstance(trouble, MissingExtra) else INVALID
    except (KeyboardInterrupt, asyncio.CancelledError):
        _complain("interrupted")
        code = INTERRUPTED
    if code:
        sys.exit(code)


def _complain(trouble: object) -> None:
    say(f"simulator: {trouble}", err=True)


def _refire(
    recorded: Bundle, firing: Firing, workers: int | None, progress: str, figures: Path | None
) -> int:
    if re.match(r"https?://[^/]", firing.to) is None:
        raise click.UsageError(f"--to: expected a URL such as http://127.0.0.1:9000, got {firing.to!r}")
    plan = plan_of_load(recorded, firing.rate, firing.gap_real_ms)
    for line in _intention(plan, firing.rate, firing.gap_real_ms):
        say(line, err=True)
    machine = figures == Path("-")
    show = Shown("json", err=False) if machine else Shown(progress)
    if workers is None:
        interrupts = Interrupts()
        report = asyncio.run(_fired(recorded, firing, show, interrupts))
        interrupted = bool(interrupts.count)
    else:
        report, interrupted = share_firing(recorded.folder, firing, workers, show)
    if figures is not None and not machine:
        write_whole(figures, plain_json(report.as_plain(), indent=2).encode() + b"\n")
    elif machine:
        say(plain_json(report.as_plain()))
    for line in report.lines():
        say(line, err=machine)
    if interrupted:
        return INTERRUPTED
    if report.sent and not report.statuses:
        return UNREACHABLE
    return EXPECTATIONS_FAILED if report.worse or report.troubles else 0


async def _fired(recorded: Bundle, firing: Firing, show: Shown, interrupts: Interrupts) -> LoadReport:
    """Fire everything from this process; whoever interrupts it hears of what there was until then."""
    began_s = time.monotonic()
    latest: Progress | None = None
    measured = LoadReport()

    def note(report: LoadReport, under_way: int) -> None:
        nonlocal latest, measured
        measured = report
        latest = Progress(0, 0, 0, under_way, 0, report.measures)

    def look() -> View | None:
        return None if latest is None else view_of([latest], time.monotonic() - began_s, 1)

    with interrupts.heard(), watched(look, show):
        try:
            return await refire(recorded, firing, note)
        except asyncio.CancelledError:
            measured.troubles = ("the run was interrupted",)
            return measured


def _intention(plan: Plan, rate: int, gap_real_ms: int | None) -> Iterator[str]:
    """Yield what is going to be sent, and how long that takes."""
    webhooks = f"{plan.webhooks:,} webhook" + ("" if plan.webhooks == 1 else "s")
    recorded = format_duration(_rounded(plan.recorded_ms))
    cut = "" if gap_real_ms is None else f", no pause longer than {format_duration(gap_real_ms)} (--gap)"
    takes = format_duration(_rounded(plan.takes_ms))
    yield f"{webhooks} in {recorded} of the record; at ×{rate} that takes {takes}{cut}"


def _rounded(ms: int) -> int:
    return ms if ms < _ROUNDED_FROM_MS else ms // 1_000 * 1_000


async def _against(recorded: Bundle, port: int, port_file: Path | None, options: RunOptions) -> int:
    end_when_asked()
    providers = discover()
    plan = plan_of(recorded, providers)
    config = ServerConfig(
        port=port,
        seed=recorded.about.seed,
        clock=plan.scenario.clock or ClockSpec(),
        scenario=plan.scenario,
        allow_targets=options.allow_targets,
        providers=providers,
    )
    server = Server(config)
    try:
        await server.start()
    except OSError as trouble:
        _complain(f"cannot listen on 127.0.0.1: {could_not_bind(trouble)}")
        return COULD_NOT_START
    try:
        _write_port(port_file, server.ports[""])
        say(f"{plan.scenario.name}: serving at {server.url}", err=True)
        with TemporaryDirectory() as folder:
            recorder = Recorder(server.registry.get(DEFAULT_SPACE), Path(folder), recorded.scenario_text)
            await run(server, plan, options)
            recorder.close()
            divergence = first_divergence(recorded, read_bundle(Path(folder)))
    except IntegratorUnreachable as trouble:
        _complain(trouble)
        return UNREACHABLE
    finally:
        await server.stop()
    for line in divergence.lines() if divergence is not None else ["the integrator did what is recorded"]:
        say(line)
    return EXPECTATIONS_FAILED if divergence is not None else 0


def _write_port(path: Path | None, port: int) -> None:
    if path is not None:
        write_whole(path, f"{port}\n".encode())


def _judge(replayed: Replayed, recorded: Bundle) -> int:
    if replayed.divergence is None:
        but = " (but for their signatures: the bundle withholds secrets)" if recorded.about.withheld else ""
        sentence = (
            f"{replayed.calls} calls again; all {replayed.webhooks} webhook attempts are the recorded ones"
        )
        say(f"{sentence}, byte for byte{but}")
        return 0
    for line in replayed.divergence.lines():
        say(line)
    if recorded.about.version != __version__:
        say(f"  it was recorded with version {recorded.about.version}; this is {__version__}")
    return EXPECTATIONS_FAILED
