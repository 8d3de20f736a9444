"""
Exact counts: what was sent, what arrived, and what the ledger says of it.

Nothing here is timed.  Both kinds of run can be made with any number of messages; the suite makes small ones.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

from benchmarks.figures import Figure, Plan, figure
from benchmarks.processes import PATH, ReceiverProcess, Served, generate, receiver, send_body, simulator

__all__ = ["Counts", "Reported", "healthy", "healthy_exact", "revived", "revived_exact"]

_BULK = 100
_IN_TURN = 10
"""How many messages each recipient gets, where their order is looked at."""
_PAGE = 10_000
_LIVES = 3
_INSTANTS_MAX = 10_000


class Reported(NamedTuple):
    """
    One report as the receiver wrote it down.
    """

    message_id: str
    recipient: str
    state: str


class Counts(NamedTuple):
    """
    What came of a run.
    """

    sent: int
    reported: list[Reported]
    """In the order of arrival; one that was not acknowledged comes again."""
    states: dict[str, int]
    """Of the messages, as the simulator counts them."""
    attempts: dict[str, tuple[int, int]]
    """By message: how many attempts of its report the ledger has, and how many of them failed."""
    unacknowledged: int
    """Webhooks that were not acknowledged in the end."""
    lives: int
    """How many processes the receiver had."""


def healthy(count: int) -> Counts:
    """Send so many messages, a recipient each, on a live clock, to a receiver that takes every report."""
    with TemporaryDirectory() as folder:
        record = Path(folder, "reports")
        with receiver(record=str(record)) as receiving:
            settings = {"deliver_after": "0s..200ms", "webhook": {"url": receiving.url, "in_flight": 32}}
            with simulator(settings) as served:
                generate(served.port, count // _BULK, send_body(_BULK))
                receiving.until(count, within_s=300)
                # The last acknowledgements may be on their way still.
                served.control.call("POST", "/spaces/default/clock/advance", {"until": "settled"})
                return _counts(served, record, count, 1)


def revived(count: int) -> Counts:
    """
    Send so many messages to a receiver that is killed in their midst, twice, and started again.

    The clock is virtual, so that hours of retries pass at once, and stands while the receiver is away.
    """
    with TemporaryDirectory() as folder:
        record = Path(folder, "reports")
        with receiver(record=str(record), die_after=count // 4) as first:
            settings = {"deliver_after": "1s", "webhook": {"url": first.url, "in_flight": 32}}
            with simulator(settings, "frozen") as served:
                for body in _bodies(count):
                    _send(served.port, body)
                _advance(served, first)
                lives = 1
                while served.control.call("GET", "/spaces/default/clock")["next_due_ms"] is not None:
                    lives += 1
                    die_after = count // 4 if lives < _LIVES else 0
                    with receiver(port=first.port, record=str(record), die_after=die_after) as again:
                        _advance(served, again)
                return _counts(served, record, count, lives)


def _bodies(count: int) -> Iterator[bytes]:
    """Yield sends that give each recipient its messages in turn, with ids that tell their order."""
    recipients = count // _IN_TURN
    for turn in range(_IN_TURN):
        for start in range(0, recipients, _BULK):
            destinations = [
                {"to": f"41{number:010d}", "messageId": f"41{number:010d}-{turn:02d}"}
                for number in range(start, min(start + _BULK, recipients))
            ]
            yield json.dumps({"messages": [{"destinations": destinations, "text": f"{turn}"}]}).encode()


def _send(port: int, body: bytes) -> None:
    headers = {"Authorization": "App bench", "Content-Type": "application/json"}
    with urlopen(Request(f"http://127.0.0.1:{port}{PATH}", body, headers), timeout=60) as answer:
        answer.read()


def _advance(served: Served, receiving: ReceiverProcess) -> None:
    """Let instant after instant happen until nothing is due, or the receiver is dead."""
    for _ in range(_INSTANTS_MAX):
        due_ms = served.control.call("GET", "/spaces/default/clock")["next_due_ms"]
        if due_ms is None or receiving.process.poll() is not None:
            return
        now_ms = served.control.call("GET", "/spaces/default/clock")["now_ms"]
        served.control.call("POST", "/spaces/default/clock/advance", {"by": f"{due_ms - now_ms}ms"})
    raise RuntimeError(f"there is no end after {_INSTANTS_MAX} instants")


def _counts(served: Served, record: Path, sent: int, lives: int) -> Counts:
    reported = []
    for line in record.read_bytes().splitlines():
        for result in json.loads(line)["results"]:
            reported.append(Reported(result["messageId"], result["to"], result["status"]["groupName"]))
    attempts: dict[str, tuple[int, int]] = {}
    unacknowledged = 0
    for webhook in _ledger(served):
        failed = sum(not attempt["acknowledged"] for attempt in webhook["attempts"])
        unacknowledged += failed == len(webhook["attempts"])
        for result in json.loads(webhook["body"])["results"]:
            attempts[result["messageId"]] = (len(webhook["attempts"]), failed)
    return Counts(sent, reported, served.space()["messages"], attempts, unacknowledged, lives)


def _ledger(served: Served) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        page = {"limit": str(_PAGE), "offset": str(offset)}
        items = served.control.call("GET", "/spaces/default/webhooks", query=page)["items"]
        yield from items
        if len(items) < _PAGE:
            return
        offset += _PAGE


def healthy_exact(plan: Plan) -> Figure:
    """Count the final reports of 100,000 messages; raises RuntimeError unless each came once."""
    counts = healthy(plan.count(100_000, _BULK) // _BULK * _BULK)
    times = Counter(report.message_id for report in counts.reported)
    if len(times) != counts.sent or set(times.values()) != {1} or counts.states != {"delivered": counts.sent}:
        raise RuntimeError(f"{counts.sent} sent, {len(times)} reported, {counts.states}")
    return figure([(None, len(counts.reported))], "reports", "each once")


def revived_exact(plan: Plan) -> Figure:
    """Count those of a receiver that is killed and revived; raises RuntimeError when one is lost."""
    counts = revived(plan.count(100_000, 1_000) // 1_000 * 1_000)
    lost = counts.sent - len({report.message_id for report in counts.reported})
    if lost or counts.unacknowledged:
        raise RuntimeError(f"{lost} of {counts.sent} are lost, {counts.unacknowledged} not acknowledged")
    failed = sum(failures for _, failures in counts.attempts.values())
    return figure([(None, counts.sent)], "reports", f"after {failed:,} failed attempts; none lost")
