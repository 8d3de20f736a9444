"""
`simulator open`: a recorded run in the inspector.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from simulator.commands.exits import COULD_NOT_START, INTERRUPTED, INVALID, could_not_bind
from simulator.commands.outputs import write_whole
from simulator.commands.terminal import say
from simulator.provider import discover
from simulator.run.bundle import BundleError, read_bundle
from simulator.run.recording import Recording
from simulator.scenario.loader import ScenarioError
from simulator.server.app import Server, ServerConfig

__all__ = ["open"]


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--port", default=4010, show_default=True, type=click.IntRange(0, 65_535), help="0: a free one."
)
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the bound port there.")
def open(bundle: Path, port: int, port_file: Path | None) -> None:
    """
    Show a BUNDLE that `run --record` wrote in the inspector.

    The record is read-only: move along it, see phones, queues and answers as they
    were. Fork it, and it goes on from that moment in a space of its own.
    """
    try:
        code = asyncio.run(_show(bundle, port, port_file))
    except (BundleError, ScenarioError) as trouble:
        say(f"simulator: {trouble}", err=True)
        code = INVALID
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code:
        sys.exit(code)


async def _show(bundle: Path, port: int, port_file: Path | None) -> int:
    providers = discover()
    server = Server(ServerConfig(port=port, providers=providers))
    recorded = read_bundle(bundle)
    if recorded.incomplete:
        say(f"simulator: {recorded.incomplete}", err=True)
    recording = Recording(recorded, providers, server.registry)
    try:
        await server.start()
    except OSError as trouble:
        say(f"simulator: cannot listen on 127.0.0.1: {could_not_bind(trouble)}", err=True)
        return COULD_NOT_START
    server.registry.recordings[recording.name] = recording
    try:
        await recording.seek(len(recording.moments) - 1)
        if port_file is not None:
            write_whole(port_file, f"{server.ports['']}\n".encode())
        say(f"{bundle} is shown at {server.url}/_ui/{recording.name}/messages; Ctrl-C ends it")
        await asyncio.Event().wait()
    finally:
        await recording.close()
        await server.stop()
    return 0
