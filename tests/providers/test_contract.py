"""
One contract over all providers: every one there is, the same questions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession
from yarl import URL

import simulator.providers
from curl import curls_in
from providers.contract import ROWS, Ended
from providers.door import Door, Heard, door_of
from simulator.explain.narrative import narrative
from simulator.kernel.model.rules import AnswerFault, Behaviour, Drop, Match, Rule, Throttle
from simulator.kernel.model.scenario import Scenario
from simulator.kernel.model.units import parse_rate
from simulator.kernel.store.facts import EntryKind, SendRefused
from simulator.provider import Code, built_in
from simulator.scenario.loader import load
from simulator.schema.node import Problems, node_of
from simulator.schema.shapes import Invalid, Shape, json_schema

_PROVIDERS = built_in()
_NAMES = sorted(set(_PROVIDERS) & set(ROWS))
_FOLDER = Path(simulator.providers.__path__[0])
_ABSENT = "absent"
_READMES_TO_COME = frozenset({"infobip"})
"""Providers whose README is still to list its endpoints; a name goes as soon as they are there."""

every_provider = pytest.mark.parametrize("name", _NAMES)


def _filled(path: str) -> str:
    """Return a route's path with something in its parameters."""
    return re.sub(r"\{\w+\*?\}", "1", path)


def _assert_refused_by_the_provider(heard: Heard, door: Door) -> None:
    """The answer is the provider's refusal, not a web server's page, and nothing was left behind."""
    assert heard.status >= 400, heard
    if heard.status == 404 and "html" in heard.content_type:
        assert door.row.page
        assert door.row.page in heard.body
        return
    _assert_provider_spoke(heard, door)


def _assert_provider_spoke(heard: Heard, door: Door) -> None:
    assert heard.status < 500, heard
    assert "html" not in heard.content_type
    assert "octet-stream" not in heard.content_type
    assert not heard.body.lstrip().startswith((b"<", b"404: ", b"405: "))
    if heard.body and "json" in heard.content_type:
        assert isinstance(json.loads(heard.body), dict | list)
    assert door.messages == []
    assert door.failures == []


def test_every_provider_has_a_row() -> None:
    """
    A provider that is discovered is held to the contract; its row goes into `providers/contract.py`.
    """
    assert set(_PROVIDERS) - set(ROWS) == set()


# -- what it says of itself -----------------------------------------------------------------------


@every_provider
def test_coverage_is_what_is_served(name: str) -> None:
    """
    What coverage calls supported or partial is served, what it calls absent is not, and no row is double.
    """
    provider = _PROVIDERS[name]
    covered = [(row.method, row.path) for row in provider.coverage]
    served = {(route.method, route.path) for route in provider.routes}

    assert {row.state for row in provider.coverage} <= {"supported", "partial", _ABSENT}
    assert len(set(covered)) == len(covered)
    assert {(r.method, r.path) for r in provider.coverage if r.state != _ABSENT} == served


@every_provider
def test_readme_lists_every_row_of_the_coverage(name: str) -> None:
    """
    The provider's README names each endpoint with its method, and what state it is in.
    """
    page = _FOLDER / name / "README.md"
    readme = page.read_text(encoding="utf-8") if page.exists() else ""
    rows = _PROVIDERS[name].coverage

    missing = [f"{row.method} {row.path}" for row in rows if f"`{row.method} {row.path}`" not in readme]
    if missing and name in _READMES_TO_COME:
        pytest.xfail(f"the README of {name} does not list every endpoint yet")
    assert missing == []


@every_provider
def test_settings_have_a_schema_and_refuse_unknown_keys(name: str) -> None:
    """
    Settings, refusals and failures can be described to an editor; a key that nobody knows is named.
    """
    provider = _PROVIDERS[name]
    shapes: list[Shape[Any]] = [provider.settings, provider.refusal_shape, provider.failure_shape]
    schemas = [json_schema(shape, "part of a scenario") for shape in shapes]
    problems = Problems()
    read = provider.settings.read(node_of({"no_such_setting": 1}), "", problems)

    assert json.loads(json.dumps(schemas)) == schemas
    assert schemas[0]["additionalProperties"] is False
    assert isinstance(read, Invalid)
    assert "no_such_setting" in problems.render("")[0]


@every_provider
async def test_settings_in_force_are_plain_json(name: str) -> None:
    """
    What the control API shows of an account can be shown.
    """
    async with door_of(_PROVIDERS[name]) as door:
        shown = dict(door.space.gateways[name].account.describe())

    assert json.loads(json.dumps(shown)) == shown


@every_provider
def test_credentials_are_minted_one_for_each_token(name: str) -> None:
    """
    Two spaces never get the same credential, and a minted one is not always refused.
    """
    provider = _PROVIDERS[name]
    minted = {provider.mint_credential(f"{n:032x}") for n in range(100)}

    assert len(minted) == 100
    assert all(":" in one or not one.startswith("invalid") for one in minted)


# -- bad calls ------------------------------------------------------------------------------------


@every_provider
async def test_unknown_path_is_answered_by_the_provider(name: str) -> None:
    """
    What is not served gets the provider's own not-found answer, not a web server's.
    """
    paths = [
        "/",
        "/no/such/path",
        "/%2e%2e/x",
        "//",
        "/%00",
        *(_filled(r.path) + "/x" for r in _PROVIDERS[name].routes),
    ]
    async with door_of(_PROVIDERS[name]) as door:
        for path in paths:
            for method in ("GET", "POST"):
                _assert_refused_by_the_provider(await door.call(method, path), door)


@every_provider
async def test_absent_endpoint_is_answered_by_the_provider(name: str) -> None:
    """
    An endpoint that the provider has and we lack gets the provider's own not-found answer.
    """
    async with door_of(_PROVIDERS[name]) as door:
        for row in door.provider.coverage:
            if row.state == _ABSENT:
                _assert_refused_by_the_provider(await door.call(row.method, _filled(row.path), b"{}"), door)


@every_provider
async def test_wrong_method_is_answered_by_the_provider(name: str) -> None:
    """
    A method that a path does not have gets the provider's own answer.
    """
    provider = _PROVIDERS[name]
    async with door_of(_PROVIDERS[name]) as door:
        for path in sorted({route.path for route in provider.routes}):
            served = {route.method for route in provider.routes if route.path == path}
            for method in sorted({"GET", "POST", "PUT", "DELETE", "PATCH"} - served):
                heard = await door.call(method, _filled(path), b"{}" if method != "GET" else None)
                _assert_refused_by_the_provider(heard, door)


@every_provider
@pytest.mark.parametrize("kind", ["none", "refused", "malformed"])
async def test_call_without_a_good_credential_is_refused(name: str, kind: str) -> None:
    """
    No credential, one that begins with `invalid`, or a malformed header: 401 or 403, and nothing is done.
    """
    async with door_of(_PROVIDERS[name]) as door:
        if kind == "malformed":
            door.row = door.row._replace(authorization=lambda _: "Nonsense")
        credential = {"none": None, "refused": door.row.refused_credential, "malformed": ""}[kind]
        for route in door.provider.routes:
            if not route.open:
                body = b"{}" if route.method != "GET" else None
                heard = await door.call(route.method, _filled(route.path), body, credential=credential)
                assert heard.status in (401, 403), (route.path, heard)
                _assert_refused_by_the_provider(heard, door)


_BROKEN: dict[str, bytes] = {
    "empty": b"",
    "cut off": b'{"messages": [{"',
    "not UTF-8": b'{"text": "\xff\xfe"}',
    "UTF-16": '{"text": "x"}'.encode("utf-16"),
    "an array": b"[]",
    "null": b"null",
    "a string": b'"x"',
    "a number": b"1e999",
    "an empty object": b"{}",
    "very deep": b"[" * 100_000,
    "very deep objects": b'{"a":' * 50_000,
    "lone surrogate": b'{"text": "\\ud800"}',
    "binary": bytes(range(256)),
    "a form": b"text=hello&to=1",
    "two documents": b"{} {}",
}


@every_provider
@pytest.mark.parametrize("body", _BROKEN.values(), ids=_BROKEN)
async def test_broken_body_is_answered_by_the_provider(name: str, body: bytes) -> None:
    """
    Whatever a body is made of, the provider answers in its own shape and sends nothing.
    """
    async with door_of(_PROVIDERS[name]) as door:
        for route in door.provider.routes:
            if route.sends:
                heard = await door.call(route.method, _filled(route.path), body)
                _assert_provider_spoke(heard, door)
        await door.settle()

        assert door.messages == []
        assert door.failures == []


_WRONG: list[Any] = [None, True, 0, -1, 10**30, 1.5, "", "x", "\x00", "x" * 10_000, [], [None], {}, {"a": {}}]


@every_provider
async def test_wrong_value_anywhere_is_no_failure_of_ours(name: str) -> None:
    """
    A good send in which any value is replaced by any other is answered by the provider, never with a 5xx.
    """
    async with door_of(_PROVIDERS[name]) as door:
        recipient = door.row.number(1)
        door.ready(recipient)
        good = door.row.send(recipient, "")
        for body in _mutations(good.body):
            heard = await door.call("POST", good.path, json.dumps(body).encode())
            assert heard.status < 500, (body, heard)
        await door.settle()

        assert door.failures == []


def _mutations(value: Any) -> list[Any]:
    """Return *value* with each part of it replaced by each wrong one, and each key left out."""
    found: list[Any] = list(_WRONG)
    if isinstance(value, dict):
        for key, part in value.items():
            rest = {k: v for k, v in value.items() if k != key}
            found += [rest, *({**value, key: wrong} for wrong in _mutations(part))]
    elif isinstance(value, list):
        for place, part in enumerate(value):
            found += [[*value[:place], wrong, *value[place + 1 :]] for wrong in _mutations(part)]
    return found


@every_provider
@pytest.mark.parametrize("in_pieces", [False, True], ids=["announced", "in pieces"])
async def test_body_that_is_too_large_is_refused(name: str, in_pieces: bool) -> None:
    """
    A byte too many is refused by the provider, whether the length was announced or not.
    """
    async with door_of(_PROVIDERS[name]) as door:
        route = next(route for route in door.provider.routes if route.sends)
        body = b" " * (route.body_bytes_max + 1)
        heard = await door.call(route.method, _filled(route.path), body, in_pieces=in_pieces)

        _assert_refused_by_the_provider(heard, door)


# -- sending --------------------------------------------------------------------------------------


@every_provider
async def test_example_of_the_banner_works(name: str) -> None:
    """
    The command that `serve` prints sends a message that arrives.
    """
    async with door_of(_PROVIDERS[name]) as door, ClientSession() as http:
        (curl,) = curls_in(door.provider.example(door.url, door.credential))
        url = URL(curl.url, encoded=True)
        async with http.request(curl.method, url, headers=curl.headers, data=curl.body) as answer:
            status = answer.status
        await door.settle()

        assert 200 <= status < 300
        assert [message.state.value for message in door.messages] == ["delivered"]


def _catalogue() -> list[Any]:
    return [
        pytest.param(name, row, id=f"{name} {row.kind} {row.code or row.name} {row.recipient}")
        for name in _NAMES
        for row in _PROVIDERS[name].codes()
        if row.recipient
    ]


@every_provider
def test_magic_recipients_are_unique(name: str) -> None:
    """
    A magic recipient names one row of the catalogue, and the catalogue is not empty.
    """
    recipients = [row.recipient for row in _PROVIDERS[name].codes() if row.recipient]

    assert recipients
    assert len(set(recipients)) == len(recipients)


@pytest.mark.parametrize(("name", "row"), _catalogue())
async def test_magic_recipient_does_what_the_catalogue_says(name: str, row: Code) -> None:
    """
    A magic recipient is accepted by the provider's own checks, and its message ends, or is refused, as said.
    """
    async with door_of(_PROVIDERS[name]) as door:
        address = door.row.address(row.recipient)
        heard = await door.send(row.recipient, row.kind)
        await door.settle()
        ended = _ended(door, address, heard)

        assert door.row.holds(row, ended), ended
        assert door.failures == []


def _ended(door: Door, address: str, heard: Heard) -> Ended:
    mine = [message for message in door.messages if message.key.recipient == address]
    codes = {message.fate.code for message in mine} | {message.code for message in mine}
    codes |= {
        entry.code
        for entry in door.space.simulation.journal
        if entry.key is not None and entry.key.recipient == address
    }
    state = mine[0].state.value if mine else ""
    return Ended(heard.status, heard.body, frozenset(codes - {""}), state)


@every_provider
async def test_message_to_an_unreachable_recipient_waits_and_arrives_on_return(name: str) -> None:
    """
    Nothing arrives while the phone is off; it does as soon as it is on again, in order.
    """
    async with door_of(_PROVIDERS[name]) as door:
        simulation = door.space.simulation
        recipients = [door.row.number(1), door.row.number(2)]
        for recipient in recipients:
            door.ready(recipient)
        away = door.row.address(recipients[0])
        simulation.change_recipient(away, {"reachable": False})
        for recipient in recipients:
            assert (await door.send(recipient)).status < 300
        await door.space.driver.advance(10 * 60_000)
        meanwhile = [message.state.value for message in door.messages]
        simulation.change_recipient(away, {"reachable": True})
        await door.settle()

        assert meanwhile == ["waiting", "delivered"]
        assert [message.state.value for message in door.messages] == ["delivered", "delivered"]
        assert door.messages[0].changed_ms >= 10 * 60_000


@every_provider
async def test_storm_is_made_of_ordinary_messages(name: str) -> None:
    """
    What the account composes for a storm is delivered, can be shown, and explains itself.
    """
    async with door_of(_PROVIDERS[name]) as door:
        address = door.ready(door.row.number(1))
        account = door.space.gateways[name].account
        door.space.simulation.submit([account.compose(address, "storm") for _ in range(3)])
        await door.settle()

        assert [message.state.value for message in door.messages] == ["delivered"] * 3
        assert {message.submission.text for message in door.messages} == {"storm"}
        assert all(message.key.recipient == address for message in door.messages)


@every_provider
async def test_storm_without_numbers_goes_to_numbers_that_the_provider_has(name: str) -> None:
    """
    A storm that names no recipient sends to numbers of the provider's own form, and all of it arrives.
    """
    provider = _PROVIDERS[name]
    storm = f"timeline: [{{at: 0s, provider: {name}, storm: {{messages: 3, rate: 3/s}}}}]"
    async with door_of(provider) as door:
        door.space.load(load(storm, "storm.yaml", {name: provider}))
        await door.settle()
        found = [(message.key.recipient, message.state.value) for message in door.messages]

    assert found == [(f"{provider.numbers}{number:07d}", "delivered") for number in range(3)]


# -- determinism ----------------------------------------------------------------------------------


async def _story(name: str, seed: int, order: Callable[[list[str]], list[str]]) -> dict[str, list[str]]:
    """Return each recipient's story: what the journal tells, instants and ids included."""
    async with door_of(_PROVIDERS[name], seed) as door:
        recipients = [door.row.number(n) for n in range(1, 13)]
        for recipient in recipients:
            door.ready(recipient)
        for recipient in order(recipients):
            assert (await door.send(recipient)).status < 300
        await door.settle()
        stories: dict[str, list[str]] = {door.row.address(recipient): [] for recipient in recipients}
        for entry in door.space.simulation.journal:
            if entry.key is not None and entry.kind is not EntryKind.CALL:
                stories[entry.key.recipient].append(f"{narrative(entry)} {entry.ref}")
        return stories


@every_provider
async def test_same_seed_tells_the_same_story(name: str) -> None:
    """
    The same sends give the same ids, delays and outcomes, in whatever order they come.
    """
    first = await _story(name, 7, list)
    again = await _story(name, 7, list)
    turned = await _story(name, 7, lambda recipients: recipients[::-1])

    assert all(first.values())
    assert first == again == turned


@every_provider
async def test_other_seed_tells_another_story(name: str) -> None:
    """
    The seed is what the story hangs on.
    """
    assert await _story(name, 7, list) != await _story(name, 8, list)


# -- rules ----------------------------------------------------------------------------------------


def _rule(answer: AnswerFault) -> Scenario:
    return Scenario(rules=(Rule(name="contract", when=Match(), then=Behaviour(answer=answer)),))


@every_provider
async def test_throttled_call_is_refused_by_the_provider(name: str) -> None:
    """
    The second call within a second is refused, or told of in the provider's own way; no second message.
    """
    async with door_of(_PROVIDERS[name]) as door:
        recipients = [door.row.number(1), door.row.number(2)]
        for recipient in recipients:
            door.ready(recipient)
        door.space.simulation.load(_rule(AnswerFault(throttle=Throttle(parse_rate("1/s"), 1))))
        first, second = [await door.send(recipient) for recipient in recipients]
        await door.settle()

        assert first.status < 300
        # Some providers refuse with a code inside a 200.
        code = door.space.gateways[name].account.throttled_code
        assert second.status >= 400 or code.encode() in second.body
        assert "html" not in second.content_type
        assert len(door.messages) == 1
        assert door.failures == []


@every_provider
@pytest.mark.parametrize(("drop", "messages"), [(Drop.BEFORE, 0), (Drop.AFTER, 1)])
async def test_dropped_connection_is_no_failure_of_ours(name: str, drop: Drop, messages: int) -> None:
    """
    The connection is cut before or after the work; the provider's code copes with both.
    """
    async with door_of(_PROVIDERS[name]) as door:
        recipient = door.row.number(1)
        door.ready(recipient)
        door.space.simulation.load(_rule(AnswerFault(drop=drop)))
        with pytest.raises(ClientConnectionError):
            await door.send(recipient)
        await door.settle()

        assert len(door.messages) == messages
        assert door.failures == []


@every_provider
@pytest.mark.parametrize(("after_work", "messages"), [(False, 0), (True, 1)])
@pytest.mark.parametrize("status", [502, 503, 504])
async def test_gateway_answers_with_a_page(name: str, status: int, after_work: bool, messages: int) -> None:
    """
    A proxy in front of any provider answers with HTML, whether or not the work behind it was done.
    """
    async with door_of(_PROVIDERS[name]) as door:
        recipient = door.row.number(1)
        door.ready(recipient)
        door.space.simulation.load(_rule(AnswerFault(gateway=status, work_done=after_work)))
        heard = await door.send(recipient)
        await door.settle()

        assert (heard.status, heard.content_type.partition(";")[0]) == (status, "text/html")
        assert f"<h1>{status} ".encode() in heard.body
        assert len(door.messages) == messages
        assert door.failures == []


@every_provider
async def test_gateway_keeps_a_storm_from_the_provider(name: str) -> None:
    """
    Messages of a storm are no calls that could be answered; they are refused all the same.
    """
    provider = _PROVIDERS[name]
    rules = "rules: [{then: {answer: {gateway: 503}}}]"
    storm = f"timeline: [{{at: 0s, provider: {name}, storm: {{messages: 3, rate: 3/s}}}}]"
    async with door_of(provider) as door:
        door.space.load(load(f"{rules}\n{storm}", "storm.yaml", {name: provider}))
        await door.settle()
        facts = [entry.fact for entry in door.space.simulation.journal]
        codes = [fact.code for fact in facts if isinstance(fact, SendRefused)]

        assert door.messages == []
        assert codes == ["gateway 503"] * 3
