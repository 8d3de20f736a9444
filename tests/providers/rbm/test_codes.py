"""
The catalogue: every refusal and outcome has a number that triggers it; coverage says what is served.
"""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from providers.rbm.rig import bench
from simulator.cli import main
from simulator.kernel.model.message import Rung
from simulator.provider import space_credential
from simulator.providers.rbm import PROVIDER
from simulator.providers.rbm.errors import ERRORS

_ERRORS = [code for code in PROVIDER.codes() if code.kind == "error"]
_OUTCOMES = {code.name: code.recipient for code in PROVIDER.codes() if code.kind == "outcome"}
_CARD = {"text": "x", "suggestions": [{"reply": {"text": "Yes", "postbackData": "y"}}]}

# What the integrator hears after a message with a ttl of 60 s.
_HEARD = {
    "DELIVERED": ["DELIVERED"],
    "READ": ["DELIVERED", "READ"],
    "NO_EVENT": [],
    "TTL_EXPIRATION_REVOKED": ["TTL_EXPIRATION_REVOKED"],
    "TTL_EXPIRATION_REVOKE_FAILED": ["TTL_EXPIRATION_REVOKE_FAILED"],
    "DELIVERED_AND_TTL_EXPIRATION_REVOKED": ["DELIVERED", "TTL_EXPIRATION_REVOKED"],
    "DELIVERED_DESPITE_REVOKE": [],
    "FAILED": [],
    "IS_TYPING": ["DELIVERED", "IS_TYPING"],
    "UNSUBSCRIBE": ["DELIVERED", "UNSUBSCRIBE", "text"],
    "SUBSCRIBE": ["DELIVERED", "SUBSCRIBE", "text"],
    "TAP": ["DELIVERED", "suggestionResponse"],
    "TEXT": ["DELIVERED", "text"],
    "LOCATION": ["DELIVERED", "location"],
    "FILE": ["DELIVERED", "userFile"],
}


@pytest.mark.parametrize("code", _ERRORS, ids=lambda code: code.name)
async def test_magic_recipient_triggers_its_refusal(code: object) -> None:
    """
    A send to the number of a refusal is answered with its status, word and text.
    """
    row = ERRORS[code.name]  # type: ignore[attr-defined]
    async with bench() as made:
        status, body = await made.send("m1", phone=code.recipient)  # type: ignore[attr-defined]
        revoked, _ = await made.revoke("m1", phone=code.recipient)  # type: ignore[attr-defined]

    if row.name == "ALREADY_DELIVERED":
        # Nothing but a revoke can be refused like this.
        assert (status, revoked) == (200, 404)
    else:
        said = body["error"]
        assert (status, said["code"], said["status"], said["message"]) == (
            row.http,
            row.http,
            row.status,
            row.text,
        )
        assert revoked == row.http


@pytest.mark.parametrize("name", _HEARD)
async def test_magic_recipient_triggers_its_outcome(name: str) -> None:
    """
    A message to the number of an outcome is accepted, and the integrator hears just what is listed.
    """
    async with bench() as made:
        status, _ = await made.send("m1", phone=_OUTCOMES[name], ttl="60s", contentMessage=_CARD)
        await made.advance(None)

        known = ("eventType", "suggestionResponse", "text", "location", "userFile")
        heard = []
        for told in made.integrator.told:
            kind = next(word for word in known if word in told.data)
            heard.append(told.data["eventType"] if kind == "eventType" else kind)
        assert status == 200
        assert sorted(heard) == sorted(_HEARD[name])


def test_every_outcome_is_tested() -> None:
    """
    The table above and the catalogue name the same outcomes.
    """
    assert list(_HEARD) == list(_OUTCOMES)


def test_magic_recipients_are_all_different() -> None:
    """
    No number means two things.
    """
    recipients = [code.recipient for code in PROVIDER.codes()]

    assert len(set(recipients)) == len(recipients)


async def test_revoke_can_lose_the_race() -> None:
    """
    The revoke is answered 200, and DELIVERED follows shortly after.
    """
    async with bench() as made:
        phone = _OUTCOMES["DELIVERED_DESPITE_REVOKE"]
        await made.send("m1", phone=phone)
        await made.advance(10_000)
        before = list(made.integrator.events)
        revoked = await made.revoke("m1", phone=phone)
        await made.advance(None)

        assert before == []
        assert revoked == (200, {})
        (message,) = made.space.simulation.messages.values()
        assert made.integrator.events == ["DELIVERED"]
        assert made.states() == ["delivered"]
        assert message.rung is Rung.MAGIC


def test_coverage_and_routes_agree() -> None:
    """
    Every endpoint called supported or partial is served, every other one is not.
    """
    served = {(route.method, route.path) for route in PROVIDER.routes}
    claimed = {(row.method, row.path) for row in PROVIDER.coverage if row.state != "absent"}
    absent = {(row.method, row.path) for row in PROVIDER.coverage if row.state == "absent"}

    assert claimed == served
    assert not absent & served


async def test_absent_endpoint_is_answered_in_googles_shape_when_set() -> None:
    """
    With the setting, what is not served is 404 with a status, not a page.
    """
    async with bench(unknown_paths="json") as made:
        answer = await made.call("GET", "/v1/phones/+15551234567/agentMessages")

        assert answer == (
            404,
            {
                "error": {
                    "code": 404,
                    "message": "there is no GET /v1/phones/+15551234567/agentMessages",
                    "status": "NOT_FOUND",
                }
            },
        )


def test_key_is_printed_without_a_server() -> None:
    """
    The command prints a service-account file for a space, with a token_uri under the server's URL.
    """
    result = CliRunner().invoke(main, ["rbm-key", "--url", "http://127.0.0.1:4567/", "--space", "t1"])

    key = json.loads(result.output)
    digits = space_credential(PROVIDER, "t1").removeprefix("ya29.")
    assert result.exit_code == 0
    assert key.pop("private_key").startswith("-----BEGIN PRIVATE KEY-----\n")
    assert key.pop("client_id").isdigit()
    assert key == {
        "type": "service_account",
        "project_id": "simulator-tests",
        "private_key_id": digits,
        "client_email": f"sim-{digits}@simulator-tests.iam.gserviceaccount.com",
        "token_uri": "http://127.0.0.1:4567/s/t1/rbm/token",
    }


async def test_rules_refuse_throttle_and_do_the_work_all_the_same() -> None:
    """
    Scenario rules name refusals by our word or by HTTP status; a retry with the same id is ignored.
    """
    scenario = {
        "rules": [
            {
                "name": "answer lost",
                "when": {"provider": "rbm", "operation": "send", "nth": 1},
                "then": {"answer": {"refuse": {"http": 503}, "after_work": True}},
            },
            {
                "name": "no revokes",
                "when": {"provider": "rbm", "operation": "revoke"},
                "then": {"answer": {"refuse": "INTERNAL"}},
            },
        ]
    }
    async with bench() as made:
        url = f"{made.server.url}/_sim/v1/spaces/test/scenario"
        async with made.session.put(url, json=scenario) as answer:
            assert answer.status == 200, await answer.text()
        first, _ = await made.send("m1")
        retry, _ = await made.send("m1")
        revoke, _ = await made.revoke("m1")
        await made.advance(None)

        assert (first, retry, revoke) == (503, 200, 500)
        assert made.integrator.events == ["DELIVERED"]
