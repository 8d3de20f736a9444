"""
Options of commands that are more than a text or a number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem

from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.kernel.model.units import UnitError, parse_duration

__all__ = [
    "ClockType",
    "ListenType",
    "SpanType",
    "StartType",
    "listen_option",
    "ports_of",
]

_SPAN_MS_MAX: Final = 3_600_000

if TYPE_CHECKING:
    _ClockType = click.ParamType[ClockSpec]
    _ListenType = click.ParamType[tuple[str, int]]
    _SpanType = click.ParamType[int]
    _StartType = click.ParamType[int]
else:
    # Older releases of click have no types to be asked for.
    _ClockType = click.ParamType
    _ListenType = click.ParamType
    _SpanType = click.ParamType
    _StartType = click.ParamType


class ClockType(_ClockType):
    """`frozen`, `live`, `live×60` (or `livex60`), `autojump`."""

    name = "clock"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> ClockSpec:
        if isinstance(value, ClockSpec):
            return value
        match = re.fullmatch(r"(frozen|autojump|live)(?:[×x*]([1-9][0-9]{0,5}))?", str(value))
        if match is None or (match[2] and match[1] != "live"):
            self.fail(f"expected frozen, live, live×60 or autojump, got {value!r}", param, ctx)
        return ClockSpec(mode=ClockMode(match[1]), rate=int(match[2] or 1))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(mode.value) for mode in ClockMode if mode.value.startswith(incomplete)]


class StartType(_StartType):
    """`2026-01-05T09:00:00Z` or `now`."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        # Loaded when somebody gives a start: a server without is ready sooner.
        from simulator.scenario.loader import start_instant

        try:
            start = start_instant(str(value))
        except ValueError as refusal:
            self.fail(str(refusal), param, ctx)
        return start


class ListenType(_ListenType):
    """`infobip=8081`."""

    name = "provider=port"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        provider, equals, port = str(value).partition("=")
        if not equals or not port.isdigit() or int(port) > 65_535:
            self.fail(f"expected a provider and a port such as infobip=8081, got {value!r}", param, ctx)
        return provider, int(port)


listen_option: Final = click.option(
    "--listen",
    type=ListenType(),
    multiple=True,
    help="Serve a provider alone on a further port: infobip=8081.",
)


def ports_of(listen: Sequence[tuple[str, int]], providers: Collection[str]) -> dict[str, int]:
    """Return the further ports by provider; raises ValueError when there is no such provider."""
    for name, _ in listen:
        if name not in providers:
            raise ValueError(f"--listen: there is no provider {name!r}; known: {', '.join(providers)}")
    return dict(listen)


class SpanType(_SpanType):
    """`10s`."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            span_ms = parse_duration(str(value))
        except UnitError as refusal:
            self.fail(str(refusal), param, ctx)
        if span_ms > _SPAN_MS_MAX:
            self.fail(f"expected an hour at most, got {value!r}", param, ctx)
        return span_ms
