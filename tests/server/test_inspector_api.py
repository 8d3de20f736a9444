"""
What the control API has for those who look on: queries, the next event, rules, conversations, held webhooks.
"""

from __future__ import annotations

from typing import Any

import pytest

from harness import Bench, receiving, serving

SPACE = "/spaces/default"
PHONE = "+41793026727"


async def refused(bench: Bench) -> None:
    """Let one submission be refused."""
    when = {"provider": "infobip", "text": {"contains": "no"}}
    rule = {"name": "no", "when": when, "then": {"answer": {"refuse": "BAD_REQUEST"}}}
    await bench.load({"rules": [rule]})
    await bench.send(text="no")


async def ids(bench: Bench, query: str, **more: str) -> list[str]:
    """Return the texts of the messages that fit a query."""
    asked = "&".join(f"{name}={value}" for name, value in more.items())
    status, found = await bench.control("GET", f"{SPACE}/messages?q={query}&{asked}")
    assert status == 200, found
    return [one["text"] for one in found["items"]]


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("", ["alpha", "beta", "gamma"]),
        ("beta", ["beta"]),
        ("%2B4179302672", ["alpha", "gamma"]),
        ("recipient:%2B41*", ["alpha", "beta", "gamma"]),
        ("recipient:%2B41", []),
        ("provider:infobip%20-text:beta", ["alpha", "gamma"]),
        ('text:"a"', ["alpha", "beta", "gamma"]),
        ("sender:Other", ["gamma"]),
        ("state:accepted%20text:alp", ["alpha"]),
        ("state:refused", []),
        ("rung:default", ["alpha", "beta", "gamma"]),
        ("webhook:lost", []),
    ],
)
async def test_query__every_condition_must_hold(query: str, texts: list[str]) -> None:
    """
    Terms narrow a listing; a star stands for the rest of a word, a dash for not.
    """
    async with serving() as bench:
        await bench.send(text="alpha")
        await bench.send(to="41793026800", text="beta")
        await bench.send(to="41793026720", text="gamma", **{"from": "Other"})

        assert await ids(bench, query) == texts


async def test_query__finds_messages_by_their_webhooks() -> None:
    """
    A message is found by what became of a webhook about it.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": f"{receiver.url}/x"})
        await bench.send(text="told")
        await bench.control("POST", f"{SPACE}/clock/advance", {"until": "settled"})
        await bench.send(to="41793026728", text="not yet")

        assert await ids(bench, "webhook:acknowledged", order="newest") == ["told"]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        (
            "stat:failed",
            "q: unknown field 'stat'; did you mean \"state\"? "
            '(put the word in "quotes" to look for it as it is)',
        ),
        ("provider:acme", "q: provider: expected one of bip, bitel, infobip, rbm, got 'acme'"),
        (
            "webhook:gone",
            "q: webhook: expected one of scheduled, held, in flight, acknowledged, lost, dropped, got 'gone'",
        ),
    ],
)
async def test_query__what_does_not_exist_is_refused(query: str, detail: str) -> None:
    """
    A query for what cannot be is refused rather than finding nothing.
    """
    async with serving() as bench:
        status, problem = await bench.control("GET", f"{SPACE}/messages?q={query}")

        assert (status, problem["detail"]) == (400, detail)


async def test_refusals__are_listed_with_what_refused_them() -> None:
    """
    What was refused is no message, but can be listed and searched all the same.
    """
    async with serving() as bench:
        await refused(bench)

        status, found = await bench.control("GET", f"{SPACE}/refusals?q=state:refused")
        _, none = await bench.control("GET", f"{SPACE}/refusals?q=text:yes")

        assert (status, found["total"], found["items"][0]["decided_by"], none["total"]) == (
            200,
            1,
            {"rung": "rule", "rule": "no"},
            0,
        )


async def test_advance__next_goes_to_what_is_due_next() -> None:
    """
    The next event is one instant further, and nothing due leaves the clock where it is.
    """
    async with serving() as bench:
        await bench.configure(deliver_after="90s")
        await bench.send()
        _, before = await bench.control("GET", f"{SPACE}/clock")

        steps = []
        for _ in range(4):
            _, clock = await bench.control("POST", f"{SPACE}/clock/advance", {"until": "next"})
            steps.append((clock["now_ms"], clock["fired"], clock["next_due"]))

        assert before["next_due"] == f"send {PHONE}"
        assert steps == [
            (200, 1, f"deliver {PHONE}"),
            (90_000, 1, None),
            (90_000, 0, None),
            (90_000, 0, None),
        ]


async def test_rules__tell_their_use_and_why_they_had_none() -> None:
    """
    Each rule says how often it decided what, and one that never did says what the latest submission lacked.
    """
    async with serving() as bench:
        await bench.load(
            {
                "rules": [
                    {"name": "all expire", "when": {"provider": "infobip"}, "then": {"fate": "expire"}},
                    {"name": "never", "when": {"sender": "Nobody"}, "then": {"fate": "deliver"}},
                ]
            }
        )
        await bench.send()

        status, found = await bench.control("GET", f"{SPACE}/rules")

        rows = [(one["name"], one["when"], one["fates"], one["total"], one["miss"]) for one in found["items"]]
        assert (status, rows) == (
            200,
            [
                ("all expire", "provider infobip", 1, 1, ""),
                ("never", "sender Nobody", 0, 0, "sender: expected Nobody, got InfoSMS"),
            ],
        )


async def test_conversation__has_what_arrived_what_waits_and_what_was_written() -> None:
    """
    A phone that is off shows nothing new; what waits says when it expires.
    """
    async with serving() as bench:
        await bench.configure(deliver_after="1s")
        await bench.send(text="arrives")
        await bench.control("POST", f"{SPACE}/clock/advance", {"by": "1m"})
        act = {"provider": "infobip", "writes": "thanks"}
        await bench.control("POST", f"{SPACE}/recipients/{PHONE}/inbound", act)
        await bench.control("PATCH", f"{SPACE}/recipients/{PHONE}", {"reachable": False})
        await bench.send(text="waits")
        await bench.control("POST", f"{SPACE}/clock/advance", {"by": "1m"})

        status, found = await bench.control("GET", f"{SPACE}/recipients/{PHONE}/conversation")

        assert status == 200
        assert [(one["kind"], one["text"]) for one in found["items"]] == [
            ("message", "arrives"),
            ("act", "thanks"),
        ]
        assert [(one["text"], one["note"]) for one in found["waiting"]] == [
            ("waits", "GSM7, 1 part, 5 characters")
        ]
        assert found["first_expiry"] == "2026-01-07T09:01:00.000Z"
        assert found["acts"]["infobip"] == ["writes", "clicks"]


async def test_conversation__shows_cards_and_what_a_tap_would_say() -> None:
    """
    Each suggestion of a card names the act that tapping it is.
    """
    reply = {"reply": {"text": "Yes", "postbackData": "y"}}
    link = {"action": {"text": "Look", "postbackData": "l", "openUrlAction": {"url": "https://example.com/"}}}
    card = {"title": "Title", "description": "About", "suggestions": [reply, link]}
    content = {"richCard": {"standaloneCard": {"cardOrientation": "VERTICAL", "cardContent": card}}}
    async with serving() as bench:
        path = f"/rbm/v1/phones/{PHONE}/agentMessages?messageId=m1&agentId=bot"
        bearer = {"Authorization": "Bearer ya29.token"}
        status, answer = await bench.post(path, {"contentMessage": content}, headers=bearer)
        assert status == 200, answer
        await bench.control("POST", f"{SPACE}/clock/advance", {"by": "1h"})

        _, found = await bench.control("GET", f"{SPACE}/recipients/{PHONE}/conversation")

        taps: list[dict[str, Any]] = [
            {"label": "Yes", "note": "", "does": "taps", "data": {"text": "Yes", "postbackData": "y"}},
            {
                "label": "Look",
                "note": "opens https://example.com/",
                "does": "taps",
                "data": {"text": "Look", "postbackData": "l"},
            },
        ]
        expected = [{"title": "Title", "text": "About", "picture": None, "suggestions": taps}]
        assert found["items"][0]["cards"] == expected


async def test_webhooks__are_held_released_at_a_rate_and_sent_again() -> None:
    """
    What is held leaves at the rate asked for; all in one state are sent again by one call.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": f"{receiver.url}/x"}, deliver_after="1s")
        _, held = await bench.control("POST", f"{SPACE}/webhooks/hold", {"provider": "infobip"})
        for number in range(4):
            await bench.send(to=f"4179302672{number}")
        await bench.control("POST", f"{SPACE}/clock/advance", {"by": "1m"})

        _, released = await bench.control("POST", f"{SPACE}/webhooks/release", {"rate": "1/s"})
        await bench.control("POST", f"{SPACE}/clock/advance", {"by": "2s"})
        after_two_seconds = len(receiver.received)
        await bench.control("POST", f"{SPACE}/clock/advance", {"until": "settled"})
        status, again = await bench.control("POST", f"{SPACE}/webhooks/resend", {"state": "acknowledged"})
        await bench.control("POST", f"{SPACE}/clock/advance", {"until": "settled"})

        assert held == {"holding": ["infobip"], "held": 0}
        assert released == {"released": 4, "holding": [], "held": 0}
        assert (after_two_seconds, status, again["total"], len(receiver.received)) == (3, 202, 4, 8)


@pytest.mark.parametrize(
    ("call", "body", "status"),
    [
        ("hold", {"provider": "acme"}, 404),
        ("resend", {}, 422),
        ("resend", {"ids": [], "state": "lost"}, 422),
        ("resend", {"ids": ["wh_none"]}, 404),
        ("release", {"rate": "fast"}, 422),
    ],
)
async def test_webhooks__what_makes_no_sense_is_refused(call: str, body: Any, status: int) -> None:
    """
    A call about webhooks that do not exist does nothing, and says so.
    """
    async with serving() as bench:
        answered, problem = await bench.control("POST", f"{SPACE}/webhooks/{call}", body)

        assert (answered, "detail" in problem) == (status, True)


async def test_webhook__tells_each_attempt_as_it_was_sent() -> None:
    """
    A webhook lists the address, headers and body of every attempt.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": f"{receiver.url}/x"})
        await bench.send()
        await bench.control("POST", f"{SPACE}/clock/advance", {"until": "settled"})
        _, found = await bench.control("GET", f"{SPACE}/webhooks")

        _, webhook = await bench.control("GET", f"{SPACE}/webhooks/{found['items'][0]['id']}")

        sent = webhook["sent"]
        assert [(one["attempt"], one["method"], one["url"]) for one in sent] == [
            (1, "POST", f"{receiver.url}/x")
        ]
        assert (sent[0]["headers"], sent[0]["body"]) == (
            [["Content-Type", "application/json"]],
            webhook["body"],
        )
