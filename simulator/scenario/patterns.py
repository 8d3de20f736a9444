"""
Regular expressions that cannot hold everything up: `matches:` of a scenario.

A pattern whose cost is small whatever the text is carried out by the standard library.
The others need RE2, whose time grows with the text alone; where it is not installed they
are refused.  Both search the first 2,000 characters of a text and mean the same.
"""

from __future__ import annotations

import re
import warnings
from importlib import import_module
from typing import Final, NamedTuple, Protocol

from simulator.scenario.pattern_tree import (
    TEXT_LENGTH_MAX,
    Choice,
    Edge,
    Leaf,
    Part,
    Repeat,
    Row,
    parse,
)

__all__ = ["COST_MAX", "Pattern", "compile_pattern"]

COST_MAX: Final = 40_000_000
"""
What all patterns of a file may cost for one text, in the worst case.

A unit is about a nanosecond, so that this is some 40 ms.
"""

_CHEAP: Final = 1_000_000
"""What costs no more needs no other engine."""

_NOT_INSTALLED: Final = (
    "the extra messaging-provider-simulator[patterns] would bound it; "
    "or give repeats an end, such as .{0,100}"
)
_RE2_STEP_COST: Final = 16
_RE2_REPEAT_MAX: Final = 1_000
_RE2_MEMORY_MAX: Final = 1 << 20


class _Engine(Protocol):
    def search(self, text: str, /) -> object | None: ...


class Pattern(NamedTuple):
    """
    A compiled pattern, which searches the beginning of a text.
    """

    pattern: str
    cost: int
    """In the worst case, for one text."""
    engine: _Engine

    def search(self, text: str) -> object | None:
        """Return something when the first 2,000 characters of *text* have a match, else None."""
        return self.engine.search(text[:TEXT_LENGTH_MAX])


class _Cost(NamedTuple):
    """What an engine that tries one way after the other does from one place of a text."""

    ways: int
    steps: int


def compile_pattern(pattern: str) -> Pattern:
    """Return *pattern*, ready to search; raises ValueError when it is none, or has no bound."""
    part = parse(pattern)
    try:
        with warnings.catch_warnings():
            # A set that a later Python may read otherwise is of no use to whoever runs a server.
            warnings.simplefilter("ignore")
            compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as trouble:
        raise ValueError(str(trouble)) from None
    starts = 1 if _at_start(part) else TEXT_LENGTH_MAX + 1
    cost = _tried(part).steps * starts
    if cost <= _CHEAP:
        return Pattern(pattern, cost, compiled)
    try:
        return _with_re2(pattern, part)
    except _NoRe2 as trouble:
        if cost <= COST_MAX:
            return Pattern(pattern, cost, compiled)
        raise ValueError(f"on some texts it would take too long; {trouble}") from None


# -- the standard library -------------------------------------------------------------------------


def _tried(part: Part) -> _Cost:
    """Return the most that trying one way after the other may take; numbers past the limit mean no bound."""
    match part:
        case Leaf(cost=cost):
            return _Cost(1, cost)
        case Edge():
            return _Cost(1, 1)
        case Row(parts):
            ways = steps = 0
            for number, follower in enumerate(map(_tried, parts)):
                steps += (ways if number else 1) * follower.steps
                ways = (ways if number else 1) * follower.ways
                ways, steps = _capped(ways), _capped(steps)
            return _Cost(ways if parts else 1, steps)
        case Choice(parts):
            costs = [_tried(choice) for choice in parts]
            return _Cost(_capped(sum(cost.ways for cost in costs)), _capped(sum(c.steps for c in costs)))
        case Repeat(inner, least, most):
            return _repeated(_tried(inner), least, TEXT_LENGTH_MAX if most is None else most)


def _repeated(inner: _Cost, least: int, most: int) -> _Cost:
    most = min(most, TEXT_LENGTH_MAX)
    if inner.ways == 1:
        return _Cost(max(1, most - least + 1), _capped(inner.steps * most))
    ways = steps = 0
    so_far = 1
    for times in range(most + 1):
        ways += so_far if times >= least else 0
        steps += so_far * inner.steps if times < most else 0
        if max(ways, steps) > COST_MAX:
            break
        so_far *= inner.ways
    return _Cost(_capped(max(1, ways)), _capped(steps))


def _capped(number: int) -> int:
    return min(number, COST_MAX + 1)


def _at_start(part: Part) -> bool:
    """Return True when a match can begin at the start of the text only."""
    match part:
        case Edge(at_start=at_start):
            return at_start
        case Row(parts):
            return bool(parts) and _at_start(parts[0])
        case Choice(parts):
            return all(_at_start(choice) for choice in parts)
    return False


# -- RE2 ------------------------------------------------------------------------------------------


class _NoRe2(Exception):
    """
    RE2 cannot carry a pattern out, and why.
    """


def _with_re2(pattern: str, part: Part) -> Pattern:
    written = _written(part)
    cost = _size(part) * _RE2_STEP_COST * TEXT_LENGTH_MAX
    if cost > COST_MAX:
        raise _NoRe2("it repeats too much in all")
    try:
        # Asked for last, so that a pattern which cannot be bounded anywhere is told the same everywhere.
        re2 = import_module("re2")
    except ImportError:
        raise _NoRe2(_NOT_INSTALLED) from None
    options = re2.Options()
    options.max_mem = _RE2_MEMORY_MAX
    options.log_errors = False
    options.never_capture = True
    try:
        return Pattern(pattern, cost, re2.compile(written, options))
    except re2.error:
        raise _NoRe2("it is too large") from None


def _size(part: Part) -> int:
    match part:
        case Leaf(cost=cost):
            return cost
        case Edge():
            return 1
        case Row(parts) | Choice(parts):
            return _capped(1 + sum(map(_size, parts)))
        case Repeat(inner, least, most):
            return _capped(_size(inner) * max(1, least, most or 1))


def _written(part: Part, *, last: bool = True) -> str:
    """Return how RE2 writes a part; *last*: nothing follows it."""
    match part:
        case Leaf(re2=text):
            return text
        case Edge(re2=None):
            raise _NoRe2(r"beside \b and \B a repeat needs an end, such as .{0,100}")
        case Edge(needs_end=True) if not last:
            raise _NoRe2(r"$ stands before something; \Z is the very end")
        case Edge(re2=text):
            assert text is not None
            return text
        case Row(parts):
            ends = len(parts) - 1
            return "".join(_written(each, last=last and place == ends) for place, each in enumerate(parts))
        case Choice(parts):
            return f"(?:{'|'.join(_written(each, last=last) for each in parts)})"
        case Repeat(inner, least, most):
            if max(least, most or 0) > _RE2_REPEAT_MAX:
                raise _NoRe2(f"repeats are counted to {_RE2_REPEAT_MAX:,} only")
            return f"(?:{_written(inner, last=False)}){{{least},{'' if most is None else most}}}"
