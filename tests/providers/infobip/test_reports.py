"""
Delivery reports: pushed, retried, batched, pulled.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from providers.infobip.bench import bench, one
from providers.infobip.test_requirement_page import DELIVERED, NO_ERROR
from simulator.kernel.store.facts import Contradicted

MINUTE = 60_000
DELAYS = [1, 2, 5, 10, 17, 26, 37, 50, 65, 82, 101, 122, 145, 170, 197, 226, 257, 290, 325, 362]


def v3(to: str, url: str = "", **message: Any) -> dict[str, Any]:
    """Return the body of a v3 send."""
    hooks = {"webhooks": {"delivery": {"url": url}, "callbackData": "data"}} if url else {}
    return {
        "messages": [
            {"sender": "InfoSMS", "destinations": [{"to": to}], "content": {"text": "hi"}, **hooks, **message}
        ]
    }


async def test_push__v3_shape():
    """
    Reports of a v3 send have v3 keys: sender, messageCount and platform.
    """
    options = {"platform": {"entityId": "e", "applicationId": "a"}, "campaignReferenceId": "c"}

    async with bench() as run:
        answer = await run.send(v3("41793026727", run.integrator.url, options=options), "/sms/3/messages")
        await run.settle()
        (push,) = run.integrator.pushes

    assert push.headers["Content-Type"] == "application/json"
    (report,) = push.plain["results"]
    assert report == {
        "bulkId": answer["bulkId"],
        "messageId": answer["messages"][0]["messageId"],
        "to": "41793026727",
        "sender": "InfoSMS",
        "sentAt": "2026-01-05T09:00:00.000+0000",
        "doneAt": report["doneAt"],
        "messageCount": 1,
        "mccMnc": "22801",
        "callbackData": "data",
        "price": {"pricePerMessage": 0.01, "currency": "EUR"},
        "status": DELIVERED,
        "error": NO_ERROR,
        "campaignReferenceId": "c",
        "platform": {"entityId": "e", "applicationId": "a"},
    }


async def test_push__to_the_subscription_unless_the_request_names_a_target():
    """
    The notifyUrl of a message wins over the account's subscription.
    """
    async with bench() as run:
        run.configure(webhook={"url": f"{run.integrator.url}/subscription"})
        await run.send(one())
        await run.send(one("41793026834", notifyUrl=f"{run.integrator.url}/own"))
        await run.settle()

    assert sorted(push.path for push in run.integrator.pushes) == ["/own", "/subscription"]


async def test_push__retried_on_the_documented_schedule():
    """
    A receiver that never answers well is tried 21 times, at exactly the documented delays, then never.
    """
    async with bench() as run:
        run.integrator.statuses = [503] * 30
        await run.send(one(notifyUrl=run.integrator.url))
        await run.settle()
        (webhook,) = run.space.simulation.outbox.webhooks.values()

    times = [push.at_ms for push in run.integrator.pushes]
    assert [(b - a) // MINUTE for a, b in itertools.pairwise(times)] == DELAYS
    assert [(b - a) % MINUTE for a, b in itertools.pairwise(times)] == [0] * 20
    assert sum(DELAYS) == 2_490
    assert webhook.state == "lost"
    assert len({push.body for push in run.integrator.pushes}) == 1


@pytest.mark.parametrize(("status", "attempts"), [(200, 1), (204, 1), (301, 2), (400, 2), (500, 2)])
async def test_push__what_counts_as_received(status, attempts):
    """
    Any 2xx acknowledges a push; a redirect, a client error and a server error are tried again.
    """
    async with bench() as run:
        run.integrator.statuses = [status]
        await run.send(one(notifyUrl=run.integrator.url))
        await run.settle()

    assert len(run.integrator.pushes) == attempts


async def test_push__only_200_counts_where_settings_say_so():
    """
    A setting makes 200 the only acknowledgement.
    """
    async with bench(webhook={"acknowledged": "200"}) as run:
        run.integrator.statuses = [204]
        await run.send(one(notifyUrl=run.integrator.url))
        await run.settle()

    assert len(run.integrator.pushes) == 2


@pytest.mark.parametrize(("bucket", "pushes"), [(1, 25), (10, 3), (100, 1)])
async def test_push__batched_by_bucket_size(bucket, pushes):
    """
    With a bucket size, reports to one target share pushes, none larger than the bucket.
    """
    destinations = [{"to": f"4179302{n:04d}"} for n in range(25)]

    async with bench(webhook={"batch": {"max": bucket, "wait": "10s"}}, deliver_after="1s") as run:
        await run.send(
            {"messages": [{"destinations": destinations, "text": "x", "notifyUrl": run.integrator.url}]}
        )
        await run.settle()

    sizes = [len(push.plain["results"]) for push in run.integrator.pushes]
    assert len(sizes) == pushes
    assert max(sizes) <= bucket
    assert sorted(report["to"] for report in run.integrator.results) == [d["to"] for d in destinations]


async def test_push__v1_and_v3_reports_never_share_a_push():
    """
    Even in one bucket, reports keep the shape of the send that caused them.
    """
    async with bench(webhook={"batch": {"max": 100, "wait": "10s"}}, deliver_after="1s") as run:
        await run.send(one(notifyUrl=run.integrator.url))
        await run.send(v3("41793026834", run.integrator.url), "/sms/3/messages")
        await run.settle()

    shapes = [["from" in report for report in push.plain["results"]] for push in run.integrator.pushes]
    assert sorted(shapes) == [[False], [True]]


async def test_pull__each_report_once_latest_first():
    """
    A pulled report is gone; the latest comes first, 50 at a time unless told otherwise.
    """
    async with bench() as run:
        for number in range(60):
            await run.send(one(f"4179302{number:04d}"))
            await run.advance("5s")
        first = await run.get("/sms/1/reports")
        second = await run.get("/sms/1/reports", ("limit", "3"))
        third = await run.get("/sms/1/reports", ("limit", "1000"))
        fourth = await run.get("/sms/1/reports")

    order = [int(report["to"][-4:]) for one_pull in (first, second, third) for report in one_pull["results"]]
    assert order == list(range(59, -1, -1))
    assert [len(pull["results"]) for pull in (first, second, third)] == [50, 3, 7]
    assert fourth == {"results": []}


async def test_pull__both_generations_read_one_queue():
    """
    A report can be pulled through either generation, in that one's shape, and then is gone for both.
    """
    async with bench() as run:
        await run.send(one())
        await run.settle()
        (third,) = (await run.get("/sms/3/reports"))["results"]
        first = await run.get("/sms/1/reports")

    assert (third["sender"], third["messageCount"]) == ("InfoSMS", 1)
    assert first == {"results": []}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (("messageId", "m-2"), ["m-2"]),
        (("bulkId", "B"), ["m-2", "m-1"]),
        (("bulkId", "other"), []),
        (("applicationId", "app"), ["m-3"]),
        (("entityId", "ent"), ["m-3"]),
        (("campaignReferenceId", "camp"), ["m-3"]),
    ],
)
async def test_pull__filters(query, found):
    """
    A filter takes only what fits; the rest stays for the next pull.
    """
    bulk = {
        "bulkId": "B",
        "messages": [
            {"destinations": [{"to": "41793026727", "messageId": "m-1"}], "text": "x"},
            {"destinations": [{"to": "41793026834", "messageId": "m-2"}], "text": "x"},
        ],
    }
    alone = {
        "messages": [
            {
                "destinations": [{"to": "41793026700", "messageId": "m-3"}],
                "text": "x",
                "entityId": "ent",
                "applicationId": "app",
                "campaignReferenceId": "camp",
            }
        ]
    }

    async with bench(deliver_after="1s") as run:
        await run.send(bulk)
        await run.advance("1m")
        await run.send(alone)
        await run.settle()
        taken = await run.get("/sms/1/reports", query)
        rest = await run.get("/sms/1/reports")

    assert sorted(report["messageId"] for report in taken["results"]) == sorted(found)
    assert len(rest["results"]) == 3 - len(found)


async def test_pull__48_hours_and_no_longer():
    """
    A report older than 48 hours cannot be pulled any more.
    """
    async with bench(deliver_after="1s") as run:
        await run.send(one())
        await run.advance("1s")
        await run.send(one("41793026834"))
        await run.advance("48h")
        still = await run.get("/sms/1/reports", ("limit", "1"))
        await run.advance("2s")
        gone = await run.get("/sms/1/reports")

    assert [report["to"] for report in still["results"]] == ["41793026834"]
    assert gone == {"results": []}


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "ten", "1.5", "99999999999"])
async def test_pull__bad_limit(limit):
    """
    A limit that is no whole number from 1 to 1000 is a bad request.
    """
    async with bench() as run:
        answer = await run.call("GET", "/sms/1/reports", query=[("limit", limit)])

    assert answer.status == 400
    assert answer.plain["requestError"]["serviceException"]["validationErrors"] == {
        "limit": ["must be a whole number between 1 and 1000"]
    }


@pytest.mark.parametrize(("pull", "kept"), [("all", 1), ("unpushed", 0)])
async def test_pull__of_what_was_pushed_is_a_setting(pull, kept):
    """
    A pushed report can be pulled as well, unless settings keep only the unpushed ones.
    """
    async with bench(pull=pull) as run:
        await run.send(one(notifyUrl=run.integrator.url))
        await run.settle()
        pulled = await run.get("/sms/1/reports")

    assert len(pulled["results"]) == kept
    assert len(run.integrator.pushes) == 1


@pytest.mark.parametrize("pull", ["unpushed", "all"])
@pytest.mark.parametrize(
    ("fate", "statuses"),
    [
        ("deliver", ["UNDELIVERABLE_NOT_DELIVERED", "DELIVERED_TO_HANDSET"]),
        ("expire", ["DELIVERED_TO_HANDSET", "EXPIRED_EXPIRED"]),
    ],
)
async def test_pull__a_contradiction_is_one_report_more(pull: str, fate: str, statuses: list[str]):
    """
    Who pulls gets the truth and one report against it, the latest first; the journal knows of both.
    """
    liar = {"when": {}, "then": {"fate": fate, "webhooks": {"contradict": {"after": "1m"}}}}

    async with bench() as run:
        run.load({"providers": {"infobip": {"pull": pull}}, "rules": [liar]})
        await run.send(one())
        await run.settle()
        pulled = await run.get("/sms/1/reports")
        again = await run.get("/sms/1/reports")
        noted = [e.fact for e in run.space.simulation.journal if isinstance(e.fact, Contradicted)]

    assert [report["status"]["name"] for report in pulled["results"]] == statuses
    assert again["results"] == []
    assert [(fact.label, fact.pulled) for fact in noted] == [(statuses[0], True)]


async def test_pull__a_contradiction_charges_nothing_and_is_in_no_log():
    """
    A report against the truth leaves balance, log and message as they are.
    """
    liar = {"when": {}, "then": {"fate": "deliver", "webhooks": {"contradict": {"after": "1m"}}}}

    async with bench(balance=10) as run:
        run.load({"providers": {"infobip": {"pull": "all"}}, "rules": [liar]})
        await run.send(one())
        await run.settle()
        balance = await run.get("/account/1/balance")
        log = await run.get("/sms/1/logs")

    assert balance["balance"] == 9.99
    assert [row["status"]["name"] for row in log["results"]] == ["DELIVERED_TO_HANDSET"]
