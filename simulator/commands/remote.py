"""
Commands that ask a running server: `simulator explain` and `simulator ready`.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Final

import click

from simulator.commands.exits import COULD_NOT_START, INVALID
from simulator.commands.terminal import say
from simulator.commands.where import Where, asking, where_options
from simulator.control import Unreachable

__all__ = ["explain", "ready"]

_POLL_REAL_S: Final = 0.05


@click.command()
@click.argument("message_id")
@click.option(
    "--bundle", type=click.Path(path_type=Path), help="Tell it from a run that `run --record` wrote, instead."
)
@asking
def explain(message_id: str, where: Where, space: str, bundle: Path | None) -> None:
    """
    Tell the whole story of MESSAGE_ID: who decided what, why others did not, and all that followed.

    A submission that was refused has a story, too. What has no id goes by
    provider/recipient/ordinal, as in infobip/+41793026727/1, or by the id of its
    call where the provider has one, such as the txnid at BiP.
    """
    if bundle is not None:
        _explain_recorded(message_id, bundle)
        return
    key = re.fullmatch(r"([a-z0-9_-]+)/(.+)/([0-9]+)", message_id)
    # A slash would end the name in a path; in a key, colons stand for it.
    name = ":".join(key.groups()) if key is not None else message_id
    story = where.call("GET", f"/spaces/{space}/messages/{name}/explain")
    assert isinstance(story, dict)
    for line in story["story"]:
        say(line)


def _explain_recorded(message_id: str, folder: Path) -> None:
    # Replaying takes a server's worth of imports, which asking one does not.
    import asyncio

    from simulator.explain.story import explain as story_of
    from simulator.explain.story import find_submission
    from simulator.kernel.engine.simulation import Simulation
    from simulator.provider import discover
    from simulator.run.bundle import BundleError, read_bundle
    from simulator.run.replay import replay
    from simulator.scenario.loader import ScenarioError

    story: list[str] = []
    providers = discover()

    def spelling(provider: str, recipient: str) -> str:
        return providers[provider].address_of(recipient)

    def look(simulation: Simulation) -> None:
        outcome = find_submission(simulation, message_id, address_of=spelling)
        if outcome is not None:
            story.extend(story_of(simulation, outcome).lines())

    try:
        replayed = asyncio.run(replay(read_bundle(folder), providers, look))
    except (BundleError, ScenarioError) as trouble:
        say(f"simulator: {trouble}", err=True)
        sys.exit(INVALID)
    if replayed.divergence is not None:
        # What is told is what happens now, which is not what the record says.
        say(f"simulator: {replayed.divergence.lines()[0]}; `simulator replay` shows it", err=True)
    if not story:
        say(f"simulator: {folder} has no message or refusal {message_id!r}", err=True)
        sys.exit(INVALID)
    for line in story:
        say(line)


@click.command()
@click.option("--wait", "wait_s", type=float, default=0.0, help="Wait so many seconds for it.")
@where_options
def ready(where: Where, wait_s: float) -> None:
    """
    Exit 0 when a server is ready to serve, 3 when it is not.
    """
    deadline = time.monotonic() + wait_s
    while True:
        try:
            control = where.control()
            control.ready()
        except Unreachable as trouble:
            if time.monotonic() >= deadline:
                say(f"simulator: {trouble}", err=True)
                sys.exit(COULD_NOT_START)
            time.sleep(_POLL_REAL_S)
        else:
            say(f"{control.url} is ready")
            return
