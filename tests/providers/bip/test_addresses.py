"""
Hashes of numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.rules import Act
from simulator.providers.bip.addresses import hash_of, number_of

OPAQUE = "QUJDREVGR0hJSktMTU5PUA=="
"""A hash that no service issued here."""


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
        "306: the provider's own checks: the service may not name users by number; "
        "listcontacts has their hashes",
    )
    assert got.body["list"][0]["receiver"] == hashed
    assert contacts == (
        200,
        {"txnid": "c", "resultcode": 0, "list": [{"type": 0, "address": hashed}]},
        "",
    )
    assert [body["sender"] for _, body in bench.hooks] == [hashed]


def to_hash(address: str) -> dict[str, object]:
    """Return the body of a send to a hash."""
    text = {"type": 0, "message": "hello"}
    return {"txnid": "t", "receiver": {"type": 0, "address": address}, "composition": {"list": [text]}}


async def test_hash_that_nobody_issued_is_nobody_where_hashes_are_strict(bip: Callable[..., Any]) -> None:
    """
    It is answered 301, not 312, and the reason says where hashes come from.
    """
    async with bip(known_hashes="strict") as bench:
        got = await bench.call("sendmsgserv", to_hash(OPAQUE))
        odd = await bench.call("sendmsgserv", to_hash("12"))

    issued = 'those of this service come from listcontacts or the action hash {"recipient": "905320000001"}'
    refused = (200, {"txnid": "t", "resultcode": 301})
    assert got == (*refused, f"301: circumstances: the service issued no hash {OPAQUE}; {issued}")
    expected = "expected a hash: 24 characters of base64, or 32 hexadecimal digits"
    assert odd == (*refused, f"301: circumstances: {expected}; {issued}")


@pytest.mark.parametrize("opaque", ["QUJDREVGR0hJSktMTU5PUA==", "0123456789abcdef0123456789abcdef"])
async def test_hash_that_nobody_issued_is_a_user_of_its_own(bip: Callable[..., Any], opaque: str) -> None:
    """
    Integrators have hashes from the real service; such a user gets messages, acts, and shows by that hash.
    """
    async with bip(session={"required": False}) as bench:
        got = await bench.call("sendmsgserv", to_hash(opaque))
        await bench.settle()
        bench.space.simulation.act("bip", opaque, Act("follows"))
        contacts = await bench.call("listcontacts", {"txnid": "c"})
        await bench.settle()

    assert got.body["list"][0]["receiver"] == opaque
    assert [body["sender"] for _, body in bench.hooks] == [opaque, opaque]
    assert contacts.body["list"] == [{"type": 0, "address": opaque}]


async def test_circumstances_of_a_hash_are_those_of_its_user(bip: Callable[..., Any]) -> None:
    """
    Scenario files name an opaque user as clients do.
    """
    async with bip(f'recipients: {{"{OPAQUE}": {{blocked: true, session: true}}}}') as bench:
        got = await bench.call("sendmsgserv", to_hash(OPAQUE))

    assert got.body["resultcode"] == 302
    assert got.reason == "302: circumstances: the user blocked the service (circumstance blocked)"


async def test_number_can_be_hashed_over_the_control_api(bip: Callable[..., Any]) -> None:
    """
    The action `hash` tells a test which hash a number has.
    """
    async with bip() as bench:
        told = bench.account.actions["hash"]({"recipient": "905320000001"})

    assert told == {"address": "+905320000001", "hash": hash_of("+905320000001")}
