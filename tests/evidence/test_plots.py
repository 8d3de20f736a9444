"""
The measured rows of a run: what came against the plan, what was owed, how long answers took.
"""

from __future__ import annotations

from evidence.loft import Loft
from simulator.evidence.axis import Axis
from simulator.evidence.overview import Chart
from simulator.evidence.plots import plots
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.units import ConstantDelay
from toys.bench import rule
from toys.pigeon import pigeon

SOON = Fate(after=ConstantDelay(1_000), progress=())


def charts(loft: Loft, planned_ms: list[int]) -> dict[str, Chart]:
    """
    Return the measured rows by their labels.
    """
    axis = Axis([0, loft.simulation.clock.now_ms])
    return {chart.label: chart for chart in plots(loft.simulation, axis, planned_ms)}


def levels(chart: Chart, what: str) -> list[int]:
    """
    Return what a chart shows of something, from the left to the right.
    """
    return [bar.amount for bar in chart.bars if bar.what == what]


def flown() -> Loft:
    """
    Return a loft with a pigeon in each of ten seconds, whose reports fail until the sixth.
    """
    loft = Loft(rule("soon", fate=SOON))
    loft.answers = lambda webhook: 200 if webhook.created_ms > 6_000 else 500
    for number in range(10):
        loft.send(pigeon(to=f"+90500000000{number}"))
        loft.advance("1s")
    return loft


def test_arrivals_are_summed_up_beside_the_plan() -> None:
    """
    Half as many came as were planned, and both rise to their sums.
    """
    arrived = charts(flown(), [number * 500 for number in range(20)])["came, against the plan"]

    assert arrived.number == "10 / 20"
    assert levels(arrived, "came by then")[-1] == 10
    assert levels(arrived, "were to come by then")[-1] == 20
    assert levels(arrived, "came by then") == sorted(levels(arrived, "came by then"))


def test_run_without_a_plan_has_no_row_for_it() -> None:
    """
    Software that sends by itself is held against no plan.
    """
    assert list(charts(flown(), [])) == ["webhooks owed", "latency of answers"]


def test_backlog_grows_while_the_receiver_fails() -> None:
    """
    What was refused stays owed, what was taken at once was owed for a moment.
    """
    backlog = charts(flown(), [])["webhooks owed"]

    assert (backlog.number, backlog.note) == ("7", "at most; 6 now")
    assert max(levels(backlog, "owed at most")) == 7
    assert levels(backlog, "owed at most")[-1] in (6, 7)


def test_latency_is_shown_from_the_median_to_the_longest() -> None:
    """
    Nothing answered, nothing shown; else every place has its median below its longest.
    """
    loft = flown()
    latencies = charts(loft, [])["latency of answers"]
    medians, longest = levels(latencies, "µs in the middle"), levels(latencies, "µs at most")

    assert charts(Loft(), [])["latency of answers"].number == "–"
    assert len(medians) == len(longest) > 0
    assert all(middle <= most for middle, most in zip(medians, longest, strict=True))
