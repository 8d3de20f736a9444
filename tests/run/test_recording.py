"""
A recorded run to look at: any of its moments as it was, and a fork that goes on from there.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from harness import receiving, serving
from recording import recording
from simulator.provider import discover
from simulator.run.bundle import read_bundle
from simulator.run.recording import Recording
from simulator.server.app import Server, ServerConfig

SCENARIO = (
    "expect: {messages: {final: 100%}}\n"
    "providers: {infobip: {webhook: {url: RECEIVER/reports}}}\n"
    'recipients: {"+41793020001": {reachable: {from: 0s, until: 10m, is: false}}}\n'
)


async def recorded(folder: Path) -> None:
    """Record two messages, one of them to a phone that is off for ten minutes."""
    async with recording(folder, SCENARIO) as run:
        await run.send("41793020000", "first")
        await run.send("41793020001", "second")
        await run.settle()


async def test_every_moment_is_as_it_was(tmp_path: Path) -> None:
    """
    Forwards and backwards, states, webhooks and answers are those of the moment.
    """
    await recorded(tmp_path)
    server = Server(ServerConfig(port=0))
    shown = Recording(read_bundle(tmp_path), discover(), server.registry)

    seen = []
    for moment in (len(shown.moments) - 1, 0, 1):
        await shown.seek(moment)
        simulation = shown.space.simulation
        states = [message.state.value for message in simulation.messages.values()]
        attempts = [attempt.status for w in simulation.outbox.webhooks.values() for attempt in w.attempts]
        seen.append((states, attempts, len(shown.space.exchanges), shown.note))
    await shown.close()

    assert seen == [
        (["delivered", "delivered"], [200, 200], 2, ""),
        (["accepted", "accepted"], [], 2, ""),
        (["delivered", "waiting"], [200], 2, ""),
    ]


async def test_answers_of_the_integrator_are_in_the_record(tmp_path: Path) -> None:
    """
    What it answered is shown as it was, with the headers of an answer that took nothing.
    """

    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503, text="not now", headers={"Retry-After": "7"})

    async with recording(tmp_path, SCENARIO) as run:
        run.receiver.answer = refuse
        await run.send("41793020000", "first")
        await run.settle()
    shown = Recording(read_bundle(tmp_path), discover(), Server(ServerConfig(port=0)).registry)
    await shown.seek(len(shown.moments) - 1)
    attempts = [
        each for webhook in shown.space.simulation.outbox.webhooks.values() for each in webhook.attempts
    ]
    await shown.close()

    assert {(attempt.excerpt, dict(attempt.headers)["Retry-After"]) for attempt in attempts} == {
        ("not now", "7")
    }


async def test_fork__goes_on_live_and_sends_what_was_still_due(tmp_path: Path) -> None:
    """
    A fork begins as the record was, then the phone comes back and its report really leaves.
    """
    await recorded(tmp_path)
    server = Server(ServerConfig(port=0))
    await server.start()
    shown = Recording(read_bundle(tmp_path), discover(), server.registry)
    await shown.seek(1)
    async with receiving(port_of(tmp_path)) as receiver:
        fork = await shown.fork("what-if")
        before = [message.state.value for message in fork.simulation.messages.values()]
        await fork.driver.advance(None)
        after = [message.state.value for message in fork.simulation.messages.values()]
    await shown.close()
    await server.stop()

    assert (before, after) == (["delivered", "waiting"], ["delivered", "delivered"])
    assert receiver.told() == [("41793020001", "DELIVERED_TO_HANDSET")]


def port_of(folder: Path) -> int:
    """Return the port of the receiver that the record's scenario names; it is free again by now."""
    return int(
        folder.joinpath("scenario.yaml").read_text("utf-8").partition("127.0.0.1:")[2].partition("/")[0]
    )


async def test_record__changes_by_no_command_and_has_operations_of_its_own(tmp_path: Path) -> None:
    """
    A recorded run refuses commands, stands where it is told, and is forked by one call.
    """
    await recorded(tmp_path)
    async with serving() as bench:
        shown = Recording(read_bundle(tmp_path), discover(), bench.server.registry)
        bench.server.registry.recordings["recording"] = shown
        space = "/spaces/recording"

        refused, problem = await bench.control("POST", f"{space}/clock/advance", {"by": "1m"})
        _, stands = await bench.control("PUT", f"{space}/recording", {"moment": 1})
        beyond, _ = await bench.control("PUT", f"{space}/recording", {"moment": 99})
        taken, _ = await bench.control("POST", f"{space}/recording/fork", {"name": "default"})
        status, fork = await bench.control("POST", f"{space}/recording/fork", {})
        _, messages = await bench.control("GET", f"/spaces/{fork['name']}/messages")
        none, _ = await bench.control("GET", "/spaces/default/recording")
        _, verdict = await bench.control("GET", f"{space}/verdict")
        await shown.close()

        assert (refused, beyond, taken, status, none) == (409, 422, 409, 201, 404)
        assert problem["detail"] == "'recording' is a recorded run, which nothing changes; fork it"
        assert stands["moment"] == 1
        assert verdict == {
            "passed": False,
            "ended": False,
            "checks": [
                {
                    "name": "messages.final: 100%",
                    "passed": False,
                    "detail": "50% of 2 messages have an end in time",
                }
            ],
        }
        assert [one["state"] for one in messages["items"]] == ["delivered", "waiting"]


async def test_record__is_shown_on_every_page(tmp_path: Path) -> None:
    """
    The pages of a recorded run are those of any space, without what would change it.
    """
    await recorded(tmp_path)
    async with serving() as bench:
        shown = Recording(read_bundle(tmp_path), discover(), bench.server.registry)
        bench.server.registry.recordings["recording"] = shown
        await shown.seek(1)

        statuses, commands = [], 0
        for page in ("messages", "message/infobip:+41793020000:1", "phones", "phone/+41793020001", *PAGES):
            async with bench.http.get(f"{bench.url}/_ui/recording/{page}") as answer:
                statuses.append(answer.status)
                text = await answer.text()
                commands += text.count("data-call=") - text.count('data-call="PUT recording"') - 1
        state, _ = await bench.control("GET", "/spaces/recording")
        await shown.close()

        assert (statuses, commands, state) == ([200] * (4 + len(PAGES)), 0, 200)


PAGES = ("webhooks", "scenario", "run", "spaces")
