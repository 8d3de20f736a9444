"""
The journal's file, read when the process that wrote it is gone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout

from harness import KEY, Bench, receiving
from simulator.commands.journal_file import JournalFile
from simulator.evidence.formats import FORMATS
from simulator.evidence.scorecard import without_verdict
from simulator.explain.story import explain, find_submission
from simulator.kernel.model.lifecycle import State
from simulator.provider import discover
from simulator.run.journal_reading import JournalError, read_journal
from simulator.run.past_space import PastSpace, providers_of_the_past
from simulator.runtime.space import Space
from simulator.scenario.loader import load
from simulator.server.app import Server, ServerConfig

SCENARIO = """
name: everything that a journal tells
clock: {mode: frozen, start: 2026-03-01T10:00:00Z}
providers:
  infobip: {webhook: {url: "RECEIVER/infobip"}, inbound: {url: "RECEIVER/inbound"}}
recipients: {"+41790000001": {reachable: {from: 0s, until: 5m, is: false}}}
rules:
  - {name: gone, when: {recipient: "+41790000002"}, then: {webhooks: {drop: 100%}}}
  - name: full
    when: {provider: infobip, recipient: "+41790000003"}
    then: {answer: {refuse: REJECTED_NOT_ENOUGH_CREDITS}}
  - {name: spoilt, when: {recipient: "+41790000004"}, then: {webhooks: {content_type: 100%, delay: 2s}}}
timeline: [{at: 1m, provider: infobip, recipient: "+41790000001", writes: "STOP"}]
"""
RECIPIENTS = [f"4179000000{number}" for number in range(1, 5)]


@asynccontextmanager
async def told(path: Path, bytes_max: int = 1_000_000) -> AsyncIterator[Bench]:
    """Run a server that writes its journal to *path*."""
    providers = discover()
    async with receiving() as receiver:
        scenario = load(SCENARIO.replace("RECEIVER", receiver.url), "test.yaml", providers)
        file = JournalFile(path, bytes_max, providers)
        config = ServerConfig(
            port=0, seed=7, clock=scenario.clock, scenario=scenario, providers=providers, tell=file.tell
        )
        server = Server(config)
        await server.start()
        try:
            async with ClientSession(timeout=ClientTimeout(total=30)) as http:
                yield Bench(server, http)
        finally:
            await server.stop()
            file.close()


async def send(bench: Bench, recipients: list[str]) -> None:
    """Send a text to each, and one through another provider, and let everything happen."""
    body = {"messages": [{"from": "S", "text": "héllo", "destinations": [{"to": to} for to in recipients]}]}
    async with bench.http.post(
        f"{bench.server.url}/infobip/sms/2/text/advanced", json=body, headers=KEY
    ) as answer:
        assert answer.status == 200
    await bench.space.driver.advance(None)


def rendered(space: Space, form: str) -> bytes:
    """Return evidence of a space."""
    return FORMATS[form].render(without_verdict(space))


def only(path: Path) -> PastSpace:
    """Return the one space that a file without faults tells of."""
    spaces, remarks = read_journal(path, discover())
    assert (len(spaces), remarks) == (1, [])
    return spaces[0]


async def test_evidence_of_a_journal_is_that_of_the_space(tmp_path: Path) -> None:
    """
    What was sent and told, every attempt and every state, is the same in the file as it was in the process.
    """
    path = tmp_path / "journal"
    async with told(path) as bench:
        await send(bench, RECIPIENTS)
        live = {form: rendered(bench.space, form) for form in ("har", "jsonl", "json", "junit")}
        stories = {
            key: explain(bench.space.simulation, message).lines()
            for key, message in bench.space.simulation.messages.items()
        }

    past = only(path)

    assert {form: rendered(past.space, form) for form in live} == live
    assert list(past.space.simulation.messages) == list(stories)
    for key, lines in stories.items():
        message = past.space.simulation.messages[key]
        told_lines = explain(past.space.simulation, message).lines()
        assert told_lines[0] == lines[0]
        assert facts_in(told_lines) == facts_in(lines)


def facts_in(story: list[str]) -> list[str]:
    """Return the lines of a story that tell what happened, rather than why."""
    return [line for line in story if line.startswith(("+", "webhook wh_", "  attempt"))]


async def test_messages_look_as_they_did(tmp_path: Path) -> None:
    """
    What a recipient saw of a message with more than a text is kept, without its provider's own details.
    """
    path = tmp_path / "journal"
    providers = discover()
    async with told(path) as bench:
        await send(bench, RECIPIENTS[:1])
        before = bench.space.simulation.messages
        shown = {key: providers[key.provider].show(message.submission) for key, message in before.items()}

    past = only(path)

    after = past.space.simulation.messages
    showing = providers_of_the_past(providers)
    assert {key: showing[key.provider].show(message.submission) for key, message in after.items()} == shown


async def test_killed_in_the_middle_of_a_line(tmp_path: Path) -> None:
    """
    Half a line at the end is left out and told; the next process begins a line of its own.
    """
    path = tmp_path / "journal"
    async with told(path) as bench:
        await send(bench, RECIPIENTS)
        seq = bench.space.simulation.journal.seq
    lines = path.read_bytes().count(b"\n")
    path.write_bytes(path.read_bytes()[:-50])

    (past,), remarks = read_journal(path, discover())
    async with told(path) as bench:
        await send(bench, RECIPIENTS[:1])
    spaces, later = read_journal(path, discover())

    assert past.space.simulation.journal.seq == seq - 1
    assert remarks == later == [f"{path}:{lines}: breaks off, and is left out"]
    assert [space.name for space in spaces] == ["default.1", "default"]
    assert [len(space.space.simulation.messages) for space in spaces] == [3, 1]


async def test_files_that_a_journal_was_before_are_read_first(tmp_path: Path) -> None:
    """
    A journal that moved on is one story, and what gave way is known to be missing.
    """
    path = tmp_path / "journal"
    async with told(path, 4_000) as bench:
        await send(bench, RECIPIENTS)
        live = rendered(bench.space, "jsonl")
    assert (tmp_path / "journal.2").exists()

    whole = only(path)
    oldest = max(int(file.suffix[1:]) for file in tmp_path.glob("journal.*"))
    (tmp_path / f"journal.{oldest}").unlink()
    rest = only(path)

    assert rendered(whole.space, "jsonl") == live
    journal = rest.space.simulation.journal
    assert 0 < journal.dropped == whole.space.simulation.journal.seq - len(journal)
    assert rest.space.simulation.clock.epoch_ms == whole.space.simulation.clock.epoch_ms


async def test_past_space_stands_at_any_moment(tmp_path: Path) -> None:
    """
    Earlier moments show what was true then, and the way back leads to the same end.
    """
    path = tmp_path / "journal"
    async with told(path) as bench:
        await send(bench, RECIPIENTS)
    past = only(path)
    last = past.moment
    end = rendered(past.space, "html")

    await past.seek(0)
    states = {message.state for message in past.space.simulation.messages.values()}
    await past.seek(last)

    assert states == {State.ACCEPTED}
    assert last == len(past.moments) - 1 > 0
    assert rendered(past.space, "html") == end
    with pytest.raises(ValueError, match="holds what happened"):
        await past.fork("again")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "tells of nothing; `serve --journal` writes a line for every fact"),
        (b"<html>\n", "is no line of a journal"),
        (b'{"space":"x","seq":1,"provider":"nobody","data":{"fact":"note","text":"t"}}\n', "'nobody'"),
    ],
)
def test_what_is_no_journal_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    """
    A file of something else is named as such.
    """
    path = tmp_path / "journal"
    path.write_bytes(content)

    with pytest.raises(JournalError) as refusal:
        read_journal(path, discover())

    assert complaint in str(refusal.value)


async def test_evidence_lines_are_a_journal_too(tmp_path: Path) -> None:
    """
    What `run --jsonl` and the control API write can be read, with as much as it tells.
    """
    path, lines = tmp_path / "journal", tmp_path / "lines.jsonl"
    async with told(path) as bench:
        await send(bench, RECIPIENTS)
        lines.write_bytes(rendered(bench.space, "jsonl"))
        states = {key: message.state for key, message in bench.space.simulation.messages.items()}

    past = only(lines)

    assert {key: message.state for key, message in past.space.simulation.messages.items()} == states
    assert find_submission(past.space.simulation, "infobip/+41790000001/1") is not None
    for form in FORMATS:
        assert rendered(past.space, form)
