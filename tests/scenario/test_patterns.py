"""
Regular expressions in scenarios: bounded, and of one meaning whichever engine carries them out.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulator.provider import discover
from simulator.scenario.affordable import PATTERNS_MAX
from simulator.scenario.loader import ScenarioError, load
from simulator.scenario.pattern_tree import LENGTH_MAX, TEXT_LENGTH_MAX, parse
from simulator.scenario.patterns import COST_MAX, _with_re2, compile_pattern

needs_re2 = pytest.mark.skipif(find_spec("re2") is None, reason="google-re2 has no wheel here")

ENDLESS = [
    (r"(a+)+$", "a" * 1_900 + "!"),
    (r".*.*.*x", "a" * 1_999),
    (r"(x+x+)+y", "x" * 1_999),
    (r"^(\w\w?)*$", "ş" * 1_999 + "!"),
    (r"(?i)ı.*ş.*ü.*x", "ış" * 1_000),
    ("a?" * 40 + "a" * 40 + "b", "a" * 1_999),
]


@needs_re2
@pytest.mark.parametrize(("pattern", "text"), ENDLESS)
def test_pattern_that_tries_without_end_is_bounded(pattern: str, text: str) -> None:
    """
    A pattern that would hold the standard library up for days answers, whatever the text.
    """
    assert compile_pattern(pattern).search(text) is None


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in ENDLESS])
def test_pattern_that_tries_without_end_is_refused_where_nothing_bounds_it(pattern: str) -> None:
    """
    Without RE2 a file with such a pattern is no good; nobody finds out when the server stands still.
    """
    program = (
        "import sys\n"
        "sys.modules['re2'] = None\n"
        "from simulator.scenario.patterns import compile_pattern\n"
        "try:\n"
        "    compile_pattern(sys.argv[1])\n"
        "except ValueError as refusal:\n"
        "    print(refusal)\n"
    )

    told = subprocess.run(
        [sys.executable, "-c", program, pattern], capture_output=True, text=True, check=True
    )

    assert told.stdout == (
        "on some texts it would take too long; the extra messaging-provider-simulator[patterns] "
        "would bound it; or give repeats an end, such as .{0,100}\n"
    )


@needs_re2
@pytest.mark.parametrize(
    "pattern",
    [
        r"kod.*\d{4}$", r"\w+@\w+", r"[^\w\s]", r"[\s\S]+x", r"(?i)sto?p", r"(?m)^b$", r"a.c", r"(?s)a.c",
        r"[\D1]",
        r"^$", r"\Aa|b\Z", r"(?:ab|cd){2,3}", r"a*?b", r"(?a:\w)", r"(?x) a  b # c", r"[^\d]", r"[^\S]",
        r"[\W\d]",
        r"\.\*", r"(?P<word>ab)", r"x{,2}y", r"[a-c]+[^x]", r"(?m)$\n", r"(?:a|b$)",
    ],
)  # fmt: skip
@example(text="kod 1234\n")
@example(text="a\nb\n")
@example(text="۱۲۳۴ şifre")
@given(text=st.text(alphabet="abcdkoxy 1234stopST@.*\n\tşİıé۱_-", max_size=30))
def test_both_engines_say_the_same(pattern: str, text: str) -> None:
    """
    A pattern means what Python's documentation says, in RE2 as well.
    """
    if {"İ", "ı"} & set(text) and "(?i)" in pattern:
        # Python takes both for an i; RE2 goes by Unicode's table, which does not.
        return

    found = _with_re2(pattern, parse(pattern)).search(text) is not None

    assert found == (re.search(pattern, text) is not None)


def test_ordinary_pattern_needs_no_engine_but_pythons() -> None:
    """
    What is soon tried is carried out by the standard library; nothing else is loaded for it.
    """
    program = (
        "import sys\n"
        "from simulator.scenario.patterns import compile_pattern\n"
        "compile_pattern(r'^\\w{1,11} (code|kod): [0-9]{4,6}$')\n"
        "print('re2' in sys.modules)\n"
    )

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert told.stdout == "False\n"


def test_text_is_searched_from_its_beginning_to_the_limit() -> None:
    """
    What stands behind the 2,000th character does not count, in either engine.
    """
    long = "a" * TEXT_LENGTH_MAX + "b"

    found = [compile_pattern(pattern).search(long) is not None for pattern in ("b", "(a*)*b", "a$")]

    assert found == [False, False, True]


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("{matches: '[ab]{0,100}c'}", COST_MAX // compile_pattern("[ab]{0,100}c").cost + 1),
        ("a text of some letters", 40_000_000 // (10_000 + 22 * 450) + 1),
    ],
)
def test_conditions_on_texts_are_bounded_together(condition: str, count: int) -> None:
    """
    Many conditions, each of which would do, are refused where their sum is too much, at the first too many.
    """
    rules = "".join(
        f"  - {{name: r{number}, when: {{text: {condition}}}, then: {{fate: silence}}}}\n"
        for number in range(count)
    )

    with pytest.raises(ScenarioError) as refused:
        load(f"rules:\n{rules}", "many.yaml", discover())

    column = len(f"  - {{name: r{count - 1}, when: {{text: ") + 1
    assert refused.value.lines == [
        f"many.yaml:{count + 1}:{column}: rules[{count - 1}].when.text: with those before it, it would take "
        "too long on some texts; write fewer or simpler conditions on texts"
    ]


def test_patterns_of_a_file_are_counted_before_they_are_compiled() -> None:
    """
    A file has a thousand patterns at most.
    """
    text = "rules:\n" + "".join(
        f"  - {{name: r{number}, when: {{text: {{matches: x}}}}, then: {{fate: silence}}}}\n"
        for number in range(PATTERNS_MAX + 1)
    )

    with pytest.raises(ScenarioError) as refused:
        load(text, "many.yaml", discover())

    assert refused.value.lines == [
        f"many.yaml:{PATTERNS_MAX + 2}:42: rules[{PATTERNS_MAX}].when.text.matches: "
        "expected at most 1,000 patterns in a file"
    ]


def test_long_pattern_is_refused() -> None:
    """
    A pattern of more than a thousand characters is no condition any more.
    """
    with pytest.raises(ValueError, match="it has 1,001 characters; 1,000 are the most"):
        compile_pattern("x" * (LENGTH_MAX + 1))
