"""
An exam as JSON, for programs.
"""

from __future__ import annotations

import json

from simulator.exam.results import ExamResult, Outcome

__all__ = ["card"]


def card(result: ExamResult) -> str:
    """Return the score and every grade."""
    return json.dumps(
        {
            "provider": result.provider,
            "passed": result.passed,
            "score": result.score,
            "counts": {outcome.value: len(result.of(outcome)) for outcome in Outcome},
            "seed": result.seed,
            "version": result.version,
            "elapsed_real_s": round(result.elapsed_real_s, 3),
            "mended": list(result.mended),
            "hardships": [
                {
                    "name": grade.name,
                    "title": grade.title,
                    "promise": grade.promise,
                    "outcome": grade.outcome.value,
                    "known": grade.expected,
                    "reason": grade.reason,
                    "story": list(grade.story),
                    "seed": grade.seed,
                    "file": grade.file,
                    "elapsed_real_s": round(grade.elapsed_real_s, 3),
                }
                for grade in result.grades
            ],
        },
        ensure_ascii=False,
        indent=2,
    )
