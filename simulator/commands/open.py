"""
`simulator open`: a recorded run, or the journal of a server that is gone, in the inspector.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import click

from simulator.commands.ending import end_when_asked
from simulator.commands.exits import COULD_NOT_START, INTERRUPTED, INVALID, could_not_bind
from simulator.commands.terminal import say
from simulator.files.outputs import write_whole
from simulator.provider import discover
from simulator.run.bundle import BundleError, read_bundle
from simulator.run.journal_reading import JournalError, read_journal
from simulator.run.past_space import PastSpace, providers_of_the_past
from simulator.run.recording import Recording
from simulator.scenario.loader import ScenarioError
from simulator.server.app import Server, ServerConfig
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["open"]

_Shown: TypeAlias = Recording | PastSpace


@click.command()
@click.argument("record", type=click.Path(path_type=Path), metavar="BUNDLE|JOURNAL")
@click.option(
    "--port", default=4010, show_default=True, type=click.IntRange(0, 65_535), help="0: a free one."
)
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the bound port there.")
def open(record: Path, port: int, port_file: Path | None) -> None:
    """
    Show what is recorded in the inspector.

    A BUNDLE is what `run --record` wrote, a JOURNAL the file of `serve --journal`.
    Both are read-only: move along, see phones, queues and answers as they were. A
    bundle can be forked: it goes on from that moment in a space of its own.
    """
    try:
        code = asyncio.run(_show(record, port, port_file, is_file=record.is_file()))
    except (BundleError, JournalError, ScenarioError) as trouble:
        say(f"simulator: {trouble}", err=True)
        code = INVALID
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = INTERRUPTED
    if code:
        sys.exit(code)


async def _show(record: Path, port: int, port_file: Path | None, *, is_file: bool) -> int:
    providers = providers_of_the_past(discover()) if is_file else discover()
    server = Server(ServerConfig(port=port, providers=providers))
    shown: Sequence[_Shown]
    if is_file:
        shown, remarks = read_journal(record, providers)
    else:
        bundle = read_bundle(record)
        shown = [Recording(bundle, providers, server.registry)]
        remarks = [bundle.incomplete] if bundle.incomplete else []
    for remark in remarks:
        say(f"simulator: {remark}", err=True)
    try:
        await server.start()
    except OSError as trouble:
        say(f"simulator: cannot listen on 127.0.0.1: {could_not_bind(trouble)}", err=True)
        return COULD_NOT_START
    try:
        for item in shown:
            await item.seek(len(item.moments) - 1)
            server.registry.recordings[item.name] = item
        if port_file is not None:
            write_whole(port_file, f"{server.ports['']}\n".encode())
        end_when_asked()
        say(f"{record} is shown at {server.url}/_ui/{_first(shown)}/messages; Ctrl-C ends it")
        await asyncio.Event().wait()
    finally:
        for item in shown:
            await item.close()
        await server.stop()
    return 0


def _first(shown: Sequence[_Shown]) -> str:
    """Return which space people look at first."""
    names = [item.name for item in shown]
    return DEFAULT_SPACE if DEFAULT_SPACE in names else names[-1]
