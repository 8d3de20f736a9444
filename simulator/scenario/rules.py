"""
How rules are written in a scenario: when, and what then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from simulator.kernel.model.fates import Ending, Fate, Reply
from simulator.kernel.model.faults import WebhookFaults
from simulator.kernel.model.rules import AnswerFault, Behaviour, Drop, Match, Nth, Rule, TextMatch, Throttle
from simulator.kernel.model.submission import Reason
from simulator.kernel.model.units import WHOLE, Delay, Rate
from simulator.scenario.acts import act_shape
from simulator.scenario.addresses import Spelling, address_shape
from simulator.scenario.misbehaviour import WEBHOOKS
from simulator.scenario.names import RULE_NAME
from simulator.scenario.operations import Operated, refuse_impossible, words_of_operations
from simulator.scenario.patterns import Pattern, compile_pattern
from simulator.scenario.spans import SPAN
from simulator.schema.node import Node, Problems, child_path, describe
from simulator.schema.shapes import (
    INVALID,
    AnyJson,
    Boolean,
    Choice,
    DelayShape,
    Duration,
    Either,
    Field,
    Integer,
    Invalid,
    ListOf,
    Mapped,
    OneOf,
    RateShape,
    Record,
    Scalar,
    Schema,
    Shape,
    Share,
    Text,
    When,
    Word,
)

__all__ = ["Vocabulary", "all_acts", "rule_shape"]

_STALL_MS_MAX: Final = 600_000


class Vocabulary(Spelling, Protocol):
    """
    What a provider adds to the scenario language.
    """

    @property
    def routes(self) -> Sequence[Operated]:
        """What it serves."""
        ...

    @property
    def settings(self) -> Shape[Mapping[str, object]]:
        """How its part of `providers:` looks."""
        ...

    @property
    def refusal_shape(self) -> Shape[str]:
        """How `refuse:` looks for it."""
        ...

    @property
    def failure_shape(self) -> Shape[Fate]:
        """How `fail:` looks for it, the delay apart."""
        ...

    @property
    def acts(self) -> Sequence[str]:
        """What its recipients can do, in the words of `does:`."""
        ...

    @property
    def figures_told(self) -> Sequence[str]:
        """What it tells of a message beside its state: some of `price`, `parts` and `code`."""
        ...

    @property
    def numbers(self) -> str:
        """Where numbers of its recipients begin; seven digits make one."""
        ...


def all_acts(providers: Mapping[str, Vocabulary]) -> tuple[str, ...]:
    """Return what the recipients of any provider can do."""
    return tuple(dict.fromkeys(act for vocabulary in providers.values() for act in vocabulary.acts))


def rule_shape(providers: Mapping[str, Vocabulary]) -> Shape[Rule]:
    """
    Return how a rule looks.

    Which codes `refuse` and `fail` may name depends on the provider in `when`,
    so there is a shape for each provider, and one for rules that name none.
    """
    named = [
        When(_names_provider(name), _rule_for(name, providers, vocabulary))
        for name, vocabulary in providers.items()
    ]
    return Either[Rule](*named, _rule_for("", providers, None))


def _names_provider(name: str) -> _Predicate:
    return _Predicate(name)


@dataclass(frozen=True, slots=True)
class _Predicate:
    provider: str

    def __call__(self, node: Node) -> bool:
        when = node.value.get("when") if isinstance(node.value, dict) else None
        if when is None or not isinstance(when[1].value, dict):
            return False
        provider = when[1].value.get("provider")
        return provider is not None and provider[1].value == self.provider


def _rule_for(name: str, providers: Mapping[str, Vocabulary], vocabulary: Vocabulary | None) -> Shape[Rule]:
    acts = vocabulary.acts if vocabulary is not None else all_acts(providers)
    return _Placed(
        Record(
            _rule,
            [
                Field("name", RULE_NAME, "What draws, journal and explanations call it."),
                Field("when", _when_shape(name, providers), "Conditions; all of them must hold."),
                Field("then", _then_shape(vocabulary, acts), "What then.", required=True),
            ],
            doc="When, and what then.",
            what="a rule",
        ),
        _routes(name, providers),
    )


def _rule(then: Behaviour, name: str = "", when: Match | None = None) -> Rule:
    return Rule(name=name, when=when or Match(), then=then)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A rule that knows its line, and asks nothing of an operation that this cannot have."""

    inner: Shape[Rule]
    routes: Sequence[Operated]

    @property
    def expected(self) -> str:
        return self.inner.expected

    def fits(self, node: Node) -> bool:
        return self.inner.fits(node)

    def read(self, node: Node, path: str, problems: Problems) -> Rule | Invalid:
        noted = len(problems)
        rule = self.inner.read(node, path, problems)
        refuse_impossible(node, path, problems, self.routes)
        return (
            INVALID if isinstance(rule, Invalid) or len(problems) > noted else replace(rule, line=node.line)
        )

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        return self.inner.schema(definitions)


# -- when -----------------------------------------------------------------------------------------


_WHICH: Final = 'which submission to a recipient, such as 1, "2..5", "3.." or "every 10"'


def _nth(node: Node) -> Nth:
    text = str(node.value) if isinstance(node.value, str | int) else ""
    if match := re.fullmatch(r"every ([1-9][0-9]{0,6})", text):
        return Nth(first=int(match[1]), every=int(match[1]))
    if match := re.fullmatch(r"([1-9][0-9]{0,6})(\.\.([1-9][0-9]{0,6})?)?", text):
        first = int(match[1])
        last = first if match[2] is None else int(match[3]) if match[3] else None
        if last is None or last >= first:
            return Nth(first=first, last=last)
    raise ValueError(f"expected {_WHICH}, got {describe(node)}")


_NTH: Final = Scalar[Nth](
    expected=_WHICH,
    convert=_nth,
    json_schema={"type": ["string", "integer"], "examples": [1, "2..5", "3..", "every 10"]},
)


def _expression(node: Node) -> Pattern:
    if not isinstance(node.value, str) or not node.value:
        raise ValueError(f"expected a regular expression, got {describe(node)}")
    try:
        return compile_pattern(node.value)
    except ValueError as trouble:
        raise ValueError(f"expected a regular expression, got {describe(node)}: {trouble}") from None


_EXPRESSION: Final = Scalar[Pattern](
    expected="a regular expression", convert=_expression, json_schema={"type": "string", "format": "regex"}
)

_TEXT_MATCH: Final = Either[TextMatch](
    Mapped(Text(1, 200), lambda text: TextMatch(contains=text)),
    Record(
        TextMatch,
        [
            Field("contains", Text(1, 200), "The text contains this; case does not matter."),
            Field("equals", Text(0), "The text is exactly this."),
            Field(
                "matches", _EXPRESSION, "The text has a match of this regular expression (docs/limits.md)."
            ),
        ],
    ),
)


def _one(pattern: str) -> tuple[str, ...]:
    return (pattern,)


def _operation_shape(name: str, providers: Mapping[str, Vocabulary]) -> Shape[str]:
    return Choice({word: word for word in words_of_operations(_routes(name, providers))})


def _routes(name: str, providers: Mapping[str, Vocabulary]) -> list[Operated]:
    served = [providers[name]] if name else providers.values()
    return [route for vocabulary in served for route in vocabulary.routes]


def _when_shape(name: str, providers: Mapping[str, Vocabulary]) -> Shape[Match]:
    provider = Word(name) if name else Choice({each: each for each in providers})
    address = address_shape(providers, name)
    recipients = Either[tuple[str, ...]](
        When(lambda node: isinstance(node.value, list), ListOf(address, max_items=10_000)),
        When(lambda node: not isinstance(node.value, list), Mapped(address, _one)),
    )
    return Record(
        Match,
        [
            Field("provider", provider, "Calls to this provider only."),
            Field("operation", _operation_shape(name, providers), "Calls of this kind only."),
            Field("recipient", recipients, "An address, a prefix (+4179*), or a list of them."),
            Field("sender", Text(1, 200), "The sender, or a prefix of it with *."),
            Field("text", _TEXT_MATCH, "What the text contains, equals or matches."),
            Field("credential", Text(1, 500), "The credential of the call."),
            Field("nth", _NTH, "Which submission to the same recipient: 1, 2..5, every 10."),
            Field("share", Share(), "For this share of submissions, drawn by the seed.", argument="share_bp"),
            Field("during", SPAN, "In this span, counted from the start of the scenario."),
        ],
        doc="Conditions; all of them must hold.",
    )


# -- then -----------------------------------------------------------------------------------------


def _behaviour(
    answer: AnswerFault | None = None, fate: Fate | None = None, webhooks: WebhookFaults | None = None
) -> Behaviour:
    if answer is None and fate is None and webhooks is None:
        raise ValueError("expected at least one of answer, fate and webhooks")
    return Behaviour(answer=answer, fate=fate, webhooks=webhooks)


def _then_shape(vocabulary: Vocabulary | None, acts: Sequence[str]) -> Shape[Behaviour]:
    return Record(
        _behaviour,
        [
            Field("answer", _answer_shape(vocabulary), "What the call is answered."),
            Field("fate", _fate_shape(vocabulary, acts), "What becomes of the message."),
            Field("webhooks", WEBHOOKS, "How reports reach the integrator."),
        ],
        doc="What then: the answer, the fate, the webhooks.",
    )


def _throttle(rate: Rate, burst: int | None = None) -> Throttle:
    return Throttle(rate, burst if burst is not None else max(1, rate.count))


def _answer(after_work: bool = False, **values: object) -> AnswerFault:
    if not values:
        raise ValueError(
            "expected at least one of refuse, gateway, throttle, stall, drop, truncate, garble and drip"
        )
    if "refuse" in values and "gateway" in values:
        raise ValueError("expected refuse or gateway, got both: either the provider says no, or its proxy")
    return AnswerFault(work_done=after_work, **values)  # type: ignore[arg-type]


def _drop(node: Node) -> Drop:
    if node.value == "refuse":
        raise ValueError(
            'expected before or after, got "refuse": all providers share a port, and a port cannot refuse '
            "one call and take the next; a port that one provider has for itself (--listen) can be closed "
            "for a while: timeline: [{at: 10m, provider: infobip, server: down}, "
            "{at: 20m, provider: infobip, server: up}]"
        )
    return _DROP_WORDS.convert(node)


_DROP_WORDS: Final = Choice(Drop)
_DROP: Final = replace(_DROP_WORDS, convert=_drop)


def _answer_shape(vocabulary: Vocabulary | None) -> Shape[AnswerFault]:
    throttle = Record(
        _throttle,
        [
            Field("rate", RateShape(), "So many calls per time, such as 50/s.", required=True),
            Field("burst", Integer(1, 1_000_000), "So many at once; the rate's count, if not given."),
        ],
    )
    fields = [
        Field(
            "gateway",
            Integer(502, 504),
            "Refuse as a proxy in front of the provider does: with an HTML page of status 502, 503 or 504.",
        ),
        Field("throttle", throttle, "Refuse calls above a rate, on the space's clock."),
        Field("stall", Duration(0, _STALL_MS_MAX), "Answer late, in real time.", argument="stall_real_ms"),
        Field("drop", _DROP, "Cut the connection before or after doing the work."),
        Field("truncate", Boolean(), "Break the answer off in the middle."),
        Field("garble", Boolean(), "Flip a few bytes of the answer."),
        Field(
            "drip",
            Duration(0, _STALL_MS_MAX),
            "Send the answer bit by bit, over so long in real time.",
            argument="drip_real_ms",
        ),
        Field("after_work", Boolean(), "Refuse, but do the work all the same."),
    ]
    if vocabulary is not None:
        fields.insert(0, Field("refuse", vocabulary.refusal_shape, "Refuse with the provider's code."))
    elsewhere = "" if vocabulary is not None else _NAME_A_PROVIDER
    return Record(_answer, fields, doc="What the call is answered.", elsewhere=elsewhere)


_NAME_A_PROVIDER: Final = "; name a provider in `when` to use its codes"
_READ: Final[Shape[Fate]] = Record(
    lambda after, share=WHOLE: Fate(read=after, read_share_bp=share),
    [
        Field("after", DelayShape(), "From delivery to reading.", default="1s..10s"),
        Field("share", Share(), "How many of the delivered messages are read."),
    ],
    doc="It is delivered, and read later.",
)


def _reply(after: Delay, text: str = "", does: str = "", data: object = None) -> Reply:
    if not text and not does:
        raise ValueError("expected text (what the recipient writes) or does (what else)")
    return Reply(text=text, after=after, kind=does or "writes", data=data)


def _reply_shape(acts: Sequence[str]) -> Shape[Reply]:
    return Record(
        _reply,
        [
            Field("text", Text(0), "What the recipient writes."),
            Field("does", act_shape(acts), "What else the recipient does, in the provider's words."),
            Field("data", AnyJson(), "What the act needs beyond a text."),
            Field("after", DelayShape(), "From delivery to the reply.", default="1s..10s"),
        ],
    )


def _deliver(after: Delay | None = None, read: Fate | None = None, reply: Reply | None = None) -> Fate:
    fate = Fate(after=after, replies=() if reply is None else (reply,))
    return fate if read is None else replace(fate, read=read.read, read_share_bp=read.read_share_bp)


@dataclass(frozen=True, slots=True)
class _WithDelay:
    """A failing fate: the provider's own words for it, and `after`."""

    inner: Shape[Fate]

    @property
    def expected(self) -> str:
        return self.inner.expected

    def fits(self, node: Node) -> bool:
        return isinstance(node.value, dict)

    def read(self, node: Node, path: str, problems: Problems) -> Fate | Invalid:
        if not isinstance(node.value, dict) or "after" not in node.value:
            return self.inner.read(node, path, problems)
        rest = {key: value for key, value in node.value.items() if key != "after"}
        after = DelayShape().read(node.value["after"][1], child_path(path, "after"), problems)
        fate = self.inner.read(Node(rest, node.line, node.column), path, problems)
        if isinstance(fate, Invalid) or isinstance(after, Invalid):
            return INVALID
        return replace(fate, after=after)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        after = DelayShape().schema(definitions) | {"description": "From sending to the failure."}
        schema = _with_property(self.inner.schema(definitions), "after", after)
        # A shape of several forms need not say what they have in common.
        return {"description": "It fails, for a reason of the provider's own.", **schema}


def _with_property(schema: Schema, name: str, part: Schema) -> Schema:
    """Return *schema* with one more property of a mapping, in each of its forms that is one."""
    choices = schema.get("anyOf")
    if isinstance(choices, list):
        return schema | {"anyOf": [_with_property(choice, name, part) for choice in choices]}
    properties = schema.get("properties")
    return schema | {"properties": properties | {name: part}} if isinstance(properties, dict) else schema


_FAIL_PLAIN: Final[Shape[Fate]] = Record(
    lambda reason=Reason.NONE: Fate(ending=Ending.FAIL, reason=reason),
    [Field("reason", Choice({r.value: r for r in Reason if r}), "Why, in words every provider understands.")],
    doc="A failure; name a provider in `when` to use its codes.",
    elsewhere=_NAME_A_PROVIDER,
)
_FATE_WORDS: Final = {
    "deliver": Fate(),
    "expire": Fate(ending=Ending.EXPIRE),
    "fail": Fate(ending=Ending.FAIL),
    "silence": Fate(ending=Ending.SILENCE),
}


def _fate_shape(vocabulary: Vocabulary | None, acts: Sequence[str]) -> Shape[Fate]:
    delay = Field("after", DelayShape(), "From sending to delivery.")
    deliver = Record(
        _deliver,
        [
            delay,
            Field("read", _READ, "The recipient reads it later."),
            Field("reply", _reply_shape(acts), "The recipient answers."),
        ],
        doc="It is delivered.",
    )
    expire = Record(
        lambda after=None: Fate(ending=Ending.EXPIRE, after=after),
        [Field("after", DelayShape(), "From sending to expiry; when the validity runs out, if not given.")],
        doc="It expires.",
    )
    choices: dict[str, Shape[Fate]] = {
        "deliver": deliver,
        "read": _READ,
        "fail": _WithDelay(vocabulary.failure_shape if vocabulary is not None else _FAIL_PLAIN),
        "expire": expire,
    }
    return Either[Fate](
        Choice(_FATE_WORDS),
        OneOf[Fate, Fate](choices, lambda _, fate: fate, doc="What becomes of the message."),
    )
