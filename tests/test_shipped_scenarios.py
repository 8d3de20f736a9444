"""
Each shipped scenario file: it loads, and it tells the story it promises.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession

from golden import check_golden
from receiver import Receiver
from simulator.commands.files import library, load_file
from simulator.explain.narrative import narrative
from simulator.kernel.model.scenario import Scenario
from simulator.kernel.store.facts import EntryKind
from simulator.provider import discover
from simulator.runtime.space import Space
from simulator.scenario.loader import load
from simulator.server.app import Server, ServerConfig

_GOLDEN = Path(__file__).parent / "golden"
_NAMED = ("rbm-", "bip-", "bitel-")
_GENERAL = [path for path in library() if not path.stem.startswith(_NAMED)]
_RECIPIENTS = ["41793026727", "41799990001", *(f"4179302{number:04d}" for number in range(10))]


@pytest.mark.parametrize("path", library(), ids=lambda path: path.stem)
def test_shipped_file_is_good(path: Path) -> None:
    """
    Each shipped file is accepted, has a name, and says in its first comment what it shows.
    """
    scenario = load_file(path, discover())

    assert scenario.name
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.golden
@pytest.mark.parametrize("path", _GENERAL, ids=lambda path: path.stem)
async def test_story_is_the_one_written_down(path: Path) -> None:
    """
    The same few sends under each shipped file tell the same story as ever.
    """
    async with Receiver() as receiver:
        server = Server(ServerConfig(port=0))
        await server.start()
        try:
            text = path.read_text(encoding="utf-8").replace("http://127.0.0.1:9000", receiver.url)
            scenario = _brief(load(text, path.name, discover()))
            space = server.registry.create("story", seed=scenario.seed or 0, scenario=scenario)
            space.configure("infobip", {"webhook": {"url": receiver.url}})
            async with ClientSession() as client:
                for recipient in _RECIPIENTS:
                    await _send(client, f"{server.url}/s/story/infobip", recipient)
            await space.driver.advance(None)
            story = _story(space)
        finally:
            await server.stop()

    check_golden(_GOLDEN / "scenarios" / f"{path.stem}.txt", story)
    assert space.simulation.settled


def _brief(scenario: Scenario) -> Scenario:
    """Return *scenario* with storms small enough to be read, and without names that change with Faker."""
    return replace(
        scenario,
        people="",
        timeline=tuple(
            replace(item, storm=replace(item.storm, messages=20)) if item.storm else item
            for item in scenario.timeline
        ),
    )


async def _send(client: ClientSession, url: str, recipient: str) -> None:
    body = {
        "messages": [{"from": "InfoSMS", "destinations": [{"to": recipient}], "text": "Your code is 1234"}]
    }
    headers = {"Authorization": "App story"}
    # A file may cut the connection, or the answer in its middle.
    with contextlib.suppress(ClientError):
        async with client.post(f"{url}/sms/1/text/advanced", json=body, headers=headers) as answer:
            await answer.read()
            assert answer.status in (200, 429, 500, 502, 503, 504)


def _story(space: Space) -> str:
    """Return the narrative; neighbouring attempts were under way together, so they are sorted."""
    entries = space.simulation.journal
    lines: list[str] = []
    for _, run in groupby(entries, key=lambda entry: (entry.at_ms, entry.kind is EntryKind.ATTEMPT)):
        told = list(run)
        spoken = [narrative(entry) for entry in told]
        lines += sorted(spoken) if told[0].kind is EntryKind.ATTEMPT else spoken
    return "\n".join(lines) + "\n"
