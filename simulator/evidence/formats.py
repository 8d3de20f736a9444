"""
The forms of evidence by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from simulator.evidence.result import RunResult

__all__ = ["FORMATS", "Format"]


class Format(NamedTuple):
    """
    A form of evidence: its content type, the suffix of its files, and what makes it.
    """

    content_type: str
    suffix: str
    render: Callable[[RunResult], bytes]


# Each loads what it needs when it is first asked for: servers start without.
def _junit(result: RunResult) -> bytes:
    from simulator.evidence.junit import junit

    return junit(result).encode()


def _html(result: RunResult) -> bytes:
    from simulator.evidence.html import html

    return html(result).encode()


def _jsonl(result: RunResult) -> bytes:
    from simulator.evidence.jsonl import jsonl

    return b"".join(jsonl(result))


def _har(result: RunResult) -> bytes:
    from simulator.evidence.har import har

    return har(result).encode()


def _card(result: RunResult) -> bytes:
    from simulator.evidence.card import card

    return card(result)


FORMATS: Final[dict[str, Format]] = {
    "junit": Format("application/xml; charset=utf-8", ".xml", _junit),
    "html": Format("text/html; charset=utf-8", ".html", _html),
    "jsonl": Format("application/x-ndjson", ".jsonl", _jsonl),
    "har": Format("application/json", ".har", _har),
    "json": Format("application/json", ".json", _card),
}
"""Every form, as `?format=` and `--report` name it."""
