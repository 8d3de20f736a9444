"""
Durations, shares, rates and delays mean what their text says, to the millisecond.
"""

import decimal
import re
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model import units as units
from simulator.kernel.model.units import (
    DURATION_MAX_MS,
    ConstantDelay,
    Delay,
    LognormalDelay,
    Rate,
    UniformDelay,
    UnitError,
    format_delay,
    format_duration,
    format_offset,
    format_share,
    parse_delay,
    parse_duration,
    parse_rate,
    parse_share,
)

DURATIONS = st.integers(0, DURATION_MAX_MS)
UNIT_TEXTS = st.one_of(st.text(), st.text("0123456789.dhms%/in(),=plogra 9"), st.text("²٣1s"))
DELAYS: st.SearchStrategy[Delay] = st.one_of(
    st.builds(ConstantDelay, DURATIONS),
    st.tuples(DURATIONS, DURATIONS).map(lambda ends: UniformDelay(*sorted(ends))),
    st.tuples(st.integers(1, DURATION_MAX_MS), st.integers(1, DURATION_MAX_MS)).map(
        lambda ends: LognormalDelay(*sorted(ends))
    ),
)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0", 0),
        ("0s", 0),
        ("250ms", 250),
        ("3s", 3_000),
        ("1.5s", 1_500),
        ("0.001s", 1),
        ("10m", 600_000),
        ("2h", 7_200_000),
        ("1h30m", 5_400_000),
        ("1d2h3m4s5ms", 93_784_005),
        ("3d", 259_200_000),
        ("400d", DURATION_MAX_MS),
    ],
)
def test_duration_reads_as_written(text: str, ms: int) -> None:
    """
    Each accepted form means exactly its milliseconds.
    """
    actual = parse_duration(text)

    assert actual == ms
    assert re.search(units.DURATION_PATTERN, text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("soon", 'expected a duration such as "3s" or "1h30m", got "soon"'),
        ("", 'expected a duration such as "3s" or "1h30m", got ""'),
        ("-3s", 'expected a duration such as "3s" or "1h30m", got "-3s"'),
        ("30m1h", 'expected a duration such as "3s" or "1h30m", got "30m1h"'),
        ("٣s", 'expected a duration such as "3s" or "1h30m", got "٣s"'),
        (
            "3",
            'expected a duration such as "3s" or "1h30m", got "3"; say the unit, for example "3s" or "3ms"',
        ),
        (
            "1.5h3m",
            'expected a duration such as "3s" or "1h30m", got "1.5h3m";'
            " only the last part may have a fraction",
        ),
        (
            "1.5ms",
            'expected a duration such as "3s" or "1h30m", got "1.5ms";'
            " that is not a whole number of milliseconds",
        ),
        ("401d", 'expected a duration of at most 400d, got "401d"'),
        ("x" * 70, f'expected a duration such as "3s" or "1h30m", got "{"x" * 59}…"'),
    ],
)
def test_refused_duration_says_what_was_expected_and_what_came(text: str, complaint: str) -> None:
    """
    A refusal names the expected form, the text, and the way out where there is one.
    """
    with pytest.raises(UnitError) as caught:
        parse_duration(text)

    assert str(caught.value) == complaint


@given(DURATIONS)
def test_formatted_duration_reads_back(ms: int) -> None:
    """
    Whatever is printed can be pasted into a scenario.
    """
    text = format_duration(ms)

    assert parse_duration(text) == ms
    assert re.search(units.DURATION_PATTERN, text)


@pytest.mark.parametrize(
    ("ms", "text"),
    [(90_000, "1m30s"), (1_500, "1.5s"), (60_250, "1m250ms"), (0, "0s"), (129_600_000, "1d12h")],
)
def test_duration_is_printed_short(ms: int, text: str) -> None:
    """
    Durations are printed the way a person would write them.
    """
    assert format_duration(ms) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "+00:00:00.000"),
        (2_300, "+00:00:02.300"),
        (183_600_000, "+2d 03:00:00.000"),
        (-2_300, "-00:00:02.300"),
    ],
)
def test_offset_reads_like_a_watch(ms: int, text: str) -> None:
    """
    Offsets line up in a narrative and show days apart.
    """
    assert format_offset(ms) == text


@pytest.mark.parametrize(
    ("text", "share"),
    [("0%", 0), ("15%", 1_500), ("0.5%", 50), ("0.05%", 5), ("12.34%", 1_234), ("100%", 10_000)],
)
def test_share_reads_as_basis_points(text: str, share: int) -> None:
    """
    A share keeps two decimals exactly.
    """
    actual = parse_share(text)

    assert actual == share
    assert re.search(units.SHARE_PATTERN, text)


@pytest.mark.parametrize("text", ["15", "101%", "100.01%", "0.123%", "-1%", "%", "1 %", "1%\n"])
def test_share_outside_the_whole_is_refused(text: str) -> None:
    """
    Nothing below 0, above 100 % or finer than a basis point is taken.
    """
    with pytest.raises(UnitError, match=r"^expected a share "):
        parse_share(text)


@given(st.integers(0, 10_000))
def test_formatted_share_reads_back(share: int) -> None:
    """
    Every basis point survives being printed.
    """
    text = format_share(share)

    assert parse_share(text) == share


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("200/s", Rate(200, 1_000)),
        ("120/min", Rate(120, 60_000)),
        ("120/m", Rate(120, 60_000)),
        ("5/h", Rate(5, 3_600_000)),
        ("1/d", Rate(1, 86_400_000)),
        ("5/10s", Rate(5, 10_000)),
        ("5/1m30s", Rate(5, 90_000)),
        ("2_000/s", Rate(2_000, 1_000)),
        ("999_999_999/s", Rate(999_999_999, 1_000)),
    ],
)
def test_rate_reads_as_written(text: str, rate: Rate) -> None:
    """
    A rate keeps its count and its period.
    """
    actual = parse_rate(text)

    assert actual == rate
    assert re.search(units.RATE_PATTERN, text)


@pytest.mark.parametrize(
    "text",
    [
        *["200", "0/s", "5/0s", "-1/s", "1/fortnight", "1.5/s", "9999999999/s", "٣/s"],
        *["20_00/s", "2000_000/s", "2__000/s", "_200/s", "200_/s", "0_200/s", "1_000_000_000/s"],
    ],
)
def test_rate_of_nothing_is_refused(text: str) -> None:
    """
    A rate has a positive count and a positive period.
    """
    with pytest.raises(UnitError, match=r"^expected a rate such as "):
        parse_rate(text)


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("3s", ConstantDelay(3_000)),
        ("1s..4s", UniformDelay(1_000, 4_000)),
        ("0 .. 1m30s", UniformDelay(0, 90_000)),
        ("lognormal(median=2s, p99=30s)", LognormalDelay(2_000, 30_000)),
        ("lognormal(median=2s,p99=2s)", LognormalDelay(2_000, 2_000)),
    ],
)
def test_delay_reads_as_written(text: str, delay: Delay) -> None:
    """
    Each form of a delay is told apart by its text.
    """
    actual = parse_delay(text)

    assert actual == delay
    assert re.search(units.DELAY_PATTERN, text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("soon", 'expected a duration such as "3s" or "1h30m", got "soon"'),
        ("4s..1s", 'expected a range from the shorter to the longer duration, got "4s..1s"'),
        (
            "lognormal(median=2s",
            'expected "lognormal(median=2s, p99=30s)", got "lognormal(median=2s";'
            " inside {} or [] quote it, for it holds a comma",
        ),
        (
            "lognormal(median=3s, p99=2s)",
            "expected a lognormal delay with a median above 0 and a p99 no shorter than it,"
            " got median 3000 ms and p99 2000 ms",
        ),
    ],
)
def test_refused_delay_says_what_was_expected_and_what_came(text: str, complaint: str) -> None:
    """
    A refusal of a delay is as plain as one of a duration.
    """
    with pytest.raises(UnitError) as caught:
        parse_delay(text)

    assert str(caught.value) == complaint


@given(DELAYS)
def test_formatted_delay_reads_back(delay: Delay) -> None:
    """
    Every delay survives being printed.
    """
    text = format_delay(delay)

    assert parse_delay(text) == delay
    assert re.search(units.DELAY_PATTERN, text)


@pytest.mark.parametrize("text", ["7s", "1s..4s", "0s..400d", "lognormal(median=2s, p99=30s)"])
@given(units_drawn=st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)))
def test_larger_unit_never_draws_a_shorter_delay(text: str, units_drawn: tuple[int, int]) -> None:
    """
    Draws follow the distribution's quantiles and stay within the longest delay.
    """
    delay = parse_delay(text)

    shorter, longer = (delay.draw(unit) for unit in sorted(units_drawn))

    assert 0 <= shorter <= longer <= delay.max_ms


def test_uniform_range_includes_both_ends() -> None:
    """
    The first and the last millisecond of a range are drawn too.
    """
    delay = UniformDelay(1_000, 4_000)

    assert (delay.draw(0), delay.draw(2**32 - 1), delay.max_ms) == (1_000, 4_000, 4_000)


def test_lognormal_keeps_its_median_and_its_p99() -> None:
    """
    The two numbers a user writes are the two quantiles the draws have.
    """
    delay = LognormalDelay(2_000, 30_000)

    assert delay.draw(2**31) == 2_000
    assert abs(delay.draw(2**32 * 99 // 100) - 30_000) <= 60


def test_lognormal_agrees_with_the_textbook() -> None:
    """
    Between the capped tails the table follows the standard library's normal quantiles.
    """
    delay = LognormalDelay(200_000, 2_000_000)
    normal = NormalDist()
    spread = 1 / normal.inv_cdf(0.99)

    errors = [
        abs(delay.draw(step * 2**32 // 1_000) / (200_000 * 10 ** (spread * normal.inv_cdf(step / 1_000))) - 1)
        for step in range(1, 1_000)
    ]

    assert max(errors) < 0.02


def test_lognormal_draws_are_pinned() -> None:
    """
    These very numbers come out on every machine, whatever decimal context is in force.
    """
    with decimal.localcontext(decimal.Context(prec=3, rounding=decimal.ROUND_UP)):
        delay = LognormalDelay(2_000, 30_000)
        drawn = [delay.draw(unit) for unit in (0, 1 << 20, 1 << 24, 1 << 30, 3 << 30, 2**32 - 1)]

    assert (drawn, delay.max_ms) == ([35, 39, 90, 912, 4_386, 115_862], 115_863)


@given(UNIT_TEXTS)
def test_arbitrary_text_is_read_or_refused(text: str) -> None:
    """
    No text makes a parser fail in any other way.
    """
    for parse in (parse_duration, parse_share, parse_rate, parse_delay):
        try:
            parse(text)
        except UnitError as refusal:
            assert str(refusal).startswith("expected ")  # noqa: PT017
