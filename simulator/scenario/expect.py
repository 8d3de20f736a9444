"""
How expectations and the driving of a run are written in a scenario.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.units import Rate
from simulator.scenario.arrivals import ARRIVALS, schedule_of
from simulator.scenario.calls import REQUEST
from simulator.scenario.goals import (
    REFUSED,
    TRUTHS,
    About,
    Ask,
    Drive,
    Expectations,
    Growth,
    MessageGoals,
    Relation,
    SendGoals,
    Wanted,
    WebhookGoals,
)
from simulator.scenario.recipients import pattern_of
from simulator.schema.node import did_you_mean
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
    Number,
    RateShape,
    Record,
    Shape,
    Share,
    Text,
)

__all__ = ["DRIVE", "audits_shape", "expect_shape"]

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
_WEBHOOK_FIELDS: Final = [
    Field("at_least", Integer(0), "So many were owed; none are where nobody said where they go."),
    Field("at_most", Integer(0), "No more than so many were owed."),
    Field("acknowledged", Share(), "At least this share was acknowledged.", argument="acknowledged_bp"),
    Field("lost", Integer(0), "At most so many were lost.", argument="lost_max"),
    Field(
        "forged_refused",
        Boolean(),
        "No attempt that was wrongly signed or made unreadable on purpose was acknowledged.",
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
]


def _webhooks(provider: Shape[str]) -> Shape[WebhookGoals]:
    of = MapOf(
        Record(WebhookGoals, _WEBHOOK_FIELDS, doc="The same of one provider's alone."), provider, max_items=50
    )
    return Record(
        WebhookGoals,
        [*_WEBHOOK_FIELDS, Field("of", of, "The same, of one provider's webhooks alone.")],
        doc="What is expected of the integrator's receiver.",
    )


_STATES: Final = (*(state.value for state in State), REFUSED)
_END: Final = ListOf(Choice({word: word for word in _STATES}), max_items=len(_STATES))


def _relation(provider: Shape[str]) -> Shape[Relation]:
    return Record(
        lambda when, sends, times=1: Relation(
            provider=when["provider"],
            states=when["state"],
            either=when.get("either", ()),
            to=sends,
            times=times,
        ),
        [
            Field(
                "when",
                Record(
                    dict,
                    [
                        Field("provider", provider, "A message of this provider …", required=True),
                        Field("state", _END, "… that is told to have ended so,", required=True),
                        Field("either", _END, "Of these states, nothing is expected."),
                    ],
                ),
                "If, and only if, this is so of a recipient's message, …",
                required=True,
            ),
            Field("sends", provider, "… one is sent to the recipient by this provider, …", required=True),
            Field("times", Integer(1, 1_000), "… or so many."),
        ],
        doc="If and only if.",
    )


_SEND_FIELDS: Final = [
    Field(
        "retried",
        Share(),
        "Of the recipients to whom a rule refused a send, this share got one in the end.",
        argument="retried_bp",
    ),
    Field("duplicated", Integer(0), "At most so many sends were repeated.", argument="duplicated_max"),
    Field("refused", Integer(0), "At most so many were refused for good.", argument="refused_max"),
    Field(
        "invalid",
        Integer(0),
        "At most so many calls were found wrong by the provider's own checks; none, if not given.",
        argument="invalid_max",
    ),
    Field("calls", Integer(1), "At most so many calls for one message.", argument="calls_max"),
    Field(
        "after_stop",
        Integer(0),
        "At most so many sends to who wrote STOP, once your software had acknowledged that.",
        argument="after_stop_max",
    ),
    Field(
        "in_order",
        Boolean(),
        "Texts to one recipient go out in the order in which the calls of `drive` asked for them.",
    ),
    Field(
        "spacing",
        Duration(),
        "So long passes at least between a refusal and the next call for the same recipient.",
        argument="spacing_ms",
    ),
    Field("retry_after", Boolean(), "Nobody tries again before Retry-After is over."),
    Field(
        "within",
        Duration(),
        "So long after a refusal, and after the rule is over, a live run waits for tries.",
        argument="within_ms",
    ),
]


def _sends(provider: Shape[str]) -> Shape[SendGoals]:
    relations = ListOf(_relation(provider), max_items=50)
    return Record(
        SendGoals,
        [*_SEND_FIELDS, Field("relations", relations, "What is sent elsewhere because of how one ended.")],
        doc="What is expected of the integrator's calls.",
    )


_BLANK: Final = re.compile(r"\{([A-Za-z_]+)(?::0\d{1,2})?\}")
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


def _ask(
    ask: tuple[str, str],
    field: str = "",
    means: Mapping[str, tuple[str, ...]] | None = None,
    fields: Mapping[str, Wanted] | None = None,
    limit: int = 10_000,
    within: int = 1_000,
    about: About = About.DRIVEN,
    provider: str = "",
    rule: str = "",
) -> Ask:
    _check_blanks(ask[1], _ASK_WORDS, only=True)
    if bool(field) != bool(means):
        raise ValueError("expected field and means together: where the belief stands, and what it may be")
    if not field and not fields:
        raise ValueError("expected field and means, or fields")
    return Ask(
        method=ask[0],
        url=ask[1],
        field=field,
        means=means or {},
        fields=fields or {},
        limit=limit,
        within_real_ms=within,
        about=about,
        provider=provider,
        rule=rule,
    )


def _growth(
    ask: tuple[str, str], field: str, below: float | None = None, growth: float | None = None
) -> Growth:
    if below is None and growth is None:
        raise ValueError("expected below, growth, or both")
    return Growth(method=ask[0], url=ask[1], field=field, below=below, growth=growth)


def _template(text: str) -> Wanted:
    _check_blanks(text, TRUTHS, only=True)
    return Wanted(template=text)


_WANTED: Final = Either[Wanted](
    Mapped(Text(1, 200), _template),
    Record(
        lambda value, tolerance=1_000: Wanted(template=_template(value).template, tolerance_ms=tolerance),
        [
            Field("value", Text(1, 200), "What it must be, such as {ended}.", required=True),
            Field("tolerance", Duration(), "By how much an instant may be off; 1s if not given."),
        ],
    ),
)


_BELIEFS: Final = Either[tuple[str, ...]](
    Mapped(Text(1, 200), lambda belief: (belief,)), ListOf(Text(1, 200), max_items=100)
)
_FOUND: Final = (*(state.value for state in State), REFUSED)
_ASK_FIELDS: Final = [
    Field("ask", REQUEST, "The call; {id}, {recipient} and {provider} are filled in.", required=True),
    Field("field", Text(1, 200), "Where in its JSON answer the belief stands: a.b.0"),
    Field(
        "means",
        MapOf(_BELIEFS, Choice({word: word for word in _FOUND}), max_items=len(_FOUND)),
        "For each state of a message, and for refused sends: what the integrator may believe.",
    ),
    Field(
        "fields",
        MapOf(_WANTED, Text(1, 200), max_items=20),
        f"Other fields, by place, and what they must be: {', '.join(f'{{{word}}}' for word in TRUTHS)}.",
    ),
    Field("limit", Integer(1, 1_000_000), "Ask about so many messages at most."),
    Field("within", Duration(), "So long it is asked again before it is believed wrong; real time."),
    Field(
        "about",
        Choice({about.value: about for about in About}),
        "Whose messages: those that its own calls made, a storm's, or all.",
    ),
    Field("rule", Text(1, 200), "About messages alone whose fate or webhooks this rule decided."),
]


def _integrator(provider: Shape[str]) -> Shape[Ask]:
    return Record(
        _ask,
        [*_ASK_FIELDS, Field("provider", provider, "About messages of this provider alone.")],
        doc="The truth audit: does the integrator believe what it was told?",
    )


_GROWTH: Final[Shape[Growth]] = Record(
    _growth,
    [
        Field("ask", REQUEST, "The call.", required=True),
        Field("field", Text(1, 200), "Where in its JSON answer the figure stands.", required=True),
        Field("below", Number(), "It stays below this."),
        Field("growth", Number(), "It grows by less than this from the beginning to the end."),
    ],
    doc="A figure of the software, such as the memory that it uses.",
)


def audits_shape(providers: Collection[str]) -> Shape[tuple[Ask, ...]]:
    """Return how one audit looks, or a list of them."""
    audit = _integrator(Choice({name: name for name in providers}))
    return Either[tuple[Ask, ...]](Mapped(audit, lambda ask: (ask,)), ListOf(audit, max_items=50))


def expect_shape(providers: Collection[str]) -> Shape[Expectations]:
    """Return how `expect:` looks, where there are these *providers*."""
    provider = Choice({name: name for name in providers})
    return Record(
        Expectations,
        [
            Field("messages", _MESSAGES, "What is expected of the messages."),
            Field("webhooks", _webhooks(provider), "What is expected of the integrator's receiver."),
            Field("sends", _sends(provider), "What is expected of the integrator's calls."),
            Field("integrator", audits_shape(providers), "What the integrator is to believe in the end."),
            Field(
                "stays_below",
                Either[tuple[Growth, ...]](
                    Mapped(_GROWTH, lambda figure: (figure,)), ListOf(_GROWTH, max_items=50)
                ),
                "Figures of the software that must not grow without end.",
            ),
        ],
        doc="What a run is expected to show; its verdict.",
    )


def _numbers(text: str) -> str:
    """Return where numbers begin, with where the number of the call goes: `+4179{n:07}`."""
    prefix, brace, rest = text.partition("{")
    if brace and re.fullmatch(r"n(:0\d{1,2})?\}\d*", rest) is None:
        raise ValueError(f'expected one blank such as {{n}} or {{n:07}} among digits, got "{text}"')
    if brace:
        return f"{pattern_of(prefix)}{{{rest}"
    # What is too long to begin numbers is one.
    return pattern_of(text) + ("{n:07}" if len(text) <= _PREFIX_MAX else "")


_PREFIX_MAX: Final = 8
_RECIPIENTS: Final = Either[tuple[str, ...]](
    Mapped(Text(1, 40), lambda number: (number,)), ListOf(Text(1, 40), max_items=10_000)
)


def _drive(
    call: tuple[str, str],
    at: int = 0,
    count: int = 1,
    rate: Rate | None = None,
    recipient: tuple[str, ...] = ("+4179",),
    headers: Mapping[str, str] | None = None,
    body: object = None,
    arrivals: object = None,
) -> Drive:
    _check_blanks(call[1], _DRIVE_WORDS, only=True)
    _check_blanks(body, _DRIVE_WORDS, only=False)
    return Drive(
        method=call[0],
        url=call[1],
        at_ms=at,
        count=count,
        arrivals=schedule_of(arrivals, rate, count),
        recipients=tuple(_numbers(text) for text in recipient),
        headers=headers or {},
        body=body,
    )


DRIVE: Final[Shape[Drive]] = Record(
    _drive,
    [
        Field("call", REQUEST, "The call; {n} and {recipient} are filled in.", required=True),
        Field("at", Duration(), "When the first one is made."),
        Field("count", Integer(1, 1_000_000), "How many."),
        Field("rate", RateShape(), "How fast; all at one instant, one after the other, if not given."),
        Field(
            "arrivals",
            ARRIVALS,
            "When they are made, as of a storm: constant gaps, if nothing is said; poisson; a ramp; steps. "
            "On a live clock none waits for the one before to be answered.",
        ),
        Field(
            "recipient",
            _RECIPIENTS,
            "Who {recipient} is: where numbers begin (seven digits follow), a whole number, one with "
            "{n} or {n:07} in it, or a list of these, taken in turn.",
        ),
        Field("headers", MapOf(Text(0, 1_000), Text(1, 100), max_items=50), "Headers of the call."),
        Field("body", AnyJson(), "Its JSON body; {n} and {recipient} in texts are filled in."),
    ],
    doc="Calls to the integrator's own API.",
)
