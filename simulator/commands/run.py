"""
`simulator run`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from simulator.commands.exits import (
    COULD_NOT_START,
    EXPECTATIONS_FAILED,
    INTERRUPTED,
    INVALID,
    UNREACHABLE,
    could_not_bind,
)
from simulator.commands.files import find_scenario, load_file
from simulator.evidence.formats import FORMATS
from simulator.evidence.result import RunResult
from simulator.evidence.text import text
from simulator.kernel.rule import ClockMode, ClockSpec, Scenario
from simulator.kernel.units import format_offset
from simulator.provider import discover
from simulator.run.record import Recorder
from simulator.run.runner import IntegratorUnreachable, RunOptions
from simulator.run.runner import run as carry_out
from simulator.runtime.space import Space
from simulator.scenario.loader import ScenarioError
from simulator.server.app import Server, ServerConfig
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["run"]


@click.command()
@click.argument("scenario")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", default=4010, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0: any.")
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the bound port to this file.")
@click.option(
    "--seed", type=click.IntRange(0, 2**53), help="Same seed, same story.  [default: the scenario's]"
)
@click.option(
    "--live", "live_rate", type=click.IntRange(1, 1_000_000), help="Real time, so many times as fast."
)
@click.option("--wait-for", default="", metavar="URL", help="Begin when this URL of the integrator answers.")
@click.option("--within", default=30.0, show_default=True, help="Seconds to wait for the integrator.")
@click.option("--quiet", default=1.0, show_default=True, help="Seconds without a call before draining.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML.")
@click.option(
    "--html", type=click.Path(path_type=Path), help="Write a self-contained page with the timeline."
)
@click.option("--jsonl", type=click.Path(path_type=Path), help="Write the journal as NDJSON.")
@click.option("--har", type=click.Path(path_type=Path), help="Write calls and webhooks as HAR.")
@click.option("--record", type=click.Path(path_type=Path), help="Write a bundle for `simulator replay`.")
@click.option(
    "--allow-target", multiple=True, metavar="NETWORK", help="Let webhooks go to this network, too."
)
def run(
    scenario: str,
    host: str,
    port: int,
    port_file: Path | None,
    seed: int | None,
    live_rate: int | None,
    wait_for: str,
    within: float,
    quiet: float,
    junit: Path | None,
    html: Path | None,
    jsonl: Path | None,
    har: Path | None,
    record: Path | None,
    allow_target: tuple[str, ...],
) -> None:
    """
    Carry out SCENARIO against your software and print a verdict.

    Exits 0 when every expectation was met, 1 when not.
    """
    providers = discover()
    path = find_scenario(scenario)
    try:
        loaded = load_file(path, providers)
    except ScenarioError as trouble:
        for line in trouble.lines:
            click.echo(line, err=True)
        sys.exit(INVALID)
    try:
        config = ServerConfig(
            host=host,
            port=port,
            seed=seed if seed is not None else loaded.seed or 0,
            clock=_clock(loaded, live_rate),
            scenario=loaded,
            allow_targets=allow_target,
            providers=providers,
        )
        server = Server(config)
    except ValueError as refusal:
        click.echo(f"simulator: {refusal}", err=True)
        sys.exit(INVALID)
    options = RunOptions(
        wait_for=wait_for, within_real_s=within, quiet_real_s=quiet, allow_targets=allow_target
    )
    evidence = {
        form: target
        for form, target in (("junit", junit), ("html", html), ("jsonl", jsonl), ("har", har))
        if target is not None
    }
    try:
        code = asyncio.run(_run(server, loaded, path, options, evidence, record, port_file))
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code:
        sys.exit(code)


def _clock(scenario: Scenario, live_rate: int | None) -> ClockSpec:
    said = scenario.clock or ClockSpec()
    return said if live_rate is None else replace(said, mode=ClockMode.LIVE, rate=live_rate)


async def _run(
    server: Server,
    scenario: Scenario,
    path: Path,
    options: RunOptions,
    evidence: dict[str, Path],
    record: Path | None,
    port_file: Path | None,
) -> int:
    try:
        await server.start()
    except OSError as trouble:
        click.echo(f"simulator: cannot listen on {server.config.host}: {could_not_bind(trouble)}", err=True)
        return COULD_NOT_START
    space = server.registry.get(DEFAULT_SPACE)
    recorder = Recorder(space) if record is not None else None
    try:
        _write_port(port_file, server.ports[""])
        click.echo(f"{scenario.name}: serving at {server.url}", err=True)
        result = await carry_out(server, scenario, options, _progress())
        _write_evidence(result, evidence)
        if recorder is not None and record is not None:
            _write_bundle(recorder, record, path, scenario)
    except IntegratorUnreachable as trouble:
        click.echo(f"simulator: {trouble}", err=True)
        return UNREACHABLE
    finally:
        await server.stop()
    _tell(result)
    return 0 if result.passed else EXPECTATIONS_FAILED


def _write_evidence(result: RunResult, wanted: dict[str, Path]) -> None:
    for form, path in wanted.items():
        path.write_bytes(FORMATS[form].render(result))


def _write_port(path: Path | None, port: int) -> None:
    if path is not None:
        path.write_text(f"{port}\n")


def _write_bundle(recorder: Recorder, folder: Path, path: Path, scenario: Scenario) -> None:
    recorder.write(folder, path.read_text(encoding="utf-8"), scenario)


def _tell(result: RunResult) -> None:
    for line in text(result):
        colour = "red" if line.startswith("FAILED") else "green" if line.startswith("passed") else None
        click.secho(line, fg=colour)


def _progress() -> Callable[[Space], None]:
    if not sys.stderr.isatty():
        return lambda _: None

    def show(space: Space) -> None:
        simulation = space.simulation
        said = (
            f"\r{format_offset(simulation.clock.now_ms)}  {len(simulation.messages)} messages  "
            f"{len(simulation.outbox.webhooks)} webhooks  {simulation.outbox.in_flight} in flight   "
        )
        click.echo(said, nl=False, err=True)

    return show
