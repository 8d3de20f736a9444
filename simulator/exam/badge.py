"""
The score of an exam as a badge for a README.
"""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

from simulator.exam.results import ExamResult, Outcome

__all__ = ["badge"]

_WIDTH_OF_LETTER: Final = 6.4
_MARGIN: Final = 10
_GOOD, _FAIR, _BAD = "#00795c", "#b57a00", "#c44601"
_FAIR_SHARE: Final = 0.8

_SVG: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {score}">
<title>{label}: {score}</title>
<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3b4148"/>\
<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">\
<text x="{left_middle}" y="14" textLength="{left_text}">{label}</text>\
<text x="{right_middle}" y="14" textLength="{right_text}">{score}</text></g>
</svg>
"""


def badge(result: ExamResult) -> str:
    """Return an SVG with the provider and the score; its colour never hides what was not judged."""
    label, score = f"{result.provider} receiver", result.score
    passed, total = len(result.of(Outcome.PASSED)), len(result.grades)
    colour = (
        _GOOD if passed == total else _FAIR if passed >= total * _FAIR_SHARE and not result.fresh else _BAD
    )
    left_text, right_text = (round(len(text) * _WIDTH_OF_LETTER) for text in (label, score))
    left, right = left_text + _MARGIN, right_text + _MARGIN
    return _SVG.format(
        width=left + right,
        left=left,
        right=right,
        left_text=left_text,
        right_text=right_text,
        left_middle=left // 2,
        right_middle=left + right // 2,
        colour=colour,
        label=escape(label),
        score=score,
    )
