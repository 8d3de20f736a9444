"""
Recorded webhooks as load: sent again, on their schedule or faster, to a receiver of one's choice.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, NamedTuple

from simulator.evidence.tally import ranks
from simulator.evidence.text import ranks_line, rates
from simulator.kernel.model.shard import Shard
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.load.measures import Measures
from simulator.run.bundle import Attempted, Attempting, Bundle
from simulator.runtime.guard import Guard
from simulator.runtime.transport.client import open_client
from simulator.runtime.transport.seam import Reply, Terms, Transport
from simulator.secrecy import WITHHELD

__all__ = ["Firing", "LoadReport", "Plan", "plan_of_load", "refire"]

_AT_ONCE_MAX: Final = 512
_TERMS: Final = Terms(timeout_real_ms=30_000, keep_bytes_max=0, read_bytes_max=1_048_576)
_AUTHORITY: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


async def _at_once() -> None:
    """Begin at once."""


class LoadReport:
    """
    How a receiver took re-fired webhooks; those of several workers add up.
    """

    def __init__(self) -> None:
        self.measures = Measures()
        """Rates, how late each was sent, and how long from when it was due to the end of its answer."""
        self.statuses: dict[int, int] = {}
        self.failures: dict[str, int] = {}
        self.reasons: dict[str, str] = {}
        """The first of the failures of each kind, in words."""
        self.worse = 0
        """How many were answered 2xx in the record, and now are not, or not at all."""
        self.troubles: tuple[str, ...] = ()
        """Why this is not all of it: a worker that died, an interruption."""

    @property
    def sent(self) -> int:
        """How many were sent."""
        return self.measures.sent

    @property
    def lag_max_ms(self) -> int:
        """How late the latest one was sent."""
        return self.measures.late.rank(100) // 1_000

    def join(self, other: LoadReport) -> None:
        """Take what *other* reports, too."""
        self.measures.join(other.measures)
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count
        for name, count in other.failures.items():
            self.failures[name] = self.failures.get(name, 0) + count
        self.reasons = {**other.reasons, **self.reasons}
        self.worse += other.worse

    def as_plain(self) -> dict[str, object]:
        """Return it for programs."""
        measures = self.measures
        return {
            "incomplete": list(self.troubles),
            "sent": self.sent,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "failures": dict(sorted(self.failures.items())),
            "worse": self.worse,
            "asked_per_s": measures.asked_per_s(1),
            "reached_per_s": measures.reached_per_s(),
            "late": ranks(measures.late),
            "answered": ranks(measures.answered),
        }

    def lines(self) -> list[str]:
        """Return it as lines for people."""
        measures = self.measures
        counts = [f"{count} × {status}" for status, count in sorted(self.statuses.items())]
        counts += [f"{count} × {name}" for name, count in sorted(self.failures.items())]
        lines = [f"incomplete: {why}" for why in self.troubles]
        lines.append(f"{self.sent} webhooks sent: {', '.join(counts) or 'none'}")
        lines += [f"{name}: {reason}" for name, reason in sorted(self.reasons.items())]
        if self.worse:
            lines.append(
                f"{self.worse} webhooks that were answered 2xx in the record were not answered 2xx now"
            )
        lines.append(rates(measures.asked_per_s(1), measures.reached_per_s()))
        for what, histogram in (("late (sent − due)", measures.late), ("answered − due", measures.answered)):
            if len(histogram):
                lines.append(ranks_line(what, ranks(histogram)))
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
        self.report = LoadReport()
        self.under_way = 0
        self._client = client
        self._base = base.rstrip("/")
        self._headers = headers
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._room = asyncio.Semaphore(at_once_max)
        self._ended = asyncio.Event()
        self._not_taken: set[tuple[str, int]] = set()

    def start(self) -> float:
        """Count from now; return when that is, on the event loop's watch."""
        self._started = self._loop.time()
        return self._started

    async def at(self, due: float, row: Attempting) -> None:
        """Send *row* when it is due, or as soon as there is room; return when it is on its way."""
        wait_s = due - self._loop.time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        await self._room.acquire()
        now = self._loop.time()
        late_us = max(0, int((now - due) * 1_000_000))
        at_us = int((now - self._started) * 1_000_000)
        self.report.measures.begin(int((due - self._started) * 1_000), late_us, at_us, first=True)
        self.under_way += 1
        self._client.send(self._request(row), _TERMS, self._done, (row, due))
        # Even one behind schedule lets answers be read.
        await asyncio.sleep(0)

    def _done(self, tag: tuple[Attempting, float], reply: Reply) -> None:
        row, due = tag
        self.under_way -= 1
        self._ended.set()
        self._room.release()
        report, measures = self.report, self.report.measures
        measures.ended += 1
        if reply.cause is None:
            report.statuses[reply.status] = report.statuses.get(reply.status, 0) + 1
            measures.answered.add(int((self._loop.time() - due) * 1_000_000))
        else:
            report.failures[reply.cause.value] = report.failures.get(reply.cause.value, 0) + 1
            report.reasons.setdefault(reply.cause.value, reply.error)
            measures.no_answer += 1
        if _takes(reply.status):
            measures.acknowledged += 1
        else:
            measures.non_2xx += reply.cause is None
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
        while self.under_way:
            self._ended.clear()
            await self._ended.wait()
        if self._not_taken:
            self.report.worse = sum(row in self._not_taken for row in _taken(bundle))
        return self.report


def _takes(status: int) -> bool:
    return 200 <= status <= 299


def _taken(bundle: Bundle) -> Iterator[tuple[str, int]]:
    """Yield every attempt that was answered 2xx in the record."""
    return (
        (row.id, row.number) for row in bundle.rows() if isinstance(row, Attempted) and _takes(row.status)
    )


class Firing(NamedTuple):
    """
    How recorded webhooks are re-fired.
    """

    to: str
    rate: int = 1
    """So many times as fast as they were."""
    allow_targets: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with each; the record withholds credentials."""
    at_once_max: int = _AT_ONCE_MAX
    gap_real_ms: int | None = None
    """Pauses are cut to so long each; None: they are what they were."""
    shard: Shard | None = None
    """Which of them are fired here; None: all."""


async def refire(
    bundle: Bundle,
    firing: Firing,
    progress: Callable[[LoadReport, int], None] = lambda _report, _under_way: None,
    begin: Callable[[], Awaitable[object]] = _at_once,
    stopped: asyncio.Event | None = None,
) -> LoadReport:
    """
    Send the recorded webhooks again, on schedule; *progress* hears how it goes, *begin* says when.

    An open model: latency counts from when a webhook was due, a late one is sent
    at once, and the schedule does not slow down for a slow receiver.  Only *at_once_max*
    are under way together; what has to wait for that shows as lag.  Headers that
    the record withholds are left out.  Whoever refused a webhook in the record, such
    as a damaged one, may refuse it now.  Raises MissingExtra without the extra `load`.
    """
    shard = firing.shard
    async with open_client(Guard(firing.allow_targets), firing.at_once_max) as client:
        load = _Load(client, firing.to, firing.headers, firing.at_once_max)
        await begin()
        started = load.start()
        for due_s, row in _schedule(bundle, firing.rate, firing.gap_real_ms):
            if shard is not None and not shard.owns("webhook", row.id):
                continue
            progress(load.report, load.under_way)
            if stopped is not None and stopped.is_set():
                break
            await load.at(started + due_s, row)
        return await load.end(bundle)
