"""
Sends of each generation, and what their answers say.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.infobip.bench import bench, one
from providers.infobip.test_requirement_page import ACCEPTED, ENROUTE
from simulator.kernel.model.recipient import normal_address
from simulator.providers.infobip.codes import STATUSES


def rejected(status_id: int, **action: str) -> dict[str, object]:
    """Return the status object of a rejection."""
    status = STATUSES[status_id]
    return {
        "groupId": 5,
        "groupName": "REJECTED",
        "id": status_id,
        "name": status.name,
        "description": status.description,
        **action,
    }


async def test_v1_single_destination_has_no_bulk_id():
    """
    v1 tells a bulkId only to requests that gave one, have several destinations or a sendAt.
    """
    async with bench() as run:
        answer = await run.send(one())

    assert answer == {
        "messages": [
            {"to": "41793026727", "status": ENROUTE, "smsCount": 1, "messageId": "9593247281168285258"}
        ]
    }


@pytest.mark.parametrize("path", ["/sms/1/text/single", "/sms/1/text/single/"])
async def test_v1_single__one_recipient_as_text(path):
    """
    `text/single` takes one recipient as a text, whatever the slash at the end of the path.
    """
    async with bench() as run:
        answer = await run.send({"from": "InfoSMS", "to": "41793026727", "text": "hi"}, path)

    assert answer == {
        "messages": [
            {"to": "41793026727", "status": ENROUTE, "smsCount": 1, "messageId": "9593247281168285258"}
        ]
    }


async def test_v1_single__many_recipients_as_list():
    """
    `text/single` takes a list of recipients, and then tells a bulkId.
    """
    async with bench() as run:
        answer = await run.send({"to": ["41793026727", "41793026834"], "text": "hi"}, "/sms/1/text/single")

    assert list(answer) == ["bulkId", "messages"]
    assert [entry["to"] for entry in answer["messages"]] == ["41793026727", "41793026834"]


async def test_v1_multi():
    """
    `text/multi` answers one entry per recipient, messages outer, recipients inner.
    """
    body = {
        "messages": [{"to": ["41793026727", "41793026834"], "text": "a"}, {"to": "41793026700", "text": "b"}]
    }

    async with bench() as run:
        answer = await run.send(body, "/sms/1/text/multi")
        texts = [message.submission.text for message in run.space.simulation.messages.values()]

    assert [entry["to"] for entry in answer["messages"]] == ["41793026727", "41793026834", "41793026700"]
    assert texts == ["a", "a", "b"]


async def test_v2_answers_26_and_a_bulk_id_always():
    """
    v2 answers PENDING_ACCEPTED, with a bulkId even for one recipient, without a count unless asked.
    """
    async with bench() as run:
        plain = await run.send(one(), "/sms/2/text/advanced")
        counted = await run.send(
            {**one("41793026834"), "bulkId": "B", "includeSmsCountInResponse": True}, "/sms/2/text/advanced"
        )

    assert plain == {
        "bulkId": plain["bulkId"],
        "messages": [{"to": "41793026727", "status": ACCEPTED, "messageId": "9593247281168285258"}],
    }
    assert plain["bulkId"].isdigit()
    assert counted == {
        "bulkId": "B",
        "messages": [
            {
                "to": "41793026834",
                "status": ACCEPTED,
                "smsCount": 1,
                "messageId": counted["messages"][0]["messageId"],
            }
        ],
    }


def v3(to: str = "41793026727", **options: object) -> dict[str, object]:
    """Return the body of a v3 send."""
    message = {
        "sender": "InfoSMS",
        "destinations": [{"to": to, "messageId": "m-1"}],
        "content": {"text": "hi"},
    }
    return {"messages": [message], "options": options}


async def test_v3_answer():
    """
    v3 names the recipient `destination`, and counts inside `details` on request only.
    """
    async with bench() as run:
        plain = await run.send(v3(schedule={"bulkId": "B-1"}), "/sms/3/messages")
        counted = await run.send(
            v3("41793026834", includeSmsCountInResponse=True) | {"unknown": 1}, "/sms/3/messages"
        )

    assert plain == {
        "bulkId": "B-1",
        "messages": [{"messageId": "m-1", "status": ACCEPTED, "destination": "41793026727"}],
    }
    # The second one repeats the id of the first, which is refused.
    assert counted["messages"][0]["status"]["id"] == 23


async def test_v3_count_on_request():
    """
    `includeSmsCountInResponse` puts the number of parts into `details`.
    """
    async with bench() as run:
        answer = await run.send(v3(includeSmsCountInResponse=True), "/sms/3/messages")

    assert answer["messages"] == [
        {
            "messageId": "m-1",
            "status": ACCEPTED,
            "destination": "41793026727",
            "details": {"messageCount": 1},
        }
    ]


async def test_send_status_is_a_setting():
    """
    Which status answers an accepted send can be set for each generation.
    """
    async with bench(send_status={"v1": "PENDING_ACCEPTED", "v3": "PENDING_ENROUTE"}) as run:
        first = await run.send(one())
        second = await run.send(v3(), "/sms/3/messages")

    assert first["messages"][0]["status"] == ACCEPTED
    assert second["messages"][0]["status"] == ENROUTE


async def test_rejections_inside_a_200():
    """
    Each kind of rejection has the keys that real answers have; good recipients beside it are accepted.
    """
    destinations = [
        {"to": "41793026727", "messageId": "twice"},
        {},
        {"to": ""},
        {"to": "not a number", "messageId": "lost"},
        {"to": "41793026834", "messageId": "twice"},
        {"to": "9991000014"},
        {"to": "9991000012"},
    ]
    body = {"bulkId": "B", "messages": [{"destinations": destinations, "from": "InfoSMS", "text": "hi"}]}

    async with bench() as run:
        answer = await run.send(body)

    missing = {"status": rejected(51, action="Check to parameter.")}
    entries = answer["messages"]
    assert entries == [
        {"to": "41793026727", "status": ENROUTE, "smsCount": 1, "messageId": "twice"},
        missing,
        missing,
        {"to": "not a number", "status": rejected(52, action="Check to parameter.")},
        {"to": "41793026834", "status": rejected(23), "smsCount": 1, "messageId": "twice"},
        {
            "to": "9991000014",
            "status": rejected(14, action="Remove destination from blacklist"),
            "messageId": entries[5]["messageId"],
        },
        {
            "to": "9991000012",
            "status": rejected(12, **_action(12)),
            "smsCount": 1,
            "messageId": entries[6]["messageId"],
        },
    ]


def _action(status_id: int) -> dict[str, str]:
    action = STATUSES[status_id].action
    return {"action": action} if action else {}


async def test_rejections_on_v3():
    """
    On v3 a rejected recipient stands under `destination`, and a missing one has a status alone.
    """
    message = {"destinations": [{"to": ""}, {"to": "abc"}], "content": {"text": "hi"}}

    async with bench() as run:
        answer = await run.send({"messages": [message]}, "/sms/3/messages")

    assert answer["messages"] == [
        {"status": rejected(51, action="Check to parameter.")},
        {"destination": "abc", "status": rejected(52, action="Check to parameter.")},
    ]


async def test_too_long_text_is_rejected():
    """
    A text of more than 25 parts is rejected with 25, in the answer.
    """
    async with bench() as run:
        longest = await run.send(one(text="a" * 153 * 25))
        longer = await run.send(one(text="a" * (153 * 25 + 1)))

    assert longest["messages"][0]["status"] == ENROUTE
    assert longest["messages"][0]["smsCount"] == 25
    assert longer["messages"][0]["status"] == rejected(25)


async def test_repeated_message_id_is_refused_for_48_hours():
    """
    A messageId may come again after 48 hours on the space's clock, not before.
    """
    body = {"messages": [{"destinations": [{"to": "41793026727", "messageId": "m"}], "text": "hi"}]}

    async with bench() as run:
        statuses = [(await run.send(body))["messages"][0]["status"]["id"]]
        await run.advance("48h")
        statuses.append((await run.send(body))["messages"][0]["status"]["id"])
        await run.advance("1ms")
        statuses.append((await run.send(body))["messages"][0]["status"]["id"])

    assert statuses == [7, 23, 7]


async def test_unregistered_sender_is_rejected_where_senders_are_listed():
    """
    With a list of registered senders, any other one is rejected with REJECTED_SOURCE.
    """
    async with bench(senders=["Known"]) as run:
        good = await run.send(
            {"messages": [{"destinations": [{"to": "41793026727"}], "from": "Known", "text": "x"}]}
        )
        bad = await run.send(one())

    assert good["messages"][0]["status"] == ENROUTE
    assert bad["messages"][0]["status"] == rejected(11)


async def test_null_is_absent():
    """
    An explicit null is the same as leaving the field out, everywhere.
    """
    nulls = {
        "bulkId": None,
        "tracking": None,
        "sendingSpeedLimit": None,
        "urlOptions": None,
        "messages": [
            {
                "destinations": [{"to": "41793026727", "messageId": None}],
                **dict.fromkeys(
                    (
                        "from",
                        "text",
                        "flash",
                        "language",
                        "transliteration",
                        "notifyUrl",
                        "notifyContentType",
                        "intermediateReport",
                        "notify",
                        "callbackData",
                        "validityPeriod",
                        "sendAt",
                        "deliveryTimeWindow",
                        "regional",
                        "entityId",
                        "applicationId",
                        "campaignReferenceId",
                    )
                ),
            }
        ],
    }

    async with bench() as run:
        answer = await run.send(nulls)

    assert answer == {
        "messages": [
            {"to": "41793026727", "status": ENROUTE, "smsCount": 1, "messageId": "9593247281168285258"}
        ]
    }


async def test_long_ids_are_clipped_on_v1_and_v2():
    """
    A bulkId over 100 characters and a messageId over 200 lose their ends; nothing is refused.
    """
    body = {
        "bulkId": "b" * 150,
        "messages": [{"destinations": [{"to": "41793026727", "messageId": "m" * 250}], "text": "hi"}],
    }

    async with bench() as run:
        answer = await run.send(body)

    assert (answer["bulkId"], answer["messages"][0]["messageId"]) == ("b" * 100, "m" * 200)


@pytest.mark.parametrize("written", ["41793026727", "+41793026727", "0041793026727", " 41793026727 "])
async def test_a_number_is_one_recipient_however_it_is_written(written):
    """
    `+`, `00` and blanks around a number change nothing; answers and reports show digits only.
    """
    async with bench() as run:
        answer = await run.send(one(written))
        await run.settle()
        reports = await run.get("/sms/1/reports")

    assert [entry["to"] for entry in answer["messages"]] == ["41793026727"]
    assert [report["to"] for report in reports["results"]] == ["41793026727"]


@given(number=st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True), prefix=st.sampled_from(["", "+", "00"]))
def test_normal_address__of_any_number(number, prefix):
    """
    Every spelling of a number has one normal form.
    """
    assert normal_address(prefix + number) == f"+{number}"


async def test_tracking_process_key():
    """
    v1 tells a trackingProcessKey of 32 upper-case hexadecimal digits when `track` is set, else none.
    """
    async with bench() as run:
        tracked = await run.send({**one(), "tracking": {"track": "URL"}})
        typed = await run.send({**one("41793026834"), "tracking": {"type": "CAMPAIGN"}})
        second = await run.send({**one("41793026700"), "tracking": {"track": "SMS"}}, "/sms/2/text/advanced")

    assert len(tracked["trackingProcessKey"]) == 32
    assert set(tracked["trackingProcessKey"]) <= set("0123456789ABCDEF")
    assert "trackingProcessKey" not in typed
    assert "trackingProcessKey" not in second


async def test_same_seed_same_ids():
    """
    Generated ids depend on the seed and the recipient's history, on nothing else.
    """
    answers = []
    for seed in (1, 1, 2):
        async with bench(seed=seed) as run:
            answers.append(await run.send(one(), "/sms/2/text/advanced"))

    assert answers[0] == answers[1]
    assert answers[0] != answers[2]


async def test_invalid_number__reported_later():
    """
    A setting lets what is no number pass the answer and fail by report, with status 8.
    """
    async with bench(invalid_number="report") as run:
        answer = await run.send(one("12"))
        await run.settle()
        reports = await run.get("/sms/1/reports")

    assert answer["messages"][0]["status"] == ENROUTE
    assert [report["status"] for report in reports["results"]] == [rejected(8)]


async def test_most_destinations__is_a_setting():
    """
    No limit on destinations by default; a setting refuses larger requests whole.
    """
    body = {"messages": [{"destinations": [{"to": f"4179302{n:04d}"} for n in range(3)], "text": "x"}]}

    async with bench(destinations_max=2) as run:
        answer = await run.call("POST", "/sms/1/text/advanced", body)
        count = len(run.space.simulation.messages)

    assert answer.status == 400
    assert answer.plain["requestError"]["serviceException"]["validationErrors"] == {
        "messages": ["must not exceed 2 destinations"]
    }
    assert count == 0
