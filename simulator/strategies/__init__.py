"""
Hypothesis strategies for messages, faults and whole scenarios: valid as they are, plainest values first.
"""

from __future__ import annotations

try:
    import hypothesis as _hypothesis
except ImportError as missing:
    raise ImportError(
        'simulator.strategies needs Hypothesis: pip install "messaging-provider-simulator[hypothesis]"'
    ) from missing

from simulator.strategies.faults import answers, fates, webhook_faults
from simulator.strategies.recipients import recipients
from simulator.strategies.scenarios import scenarios, timelines
from simulator.strategies.submissions import submissions
from simulator.strategies.texts import texts
from simulator.strategies.times import instants, shares, spans

__all__ = [
    "answers",
    "fates",
    "instants",
    "recipients",
    "scenarios",
    "shares",
    "spans",
    "submissions",
    "texts",
    "timelines",
    "webhook_faults",
]

del _hypothesis
