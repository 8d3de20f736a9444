"""
`make bench` measures what there is, and not what there once was.
"""

from __future__ import annotations

import json

import pytest

from benchmarks.__main__ import ROWS, main
from benchmarks.figures import Figure, Plan, Row, Spread, Target, figure, judged
from benchmarks.wiremock import beside_wiremock

_TINY = Plan(rounds=1, scale=0.01)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.measure is not beside_wiremock], ids=lambda r: r.name
)
def test_row_still_measures(row: Row) -> None:
    """
    Every row of the table gives a figure, against its reference where it names one.
    """
    measured = row.measure(_TINY)

    # So few webhooks may all be in time.
    assert measured.value.median > 0 or row.name.endswith("-late")
    assert (measured.ratio is not None) == bool(row.reference)


def test_rows__can_be_chosen_and_read_by_machines(capsys: pytest.CaptureFixture[str]) -> None:
    """
    One row by its name gives JSON with the figure, its floor and its goal.
    """
    main(["recipients", "--quick", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert [(row["row"], row["name"], row["unit"]) for row in told["rows"]] == [(14, "recipients", "ms")]
    assert told["rounds"] == 2


def test_rows__unknown_one_is_refused() -> None:
    """
    A row that does not exist is refused with those that do.
    """
    with pytest.raises(SystemExit, match="there is no row 'sends'; known: 1 to"):
        main(["sends"])


def test_figure_is_the_median_with_least_and_most() -> None:
    """
    A figure shows the median of the rounds, of values and of ratios, and how far they went apart.
    """
    measured = figure([(10, 5), (10, 20), (10, 8)], "sends/s")

    assert measured == Figure(Spread(8, 5, 20), "sends/s", Spread(0.8, 0.5, 2.0))


@pytest.mark.parametrize(
    ("better", "ratio", "reached"),
    [
        ("more", 0.8, "goal"), ("more", 0.6, "floor"), ("more", 0.4, "below"),
        ("less", 0.4, "goal"), ("less", 0.6, "floor"), ("less", 0.8, "below"),
    ],
)  # fmt: skip
def test_figure_is_judged_by_its_median(better: str, ratio: float, reached: str) -> None:
    """
    The median decides whether the goal is reached, the floor, or neither.
    """
    floor, goal = (0.5, 0.75) if better == "more" else (0.75, 0.5)
    target = Target("ratio", "more" if better == "more" else "less", floor, goal)
    row = Row(1, "any", "", "bare", lambda _: measured, target)
    measured = figure([(1, ratio)], "sends/s")

    assert judged(row, measured) == reached
