"""
Hashes of numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simulator.providers.bip.addresses import hash_of, number_of


@given(st.integers(905_000_000_000, 905_999_999_999), st.sampled_from(["base64", "hex"]))
def test_hash_leads_back_to_its_number(number: int, form: str) -> None:
    """
    A hash of either form stands for one number, and is as long as the documented ones.
    """
    hashed = hash_of(f"+{number}", form)

    assert number_of(hashed) == f"+{number}"
    assert len(hashed) == (32 if form == "hex" else 24)


@given(st.text(max_size=40) | st.binary(min_size=16, max_size=16).map(bytes.hex))
def test_what_was_never_issued_stands_for_nobody(text: str) -> None:
    """
    Other texts are no hashes.
    """
    assert number_of(text) == ""


async def test_service_without_plain_numbers_lives_on_hashes(bip: Callable[..., Any]) -> None:
    """
    Without the authority a plain number is 306, and users show as hashes everywhere.
    """
    hashed = hash_of("+905320000001")
    scenario = 'recipients: {"905320000001": {follower: true}}'
    message = {"composition": {"list": [{"type": 0, "message": "hello"}]}}
    async with bip(scenario, plain_numbers=False) as bench:
        plain = await bench.send("905320000001")
        got = await bench.call(
            "sendmsgserv", {"txnid": "t", "receiver": {"type": 0, "address": hashed}, **message}
        )
        contacts = await bench.call("listcontacts", {"txnid": "c"})
        await bench.settle()

    assert plain == (
        200,
        {"txnid": "t-1", "resultcode": 306},
        "306: the provider's own checks: service not authorized to send with a plain number",
    )
    assert got.body["list"][0]["receiver"] == hashed
    assert contacts == (
        200,
        {"txnid": "c", "resultcode": 0, "list": [{"type": 0, "address": hashed}]},
        "",
    )
    assert [body["sender"] for _, body in bench.hooks] == [hashed]


async def test_hash_of_nobody_is_no_user(bip: Callable[..., Any]) -> None:
    """
    A hash that was never issued is answered 301, not 312.
    """
    body = {
        "txnid": "t",
        "receiver": {"type": 0, "address": "QUJDREVGR0hJSktMTU5PUA=="},
        "composition": {"list": [{"type": 0, "message": "hello"}]},
    }
    async with bip() as bench:
        got = await bench.call("sendmsgserv", body)

    assert got == (200, {"txnid": "t", "resultcode": 301}, "301: circumstances: BiP user not defined")


async def test_number_can_be_hashed_over_the_control_api(bip: Callable[..., Any]) -> None:
    """
    The action `hash` tells a test which hash a number has.
    """
    async with bip() as bench:
        told = bench.account.actions["hash"]({"recipient": "905320000001"})

    assert told == {"address": "+905320000001", "hash": hash_of("+905320000001")}
