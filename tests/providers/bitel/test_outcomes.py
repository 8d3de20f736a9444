"""
What becomes of messages at Bitel: circumstances, magic recipients, and the words of scenario files.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import ClientConnectionError

from providers.bitel.bench import Bench
from simulator.kernel.store.facts import Failed
from simulator.providers.bitel import PROVIDER
from simulator.providers.bitel.codes import CALL_STATUSES, ERRORS, SMS_STATUSES
from simulator.scenario.loader import ScenarioError, load

_SMS = {"message": "hi", "phoneNumber": "09120000001"}
_TTS = {"phoneNumber": "09120000001", "text": "hello"}
_ROWS = PROVIDER.codes()


async def _ends(bitel: Bench, path: str, body: Any) -> tuple[int, str]:
    """Send, let everything happen, and return code and name of the status."""
    kind = path.split("/")[1]
    sent = await bitel.post(path, body)
    await bitel.settle()
    row = (await bitel.get(f"/{kind}/status/{sent.body['result']['id']}")).body["result"]
    return row["statusCode"], row["status"]


def _rule(then: dict[str, Any]) -> str:
    return json.dumps({"rules": [{"when": {"provider": "bitel"}, "then": then}]})


@pytest.mark.parametrize(
    ("circumstances", "sms", "call"),
    [
        ({"blacklisted": True}, (5, "BLACKLIST"), (1, "NORMAL")),
        ({"blocked": True}, (5, "BLACKLIST"), (3, "USER_BUSY")),
        ({"known": False}, (9, "ERROR"), (11, "ERROR")),
        ({"reachable": False}, (4, "DELIVERY_FAILED"), (2, "NO_ANSWER")),
        ({}, (1, "DELIVERED"), (1, "NORMAL")),
    ],
)
async def test_circumstances_lead_to_bitels_own_status(
    circumstances: dict[str, Any], sms: tuple[int, str], call: tuple[int, str]
) -> None:
    """
    Each circumstance of a recipient ends messages and calls with the status whose meaning fits.
    """
    async with Bench() as bitel:
        bitel.space.simulation.change_recipient("+989120000001", circumstances)
        ended = [await _ends(bitel, "/sms/single", _SMS), await _ends(bitel, "/voice/single/tts", _TTS)]

        assert ended == [sms, call]
        assert len(bitel.webhooks) == 2


async def test_message_for_a_phone_that_is_off_arrives_when_it_comes_back() -> None:
    """
    The operator has it meanwhile: CHECK_OK, no event, no charge; then it is delivered.
    """
    async with Bench() as bitel:
        simulation = bitel.space.simulation
        simulation.change_recipient("+989120000001", {"reachable": False})
        sent = await bitel.post("/sms/single", _SMS)
        await bitel.advance(3_600_000)
        path = f"/sms/status/{sent.body['result']['id']}"
        waiting = (await bitel.get(path)).body["result"]
        early = bitel.webhooks
        simulation.change_recipient("+989120000001", {"reachable": True})
        await bitel.settle()
        arrived = (await bitel.get(path)).body["result"]

        assert (waiting["status"], waiting["price"], early) == ("CHECK_OK", 0.0, [])
        assert (arrived["status"], arrived["price"]) == ("DELIVERED", -14.0)
        assert [one["cause"] for one in bitel.webhooks] == ["DELIVERED"]


def test_catalogue_is_whole() -> None:
    """
    Every status and error has a magic recipient of its own, written as clients write numbers.
    """
    kinds = {"sms": len(SMS_STATUSES), "call": len(CALL_STATUSES), "error": len(ERRORS)}

    assert {kind: sum(row.kind == kind for row in _ROWS) for kind in kinds} == kinds
    assert len({row.recipient for row in _ROWS}) == len(_ROWS)
    assert all(len(row.recipient) == 11 and row.recipient.startswith("0960") for row in _ROWS)


@pytest.mark.parametrize("row", [row for row in _ROWS if row.kind != "error"], ids=lambda row: row.recipient)
async def test_magic_recipient_ends_as_the_catalogue_says(row: Any) -> None:
    """
    A magic recipient leads to its status; exactly the final ones are told, once.
    """
    async with Bench() as bitel:
        path, body = ("/sms/single", _SMS) if row.kind == "sms" else ("/voice/single/tts", _TTS)
        ended = await _ends(bitel, path, {**body, "phoneNumber": row.recipient})
        final = {**SMS_STATUSES, **CALL_STATUSES}[row.name].final

        assert ended == (int(row.code), row.name)
        assert [one["cause"] for one in bitel.webhooks] == ([row.name] if final else [])


@pytest.mark.parametrize("row", [row for row in _ROWS if row.kind == "error"], ids=lambda row: row.code)
@pytest.mark.parametrize("path", ["/sms/single", "/voice/single/tts"])
async def test_magic_recipient_refuses_as_the_catalogue_says(row: Any, path: str) -> None:
    """
    A magic recipient gets the call refused with its error code, and leaves no message.
    """
    async with Bench() as bitel:
        body = {**_SMS, **_TTS, "phoneNumber": row.recipient}
        got = await bitel.post(path, body)

        assert got == (ERRORS[row.code].http, {"result": None, "error": row.code})
        assert dict(bitel.space.simulation.messages) == {}


async def test_number_beside_the_magic_ones_is_ordinary() -> None:
    """
    In the reserved block, what is not in the catalogue is a phone like any other.
    """
    async with Bench() as bitel:
        ended = [
            await _ends(bitel, "/sms/single", {**_SMS, "phoneNumber": number})
            for number in ("09600000003", "09602000099", "09603000001", "09601000002")
        ]

    assert ended == [(1, "DELIVERED")] * 4


@pytest.mark.parametrize("number", ["+989600abcdef", "+989600²²²²²²", "+98960000000٤", "+989603 00001"])
async def test_number_that_only_looks_magic_is_malformed(number: str) -> None:
    """
    Where malformed numbers are accepted, one that begins like a magic recipient ends as any other: ERROR.
    """
    async with Bench(bad_number="accept") as bitel:
        ended = [
            await _ends(bitel, path, {**body, "phoneNumber": number})
            for path, body in (("/sms/single", _SMS), ("/voice/single/tts", _TTS))
        ]

    assert ended == [(9, "ERROR"), (11, "ERROR")]


@pytest.mark.parametrize(
    ("fail", "sms", "call"),
    [
        ({"status": "CHECK_ERROR"}, (10, "CHECK_ERROR"), (11, "ERROR")),
        ({"status": 4, "after": "1m"}, (4, "DELIVERY_FAILED"), (11, "ERROR")),
        ({"call": "NO_ANSWER"}, (4, "DELIVERY_FAILED"), (2, "NO_ANSWER")),
        ({"call": 20}, (4, "DELIVERY_FAILED"), (20, "UNKNOWN")),
        ({"reason": "blacklisted"}, (5, "BLACKLIST"), (11, "ERROR")),
        ({"reason": "absent"}, (4, "DELIVERY_FAILED"), (2, "NO_ANSWER")),
        ({}, (4, "DELIVERY_FAILED"), (11, "ERROR")),
    ],
)
async def test_rule_can_fail_with_bitels_status(
    fail: dict[str, Any], sms: tuple[int, str], call: tuple[int, str]
) -> None:
    """
    A rule names a status of messages or of calls; the other kind fails in its own way.
    """
    async with Bench() as bitel:
        bitel.space.load(load(_rule({"fate": {"fail": fail}}), "rule", {"bitel": PROVIDER}))
        ended = [await _ends(bitel, "/sms/single", _SMS), await _ends(bitel, "/voice/single/tts", _TTS)]

    assert ended == [sms, call]


@pytest.mark.parametrize(("fate", "sms", "call"), [
    ("expire", (4, "DELIVERY_FAILED"), (10, "EXPIRED")),
    ("silence", (2, "CHECK_OK"), (0, "WAITING")),
    ({"read": {"after": "1s"}}, (1, "DELIVERED"), (1, "NORMAL")),
])  # fmt: skip
async def test_fate_that_knows_no_provider_has_bitels_status(
    fate: Any, sms: tuple[int, str], call: tuple[int, str]
) -> None:
    """
    Fates in words of all providers end in a status of Bitel's; reading is nothing that Bitel tells.
    """
    async with Bench() as bitel:
        bitel.space.load(load(_rule({"fate": fate}), "rule", {"bitel": PROVIDER}))
        ended = [await _ends(bitel, "/sms/single", _SMS), await _ends(bitel, "/voice/single/tts", _TTS)]

        assert ended == [sms, call]
        assert len(bitel.webhooks) == (0 if fate == "silence" else 2)


@pytest.mark.parametrize(
    ("refuse", "status", "code"),
    [
        ("InvalidRequest", 400, "InvalidRequest"),
        ("Unauthorized", 401, "Unauthorized"),
        ({"code": "NotEnoughCredit", "http": 402}, 402, "NotEnoughCredit"),
    ],
)
async def test_rule_can_refuse_with_bitels_code_or_the_users(refuse: Any, status: int, code: str) -> None:
    """
    Known codes go by name; what the lost page of general errors says, the user supplies (OC-5).
    """
    async with Bench() as bitel:
        bitel.space.load(load(_rule({"answer": {"refuse": refuse}}), "rule", {"bitel": PROVIDER}))
        got = [await bitel.post("/sms/single", _SMS), await bitel.get("/sms/status/none")]

        assert got == [(status, {"result": None, "error": code})] * 2
        assert dict(bitel.space.simulation.messages) == {}


@pytest.mark.parametrize(
    ("then", "complaint"),
    [
        ({"fate": {"fail": {"status": 3}}}, "there is no SMS status 3"),
        ({"fate": {"fail": {"call": 5}}}, "there is no call status 5"),
        ({"fate": {"fail": {"status": "DELIVERED"}}}, "DELIVERED is no failure"),
        ({"fate": {"fail": {"call": "WAITING"}}}, "WAITING is no failure"),
        ({"fate": {"fail": {"status": 4, "call": 2}}}, "not both"),
        ({"answer": {"refuse": "InvalidNumber"}}, "InvalidNumber"),
        ({"answer": {"refuse": {"code": "X"}}}, "the key 'http' is missing"),
    ],
)
def test_rule_with_a_wrong_word_is_refused(then: dict[str, Any], complaint: str) -> None:
    """
    What Bitel does not have cannot be asked for; the complaint says what was wrong.
    """
    with pytest.raises(ScenarioError) as refusal:
        load(_rule(then), "rule", {"bitel": PROVIDER})

    assert complaint in str(refusal.value).replace('"', "'")


async def test_connection_can_be_cut_before_any_work() -> None:
    """
    A rule that drops the connection leaves no message and no failure inside the simulator.
    """
    async with Bench() as bitel:
        bitel.space.load(load(_rule({"answer": {"drop": "before"}}), "rule", {"bitel": PROVIDER}))
        with pytest.raises(ClientConnectionError):
            await bitel.post("/sms/single", _SMS)
        failed = [e for e in bitel.space.simulation.journal if isinstance(e.fact, Failed)]

        assert (failed, dict(bitel.space.simulation.messages)) == ([], {})


async def test_contradicted_end_is_told_twice_and_paid_once() -> None:
    """
    A scenario may have the integrator told the opposite later; status and balance keep to the truth.
    """
    balance = {"amount": 100, "code": "NoMoney", "http": 402}
    async with Bench(balance=balance) as bitel:
        then = {"webhooks": {"contradict": "100%"}}
        bitel.space.load(load(_rule(then), "rule", {"bitel": PROVIDER}))
        ended = await _ends(bitel, "/sms/single", _SMS)
        looked = bitel.account.actions["balance"]({})

        assert ended == (1, "DELIVERED")
        assert [one["cause"] for one in bitel.webhooks] == ["DELIVERED", "DELIVERY_FAILED"]
        assert looked == {"balance": 86.0, "subtracted": 14.0, "pending": 0.0}
