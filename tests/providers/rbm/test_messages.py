"""
Sending, revoking, expiring: what is answered, and what becomes of a message.
"""

from __future__ import annotations

from typing import Any

import pytest
from yarl import URL

from providers.rbm.rig import PHONE, Bench, bench
from simulator.kernel.model.message import Rung

DAY_MS = 86_400_000
BARE = "welcome-bot"


def _error(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"code": code, "message": message, "status": status}
    return {"error": {**said, "details": list(details)} if details else said}


NOT_REACHABLE = _error(404, "NOT_FOUND", "The specified phone number cannot be reached by RBM at this time.")


async def test_answer_to_a_send_is_the_message_as_stored() -> None:
    """
    The answer echoes the input with name and sendTime; ttl comes back as expireTime.
    """
    async with bench() as made:
        answer = await made.send("m1", ttl="10s", messageTrafficType="TRANSACTION")

        assert answer == (
            200,
            {
                "name": "phones/+15551234567/agentMessages/m1",
                "sendTime": "2026-01-05T09:00:00Z",
                "contentMessage": {"text": "hi"},
                "messageTrafficType": "TRANSACTION",
                "expireTime": "2026-01-05T09:00:10Z",
            },
        )


async def test_answer_has_googles_headers_and_is_indented_unless_told_otherwise() -> None:
    """
    Bodies are pretty-printed with two blanks; prettyPrint=false makes them compact.
    """
    async with bench() as made:
        path = f"/v1/phones/{PHONE}/agentMessages?agentId=a&messageId="
        body = b'{"contentMessage":{"text":"hi"}}'

        async with made.session.post(f"{made.url}{path}m1", data=body, headers=made.headers) as answer:
            indented, headers = await answer.text(), answer.headers
        plain = f"{made.url}{path}m2&prettyPrint=false"
        async with made.session.post(plain, data=body, headers=made.headers) as answer:
            compact = await answer.text()

        assert indented == (
            '{\n  "name": "phones/+15551234567/agentMessages/m1",\n'
            '  "sendTime": "2026-01-05T09:00:00Z",\n'
            '  "contentMessage": {\n    "text": "hi"\n  }\n}'
        )
        assert compact == (
            '{"name":"phones/+15551234567/agentMessages/m2","sendTime":"2026-01-05T09:00:00Z",'
            '"contentMessage":{"text":"hi"}}'
        )
        assert headers["Content-Type"] == "application/json; charset=UTF-8"
        assert headers.getall("Vary") == ["Origin", "X-Origin", "Referer"]
        assert headers["Cache-Control"] == "private"


@pytest.mark.parametrize("plus", ["+", "%2B"])
async def test_plus_may_be_literal_or_escaped(plus: str) -> None:
    """
    Google's clients leave the plus as it is, others escape it.
    """
    async with bench() as made:
        path = f"/v1/phones/{plus}15551234567/agentMessages?messageId=m1&agentId=a%40rbm.goog"

        status, body = await made.call("POST", path, {"contentMessage": {"text": "hi"}})

        assert (status, body["name"]) == (200, "phones/+15551234567/agentMessages/m1")


async def test_duplicate_id_is_answered_like_the_first_and_sends_nothing() -> None:
    """
    A retry with the same id looks successful; ids of messages and events share one namespace.
    """
    async with bench() as made:
        first = await made.send("m1")
        await made.advance(10_000)
        again = await made.send("m1", contentMessage={"text": "other"})
        path = f"/v1/phones/{PHONE}/agentEvents?eventId=m1&agentId={BARE}"
        as_event = await made.call("POST", path, {"eventType": "IS_TYPING"})
        path = f"/v1/phones/{PHONE}/agentMessages?messageId=m1&agentId=other-bot"
        other_agent = await made.call("POST", path, {"contentMessage": {"text": "hi"}})
        await made.advance(None)

        assert first == again == as_event
        assert other_agent[1]["sendTime"] != first[1]["sendTime"]
        assert made.states() == ["delivered", "delivered"]
        assert made.integrator.events == ["DELIVERED", "DELIVERED"]


async def test_duplicate_id__is_refused_when_set() -> None:
    """
    The setting answers 409, which no text of Google's mentions but one client expects.
    """
    async with bench(duplicates="refuse") as made:
        await made.send("m1")

        again = await made.send("m1")

        assert again == (409, _error(409, "ALREADY_EXISTS", "Requested entity already exists."))


async def test_ids_need_not_be_uuids_unless_set() -> None:
    """
    Google's own samples send digits; the strict setting refuses them.
    """
    async with bench() as made:
        loose, _ = await made.send("123456661")
    async with bench(message_ids="uuid") as made:
        strict, body = await made.send("123456661")
        uuid, _ = await made.send("8c8e7a42-3f04-4b5e-9f0d-1a2b3c4d5e6f")

    assert (loose, strict, uuid) == (200, 400, 200)
    assert body == _error(400, "INVALID_ARGUMENT", "messageId: must be a UUID, got '123456661'")


async def test_missing_parameters_are_refused() -> None:
    """
    Without messageId 400, without agentId the lookup error, with a wrong number 400.
    """
    async with bench() as made:
        body = {"contentMessage": {"text": "hi"}}
        no_id = await made.call("POST", f"/v1/phones/{PHONE}/agentMessages?agentId=a", body)
        no_agent = await made.call("POST", f"/v1/phones/{PHONE}/agentMessages?messageId=m", body)
        no_phone = await made.call("POST", "/v1/phones/0555/agentMessages?messageId=m&agentId=a", body)

        assert no_id == (
            400,
            _error(400, "INVALID_ARGUMENT", "messageId: must be given as a query parameter"),
        )
        assert no_agent[0] == 403
        assert no_agent[1]["error"]["message"].startswith(
            "There was an error looking up the RBM agent (ID: null) that corresponds to the Google Cloud "
            "Platform (GCP) project you're authenticating with."
        )
        assert no_phone[0] == 400


async def test_single_agent_is_found_without_its_id_when_set() -> None:
    """
    With agent_id: single a call without agentId goes to the only agent.
    """
    async with bench(agents={"only-bot": {}}, agent_id="single") as made:
        body = {"contentMessage": {"text": "hi"}}

        status, _ = await made.call("POST", f"/v1/phones/{PHONE}/agentMessages?messageId=m", body)
        other, _ = await made.send("m2")

        assert (status, other) == (200, 403)


async def test_single_agent_that_nobody_named_is_asked_for() -> None:
    """
    With agent_id: single and no agent, the reason says where one comes from; the first that is used is one.
    """
    async with bench(agent_id="single") as made:
        path = f"/v1/phones/{PHONE}/agentMessages"
        body = {"contentMessage": {"text": "hi"}}
        async with made.session.post(
            f"{made.url}{path}?messageId=m", json=body, headers=made.headers
        ) as answer:
            status, reason = answer.status, answer.headers["X-Simulator-Reason"]
        await made.call("POST", f"{path}?messageId=m&agentId=a", body)
        implied, _ = await made.call("POST", f"{path}?messageId=m2", body)

    assert (status, implied) == (403, 200)
    assert reason.endswith("`agent_id: single` implies the one that `agents` lists, or that was used before)")


async def test_missing_and_bad_credentials_are_worded_apart() -> None:
    """
    No token and a bad one are both 401, with Google's texts; a token in the query is as good.
    """
    async with bench() as made:
        path = f"/v1/phones/{PHONE}/capabilities?requestId=r&agentId=a"
        made.headers = {}
        missing = await made.call("GET", path)
        in_query, _ = await made.call("GET", f"{path}&access_token=t0k3n")
        made.headers = {"Authorization": "Bearer invalid-token"}
        bad = await made.call("GET", path)

        assert missing == (
            401,
            _error(
                401,
                "UNAUTHENTICATED",
                "Request is missing required authentication credential. Expected OAuth 2 access token, "
                "login cookie or other valid authentication credential. See "
                "https://developers.google.com/identity/sign-in/web/devconsole-project.",
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "CREDENTIALS_MISSING",
                    "domain": "googleapis.com",
                    "metadata": {
                        "service": "rcsbusinessmessaging.googleapis.com",
                        "method": f"/v1/phones/{PHONE}/capabilities",
                    },
                },
            ),
        )
        assert in_query == 200
        assert bad[0] == 401
        assert bad[1]["error"]["message"].startswith("Request had invalid authentication credentials.")


@pytest.mark.parametrize("wanted", [{"capable": False}, {"known": False}])
async def test_unreachable_number_is_refused(wanted: dict[str, bool]) -> None:
    """
    No RCS, no such subscriber: all the same 404, for messages, events and capabilities.
    """
    async with bench() as made:
        made.space.simulation.change_recipient(PHONE, wanted)
        event = f"/v1/phones/{PHONE}/agentEvents?eventId=e1&agentId=a"

        answers = [
            await made.send(),
            await made.call("POST", event, {"eventType": "IS_TYPING"}),
            await made.call("GET", f"/v1/phones/{PHONE}/capabilities?requestId=r&agentId=a"),
        ]

        assert answers == [(404, NOT_REACHABLE)] * 3
        assert made.states() == []


async def test_feature_the_device_lacks_is_refused() -> None:
    """
    A card for a device without cards is 400; a plain text is not.
    """
    async with bench() as made:
        made.space.simulation.change_recipient(PHONE, {"capable": ("ACTION_DIAL",)})
        card = {"richCard": {"standaloneCard": {"cardContent": {"title": "t"}}}}

        refused, body = await made.send("m1", contentMessage=card)
        sent, _ = await made.send("m2")
        features = await made.call("GET", f"/v1/phones/{PHONE}/capabilities?requestId=r&agentId=a")

        assert (refused, body["error"]["status"], sent) == (400, "INVALID_ARGUMENT", 200)
        assert features == (200, {"features": ["ACTION_DIAL"]})


async def test_unlaunched_agent_reaches_testers_alone() -> None:
    """
    403 until the invitation is accepted, which only the management API tells; capabilities say 404.
    """
    async with bench(agents={BARE: {"launched": False}}) as made:
        asked = f"/v1/phones/{PHONE}/capabilities?requestId=r&agentId={BARE}"
        before = (await made.send("m1"))[0], (await made.call("GET", asked))[0]
        invited = await made.call("POST", f"/v1/phones/{PHONE}/testers?agentId={BARE}")
        pending, _ = await made.send("m1")
        accepted, _ = await made.act("accepts", to=BARE)
        polled = await made.call("GET", f"/v1/testers/{PHONE}?agentId={BARE}")
        after = (await made.send("m1"))[0], (await made.call("GET", asked))[0]
        await made.advance(None)

        assert before == (403, 404)
        assert invited == (200, {"name": f"phones/{PHONE}/testers", "inviteStatus": "PENDING"})
        assert (pending, accepted) == (403, 202)
        assert polled == (200, {"phoneNumber": PHONE, "agentId": BARE, "inviteStatus": "ACCEPTED"})
        assert after == (200, 200)
        assert made.integrator.events == ["DELIVERED"]


async def test_tester_limits_are_kept() -> None:
    """
    Twenty invitations a day, then 429; who declined must be removed before being invited again.
    """
    async with bench() as made:
        path = "/v1/phones/+1555123{:04d}/testers?agentId=welcome-bot"
        first = [(await made.call("POST", path.format(n)))[0] for n in range(20)]
        too_many, _ = await made.call("POST", path.format(20))
        await made.advance(DAY_MS)
        next_day, _ = await made.call("POST", path.format(20))
        await made.act("declines", phone="+15551230020", to=BARE)
        declined, _ = await made.call("POST", path.format(20))
        removed = await made.call("DELETE", "/v1/testers/+15551230020?agentId=welcome-bot")
        again, _ = await made.call("POST", path.format(20))

        assert first == [200] * 20
        assert (too_many, next_day, declined, again) == (429, 200, 400, 200)
        assert removed == (200, {})


async def test_agent_with_several_use_cases_needs_a_traffic_type() -> None:
    """
    Multi-use agents have no default traffic type; leaving it out is an error.
    """
    async with bench(agents={BARE: {"use_case": "MULTI_USE"}}) as made:
        without, _ = await made.send("m1")
        with_one, _ = await made.send("m1", messageTrafficType="PROMOTION")

        assert (without, with_one) == (400, 200)


async def test_expiry_must_lie_in_the_next_fifteen_days() -> None:
    """
    Past instants and more than 15 days are refused, both ways of saying it.
    """
    async with bench() as made:
        answers = [
            (await made.send("m1", ttl="1296001s"))[0],
            (await made.send("m1", ttl="0s"))[0],
            (await made.send("m1", expireTime="2026-01-05T08:59:59Z"))[0],
            (await made.send("m1", ttl="1296000s"))[0],
            (await made.send("m2", expireTime="2026-01-05T11:00:00.5+01:00"))[1]["expireTime"],
        ]

        assert answers == [400, 400, 400, 200, "2026-01-05T10:00:00.500Z"]


async def test_offline_phone_gets_everything_on_return() -> None:
    """
    A 200 means accepted: messages wait for the phone and are delivered, in order, when it is back.
    """
    async with bench() as made:
        made.space.simulation.change_recipient(PHONE, {"reachable": False})
        answers = [(await made.send(f"m{n}"))[0] for n in range(3)]
        await made.advance(DAY_MS)
        waiting = made.states()
        made.space.simulation.change_recipient(PHONE, {"reachable": True})
        await made.advance(None)

        assert answers == [200] * 3
        assert waiting == ["waiting"] * 3
        assert [told.data["messageId"] for told in made.integrator.told] == ["m0", "m1", "m2"]


async def test_expired_message_is_pulled_back_and_told() -> None:
    """
    A ttl that runs out gives TTL_EXPIRATION_REVOKED, with phoneNumber where other events say sender.
    """
    async with bench() as made:
        made.space.simulation.change_recipient(PHONE, {"reachable": False})
        await made.send("m1", ttl="600s")
        await made.advance(None)

        told = made.integrator.told[0].data
        event_id = told.pop("eventId")
        assert len(made.integrator.told) == 1
        assert len(event_id) == 36
        assert told == {
            "phoneNumber": PHONE,
            "eventType": "TTL_EXPIRATION_REVOKED",
            "messageId": "m1",
            "sendTime": "2026-01-05T09:10:00Z",
            "agentId": "welcome-bot@rbm.goog",
        }


async def test_message_without_expiry_is_purged_silently_after_thirty_days() -> None:
    """
    Nobody is told of a message that waited for 30 days.
    """
    async with bench() as made:
        made.space.simulation.change_recipient(PHONE, {"reachable": False})
        await made.send("m1")
        await made.advance(30 * DAY_MS - 1)
        before = made.states()
        await made.advance(None)

        assert (before, made.states()) == (["waiting"], ["expired"])
        assert made.integrator.told == []


async def test_revoked_message_never_arrives_and_nobody_is_told() -> None:
    """
    DELETE takes a waiting message away with 200 and no event.
    """
    async with bench() as made:
        made.space.simulation.change_recipient(PHONE, {"reachable": False})
        await made.send("m1")
        answer = await made.revoke("m1")
        again, _ = await made.revoke("m1")
        made.space.simulation.change_recipient(PHONE, {"reachable": True})
        await made.advance(None)

        rungs = [message.rung for message in made.space.simulation.messages.values()]
        assert answer == (200, {})
        assert again == 404
        assert made.states() == ["revoked"]
        assert rungs == [Rung.CLIENT]
        assert made.integrator.told == []


async def test_delivered_or_unknown_message_cannot_be_revoked() -> None:
    """
    404 by the current reference, 200 by the rule of old, which is a setting.
    """
    async with bench() as made:
        await made.send("m1")
        await made.advance(None)
        now = [(await made.revoke(name))[0] for name in ("m1", "never-sent")]
        path = f"/v1/phones/{PHONE}/agentMessages/m1?agentId=other-bot"
        others, _ = await made.call("DELETE", path)
    async with bench(revoke="always") as made:
        await made.send("m1")
        await made.advance(None)
        of_old = [await made.revoke(name) for name in ("m1", "never-sent")]

    assert (now, others) == ([404, 404], 404)
    assert of_old == [(200, {})] * 2


async def test_typing_indicator_is_dropped_by_a_phone_that_is_off() -> None:
    """
    IS_TYPING is of use at once or never; a READ receipt waits up to 30 days.
    """
    async with bench() as made:
        made.space.simulation.change_recipient(PHONE, {"reachable": False})
        path = f"/v1/phones/{PHONE}/agentEvents?agentId=a&eventId="
        answers = [
            await made.call("POST", f"{path}e1", {"eventType": "IS_TYPING"}),
            await made.call("POST", f"{path}e2", {"eventType": "READ", "messageId": "Mx1"}),
        ]
        await made.advance(DAY_MS)
        made.space.simulation.change_recipient(PHONE, {"reachable": True})
        await made.advance(None)

        signals = {m.id: m.state.value for m in made.space.simulation.messages.values()}
        assert answers[1] == (
            200,
            {
                "name": f"phones/{PHONE}/agentEvents/e2",
                "eventType": "READ",
                "messageId": "Mx1",
                "sendTime": "2026-01-05T09:00:00Z",
            },
        )
        assert signals == {"e1": "failed", "e2": "delivered"}
        assert made.integrator.told == []


@pytest.mark.parametrize("body", [{}, {"eventType": "TYPE_UNSPECIFIED"}, {"eventType": "READ"}])
async def test_incomplete_event_is_refused(body: dict[str, str]) -> None:
    """
    An event has a type; a read receipt names a message.
    """
    async with bench() as made:
        status, _ = await made.call("POST", f"/v1/phones/{PHONE}/agentEvents?eventId=e&agentId=a", body)

        assert status == 400


async def test_signals_are_left_out_of_lists_of_messages() -> None:
    """
    A list of messages holds no typing indicators, unless asked for.
    """
    async with bench() as made:
        path = f"/v1/phones/{PHONE}/agentEvents?eventId=e1&agentId=a"
        await made.call("POST", path, {"eventType": "IS_TYPING"})
        await made.send("m1")
        url = URL(f"{made.server.url}/_sim/v1/spaces/test/messages")
        async with made.session.get(url) as answer:
            plain = [row["id"] for row in (await answer.json())["items"]]
        async with made.session.get(url.with_query(signals="1")) as answer:
            with_signals = [row["id"] for row in (await answer.json())["items"]]

        assert (plain, with_signals) == (["m1"], ["e1", "m1"])


async def test_us_numbers_are_classified_when_marked() -> None:
    """
    A +1 number with an operator of the United States gets classification, size and carrier.
    """
    async with bench() as made:
        plain = (await made.send("m1"))[1].keys() & {"carrier", "richMessageClassification"}
        made.space.simulation.change_recipient(PHONE, {"operator": "310260"})
        marked = (await made.send("m2"))[1]

        assert plain == set()
        assert marked == {
            "name": f"phones/{PHONE}/agentMessages/m2",
            "sendTime": "2026-01-05T09:00:00Z",
            "contentMessage": {"text": "hi"},
            "richMessageClassification": {"classificationType": "RICH_MESSAGE", "segmentCount": 1},
            "totalPayloadSizeBytes": str(len(b'{"contentMessage": {"text": "hi"}}')),
            "carrier": "310260",
        }


async def test_capabilities_end_when_a_phone_was_off_for_31_days() -> None:
    """
    Devices count as capable for 31 days after they were last seen.
    """
    async with bench() as made:
        path = f"/v1/phones/{PHONE}/capabilities?requestId=r&agentId=a"
        made.space.simulation.change_recipient(PHONE, {"reachable": False})
        await made.advance(31 * DAY_MS - 1)
        fresh, _ = await made.call("GET", path)
        await made.advance(1)
        stale, _ = await made.call("GET", path)

        assert (fresh, stale) == (200, 404)


async def test_batch_get_answers_who_is_reachable_and_a_sample() -> None:
    """
    From 500 numbers on about three quarters are sampled; order and repetition do not matter.
    """
    async with bench() as made:
        users = [f"+1555100{n:04d}" for n in range(1_000)]
        made.space.simulation.change_recipient("+15551000*", {"capable": False})

        status, body = await made.call("POST", "/v1/users:batchGet?agentId=a", {"users": users})
        again = await made.call("POST", "/v1/users:batchGet", {"users": users[::-1] + users, "agentId": "a"})
        few = await made.call("POST", "/v1/users:batchGet", {"users": [users[0]], "agent_id": "a"})

        assert status == 200
        assert body == {
            "reachableUsers": [],
            "totalRandomSampleUserCount": body["totalRandomSampleUserCount"],
            "reachableRandomSampleUserCount": 0,
        }
        assert 700 < body["totalRandomSampleUserCount"] < 800
        assert again == (status, body)
        assert few == (
            200,
            {
                "reachableUsers": [],
                "totalRandomSampleUserCount": 0,
                "reachableRandomSampleUserCount": 0,
            },
        )


async def test_batch_get_is_limited_per_minute() -> None:
    """
    The call beyond the limit is 429; a minute later there is room again.
    """
    async with bench(batch_get_per_minute=2) as made:
        body = {"users": [PHONE], "agentId": "a"}
        first = [(await made.call("POST", "/v1/users:batchGet", body))[0] for _ in range(3)]
        await made.advance(60_000)
        later, _ = await made.call("POST", "/v1/users:batchGet", body)

        assert (first, later) == ([200, 200, 429], 200)


async def test_dialogflow_is_refused_unless_enabled() -> None:
    """
    403 for agents without Dialogflow, the event with its name for the others.
    """
    async with bench(agents={"plain": {}, "flowing": {"dialogflow": True}}) as made:
        path = f"/v1/phones/{PHONE}/dialogflowMessages?messageIdPrefix=p&agentId="

        refused, _ = await made.call("POST", f"{path}plain", {"eventName": "WELCOME"})
        answered = await made.call("POST", f"{path}flowing", {"eventName": "WELCOME", "languageCode": "en"})

        assert refused == 403
        assert answered == (
            200,
            {
                "name": f"phones/{PHONE}/dialogflowMessages/p",
                "eventName": "WELCOME",
                "languageCode": "en",
            },
        )


async def test_legacy_capability_callback_is_told_by_webhook() -> None:
    """
    The 2021 method answers at once and tells the webhook a moment later.
    """
    async with bench(agents={BARE: {}}) as made:
        path = f"/v1/phones/{PHONE}/capability:requestCapabilityCallback"
        made.space.simulation.change_recipient(PHONE, {"capable": False})

        answer = await made.call("POST", path, {"requestId": "r1"})
        await made.advance(None)

        told = made.integrator.told[0]
        assert answer == (200, {})
        assert told.data == {"phoneNumber": PHONE, "requestId": "r1", "rbmEnabled": False, "features": []}
        assert told.envelope["message"]["attributes"]["type"] == "capabilities"


async def test_same_seed_tells_the_same_bytes() -> None:
    """
    Two runs with one seed send the same webhooks, byte for byte.
    """

    async def run(made: Bench) -> list[bytes]:
        for n in range(5):
            await made.send(f"m{n}", phone=f"+1555000000{n}")
        await made.advance(None)
        return [told.raw for told in made.integrator.told]

    async with bench(seed=1) as made:
        first = await run(made)
    async with bench(seed=1) as made:
        second = await run(made)
    async with bench(seed=2) as made:
        other = await run(made)

    assert first == second
    assert first != other
