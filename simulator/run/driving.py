"""
Calls to the integrator's own API, on schedule.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from heapq import merge
from itertools import repeat
from typing import Final, NamedTuple
from urllib.parse import quote

from simulator.evidence.pace import Pace
from simulator.evidence.result import Drives
from simulator.evidence.tally import ExactSamples, ranks
from simulator.kernel.model.arrivals import offsets_us
from simulator.kernel.model.chance import Chance
from simulator.kernel.model.people import People, filled
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.runtime.transport.redirects import followed
from simulator.runtime.transport.seam import Terms, Transport
from simulator.scenario.goals import Drive

__all__ = ["DriveReport", "Driven", "arrivals", "make_call", "recipient_of", "request_of", "texts_of"]

_TERMS = Terms(timeout_real_ms=30_000, keep_bytes_max=200, read_bytes_max=1_048_576)


_CONFLICT: Final = 409
_OWN_FAILURE: Final = 500
_NUMBER: Final = re.compile(r"\{n(?::0(\d{1,2}))?\}")


class Driven(NamedTuple):
    """
    One call that is to be made at an instant.
    """

    at_ms: int
    order: int
    number: int
    drive: Drive


class DriveReport:
    """
    How the calls went.
    """

    __slots__ = (
        "failed_on",
        "failures",
        "first_failure",
        "latencies",
        "lates",
        "made",
        "pace",
        "recipients",
        "statuses",
    )

    def __init__(self) -> None:
        self.made = 0
        self.first_failure = ""
        """What the first call without success was, and what came of it."""
        self.latencies = ExactSamples()
        """How long each call took, from when it was due."""
        self.lates = ExactSamples()
        """How much later than due each was made; empty on a clock that stands still meanwhile."""
        self.pace = Pace()
        self.statuses: dict[int, int] = {}
        self.recipients: dict[str, None] = {}
        """To whom the software was made to send, as far as the calls said."""
        self.failures: dict[str, int] = {}
        self.failed_on: dict[str, None] = {}
        """To whom calls were to send that the software answered with a conflict or a failure of its own."""

    def note_sent(self, due_s: float, now_s: float) -> None:
        """Take note of a call that is made now, on a live clock, and of when it was due."""
        due_us, now_us = int(due_s * 1_000_000), int(now_s * 1_000_000)
        self.lates.add(max(0, now_us - due_us))
        self.pace.take(due_us, now_us)

    @property
    def lag_max_ms(self) -> int:
        """How late the latest call was made."""
        return self.lates.rank(100) // 1_000

    @property
    def refused(self) -> int:
        """How many calls the integrator did not answer with success."""
        return self.made - self.summary().succeeded

    def summary(self) -> Drives:
        """Return what was answered, for whoever judges it."""
        return Drives(
            made=self.made,
            statuses=dict(self.statuses),
            failures=dict(self.failures),
            first_failure=self.first_failure,
            asked_per_s=self.pace.asked_per_s,
            reached_per_s=self.pace.reached_per_s,
            late=ranks(self.lates),
            answered=ranks(self.latencies),
        )


def arrivals(drives: tuple[Drive, ...], chance: Chance) -> Iterator[Driven]:
    """Yield every call in the order of its instant; *chance* draws the gaps that are random."""
    return merge(*(_arrivals(drive, order, chance) for order, drive in enumerate(drives)))


def _arrivals(drive: Drive, order: int, chance: Chance) -> Iterator[Driven]:
    if drive.arrivals is None:
        offsets: Iterator[int] = repeat(0, drive.count)
    else:
        offsets = offsets_us(drive.arrivals, drive.count, chance.of("drive", order))
    for number, after_us in enumerate(offsets):
        yield Driven(drive.at_ms + after_us // 1_000, order, number, drive)


def _numbered(plain: object, number: int) -> object:
    """Return plain data with `{n}` and `{n:07}` in its texts replaced by *number*."""
    if isinstance(plain, str):
        return _NUMBER.sub(lambda blank: str(number).zfill(int(blank[1] or 1)), plain)
    if isinstance(plain, Mapping):
        return {name: _numbered(part, number) for name, part in plain.items()}
    if isinstance(plain, list | tuple):
        return [_numbered(part, number) for part in plain]
    return plain


def recipient_of(driven: Driven) -> str:
    """Return to whom a call makes the software send."""
    pattern = driven.drive.recipients[driven.number % len(driven.drive.recipients)]
    return str(_numbered(pattern, driven.number))


def texts_of(driven: Driven) -> list[str]:
    """Return every text in the body of a call, the message's own among them."""
    return list(_texts(_numbered(driven.drive.body, driven.number)))


def _texts(plain: object) -> Iterator[str]:
    if isinstance(plain, str):
        yield plain
    elif isinstance(plain, Mapping | list | tuple):
        for part in plain.values() if isinstance(plain, Mapping) else plain:
            yield from _texts(part)


def request_of(driven: Driven, people: People) -> WebhookRequest:
    """Return a call as it is made, with its blanks filled in."""
    drive, recipient = driven.drive, recipient_of(driven)
    words = {**people.words(recipient), "recipient": recipient}
    url = str(filled(drive.url, {word: quote(text, safe="") for word, text in words.items()}))
    body = filled(_numbered(drive.body, driven.number), words)
    headers = tuple(dict(drive.headers).items())
    data = b""
    if body is not None:
        data = json.dumps(body).encode()
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers = (*headers, ("Content-Type", "application/json"))
    return WebhookRequest(
        url=str(_numbered(url, driven.number)), body=data, headers=headers, method=drive.method
    )


async def make_call(
    driven: Driven, people: People, client: Transport, report: DriveReport, due_s: float | None = None
) -> None:
    """
    Make one call; what comes of it is counted, not raised.

    *due_s* is when it was due, on the clock of the event loop; None: now, for the space's clock stands still.
    """
    loop = asyncio.get_running_loop()
    now_s = loop.time()
    if due_s is None:
        due_s = now_s
    else:
        report.note_sent(due_s, now_s)
    drive, request = driven.drive, request_of(driven, people)
    report.made += 1
    report.recipients[recipient_of(driven)] = None
    try:
        reply = await followed(client, request, _TERMS)
    finally:
        report.latencies.add(int((loop.time() - due_s) * 1_000_000))
    if reply.cause is not None:
        report.failures[reply.cause.value] = report.failures.get(reply.cause.value, 0) + 1
        report.first_failure = report.first_failure or f"{drive.method} {request.url}: {reply.error}"
        return
    if reply.status >= 400 and not report.first_failure:
        excerpt = reply.body.decode("utf-8", "replace")
        report.first_failure = f"{drive.method} {request.url} answered {reply.status}: {excerpt}"
    if reply.status == _CONFLICT or reply.status >= _OWN_FAILURE:
        report.failed_on[recipient_of(driven)] = None
    report.statuses[reply.status] = report.statuses.get(reply.status, 0) + 1
