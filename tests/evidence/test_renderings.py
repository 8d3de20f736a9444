"""
What a run leaves for readers: JUnit, text, NDJSON, HAR.
"""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.loft import Loft
from golden import check_golden
from simulator.evidence.har import har
from simulator.evidence.jsonl import jsonl
from simulator.evidence.junit import junit
from simulator.evidence.result import Check
from simulator.evidence.text import text
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.faults import Damage, DamageKind, Duplicate, WebhookFaults
from simulator.kernel.model.recipient import Trait, Window
from simulator.kernel.model.units import ConstantDelay
from simulator.kernel.store.facts import EntryKind
from simulator.server.views import entry_view
from toys.bench import rule
from toys.pigeon import pigeon

_GOLDEN = Path(__file__).parent / "golden"
SOON = Fate(after=ConstantDelay(1_000), progress=())
PASSED = Check(name="messages.final: 100%", passed=True, detail="100% of 3")
FAILED = Check(
    name="webhooks.acknowledged: 100%",
    passed=False,
    detail='66.7% <of "3">\nsecond line',
    lines=("+00:00:01.000 pigeon +905550000001 #1 delivered\x00\x1b[31m", "]]> & \ud800"),
)


def flown() -> Loft:
    """
    Return a loft with a phone that was off, an expiry, retries, a loss, a duplicate and a refusal.
    """
    off = {"reachable": Trait((Window(False, 0, 60_000),))}
    gone = {"reachable": Trait((Window(False),))}
    faults = WebhookFaults(duplicate=Duplicate(within=ConstantDelay(5_000)))
    loft = Loft(
        rule("soon", fate=SOON, webhooks=faults),
        recipients={"+905550000001": off, "+905550000002": gone},
    )
    loft.answers = lambda w: 500 if w.recipient == "+905550000003" and not w.intended else 200
    loft.excerpt = '{"access_token": "hush"}'
    loft.send(
        pigeon(to="+905550000001", text="hello"),
        pigeon(to="+905550000002", validity_ms=7_200_000),
        pigeon(to="+905550000003", credential="ring-0123456789"),
        pigeon(to="nobody", refusal="NO_LOFT"),
    )
    loft.settle()
    return loft


@pytest.mark.golden
def test_junit_is_the_one_written_down() -> None:
    """
    A test case per expectation, failures with their stories, the text verdict beside them.
    """
    check_golden(_GOLDEN / "junit.xml", junit(flown().result(PASSED, FAILED, name='a <"run">')))


def test_junit_is_xml_with_a_case_per_expectation() -> None:
    """
    A parser reads it; what XML cannot hold is replaced, and nothing else is lost.
    """
    root = ElementTree.fromstring(junit(flown().result(PASSED, FAILED)).encode())

    cases = [(case.get("classname"), case.get("name"), len(case)) for case in root.iter("testcase")]
    failure = root.find(".//failure")
    # Without the limits, so that a server follows an expectation through changes of them.
    assert cases == [("a test", "messages.final", 0), ("a test", "webhooks.acknowledged", 1)]
    assert failure is not None
    assert failure.get("message") == f"{FAILED.name}: {FAILED.detail}"
    assert failure.text == (
        f"{FAILED.detail}\n+00:00:01.000 pigeon +905550000001 #1 delivered\ufffd\ufffd[31m\n]]> & \ufffd"
    )


def test_junit_of_a_space_without_expectations_is_not_empty() -> None:
    """
    Servers that fail an empty report find one case, which is skipped.
    """
    root = ElementTree.fromstring(junit(flown().result()).encode())

    suite = root[0]
    cases = [(case.get("name"), [child.tag for child in case]) for case in root.iter("testcase")]
    assert [suite.get(name) for name in ("tests", "failures", "skipped")] == ["1", "0", "1"]
    assert cases == [("expectations", ["skipped"])]


@given(words=st.text(st.characters(), max_size=40))
def test_junit_is_xml_whatever_is_said(words: str) -> None:
    """
    Control characters, surrogates and markup in any place leave a document that parses.
    """
    check = Check(name=words, passed=False, detail=words, lines=(words, words))

    document = junit(Loft().result(check, name=words))

    assert len(list(ElementTree.fromstring(document.encode()).iter("failure"))) == 1


@pytest.mark.golden
def test_text_is_the_one_written_down() -> None:
    """
    Verdict, expectations, and the receiver in two aligned columns.
    """
    check_golden(_GOLDEN / "verdict.txt", "\n".join(text(flown().result(PASSED, FAILED))) + "\n")


def test_text__stories_are_bounded_and_harmless() -> None:
    """
    Of very many lines the first are shown, and none of them moves a terminal's cursor.
    """
    check = Check(name="x", passed=False, detail="y", lines=tuple(f"\x1b[2J{n}" for n in range(50)))

    lines = text(Loft().result(check))

    assert lines[3:5] == ["      \\u001b[2J0", "      \\u001b[2J1"]
    assert "      … 38 more lines; --html and --json have them all" in lines
    assert all(line.isprintable() for line in lines)


def test_jsonl_is_the_journal_line_by_line() -> None:
    """
    Each entry is a line, in order, as the control API shows it.
    """
    loft = flown()

    lines = b"".join(jsonl(loft.result())).splitlines()

    views = [msgspec.json.decode(msgspec.json.encode(entry_view(e))) for e in loft.simulation.journal]
    assert [json.loads(line) for line in lines] == views


def test_har_has_calls_and_attempts_in_order_of_virtual_time() -> None:
    """
    One entry per call and attempt, stamped with the space's clock, timed with the real latency.
    """
    loft = flown()

    log = json.loads(har(loft.result()))["log"]

    told = [(e["startedDateTime"], e["request"]["url"], e["response"]["status"]) for e in log["entries"]]
    attempts = sum(entry.kind is EntryKind.ATTEMPT for entry in loft.simulation.journal)
    assert told == sorted(told, key=lambda entry: entry[0])
    assert told[0] == ("2026-01-05T09:00:00.000Z", "http://simulator/s/loft/pigeon/release", 207)
    assert len(told) == 1 + attempts
    assert log["version"] == "1.2"
    assert all(
        set(entry) >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
        for entry in log["entries"]
    )
    assert log["entries"][1]["time"] == log["entries"][1]["timings"]["wait"] > 0


def test_har_shows_a_damaged_body_as_it_was_sent() -> None:
    """
    The first attempt of a truncated webhook has the truncated body, its retry the whole one.
    """
    faults = WebhookFaults(damage=(Damage(kind=DamageKind.TRUNCATE),))
    loft = Loft(rule("cut", fate=SOON, webhooks=faults))
    loft.answers = lambda webhook: 200 if webhook.attempts else 400
    loft.send(pigeon(to="+905550000001", id="b1"))
    loft.settle()

    entries = json.loads(har(loft.result()))["log"]["entries"][1:]

    first, second = (entry["request"].get("postData", {}).get("text", "") for entry in entries)
    assert (second.startswith(first), first == second) == (True, False)


def test_har_tells_which_attempt_suffered_what_on_purpose() -> None:
    """
    Only the attempt that was sent damaged and late says so; a copy is one at every attempt.
    """
    faults = WebhookFaults(
        delay=ConstantDelay(2_000),
        damage=(Damage(kind=DamageKind.TRUNCATE),),
        duplicate=Duplicate(within=ConstantDelay(600_000)),
    )
    loft = Loft(rule("cut", fate=SOON, webhooks=faults))
    loft.answers = lambda webhook: 200 if webhook.attempts else 400
    loft.send(pigeon(to="+905550000001", id="b1"))
    loft.settle()

    entries = json.loads(har(loft.result()))["log"]["entries"][1:]

    assert [entry["comment"].partition(", ")[2] for entry in entries] == [
        "attempt 1, delayed, truncated on purpose",
        "attempt 2",
        "attempt 1, duplicate on purpose",
        "attempt 2, duplicate on purpose",
    ]


def test_har_tells_no_credentials() -> None:
    """
    Neither those the space knows nor fields that sound like secrets, in bodies or addresses.
    """
    loft = flown()
    loft.space.configure(
        "pigeon",
        {"credentials": ["ring-abcdefgh"], "webhook": {"url": "http://me:pass@loft.test/r?token=t0k3n&n=1"}},
    )
    loft.excerpt = '{"clientToken": "hush\\"hush", "expires_token_in": 3600, "text": "the token is a word"}'
    loft.send(
        pigeon(to="+905550000007", text="my ring-abcdefgh, ring-0123456789", credential="ring-abcdefgh")
    )
    loft.settle()

    document = har(loft.result())

    last = json.loads(document)["log"]["entries"][-1]
    secrets = ("ring-abcdefgh", "ring-0123456789", "t0k3n", "me:pass", "hush", "3600")
    assert [secret for secret in secrets if secret in document] == []
    assert last["request"]["url"] == "http://(withheld)@loft.test/r?token=(withheld)&n=1"
    assert json.loads(last["response"]["content"]["text"]) == {
        "clientToken": "(withheld)",
        "expires_token_in": "(withheld)",
        "text": "the token is a word",
    }
