"""
No body, however strange, makes the simulator fail.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.engine.simulation import Simulation
from simulator.provider import Answer, Call, Refuse, Router, open_gateway
from simulator.providers.rbm import PROVIDER

_GOOD: dict[str, Any] = {
    "contentMessage": {
        "richCard": {
            "carouselCard": {
                "cardWidth": "SMALL",
                "cardContents": [
                    {
                        "title": "t",
                        "media": {"height": "SHORT", "contentInfo": {"fileUrl": "https://a.b/c.png"}},
                        "suggestions": [{"reply": {"text": "a", "postbackData": "p"}}],
                    },
                    {"description": "d"},
                ],
            }
        },
        "suggestions": [
            {"action": {"text": "a", "openUrlAction": {"url": "https://a.b", "application": "WEBVIEW"}}},
            {"action": {"text": "a", "viewLocationAction": {"latLong": {"latitude": 1, "longitude": 2}}}},
            {"action": {"text": "a", "createCalendarEventAction": {"title": "t", "startTime": "x"}}},
        ],
    },
    "messageTrafficType": "PROMOTION",
    "ttl": "10s",
}
_ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["10s", "-1s", "2026-01-05T09:00:00Z", "1e999", "99999999999999999999", "SMALL"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "reply", "action", "latLong", "media", "cardContent", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def _places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    if isinstance(value, dict):
        found += [place for key, part in value.items() for place in _places(part, (*path, key))]
    elif isinstance(value, list):
        found += [place for n, part in enumerate(value) for place in _places(part, (*path, n))]
    return found


def _changed(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _changed(value[path[0]], path[1:], new)
    return copy


def _answer(method: str, path: str, body: bytes) -> Answer:
    gateway = open_gateway(PROVIDER, Simulation())
    route, path_values, _ = Router(PROVIDER.routes).find(method, path)
    assert route is not None
    call = Call(
        method=method,
        path=path,
        gateway=gateway,
        body=body,
        path_values=path_values,
        query=[("agentId", "a"), ("messageId", "m"), ("eventId", "e"), ("messageIdPrefix", "p")],
        headers={"Authorization": "Bearer x", "Content-Type": "image/png"},
        url="http://127.0.0.1/rbm",
    )
    try:
        answer = route.handler(call)
    except Refuse as refuse:
        answer = PROVIDER.refused(call, refuse)
    assert isinstance(answer, Answer)
    return answer


@given(st.sampled_from(_places(_GOOD)), _ANY)
def test_message_with_one_strange_part_is_accepted_or_refused(path: tuple[str | int, ...], new: Any) -> None:
    """
    Replacing any part of a good message by anything gives 200 or 400, and a JSON body.
    """
    body = json.dumps(_changed(_GOOD, path, new)).encode()

    answer = _answer("POST", "/v1/phones/+15551234567/agentMessages", body)

    assert answer.status in (200, 400)
    assert isinstance(json.loads(answer.body), dict)


_PLAIN_ROUTES = [
    (route.method, route.path.replace("{phone}", "+15551234567").replace("{message}", "m"))
    for route in PROVIDER.routes
    if "{brand}" not in route.path
]


@given(st.sampled_from(_PLAIN_ROUTES), st.binary(max_size=40) | _ANY.map(lambda v: json.dumps(v).encode()))
def test_any_body_to_any_endpoint_is_answered(place: tuple[str, str], body: bytes) -> None:
    """
    Bytes that mean nothing are refused in Google's shape, never by breaking.
    """
    answer = _answer(*place, body)

    assert answer.status < 500
