"""
Long JSON is read a piece at a time, and means the same.
"""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.schema.long_json import TooManyValues, decode_long

SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@given(TREES, st.sampled_from([1, 4_000]), st.booleans())
def test_long_bodies_mean_what_short_ones_do(tree: object, copies: int, in_list: bool) -> None:
    """
    However often something is repeated, it is read as any decoder reads it.
    """
    many = [tree] * copies if in_list else {str(number): tree for number in range(copies)}
    body = json.dumps(many, indent=1).encode()

    if body.count(b":") <= 210_000 and body.count(b",") <= 300_000:
        assert decode_long(body) == msgspec.json.decode(body)


@pytest.mark.parametrize(
    "body", [b"[" + b"[]," * 300_001 + b"[]]", b'{"a":[' + b'{"":0},' * 210_001 + b"0]}"]
)
def test_more_values_than_anybody_sends_are_refused(body: bytes) -> None:
    """
    What would take long to read is not read at all.
    """
    with pytest.raises(TooManyValues, match="expected at most 210,000 colons and 300,000 commas"):
        decode_long(body)


@pytest.mark.parametrize("body", [b"[" + b"0," * 50_000, b'{"a": [' + b"x," * 50_000 + b"0]}"])
def test_long_body_that_is_no_json_is_told_as_ever(body: bytes) -> None:
    """
    Half a list, and a list of what is none, raise what the decoder raises.
    """
    with pytest.raises(msgspec.DecodeError):
        decode_long(body)
