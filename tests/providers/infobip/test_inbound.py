"""
Inbound messages: what recipients write.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.infobip.bench import Bench, bench, one
from simulator.kernel.engine.account import ImpossibleAct
from simulator.kernel.model.rules import Act
from simulator.providers.infobip.inbound import split_keyword

PHONE = "+41793026727"
NO_SUCH_DATA = (
    "expected data with texts for callbackData, applicationId, entityId, campaignReferenceId, or none"
)


def writes(run: Bench, text: str, sender: str = PHONE, **more: object) -> None:
    """Let a recipient write."""
    run.space.simulation.act("infobip", sender, Act("writes", text=text, **more))
    run.space.driver.nudge()


async def test_pull():
    """
    An inbound message can be pulled once, in the documented shape.
    """
    async with bench() as run:
        writes(run, "hello", sender="+385916242493")
        first = await run.get("/sms/1/inbox/reports")
        second = await run.get("/sms/1/inbox/reports")

    (row,) = first["results"]
    assert first == {
        "results": [
            {
                "messageId": row["messageId"],
                "from": "385916242493",
                "to": "385921004026",
                "text": "hello",
                "cleanText": "hello",
                "receivedAt": "2026-01-05T09:00:00.000+0000",
                "smsCount": 1,
                "price": {"pricePerMessage": 0, "currency": "EUR"},
            }
        ],
        "messageCount": 1,
        "pendingMessageCount": 0,
    }
    assert len(row["messageId"]) == 18
    assert second == {"results": [], "messageCount": 0, "pendingMessageCount": 0}


async def test_push__with_keyword_and_data():
    """
    With a URL the message is pushed; a configured keyword is split off, data comes along.
    """
    data = {"callbackData": "cb", "applicationId": "app", "entityId": "ent", "campaignReferenceId": "camp"}

    async with bench() as run:
        run.configure(inbound={"url": f"{run.integrator.url}/mo", "keywords": ["QUIZ"], "number": "1234"})
        writes(run, "quiz Correct answer is Paris", data=data)
        await run.settle()

    (push,) = run.integrator.pushes
    (row,) = push.plain["results"]
    assert (push.path, push.headers["Content-Type"]) == ("/mo", "application/json")
    assert push.plain == {
        "results": [
            {
                "messageId": row["messageId"],
                "from": "41793026727",
                "to": "1234",
                "text": "quiz Correct answer is Paris",
                "cleanText": "Correct answer is Paris",
                "keyword": "QUIZ",
                "receivedAt": "2026-01-05T09:00:00.000+0000",
                "smsCount": 1,
                "price": {"pricePerMessage": 0, "currency": "EUR"},
                **data,
            }
        ],
        "messageCount": 1,
        "pendingMessageCount": 0,
    }


@pytest.mark.parametrize(
    ("text", "keywords", "split"),
    [
        ("QUIZ Paris", ["QUIZ"], ("QUIZ", "Paris")),
        ("quiz", ["QUIZ"], ("QUIZ", "")),
        ("QUIZZES Paris", ["QUIZ"], ("", "QUIZZES Paris")),
        ("the QUIZ", ["QUIZ"], ("", "the QUIZ")),
        ("STOP", [], ("", "STOP")),
        ("  stop  now ", ["QUIZ", "Stop"], ("Stop", "now")),
        ("", ["QUIZ"], ("", "")),
    ],
)
def test_keyword(text, keywords, split):
    """
    A keyword is the first word of a text, in any case, if it is configured.
    """
    assert split_keyword(text, keywords) == split


@given(text=st.text(), keywords=st.lists(st.text(min_size=1)))
def test_keyword__never_changes_a_text_without_one(text, keywords):
    """
    Without a keyword the clean text is the text itself.
    """
    keyword, clean = split_keyword(text, keywords)

    assert clean == text or keyword in keywords


async def test_push__retried_like_reports_and_batched():
    """
    An inbound push that fails is tried again on the schedule of reports; several may share a push.
    """
    async with bench(webhook={"batch": {"max": 10, "wait": "5s"}}) as run:
        run.configure(inbound={"url": run.integrator.url})
        run.integrator.statuses = [500]
        for text in ("a", "b", "c"):
            writes(run, text)
        await run.settle()

    first, second = run.integrator.pushes
    assert (first.at_ms, second.at_ms) == (5_000, 65_000)
    assert first.body == second.body
    assert [row["text"] for row in first.plain["results"]] == ["a", "b", "c"]
    assert first.plain["messageCount"] == 3


async def test_pull__limit_filters_and_what_is_pending():
    """
    `pendingMessageCount` tells how many still wait; filters and the limit leave the rest there.
    """
    async with bench() as run:
        for number in range(4):
            writes(run, f"{number}", data={"applicationId": f"app-{number % 2}"})
        odd = await run.get("/sms/1/inbox/reports", ("applicationId", "app-1"), ("limit", "1"))
        rest = await run.get("/sms/1/inbox/reports")

    assert ([row["text"] for row in odd["results"]], odd["pendingMessageCount"]) == (["3"], 3)
    assert ([row["text"] for row in rest["results"]], rest["pendingMessageCount"]) == (["2", "1", "0"], 0)


async def test_pull__48_hours():
    """
    An inbound message can be pulled for 48 hours.
    """
    async with bench() as run:
        writes(run, "old")
        await run.advance("48h")
        await run.advance("1ms")
        answer = await run.get("/sms/1/inbox/reports")

    assert answer["results"] == []


async def test_reply_of_a_fate__reaches_the_inbox():
    """
    A scripted reply to a delivered message comes from its recipient to its sender.
    """
    rule = {
        "name": "polite",
        "when": {},
        "then": {"fate": {"deliver": {"reply": {"text": "thanks", "after": "5s"}}}},
    }

    async with bench(deliver_after="1s") as run:
        run.load({"rules": [rule]})
        await run.send(one())
        await run.settle()
        (row,) = (await run.get("/sms/1/inbox/reports"))["results"]

    assert (row["from"], row["to"], row["text"]) == ("41793026727", "InfoSMS", "thanks")
    assert row["receivedAt"] == "2026-01-05T09:00:06.000+0000"


async def test_timeline():
    """
    The timeline lets a recipient write at an instant.
    """
    item = {"at": "1h", "recipient": PHONE, "provider": "infobip", "writes": "STOP", "to": "1234"}

    async with bench() as run:
        run.load({"timeline": [item]})
        await run.advance("1h")
        (row,) = (await run.get("/sms/1/inbox/reports"))["results"]

    assert (row["text"], row["to"], row["receivedAt"]) == ("STOP", "1234", "2026-01-05T10:00:00.000+0000")


@pytest.mark.parametrize(
    ("recipient", "act", "complaint"),
    [
        (PHONE, Act("dances"), "Infobip recipients cannot do 'dances'; they can do writes and clicks"),
        ("nobody", Act("writes", text="x"), "expected a phone number that writes, got 'nobody'"),
        (
            PHONE,
            Act("writes", text="x", data={"colour": "red"}),
            NO_SUCH_DATA,
        ),
        (
            PHONE,
            Act("writes", text="x", data=["x"]),
            NO_SUCH_DATA,
        ),
    ],
)
async def test_what_a_recipient_cannot_do(recipient, act, complaint):
    """
    An act that is impossible says so, and what would be possible.
    """
    async with bench() as run:
        with pytest.raises(ImpossibleAct) as refusal:
            run.space.simulation.act("infobip", recipient, act)

    assert str(refusal.value) == complaint


async def test_control_api():
    """
    The control API lets a recipient write.
    """
    async with bench() as run:
        url = f"{run.server.url}/_sim/v1/spaces/default/recipients/+41793026727/inbound"
        async with run.session.post(url, json={"provider": "infobip", "writes": "hi"}) as answer:
            status = answer.status
        (row,) = (await run.get("/sms/1/inbox/reports"))["results"]

    assert (status, row["text"]) == (202, "hi")
