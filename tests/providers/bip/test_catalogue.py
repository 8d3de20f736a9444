"""
The catalogue: every code has a recipient that triggers it, every endpoint is accounted for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.providers.bip import PROVIDER
from simulator.providers.bip.addresses import is_msisdn
from simulator.providers.bip.codes import RESULTS, VERIFICATIONS
from simulator.providers.bip.settings import METHODS

ROWS = {f"{row.kind}-{row.code}": row for row in PROVIDER.codes()}


def test_catalogue_is_whole() -> None:
    """
    Every result and verification code of BiP has a magic recipient of BiP's own number format.
    """
    found = {(row.kind, row.code) for row in PROVIDER.codes()}

    assert {code for kind, code in found if kind == "result"} == {str(code) for code in RESULTS}
    assert {code for kind, code in found if kind == "verification"} == {str(code) for code in VERIFICATIONS}
    assert all(is_msisdn(row.recipient) for row in PROVIDER.codes())
    assert len({row.recipient for row in PROVIDER.codes()}) == len(PROVIDER.codes())


@pytest.mark.parametrize("name", [name for name in ROWS if name.startswith(("result", "verification"))])
async def test_magic_recipient_triggers_its_code(bip: Callable[..., Any], name: str) -> None:
    """
    A result code comes with HTTP 200, a verification code with 400.
    """
    row = ROWS[name]
    async with bip() as bench:
        got = await bench.send(row.recipient)

    assert (got.status, got.body["resultcode"]) == (200 if row.kind == "result" else 400, int(row.code))
    assert ("list" in got.body) == (row.code == "0")


@pytest.mark.parametrize("name", [name for name in ROWS if name.startswith("http")])
async def test_magic_recipient_triggers_its_http_status(bip: Callable[..., Any], name: str) -> None:
    """
    Below the protocol there is a status without a body.
    """
    row = ROWS[name]
    async with bip() as bench:
        got = await bench.send(row.recipient)

    assert (got.status, got.body) == (int(row.code), None)


@pytest.mark.parametrize(
    ("code", "kinds", "state"),
    [
        ("1", [0], "delivered"),
        ("2", [0, 1], "read"),
        ("3", [], "accepted"),
        ("4", [0], "delivered"),
        ("5", [], "expired"),
        ("6", [0, 1, "EVET"], "read"),
    ],
)
async def test_magic_recipient_has_its_fate(
    bip: Callable[..., Any], code: str, kinds: list[object], state: str
) -> None:
    """
    Reports arrive as the fate says, and nothing else does.
    """
    async with bip() as bench:
        await bench.send(ROWS[f"fate-{code}"].recipient)
        await bench.settle()

    told = [body.get("content", body.get("report", {}).get("reporttype")) for _, body in bench.hooks]
    assert told == kinds
    assert [message.state for message in bench.space.simulation.messages.values()] == [state]


def test_coverage_names_every_route() -> None:
    """
    What is said to be supported is served, and what is served is said to be.
    """
    served = {(route.method, route.path) for route in PROVIDER.routes}
    named = {(row.method, row.path) for row in PROVIDER.coverage if row.state != "absent"}

    assert served == named
    assert {path.rpartition("/")[2] for _, path in served} == {*METHODS, "upload"}


async def test_first_example_succeeds(bip: Callable[..., Any]) -> None:
    """
    The command in the banner sends a message without any configuration.
    """
    text = PROVIDER.example("http://127.0.0.1:1/bip", "service:secret")
    body = text.partition("-d '")[2].removesuffix("'")
    async with bip(session={"required": False}) as bench:
        got = await bench.call("sendmsgserv", body)

    assert got.body["resultcode"] == 0
