"""
The verdict as JUnit XML, for CI servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from simulator.evidence.card import figures
from simulator.evidence.result import Check, RunResult
from simulator.evidence.text import rates, text
from simulator.evidence.words import cut

__all__ = ["attribute", "body", "junit"]

_STORY_LINES_MAX = 500
_LINE_MAX = 2_000

# What XML 1.0 cannot hold, not even as a reference: most control characters and lone surrogates.
_IMPOSSIBLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(result: RunResult) -> str:
    """
    Return JUnit XML: a test case per expectation, with the stories of those not met.

    Names hold no limits, so that a server follows an expectation through changes of
    them.  The suite has the real time that the run took, if that was measured; the
    receiver's figures are properties.  What was not judged is skipped, with why.
    """
    return "\n".join(_lines(result.withheld())) + "\n"


def _lines(result: RunResult) -> Iterator[str]:
    failures = sum(not check.passed for check in result.checks)
    # Some servers fail a report without cases; a space that nobody judges has one that is skipped.
    skipped = sum(not check.judged and check.passed for check in result.checks) if result.checks else 1
    missing = result.storm.incomplete if result.storm is not None else ()
    errors = int(bool(missing))
    tests = (len(result.checks) or 1) + errors
    counts = f'tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}"'
    if result.elapsed_real_s is not None:
        counts += f' time="{result.elapsed_real_s:.3f}"'
    name = attribute(result.scenario)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="simulator" tests="{tests}" failures="{failures}" errors="{errors}">'
    yield f"  <testsuite name={name} {counts}>"
    yield "    <properties>"
    for key, value in _properties(result):
        yield f"      <property name={attribute(key)} value={attribute(value)}/>"
    yield "    </properties>"
    if missing:
        # Servers go by cases: what is left may have met every expectation.
        yield f'    <testcase classname={name} name="the run is complete">'
        yield f'      <error message={attribute("; ".join(missing))} type="incomplete"/>'
        yield "    </testcase>"
    for check in result.checks:
        yield from _case(check, name)
    if not result.checks:
        yield f'    <testcase classname={name} name="expectations">'
        yield '      <skipped message="there are none"/>'
        yield "    </testcase>"
    yield f"    <system-out>{body(text(result))}</system-out>"
    yield "  </testsuite>"
    yield "</testsuites>"


def _properties(result: RunResult) -> Iterator[tuple[str, str]]:
    yield "seed", str(result.seed)
    yield "source", result.source
    yield "space", result.space.name
    yield "simulator", result.version
    yield "virtual_ms", str(result.space.simulation.clock.now_ms)
    yield "messages", str(result.messages)
    if result.storm is not None:
        yield "storm.workers", str(result.storm.workers)
        yield "storm.rates", rates(result.storm.asked_per_s, result.storm.reached_per_s)
        for why in result.storm.incomplete:
            yield "storm.incomplete", why
    for name, value in figures(result.scorecard).items():
        if value is not None:
            yield f"receiver.{name}", str(value)


def _case(check: Check, scenario: str) -> Iterator[str]:
    opening = f"    <testcase classname={scenario} name={attribute(check.subject)}"
    if check.passed and check.judged:
        yield f"{opening}/>"
        return
    if check.passed:
        yield f"{opening}><skipped message={attribute(check.detail)}/></testcase>"
        return
    lines = list(check.lines[:_STORY_LINES_MAX])
    if len(check.lines) > len(lines):
        lines.append(f"… {len(check.lines) - len(lines):,} more lines")
    yield f"{opening}>"
    yield (
        f'      <failure message={attribute(f"{check.name}: {check.detail}")} type="expectation">'
        f"{body([check.detail, *lines])}</failure>"
    )
    yield "    </testcase>"


def _possible(text: str) -> str:
    return _IMPOSSIBLE.sub("\ufffd", text)


def attribute(text: str) -> str:
    """Return *text* as the value of an attribute, in its quotes."""
    return quoteattr(_possible(cut(text, _LINE_MAX)))


def body(lines: Sequence[str]) -> str:
    """Return *lines* as the content of an element."""
    return escape(_possible("\n".join(cut(line, _LINE_MAX) for line in lines)), {"\r": "&#13;"})
