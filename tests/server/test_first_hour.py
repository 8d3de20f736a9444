"""
What a newcomer meets: clocks that start now, reports that go nowhere, addresses that nobody has.
"""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from harness import KEY, Bench, receiving, serving
from simulator.kernel.model.clock import EPOCH_MS_DEFAULT
from simulator.runtime.space import wall_unix_ms


async def clock(bench: Bench, space: str = "default") -> dict[str, Any]:
    """Return a clock as the control API tells it."""
    return (await bench.control("GET", f"/spaces/{space}/clock"))[1]


async def headers_of_send(bench: Bench, path: str = "/infobip/sms/2/text/advanced") -> dict[str, str]:
    """Send a message; return the headers of ours in the answer."""
    body = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "x"}]}
    async with bench.http.post(f"{bench.url}{path}", json=body, headers=KEY) as answer:
        assert answer.status == 200
        return {name: value for name, value in answer.headers.items() if name.startswith("X-Simulator-")}


# -- clocks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted", [{"clock": {"mode": "frozen", "start": "now"}}, {"scenario": "clock: {start: now}\n"}]
)
async def test_start_now__is_the_machines_time(wanted: dict[str, Any]) -> None:
    """
    A frozen space may begin at the machine's own time, for software that schedules by it.
    """
    async with serving() as bench:
        before_ms = wall_unix_ms()
        await bench.control("POST", "/spaces", {"name": "a", **wanted})

        epoch_ms = bench.server.registry.get("a").simulation.clock.epoch_ms

        assert before_ms <= epoch_ms <= wall_unix_ms()


async def test_frozen_space__starts_at_a_stated_instant() -> None:
    """
    Nobody who gives no start meets another one than the documentation names.
    """
    async with serving() as bench:
        await bench.control("POST", "/spaces", {"name": "a"})

        assert bench.server.registry.get("a").simulation.clock.epoch_ms == EPOCH_MS_DEFAULT
        assert (await clock(bench, "a"))["now"] == "2026-01-05T09:00:00.000Z"


async def test_clock__takes_a_start_until_something_happens() -> None:
    """
    The start of a clock may be set as long as nothing was sent and no time has passed, then no more.
    """
    async with serving() as bench:
        wanted = {"mode": "frozen", "start": "2030-01-01T00:00:00Z"}

        first = await bench.control("PUT", "/spaces/default/clock", wanted)
        await bench.control("POST", "/spaces/default/clock/advance", {"by": "1m"})
        second = await bench.control(
            "PUT", "/spaces/default/clock", {**wanted, "start": "2031-01-01T00:00:00Z"}
        )
        same = await bench.control("PUT", "/spaces/default/clock", wanted)

        assert (first[0], first[1]["now"]) == (200, "2030-01-01T00:00:00.000Z")
        assert second[0] == 409
        assert second[1]["detail"].startswith("the clock goes on as before: its clock starts at 2031-01-01")
        assert (same[0], same[1]["now"]) == (200, "2030-01-01T00:01:00.000Z")


async def test_mode_alone__is_a_clock_in_files_too() -> None:
    """
    `clock: autojump` works in a scenario as it does in the control API.
    """
    async with serving() as bench:
        made = await bench.control("POST", "/spaces", {"name": "a", "scenario": "clock: autojump\n"})

        assert made[1]["clock"]["mode"] == "autojump"


# -- seeds ------------------------------------------------------------------------------------------


async def test_spaces_without_a_seed__mint_other_ids() -> None:
    """
    Two spaces that nobody gave a seed draw theirs from their names, and tell it.
    """
    async with serving() as bench:
        seeds, ids = [], []
        for name in ("a", "b"):
            made = await bench.control("POST", "/spaces", {"name": name})
            seeds.append(made[1]["seed"])
            _, body = await bench.send(base=f"/s/{name}/infobip")
            ids.append(body["messages"][0]["messageId"])

        assert seeds == [zlib.crc32(b"a"), zlib.crc32(b"b")]
        assert ids[0] != ids[1]


# -- notes ------------------------------------------------------------------------------------------


async def test_reports_that_go_nowhere__are_noted_in_the_answer() -> None:
    """
    An answer to a send whose reports nobody gets says so, with the call that changes it.
    """
    async with serving() as bench:
        lost = await headers_of_send(bench)
        await bench.configure(webhook={"url": "http://127.0.0.1:9/reports"})
        told = await headers_of_send(bench)

        assert lost == {
            "X-Simulator-Note": "reports about this message are there to be pulled, and go nowhere else: "
            "PUT /_sim/v1/spaces/default/providers/infobip "
            '{"webhook":{"url":"http://127.0.0.1:9000/infobip"}} '
            "sends them to a receiver of yours"
        }
        assert told == {}


async def test_target_in_the_call__needs_no_note() -> None:
    """
    A call that says itself where reports go is not told otherwise.
    """
    async with serving() as bench, receiving() as receiver:
        body = {
            "messages": [{"destinations": [{"to": "41793026727"}], "text": "x", "notifyUrl": receiver.url}]
        }
        url = f"{bench.url}/infobip/sms/2/text/advanced"
        async with bench.http.post(url, json=body, headers=KEY) as answer:
            assert "X-Simulator-Note" not in answer.headers


# -- addresses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PATCH", "/recipients/09120000043", 422),
        ("GET", "/recipients/09120000043", 422),
        ("GET", "/messages?recipient=09120000043", 400),
        ("GET", "/webhooks?recipient=09120000043", 400),
        ("GET", "/wait?recipient=09120000043&within=0s", 400),
    ],
)
async def test_address_of_nobody__is_refused_with_the_spelling_that_works(
    method: str, path: str, status: int
) -> None:
    """
    What no message can have as its recipient is refused rather than taken for somebody.
    """
    async with serving() as bench:
        got, body = await bench.control(
            method, f"/spaces/default{path}", {"reachable": False} if method == "PATCH" else None
        )

        assert got == status
        assert body["detail"] == (
            'expected an address such as "+41793026727", or a prefix such as "+4179*", got "09120000043"; '
            'did you mean "+989120000043"?'
        )


async def test_providers_own_spelling__is_understood_where_it_is_named() -> None:
    """
    Bitel writes numbers with a leading zero, and where Bitel is named they are meant so.
    """
    async with serving() as bench:
        rules = [{"when": {"provider": "bitel", "recipient": "0912*"}, "then": {"fate": "silence"}}]
        await bench.load({"rules": rules})
        body = {"message": "x", "phoneNumber": "09120000043"}
        headers = {"Authorization": "Bearer key"}
        await bench.post("/bitel/api/v2/sms/single", body, headers=headers)

        _, found = await bench.control("GET", "/spaces/default/messages?provider=bitel&recipient=09120000043")
        rule = bench.space.simulation.state.applied

        assert [row["recipient"] for row in found["items"]] == ["+989120000043"]
        assert rule == {"rule 1": 1}
