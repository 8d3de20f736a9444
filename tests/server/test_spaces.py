"""
Spaces: which one a call belongs to, and that they never see each other.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import pytest
from aiohttp import web

from harness import KEY, Bench, receiving, serving, until
from simulator.explain.narrative import narrative
from simulator.runtime.driver import AdvanceEnded


async def create(bench: Bench, name: str, **wanted: Any) -> dict[str, Any]:
    """Create a space and return how it is described."""
    status, made = await bench.control("POST", "/spaces", {"name": name, **wanted})
    assert status == 201, made
    assert isinstance(made, dict)
    return made


def counts(bench: Bench) -> dict[str, int]:
    """Return how many messages each space has."""
    return {space.name: len(space.simulation.messages) for space in bench.server.registry.all()}


async def test_space_of_a_call__path_then_credential_then_header_then_default() -> None:
    """
    The path wins over the credential, the credential over the header, and default takes the rest.
    """
    async with serving() as bench:
        made = {name: await create(bench, name) for name in ("by-path", "by-key", "by-header")}
        key = {"Authorization": f"App {made['by-key']['providers']['infobip']['credential']}"}
        header = {"X-Simulator-Space": "by-header"}

        await bench.send(base="/s/by-path/infobip", headers=key | header)
        await bench.send(headers=key | header)
        await bench.send(headers=KEY | header)
        await bench.send()

        assert counts(bench) == {"by-header": 1, "by-key": 1, "by-path": 1, "default": 1}


async def test_listed_credential__leads_to_its_space() -> None:
    """
    A credential that a space's settings list belongs to that space.
    """
    async with serving() as bench:
        await create(bench, "mine", providers={"infobip": {"credentials": ["abc", "user:secret"]}})

        bare, _ = await bench.send(headers={"Authorization": "App abc"})
        # "user:secret" in base 64.
        basic, _ = await bench.send(headers={"Authorization": "Basic dXNlcjpzZWNyZXQ="})
        other, _ = await bench.send(base="/s/mine/infobip", headers={"Authorization": "App other"})

        assert (bare, basic, other) == (200, 200, 401)
        assert counts(bench) == {"default": 0, "mine": 2}


async def test_listed_credential__is_of_one_provider() -> None:
    """
    The same user and password at two providers may belong to two spaces.
    """
    async with serving() as bench:
        await create(bench, "a", providers={"bip": {"credentials": ["user:secret"]}})
        await create(bench, "b", providers={"infobip": {"credentials": ["user:secret"]}})

        status, _ = await bench.send(headers={"Authorization": "Basic dXNlcjpzZWNyZXQ="})

        assert status == 200
        assert counts(bench) == {"a": 0, "b": 1, "default": 0}


async def test_listed_credential__given_up_goes_to_who_lists_it() -> None:
    """
    A credential that a space lists no more leads to the next space that lists it.
    """
    async with serving() as bench:
        await create(bench, "a", providers={"infobip": {"credentials": ["abc"]}})
        await create(bench, "b", providers={"infobip": {"credentials": ["abc"]}})
        await bench.control("PUT", "/spaces/a/providers/infobip", {"credentials": ["other"]})

        await bench.send(headers={"Authorization": "App abc"})

        assert counts(bench) == {"a": 0, "b": 1, "default": 0}


async def test_listed_credential__may_be_exchanged_on_the_timeline() -> None:
    """
    From the instant on at which a scenario exchanges a key, the new one leads to the space and is let in.
    """
    exchanged = {"at": "1h", "providers": {"infobip": {"credentials": ["new-key"]}}}
    scenario = {"providers": {"infobip": {"credentials": ["old-key"]}}, "timeline": [exchanged]}
    statuses = []
    async with serving() as bench:
        await create(bench, "mine", scenario=scenario)
        space = bench.server.registry.get("mine")

        for until_ms in (3_599_999, 3_600_000):
            await space.driver.advance(until_ms)
            for key in ("old-key", "new-key"):
                headers = {"Authorization": f"App {key}"}
                at_home, _ = await bench.send(base="/s/mine/infobip", headers=headers)
                routed, _ = await bench.send(headers=headers)
                statuses.append((key, at_home, routed))
        counted = counts(bench)

    assert statuses == [
        ("old-key", 200, 200), ("new-key", 401, 200), ("old-key", 401, 200), ("new-key", 200, 200),
    ]  # fmt: skip
    # The default space takes a key that nobody owns.
    assert counted == {"default": 2, "mine": 4}


async def test_listed_credential__of_a_deleted_space_goes_to_who_lists_it() -> None:
    """
    Deleting one of two spaces that list a credential leaves it to the other.
    """
    async with serving() as bench:
        await create(bench, "a", providers={"infobip": {"credentials": ["abc"]}})
        await create(bench, "b", providers={"infobip": {"credentials": ["abc"]}})
        await bench.control("DELETE", "/spaces/a")

        await bench.send(headers={"Authorization": "App abc"})

        assert counts(bench) == {"b": 1, "default": 0}


async def test_minted_credential__is_accepted_beside_listed_ones() -> None:
    """
    The credential a space was created with keeps working when its settings list others.
    """
    async with serving() as bench:
        made = await create(bench, "mine", providers={"infobip": {"credentials": ["abc"]}})
        minted = made["providers"]["infobip"]["credential"]

        status, _ = await bench.send(headers={"Authorization": f"App {minted}"})

        assert status == 200
        assert counts(bench) == {"default": 0, "mine": 1}


@pytest.mark.parametrize(
    "authorization",
    ["App invalid-key", "Basic aW52YWxpZDpzZWNyZXQ=", "App", "", "Nonsense abc", "Basic !!!", "Bearer "],
)
async def test_bad_credential__is_refused_in_the_providers_words(authorization: str) -> None:
    """
    A missing, malformed or `invalid…` credential gets the provider's own 401, with no configuration.
    """
    async with serving() as bench:
        status, body = await bench.send(headers={"Authorization": authorization})

        assert (status, body) == (
            401,
            {
                "requestError": {
                    "serviceException": {"messageId": "UNAUTHORIZED", "text": "Invalid login details"}
                }
            },
        )
        assert counts(bench) == {"default": 0}


@pytest.mark.parametrize(
    ("base", "headers"),
    [("/s/nowhere/infobip", KEY), ("/infobip", KEY | {"X-Simulator-Space": "nowhere"})],
)
async def test_unknown_space__is_told_as_a_problem(base: str, headers: dict[str, str]) -> None:
    """
    A space that does not exist is our mistake to report, not the provider's: 404 with a problem body.
    """
    async with serving() as bench:
        status, body = await bench.send(base=base, headers=headers)

        assert (status, body) == (
            404,
            {
                "type": "about:blank",
                "title": "No such space",
                "status": 404,
                "detail": "there is no space 'nowhere'",
            },
        )


async def story(bench: Bench, space: str, sends: int) -> list[tuple[Any, ...]]:
    """Send to a few recipients in a space, let time pass between, and return what the journal says."""
    base = f"/s/{space}/infobip"
    for number in range(sends):
        await bench.send(f"4179000000{number % 3}", f"text {number}", base=base)
        await bench.server.registry.get(space).driver.advance(700 * (number + 1))
        await asyncio.sleep(0)
    await bench.server.registry.get(space).driver.advance(None)
    return [
        (entry.at_ms, entry.fact, entry.key, entry.ref)
        for entry in bench.server.registry.get(space).simulation.journal
    ]


async def test_spaces__tell_the_same_stories_together_as_alone() -> None:
    """
    Two spaces with different seeds and scenarios, used at once, do what each would do on its own.
    """
    wanted = {
        "one": {"seed": 1, "scenario": {"rules": [{"when": {"share": "50%"}, "then": {"fate": "silence"}}]}},
        "two": {"seed": 2, "scenario": {"recipients": {"+41790000001": {"reachable": False}}}},
    }
    alone = {}
    for name, how in wanted.items():
        async with receiving() as receiver, serving() as bench:
            settings = {"infobip": {"webhook": {"url": receiver.url}}}
            await create(bench, name, **how, providers=settings)
            alone[name] = await story(bench, name, 12)

    async with receiving() as receiver, serving() as bench:
        settings = {"infobip": {"webhook": {"url": receiver.url}}}
        for name, how in wanted.items():
            await create(bench, name, **how, providers=settings)
        together = await asyncio.gather(story(bench, "one", 12), story(bench, "two", 12))

    assert dict(zip(("one", "two"), together, strict=True)) == alone
    assert alone["one"] != alone["two"]


async def test_clocks__are_each_spaces_own() -> None:
    """
    Advancing one space leaves the others where they are; an autojump one moves by itself.
    """
    async with serving() as bench:
        await create(bench, "frozen")
        await create(bench, "jumping", clock="autojump", providers={"infobip": {"deliver_after": "1h"}})
        for base in ("/s/frozen/infobip", "/s/jumping/infobip", "/infobip"):
            await bench.send(base=base)

        await bench.control("POST", "/spaces/frozen/clock/advance", {"by": "1m"})
        jumping = bench.server.registry.get("jumping").simulation
        await until(lambda: jumping.next_due() is None)

        now = {space.name: space.simulation.clock.now_ms for space in bench.server.registry.all()}
        assert now == {"default": 0, "frozen": 60_000, "jumping": 3_600_000}


async def test_deleted_space__is_gone_with_its_credentials() -> None:
    """
    After deletion its path is unknown, its key is refused with the reason, and a new one may take its name.
    """
    async with serving() as bench:
        made = await create(bench, "brief", seed=3)
        key = {"Authorization": f"App {made['providers']['infobip']['credential']}"}

        status, _ = await bench.control("DELETE", "/spaces/brief")
        path_status, _ = await bench.send(base="/s/brief/infobip")
        late_status, _ = await bench.send(headers=key)
        entry = list(bench.space.simulation.journal)[-1]
        again = await create(bench, "brief")
        anew_status, _ = await bench.send(headers=key)

        assert (status, path_status, late_status, anew_status) == (204, 404, 401, 200)
        assert "belongs to the space 'brief', which was deleted" in narrative(entry)
        assert counts(bench) == {"brief": 1, "default": 0}
        assert again["seed"] == zlib.crc32(b"brief")


async def test_deleted_space__sends_nothing_that_was_due() -> None:
    """
    Reports owed by a deleted space are never sent, held ones neither.
    """
    async with receiving() as receiver, serving() as bench:
        await create(bench, "brief", clock="live", providers={"infobip": {"webhook": {"url": receiver.url}}})
        await bench.send(base="/s/brief/infobip")
        space = bench.server.registry.get("brief")

        await bench.control("DELETE", "/spaces/brief")
        space.driver.nudge()
        with pytest.raises(AdvanceEnded):
            await space.driver.advance(None)

        assert receiver.received == []


async def test_call_in_a_space_that_is_deleted_meanwhile__is_answered() -> None:
    """
    A stalled call of a space that is deleted meanwhile still gets its answer.
    """
    async with serving() as bench:
        await create(
            bench, "brief", scenario={"rules": [{"when": {}, "then": {"answer": {"stall": "100ms"}}}]}
        )
        call = asyncio.create_task(bench.send(base="/s/brief/infobip"))
        await until(lambda: bench.server.registry.get("brief").driver.calls_in_flight == 1)

        await bench.control("DELETE", "/spaces/brief")
        status, _ = await call

        assert status == 200


async def test_default_space__cannot_be_deleted() -> None:
    """
    There is always a default space.
    """
    async with serving() as bench:
        status, body = await bench.control("DELETE", "/spaces/default")

        assert (status, body["title"]) == (409, "Not deleted")


@pytest.mark.parametrize("name", ["default", "a b", "ü", "x" * 101, "-x", "a/b", ".."])
async def test_bad_name__is_refused_and_nothing_is_created(name: str) -> None:
    """
    A name that is taken or not a name gives a problem that says which.
    """
    async with serving() as bench:
        status, body = await bench.control("POST", "/spaces", {"name": name})

        assert status in (409, 422)
        assert body["status"] == status
        assert [space.name for space in bench.server.registry.all()] == ["default"]


async def test_space_with_bad_settings__is_not_half_created() -> None:
    """
    When anything in the wish is wrong there is no space at all afterwards.
    """
    async with serving() as bench:
        wishes: list[dict[str, Any]] = [
            {"name": "x", "providers": {"nobody": {}}},
            {"name": "x", "providers": {"infobip": {"pull": "sometimes"}}},
            {"name": "x", "scenario": {"rules": 5}},
            {"name": "x", "clock": "backwards"},
            {"name": "x", "seed": -1},
        ]

        statuses = [(await bench.control("POST", "/spaces", wish))[0] for wish in wishes]

        assert statuses == [404, 422, 422, 422, 422]
        assert [space.name for space in bench.server.registry.all()] == ["default"]


async def test_space__made_up_names_differ() -> None:
    """
    Spaces created without a name get different ones.
    """
    async with serving() as bench:
        names = [(await bench.control("POST", "/spaces"))[1]["name"] for _ in range(3)]

        assert names == ["space-1", "space-2", "space-3"]


async def test_alone_port__serves_one_provider_in_every_space() -> None:
    """
    On a port of its own a provider answers at its own paths; credentials still lead to spaces.
    """
    async with serving(listen={"infobip": 0}) as bench:
        made = await create(bench, "other")
        port = bench.server.ports["infobip"]
        body = {"messages": [{"destinations": [{"to": "41793026727"}], "text": "x"}]}
        url = f"http://127.0.0.1:{port}/sms/2/text/advanced"
        key = {"Authorization": f"App {made['providers']['infobip']['credential']}"}

        async with bench.http.post(url, json=body, headers=KEY) as answer:
            plain = answer.status
        async with bench.http.post(url, json=body, headers=key) as answer:
            keyed = answer.status
        async with bench.http.get(f"http://127.0.0.1:{port}/_sim/health", headers=KEY) as answer:
            control = answer.status, await answer.json()

        assert (plain, keyed) == (200, 200)
        assert counts(bench) == {"default": 1, "other": 1}
        assert control == (
            404,
            {
                "requestError": {
                    "serviceException": {
                        "messageId": "NOT_FOUND",
                        "text": "Requested URL not found: /_sim/health",
                    }
                }
            },
        )


async def test_concurrent_advances__of_different_spaces_run_at_once() -> None:
    """
    A space that waits for a slow receiver does not keep another one from advancing.
    """
    async with receiving() as receiver, serving() as bench:
        await create(bench, "slow", providers={"infobip": {"webhook": {"url": receiver.url}}})
        await create(bench, "quick")
        gate = asyncio.Event()

        async def hesitate(request: web.Request) -> web.Response:
            await gate.wait()
            return web.Response()

        receiver.answer = hesitate
        await bench.send(base="/s/slow/infobip")
        slow = asyncio.create_task(bench.control("POST", "/spaces/slow/clock/advance", {"by": "1h"}))
        await until(lambda: receiver.running == 1)

        status, clock = await bench.control("POST", "/spaces/quick/clock/advance", {"by": "2h"})
        gate.set()
        slow_status, slow_clock = await slow

        assert (status, clock["now_ms"]) == (200, 7_200_000)
        assert (slow_status, slow_clock["now_ms"]) == (200, 3_600_000)


async def test_scenario_put_in_force__brings_its_seed_and_clock() -> None:
    """
    While nothing was sent and no time has gone by, a scenario's seed, start and mode are those of its space.
    """
    async with serving() as bench:
        await create(bench, "late", clock="frozen")
        await create(bench, "whole", scenario={"seed": 3, "clock": {"start": "2027-01-01T00:00:00Z"}})

        status, put = await bench.control(
            "PUT",
            "/spaces/late/scenario",
            {"seed": 3, "clock": {"mode": "autojump", "start": "2027-01-01T00:00:00Z"}},
        )
        await bench.send(base="/s/late/infobip")
        await bench.send(base="/s/whole/infobip")
        ids = [
            [m.id for m in space.simulation.messages.values()] for space in bench.server.registry.all()[1:]
        ]

        assert (status, put["seed"], put["clock"]["mode"]) == (200, 3, "autojump")
        assert put["clock"]["now"] == "2027-01-01T00:00:00.000Z"
        assert ids[0] == ids[1]


async def test_scenario_put_in_force__says_what_comes_too_late() -> None:
    """
    Another seed after a send, or another start after time went by, is refused, and nothing changes.
    """
    async with serving() as bench:
        await create(bench, "used", seed=5, clock="frozen", scenario={"name": "first"})
        await bench.send(base="/s/used/infobip")
        await bench.server.registry.get("used").driver.advance(1_000)

        seed, why_seed = await bench.control("PUT", "/spaces/used/scenario", {"name": "second", "seed": 3})
        start, why_start = await bench.control(
            "PUT", "/spaces/used/scenario", {"clock": {"start": "2027-01-01T00:00:00Z"}}
        )
        same, _ = await bench.control(
            "PUT",
            "/spaces/used/scenario",
            {"name": "third", "seed": 5, "clock": {"start": "2026-01-05T09:00:00Z"}},
        )

        space = bench.server.registry.get("used")
        assert (seed, start, same) == (409, 409, 200)
        assert why_seed["detail"] == (
            "the scenario before stays in force: its seed is 3, and what was sent here so far was drawn "
            "from 5: create a space for it, or leave the seed out"
        )
        assert why_start["detail"] == (
            "the scenario before stays in force: its clock starts at 2027-01-01T00:00:00Z, and the one here "
            "started at 2026-01-05T09:00:00Z and has gone on: create a space for it, or leave the start out"
        )
        assert (space.seed, space.simulation.scenario.name) == (5, "third")


async def test_new_space__keeps_the_start_of_its_scenario() -> None:
    """
    A clock that is asked for with the space says how time passes; the scenario still says when it starts.
    """
    async with serving() as bench:
        made = await create(
            bench,
            "early",
            clock="autojump",
            scenario={"clock": {"mode": "frozen", "start": "2027-01-01T00:00:00Z"}},
        )

        assert (made["clock"]["mode"], made["clock"]["now"]) == ("autojump", "2027-01-01T00:00:00.000Z")
