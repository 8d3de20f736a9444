"""
The control API takes anything: it does it, or refuses it as a problem.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from house import House, open_house
from simulator.server.operations.table import OPERATIONS


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Yield a server that runs for all tests of this module."""
    with open_house() as opened:
        yield opened


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["\x00\x1b[31m", "\u202e", "*"]),
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)

CONTROL = [
    (operation.method, operation.path)
    for operation in OPERATIONS
    # Creating thousands of spaces and waiting would only make this slow.
    if not operation.path.endswith("/wait") and operation.summary != "Create a space"
]
names = st.one_of(
    st.sampled_from(["default", "infobip", "+41793026727", "none", "*", "+41*", ".."]), st.text(max_size=12)
)


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(CONTROL),
    st.lists(names, min_size=3, max_size=3),
    anything,
    st.sampled_from(["json", "yaml"]),
)
def test_control_api__never_fails(
    house: House, operation: tuple[str, str], fill: list[str], body: Any, kind: str
) -> None:
    """
    Any body to any operation is done or refused as a problem; nothing is ever a failure of ours.
    """
    method, path = operation
    path = path.replace("{space}", "default", 1)
    for name in fill:
        head, brace, tail = path.partition("{")
        path = head + quote(name, safe="") + tail.partition("}")[2] if brace else path

    status, content_type, answer = house.call(
        method, path, json.dumps(body).encode(), {"Content-Type": f"application/{kind}"}
    )

    assert status < 500, answer
    if status >= 400:
        problem = json.loads(answer)
        assert content_type.startswith("application/problem+json")
        assert problem["status"] == status
        assert problem["detail"]
    house.is_well()


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=100), st.sampled_from(CONTROL))
def test_control_api__takes_no_harm_from_bytes(house: House, body: bytes, operation: tuple[str, str]) -> None:
    """
    Bytes that are no JSON are refused as a problem.
    """
    method, path = operation
    for part in ("{space}", "{provider}", "{action}", "{address}", "{id}"):
        path = path.replace(part, "default" if part == "{space}" else "infobip")

    status, _, answer = house.call(method, path, body, {"Content-Type": "application/json"})

    assert status < 500, answer
    house.is_well()


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        st.sampled_from(
            ["limit", "offset", "after", "provider", "recipient", "state", "for", "count", "follow"]
        ),
        st.one_of(st.text(max_size=8), st.integers().map(str)),
        max_size=3,
    ),
    st.sampled_from(["messages", "webhooks", "requests", "journal", "recipients", "wait"]),
)
def test_control_api__takes_any_query(house: House, query: dict[str, str], what: str) -> None:
    """
    Any query is understood or refused as a problem.
    """
    if query.get("follow") in ("1", "true"):
        return
    given = "&".join(f"{name}={quote(value, safe='')}" for name, value in {**query, "within": "0s"}.items())

    status, _, answer = house.call("GET", f"/_sim/v1/spaces/default/{what}?{given}")

    assert status < 500, answer
    house.is_well()


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(st.sampled_from(["seed", "clock", "scenario", "providers", "name"]), anything, max_size=3)
)
def test_creating_spaces__takes_any_wish(house: House, wish: dict[str, Any]) -> None:
    """
    Any wish for a space is granted or refused as a problem, never halfway.
    """
    count = len(house.server.control.call("GET", "/spaces")["items"])

    status, _, answer = house.call("POST", "/_sim/v1/spaces", json.dumps(wish).encode())

    assert status < 500, answer
    now = len(house.server.control.call("GET", "/spaces")["items"])
    assert now == count + (status == 201)
    if status == 201:
        house.server.control.call("DELETE", f"/spaces/{json.loads(answer)['name']}")
    house.is_well()
