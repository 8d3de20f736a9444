"""
RBM's webhooks: envelope, signature, acknowledgement, retries, handshake.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from providers.rbm.rig import PHONE, Bench, Integrator, bench, configure, signature
from simulator.providers.rbm.describing import describe_webhook
from simulator.providers.rbm.envelope import sign
from simulator.providers.rbm.settings import RETRY_DOCUMENTED
from simulator.scenario.loader import load

DAY_MS = 86_400_000
HOOKS = "/v1/brands/b/agents/welcome-bot/integrations"


@asynccontextmanager
async def listening(hear: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Yield the address of a receiver that answers as *hear* does."""
    app = web.Application()
    app.router.add_post("/{path:.*}", hear)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/r"
    finally:
        await runner.cleanup()


def test_signature_is_that_of_the_test_vector() -> None:
    """
    HMAC-SHA512 of the decoded data with the client token, base64.
    """
    data = base64.b64decode(
        "eyJhZ2VudElkIjoid2VsY29tZS1ib3RAcmJtLmdvb2ciLCJldmVudFR5cGUiOiJERUxJVkVSRUQifQ=="
    )
    expected = "aRA4cdGtPp0F4Q+JGfxmyfROxNFQIPb6C7eHvjGu1J5pAaME9W0eNDzPKukL8HFEcNraHY8BH6eCV9v8i3rQbw=="

    assert sign("sim-client-token", data) == expected
    assert signature("sim-client-token", data) == expected


@pytest.mark.parametrize(("ids", "numbers"), [("same", 1), ("new", 2)])
async def test_event_that_comes_twice_keeps_its_own_id(ids: str, numbers: int) -> None:
    """
    A redelivery repeats Pub/Sub's message id, an event published again has another; `eventId` stays.
    """
    async with bench() as made:
        scenario = f"rules: [{{then: {{webhooks: {{duplicate: {{ids: {ids}}}}}}}}}]"
        made.space.load(load(scenario, "test.yaml", made.server.registry.providers))
        await made.send("m1")
        await made.advance(None)

        told = made.integrator.told
    assert len({one.envelope["message"]["messageId"] for one in told}) == numbers
    assert len(told) == 2
    assert told[0].raw == told[1].raw


async def test_delivered_event_is_told_in_an_envelope() -> None:
    """
    The whole envelope and the indented data inside, signed, with the type in a header.
    """
    async with bench() as made:
        await made.send("m1")
        await made.advance(None)

        told = made.integrator.told[0]
        sent = made.space.simulation.clock.datetime().isoformat(timespec="milliseconds")
        at = sent.replace("+00:00", "Z")
        pubsub_id = told.envelope["message"]["messageId"]
        assert told.kind == "message_callback"
        assert told.envelope == {
            "message": {
                "data": base64.b64encode(told.raw).decode(),
                "attributes": {
                    "type": "event",
                    "event_type": "DELIVERED",
                    "product": "RBM",
                    "business_id": "welcome-bot@rbm.goog",
                    "project_number": "123456789012",
                },
                "messageId": pubsub_id,
                "message_id": pubsub_id,
                "publishTime": at,
                "publish_time": at,
            },
            "subscription": "projects/123456789012/subscriptions/rbm-welcome-bot",
        }
        assert len(pubsub_id) == 16
        assert pubsub_id.isdigit()
        assert told.raw.decode() == (
            '{\n  "senderPhoneNumber": "+15551234567",\n  "eventType": "DELIVERED",\n'
            f'  "eventId": "{told.data["eventId"]}",\n  "messageId": "m1",\n  "sendTime": "{at}",\n'
            '  "agentId": "welcome-bot@rbm.goog"\n}'
        )


async def test_inner_json_is_compact_when_set() -> None:
    """
    The setting writes the data without blanks; the signature fits all the same.
    """
    async with bench(inner_json="compact") as made:
        await made.send("m1")
        await made.advance(None)

        assert b"\n" not in made.integrator.told[0].raw
        assert made.integrator.refused == 0


@pytest.mark.parametrize(("acknowledged", "attempts"), [("200", 2), ("2xx", 1)])
async def test_only_200_acknowledges_unless_set_otherwise(acknowledged: str, attempts: int) -> None:
    """
    202 is not an acknowledgement by the documentation; the event comes again with the same ids.
    """
    async with bench(webhook={"acknowledged": acknowledged, "retry": ["1s"]}) as made:
        made.integrator.status = 202
        await made.send("m1")
        await made.advance(None)

        ids = {(told.envelope["message"]["messageId"], told.raw) for told in made.integrator.told}
        assert len(made.integrator.told) == attempts
        assert len(ids) == 1


def test_documented_retries_grow_to_ten_minutes_for_seven_days() -> None:
    """
    Waits double from a second to 600 s; even at their shortest they last for seven days.
    """
    waits = RETRY_DOCUMENTED.delays_ms

    assert waits[:11] == (*(1_000 * 2**n for n in range(10)), 600_000)
    assert max(waits) == 600_000
    assert sum(wait * 9 // 10 for wait in waits) >= 7 * DAY_MS


async def test_event_is_lost_after_seven_days_of_failures() -> None:
    """
    A receiver that never acknowledges is tried up to the end of a week of virtual time, then dropped.
    """
    async with bench() as made:
        made.integrator.status = 500
        await made.send("m1")
        await made.advance(None)

        webhook = next(iter(made.space.simulation.outbox.webhooks.values()))
        took_ms = webhook.attempts[-1].at_ms - webhook.attempts[0].at_ms
        waits = [b.at_ms - a.at_ms for a, b in zip(webhook.attempts, webhook.attempts[1:], strict=False)]
        assert webhook.state.value == "lost"
        assert 7 * DAY_MS - 600_000 <= took_ms <= 7 * DAY_MS
        assert all(
            longest * 9 // 10 <= wait <= longest
            for wait, longest in zip(waits, RETRY_DOCUMENTED.delays_ms, strict=False)
        )


async def test_one_bad_agent_holds_up_the_partners_queue() -> None:
    """
    There is one queue: while one agent's webhook fails, the events of others come later.
    """

    async def healthy_at(made: Bench, bad: Integrator) -> int:
        bad.status = 500
        for n in range(3):
            path = f"/v1/phones/+1555000000{n}/agentMessages?messageId=b{n}&agentId=bad-bot"
            await made.call("POST", path, {"contentMessage": {"text": "hi"}})
        path = f"/v1/phones/{PHONE}/agentMessages?messageId=g&agentId=good-bot"
        await made.call("POST", path, {"contentMessage": {"text": "hi"}})
        await made.advance(60_000)
        hook = next(w for w in made.space.simulation.outbox.webhooks.values() if w.recipient == PHONE)
        return hook.attempts[0].at_ms - hook.created_ms

    delays = []
    for pause in ("0s", "5s"):
        async with bench() as bad_made, bench(deliver_after="1s") as made:
            bad_hook = {"url": bad_made.integrator.url, "client_token": "sim-client-token"}
            agents = {"bad-bot": {"webhook": bad_hook}, "good-bot": {}}
            await configure(made, agents=agents, webhook={"pause_on_failure": pause})
            await made.advance(0)
            # The bad agent's events fall due first; the good one's a moment later.
            await configure(made, deliver_after="1s")
            path = "/v1/phones/+15550000009/agentMessages?messageId=first&agentId=bad-bot"
            await made.call("POST", path, {"contentMessage": {"text": "hi"}})
            await made.advance(500)
            delays.append(await healthy_at(made, bad_made.integrator))

    assert delays[0] == 0
    assert 0 < delays[1] <= 5_000


async def test_agents_own_webhook_wins_over_the_partners() -> None:
    """
    The agent's webhook gets its events, signed with its own token.
    """
    async with bench() as other, bench() as made:
        other.integrator.token = "its own"
        hook = {"url": other.integrator.url, "client_token": "its own"}
        await configure(made, agents={"welcome-bot": {"webhook": hook}, "plain-bot": {}})

        await made.send("m1")
        path = f"/v1/phones/{PHONE}/agentMessages?messageId=m2&agentId=plain-bot"
        await made.call("POST", path, {"contentMessage": {"text": "hi"}})
        await made.advance(None)

        assert [told.data["messageId"] for told in other.integrator.told] == ["m1"]
        assert [told.data["messageId"] for told in made.integrator.told] == ["m2"]
        assert (other.integrator.refused, made.integrator.refused) == (0, 0)


def _hook(made: Bench, token: str = "sim-client-token", path: str = "") -> dict[str, Any]:
    return {
        "agentWebhookIntegration": {
            "webhookUri": f"{made.integrator.url}{path}",
            "verificationToken": token,
        }
    }


@pytest.mark.parametrize(
    ("form", "lenient", "strict"),
    [
        ("{}\n", 200, 200),
        ("secret: {}", 200, 400),
        ('{{"secret": "{}"}}', 200, 400),
        ("nonsense", 400, 400),
    ],
)
async def test_handshake_is_as_strict_as_set(form: str, lenient: int, strict: int) -> None:
    """
    The guide wants the bare secret; what Google's samples answer passes unless the account is strict.
    """
    found = []
    for handshake in ("lenient", "strict"):
        async with bench(handshake=handshake) as made:
            made.integrator.secret_form = form
            status, _ = await made.call("POST", HOOKS, _hook(made))
            found.append(status)
            assert made.integrator.handshakes[0][0] == "sim-client-token"

    assert found == [lenient, strict]


async def test_integration_is_made_changed_listed_and_deleted() -> None:
    """
    The management API keeps one webhook per agent, which is in force after a handshake.
    """
    async with bench() as made:
        refused, _ = await made.call("POST", HOOKS, _hook(made, "wrong token"))
        status, created = await made.call("POST", HOOKS, _hook(made, path="/agent"))
        again, _ = await made.call("POST", HOOKS, _hook(made))
        place = "/v1/" + created["name"]
        listed = await made.call("GET", HOOKS)
        patched = await made.call("PATCH", place, _hook(made, path="/new"))
        got = await made.call("GET", place)
        deleted = await made.call("DELETE", place)
        gone, _ = await made.call("GET", place)
        empty = await made.call("GET", HOOKS)

        expected = {
            "name": created["name"],
            "status": "ENABLED",
            "agentWebhookIntegration": {"webhookUri": f"{made.integrator.url}/agent"},
        }
        moved = expected | {"agentWebhookIntegration": {"webhookUri": f"{made.integrator.url}/new"}}
        assert (refused, again, gone) == (400, 409, 404)
        assert (status, created) == (200, expected)
        assert listed == (200, {"integrations": [expected]})
        assert patched == got == (200, moved)
        assert deleted == (200, {})
        assert empty == (200, {})


async def test_changed_webhook_is_in_force_after_its_propagation() -> None:
    """
    A 200 does not mean that a change is in force everywhere: that takes the time that is set.
    """
    async with bench() as other, bench(propagation="1m", deliver_after="0s") as made:
        status, _ = await made.call("POST", HOOKS, _hook(other))
        await made.send("m1")
        await made.advance(59_999)
        await made.send("m2")
        await made.advance(1)
        await made.send("m3")
        await made.advance(None)

        assert status == 200
        assert [told.data["messageId"] for told in made.integrator.told] == ["m1", "m2"]
        assert [told.data["messageId"] for told in other.integrator.told] == ["m3"]


async def test_launch_states_are_told_and_take_their_time() -> None:
    """
    A launch is told by an event of its own kind, and lets everybody be reached once propagated.
    """
    async with bench(agents={"welcome-bot": {"launched": False}}, propagation="1m") as made:
        impossible, why = await made.action("launch_agent", {"agent": "welcome-bot", "state": "LAUNCHED"})
        await made.action("launch_agent", {"agent": "welcome-bot", "state": "PENDING"})
        status, _ = await made.action("launch_agent", {"agent": "welcome-bot", "state": "LAUNCHED"})
        early, _ = await made.send("m1")
        await made.advance(60_000)
        late, _ = await made.send("m1")

        told = made.integrator.told[1]
        event_id = told.data["eventId"]
        assert impossible == 409
        assert why["detail"] == "state: an agent that is UNLAUNCHED can become PENDING, not LAUNCHED"
        assert (status, early, late) == (200, 403, 200)
        assert told.kind == "agent_callback"
        assert told.envelope["message"]["attributes"] == {
            "type": "agent_launch_event",
            "event_type": "LAUNCHED",
            "product": "RBM",
            "business_id": "welcome-bot@rbm.goog",
            "project_number": "123456789012",
        }
        assert event_id.startswith("welcome-bot/")
        assert told.data == {
            "eventId": event_id,
            "agentId": "welcome-bot@rbm.goog",
            "botDisplayName": "welcome-bot",
            "brandId": "brand",
            "brandDisplayName": "brand",
            "regionId": "/v1/regions/europe",
            "oldLaunchState": "PENDING",
            "newLaunchState": "LAUNCHED",
            "actingParty": "carrier",
            "comment": "",
            "sendTime": "2026-01-05T09:00:00Z",
        }


async def test_webhook_can_be_verified_on_request() -> None:
    """
    The control API runs the handshake with a configured webhook and says what is wrong.
    """
    async with bench() as made:
        good = await made.action("verify_webhook")
        made.integrator.token = "another"
        bad, why = await made.action("verify_webhook")

        assert good == (200, {"verified": True})
        assert bad == 409
        assert why["detail"] == f"{made.integrator.url} answered 403 to the verification, expected 200"


async def test_wrongly_signed_webhook_comes_again_rightly_signed() -> None:
    """
    A rule signs the first attempt wrongly; an integrator that checks refuses it and gets a good one.
    """
    rule = {"when": {"provider": "rbm"}, "then": {"webhooks": {"mis_sign": "100%"}}}
    async with bench() as made:
        url = f"{made.server.url}/_sim/v1/spaces/test/scenario"
        async with made.session.put(url, json={"rules": [rule]}) as answer:
            assert answer.status == 200, await answer.text()
        await made.send("m1")
        await made.advance(None)

        assert made.integrator.refused == 1
        assert made.integrator.events == ["DELIVERED"]


async def test_receiver_that_comes_back_on_the_last_day_gets_what_it_missed() -> None:
    """
    Jitter shortens single waits, not the seven days: an outage of 6 days and 20 hours loses nothing.
    """
    async with bench() as made:
        made.integrator.status = 500
        await made.send("m1")
        await made.advance(6 * DAY_MS + 20 * 3_600_000)
        made.integrator.status = 200
        made.integrator.told.clear()
        await made.advance(None)

        assert made.integrator.events == ["DELIVERED"]


async def test_webhook_without_a_signature_comes_again_with_one() -> None:
    """
    The first attempt lacks the header; a receiver that refuses it gets the event signed.
    """
    signatures: list[str | None] = []

    async def hear(request: web.Request) -> web.Response:
        signatures.append(request.headers.get("X-Goog-Signature"))
        return web.Response(status=200 if signatures[-1] else 403)

    async with bench() as made, listening(hear) as url:
        await configure(made, webhook={"url": url})
        scenario = "rules: [{then: {webhooks: {mis_sign: missing}}}]"
        made.space.load(load(scenario, "test.yaml", made.server.registry.providers))
        await made.send("m1")
        await made.advance(None)

    assert [signature is None for signature in signatures] == [True, False]


def test_event_without_a_signature_is_described_like_any_other() -> None:
    """
    Whoever watches webhooks sees what an unsigned one says, too: its type shows that it is one of RBM.
    """
    data = base64.b64encode(b'{"senderPhoneNumber":"+1555","eventType":"READ","messageId":"m1"}').decode()
    body = f'{{"message":{{"data":"{data}"}}}}'.encode()

    assert describe_webhook({"X-Goog-Webhook-Type": "message_callback"}, body) == (
        "RBM: READ of message m1 from +1555"
    )
    assert describe_webhook({}, body) == ""
