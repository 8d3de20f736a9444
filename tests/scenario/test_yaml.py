"""
YAML means what it looks like, and whatever is not taken is refused with its place.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.scenario.yaml import YamlError, parse
from simulator.schema.node import Json, Node

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**18) + 1, 10**18 - 1), st.text("ab0: -#'\"\\é😀\n")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text("ab0<:"), inner, max_size=4)
    ),
    max_leaves=12,
)


LOOKALIKES = """
    on no yes True NULL 12:30 0532 +905550000001 1e3 1.5 -0 00 0x1f .inf 1234567890123456789
    1_00 1_0000 1000_000 1__000 _1_000 1_000_ 0_000 01_000 1_000.5 1_000_000_000_000_000_000
    2026-01-05 2026-01-05T09:00:00Z 3s 1s..4s 15% 200/s
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(YamlError) as caught:
        parse(text, "f.yaml")
    return str(caught.value).splitlines()


@pytest.mark.parametrize("word", LOOKALIKES.split())
def test_word_stays_the_text_it_is(word: str) -> None:
    """
    What plain YAML turns into truths, dates and other numbers stays text here.
    """
    root = parse(f"key: {word}")

    assert root.plain() == {"key": word}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("false", False),
        ("0", 0),
        ("17", 17),
        ("-3", -3),
        ("50_000", 50_000),
        ("-1_000_000", -1_000_000),
        ("999_999_999_999_999_999", 10**18 - 1),
        ('"50_000"', "50_000"),
        ('"17"', "17"),
        ("'true'", "true"),
        ("'null'", "null"),
        ('""', ""),
        ("|\n  3\n", "3\n"),
        ("[1, a]", [1, "a"]),
        ("{a: 1, b: }", {"a": 1, "b": None}),
    ],
)
def test_few_plain_words_resolve_and_quoted_ones_never(text: str, value: Json) -> None:
    """
    Null, truths and plain integers are themselves; quoted they are text.
    """
    root = parse(f"key: {text}")

    assert root.plain() == {"key": value}


def test_key_is_always_text() -> None:
    """
    A key keeps its letters, whatever it would mean as a value.
    """
    root = parse("1: a\ntrue: b\n~: c\n0532: d\n&k 1_000: e\nf: {*k : g}\n")

    assert root.plain() == {"1": "a", "true": "b", "~": "c", "0532": "d", "1_000": "e", "f": {"1_000": "g"}}


def test_every_node_knows_its_place() -> None:
    """
    Keys, values and parts of lists carry the line and column they start at.
    """
    root = parse("a: 1\nbé: [x, y]\n")

    assert root == Node(
        {
            "a": (Node("a", 1, 1), Node(1, 1, 4)),
            "bé": (Node("bé", 2, 1), Node([Node("x", 2, 6), Node("y", 2, 9)], 2, 5)),
        },
        1,
        1,
    )


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "\ufeff"])
def test_empty_file_is_an_empty_value(text: str) -> None:
    """
    A file without a value is read as null.
    """
    root = parse(text)

    assert root.plain() is None


def test_windows_file_reads_like_any_other() -> None:
    """
    A byte-order mark and carriage returns change neither values nor places.
    """
    actual = parse("\ufeffa: 1\r\nb:\r\n  - x\r\n")

    assert actual == parse("a: 1\nb:\n  - x\n")


def test_alias_repeats_its_anchor() -> None:
    """
    An alias stands for the anchored value, as value and as key.
    """
    root = parse("a: &x {n: 1}\nb: *x\nc: &k word\n*k : 2\n")

    assert root.plain() == {"a": {"n": 1}, "b": {"n": 1}, "c": "word", "word": 2}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\n\tb: 2", "f.yaml:2:1: a tab is not expected here; indent with spaces (see line 1, column 4)"),
        ("a: [1, 2\nb: 3\n", 'f.yaml:2:2: expected "," or "]" in the list (see line 1, column 4)'),
        ("a: 'x\n", "f.yaml:2:1: the file ends inside a quoted text; close the quote (see line 1, column 4)"),
        (
            "a: b: c",
            'f.yaml:1:5: a ":" is not expected here;'
            ' check the indentation, or quote the text if it holds ": "',
        ),
        ("a: 1\nb\n", 'f.yaml:2:1: expected ":" after a key'),
        ("a: @x", 'f.yaml:1:4: the character "@" cannot start a value; quote the text'),
        ("a: \x07", "f.yaml:1:4: expected readable text, got the character U+0007"),
        ("a: \ud800", "f.yaml:1:4: expected readable text, got the character U+D800"),
        ("a: 1\n--- \nb: 2", 'f.yaml:2:1: expected one document, got another after "---"'),
        ("x: *y", 'f.yaml:1:4: expected an anchor "&y" before the alias "*y"'),
        ("x: &x [*x]", 'f.yaml:1:8: the anchor "&x" contains itself'),
        ("? [1]\n: 2", "f.yaml:1:3: expected a text as key, got a list or mapping"),
        ("<<: 3", 'f.yaml:1:1: merging with "<<" is not supported; repeat the keys'),
        ("[" * 900, "f.yaml:1:51: expected at most 50 levels of lists and mappings"),
    ],
)
def test_refusal_names_the_place_in_a_plain_sentence(text: str, complaint: str) -> None:
    """
    What cannot be read is shown with line, column and what to do.
    """
    assert complaints(text) == [complaint]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_absurd_nesting_is_refused_by_whoever_counts_first(opening: str) -> None:
    """
    Newer libyaml counts the levels of a text, too, and only sooner or later than we do.
    """
    (complaint,) = complaints(opening * 100_000)

    assert complaint.startswith("f.yaml:1:")
    assert complaint.endswith(": expected at most 50 levels of lists and mappings")


def test_all_repeated_keys_and_tags_are_refused_at_once() -> None:
    """
    One run shows every repetition, with the place of the first, and every tag.
    """
    actual = complaints("a: 1\na: 2\nb: {c: !!str 3, c: 4}\na: !foo [1]\n")

    assert actual == [
        'f.yaml:2:1: the key "a" is repeated; it first stands at line 1, column 1',
        'f.yaml:3:8: expected a value without a tag, got the tag "tag:yaml.org,2002:str"',
        'f.yaml:3:17: the key "c" is repeated; it first stands at line 3, column 5',
        'f.yaml:4:1: the key "a" is repeated; it first stands at line 1, column 1',
        'f.yaml:4:4: expected a value without a tag, got the tag "!foo"',
    ]


def test_multiplying_aliases_are_refused() -> None:
    """
    A small file cannot stand for billions of values.
    """
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10)]

    actual = complaints("\n".join(lines))

    assert actual == ["f.yaml:6:10: expected at most 200000 values (an alias counts as all it repeats)"]


def test_aliases_cannot_add_up_to_forbidden_depth() -> None:
    """
    The depth of what an alias repeats counts where it is repeated.
    """
    deep = "[" * 30 + "]" * 30

    actual = complaints(f"a: &a {deep}\nb: {'[' * 20}*a{']' * 20}\n")

    assert actual == ["f.yaml:2:24: expected at most 50 levels of lists and mappings"]


def test_limits_hold_to_the_last_unit() -> None:
    """
    A text may be as long, as rich and as deep as the limits, and no more.
    """
    text = "[[é]]"

    assert parse(text, size_max_bytes=6, nodes_max=3, depth_max=2).plain() == [["é"]]
    for limit in ({"size_max_bytes": 5}, {"nodes_max": 2}, {"depth_max": 1}):
        with pytest.raises(YamlError, match=r"^<text>:1:\d+: expected at most "):
            parse(text, **limit)


def written(value: Json) -> str:
    """
    Write *value* in flow style, every text double-quoted.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            return f'"{escaped}"'
        case list():
            return f"[{', '.join(map(written, value))}]"
        case dict():
            return "{" + ", ".join(f"{written(key)}: {written(item)}" for key, item in value.items()) + "}"
        case number:
            return str(number)


@given(JSON)
def test_written_value_reads_back(value: Json) -> None:
    """
    Nothing a file can hold is changed by reading it.
    """
    root = parse(written(value))

    assert root.plain() == value


@given(st.one_of(st.text(), st.text("ab:-?[]{}&*!|>'\"%@`#~,<0 \n\t\r\ufeff")))
def test_arbitrary_text_is_read_or_refused_with_a_place(text: str) -> None:
    """
    No text makes the reader fail in any other way.
    """
    try:
        parse(text, "f.yaml")
    except YamlError as refusal:
        assert all(line.startswith("f.yaml:") for line in str(refusal).splitlines())  # noqa: PT017
