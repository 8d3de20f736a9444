"""
How `simulator serve` ends, and what it leaves: words about what was owed, and a journal on disk.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from served import Process, failing, printed, serving, until
from simulator.commands.journal_file import FILES_MAX, JournalFile
from simulator.kernel.store.facts import Note
from simulator.runtime.space import Space
from simulator.runtime.transport.seam import Transport


class Receiver(ThreadingHTTPServer):
    """
    Takes webhooks at once and answers them when it may.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.answered = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                receiver.may_answer.wait(30)
                receiver.answered += 1
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}/"


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver in threads."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.may_answer.set()
        receiver.shutdown()
        thread.join(20)
        receiver.server_close()


def owing(folder: Path, receiver: Receiver) -> list[str]:
    """Return the flags of a server that owes three webhooks at once, and one later on."""
    scenario = folder / "scenario.yaml"
    scenario.write_text(
        f"""
providers: {{infobip: {{webhook: {{url: "{receiver.url}", in_flight: 2}}}}}}
rules: [{{name: soon, then: {{fate: {{deliver: {{after: 0s}}}}}}}}]
timeline: [{{at: 0s, provider: infobip, storm: {{messages: 3, rate: 999/s}}}}]
"""
    )
    return ["--scenario", str(scenario), "--clock", "live"]


def webhooks(process: Process) -> list[dict[str, Any]]:
    """Return the ledger."""
    rows: list[dict[str, Any]] = process.get("/_sim/v1/spaces/default/webhooks")["items"]
    return rows


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_what_was_owed_and_is_lost_is_told(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """
    A server that is ended in the middle of its work says what it did, and what nobody will get any more.
    """
    with receiving() as receiver, serving(tmp_path, *owing(tmp_path, receiver)) as process:
        until(lambda: len(webhooks(process)) == 3, process)

        ended = process.end(number)

        assert ended == code
        assert process.said.splitlines()[-2:] == [
            "stopped: 3 messages, 3 webhooks",
            "space default: 3 webhooks were owed and are lost",
        ]


def test_drain_finishes_what_is_under_way(tmp_path: Path) -> None:
    """
    With --drain, webhooks that are being sent, or are ready to be, get their answers before the end.
    """
    with receiving() as receiver, serving(tmp_path, "--drain", "20s", *owing(tmp_path, receiver)) as process:
        until(lambda: len(webhooks(process)) == 3, process)
        process.running.send_signal(signal.SIGTERM)
        receiver.may_answer.set()

        ended = process.running.wait(20)

        assert (ended, receiver.answered) == (0, 3)
        assert process.said.splitlines()[-1] == "stopped: 3 messages, 3 webhooks"


def test_drain_has_an_end(tmp_path: Path) -> None:
    """
    A receiver that never answers keeps a server no longer than --drain says; asked twice, not even so long.
    """
    with receiving() as receiver:
        for drain, signals in (("100ms", 1), ("1h", 2)):
            with serving(tmp_path, "--drain", drain, *owing(tmp_path, receiver)) as process:
                until(lambda: len(webhooks(process)) == 3, process)
                process.running.send_signal(signal.SIGTERM)
                if signals == 2:
                    process.running.send_signal(signal.SIGINT)

                process.running.wait(20)

                assert process.said.splitlines()[-1] == "space default: 3 webhooks were owed and are lost"
            process.port_file.unlink()


@pytest.mark.parametrize("drain", ["soon", "2h"])
def test_drain_takes_a_duration(drain: str) -> None:
    """
    A drain without sense or end is refused.
    """
    code, complaint = failing("serve", "--port", "0", "--drain", drain)

    assert code == 2
    assert "Invalid value for '--drain'" in complaint


def test_killed_server_leaves_its_journal(tmp_path: Path) -> None:
    """
    With --journal every fact is on disk when it has happened, whatever becomes of the process.
    """
    path = tmp_path / "journal.ndjson"
    flags = ["--journal", str(path)]
    with receiving() as receiver, serving(tmp_path, *flags, *owing(tmp_path, receiver)) as process:
        until(lambda: len(webhooks(process)) == 3, process)
        process.running.kill()
        process.running.wait(20)

    rows = [json.loads(line) for line in path.read_text().splitlines()]
    name = next(row["ref"] for row in rows if row["kind"] == "accepted")
    story = printed("explain", name, "--journal", str(path))
    page, calls = tmp_path / "page.html", tmp_path / "calls.har"
    printed("evidence", str(path), "--html", str(page), "--har", str(calls))

    assert {row["space"] for row in rows} == {"default"}
    assert "is delivered" in story.splitlines()[0]
    assert "delivered" in page.read_text()
    assert json.loads(calls.read_text())["log"]["version"] == "1.2"
    assert sum(row["kind"] == "accepted" for row in rows) == 3
    assert sum(row.get("state") == "delivered" for row in rows) == 3


def test_journal_that_cannot_be_opened_is_told_before_the_start(tmp_path: Path) -> None:
    """
    A folder is no file to write to.
    """
    code, complaint = failing("serve", "--port", "0", "--journal", str(tmp_path))

    assert (code, complaint) == (2, f"simulator: --journal {tmp_path}: cannot be written (Is a directory)\n")


def told(path: Path, count: int, bytes_max: int) -> None:
    """Write so many facts, each in a line of about 100 bytes."""
    file = JournalFile(path, bytes_max, {})
    space = Space("default", {}, no_client)
    space.simulation.journal.tell = partial(file.tell, space)
    for number in range(count):
        space.simulation.journal.add(number, Note("x" * 100))
    file.close()


def test_journal_behind_a_link__moves_on_where_it_leads(tmp_path: Path) -> None:
    """
    A link stays one when the file that it leads to begins anew.
    """
    (tmp_path / "disk").mkdir()
    link = tmp_path / "journal"
    link.symlink_to("disk/journal")

    told(link, 60, 1_000)

    assert link.is_symlink()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["journal"]
    assert sorted(path.name for path in (tmp_path / "disk").iterdir())[:2] == ["journal", "journal.1"]


def no_client() -> Transport:
    """Refuse: nothing is sent."""
    raise RuntimeError("nothing is sent here")


def test_journal_begins_anew_at_its_size(tmp_path: Path) -> None:
    """
    Files are moved on whole, none is larger than it may be, and the oldest give way.
    """
    path = tmp_path / "journal"

    told(path, 60, 1_000)

    files = [path, *(tmp_path / f"journal.{number}" for number in range(1, FILES_MAX))]
    rows = [[json.loads(line) for line in file.read_text().splitlines()] for file in reversed(files)]
    numbers = [row["seq"] for part in rows for row in part[1:]]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert max(file.stat().st_size for file in files) <= 1_000
    assert {part[0]["kind"] for part in rows} == {"space"}
    assert numbers == list(range(61 - len(numbers), 61))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
def test_journal_that_cannot_be_written_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """
    A full disk does not stop the server, and is not told for every fact.
    """
    told(Path("/dev/full"), 3, 1_000)

    assert caplog.messages == [
        "simulator: --journal /dev/full ends here: No space left on device; the server goes on"
    ]
