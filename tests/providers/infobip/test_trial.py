"""
Trial accounts: accepted, and rejected later, for numbers that are not the account's own.
"""

from __future__ import annotations

import pytest

from providers.infobip.bench import bench, one
from providers.infobip.test_requirement_page import DELIVERED, ENROUTE

OWN, OTHER = "41793026727", "41793026834"


async def test_trial__others_numbers_are_accepted_and_reported_as_not_registered():
    """
    A send to a number that is not on the list is PENDING in the answer, and reported with 18 and 579.
    """
    body = {"messages": [{"destinations": [{"to": OWN}, {"to": OTHER}], "from": "InfoSMS", "text": "hi"}]}

    async with bench(trial={"numbers": [f"+{OWN}"]}) as run:
        answer = await run.send(body)
        await run.settle()
        reports = (await run.get("/sms/1/reports"))["results"]

    assert [entry["status"] for entry in answer["messages"]] == [ENROUTE, ENROUTE]
    by_number = {report["to"]: report for report in reports}
    assert by_number[OWN]["status"] == DELIVERED
    rejected = by_number[OTHER]
    assert (rejected["status"]["id"], rejected["status"]["name"]) == (
        18,
        "REJECTED_DESTINATION_NOT_REGISTERED",
    )
    assert (rejected["error"]["id"], rejected["price"]["pricePerMessage"]) == (579, 0.0)


@pytest.mark.parametrize(
    ("sender", "status_id"), [("InfoSMS", 7), ("ServiceSMS", 7), ("DemoCompany", 7), ("ACME", 11)]
)
async def test_trial__only_demonstration_senders_pass(sender, status_id):
    """
    A trial account sends as one of three; any other sender is rejected at once, and the reason names them.
    """
    body = {"messages": [{"destinations": [{"to": OWN}], "from": sender, "text": "hi"}]}

    async with bench(trial={"numbers": [OWN]}) as run:
        answer = await run.call("POST", "/sms/1/text/advanced", body)

    assert answer.plain["messages"][0]["status"]["id"] == status_id
    if status_id == 11:
        assert answer.headers["X-Simulator-Reason"] == (
            "11: the provider's own checks: sender 'ACME' is none of those of a trial account: "
            "InfoSMS, ServiceSMS, DemoCompany"
        )


async def test_trial__with_no_number_of_its_own_reaches_nobody():
    """
    An empty list is a trial account whose owner has registered no number yet; `any` is none at all.
    """
    async with bench(trial={"numbers": []}) as run:
        await run.send(one(OWN))
        await run.settle()
        (first,) = (await run.get("/sms/1/reports"))["results"]
        run.configure(trial={"numbers": "any"})
        await run.send(one(OWN))
        await run.settle()
        (second,) = (await run.get("/sms/1/reports"))["results"]

    assert (first["status"]["id"], second["status"]["id"]) == (18, 5)


async def test_trial__rules_and_magic_numbers_come_first():
    """
    What a rule or a magic number wants happens in a trial account, too.
    """
    async with bench(trial={"numbers": []}) as run:
        run.load({"rules": [{"when": {"recipient": f"+{OTHER}"}, "then": {"fate": {"deliver": {}}}}]})
        await run.send(one(OTHER))
        await run.send(one("9991000009"))
        await run.settle()
        reports = (await run.get("/sms/1/reports"))["results"]

    assert sorted(report["status"]["id"] for report in reports) == [5, 9]
