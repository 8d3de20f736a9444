"""
Settings, declared once: the shape, the defaults, the reference and what `describe` shows come from it.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings:
        mute: bool = setting(Boolean(), False, "Recipients cannot write back.")
        webhook: WebhookSettings = group(WebhookSettings, "Where reports go.", {"timeout": "5s"})

A default is written as a file would hold it.  `settings_shape(Settings)` reads what a
file says about some of them, `changed` puts that into force, `described` shows the rest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar, cast, overload

from simulator.kernel.model.units import Delay
from simulator.kernel.webhooks.webhook import RetrySchedule, WebhookPolicy
from simulator.schema.node import Json, Problems, node_of
from simulator.schema.scalars import Boolean, Duration, Integer, Shape, Text, Word
from simulator.schema.shapes import ABSENT, Either, Field, ListOf, Record
from simulator.schema.writing import written

__all__ = [
    "TARGET",
    "Batch",
    "WebhookSettings",
    "changed",
    "described",
    "group",
    "setting",
    "setting_without_default",
    "settings_shape",
]

T = TypeVar("T")
_KEY: Final = "simulator.setting"


class _Declared(NamedTuple):
    """What is declared about one field of a settings class."""

    doc: str
    name: str
    """Its key in files; empty: the field's own name."""
    shape: Shape[object] | None = None
    """None for a group, whose class says more."""
    group: type | None = None
    default: Json = None
    shown: bool = True
    """Whether its default can be told in the words of a file."""
    secret: bool = False
    merges: bool = False


# The first is for checkers that find no union, such as Delay, in the parameter of a protocol.
@overload
def setting(
    shape: Shape[Delay],
    default: Json,
    doc: str,
    *,
    name: str = ...,
    secret: bool = ...,
    merges: bool = ...,
) -> Delay: ...
@overload
def setting(
    shape: Shape[T],
    default: Json,
    doc: str,
    *,
    name: str = ...,
    secret: bool = ...,
    merges: bool = ...,
) -> T: ...
def setting(
    shape: Shape[T],
    default: Json,
    doc: str,
    *,
    name: str = "",
    secret: bool = False,
    merges: bool = False,
) -> T:
    """
    Declare a setting; *default* is written as a file would hold it, and read through *shape*.

    *name* is its key in files, where that is not the field's name.  A *secret* is
    never shown.  One that *merges* is a mapping to which a file adds.
    """
    problems = Problems()
    value = shape.read(node_of(default), name, problems)
    if problems:
        raise ValueError(f"expected a default of the setting's shape: {problems.render('')[0]}")
    declared = _Declared(doc, name, shape, default=default, secret=secret, merges=merges)
    if type(value).__hash__ is None:
        # The dataclass would refuse it as a plain default; nobody changes what is read.
        return cast("T", dataclasses.field(default_factory=lambda: value, metadata={_KEY: declared}))
    return cast("T", dataclasses.field(default=value, metadata={_KEY: declared}))


def setting_without_default(
    shape: Shape[T], initial: T | None, doc: str, *, name: str = "", secret: bool = False
) -> T | None:
    """Declare a setting whose *initial* value no file could say, such as none at all."""
    declared = _Declared(doc, name, shape, shown=False, secret=secret)
    field: Any = dataclasses.field(default_factory=lambda: initial, metadata={_KEY: declared})
    return cast("T | None", field)


def group(kind: type[T], doc: str, defaults: Mapping[str, Json] | None = None, *, name: str = "") -> T:
    """
    Declare a group of settings, of a class that declares them; *defaults* replace some of its own.

    Groups of one *name* share a mapping in files.
    """
    initial = kind()
    if defaults:
        problems = Problems()
        values = settings_shape(kind).read(node_of(dict(defaults)), name, problems)
        if problems:
            raise ValueError(f"expected defaults of the group's settings: {problems.render('')[0]}")
        initial = changed(initial, cast("Mapping[str, object]", values))
    declared = _Declared(doc, name, group=kind, default=dict(defaults or {}))
    field: Any = dataclasses.field(default_factory=lambda: initial, metadata={_KEY: declared})
    return cast("T", field)


def _declarations(kind: type) -> dict[str, _Declared]:
    """Return what is declared about the fields of a settings class, by field."""
    return {field.name: field.metadata[_KEY] for field in dataclasses.fields(kind) if _KEY in field.metadata}


def _entries(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def settings_shape(
    kind: type, doc: str = "", defaults: Mapping[str, Json] | None = None
) -> Record[Mapping[str, object]]:
    """
    Return how settings of *kind* are written; it reads what is written alone, for `changed`.

    *defaults* are shown in place of those that *kind* declares.
    """
    instead = defaults or {}
    fields: dict[str, Field] = {}
    groups: dict[str, list[Field]] = {}
    for attribute, declared in _declarations(kind).items():
        name = declared.name or attribute
        if declared.group is not None:
            default_shown = {
                **cast("dict[str, Json]", declared.default),
                **cast("dict[str, Json]", instead.get(name, {})),
            }
            inner = settings_shape(declared.group, "", default_shown)
            groups.setdefault(name, []).extend(inner.fields)
            shape: Shape[object] = Record(dict, tuple(groups[name]))
            fields[name] = Field(name, shape, fields[name].doc if name in fields else declared.doc)
            continue
        assert declared.shape is not None
        shown = instead.get(name, declared.default)
        fields[name] = Field(
            name,
            declared.shape,
            declared.doc,
            shown=shown if declared.shown and not declared.secret else ABSENT,
        )
    return Record(dict, tuple(fields.values()), doc=doc)


def changed(settings: T, values: Mapping[str, object]) -> T:
    """Return *settings* with what *values*, as their shape has read them, say."""
    fresh: dict[str, object] = {}
    for attribute, declared in _declarations(type(settings)).items():
        old = getattr(settings, attribute)
        name = declared.name or attribute
        if name not in values:
            continue
        new = values[name]
        if declared.group is not None:
            fresh[attribute] = changed(old, cast("Mapping[str, object]", new))
        else:
            fresh[attribute] = {**old, **cast("Mapping[Any, Any]", new)} if declared.merges else new
    return cast("T", dataclasses.replace(cast("Any", settings), **fresh)) if fresh else settings


def described(settings: object) -> dict[str, Json]:
    """Return the settings in force as a file would say them; of secrets, how many there are."""
    usual, shown = _usual(cast("Any", type(settings)))
    # Most spaces have the settings that an account begins with.
    return dict(shown) if settings == usual else _described(settings)


@cache
def _usual(kind: Any) -> tuple[object, dict[str, Json]]:
    """Return the settings of *kind* that say nothing else, and their description; None: there are none."""
    try:
        usual = kind()
    except TypeError:
        return None, {}
    return usual, _described(usual)


def _described(settings: object) -> dict[str, Json]:
    shown: dict[str, Json] = {}
    for attribute, declared in _declarations(type(settings)).items():
        name, value = declared.name or attribute, getattr(settings, attribute)
        if declared.group is not None:
            shown[name] = {**_entries(shown.get(name)), **_described(value)}
        elif declared.secret:
            shown[name] = len(value) if isinstance(value, tuple) else bool(value)
        elif value is None:
            shown[name] = None
        else:
            assert declared.shape is not None
            shown[name] = written(declared.shape, value)
    return shown


# -- what all providers have --------------------------------------------------------------------

_RETRIES_MAX: Final = 1_000
_TIMEOUT_REAL_MS_MAX: Final = 600_000
"""An advance waits for it in real time."""

TARGET: Final = Text(
    max_length=2_048,
    pattern=r"(?:https?://[^\s/?#]+\S*)?",
    what="a URL such as http://127.0.0.1:9000/reports",
    examples=("http://127.0.0.1:9000/reports",),
)
"""Where webhooks may go, as settings write it."""


_RETRY: Final[Shape[str | tuple[int, ...]]] = Either[str | tuple[int, ...]](
    Word("documented"), Word("none"), ListOf(Duration(), max_items=_RETRIES_MAX)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """
    How many reports share a webhook.
    """

    max: int = setting(Integer(1, 2_000), 1, "How many reports may share a webhook.")
    wait_ms: int = setting(Duration(), "0s", "How long a webhook waits for more reports.", name="wait")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """
    The part of a provider's settings that is about webhooks, alike for all providers.
    """

    url: str = setting(
        TARGET, "", "Where webhooks go when a call names no target of its own; empty: nowhere."
    )
    retry: str | tuple[int, ...] = setting(
        _RETRY,
        "documented",
        "Waits between attempts: the provider's documented schedule, none, or a list such as [1s, 5s].",
    )
    timeout_real_ms: int = setting(
        Duration(1, _TIMEOUT_REAL_MS_MAX),
        "10s",
        "How long an attempt may take, in real time.",
        name="timeout",
    )
    in_flight: int = setting(Integer(1, 10_000), 32, "How many webhooks are sent at once.")
    acknowledged: str = setting(
        Either(Word("2xx"), Word("200")), "2xx", "Which answers count as received: any 2xx, or 200 alone."
    )
    pause_on_failure_ms: int = setting(
        Duration(),
        "0s",
        "How long a failed attempt holds up everything else of this account: one queue for all targets.",
        name="pause_on_failure",
    )
    verify_tls: bool = setting(Boolean(), True, "Check the certificate of an https target.")
    batch: Batch = group(Batch, "Put several reports into one webhook, where the provider does so.")

    def policy(self, documented: RetrySchedule) -> WebhookPolicy:
        """Return how webhooks are delivered; *documented* is the provider's own schedule."""
        if self.retry == "documented":
            retry = documented
        else:
            retry = RetrySchedule(() if isinstance(self.retry, str) else self.retry)
        return WebhookPolicy(
            retry=retry,
            acknowledged_to=299 if self.acknowledged == "2xx" else 200,
            timeout_real_ms=self.timeout_real_ms,
            in_flight_max=self.in_flight,
            batch_max=self.batch.max,
            batch_wait_ms=self.batch.wait_ms,
            verify_tls=self.verify_tls,
            pause_ms=self.pause_on_failure_ms,
        )
