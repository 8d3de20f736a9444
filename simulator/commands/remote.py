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
from click.core import ParameterSource

from simulator.commands.exits import COULD_NOT_START, INVALID
from simulator.commands.terminal import say
from simulator.commands.where import Where, asking, where_options
from simulator.control import Unreachable
from simulator.kernel.engine.simulation import Simulation

__all__ = ["explain", "ready"]

_POLL_REAL_S: Final = 0.05


@click.command()
@click.argument("message_id")
@click.option(
    "--bundle", type=click.Path(path_type=Path), help="Tell it from a run that `run --record` wrote, instead."
)
@click.option(
    "--journal", type=click.Path(path_type=Path), help="Tell it from what `serve --journal` wrote, instead."
)
@asking
def explain(message_id: str, where: Where, space: str, bundle: Path | None, journal: Path | None) -> None:
    """
    Tell the whole story of MESSAGE_ID: who decided what, why others did not, and all that followed.

    A submission that was refused has a story, too. What has no id goes by
    provider/recipient/ordinal, as in infobip/+41793026727/1, or by the id of its
    call where the provider has one, such as the txnid at BiP.
    """
    if bundle is not None and journal is not None:
        raise click.UsageError("expected --bundle or --journal, got both")
    if bundle is not None:
        _tell(_recorded(message_id, bundle), message_id, bundle)
        return
    if journal is not None:
        _tell(_past(message_id, journal, space), message_id, journal)
        return
    key = re.fullmatch(r"([a-z0-9_-]+)/(.+)/([0-9]+)", message_id)
    # A slash would end the name in a path; in a key, colons stand for it.
    name = ":".join(key.groups()) if key is not None else message_id
    answer = where.call("GET", f"/spaces/{space}/messages/{name}/explain")
    for line in answer["story"]:
        say(line)


def _tell(story: list[str], message_id: str, source: Path) -> None:
    if not story:
        say(f"simulator: {source} has no message or refusal {message_id!r}", err=True)
        sys.exit(INVALID)
    for line in story:
        say(line)


def _past(message_id: str, journal: Path, space: str) -> list[str]:
    """Return the story of a message that a journal tells of."""
    from simulator.commands.past import past_space

    # The option has a default, and a journal of one space needs none.
    explicit = click.get_current_context().get_parameter_source("space") is not ParameterSource.DEFAULT
    return _story(past_space(journal, space if explicit else "").space.simulation, message_id)


def _story(simulation: Simulation, message_id: str) -> list[str]:
    """Return the story of a message as lines; none: there is no such message."""
    from simulator.explain.story import explain as story_of
    from simulator.explain.story import find_submission
    from simulator.provider import discover

    providers = discover()

    def spelling(provider: str, recipient: str) -> str:
        return providers[provider].address_of(recipient)

    outcome = find_submission(simulation, message_id, address_of=spelling)
    return story_of(simulation, outcome).lines() if outcome is not None else []


def _recorded(message_id: str, folder: Path) -> list[str]:
    """Return the story of a message in a recorded run."""
    # Replaying takes a server's worth of imports, which asking one does not.
    import asyncio

    from simulator.provider import discover
    from simulator.run.bundle import BundleError, read_bundle
    from simulator.run.replay import replay
    from simulator.scenario.loader import ScenarioError

    story: list[str] = []

    def look(simulation: Simulation) -> None:
        story.extend(_story(simulation, message_id))

    try:
        bundle = read_bundle(folder)
        if bundle.incomplete:
            say(f"simulator: {bundle.incomplete}", err=True)
        replayed = asyncio.run(replay(bundle, discover(), look))
    except (BundleError, ScenarioError) as trouble:
        say(f"simulator: {trouble}", err=True)
        sys.exit(INVALID)
    if replayed.divergence is not None:
        # What is told is what happens now, which is not what the record says.
        say(f"simulator: {replayed.divergence.lines()[0]}; `simulator replay` shows it", err=True)
    return story


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
