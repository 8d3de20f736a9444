"""
The open choices of Bitel's documentation: each can be chosen otherwise.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.bitel.bench import EPOCH_S, Bench, Got, read_settings
from simulator.kernel.model.rules import AnswerFault, Behaviour, Match, Rule, Throttle
from simulator.kernel.model.scenario import Scenario
from simulator.kernel.model.units import parse_rate
from simulator.kernel.store.facts import Lost
from simulator.providers.bitel import PROVIDER

_SMS = {"message": "hi", "phoneNumber": "09120000001"}
_TTS = {"phoneNumber": "09120000001", "text": "hello"}


async def _sent(bitel: Bench, **more: Any) -> str:
    got = await bitel.post("/sms/single", {**_SMS, **more})
    return str(got.body["result"]["id"])


def _refused(code: str, status: int = 400) -> Got:
    return Got(status, {"result": None, "error": code})


async def test_oc1__401_may_have_no_body() -> None:
    """
    The default of the server that Bitel seems to run is an empty 401.
    """
    async with Bench(unauthorized_body="empty") as bitel:
        got = await bitel.call("POST", "/api/v2/sms/single", _SMS, headers={})

    assert got == Got(401, None)


async def test_oc2__http_status_of_a_code_may_be_another() -> None:
    """
    No page says which 4xx goes with which code.
    """
    async with Bench(http={"InvalidGateway": 403}) as bitel:
        got = await bitel.post("/sms/single", {**_SMS, "gatewayNumber": "3"})

    assert got == _refused("InvalidGateway", 403)


@pytest.mark.parametrize("status", [200, 400, 599])
async def test_oc2__status_of_an_error_may_be_any_that_has_a_body(status: int) -> None:
    """
    Whatever the status, the envelope with the code goes with it.
    """
    async with Bench(http={"InvalidRequest": status}) as bitel:
        got = await bitel.post("/sms/single", {**_SMS, "message": ""})

    assert got == _refused("InvalidRequest", status)


@pytest.mark.parametrize("status", [199, 204, 304, 399, 600, True, "400"])
@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (lambda http: {"http": {"InvalidRequest": http}}, "http.InvalidRequest"),
        (lambda http: {"throttled": {"code": "X", "http": http}}, "throttled.http"),
        (lambda http: {"balance": {"amount": 1, "code": "X", "http": http}}, "balance.http"),
    ],
)
def test_oc2__status_without_a_body_is_refused(settings: Any, place: str, status: Any) -> None:
    """
    A status whose answer could not carry the code, or that is none, is refused with what was expected.
    """
    with pytest.raises(AssertionError) as refusal:
        read_settings(settings(status))

    assert f"{place}: expected an HTTP status: 200, or 400 to 599, got" in str(refusal.value)


async def test_oc3__status_may_have_the_shape_of_the_send_reply() -> None:
    """
    `status` is then the number and `statusText` the word.
    """
    async with Bench(status_shape="send") as bitel:
        request_id = await _sent(bitel)
        await bitel.settle()
        got = await bitel.get(f"/sms/status/{request_id}")

    assert got.body["result"] == {
        "id": request_id,
        "gatewayNumber": "10009909",
        "phoneNumber": "09120000001",
        "message": "hi",
        "requestDate": EPOCH_S,
        "status": 1,
        "statusText": "Delivered",
        "partCount": 1,
        "price": -14.0,
    }


async def test_oc3__status_may_have_the_shape_of_the_sample() -> None:
    """
    The page's sample is v1's: no status at all, and a positive amount.
    """
    async with Bench(status_shape="legacy_sample") as bitel:
        request_id = await _sent(bitel)
        await bitel.settle()
        got = await bitel.get(f"/sms/status/{request_id}")

    assert got.body["result"] == {
        "id": request_id,
        "message": "hi",
        "phoneNumber": "09120000001",
        "requestDate": EPOCH_S,
        "result": "ok",
        "smsCount": 1,
        "balanceSubtracted": 14.0,
    }


async def test_oc4__unknown_sms_may_be_a_null_result() -> None:
    """
    Only the voice page names NotFound.
    """
    async with Bench(unknown_sms="null") as bitel:
        got = await bitel.get("/sms/status/none")

    assert got == Got(200, {"result": None, "error": None})


async def test_oc5__throttled_call_says_what_the_user_chose() -> None:
    """
    Bitel's word for too many calls is not known; ours says that it is simulated, or the user's own.
    """
    throttle = Throttle(parse_rate("1/s"), 1)
    rule = Rule(name="slow", when=Match(), then=Behaviour(answer=AnswerFault(throttle=throttle)))
    async with Bench() as bitel:
        bitel.space.simulation.load(Scenario(rules=(rule,)))
        await bitel.post("/sms/single", _SMS)
        ours = await bitel.post("/sms/single", _SMS)
        bitel.account.configure(read_settings({"throttled": {"code": "SlowDown", "http": 503}}))
        theirs = await bitel.post("/sms/single", _SMS)

    assert [ours, theirs] == [_refused("SimulatedRateLimit", 429), _refused("SlowDown", 503)]


async def test_oc6__call_status_may_lack_the_envelope() -> None:
    """
    The page prints the successful one bare.
    """
    async with Bench(call_status="bare") as bitel:
        sent = await bitel.post("/voice/single/tts", _TTS)
        got = await bitel.get(f"/voice/status/{sent.body['result']['id']}")
        unknown = await bitel.get("/voice/status/none")

    assert got.body == sent.body["result"]
    assert unknown == _refused("NotFound", 404)


async def test_oc7__any_number_may_do_and_a_bad_one_may_have_its_own_code() -> None:
    """
    Only 0912… is shown, and InvalidPhoneNumber is an example that no page lists.
    """
    async with Bench(numbers="any", bad_number_code="InvalidPhoneNumber") as bitel:
        foreign = await bitel.post("/sms/single", {**_SMS, "phoneNumber": "+41793026727"})
        bad = await bitel.post("/sms/single", {**_SMS, "phoneNumber": "mum"})
        recipients = [key.recipient for key in bitel.space.simulation.messages]

    assert foreign.body["result"]["phoneNumber"] == "+41793026727"
    assert bad == _refused("InvalidPhoneNumber")
    assert recipients == ["+41793026727"]


async def test_oc8__templates_are_the_users_and_may_refuse_extra_parameters() -> None:
    """
    Variables are positional and may repeat; too many parameters can be an error as well.
    """
    templates = {"7": {"text": "{0}, {0}, {1}"}, "8": {"text": "later", "approved": False}}
    async with Bench(templates=templates, extra_params="refuse") as bitel:
        asked = {"phoneNumber": "09120000001", "params": ["a", "b"], "templateId": 7}
        good = await bitel.post("/sms/template", asked)
        extra = await bitel.post("/sms/template", {**asked, "params": ["a", "b", "c"]})
        pending = await bitel.post("/sms/template", {**asked, "templateId": 8})
        bitel.account.actions["review_template"]({"templateId": 8, "approved": True})
        approved = await bitel.post("/sms/template", {**asked, "templateId": 8, "params": []})

    assert good.body["result"]["message"] == "a, a, b"
    assert [extra, pending] == [_refused("TemplateFormatError"), _refused("TemplatePending")]
    assert approved.body["result"]["message"] == "later"


@pytest.mark.parametrize("asked", [{}, [], {"templateId": 99}, {"templateId": "1"}, {"templateId": True},
                                   {"templateId": 1, "approved": "yes"}])  # fmt: skip
async def test_oc8__review_of_nothing_is_refused(asked: Any) -> None:
    """
    The action says what was expected.
    """
    async with Bench() as bitel:
        with pytest.raises(ValueError, match="expected"):
            bitel.account.actions["review_template"](asked)


async def test_oc9__limits_may_be_others() -> None:
    """
    An empty text may pass, and a batch may be shorter or longer.
    """
    async with Bench(empty_message="accept", recipients_max=1) as bitel:
        empty = await bitel.post("/sms/single", {**_SMS, "message": ""})
        batch = {"message": "hi", "phoneNumbers": ["09120000001", "09120000002"]}
        two = await bitel.post("/sms/batch", batch)

    assert (empty.status, empty.body["result"]["message"]) == (200, "")
    assert two == _refused("InvalidRequest")


async def test_oc9__template_without_a_word_is_an_empty_message() -> None:
    """
    Parameters may leave nothing of a template, which is refused or accepted as any empty text.
    """
    asked = {"phoneNumber": "09120000001", "params": [""], "templateId": 7}
    async with Bench(templates={"7": {"text": "{0}"}}) as bitel:
        refused = await bitel.post("/sms/template", asked)
        bitel.account.configure(read_settings({"empty_message": "accept"}))
        accepted = await bitel.post("/sms/template", asked)

    assert refused == _refused("InvalidRequest")
    assert (accepted.status, accepted.body["result"]["message"]) == (200, "")


async def test_oc10__malformed_number_may_end_as_error() -> None:
    """
    The table lists an invalid phone number under 9; then the rest of the batch goes on.
    """
    async with Bench(bad_number="accept") as bitel:
        batch = {"message": "hi", "phoneNumbers": ["0912", "09120000002", ""]}
        sent = await bitel.post("/sms/batch", batch)
        await bitel.settle()
        ends = [(await bitel.get(f"/sms/status/{row['id']}")).body["result"] for row in sent.body["result"]]

    assert [(row["phoneNumber"], row["statusCode"]) for row in ends] == [
        ("0912", 9),
        ("09120000002", 1),
        ("", 9),
    ]


async def test_oc11__checks_may_have_another_order() -> None:
    """
    Of two mistakes, the one that is checked first is told.
    """
    both = {**_SMS, "phoneNumber": "mum", "gatewayNumber": "3"}
    async with Bench() as bitel:
        usual = await bitel.post("/sms/single", both)
        bitel.account.configure(read_settings({"check_order": ["gateway"]}))
        turned = await bitel.post("/sms/single", both)

    assert [usual, turned] == [_refused("InvalidRequest"), _refused("InvalidGateway")]


async def test_oc12__gateways_are_the_users() -> None:
    """
    The default one is always allowed; the word any allows all.
    """
    async with Bench(default_gateway="3000", gateways=["4000"]) as bitel:
        answers = [
            await bitel.post("/sms/single", {**_SMS, "gatewayNumber": number})
            for number in ("3000", "4000", "10007200")
        ]
        bitel.account.configure(read_settings({"gateways": "any"}))
        answers.append(await bitel.post("/sms/single", {**_SMS, "gatewayNumber": "10007200"}))

    assert [got.body["error"] for got in answers] == [None, None, "InvalidGateway", None]
    assert [got.body["result"]["gatewayNumber"] for got in answers if got.body["result"]] == [
        "3000",
        "4000",
        "10007200",
    ]


async def test_oc15__status_text_can_be_spelt_otherwise() -> None:
    """
    Only Waiting is attested, and even that can be replaced.
    """
    async with Bench(status_texts={"WAITING": "در صف"}) as bitel:
        got = await bitel.post("/sms/single", _SMS)

    assert got.body["result"]["statusText"] == "در صف"


@pytest.mark.parametrize(
    ("text", "parts"),
    [("x" * 160, 1), ("x" * 161, 2), ("x" * 306, 2), ("x" * 307, 3),
     ("س" * 70, 1), ("س" * 71, 2), ("س" * 134, 2), ("س" * 135, 3)],
)  # fmt: skip
async def test_oc16__parts_are_counted_by_the_gsm_rules(text: str, parts: int) -> None:
    """
    160 and 153 characters in GSM-7, 70 and 67 in UCS-2; a setting counts every text as one.
    """
    async with Bench() as bitel:
        counted = await bitel.post("/sms/single", {**_SMS, "message": text})
        bitel.account.configure(read_settings({"parts": "one"}))
        one = await bitel.post("/sms/single", {**_SMS, "message": text})

    assert [counted.body["result"]["partCount"], one.body["result"]["partCount"]] == [parts, 1]


@pytest.mark.parametrize(("status", "told"), [("name", "DELIVERED"), ("code", 1), ("text", "Delivered")])
async def test_oc17__webhook_can_be_filled_otherwise(status: str, told: object) -> None:
    """
    Neither the form of the status nor the sign of the amount is documented.
    """
    body = {"status": status, "amount": "negative", "batch_id": "never"}
    async with Bench(webhook_body=body) as bitel:
        batch = {"message": "hi", "phoneNumbers": ["09120000001"]}
        sent = await bitel.post("/sms/batch", batch)
        await bitel.settle()

        assert bitel.webhooks == [
            {
                "requestId": sent.body["result"][0]["id"],
                "batchId": None,
                "balanceSubtracted": -14.0,
                "cause": told,
                "smsCount": 1,
                "requestDate": EPOCH_S,
                "deliveryStatus": told,
            }
        ]


async def test_oc18__failed_webhook_is_lost_unless_a_retry_is_set() -> None:
    """
    One attempt by default, recorded in the journal; a list of waits adds more.
    """
    async with Bench() as bitel:
        bitel.receiver.answer = lambda _: 500
        await _sent(bitel)
        await bitel.settle()
        once = len(bitel.receiver.received)
        journal = bitel.space.simulation.journal
        lost = [entry.fact for entry in journal if isinstance(entry.fact, Lost)]
        retry = {"url": bitel.receiver.url, "retry": ["1s", "2s"]}
        bitel.account.configure(read_settings({"webhook": retry}))
        await _sent(bitel)
        await bitel.settle()
        thrice = len(bitel.receiver.received) - once

    assert (once, thrice) == (1, 3)
    assert lost == [Lost("DELIVERED", 1)]


async def test_oc20__duplicate_numbers_get_a_message_each_or_are_refused() -> None:
    """
    Each place of a batch is a request of its own.
    """
    batch = {"message": "hi", "phoneNumbers": ["09120000001", "09120000001"]}
    async with Bench() as bitel:
        each = await bitel.post("/sms/batch", batch)
        await bitel.settle()
        told = len(bitel.webhooks)
        bitel.account.configure(read_settings({"duplicate_numbers": "refuse"}))
        refused = await bitel.post("/sms/batch", batch)

    assert len({row["id"] for row in each.body["result"]}) == told == 2
    assert refused == _refused("InvalidRequest")


@pytest.mark.parametrize(
    ("numbers", "pair"),
    [
        ("mobile", ["09120000001", "+989120000001"]),
        ("mobile", ["00989120000001", "989120000001"]),
        ("any", ["02188888888", "+982188888888"]),
        ("any", ["mum", "mum"]),
    ],
)
@pytest.mark.parametrize("path", ["/sms/batch", "/voice/batch/tts"])
async def test_oc20__duplicates_are_told_by_the_phone(path: str, numbers: str, pair: list[str]) -> None:
    """
    Two spellings of one number are the same number twice.
    """
    async with Bench(duplicate_numbers="refuse", numbers=numbers, bad_number="accept") as bitel:
        body = {"message": "hi", "text": "hi", "phoneNumbers": pair}
        refused = await bitel.post(path, body)
        one = await bitel.post(path, {**body, "phoneNumbers": [*pair[:1], "09120000002"]})

    assert (refused, one.status) == (_refused("InvalidRequest"), 200)


async def test_oc21__servers_and_voices_are_the_users() -> None:
    """
    Ids are not documented; lists, or the word any, say which exist.
    """
    call = {"phoneNumber": "09120000001", "voiceId": "welcome", "serverId": 12}
    async with Bench(servers=["12"], voices="any", unknown_voice_code="NotFound") as bitel:
        good = await bitel.post("/voice/single", call)
        server = await bitel.post("/voice/single", {**call, "serverId": 1})
        bitel.account.configure(read_settings({"voices": []}))
        voice = await bitel.post("/voice/single", call)

    assert good.status == 200
    assert [server, voice] == [_refused("InvalidServer"), _refused("NotFound", 404)]


async def test_oc22__unknown_path_and_wrong_method_may_have_another_body() -> None:
    """
    404 has the envelope and 405 nothing; both can be turned round.
    """
    async with Bench() as bitel:
        usual = [await bitel.post("/sms/bulk", _SMS), await bitel.get("/sms/single")]
        turned_round = {"not_found_body": "empty", "wrong_method_body": "envelope"}
        bitel.account.configure(read_settings(turned_round))
        turned = [await bitel.post("/sms/bulk", _SMS), await bitel.get("/sms/single")]

    assert usual == [_refused("NotFound", 404), Got(405, None)]
    assert turned == [Got(404, None), _refused("NotFound", 405)]


def test_settings_in_force_can_be_read_back() -> None:
    """
    What the control API shows of an account is plain JSON and keeps secrets to itself.
    """
    simulation: Any = None
    account = PROVIDER.open(simulation)
    account.configure(read_settings({"credentials": ["s3cret"], "gateways": "any"}))

    shown = json.dumps(account.describe())

    assert "s3cret" not in shown
    assert json.loads(shown)["gateways"] == "any"
