"""
How a short message looks on a phone, with its parts as the network counts them.
"""

from __future__ import annotations

from simulator.provider import Bubble, Submission, segment

__all__ = ["show"]


def show(submission: Submission) -> Bubble:
    """Return what the recipient sees of a message, and how it is encoded."""
    text, parts = submission.text, submission.parts
    encoding = segment(text).encoding
    count = f"{parts} part" if parts == 1 else f"{parts} parts"
    return Bubble(text, note=f"{encoding}, {count}, {len(text)} characters")
