"""
Evidence shows when a recipient was out of reach, also where the directory has forgotten.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evidence.loft import Loft
from simulator.evidence.reachability import Reachability
from simulator.kernel.model.recipient import Trait, Window

PHONE = "+905550000001"
PATTERNS = [PHONE, "+905550*", "+905*", "+1*"]


def test_windows_of_the_scenario_and_changes_make_spans() -> None:
    """
    Off by the scenario, off by command, and back again: each is a span of its own.
    """
    off = {"reachable": Trait((Window(False, 1_000, 5_000),))}
    loft = Loft(recipients={PHONE: off})
    loft.advance("10s")
    loft.simulation.change_recipient(PHONE, {"reachable": False, "blocked": True})
    loft.advance("10s")
    loft.simulation.change_recipient(PHONE, {"reachable": True})
    loft.advance("10s")

    spans = Reachability(loft.simulation).spans(PHONE, 0, 30_000)

    assert spans == [(1_000, 5_000), (10_000, 20_000)]


@given(
    changes=st.lists(
        st.tuples(st.sampled_from(PATTERNS), st.booleans(), st.integers(0, 3), st.none() | st.integers(1, 6)),
        max_size=12,
    ),
    window=st.tuples(st.integers(0, 10), st.integers(0, 10)),
)
def test_spans_are_what_the_directory_said_at_the_time(
    changes: list[tuple[str, bool, int, int | None]], window: tuple[int, int]
) -> None:
    """
    Asked at each second, the directory of that second and the spans told afterwards agree.
    """
    start, length = window
    off = {"reachable": Trait((Window(False, start * 1_000, (start + length) * 1_000),))}
    loft = Loft(recipients={"+9055*": off})
    said: list[bool] = []
    for pattern, value, seconds, span in [*changes, ("+1*", True, 12, None)]:
        span_ms = span * 1_000 if span is not None else None
        loft.simulation.change_recipient(pattern, {"reachable": value}, span_ms=span_ms)
        for _ in range(seconds):
            said.append(loft.simulation.directory.at(PHONE, loft.simulation.clock.now_ms).reachable)
            loft.advance("1s")

    spans = Reachability(loft.simulation).spans(PHONE, 0, len(said) * 1_000)

    told = [not any(a <= second * 1_000 < b for a, b in spans) for second in range(len(said))]
    assert told == said
