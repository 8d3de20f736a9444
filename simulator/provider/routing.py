"""
Which handler serves which call.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from simulator.provider.calls import Answer, Call

__all__ = ["BODY_BYTES_MAX", "Handler", "Route", "Router"]

BODY_BYTES_MAX = 1_048_576
"""How large the body of a call may be, unless its route says otherwise."""

Handler = Callable[[Call], "Answer | Awaitable[Answer]"]


class Route(NamedTuple):
    """
    A method and path that a provider serves.

    A path segment in braces (`{id}`) is a parameter; `{rest*}` takes everything
    that follows.  `operation` is the word scenario files use for it.
    """

    method: str
    path: str
    handler: Handler
    operation: str
    sends: bool = False
    """True when the handler submits messages; rules then act on those, not on the call."""
    body_bytes_max: int = BODY_BYTES_MAX
    open: bool = False
    """True when no credential is asked for."""
    recipients: Callable[[Call], Sequence[str]] | None = None
    """
    Returns whom a call that sends nothing is about, such as the number in its path, as the
    kernel spells it; rules with a `recipient` then apply to it.  It must take any call.
    """


class Router:
    """
    Finds the route of a call: a dictionary for plain paths, patterns for the others.
    """

    __slots__ = ("_exact", "_patterns")

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        patterns: dict[str, dict[str, Route]] = {}
        for route in routes:
            table = patterns if "{" in route.path else self._exact
            table.setdefault(route.path, {})[route.method] = route
        self._patterns = [(_pattern(path), methods) for path, methods in patterns.items()]

    def find(self, method: str, path: str) -> tuple[Route | None, dict[str, str], tuple[str, ...]]:
        """
        Return the route, its path parameters, and which methods the path would allow.

        No route and no methods: nothing is served at this path.
        """
        methods = self._exact.get(path)
        if methods is not None and (route := methods.get(method)) is not None:
            return route, {}, ()
        allowed = tuple(methods) if methods else ()
        for pattern, pattern_methods in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                if (route := pattern_methods.get(method)) is not None:
                    return route, match.groupdict(), ()
                allowed += tuple(pattern_methods)
        return None, {}, tuple(sorted(set(allowed)))


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\*?\})", path)
    return re.compile(
        "".join(
            f"(?P<{p[1:-2]}>.+)"
            if p.endswith("*}")
            else f"(?P<{p[1:-1]}>[^/]+)"
            if p.startswith("{")
            else re.escape(p)
            for p in parts
        )
    )
