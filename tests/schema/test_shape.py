"""
A declared shape reads what fits, complains about all that does not, and describes itself.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.kernel.model.units import ConstantDelay, Rate, UniformDelay, format_duration, format_share
from simulator.schema.shapes import (
    INVALID,
    AnyJson,
    Boolean,
    Choice,
    DelayShape,
    Duration,
    Either,
    Field,
    Instant,
    Integer,
    Json,
    Lazy,
    ListOf,
    MapOf,
    Node,
    Number,
    OneOf,
    Problems,
    RateShape,
    Record,
    Shape,
    Share,
    Text,
    When,
    Word,
    json_schema,
    node_of,
)

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


class Weather(StrEnum):
    SUNNY = "sunny"
    RAINY = "rainy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    to: str
    after: int
    since: int = 7

    def __post_init__(self) -> None:
        if self.since > self.after:
            raise ValueError("expected to start before it ends")


FLIGHT = Record(
    Flight,
    [
        Field("to", Text(max_length=20), "Where to.", required=True),
        Field("after", Duration(), "How long it takes.", default="1m"),
        Field("from", Duration(), "When it starts.", argument="since"),
    ],
    doc="A flight.",
)
DURATION_SCHEMA = Duration().schema({})
FATE: Shape[object] = Either[object](
    Word("silence"),
    Word("never", 0),
    DelayShape(),
    OneOf({"deliver": FLIGHT, "fail": Lazy(lambda: FATE, name="fate")}, lambda key, value: (key, value)),
)
SCALARS: list[Shape[object]] = [
    Text(),
    Text(1, 3, "[a-z]+"),
    Integer(0, 5),
    Number(),
    Boolean(),
    Choice(Weather),
    Duration(),
    DelayShape(),
    Share(),
    RateShape(),
    Instant(),
    AnyJson(),
    Word("silence"),
]


def read(shape: Shape[object], value: Json, path: str = "") -> tuple[object, list[str]]:
    problems = Problems()
    result = shape.read(node_of(value), path, problems)
    return result, problems.render("f.yaml")


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        (Text(), "0532", "0532"),
        (Text(), 905550000001, "905550000001"),
        (Text(pattern="[0-9]+"), "12", "12"),
        (Integer(1, 5), 5, 5),
        (Number(), 1.5, 1.5),
        (Number(), "1.5", 1.5),
        (Boolean(), False, False),
        (Choice(Weather), "sunny", Weather.SUNNY),
        (Choice({"1": "one"}), 1, "one"),
        (Duration(), "3s", 3_000),
        (Duration(), 0, 0),
        (DelayShape(), "1s..4s", UniformDelay(1_000, 4_000)),
        (DelayShape(), 0, ConstantDelay(0)),
        (Share(), "15%", 1_500),
        (RateShape(), "200/s", Rate(200, 1_000)),
        (Instant(), "1970-01-02T00:00:00Z", 86_400_000),
        (Instant(), "2026-01-05T12:00:00.250+03:00", 1_767_603_600_250),
        (Instant(), "2026-01-05T09:00Z", 1_767_603_600_000),
        (AnyJson(), {"a": [None, 1.5]}, {"a": [None, 1.5]}),
        (Word("silence"), "silence", "silence"),
        (Word("never", 7), "never", 7),
        (ListOf(Integer()), [1, 2], (1, 2)),
        (MapOf(Integer(), Text()), {"b": 1, "a": 2}, {"b": 1, "a": 2}),
        (FLIGHT, {"to": "x"}, Flight(to="x", after=60_000)),
        (FLIGHT, {"to": "x", "after": "2m", "from": "1m"}, Flight(to="x", after=120_000, since=60_000)),
        (FATE, "silence", "silence"),
        (FATE, "never", 0),
        (FATE, "3s", ConstantDelay(3_000)),
        (FATE, {"fail": {"fail": "3s"}}, ("fail", ("fail", ConstantDelay(3_000)))),
        (FATE, {"deliver": {"to": "x"}}, ("deliver", Flight(to="x", after=60_000))),
    ],
)
def test_what_fits_is_read(shape: Shape[object], value: Json, expected: object) -> None:
    """
    A fitting value becomes what its shape promises, without a complaint.
    """
    actual, complaints = read(shape, value)

    assert (actual, complaints) == (expected, [])


@pytest.mark.parametrize(
    ("shape", "value", "complaint"),
    [
        (Text(), [], "expected a text, got an empty list"),
        (Text(), True, "expected a text, got true; quote it if it is meant as text"),
        (Text(), None, "expected a text, got nothing"),
        (Text(1, 3), "long", "expected a text of 1 to 3 characters, got 4"),
        (Text(pattern="[a-z]+"), "A", 'expected a text like [a-z]+, got "A"'),
        (Text(pattern="[a-z]+"), "a\n", 'expected a text like [a-z]+, got "a\\n"'),
        (
            Text(pattern="[0-9]+", what='a number such as "12"'),
            "A",
            'expected a number such as "12", got "A"',
        ),
        (Integer(), "7", 'expected a whole number, got "7"'),
        (Integer(), True, "expected a whole number, got true"),
        (Integer(1, 5), 6, "expected a whole number from 1 to 5, got 6"),
        (Integer(1), 0, "expected a whole number of at least 1, got 0"),
        (Number(), "soon", 'expected a number, got "soon"'),
        (Boolean(), "yes", 'expected true or false, got "yes"; write true, without quotes'),
        (Boolean(), 0, "expected true or false, got 0"),
        (Choice(Weather), "Suny", 'expected "sunny" or "rainy", got "Suny"; did you mean "sunny"?'),
        (Choice(Weather), "snow", 'expected "sunny" or "rainy", got "snow"'),
        (Duration(), "soon", 'expected a duration such as "3s" or "1h30m", got "soon"'),
        (
            Duration(),
            3,
            'expected a duration such as "3s" or "1h30m", got 3; say the unit, for example "3s" or "3ms"',
        ),
        (Duration(), False, 'expected a duration such as "3s" or "1h30m", got false'),
        (
            Duration(1_000, 5_000),
            "6s",
            'expected a duration such as "3s" or "1h30m", from 1s to 5s, got "6s"',
        ),
        (Share(), 15, 'expected a share such as "15%", got 15; say "15%"'),
        (
            RateShape(),
            5,
            'expected a rate such as "200/s" or "5/10s", got 5; say the time, for example "5/s"',
        ),
        (
            Instant(),
            "2026-01-05T09:00:00",
            'expected an instant such as "2026-01-05T09:00:00Z", got "2026-01-05T09:00:00";'
            ' say the zone, for example "Z"',
        ),
        (
            Instant(),
            "2026-02-30T09:00:00Z",
            'expected an instant such as "2026-01-05T09:00:00Z", got "2026-02-30T09:00:00Z";'
            " there is no such date or time",
        ),
        (Instant(), "0001-01-01T00:00:00Z", 'expected an instant from 1970 on, got "0001-01-01T00:00:00Z"'),
        (AnyJson(1), [[1]], "expected at most 1 levels of lists and mappings, got more"),
        (ListOf(Integer()), {"a": 1}, "expected a list, got a mapping"),
        (ListOf(Integer(), max_items=1), [1, 2], "expected a list of 0 to 1 items, got 2"),
        (MapOf(Integer(), Text()), 3, "expected a mapping, got 3"),
        (MapOf(Integer(), Text(), max_items=1), {"a": 1, "b": 2}, "expected at most 1 keys, got 2"),
        (FLIGHT, None, "expected a mapping, got nothing"),
        (FLIGHT, {}, 'the key "to" is missing'),
        (FLIGHT, {"to": "x", "form": 0}, 'unknown key "form"; did you mean "from"?'),
        (FLIGHT, {"to": "x", "%": 0}, 'unknown key "%"; known keys: to, after, from'),
        (FLIGHT, {"to": "x", "from": "2m"}, "expected to start before it ends"),
        (FATE, {}, "expected exactly one of deliver or fail, got none"),
        (
            FATE,
            {"fail": "3s", "deliver": {"to": "x"}},
            "expected exactly one of deliver or fail, got fail and deliver",
        ),
        (FATE, {"delivr": {}}, 'unknown key "delivr"; did you mean "deliver"?'),
        (
            FATE,
            "silense",
            'expected "silence", "never", a delay such as "3s", "1s..4s" or "lognormal(median=2s, p99=30s)"'
            ' or a mapping with deliver or fail, got "silense"; did you mean "silence"?',
        ),
    ],
)
def test_complaint_says_what_was_expected_and_what_came(
    shape: Shape[object], value: Json, complaint: str
) -> None:
    """
    A value that does not fit gives one complaint with both, and a hint where there is one.
    """
    actual, complaints = read(shape, value, "here")

    assert actual is INVALID
    assert complaints == [f"here: {complaint}"]


def test_huge_integer_is_not_printed() -> None:
    """
    Python refuses to print such a number, so the complaint only names it.
    """
    _, complaints = read(Integer(maximum=1), 10**5_000, "here")

    assert complaints == ["here: expected a whole number of at most 1, got a huge number"]


def test_all_complaints_come_at_once_with_their_places() -> None:
    """
    Nothing hides behind the first mistake, and the order is that of the file.
    """
    tree = Node(
        {
            "zeta": (Node("zeta", 9, 1), Node(1, 9, 7)),
            "flights": (
                Node("flights", 1, 1),
                Node(
                    [
                        Node({"to": (Node("to", 2, 5), Node(None, 2, 9))}, 2, 5),
                        Node({"after": (Node("after", 3, 5), Node("soon", 3, 12))}, 3, 5),
                    ],
                    2,
                    3,
                ),
            ),
        },
        1,
        1,
    )
    problems = Problems()

    result = Record(dict, [Field("flights", ListOf(FLIGHT), "All.")]).read(tree, "", problems)

    assert result is INVALID
    assert problems.render("f.yaml") == [
        "f.yaml:2:9: flights[0].to: expected a text, got nothing",
        'f.yaml:3:5: flights[1]: the key "to" is missing',
        'f.yaml:3:12: flights[1].after: expected a duration such as "3s" or "1h30m", got "soon"',
        'f.yaml:9:1: unknown key "zeta"; known keys: flights',
    ]


def test_key_that_is_no_plain_word_is_quoted_in_the_path() -> None:
    """
    A path shows odd keys so that they cannot be misread.
    """
    _, complaints = read(MapOf(Integer(), Text()), {"+90.5": "x", "a-b": "x"}, "recipients")

    assert complaints == [
        'recipients["+90.5"]: expected a whole number, got "x"',
        'recipients.a-b: expected a whole number, got "x"',
    ]


def test_keys_of_one_meaning_are_refused() -> None:
    """
    Two spellings of one key would silently win over each other.
    """
    _, complaints = read(MapOf(Integer(), Duration()), {"60s": 1, "1m": 2})

    assert complaints == ['["60s"]: x'] or complaints == [
        '["1m"]: the key "1m" means the same as an earlier one'
    ]


def test_hundred_complaints_are_kept_and_the_others_counted() -> None:
    """
    A file of mistakes gives a readable report.
    """
    _, complaints = read(ListOf(Integer()), ["x"] * 250)

    assert len(complaints) == 101
    assert complaints[99:] == ['[99]: expected a whole number, got "x"', "and 150 more"]


def test_when_picks_by_a_key() -> None:
    """
    Mappings of several kinds are told apart by what the caller looks for.
    """
    shape = Either[object](
        When(lambda node: isinstance(node.value, dict) and "to" in node.value, FLIGHT),
        MapOf(Integer(), Text()),
    )

    assert read(shape, {"to": "x"}) == (Flight(to="x", after=60_000), [])
    assert read(shape, {"b": 1}) == ({"b": 1}, [])


@pytest.mark.parametrize(
    "declare",
    [
        lambda: Record(dict, [Field("a", Duration(), "", default="soon")]),
        lambda: Record(dict, [Field("a", Duration(), ""), Field("a", Duration(), "")]),
    ],
)
def test_wrong_declaration_is_refused_when_declared(declare: Callable[[], object]) -> None:
    """
    A default that does not fit, or a field twice, never waits for a file.
    """
    with pytest.raises(ValueError, match=r"^expected "):
        declare()


def test_too_deep_json_is_refused() -> None:
    """
    A body cannot make reading run out of stack.
    """
    deep: Json = 1
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(ValueError, match=r"^expected less deeply nested"):
        node_of(deep)


def test_schema_shows_docs_defaults_and_forms() -> None:
    """
    An editor gets hover texts, patterns, defaults and refuses unknown keys.
    """
    schema = json_schema(FLIGHT, "Flight")

    assert schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {
            "duration": Duration().json_schema | {"description": 'A duration such as "3s" or "1h30m".'}
        },
        "title": "Flight",
        "description": "A flight.",
        "type": "object",
        "properties": {
            "to": {"description": "Where to.", "type": ["string", "number"], "maxLength": 20},
            "after": {**DURATION_SCHEMA, "description": "How long it takes.", "default": "1m"},
            "from": {**DURATION_SCHEMA, "description": "When it starts."},
        },
        "required": ["to"],
        "additionalProperties": False,
    }


def test_schema_of_a_shape_within_itself_ends() -> None:
    """
    Recursion becomes a reference by name.
    """
    schema = json_schema(FATE, "Fate")

    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    assert definitions["fate"] == {"anyOf": schema["anyOf"]}
    assert '"$ref": "#/$defs/fate"' in str(schema).replace("'", '"')


@given(st.sampled_from([*SCALARS, FLIGHT, FATE, ListOf(FATE), MapOf(FATE, Text())]), JSON)
def test_arbitrary_value_is_read_or_refused(shape: Shape[object], value: Json) -> None:
    """
    Reading never fails, and gives INVALID exactly when there is a complaint.
    """
    result, complaints = read(shape, value)

    assert (result is INVALID) == bool(complaints)
    assert shape.fits(node_of(value)) or complaints


@given(st.text())
def test_schema_pattern_and_reader_agree(text: str) -> None:
    """
    What the reader takes, the pattern for editors takes too.
    """
    for shape in (Duration(), DelayShape(), Share(), RateShape(), Instant(), Text(pattern="[a-z]+")):
        pattern = shape.json_schema["pattern"]

        assert re.search(str(pattern), text) or not shape.fits(Node(text))


@given(st.integers(0, 400 * 86_400_000), st.integers(0, 10_000))
def test_printed_units_are_read_by_their_shapes(ms: int, share: int) -> None:
    """
    What the simulator prints can stand in a scenario.
    """
    actual = read(Duration(), format_duration(ms)), read(Share(), format_share(share))

    assert actual == ((ms, []), (share, []))


@given(JSON)
def test_nodes_give_back_the_value_they_came_from(value: Json) -> None:
    """
    Marking a value does not change it.
    """
    actual = node_of(value).plain()

    assert repr(actual) == repr(value)
