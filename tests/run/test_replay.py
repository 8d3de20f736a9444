"""
Replays: whatever happened in a run, its record makes it happen again, byte for byte.
"""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import pytest
from aiohttp import web

from recording import recording, replayed
from simulator.run.replay import Replayed

INFOBIP = "providers: {infobip: {webhook: {url: RECEIVER/reports}}}\n"
FAULTS = {
    "duplicate": "{duplicate: {share: 60%, times: 2, within: 30s}}",
    "reorder": "{reorder: {share: 70%, within: 40s}}",
    "delay": "{delay: 1s..90s}",
    "drop": "{drop: 50%}",
    "contradict": "{contradict: {share: 80%, after: 1s..5s}}",
    "early": "{early: true}",
    "truncate": "{truncate: 50%}",
    "corrupt": "{corrupt: 50%}",
    "sign": "{mis_sign: 50%}",
    "type": "{content_type: 50%}",
    "slow": "{slow: {over: 20ms, share: 50%}}",
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_faulty_webhooks_are_the_same_again(tmp_path: Path, fault: str) -> None:
    """
    Every way in which webhooks misbehave is replayed to the byte.
    """
    scenario = f"{INFOBIP}rules: [{{then: {{webhooks: {FAULTS[fault]}}}}}]"

    async with recording(tmp_path, scenario) as run:
        for number in range(6):
            await run.send(f"4179302000{number}")
        await run.settle()
        attempted = len(run.attempts())

    assert await replayed(tmp_path) == Replayed(6, attempted)
    assert attempted > 0 or fault == "drop"


async def test_retries_are_the_same_again(tmp_path: Path) -> None:
    """
    A receiver that was down is replayed as down, with every retry at its instant.
    """
    async with recording(tmp_path, INFOBIP) as run:
        left = 17

        async def answer(_: web.Request) -> web.StreamResponse:
            nonlocal left
            left -= 1
            return web.Response(status=503 if left >= 0 else 200)

        run.receiver.answer = answer
        for number in range(5):
            await run.send(f"4179302000{number}")
        await run.settle()
        attempted = len(run.attempts())

    assert attempted == 22
    assert await replayed(tmp_path) == Replayed(5, 22)


@pytest.mark.parametrize("clock", ["{mode: live, rate: 1000}", "{mode: autojump}", "{mode: live}"])
async def test_clock_that_ran_by_itself_is_no_matter(tmp_path: Path, clock: str) -> None:
    """
    What happened on a live clock, at instants nobody chose, happens at the same ones again.
    """
    scenario = f"{INFOBIP}clock: {clock}\nrules: [{{then: {{fate: {{deliver: {{after: 20ms..90ms}}}}}}}}]"

    async with recording(tmp_path, scenario) as run:
        left = 4

        async def answer(_: web.Request) -> web.StreamResponse:
            nonlocal left
            left -= 1
            await asyncio.sleep(0.003)
            return web.Response(status=503 if left >= 0 and "1000" in clock else 200)

        run.receiver.answer = answer
        await asyncio.gather(*(run.send(f"417930200{number:02d}") for number in range(20)))
        await run.settle()
        attempted = len(run.attempts())

    assert attempted >= 20
    assert await replayed(tmp_path) == Replayed(20, attempted)


async def test_throttling_is_the_same_again(tmp_path: Path) -> None:
    """
    The calls that were refused for their rate are refused again, and no others.
    """
    scenario = (
        f"{INFOBIP}clock: {{mode: live}}\n"
        "rules: [{then: {answer: {throttle: {rate: 5/h, burst: 3}}}}]"
    )

    async with recording(tmp_path, scenario) as run:
        statuses = [(await run.send(f"417930200{number:02d}"))[0] for number in range(20)]
        await run.settle()
        attempted = len(run.attempts())

    assert {200, 429} == set(statuses)
    assert await replayed(tmp_path) == Replayed(20, attempted)


async def test_commands_are_the_same_again(tmp_path: Path) -> None:
    """
    What was commanded during a run is commanded at the same place: circumstances, moves, acts, settings.
    """
    async with recording(tmp_path, INFOBIP) as run:
        here = "/spaces/default"
        recipient = f"{here}/recipients/%2B41793020001"
        assert (await run.control("PATCH", recipient, {"reachable": False}))[0] == 200
        _, sent = await run.send("41793020001")
        message_id = sent["messages"][0]["messageId"]
        await run.control("POST", f"{here}/clock/advance", {"by": "2h"})
        await run.configure(webhook={"url": f"{run.receiver.url}/elsewhere"})
        assert (await run.control("PATCH", recipient, {"reachable": True}))[0] == 200
        await run.control("POST", f"{here}/clock/advance", {"by": "1h"})
        await run.configure(inbound={"url": f"{run.receiver.url}/inbound"})
        act = {"provider": "infobip", "writes": "STOP", "to": "447860041117"}
        assert (await run.control("POST", f"{recipient}/inbound", act))[0] == 202
        _, other = await run.send("41793020002")
        moved = f"{here}/messages/{other['messages'][0]['messageId']}/move"
        assert (await run.control("POST", moved, {"move": "expire"}))[0] == 200
        assert (await run.control("POST", moved, {"move": "deliver"}))[0] == 409
        webhook = next(iter(run.space.simulation.outbox.webhooks))
        assert (await run.control("POST", f"{here}/webhooks/{webhook}/resend"))[0] == 202
        await run.load({"rules": [{"then": {"fate": "silence"}}]})
        await run.send("41793020003")
        await run.settle()
        attempted = len(run.attempts())
        state = run.space.simulation.message("infobip", message_id)

    assert state is not None
    assert state.state == "delivered"
    assert attempted == 4
    assert await replayed(tmp_path) == Replayed(3, 4)


async def test_storm_is_the_same_again(tmp_path: Path) -> None:
    """
    Messages that the simulator makes itself need no call to be made again.
    """
    scenario = (
        f"{INFOBIP}timeline:\n"
        "  - {at: 1s, provider: infobip, storm: {messages: 300, rate: 50/s, mix: {silence: 10%}}}\n"
        "  - {at: 2s, webhooks: hold}\n"
        "  - {at: 9s, webhooks: {release: {rate: 100/s}}}\n"
    )

    async with recording(tmp_path, scenario) as run:
        await run.settle()
        attempted = len(run.attempts())

    assert 200 < attempted < 300
    assert await replayed(tmp_path) == Replayed(0, attempted)


async def test_secrets_that_change_on_the_timeline_sign_the_same_again(tmp_path: Path) -> None:
    """
    A bundle knows both secrets from the scenario, and neither is told outside of it.
    """
    scenario = """
providers: {infobip: {webhook: {url: RECEIVER/a, secure: all, hmac: {secret: the-first-secret}}}}
timeline: [{at: 1h, providers: {infobip: {webhook: {hmac: {secret: the-second-secret}}}}}]
"""
    async with recording(tmp_path, scenario) as run:
        await run.send("41793020001")
        await run.space.driver.advance(2 * 3_600_000)
        await run.send("41793020001")
        await run.settle()

    trace = (tmp_path / "trace.ndjson").read_text()
    assert await replayed(tmp_path) == Replayed(2, 2)
    assert "the-first-secret" not in trace
    assert "the-second-secret" not in trace
    scenario_file = tmp_path / "scenario.yaml"
    scenario_file.write_text(scenario_file.read_text().replace("the-second-secret", "another-secret"))
    divergence = (await replayed(tmp_path)).divergence
    assert divergence is not None
    assert divergence.where == "webhook 2"


async def test_calls_to_every_provider_are_the_same_again(tmp_path: Path) -> None:
    """
    Tokens in a query, Basic credentials, bearer tokens and keys all lead to the same webhooks again.
    """
    scenario = """
providers:
  infobip: {webhook: {url: RECEIVER/infobip}, credentials: [an-infobip-key, "user:a-password-of-v1"]}
  rbm: {webhook: {url: RECEIVER/rbm, client_token: a-client-token}}
  bip: {webhook: {url: RECEIVER/bip, basic: "hook:a-webhook-password"}, credentials: ["robot:a-bip-password"]}
  bitel: {}
rules:
  - when: {provider: infobip, credential: an-infobip-key}
    then: {fate: {fail: {status: UNDELIVERABLE_NOT_DELIVERED}}}
"""
    bip = base64.b64encode(b"robot:a-bip-password").decode()

    async with recording(tmp_path, scenario) as run:
        statuses = [
            (await run.send("41793020001", headers={"Authorization": "App an-infobip-key"}))[0],
            (await run.send("41793020002", headers={"Authorization": "App somebody-else"}))[0],
        ]
        query = "username=user&password=a-password-of-v1&to=41793020003&text=Hi"
        async with run.http.get(f"{run.url}/infobip/sms/1/text/query?{query}") as answer:
            statuses.append(answer.status)
        agent = (
            "/rbm/v1/phones/+41793020004/agentMessages?messageId=m-1&agentId=demo&access_token=a-google-token"
        )
        text = {"contentMessage": {"text": "Hi"}}
        status, body = await run.post(f"{agent}&access_token=a-google-token", text, headers={})
        statuses.append(status)
        message = {
            "txnid": "1", "receiver": {"type": 2, "address": "905300000001"},
            "composition": {"list": [{"type": 0, "message": "Hi"}]},
        }  # fmt: skip
        status, answered = await run.post(
            "/bip/tes/rest/spi/sendmsgserv", message, headers={"Authorization": f"Basic {bip}"}
        )
        statuses.append(status)
        await run.settle()
        attempted = len(run.attempts())

    assert statuses == [200, 401, 200, 200, 200], (body, answered)
    again = await replayed(tmp_path)
    assert again.divergence is None
    assert again == Replayed(4, attempted)


async def test_bitels_messages_and_calls_are_the_same_again(tmp_path: Path) -> None:
    """
    SMS and voice of both versions, refused and black-listed ones among them, and what is asked of them later.
    """
    scenario = """
providers: {bitel: {webhook: {url: RECEIVER/bitel}, balance: {amount: 200, code: LowBalance, http: 402}}}
recipients:
  "+989120000009": {blacklisted: true}
  "+989120000008": {reachable: {from: 0s, until: 1h, is: false}}
"""
    key = {"Authorization": "Bearer a-bitel-token"}
    one = {"phoneNumber": "09120000001"}
    three = {"phoneNumbers": ["09120000001", "09120000008", "09120000009"]}
    calls: list[tuple[str, dict[str, object]]] = [
        ("/api/v2/sms/single", {**one, "message": "سلام"}),
        ("/api/v2/sms/batch/p2p", {**three, "messages": ["a", "b", "c"]}),
        ("/api/v2/sms/batch", {**three, "message": "to all"}),
        ("/api/v1/sms/otp", {**one, "appName": "Shop", "code": "1234"}),
        ("/api/v2/voice/single/tts", {**one, "text": "hello"}),
        ("/api/v1/voice/single", {**one, "voiceId": "1"}),
        ("/api/v2/sms/single", {"phoneNumber": "12", "message": "x"}),
        ("/api/v2/sms/single", {**one, "message": "x" * 900}),
    ]

    async with recording(tmp_path, scenario) as run:
        answers = [await run.post(f"/bitel{path}", body, headers=key) for path, body in calls]
        await run.settle()
        request_id = answers[0][1]["result"]["id"]
        status = await run.post(f"/bitel/api/v2/sms/status/{request_id}", None, method="GET", headers=key)
        attempted = len(run.attempts())

    assert [status for status, _ in answers] == [200] * 6 + [400, 402], answers
    assert status[0] == 200
    assert attempted == 10
    assert await replayed(tmp_path) == Replayed(9, 10)


async def test_tokens_that_were_issued_lead_to_the_same_again(tmp_path: Path) -> None:
    """
    A signed assertion is recorded without its signature, and the token it was granted still opens the door.
    """
    scenario = (
        "providers: {rbm: {webhook: {url: RECEIVER/rbm, client_token: a-client-token}, scopes: enforced, "
        "access_tokens: expiring}}"
    )

    def part(plain: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")

    claims = {
        "iss": "robot@corp.example",
        "iat": 0,
        "exp": 3_600,
        "scope": "https://www.googleapis.com/auth/rcsbusinessmessaging",
    }
    assertion = f"{part({'alg': 'RS256'})}.{part(claims)}.{part('a signature by a real key')}"

    async with recording(tmp_path, scenario) as run:
        run.receiver.answer = _echo
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
        async with run.http.post(f"{run.url}/rbm/token", data=form) as answer:
            token = (await answer.json())["access_token"]
        path = "/rbm/v1/phones/+41793020004/agentMessages?messageId=m-1&agentId=demo"
        text = {"contentMessage": {"text": "Hi"}}
        status, _ = await run.post(path, text, headers={"Authorization": f"Bearer {token}"})
        verified = await run.control("POST", "/spaces/default/providers/rbm/actions/verify_webhook", {})
        await run.settle()
        attempted = len(run.attempts())

    assert (status, verified) == (200, (200, {"verified": True}))
    assert assertion.rpartition(".")[2] not in (tmp_path / "trace.ndjson").read_text()
    assert await replayed(tmp_path) == Replayed(2, attempted)


async def _echo(request: web.Request) -> web.StreamResponse:
    """Answer a verification as it wants to be answered, and anything else with success."""
    body = await request.json()
    return web.Response(text=body.get("secret", ""))
