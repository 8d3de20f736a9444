"""
What is judged and what is not, files that repeat a failure, baselines, and evidence.
"""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from exam.stage import SECRET, grades, parts_at, sit
from run.mutants.integrator import Integrator
from run.mutants.registry import MUTANTS
from simulator.exam.badge import badge
from simulator.exam.baseline import against, read_baseline, renewed
from simulator.exam.card import card
from simulator.exam.hardships import library, names
from simulator.exam.html import html
from simulator.exam.junit import junit
from simulator.exam.paper import paper
from simulator.exam.results import ExamResult, Grade, Outcome
from simulator.exam.software import parts_of, read_software
from simulator.exam.text import at_once, scorecard
from simulator.kernel.model.scenario import ClockSpec
from simulator.provider import discover
from simulator.run.runner import IntegratorUnreachable, RunOptions, run
from simulator.scenario.loader import ScenarioError, load_run
from simulator.server.app import Server, ServerConfig

_PROVIDERS = discover()
_HOSTILE = "</pre><script>alert(1)</script>\x1b[31m\u202e"


def reason(result: ExamResult, name: str) -> str:
    """Return why a hardship was not judged."""
    grade = grades(result)[name]
    assert grade.outcome is Outcome.NOT_JUDGED, (grade.outcome, grade.reason)
    return grade.reason


# -- what is judged -------------------------------------------------------------------------------


async def test_without_a_question_only_what_webhooks_show_is_judged() -> None:
    """
    Nobody knows what it believes; whether it takes webhooks and refuses forgeries shows all the same.
    """
    result = await sit("infobip", None, ("told-twice", "wrongly-signed", "strangers"), without=("ask",))

    assert reason(result, "told-twice") == "your software is not asked what it believes (ask:)"
    assert grades(result)["wrongly-signed"].outcome is Outcome.PASSED
    assert grades(result)["strangers"].outcome is Outcome.PASSED
    assert result.score == "2/3"
    assert result.passed


async def test_a_count_is_not_judged_by_a_state() -> None:
    """
    A report that counts twice leaves the state as it is: who is asked for the state alone is not judged.
    """

    def states_alone(parts: dict[str, Any]) -> None:
        del parts["ask"][1:]

    result = await sit("infobip", None, ("told-twice",), change=states_alone)

    assert reason(result, "told-twice") == "your software is not asked for {arrived} (fields: of ask:)"


@pytest.mark.parametrize(
    ("name", "without", "why"),
    [
        (
            "bulk",
            ("bulk",),
            "it sends to several at once, and nobody said how (bulk:, or {recipients} in drive:)",
        ),
        (
            "restarted-while-waiting",
            ("restart",),
            "it restarts your software, and nobody said how (restart:)",
        ),
    ],
)
async def test_what_cannot_be_driven_is_not_judged(name: str, without: tuple[str, ...], why: str) -> None:
    """
    A hardship that needs another call is not passed without it.
    """
    result = await sit("infobip", None, (name,), without=without)

    assert reason(result, name) == why
    assert not result.passed


async def test_a_drive_that_says_no_text_is_not_judged_by_texts() -> None:
    """
    What it sends is its own choice: there is nothing to see of long texts.
    """

    def textless(parts: dict[str, Any]) -> None:
        del parts["drive"]["body"]["text"]

    result = await sit("infobip", None, ("text-long",), change=textless)

    assert reason(result, "text-long") == "it needs a text of its own, and your drive has no {text}"


async def test_without_an_address_for_webhooks_nothing_is_passed() -> None:
    """
    What was never sent to the software says nothing about it.
    """
    result = await sit(
        "rbm", None, ("told-twice", "somebody-writes", "wrongly-signed"), without=("providers",)
    )

    assert {grade.outcome for grade in result.grades} == {Outcome.NOT_JUDGED}
    assert not result.passed


async def test_without_a_secret_forgeries_are_not_judged() -> None:
    """
    Where nothing is signed, nobody can be told from anybody else.
    """
    result = await sit("infobip", None, ("wrongly-signed", "unsigned"), signed=False)

    assert {grade.outcome for grade in result.grades} == {Outcome.NOT_JUDGED}


async def test_an_end_without_a_word_is_not_judged() -> None:
    """
    Who is asked for deliveries alone is not right about expiries.
    """

    def deliveries_alone(parts: dict[str, Any]) -> None:
        parts["ask"][0]["means"] = {"delivered": "DELIVERED"}

    result = await sit("infobip", None, ("expired", "half-of-them-fail"), change=deliveries_alone)

    assert {grade.outcome for grade in result.grades} == {Outcome.NOT_JUDGED}, result.grades


async def test_nobody_there_is_no_failure_of_anybody() -> None:
    """
    Software that is not there is not examined.
    """

    def nowhere(parts: dict[str, Any]) -> None:
        parts["drive"]["call"] = "POST http://127.0.0.1:9/send"

    with pytest.raises(IntegratorUnreachable, match=r"127\.0\.0\.1:9"):
        await sit("infobip", None, ("plain-sailing",), change=nowhere)


async def test_refusing_a_call_is_no_failure_and_falling_over_is() -> None:
    """
    Software that answers its own call with 4xx and sends nothing cannot be judged.
    """

    def nobody(parts: dict[str, Any]) -> None:
        del parts["drive"]["body"]["to"]

    def nowhere(parts: dict[str, Any]) -> None:
        parts["drive"]["call"] += "/nowhere"

    refused = await sit("infobip", None, ("text-long",), change=nowhere)
    broken = await sit("infobip", None, ("text-long",), change=nobody)

    assert reason(refused, "text-long").startswith("your software refused the call and sent nothing: ")
    assert " answered 404: " in reason(refused, "text-long")
    grade = grades(broken)["text-long"]
    assert grade.outcome is Outcome.FAILED
    assert grade.reason.startswith("your software fell over and sent nothing: ")


# -- the file that repeats it -----------------------------------------------------------------------


async def test_file_of_a_failure_fails_alone() -> None:
    """
    It is a scenario as any other, with the calls of the software in it, and `run` comes to the same verdict.
    """
    hardship = library(_PROVIDERS, only=("contradicted",))[0]
    server = Server(ServerConfig(port=0, providers=_PROVIDERS))
    await server.start()
    try:
        async with Integrator(policy=MUTANTS["late report overwrites"].policy) as integrator:
            parts = parts_at(integrator.url, "infobip", signed=False)
            sheet = paper(
                hardship, _PROVIDERS["infobip"], read_software("", "test", _PROVIDERS, parts), seed=5, place=3
            )
            plan = load_run(sheet.text, "contradicted.yaml", _PROVIDERS)
            alone = Server(
                ServerConfig(
                    port=0,
                    seed=plan.scenario.seed or 0,
                    clock=plan.scenario.clock or ClockSpec(),
                    scenario=plan.scenario,
                    providers=_PROVIDERS,
                )
            )
            await alone.start()
            integrator.simulator = alone.url
            try:
                result = await run(alone, plan, RunOptions())
            finally:
                await alone.stop()
    finally:
        await server.stop()

    assert "integrator: state of infobip" in [check.name for check in result.checks if not check.passed]
    assert f"# {hardship.promise}\n" in sheet.text


def test_files_differ_by_seed_and_by_hardship() -> None:
    """
    Software that keeps what it was told meets no number and no id again.
    """
    software = read_software("", "test", _PROVIDERS, parts_at("http://127.0.0.1:9", "rbm"))
    hardships = library(_PROVIDERS, only=("told-*",))

    texts = [
        paper(hardship, _PROVIDERS["rbm"], software, seed=seed, place=place).text
        for seed in (1, 2)
        for place, hardship in enumerate(hardships)
    ]

    plans = [load_run(text, "x.yaml", _PROVIDERS) for text in texts]
    assert len({plan.scenario.seed for plan in plans}) == len(texts)
    assert len({plan.drive[0].recipients for plan in plans}) == len(texts)
    assert paper(hardships[0], _PROVIDERS["rbm"], software, seed=1, place=0).text == texts[0]


# -- how the software is reached ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ask: 5", "software.yaml:1:6: ask: expected"),
        ("drive: {call: 'POST http://x/', body: {to: '{recipent}'}}", 'did you mean "recipient"?'),
        ("drvie: 'POST http://x/'", 'did you mean "drive"?'),
        ("- drive", "software.yaml:1:1: expected how your software is reached, got a list"),
        ("drive: 'POST http://x/'\nproviders: {infobip: {webhok: {}}}", 'did you mean "webhook"?'),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, complaint: str) -> None:
    """
    Every complaint names file, line and column, and the nearest word.
    """
    with pytest.raises(ScenarioError) as refused:
        read_software(text, "software.yaml", _PROVIDERS, {})

    assert any(complaint in line for line in refused.value.lines), refused.value.lines


def test_example_of_the_page_is_good() -> None:
    """
    What the documentation shows is read as it stands, and all of its parts are known.
    """
    page = (Path(__file__).parents[2] / "docs" / "exam.md").read_text("utf-8")
    text = page.partition("```yml\n")[2].partition("```")[0]

    software = read_software(text, "exam.md", _PROVIDERS, {})

    assert software.bulk is not None
    assert software.revoke is not None
    assert software.restart == ("POST", "http://127.0.0.1:9000/restart")
    assert software.ask[0].words == {"state", "arrived", "parts", "ended", "written"}
    assert all(f"| `{name}` |" in page for name in software.tree)


def test_options_go_over_the_file() -> None:
    """
    A call is replaced, settings are added to.
    """
    text = """
drive: {call: "POST http://127.0.0.1:9/old", body: {to: "{recipient}"}}
providers: {infobip: {webhook: {hmac: {secret: key}}}}
"""
    parts = parts_of(
        "infobip",
        drive="POST http://127.0.0.1:9/new",
        webhook="http://127.0.0.1:9/{provider}",
        inbound="http://127.0.0.1:9/in",
    )

    software = read_software(text, "software.yaml", _PROVIDERS, parts)

    assert software.drive.call == ("POST", "http://127.0.0.1:9/new")
    assert software.tree["providers"] == {
        "infobip": {
            "webhook": {"hmac": {"secret": "key"}, "url": "http://127.0.0.1:9/infobip"},
            "inbound": {"url": "http://127.0.0.1:9/in"},
        }
    }


# -- baselines, and evidence ------------------------------------------------------------------------


def _result(**outcomes: Outcome) -> ExamResult:
    made: list[Grade] = [
        Grade(
            name=name.replace("_", "-"),
            title="t",
            promise="It holds.",
            outcome=outcome,
            reason="" if outcome is Outcome.PASSED else _HOSTILE,
            story=(_HOSTILE,) if outcome is Outcome.FAILED else (),
            file="exam/x.yaml" if outcome is Outcome.FAILED else "",
        )
        for name, outcome in outcomes.items()
    ]
    return ExamResult(provider="infobip", title="Infobip SMS", seed=7, version="1", grades=tuple(made))


_MIXED: dict[str, Outcome] = {
    "told_twice": Outcome.FAILED,
    "stop": Outcome.FAILED,
    "late": Outcome.PASSED,
    "expired": Outcome.PASSED,
    "bulk": Outcome.NOT_JUDGED,
}


def test_known_failures_pass_and_mended_ones_are_told() -> None:
    """
    A baseline lets what it names fail; a new failure fails, and what is mended is named.
    """
    baseline = {"infobip": ("told-twice", "late", "bulk")}

    result = against(_result(**_MIXED), baseline)

    assert [grade.name for grade in result.grades if grade.expected] == ["told-twice"]
    assert [grade.name for grade in result.fresh] == ["stop"]
    assert result.mended == ("late",)
    assert not result.passed
    assert against(_result(**_MIXED), {"infobip": ("told-twice", "stop")}).passed
    assert not against(_result(**_MIXED), {"rbm": ("told-twice", "stop")}).passed


def test_written_baseline_is_read_again() -> None:
    """
    It names what fails now, keeps what was not judged, and leaves other providers alone.
    """
    before = {"infobip": ("late", "bulk"), "rbm": ("read",)}

    text = renewed(before, _result(**_MIXED))

    after = read_baseline(text, "baseline.yaml", tuple(_PROVIDERS), names())
    assert after == {"infobip": ("bulk", "stop", "told-twice"), "rbm": ("read",)}
    assert renewed({}, _result(late=Outcome.PASSED)).endswith("{}\n")


def test_baseline_with_a_name_of_no_hardship_is_refused() -> None:
    """
    It would excuse nothing for ever.
    """
    with pytest.raises(ScenarioError, match='did you mean "told-twice"'):
        read_baseline("infobip: [told-twize]", "baseline.yaml", tuple(_PROVIDERS), names())


def test_junit_has_a_case_for_each_hardship() -> None:
    """
    What fails has its story; what is known, and what was not judged, is skipped with why.
    """
    tree = ElementTree.fromstring(junit(against(_result(**_MIXED), {"infobip": ("stop",)})))

    cases = {case.get("name"): [part.tag for part in case] for case in tree.iter("testcase")}
    assert cases == {
        "told-twice": ["failure"],
        "stop": ["skipped"],
        "late": [],
        "expired": [],
        "bulk": ["skipped"],
    }
    suite = tree.find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("name", "tests", "failures", "skipped")] == [
        "exam.infobip",
        "5",
        "1",
        "2",
    ]
    failure = next(tree.iter("failure"))
    assert "alone: simulator run exam/x.yaml" in str(failure.text)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
        self.tags.append(tag)


def test_page_holds_everything_and_runs_nothing() -> None:
    """
    Names, promises and stories are there; a hostile text stays a text.
    """
    page = html(against(_result(**_MIXED), {"infobip": ("stop", "late")}))

    tags = _Tags()
    tags.feed(page)
    assert "script" not in tags.tags
    assert "Infobip SMS: receiver 2/5" in page
    assert page.index("<h2>Failed") < page.index("<h2>Not judged") < page.index("<h2>Passed")
    assert "Passed now, and still on the baseline: late" in page


def test_badge_and_card_tell_the_score() -> None:
    """
    Both say the same; nothing that was not judged counts as passed.
    """
    result = _result(**_MIXED)

    assert "infobip receiver: 2/5" in badge(result)
    ElementTree.fromstring(badge(result))
    told = json.loads(card(result))
    assert told["score"] == "2/5"
    assert told["counts"] == {"passed": 2, "failed": 2, "not judged": 1}
    assert not told["passed"]
    assert badge(_result(late=Outcome.PASSED)) != badge(replace(_result(late=Outcome.FAILED)))


def test_terminal_gets_nothing_that_steers_it() -> None:
    """
    Stories and reasons come from outside; each failure names the file that repeats it.
    """
    result = against(_result(**_MIXED), {"infobip": ("stop", "late")})

    lines = ["".join(span.text for span in line) for line in scorecard(result, " --port 1")]

    assert not any("\x1b" in line or "\u202e" in line for line in lines)
    assert "  alone: simulator run exam/x.yaml --port 1" in lines
    assert (
        lines[-1]
        == "FAILED  Infobip SMS  receiver: 2/5  (2 failed, 1 of them known, 1 not judged, seed 7, 0.0 s)"
    )
    assert any(line.startswith("mended") for line in lines)
    assert "".join(span.text for span in at_once(result.grades[1], 10)) == "  ✗ stop        It holds.  known"


def test_terminal_tells_the_first_few_stories() -> None:
    """
    Of many failures each has its reason and its file; the stories of all of them are in the evidence.
    """
    failed = replace(_result(**_MIXED).grades[0], story=("once upon a time",))
    result = replace(_result(), grades=tuple(replace(failed, name=f"n{number}") for number in range(9)))

    lines = ["".join(span.text for span in line) for line in scorecard(result)]

    assert lines.count("    once upon a time") == 5
    assert lines.count("  alone: simulator run exam/x.yaml") == 9
    assert lines[-1].startswith("FAILED  Infobip SMS  receiver: 0/9  (9 failed, ")


async def test_what_is_shown_holds_no_secret() -> None:
    """
    The secret of signatures stands in the file that repeats a failure, where it is needed, and nowhere else.
    """
    result = await sit("infobip", MUTANTS["late report overwrites"].policy, ("contradicted",))

    grade = result.grades[0]
    assert SECRET in grade.text
    assert all(SECRET not in form(result) for form in (junit, html, card))
