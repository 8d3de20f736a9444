"""
How expectations and the driving of a run are written in a scenario.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.units import Rate
from simulator.scenario.goals import REFUSED, Ask, Drive, Expectations, MessageGoals, SendGoals, WebhookGoals
from simulator.scenario.recipients import pattern_of
from simulator.schema.node import Node, did_you_mean
from simulator.schema.shapes import (
    AnyJson,
    Boolean,
    Choice,
    Duration,
    Either,
    Field,
    Integer,
    ListOf,
    MapOf,
    Mapped,
    RateShape,
    Record,
    Scalar,
    Shape,
    Share,
    Text,
)

__all__ = ["DRIVE", "EXPECT"]


def _request(node: Node) -> tuple[str, str]:
    text = node.value if isinstance(node.value, str) else ""
    match = re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) (https?://\S+)", text)
    if match is None:
        raise ValueError('expected a method and a URL such as "GET http://127.0.0.1:9000/messages/{id}"')
    return match[1], match[2]


_REQUEST: Final = Scalar(
    expected="a method and a URL",
    convert=_request,
    json_schema={"type": "string", "examples": ["GET http://127.0.0.1:9000/messages/{id}"]},
)

_MESSAGES: Final[Shape[MessageGoals]] = Record(
    MessageGoals,
    [
        Field("at_least", Integer(0), "So many messages were accepted."),
        Field("final", Share(), "This share has an end.", argument="final_bp"),
        Field("within", Duration(), "… this long after it was accepted.", argument="within_ms"),
        Field("delivered", Share(), "At least this share was delivered.", argument="delivered_bp"),
    ],
    doc="What is expected of the messages.",
)
_LATENCY: Final[Shape[Mapping[str, int]]] = Record(
    dict,
    [
        Field(name, Duration(), f"The {name} of all attempts, real time.")
        for name in ("p50", "p95", "p99", "max")
    ],
)
_WEBHOOKS: Final[Shape[WebhookGoals]] = Record(
    WebhookGoals,
    [
        Field("at_least", Integer(0), "So many were owed; none are where nobody said where they go."),
        Field("acknowledged", Share(), "At least this share was acknowledged.", argument="acknowledged_bp"),
        Field("lost", Integer(0), "At most so many were lost.", argument="lost_max"),
        Field(
            "forged_refused",
            Boolean(),
            "No attempt that was wrongly signed, not signed or corrupted on purpose was acknowledged.",
        ),
        Field(
            "latency",
            _LATENCY,
            "How quickly the receiver answers; an attempt that timed out counts with its time-out.",
            argument="latency_ms",
        ),
        Field(
            "since_due",
            _LATENCY,
            "The same from when each attempt was due: on a live clock, with its wait for a free place.",
            argument="since_due_ms",
        ),
    ],
    doc="What is expected of the integrator's receiver.",
)
_SENDS: Final[Shape[SendGoals]] = Record(
    SendGoals,
    [
        Field(
            "retried",
            Share(),
            "Of the recipients to whom a rule refused a send, this share got one in the end.",
            argument="retried_bp",
        ),
        Field("duplicated", Integer(0), "At most so many sends were repeated.", argument="duplicated_max"),
        Field("refused", Integer(0), "At most so many were refused for good.", argument="refused_max"),
    ],
    doc="What is expected of the integrator's calls.",
)


_BLANK: Final = re.compile(r"\{([A-Za-z_]+)\}")
_DRIVE_WORDS: Final = ("n", "recipient", "name", "first_name", "last_name")
_ASK_WORDS: Final = ("id", "recipient", "provider")


def _check_blanks(plain: object, words: tuple[str, ...], *, only: bool) -> None:
    """Raise ValueError at a blank that is not filled in: any in a URL (*only*), a near miss elsewhere."""
    if isinstance(plain, str):
        for word in _BLANK.findall(plain):
            hint = did_you_mean(word, words)
            if word not in words and (only or hint):
                blanks = ", ".join(f"{{{name}}}" for name in words)
                raise ValueError(f'"{{{word}}}" is not filled in, only {blanks} are{hint}')
    elif isinstance(plain, Mapping):
        for part in plain.values():
            _check_blanks(part, words, only=only)
    elif isinstance(plain, list | tuple):
        for part in plain:
            _check_blanks(part, words, only=only)


def _ask(ask: tuple[str, str], field: str, means: Mapping[str, tuple[str, ...]], limit: int = 10_000) -> Ask:
    _check_blanks(ask[1], _ASK_WORDS, only=True)
    return Ask(method=ask[0], url=ask[1], field=field, means=means, limit=limit)


_BELIEFS: Final = Either[tuple[str, ...]](
    Mapped(Text(1, 200), lambda belief: (belief,)), ListOf(Text(1, 200), max_items=100)
)
_FOUND: Final = (*(state.value for state in State), REFUSED)
_INTEGRATOR: Final[Shape[Ask]] = Record(
    _ask,
    [
        Field("ask", _REQUEST, "The call; {id}, {recipient} and {provider} are filled in.", required=True),
        Field("field", Text(1, 200), "Where in its JSON answer the belief stands: a.b.0", required=True),
        Field(
            "means",
            MapOf(_BELIEFS, Choice({word: word for word in _FOUND}), max_items=len(_FOUND)),
            "For each state of a message, and for refused sends: what the integrator may believe.",
            required=True,
        ),
        Field("limit", Integer(1, 1_000_000), "Ask about so many messages at most."),
    ],
    doc="The truth audit: does the integrator believe what happened?",
)

EXPECT: Final[Shape[Expectations]] = Record(
    Expectations,
    [
        Field("messages", _MESSAGES, "What is expected of the messages."),
        Field("webhooks", _WEBHOOKS, "What is expected of the integrator's receiver."),
        Field("sends", _SENDS, "What is expected of the integrator's calls."),
        Field("integrator", _INTEGRATOR, "What the integrator is to believe in the end."),
    ],
    doc="What a run is expected to show; its verdict.",
)


def _drive(
    call: tuple[str, str],
    at: int = 0,
    count: int = 1,
    rate: Rate | None = None,
    recipient: str = "+4179",
    headers: Mapping[str, str] | None = None,
    body: object = None,
) -> Drive:
    _check_blanks(call[1], _DRIVE_WORDS, only=True)
    _check_blanks(body, _DRIVE_WORDS, only=False)
    return Drive(
        method=call[0],
        url=call[1],
        at_ms=at,
        count=count,
        rate=rate,
        recipient=pattern_of(recipient),
        headers=headers or {},
        body=body,
    )


DRIVE: Final[Shape[Drive]] = Record(
    _drive,
    [
        Field("call", _REQUEST, "The call; {n} and {recipient} are filled in.", required=True),
        Field("at", Duration(), "When the first one is made."),
        Field("count", Integer(1, 1_000_000), "How many."),
        Field("rate", RateShape(), "How fast; all at one instant, one after the other, if not given."),
        Field(
            "recipient", Text(1, 8), "Where {recipient} begins; the call's number follows in seven digits."
        ),
        Field("headers", MapOf(Text(0, 1_000), Text(1, 100), max_items=50), "Headers of the call."),
        Field("body", AnyJson(), "Its JSON body; {n} and {recipient} in texts are filled in."),
    ],
    doc="Calls to the integrator's own API.",
)
