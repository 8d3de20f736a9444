"""
The port of a run over workers: it takes no calls, says so to each, and shows its metrics to nobody's page.
"""

from __future__ import annotations

import asyncio

import pytest

from simulator.load.front import fronting

PLAIN = "GET /_sim/metrics HTTP/1.1\r\nHost: localhost"


async def asked(head: str) -> tuple[int, bytes, int]:
    """Return status and head of the answer to a request without a body, and how many calls were counted."""
    async with fronting("127.0.0.1", 0, lambda: None) as front:
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        try:
            writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
        finally:
            writer.close()
        return int(answer.split()[1]), answer.lower(), front.calls


@pytest.mark.parametrize(
    "line", ["POST /infobip/sms/2/text/advanced", "GET /%0A", "OPTIONS *", "POST /_sim/metrics", "PUT /a%0Ab"]
)
async def test_every_call__is_refused_and_counted(line: str) -> None:
    """
    Whatever its target is, a call is answered as a problem and makes the run fail.
    """
    status, answer, calls = await asked(f"{line} HTTP/1.1\r\nHost: localhost")

    assert (status, calls) == (503, 1)
    assert b"application/problem+json" in answer


async def test_what_is_no_http__is_counted_as_well() -> None:
    """
    Bytes that nobody can read were meant as a call.
    """
    status, answer, calls = await asked("GET / HTTP/1.1\r\nBad Header : x")

    assert (status, calls) == (400, 1)
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (PLAIN, 200),
        (PLAIN.replace("localhost", "evil.example"), 403),
        (f"{PLAIN}\r\nOrigin: http://evil.example", 403),
        (f"{PLAIN}\r\nSec-Fetch-Site: cross-site", 403),
        ("GET /_sim/ready HTTP/1.1\r\nHost: evil.example", 200),
    ],
)
async def test_metrics__are_for_those_who_may_have_the_control_api(head: str, expected: int) -> None:
    """
    Figures of a run are kept from pages as those of a server are; probes come by any name.
    """
    status, _, calls = await asked(head)

    assert (status, calls) == (expected, 0)
