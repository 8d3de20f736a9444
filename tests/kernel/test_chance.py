"""
A draw is a function of seed, key and label, and of nothing else.
"""

from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.chance import Chance

KEYS = st.lists(st.one_of(st.text(max_size=8), st.integers()), min_size=1, max_size=3)
LABELS = st.text(max_size=12)


@given(st.integers(), KEYS, LABELS, st.lists(st.tuples(KEYS, LABELS), max_size=5))
def test_draw_does_not_depend_on_other_draws(
    seed: int, key: list[str | int], label: str, others: list[tuple[list[str | int], str]]
) -> None:
    """
    Whatever was asked before, for whichever key and label, the same name draws the same.
    """
    alone = Chance(seed).of(*key).hex(label)

    chance = Chance(seed)
    draws = chance.of(*key)
    for other_key, other_label in others:
        chance.of(*other_key).hex(other_label)
        draws.hex(other_label)

    assert draws.hex(label) == chance.of(*key).hex(label) == alone


def test_draws_are_pinned() -> None:
    """
    These very values come out on every machine; if they change, so does every user's story.
    """
    draws = Chance(7).of("pigeon", "+905550000001", 1)

    drawn = (
        draws.unit("deliver.after"),
        draws.integer("deliver.after_ms", 500, 4_000),
        draws.hits("rule.some.share", 5_000),
        draws.digits("message.id", 19),
        draws.hex("message.id"),
    )

    assert drawn == (2775724963, 3425, True, "3463131260176265557", "cf798ca0ab16596b3b3feda510577155")


def test_names_that_differ_draw_differently() -> None:
    """
    Another seed, another key, another ordinal or another label is another draw.
    """
    drawn = [
        Chance(1).of("pigeon", "+1", 1).hex("a"),
        Chance(2).of("pigeon", "+1", 1).hex("a"),
        Chance(1).of("pigeon", "+1", 2).hex("a"),
        Chance(1).of("pigeon", "+11", 1).hex("a"),
        Chance(1).of("pigeon+", "1", 1).hex("a"),
        Chance(1).of("pigeon", "+1", 1).hex("b"),
    ]

    assert len(set(drawn)) == len(drawn)


@given(st.integers(), LABELS, st.integers(-(10**12), 10**12), st.integers(0, 10**12))
def test_integer_lies_within_its_limits(seed: int, label: str, low: int, width: int) -> None:
    """
    Both ends are included, nothing lies outside.
    """
    drawn = Chance(seed).of("key").integer(label, low, low + width)

    assert low <= drawn <= low + width


def test_every_integer_of_a_small_range_is_drawn() -> None:
    """
    A die has six sides.
    """
    drawn = {Chance(0).of("throw", number).integer("die", 1, 6) for number in range(200)}

    assert drawn == {1, 2, 3, 4, 5, 6}


@given(st.integers(), LABELS, st.integers(1, 38))
def test_digits_are_a_number_of_that_length(seed: int, label: str, length: int) -> None:
    """
    No leading zero, and exactly as many digits as asked for.
    """
    drawn = Chance(seed).of("key").digits(label, length)

    assert (len(drawn), drawn.isdecimal(), drawn[0] != "0") == (length, True, True)


@given(st.integers(), LABELS)
def test_unit_is_what_delays_take(seed: int, label: str) -> None:
    """
    A unit lies in [0, 2 ** 32), a hexadecimal draw has 32 digits.
    """
    draws = Chance(seed).of("key")

    assert 0 <= draws.unit(label) < 2**32
    assert int(draws.hex(label), 16) < 16 ** len(draws.hex(label)) == 16**32


@given(st.integers(), LABELS, st.integers(0, 10_000), st.integers(0, 10_000))
def test_larger_share_hits_whatever_a_smaller_one_hits(seed: int, label: str, one: int, other: int) -> None:
    """
    Raising a share in a scenario adds keys and loses none; 0 hits nobody, 10,000 everybody.
    """
    draws = Chance(seed).of("key")
    smaller, larger = sorted((one, other))

    assert draws.hits(label, smaller) <= draws.hits(label, larger)
    assert (draws.hits(label, 0), draws.hits(label, 10_000)) == (False, True)


def test_share_hits_about_that_many() -> None:
    """
    A share of 15 % hits 15 % of many keys.
    """
    hits = sum(Chance(0).of("pigeon", f"+{number}", 1).hits("share", 1_500) for number in range(10_000))

    assert 1_400 < hits < 1_600


def test_hostile_name_is_a_name() -> None:
    """
    A lone surrogate in an address or label draws like any other text.
    """
    drawn = Chance(0).of("pigeon", "\ud800", 1).hex("\udfff")

    assert drawn == Chance(0).of("pigeon", "\ud800", 1).hex("\udfff")
