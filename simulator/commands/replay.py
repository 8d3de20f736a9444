"""
`simulator replay`.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.commands.exits import (
    COULD_NOT_START,
    EXPECTATIONS_FAILED,
    INVALID,
    UNREACHABLE,
    could_not_bind,
)
from simulator.provider import discover
from simulator.run.record import Bundle, BundleError, Recorder, read_bundle
from simulator.run.replay import Divergence, first_divergence, first_input_divergence, refire, scenario_of
from simulator.run.replay import replay as play_again
from simulator.run.runner import IntegratorUnreachable, RunOptions, run
from simulator.scenario.loader import ScenarioError
from simulator.server.app import Server, ServerConfig
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["replay"]


if TYPE_CHECKING:
    _TimesType = click.ParamType[int]
else:
    # Older releases of click have no types to be asked for.
    _TimesType = click.ParamType


class _Times(_TimesType):
    """`×10`, `x10` or `10`."""

    name = "times"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"[×x*]?([1-9][0-9]{0,5})", str(value))
        if match is None:
            self.fail(f"expected how many times as fast, such as ×10, got {value!r}", param, ctx)
        return int(match[1])


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--to", default="", metavar="URL", help="Send the recorded webhooks there, as load.")
@click.option("--rate", default=1, type=_Times(), help="With --to: so many times as fast, such as ×10.")
@click.option("--against", is_flag=True, help="Run the scenario against the integrator as it is now.")
@click.option(
    "--port", default=4010, show_default=True, type=click.IntRange(0, 65_535), help="With --against."
)
@click.option("--wait-for", default="", metavar="URL", help="With --against: begin when this URL answers.")
@click.option(
    "--allow-target", multiple=True, metavar="NETWORK", help="Let webhooks go to this network, too."
)
def replay(
    bundle: Path, to: str, rate: int, against: bool, port: int, wait_for: str, allow_target: tuple[str, ...]
) -> None:
    """
    Replay a BUNDLE that `run --record` wrote.

    By itself: feed the recorded calls again and compare every webhook, byte for
    byte. With --against: let the integrator make its calls again, and name the
    first that differs. With --to: re-fire the webhooks as load.
    """
    try:
        recorded = read_bundle(bundle)
        scenario_of(recorded, discover())
    except (BundleError, ScenarioError) as trouble:
        click.echo(f"simulator: {trouble}", err=True)
        sys.exit(INVALID)
    if to:
        report = asyncio.run(refire(recorded, to, rate, allow_target))
        for line in report.lines():
            click.echo(line)
        if report.sent and not report.statuses:
            sys.exit(UNREACHABLE)
        return
    if against:
        options = RunOptions(wait_for=wait_for, allow_targets=allow_target)
        sys.exit(asyncio.run(_against(recorded, port, options)))
    _judge(first_divergence(recorded.webhooks, asyncio.run(play_again(recorded, discover()))), recorded)


async def _against(recorded: Bundle, port: int, options: RunOptions) -> int:
    providers = discover()
    scenario = scenario_of(recorded, providers)
    config = ServerConfig(
        port=port,
        seed=recorded.seed,
        clock=scenario.clock,  # type: ignore[arg-type]
        scenario=scenario,
        allow_targets=options.allow_targets,
        providers=providers,
    )
    server = Server(config)
    try:
        await server.start()
    except OSError as trouble:
        click.echo(f"simulator: cannot listen on 127.0.0.1: {could_not_bind(trouble)}", err=True)
        return COULD_NOT_START
    try:
        recorder = Recorder(server.registry.get(DEFAULT_SPACE))
        await run(server, scenario, options)
        divergence = first_input_divergence(recorded.inputs, recorder.inputs)
    except IntegratorUnreachable as trouble:
        click.echo(f"simulator: {trouble}", err=True)
        return UNREACHABLE
    finally:
        await server.stop()
    for line in divergence.lines() if divergence is not None else ["every call is the one recorded"]:
        click.echo(line)
    return EXPECTATIONS_FAILED if divergence is not None else 0


def _judge(divergence: Divergence | None, recorded: Bundle) -> None:
    if divergence is None:
        click.echo(f"all {len(recorded.webhooks)} webhooks are the recorded ones, byte for byte")
        return
    for line in divergence.lines():
        click.echo(line)
    sys.exit(EXPECTATIONS_FAILED)
