"""
The control API over HTTP.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
from typing import Any

import pytest
from aiohttp import ClientSession
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families

from harness import Bench, receiving, serving, until
from simulator.explain.narrative import narrative
from simulator.server.http import ControlFace
from simulator.server.operations.base import Asked, Controller, Operation, Reply

SPACE = "/spaces/default"


async def raw(
    bench: Bench, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, str, Any]:
    """Send bytes; return status, content type and JSON body."""
    data = io.BytesIO(body) if body is not None else None
    async with bench.http.request(method, f"{bench.url}{path}", data=data, headers=headers) as answer:
        text = await answer.read()
        return answer.status, answer.content_type, json.loads(text) if text else None


async def test_openapi__is_valid() -> None:
    """
    The description of the control API is a valid OpenAPI document.
    """
    async with serving() as bench:
        status, kind, document = await raw(bench, "GET", "/_sim/openapi.json")

        validate(document)
        assert (status, kind) == (200, "application/json")
        ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
        assert len(ids) == len(set(ids))


async def test_openapi__every_operation_is_reachable() -> None:
    """
    Each described call is served: whatever it answers, it is neither "no such call" nor a failure.
    """
    async with serving() as bench:
        _, _, document = await raw(bench, "GET", "/_sim/openapi.json")
        _, sent = await bench.send()
        fill = {
            "space": "default",
            "provider": "infobip",
            "action": "none",
            "address": "+41793026727",
            "name": None,
            "id": sent["messages"][0]["messageId"],
        }
        answered: dict[str, str] = {}
        for path, item in document["paths"].items():
            target = re.sub(r"\{(\w+)\}", lambda name: fill[name[1]], path)
            for method, operation in item.items():
                query = "?within=0s&count=1" if path.endswith("/wait") else ""
                status, _, body = await lines_or_json(bench, method.upper(), target + query)
                documented = str(status) in operation["responses"]
                answered[f"{method} {path}"] = (
                    ""
                    if documented and status < 500 and "No such call" not in str(body)
                    else f"{status} {body}"
                )

        assert {call: said for call, said in answered.items() if said} == {}
        assert len(answered) >= 20


async def lines_or_json(bench: Bench, method: str, target: str) -> tuple[int, str, Any]:
    """Run a call; what is no JSON document is returned as text."""
    async with bench.http.request(
        method, bench.url + target, data=b"{}" if method != "GET" else None
    ) as answer:
        text = await answer.read()
        is_json = answer.content_type.endswith("json") and "ndjson" not in answer.content_type
        plain = json.loads(text) if text and is_json else text.decode()
        return answer.status, answer.content_type, plain


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        (
            "GET",
            "/_sim/v1/nothing",
            None,
            {
                "type": "about:blank",
                "title": "No such call",
                "status": 404,
                "detail": "there is no /_sim/v1/nothing; /_sim/openapi.json lists what there is",
            },
        ),
        (
            "PATCH",
            "/_sim/v1/spaces",
            None,
            {
                "type": "about:blank",
                "title": "Wrong method",
                "status": 405,
                "detail": "expected GET or POST, got PATCH",
            },
        ),
        (
            "GET",
            "/_sim/v1/spaces/nowhere/clock",
            None,
            {
                "type": "about:blank",
                "title": "No such space",
                "status": 404,
                "detail": "there is no space 'nowhere'",
            },
        ),
        (
            "GET",
            "/_sim/v1/spaces/default/messages/none",
            None,
            {
                "type": "about:blank",
                "title": "No such message",
                "status": 404,
                "detail": "there is no message 'none' among 0 in 'default'",
            },
        ),
        (
            "GET",
            "/_sim/v1/spaces/default/messages?limit=many",
            None,
            {
                "type": "about:blank",
                "title": "Bad query",
                "status": 400,
                "detail": "limit: expected a whole number up to 100000, got 'many'",
            },
        ),
        (
            "GET",
            "/_sim/v1/spaces/default/messages?state=delivrd",
            None,
            {
                "type": "about:blank",
                "title": "Bad query",
                "status": 400,
                "detail": "state: expected one of scheduled, accepted, sent, waiting, delivered, read, "
                "failed, expired, revoked, got 'delivrd'",
            },
        ),
        (
            "GET",
            "/_sim/v1/spaces/default/wait?for=webhooks&state=delivered&within=0s",
            None,
            {
                "type": "about:blank",
                "title": "Bad query",
                "status": 400,
                "detail": "state: expected one of scheduled, held, in flight, acknowledged, lost, dropped, "
                "got 'delivered'",
            },
        ),
        (
            "GET",
            "/_sim/v1/spaces/default/messages?stat=delivered",
            None,
            {
                "type": "about:blank",
                "title": "Bad query",
                "status": 400,
                "detail": "unknown parameter 'stat'; did you mean \"state\"?",
            },
        ),
        (
            "GET",
            "/_sim/v1/spaces/default/clock?x=1",
            None,
            {
                "type": "about:blank",
                "title": "Bad query",
                "status": 400,
                "detail": "unknown parameter 'x'; known: none",
            },
        ),
        (
            "GET",
            "/_sim",
            None,
            {
                "type": "about:blank",
                "title": "Nothing here",
                "status": 404,
                "detail": "there is nothing at '/_sim'; providers are at /bip/, /bitel/, /infobip/, /rbm/ "
                "or at their own paths, "
                "the control API is described at /_sim/openapi.json",
            },
        ),
        (
            "POST",
            "/_sim/v1/spaces/default/clock/advance",
            {"by": "1h", "until": "settled"},
            {
                "type": "about:blank",
                "title": "Not an advance",
                "status": 422,
                "detail": "expected exactly one of by, to and until",
            },
        ),
        (
            "POST",
            "/_sim/v1/spaces/default/clock/advance",
            {"by": "soon"},
            {
                "type": "about:blank",
                "title": "Not an advance",
                "status": 422,
                "detail": 'by: expected a duration such as "3s" or "1h30m", got "soon"',
                "errors": ['by: expected a duration such as "3s" or "1h30m", got "soon"'],
            },
        ),
        (
            "POST",
            "/_sim/v1/spaces/default/clock/advance",
            {"to": "2020-01-01T00:00:00Z"},
            {
                "type": "about:blank",
                "title": "Not an advance",
                "status": 422,
                "detail": "the clock stands at 2026-01-05T09:00:00.000Z and cannot go back to "
                "2020-01-01T00:00:00.000Z",
            },
        ),
    ],
)
async def test_problem__says_what_was_expected(
    method: str, path: str, body: Any, expected: dict[str, Any]
) -> None:
    """
    A refusal is a problem document that says what was expected and what came.
    """
    async with serving() as bench:
        sent = json.dumps(body).encode() if body is not None else None
        status, kind, problem = await raw(bench, method, path, sent)

        assert (status, kind) == (expected["status"], "application/problem+json")
        assert problem == expected


async def test_failing_operation__is_a_problem_not_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    """
    When an operation itself fails, the caller gets a problem with status 500; the log has the details.
    """

    async def fail(controller: Controller, asked: Asked) -> Reply:
        raise RuntimeError("odd")

    async with serving() as bench:
        operation = Operation("GET", "/_sim/v1/fail", "Fail", fail)
        face = ControlFace(Controller(bench.server.registry), [operation])
        asked = Asked({}, {}, b"", "", bench.url)

        reply = await face.call("GET", "/_sim/v1/fail", asked)

        assert (reply.status, reply.body) == (
            500,
            {
                "type": "about:blank",
                "title": "Failed",
                "status": 500,
                "detail": "GET /_sim/v1/fail failed inside the simulator; its log has the details",
            },
        )
        assert [record.getMessage() for record in caplog.records] == [
            "GET /_sim/v1/fail failed inside the simulator"
        ]


async def test_too_large_body__is_a_problem() -> None:
    """
    A body beyond the limit is refused as a problem, and the server goes on.
    """
    async with serving() as bench:
        status, kind, problem = await raw(bench, "PUT", f"/_sim/v1{SPACE}/scenario", b" " * 17_000_000)
        after, _, _ = await raw(bench, "GET", "/_sim/health")

        assert (status, kind, problem["title"]) == (413, "application/problem+json", "Too large")
        assert after == 200


async def test_advance__answers_now_and_what_fired() -> None:
    """
    An advance tells the new time, how many instants fired, and what is in flight.
    """
    async with serving() as bench:
        await bench.configure(deliver_after="1s")
        await bench.send()

        status, clock = await bench.control("POST", f"{SPACE}/clock/advance", {"by": "1h"})

        assert (status, clock) == (
            200,
            {
                "mode": "frozen",
                "rate": 1,
                "grace_ms": 0,
                "now_ms": 3_600_000,
                "now": "2026-01-05T10:00:00.000Z",
                "next_due_ms": None,
                "next_due": None,
                "advancing": False,
                "webhooks_in_flight": 0,
                "calls_in_flight": 0,
                "fired": 2,
                "in_flight": 0,
            },
        )


async def test_advance__beyond_the_end_of_dates_is_refused() -> None:
    """
    A clock cannot be moved where no date exists any more; it stays where it is and can still be shown.
    """
    async with serving() as bench:
        status, problem = await bench.control(
            "POST", f"{SPACE}/clock/advance", {"to": "9999-12-31T23:59:59Z"}
        )
        again, _ = await bench.control("POST", f"{SPACE}/clock/advance", {"by": "90000d"})
        shown, _ = await bench.control("GET", f"{SPACE}/clock")

        expected = 'to: expected an instant before the year 9000, got "9999-12-31T23:59:59Z"'
        assert (status, problem["detail"]) == (422, expected)
        assert (again, shown) == (422, 200)


async def test_wait__answers_as_soon_as_it_happens() -> None:
    """
    A wait returns with what it waited for.
    """
    async with serving() as bench:
        waiting = asyncio.create_task(
            bench.control("GET", f"{SPACE}/wait?for=messages&recipient=%2B41793026727&within=10s")
        )
        await until(lambda: bool(bench.space._waiters))
        await bench.send()

        status, found = await waiting

        assert (status, found["total"], found["items"][0]["recipient"]) == (200, 1, "+41793026727")


async def test_wait__follows_what_becomes_of_messages() -> None:
    """
    A message counts from when it fits, no longer than it fits, in the order of acceptance.
    """
    async with serving() as bench:
        await bench.configure(deliver_after="1s..9s")
        await bench.send([f"4179000000{number}" for number in range(5)])
        waiting = asyncio.create_task(
            bench.control("GET", f"{SPACE}/wait?for=messages&state=delivered&count=5&within=10s")
        )
        await until(lambda: bool(bench.space._waiters))
        await bench.control("POST", f"{SPACE}/clock/advance", {"by": "5s"})
        halfway = waiting.done()
        await bench.control("POST", f"{SPACE}/clock/advance", {"by": "5s"})

        status, found = await waiting

        numbers = [message["recipient"] for message in found["items"]]
        assert (status, halfway) == (200, False)
        assert numbers == [f"+4179000000{number}" for number in range(5)]


async def test_wait__ends_when_nobody_reads_its_answer() -> None:
    """
    A client that has hung up is waited for no longer, whatever time it wanted.
    """
    async with serving() as bench:
        async with ClientSession() as hasty:
            call = asyncio.create_task(hasty.get(f"{bench.url}/_sim/v1{SPACE}/wait?within=60s"))
            await until(lambda: bool(bench.space._waiters))
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)

        await until(lambda: not bench.space._waiters)

        assert bench.server.fronts[0].count <= 1


async def test_scenario__of_one_text_is_shared_and_changes_nobody_else() -> None:
    """
    What is changed in one of two spaces with the same scenario is not changed in the other.
    """
    text = 'recipients: {"+4179*": {reachable: false}}'
    async with serving() as bench:
        for name in ("one", "two"):
            await bench.control("POST", "/spaces", {"name": name, "scenario": text})

        await bench.control("PATCH", "/spaces/one/recipients/+41790000001", {"reachable": True})
        _, there = await bench.control("GET", "/spaces/one/recipients/+41790000001")
        _, here = await bench.control("GET", "/spaces/two/recipients/+41790000001")

        spaces = [bench.server.registry.get(name).simulation.scenario for name in ("one", "two")]
        assert spaces[0] is spaces[1]
        assert (there["reachable"], here["reachable"]) == (True, False)


async def test_wait__tells_the_nearest_miss() -> None:
    """
    When it did not happen in time, the problem says what was expected and what came nearest.
    """
    async with serving() as bench:
        _, sent = await bench.send("41790000001")

        status, problem = await bench.control(
            "GET", f"{SPACE}/wait?for=messages&recipient=%2B41790000002&within=1ms"
        )

        assert status == 408
        assert problem["detail"] == (
            "expected 1 messages with recipient '+41790000002', got 0; "
            "nearest: infobip +41790000001 #1, whose recipient is '+41790000001'; "
            "the space is not settled, its clock frozen"
        )
        assert problem["nearest"]["id"] == sent["messages"][0]["messageId"]


async def test_wait__ends_when_the_space_is_deleted() -> None:
    """
    Nobody waits for something in a space that is gone.
    """
    async with serving() as bench:
        await bench.control("POST", "/spaces", {"name": "brief"})
        space = bench.server.registry.get("brief")
        waiting = asyncio.create_task(bench.control("GET", "/spaces/brief/wait?within=60s"))
        await until(lambda: bool(space._waiters))

        await bench.control("DELETE", "/spaces/brief")
        status, problem = await asyncio.wait_for(waiting, 5)

        assert (status, problem["title"]) == (410, "Deleted")


async def test_journal__is_ndjson_and_goes_on_from_a_number() -> None:
    """
    The journal is one JSON object per line, in order, and can be read on.
    """
    async with serving() as bench:
        await bench.send()
        async with bench.http.get(f"{bench.url}/_sim/v1{SPACE}/journal") as answer:
            kind = answer.content_type
        _, entries = await bench.control("GET", f"{SPACE}/journal")
        await bench.send()
        _, later = await bench.control("GET", f"{SPACE}/journal?after={entries[-1]['seq']}")
        _, one = await bench.control("GET", f"{SPACE}/journal?limit=1")

        assert kind == "application/x-ndjson"
        assert [entry["seq"] for entry in entries + later] == list(range(1, 1 + len(entries) + len(later)))
        assert [entry["seq"] for entry in one] == [1]


async def test_journal__follow_streams_what_happens() -> None:
    """
    With `follow=1` the answer stays open, and a new entry is written as it happens.
    """
    async with serving() as bench:
        async with bench.http.get(f"{bench.url}/_sim/v1{SPACE}/journal?follow=1&after=0") as answer:
            await bench.send()
            lines = [json.loads(await answer.content.readline()) for _ in range(2)]

        assert [line["kind"] for line in lines] == ["accepted", "call"]
        assert answer.content_type == "application/x-ndjson"


async def test_journal__follow_of_a_bad_number_is_refused() -> None:
    """
    A query that is refused without `follow` is refused with it as well.
    """
    async with serving() as bench:
        status, kind, _ = await raw(bench, "GET", f"/_sim/v1{SPACE}/journal?follow=1&after=x")

        assert (status, kind) == (400, "application/problem+json")


async def test_journal__follow_ends_with_its_space_and_with_the_server() -> None:
    """
    A follower is let go when its space is deleted, and does not hold up the server's end.
    """
    async with serving() as bench:
        await bench.control("POST", "/spaces", {"name": "brief"})
        async with (
            bench.http.get(f"{bench.url}/_sim/v1/spaces/brief/journal?follow=1") as one,
            bench.http.get(f"{bench.url}/_sim/v1{SPACE}/journal?follow=1") as other,
        ):
            await bench.control("DELETE", "/spaces/brief")
            rest = await asyncio.wait_for(one.content.read(), 5)
            began = asyncio.get_running_loop().time()
            await bench.server.stop()
            took = asyncio.get_running_loop().time() - began
            await asyncio.wait_for(other.content.read(), 5)

        assert rest == b""
        assert took < 0.9


async def test_follower_that_hangs_up__is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    """
    A follower that goes away leaves neither a waiter nor a trace behind.
    """
    async with serving() as bench:
        async with bench.http.get(f"{bench.url}/_sim/v1{SPACE}/journal?follow=1"):
            await until(lambda: bool(bench.space._waiters))
        for number in range(3):
            await bench.send(f"4179000000{number}")
        await until(lambda: not bench.space._waiters)

        assert [record.getMessage() for record in caplog.records if record.levelno >= 30] == []


async def test_move__what_the_table_forbids_is_refused() -> None:
    """
    A message that is delivered cannot fail any more, and the problem says so.
    """
    async with serving() as bench:
        _, sent = await bench.send()
        path = f"{SPACE}/messages/{sent['messages'][0]['messageId']}/move"

        first, moved = await bench.control("POST", path, {"move": "deliver"})
        second, problem = await bench.control("POST", path, {"move": "fail"})

        assert (first, moved["state"], moved["decided_by"]["rung"]) == (200, "delivered", "control")
        assert (second, problem["detail"]) == (409, "a message that is delivered cannot fail")


async def test_move__to_an_unreachable_recipient_is_refused() -> None:
    """
    A phone that is off cannot be delivered to, not even by command.
    """
    async with serving() as bench:
        _, sent = await bench.send()
        await bench.control("PATCH", f"{SPACE}/recipients/+41793026727", {"reachable": False})

        status, problem = await bench.control(
            "POST", f"{SPACE}/messages/{sent['messages'][0]['messageId']}/move", {"move": "deliver"}
        )

        assert (status, problem["detail"]) == (409, "+41793026727 is unreachable; make it reachable first")


async def test_move__fail_with_a_code_reports_that_code() -> None:
    """
    Failing a message with one of the provider's codes gives the report that code.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url})
        _, sent = await bench.send()

        status, _ = await bench.control(
            "POST",
            f"{SPACE}/messages/{sent['messages'][0]['messageId']}/move",
            {
                "move": "fail",
                "code": {"status": "UNDELIVERABLE_NOT_DELIVERED", "error": "EC_ABSENT_SUBSCRIBER"},
            },
        )
        await bench.space.driver.advance(None)

        assert status == 200
        assert receiver.received[0].body["results"][0]["error"]["name"] == "EC_ABSENT_SUBSCRIBER"


async def test_resend__sends_the_same_report_again() -> None:
    """
    A webhook sent again has the same body and its own place in the ledger.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url})
        await bench.send()
        await bench.space.driver.advance(None)
        _, found = await bench.control("GET", f"{SPACE}/webhooks")

        status, twin = await bench.control("POST", f"{SPACE}/webhooks/{found['items'][0]['id']}/resend")
        await bench.space.driver.advance(None)

        assert (status, twin["intended"]) == (202, "resent")
        assert twin["id"] != found["items"][0]["id"]
        assert receiver.received[0].body == receiver.received[1].body


async def test_scenario__comes_as_yaml_or_json_and_a_bad_one_changes_nothing() -> None:
    """
    YAML text and JSON are both taken; a bad file is refused with every complaint and its place.
    """
    async with serving() as bench:
        path = f"/_sim/v1{SPACE}/scenario"
        yaml, _, _ = await raw(bench, "PUT", path, b"name: first\n", **{"Content-Type": "application/yaml"})
        plain, _ = await bench.control("PUT", f"{SPACE}/scenario", {"name": "second"})
        bad, _, problem = await raw(
            bench, "PUT", path, b"nmae: x\nseed: lots\n", **{"Content-Type": "application/yaml"}
        )

        assert (yaml, plain, bad) == (200, 200, 422)
        assert [error.partition(": ")[0] for error in problem["errors"]] == ["scenario:1:1", "scenario:2:7"]
        assert bench.space.simulation.scenario.name == "second"


async def test_recipients__are_listed_changed_and_shown() -> None:
    """
    Circumstances set for an address are shown for it; others stay as they were.
    """
    async with serving() as bench:
        status, changed = await bench.control(
            "PATCH", f"{SPACE}/recipients/+41793026727", {"reachable": False, "operator": "22801"}
        )
        _, listed = await bench.control("GET", f"{SPACE}/recipients")
        _, other = await bench.control("GET", f"{SPACE}/recipients/+41790000000")

        assert (status, changed["reachable"], changed["operator"]) == (200, False, "22801")
        assert [one["address"] for one in listed["items"]] == ["+41793026727"]
        assert other["reachable"] is True


async def test_recipients__change_for_a_while() -> None:
    """
    `for` ends a change by itself; alone it changes nothing.
    """
    async with serving() as bench:
        path = f"{SPACE}/recipients/+41793026727"
        _, gone = await bench.control("PATCH", path, {"reachable": False, "for": "10m"})
        await bench.control("POST", f"{SPACE}/clock/advance", {"by": "10m"})
        _, back = await bench.control("GET", path)
        status, _ = await bench.control("PATCH", path, {"for": "10m"})

        assert (gone["reachable"], back["reachable"], status) == (False, True, 422)


async def test_requests__show_the_last_calls_with_their_answers() -> None:
    """
    Every call of the integrator is kept with what it was answered, for a while.
    """
    async with serving() as bench:
        await bench.send()

        _, found = await bench.control("GET", f"{SPACE}/requests")

        assert found["total"] == 1
        one = found["items"][0]
        assert (one["method"], one["path"], one["status"]) == ("POST", "/sms/2/text/advanced", 200)
        assert "41793026727" in one["request"]
        assert "PENDING" in one["answer"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:4010", 200),
        ("localhost", 200),
        ("[::1]:4010", 200),
        ("simulator:4010", 200),
        ("sub.localhost", 200),
        ("allowed.example", 200),
        ("ALLOWED.example:80", 200),
        ("evil.example", 403),
        ("evil.example:4010", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
    ],
)
@pytest.mark.parametrize("path", ["/_sim/v1/spaces", "/_sim/openapi.json", "/_sim/metrics", "/"])
async def test_host__a_name_that_could_be_rebound_is_refused(host: str, expected: int, path: str) -> None:
    """
    The control API is served to literal addresses, bare names and listed names only.
    """
    async with (
        serving(allow_hosts=frozenset({"allowed.example"})) as bench,
        bench.http.get(f"{bench.url}{path}", headers={"Host": host}) as answer,
    ):
        assert answer.status == expected


@pytest.mark.parametrize("path", ["/_sim/health", "/_sim/ready"])
async def test_probes__may_use_any_host(path: str) -> None:
    """
    Who asks whether the server is there may call it by any name.
    """
    async with serving() as bench, bench.http.get(f"{bench.url}{path}", headers={"Host": "a.b.c"}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("http", ["own", "aiohttp"])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Host": "api.infobip.com"}, 200),
        ({"Host": "simulator:4010"}, 200),
        ({"Host": "allowed.example"}, 200),
        ({"Host": "localhost:4010", "Origin": "http://127.0.0.1:3000"}, 200),
        ({"Host": "simulator:4010", "Origin": "http://simulator:3000", "Sec-Fetch-Site": "same-site"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:4010"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_providers__are_no_target_of_other_sites(
    headers: dict[str, str], expected: int, http: str
) -> None:
    """
    A page of another site cannot make a browser send messages; software under test may use any fair name.
    """
    async with serving(allow_hosts=frozenset({"allowed.example"}), http=http) as bench:
        target = "/infobip/sms/1/text/query?username=u&password=p&to=41793026727&text=x"
        async with bench.http.get(f"{bench.url}{target}", headers=headers) as answer:
            status, why = answer.status, answer.headers.get("X-Simulator-Reason")
        entries = [narrative(entry) for entry in bench.space.simulation.journal]

        assert status == expected
        assert len(bench.space.simulation.messages) == (expected == 200)
        assert (why is not None) == (expected == 403)
        assert any("403" in entry and str(why) in entry for entry in entries) == (expected == 403)


@pytest.mark.parametrize(
    ("origin", "expected"), [("http://evil.example", 403), ("null", 403), ("http://127.0.0.1:1", 403)]
)
async def test_origin__of_another_page_is_refused(origin: str, expected: int) -> None:
    """
    A web page elsewhere cannot drive the control API from a browser.
    """
    async with serving() as bench:
        status, kind, _ = await raw(
            bench, "POST", "/_sim/v1/spaces", b"{}", Origin=origin, **{"Content-Type": "text/plain"}
        )
        own, _, _ = await raw(bench, "GET", "/_sim/v1/spaces", Origin=bench.url)

        assert (status, kind, own) == (expected, "application/problem+json", 200)
        assert len(bench.server.registry) == 1


async def test_refusal__of_a_page_names_the_page_and_not_the_host() -> None:
    """
    Who calls from a page of another site is told about the page, since --allow-host would not help.
    """
    async with serving() as bench:
        _, _, problem = await raw(bench, "GET", "/_sim/v1/spaces", Origin="http://other.example")

        assert problem == {
            "type": "about:blank",
            "title": "Forbidden origin",
            "status": 403,
            "detail": "the control API is not served to pages of 'http://other.example'",
        }


async def test_refused_message__is_told_with_the_rule_that_refused_it() -> None:
    """
    The id of a message that was rejected inside a 200 leads to what rejected it.
    """
    async with serving() as bench:
        _, sent = await bench.send("9991000006")
        id_ = sent["messages"][0]["messageId"]

        status, problem = await bench.control("GET", f"{SPACE}/messages/{id_}")
        told, story = await bench.control("GET", f"{SPACE}/messages/{id_}/explain")

        assert (status, problem["detail"]) == (
            404,
            f"{id_!r} was refused, so there is no message: "
            "+00:00:00.000 infobip +9991000006 #1 refused [6] (magic recipient)",
        )
        assert told == 200
        assert story["story"] == [
            f"infobip +9991000006 #1 was refused with 6 (id {id_})",
            "answer: magic recipient",
            "+00:00:00.000 infobip +9991000006 #1 refused [6] (magic recipient)",
        ]


async def test_bad_code_of_a_move__is_told_with_its_place() -> None:
    """
    The complaint about a failure's code names the key it stands under.
    """
    async with serving() as bench:
        _, sent = await bench.send()
        id_ = sent["messages"][0]["messageId"]

        status, problem = await bench.control(
            "POST", f"{SPACE}/messages/{id_}/move", {"move": "fail", "code": "NONE"}
        )

        assert (status, problem["detail"]) == (
            422,
            "code: expected a value of status, error, reason, got 'NONE'",
        )


async def test_metrics__can_be_scraped() -> None:
    """
    The metrics parse, and count calls, messages and webhooks of every space.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url})
        await bench.send(["41790000001", "41790000002"])
        await bench.space.driver.advance(None)
        async with bench.http.get(f"{bench.url}/_sim/metrics") as answer:
            kind, text = answer.headers["Content-Type"], await answer.text()

        values = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        here = ("space", "default")
        assert kind == "text/plain; version=0.0.4; charset=utf-8"
        assert values[("simulator_calls_total",)] == 1
        assert values[("simulator_messages", ("provider", "infobip"), here, ("state", "delivered"))] == 2
        assert values[("simulator_webhooks", ("provider", "infobip"), here, ("state", "acknowledged"))] == 2


async def test_health_and_readiness__answer_at_once() -> None:
    """
    Liveness and readiness say that all is well, and which version this is.
    """
    from simulator import __version__

    async with serving() as bench:
        for path in ("/_sim/health", "/_sim/ready"):
            status, _, body = await raw(bench, "GET", path)

            assert (status, body) == (200, {"status": "ok", "version": __version__})
