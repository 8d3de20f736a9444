"""
Bitel's wire format without HTTP: numbers, bodies, texts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.provider import Refuse
from simulator.providers.bitel.wire import Body, local_number, network_address, otp_text

_ABONENT = st.from_regex(r"9[0-9]{9}", fullmatch=True)


@given(_ABONENT, st.sampled_from(["0", "+98", "0098", "98"]))
def test_every_form_of_a_number_means_the_same_phone(abonent: str, prefix: str) -> None:
    """
    09…, +989…, 00989… and 989… are one recipient, whose documented form is 09….
    """
    address = network_address(prefix + abonent, "mobile")

    assert address == f"+98{abonent}"
    assert local_number(address) == f"0{abonent}"


@pytest.mark.parametrize(
    ("number", "address"),
    [
        ("02188888888", "+982188888888"),
        ("+982188888888", "+982188888888"),
        ("00982188888888", "+982188888888"),
        ("982188888888", "+982188888888"),
        ("0041793026727", "+41793026727"),
        ("09120000001", "+989120000001"),
        ("012345", "+9812345"),
        ("01234", None),
        ("01234567890123", "+981234567890123"),
        ("012345678901234", None),
        ("0002188888888", None),
    ],
)
def test_any_number_may_be_written_as_in_iran(number: str, address: str | None) -> None:
    """
    Where any number is accepted, a single leading zero means Iran; 7 to 15 digits are a number.
    """
    assert network_address(number, "any") == address


@given(st.from_regex(r"(\+|00|0|)(98)?[0-9]{4,15}", fullmatch=True))
def test_what_is_printed_is_accepted(number: str) -> None:
    """
    Where any number is accepted, its local spelling is the same phone.
    """
    address = network_address(number, "any")

    assert address is None or network_address(local_number(address), "any") == address


@given(st.text(max_size=20))
def test_number_is_good_or_nothing(text: str) -> None:
    """
    Whatever text comes, the answer is a well-formed address or None; no text breaks the reader.
    """
    address = network_address(text, "mobile")

    assert address is None or (len(address) == 13 and address.startswith("+989") and address[1:].isascii())


@pytest.mark.parametrize("number", ["0912000000", "091200000012", " 09120000001", "09120000001\n",
                                    "9120000001", "00912000001", "+989120000001 ", "0812345678"])  # fmt: skip
def test_malformed_number_has_no_address(number: str) -> None:
    """
    Near misses are misses.
    """
    assert network_address(number, "mobile") is None


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _read(read: Callable[[], Any]) -> tuple[Refuse | None, Any]:
    """Return the refusal of *read*, or what it read."""
    try:
        return None, read()
    except Refuse as bad:
        return bad, None


@given(_JSON, st.sampled_from(["text", "texts", "word", "words", "whole"]))
def test_value_is_read_or_refused(value: Any, reader: str) -> None:
    """
    Any JSON value at a key is read as what it should be, or refused; nothing else is raised.
    """
    body = Body(json.dumps({"Key": value}).encode())

    refusal, read = _read(lambda: getattr(body, reader)("key"))

    if refusal is not None:
        assert refusal.code == "InvalidRequest"
        assert refusal.why.startswith("key")
    else:
        given_texts = value if isinstance(value, list) else [value]
        read_texts = read if isinstance(read, list) else [read]
        assert [str(one) for one in read_texts] == [str(one) for one in given_texts]


@given(st.binary(max_size=60))
def test_bytes_are_an_object_or_refused(raw: bytes) -> None:
    """
    A body that is no JSON object is refused, whatever its bytes.
    """
    refusal, _ = _read(lambda: Body(raw))

    assert refusal.code == "InvalidRequest" if refusal else isinstance(json.loads(raw), dict)


def test_otp_text_is_the_one_on_the_page() -> None:
    """
    The words of an OTP are Bitel's; spaces may be collapsed, as one copy of the page shows them.
    """
    assert " ".join(otp_text("Shop", "1234").split()) == "به Shop خوش آمدید کد یکبار مصرف شما: 1234"
