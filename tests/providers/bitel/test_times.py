"""
When Bitel's statuses of short messages come, and when status calls show them.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.bitel.bench import Bench, read_settings
from simulator.kernel.store.facts import EntryKind

_SMS = {"message": "hi", "phoneNumber": "09120000001"}


async def _sent(bitel: Bench, **more: Any) -> str:
    got = await bitel.post("/sms/single", {**_SMS, **more})
    return str(got.body["result"]["id"])


async def test_oc13__delays_and_the_black_list_can_be_set() -> None:
    """
    The stations come when the settings say, and OTPs may stop at the black list, too.
    """
    async with Bench(check_ok_after="1m", deliver_after="1h", otp_reaches_blacklisted=False) as bitel:
        bitel.space.simulation.change_recipient("+989120000002", {"blacklisted": True})
        otp = {"phoneNumber": "09120000002", "appName": "Shop", "code": "1"}
        otp_id = (await bitel.post("/sms/otp", otp)).body["result"]["id"]
        request_id = await _sent(bitel)
        seen = []
        for by_ms in (59_999, 1, 3_539_999, 1):
            await bitel.advance(by_ms)
            seen.append((await bitel.get(f"/sms/status/{request_id}")).body["result"]["statusCode"])
        listed = (await bitel.get(f"/sms/status/{otp_id}")).body["result"]["status"]

    assert seen == [0, 2, 2, 1]
    assert listed == "BLACKLIST"


async def test_oc13__check_ok_does_not_hold_up_the_end() -> None:
    """
    Where CHECK_OK would come after the end, it comes with it: the end has its own time.
    """
    async with Bench(check_ok_after="1m", deliver_after="5s") as bitel:
        request_id = await _sent(bitel)
        failing = await _sent(bitel, phoneNumber="09600000004")
        seen = []
        for by_ms in (4_999, 1):
            await bitel.advance(by_ms)
            for one in (request_id, failing):
                seen.append((await bitel.get(f"/sms/status/{one}")).body["result"]["statusCode"])
        journal = [
            entry.code
            for entry in bitel.space.simulation.journal
            if entry.ref == request_id and entry.kind is EntryKind.MOVED
        ]

    assert seen == [0, 0, 1, 4]
    assert journal == ["CHECK_OK", ""]


@pytest.mark.parametrize("check_ok_after", ["1s..1m", "lognormal(median=4s, p99=30s)"])
async def test_oc13__check_ok_and_the_end_are_drawn_apart(check_ok_after: str) -> None:
    """
    However late CHECK_OK may be drawn, messages end when they would end without it.
    """
    ends = []
    for after in ("0s", check_ok_after):
        async with Bench(check_ok_after=after, deliver_after="2s..20s") as bitel:
            ids = [await _sent(bitel) for _ in range(20)]
            await bitel.settle()
            messages = [bitel.space.simulation.message("bitel", one) for one in ids]
            ends.append([message.changed_ms for message in messages if message is not None])

    assert ends[0] == ends[1]


async def test_validity_does_not_cut_off_phones_that_are_on() -> None:
    """
    A message to a phone that is on arrives when its delay says, however short the validity is.
    """
    async with Bench(validity="1s", deliver_after="1m") as bitel:
        arrived = await _sent(bitel)
        bitel.space.simulation.change_recipient("+989120000002", {"reachable": False})
        lost = await _sent(bitel, phoneNumber="09120000002")
        await bitel.settle()
        ends = [(await bitel.get(f"/sms/status/{one}")).body["result"]["status"] for one in (arrived, lost)]

    assert ends == ["DELIVERED", "DELIVERY_FAILED"]


async def test_oc19__status_is_final_before_the_webhook_unless_it_lags() -> None:
    """
    An integrator that asks while it is being told sees the final status, or an older one by setting.
    """
    seen: list[tuple[int, float]] = []

    async with Bench(deliver_after="3s") as bitel:
        request_ids = [await _sent(bitel)]

        async def ask(_: object) -> int:
            row = (await bitel.get(f"/sms/status/{request_ids[-1]}")).body["result"]
            seen.append((row["statusCode"], row["price"]))
            return 200

        bitel.receiver.answer = ask
        await bitel.settle()
        bitel.account.configure(read_settings({"status_lag": "10s"}))
        request_ids.append(await _sent(bitel))
        await bitel.settle()
        await bitel.advance(10_000)
        await ask(None)

    assert seen == [(1, -14.0), (2, 0.0), (1, -14.0)]


@pytest.mark.parametrize(
    ("code", "name"), [(1, "CHECK_OK"), (4, "CHECK_OK"), (5, "WAITING"), (9, "WAITING"), (10, "WAITING")]
)
async def test_oc19__lag_shows_what_came_before(code: int, name: str) -> None:
    """
    While the status lags, a message that was never handed to the operator is not shown as if it was.
    """
    async with Bench(status_lag="10s") as bitel:
        request_id = await _sent(bitel, phoneNumber=f"09600{code:06d}")
        await bitel.settle()
        got = (await bitel.get(f"/sms/status/{request_id}")).body["result"]

    assert (got["status"], got["price"]) == (name, 0.0)
