"""
Requests that are for nobody, or come from nobody who is served: a problem, a way that would do, an entry.
"""

from __future__ import annotations

import asyncio

import pytest

from harness import Bench, serving
from simulator.explain.narrative import what_of, why_of

NOWHERE = (
    "providers are at /bip/, /bitel/, /infobip/, /rbm/ or at their own paths, "
    "the control API is described at /_sim/openapi.json"
)


async def asked(bench: Bench, head: str) -> tuple[int, dict[str, str]]:
    """Return status and headers of the answer to a request without a body, whatever it begins with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.server.ports[""])
    try:
        writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode())
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), fields
    finally:
        writer.close()


@pytest.mark.parametrize("http", ["own", "aiohttp"])
@pytest.mark.parametrize(
    ("line", "text", "why"),
    [
        ("GET /nosuch", "GET /nosuch", f"there is nothing at '/nosuch'; {NOWHERE}"),
        ("POST /s/default/x", "POST /s/default/x", f"there is nothing at '/s/default/x'; {NOWHERE}"),
        ("GET /%0A", "GET /\n", f"there is nothing at '/\\n'; {NOWHERE}"),
        ("OPTIONS *", "OPTIONS *", f"there is nothing at '*'; {NOWHERE}"),
        ("GET /s/gone/infobip/sms/1/logs", "GET /infobip/sms/1/logs", "there is no space 'gone'"),
    ],
)
async def test_call_for_nobody__is_a_problem_and_an_entry(http: str, line: str, text: str, why: str) -> None:
    """
    Who takes the wrong base URL, or a space that is gone, finds the call in the journal with the reason.
    """
    async with serving(http=http) as bench:
        status, fields = await asked(bench, f"{line} HTTP/1.1\r\nHost: localhost")
        (note,) = [entry.fact for entry in bench.space.simulation.journal if entry.kind == "note"]

    assert (status, fields["content-type"]) == (404, "application/problem+json")
    assert (what_of(note), why_of(note)) == (f"a call was for nobody: {text}", why)


async def test_expectation_that_nobody_can_meet__is_an_entry() -> None:
    """
    A call that is refused before its body is there is seen in the journal all the same.
    """
    async with serving() as bench:
        status, fields = await asked(bench, "POST /infobip/x HTTP/1.1\r\nHost: localhost\r\nExpect: tea")
        (note,) = [entry.fact for entry in bench.space.simulation.journal if entry.kind == "note"]

    assert (status, fields["content-type"]) == (417, "application/problem+json")
    assert (what_of(note), why_of(note)) == ("a call was for nobody: POST /infobip/x", "Expect: tea")


async def test_http_of_another_version__is_refused() -> None:
    """
    Nobody speaks HTTP/2 here, and nobody says that it was.
    """
    async with serving() as bench:
        status, fields = await asked(bench, "GET /infobip/x HTTP/2.0\r\nHost: localhost")

    assert (status, fields["content-type"]) == (505, "application/problem+json")


@pytest.mark.parametrize(
    "path",
    ["/", "/_sim/health", "/_sim/ready", "/_sim/metrics", "/_sim/openapi.json", "/_ui/default/messages"],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "PUT"])
async def test_what_is_only_read__says_so_to_every_other_method(path: str, method: str) -> None:
    """
    A document is not posted to: 405, with what would do.
    """
    async with serving() as bench:
        status, fields = await asked(bench, f"{method} {path} HTTP/1.1\r\nHost: localhost")
        head, _ = await asked(bench, f"HEAD {path} HTTP/1.1\r\nHost: localhost")

    assert (status, fields["allow"]) == (405, "get, head")
    assert head == 200


@pytest.mark.parametrize("host", ["api.infobip.com", "evil.example", "x.api.infobip.com:8080", "a.b.c."])
@pytest.mark.parametrize("path", ["/_sim/health", "/_sim/ready"])
async def test_probe__is_answered_whatever_the_host_is_called(path: str, host: str) -> None:
    """
    A container's probe may come by any name, those of the real services among them.
    """
    async with serving() as bench:
        status, _ = await asked(bench, f"GET {path} HTTP/1.1\r\nHost: {host}")

    assert status == 200


OWN_PATHS = [
    "/_sim/v1/spaces",
    "/_sim/v1/spaces/default/wait?within=1h",
    "/_sim/v1/spaces/default/journal?follow=1",
    "/_sim/metrics",
    "/_sim/openapi.json",
    "/_ui/default/messages",
    "/_ui/stream",
    "/",
]


@pytest.mark.parametrize("path", OWN_PATHS)
@pytest.mark.parametrize(
    "mark", ["Sec-Fetch-Site: cross-site", "sec-fetch-site:  Cross-Site ", "Origin: http://evil.example"]
)
async def test_page_of_another_site__has_nothing_of_the_control_api(path: str, mark: str) -> None:
    """
    Neither an image nor a script that a page of another site names is served, though browsers send no Origin.
    """
    async with serving() as bench:
        status, fields = await asked(bench, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{mark}")

    assert (status, fields["content-type"]) == (403, "application/problem+json")


async def test_link_of_another_site__may_be_followed() -> None:
    """
    A link to the inspector in a chat or in the page of a CI job opens, for only people see what it leads to.
    """
    followed = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate"
    async with serving() as bench:
        read, _ = await asked(bench, f"GET /_ui/default/messages HTTP/1.1\r\nHost: localhost\r\n{followed}")
        posted, _ = await asked(bench, f"POST /_sim/v1/spaces HTTP/1.1\r\nHost: localhost\r\n{followed}")
        sent, _ = await asked(bench, f"GET /infobip/sms/1/logs HTTP/1.1\r\nHost: localhost\r\n{followed}")

    assert (read, posted, sent) == (200, 403, 403)
