"""
Recorded webhooks as load: sent again, on their schedule or faster, to a receiver of one's choice.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.run.bundle import Attempted, Attempting, Bundle
from simulator.runtime.guard import Guard
from simulator.runtime.transport.client import open_client
from simulator.runtime.transport.seam import Reply, Terms, Transport
from simulator.secrecy import WITHHELD

__all__ = ["LoadReport", "Plan", "plan_of_load", "refire"]

_AT_ONCE_MAX: Final = 512
_TERMS: Final = Terms(timeout_real_ms=30_000, keep_bytes_max=0, read_bytes_max=1_048_576)
_AUTHORITY: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_RANKS: Final = (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100))


class LoadReport(NamedTuple):
    """
    How a receiver took re-fired webhooks.
    """

    sent: int
    statuses: dict[int, int]
    failures: dict[str, int]
    reasons: dict[str, str]
    """The first of the failures of each kind, in words."""
    latencies_us: list[int]
    """From when each was due to the end of its answer."""
    lag_max_ms: int
    """How late the latest one was sent."""
    worse: int
    """How many were answered 2xx in the record, and now are not, or not at all."""

    def lines(self) -> list[str]:
        """Return it as lines for people."""
        counts = [f"{count} × {status}" for status, count in sorted(self.statuses.items())]
        counts += [f"{count} × {name}" for name, count in sorted(self.failures.items())]
        lines = [f"{self.sent} webhooks sent: {', '.join(counts) or 'none'}"]
        lines += [f"{name}: {reason}" for name, reason in sorted(self.reasons.items())]
        if self.worse:
            lines.append(
                f"{self.worse} webhooks that were answered 2xx in the record were not answered 2xx now"
            )
        if self.latencies_us:
            ranked = sorted(self.latencies_us)
            shown = [(name, ranked[-(-len(ranked) * at // 100) - 1]) for name, at in _RANKS]
            lines.append("  ".join(f"{name} {value / 1000:.1f} ms" for name, value in shown))
        lines.append(f"at worst {self.lag_max_ms} ms behind schedule")
        return lines


class Plan(NamedTuple):
    """
    What re-firing a record means: how much, in what time.
    """

    webhooks: int
    recorded_ms: int
    """From the first to the last of them, in virtual time."""
    takes_ms: int
    """How long sending them takes, in real time."""


def plan_of_load(bundle: Bundle, rate: int, gap_real_ms: int | None = None) -> Plan:
    """Return how long the recorded webhooks take at *rate*, with pauses cut to *gap_real_ms* each."""
    schedule = [(due_s, row.at_ms) for due_s, row in _schedule(bundle, rate, gap_real_ms)]
    if not schedule:
        return Plan(0, 0, 0)
    (_, first_ms), (takes_s, last_ms) = schedule[0], schedule[-1]
    return Plan(len(schedule), last_ms - first_ms, int(takes_s * 1_000))


def _schedule(bundle: Bundle, rate: int, gap_real_ms: int | None) -> Iterator[tuple[float, Attempting]]:
    """Yield each recorded webhook with when it is due, in real seconds from the first one."""
    due_s, last_ms = 0.0, None
    for row in bundle.attempts():
        pause_s = (row.at_ms - last_ms) / 1_000 / rate if last_ms is not None else 0.0
        # Nobody is loaded by hours in which nothing is sent.
        due_s += pause_s if gap_real_ms is None else min(pause_s, gap_real_ms / 1_000)
        last_ms = row.at_ms
        yield due_s, row


class _Load:
    """The load as it goes on."""

    def __init__(
        self, client: Transport, base: str, headers: tuple[tuple[str, str], ...], at_once_max: int
    ) -> None:
        self._client = client
        self._base = base.rstrip("/")
        self._headers = headers
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Semaphore(at_once_max)
        self._under_way = 0
        self._ended = asyncio.Event()
        self._latencies: list[int] = []
        self._statuses: dict[int, int] = {}
        self._failures: dict[str, int] = {}
        self._reasons: dict[str, str] = {}
        self._lag_max_ms = 0
        self._sent = 0
        self._not_taken: set[tuple[str, int]] = set()

    async def at(self, due: float, row: Attempting) -> None:
        """Send *row* when it is due, or as soon as there is room; return when it is on its way."""
        wait_s = due - self._loop.time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        await self._room.acquire()
        self._lag_max_ms = max(self._lag_max_ms, int((self._loop.time() - due) * 1_000))
        self._sent += 1
        self._under_way += 1
        self._client.send(self._request(row), _TERMS, self._done, (row, due))
        # Even one behind schedule lets answers be read.
        await asyncio.sleep(0)

    def _done(self, tag: tuple[Attempting, float], reply: Reply) -> None:
        row, due = tag
        self._under_way -= 1
        self._ended.set()
        self._room.release()
        if reply.cause is None:
            self._statuses[reply.status] = self._statuses.get(reply.status, 0) + 1
            self._latencies.append(int((self._loop.time() - due) * 1_000_000))
        else:
            self._failures[reply.cause.value] = self._failures.get(reply.cause.value, 0) + 1
            self._reasons.setdefault(reply.cause.value, reply.error)
        if not _takes(reply.status):
            self._not_taken.add((row.id, row.number))

    def _request(self, row: Attempting) -> WebhookRequest:
        target = self._base + _AUTHORITY.sub("", row.url).partition("#")[0]
        own = {name.lower() for name, _ in self._headers}
        headers = [
            (name, value) for name, value in row.headers if value != WITHHELD and name.lower() not in own
        ]
        return WebhookRequest(
            url=target, body=row.body.raw, headers=(*headers, *self._headers), method=row.method
        )

    async def end(self, bundle: Bundle) -> LoadReport:
        """Wait for the last answers and return the report, compared with what is recorded."""
        while self._under_way:
            self._ended.clear()
            await self._ended.wait()
        return LoadReport(
            self._sent,
            self._statuses,
            self._failures,
            self._reasons,
            self._latencies,
            self._lag_max_ms,
            sum(row in self._not_taken for row in _taken(bundle)) if self._not_taken else 0,
        )


def _takes(status: int) -> bool:
    return 200 <= status <= 299


def _taken(bundle: Bundle) -> Iterator[tuple[str, int]]:
    """Yield every attempt that was answered 2xx in the record."""
    return (
        (row.id, row.number) for row in bundle.rows() if isinstance(row, Attempted) and _takes(row.status)
    )


async def refire(
    bundle: Bundle,
    to: str,
    rate: int,
    allow_targets: tuple[str, ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
    at_once_max: int = _AT_ONCE_MAX,
    gap_real_ms: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> LoadReport:
    """
    Send the recorded webhooks to *to*, *rate* times as fast as they were, on schedule.

    Pauses are cut to *gap_real_ms* each, if given; *progress* hears how many were sent.

    An open model: latency counts from when a webhook was due, a late one is sent
    at once, and the schedule does not slow down for a slow receiver.  Only *at_once_max*
    are under way together; what has to wait for that shows as lag.  Headers that
    the record withholds are left out; *headers* may bring them.  Whoever refused a
    webhook in the record, such as a damaged one, may refuse it now.
    """
    loop = asyncio.get_running_loop()
    async with open_client(Guard(allow_targets), at_once_max) as client:
        load = _Load(client, to, headers, at_once_max)
        started = loop.time()
        for number, (due_s, row) in enumerate(_schedule(bundle, rate, gap_real_ms)):
            progress(number)
            await load.at(started + due_s, row)
        return await load.end(bundle)
