"""
What the plugin offers beyond one space per test: wider scopes, strictness, reports, options, types.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from simulator.client import vocabulary
from simulator.provider import built_in
from simulator.scenario.loader import scenario_schema
from simulator.thread import ServerThread

ROOT = Path(__file__).parents[2]


def test_wider_scopes__share_a_space_and_begin_again(suite: pytest.Pytester) -> None:
    """
    A space of a class, a module or the session is one for all its tests; `reset` begins again at its address.
    """
    suite.makepyfile(
        """
        import pytest
        from helpers import send

        pytestmark = pytest.mark.simulator(seed=5, scenario="rules: [{name: mine, then: {fate: expire}}]\\n")

        class TestShared:
            def test_first(self, simulator_class, simulator_module):
                send(simulator_class.url("infobip"))
                assert len(simulator_class.messages) == 1
                assert len(simulator_module.messages) == 0

            def test_second(self, simulator_class):
                assert len(simulator_class.messages) == 1

        def test_reset(simulator_module, simulator_session):
            space = simulator_module
            assert space.seed == 5
            url, credential = space.url("infobip"), space.credential("infobip")
            space.configure("infobip", webhook={"url": "http://127.0.0.1:9/reports", "retry": "none"})
            first = send(url)[0]["messageId"]
            space.advance("1h")
            space.reset()
            assert (space.now_ms, len(space.messages), space.requests) == (0, 0, [])
            assert send(url)[0]["messageId"] == first
            space.settle()
            assert space.messages.one().decided_by["rule"] == "mine"
            assert space.webhooks.one().target == "http://127.0.0.1:9/reports"
            space.reset(seed=6)
            assert (space.url("infobip"), space.credential("infobip")) == (url, credential)
            assert send(url)[0]["messageId"] != first
            assert simulator_session.seed != 6

        def test_fresh(simulator):
            simulator.configure("infobip", webhook={"url": "http://127.0.0.1:9/reports", "retry": "none"})
            with simulator.fresh() as space, simulator.fresh(seed=9) as other:
                assert (space.seed, other.seed) == (5, 9)
                send(space.url("infobip"))
                space.settle()
                assert space.webhooks.one().state == "lost"
                assert len(other.messages) == len(simulator.messages) == 0
            names = [row["name"] for row in simulator.control.call("GET", "/spaces")["items"]]
            assert space.space not in names
        """
    )

    suite.runpytest().assert_outcomes(passed=4)


def test_hypothesis__gets_a_new_story_for_each_example(suite: pytest.Pytester) -> None:
    """
    With a wider scope `@given` is not refused; the note of a failed example tells its story.
    """
    suite.makepyfile(
        """
        from hypothesis import given, settings, strategies as st
        from helpers import send

        @settings(max_examples=5, deadline=None, database=None)
        @given(seed=st.integers(0, 2**32))
        def test_any_seed(simulator_session, seed):
            simulator_session.reset(seed)
            send(simulator_session.url("infobip"))
            simulator_session.settle()
            assert simulator_session.messages.one().state == "delivered"

        @settings(max_examples=5, deadline=None, database=None)
        @given(text=st.sampled_from(["hello"]))
        def test_fails(simulator_session, text):
            with simulator_session.fresh() as space:
                send(space.url("infobip"), text=text)
                space.settle()
                assert space.messages.one().state == "expired"
        """
    )

    result = suite.runpytest()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines([r"E\s+simulator space 'space-\d+', seed \d+, now .*", r"E .* delivered .*"])


def test_domain__reads_like_the_domain(suite: pytest.Pytester) -> None:
    """
    Phones, fates by hand, rules and held webhooks have words of their own.
    """
    suite.makepyfile(
        """
        import base64
        import json
        import urllib.request
        from datetime import timedelta
        import pytest
        from helpers import send

        def test_phone(simulator):
            phone = simulator.recipient("+41793026727")
            phone.go_offline(for_="2h")
            send(simulator.url("infobip"))
            simulator.advance(timedelta(hours=1))
            assert simulator.messages(to="+41793026727", state="waiting").one().text == "hello"
            simulator.advance("61m")
            assert simulator.messages.one().state == "delivered"
            phone.writes("STOP", to="447860099299")
            assert "infobip +41793026727 writes 'STOP'" in simulator.narrative()[-1]
            phone.block(for_="1m")
            assert simulator.call("GET", "/recipients/+41793026727")["blocked"] is True
            simulator.advance("1m")
            assert simulator.call("GET", "/recipients/+41793026727")["blocked"] is False
            with pytest.raises(ValueError, match="nothing was sent to"):
                simulator.recipient("+41790000009").writes("STOP")

        def test_taps(simulator):
            simulator.configure("rbm", webhook={"url": "http://127.0.0.1:9/rbm", "client_token": "t"})
            labels = ("Yes", "No")
            offers = [{"reply": {"text": label, "postbackData": label.lower()}} for label in labels]
            request = urllib.request.Request(
                simulator.url("rbm") + "/v1/phones/+15551234567/agentMessages?messageId=m-1&agentId=shop",
                json.dumps({"contentMessage": {"text": "coming?", "suggestions": offers}}).encode(),
                {"Authorization": f"Bearer {simulator.credential('rbm')}"},
            )
            urllib.request.urlopen(request).close()
            simulator.settle()
            simulator.recipient("+15551234567").taps("No")
            *_, tapped = simulator.webhooks
            event = json.loads(base64.b64decode(tapped.json()["message"]["data"]))
            assert event["suggestionResponse"] == {"postbackData": "no", "text": "No", "type": "REPLY"}

        def test_by_hand(simulator):
            simulator.configure("infobip", webhook={"url": "http://127.0.0.1:9/reports", "retry": "none"})
            for number in range(1, 5):
                send(simulator.url("infobip"), f"4179000000{number}")
            first = simulator.next_message()
            assert first.recipient == "+41790000001"
            assert first.deliver().state == "delivered"
            assert simulator.webhooks.one().reports == ("DELIVERED_TO_HANDSET",)
            assert simulator.next_message(to="+41790000003").fail("EC_ABSENT_SUBSCRIBER").code == "9/27"
            failed = simulator.next_message().fail("unknown")
            assert (failed.recipient, failed.state, failed.reason) == ("+41790000002", "failed", "unknown")
            assert simulator.next_message().expire().state == "expired"
            assert failed.now() == failed
            assert "moved by the test" not in failed.explain()[0]
            with pytest.raises(AssertionError, match="expected 5 messages, got 4"):
                simulator.next_message(within="1ms")

        def test_rules(simulator):
            every = simulator.rule(then={"fate": "expire"})
            first = simulator.rule(name="first", when={"nth": 1}, then={"fate": "fail"})
            never = simulator.rule(when={"provider": "rbm"}, then={"fate": "silence"})
            for _ in range(3):
                send(simulator.url("infobip"))
            simulator.settle()
            assert [message.state for message in simulator.messages] == ["failed", "expired", "expired"]
            assert (every.applied, first.applied, never.applied) == (2, 1, 0)

        def test_held(simulator):
            simulator.configure("infobip", webhook={"url": "http://127.0.0.1:9/reports", "retry": "none"})
            with simulator.hold_webhooks():
                send(simulator.url("infobip"))
                simulator.advance("1h")
                assert simulator.webhooks.one().state == "held"
            assert simulator.webhooks.one().state == "lost"

        def test_looking(simulator, tmp_path):
            send(simulator.url("infobip"))
            call, = simulator.requests
            assert call.headers["content-type"] == "application/json"
            assert call.answered_json()["messages"][0]["to"] == "41793026727"
            assert simulator.wait_for("requests")[0] == call
            with pytest.raises(AssertionError, match="nearest: infobip .* whose state is 'accepted'"):
                simulator.wait_for("messages", state="delivered", within="1ms")
            with pytest.raises(AssertionError, match="got 0; there are\\n  <infobip .*727 #1 accepted"):
                simulator.messages(state="delivered").one()
            assert "client_email" in simulator.key_file("rbm", tmp_path).read_text()
            assert simulator.now.isoformat() == "2026-01-05T09:00:00+00:00"
        """
    )

    suite.runpytest().assert_outcomes(passed=6)


def test_strict__holds_against_a_test_what_it_does_not_assert(suite: pytest.Pytester) -> None:
    """
    On request a test fails for lost webhooks, unknown calls, refused credentials and idle rules, in words.
    """
    suite.makepyfile(
        """
        import urllib.error
        import urllib.request
        import pytest
        from helpers import send

        def ask(url, **headers):
            try:
                urllib.request.urlopen(urllib.request.Request(url, headers=headers)).close()
            except urllib.error.HTTPError as answer:
                answer.close()

        def everything(simulator):
            simulator.rule(name="idle", when={"provider": "rbm"}, then={"fate": "silence"})
            simulator.configure("infobip", webhook={"url": "http://127.0.0.1:9/reports", "retry": "none"})
            send(simulator.url("infobip"))
            simulator.settle()
            ask(simulator.url("infobip") + "/sms/9/nothing")
            ask(simulator.url("infobip") + "/sms/1/reports")

        @pytest.mark.simulator(strict=True)
        def test_all(simulator):
            everything(simulator)

        @pytest.mark.simulator(strict=["routes"])
        def test_routes(simulator):
            everything(simulator)

        @pytest.mark.simulator(strict=True)
        def test_good(simulator):
            send(simulator.url("infobip"))

        def test_lenient(simulator):
            everything(simulator)

        @pytest.mark.simulator(strict="webhook")
        def test_typo(simulator):
            pass
        """
    )

    result = suite.runpytest()
    told = result.stdout.str()
    by_ini = suite.runpytest("-o", "simulator_strict=rules", "-k", "lenient or good")

    result.assert_outcomes(passed=4, errors=3)
    result.stdout.fnmatch_lines(
        [
            "strict, and in the space 'space-*':",
            "  a webhook was not acknowledged: infobip +41793026727 [[]DELIVERED_TO_HANDSET[]] to "
            "http://127.0.0.1:9/reports: given up after 1 attempts, the last one *",
            "  a call hit no route of the provider: infobip GET /sms/9/nothing answered 404: *",
            "  a credential was refused: infobip GET /sms/1/reports answered 401: *",
            '  a rule never applied: rule "idle": provider: *',
        ]
    )
    assert told.count("a call hit no route of the provider") == 2
    assert "strict: expected true, or some of webhooks, routes, credentials, rules, got 'webhook'" in told
    by_ini.assert_outcomes(passed=2, errors=1)


def test_marker__that_is_wrong_says_what_was_meant(suite: pytest.Pytester) -> None:
    """
    An unknown scenario and an unknown argument end the test in a sentence, without a trace.
    """
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.simulator("no-such")
        def test_unknown(simulator):
            pass

        @pytest.mark.simulator("handset-of")
        def test_near(simulator):
            pass

        @pytest.mark.simulator(sede=5)
        def test_argument(simulator):
            pass
        """
    )

    result = suite.runpytest()

    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(
        [
            "@pytest.mark.simulator: there is no scenario 'no-such'; shipped scenarios: *",
            "@pytest.mark.simulator: there is no scenario 'handset-of'; did you mean \"handset-off\"?",
            "@pytest.mark.simulator: unknown argument 'sede'; did you mean 'seed'?",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert not re.search(r"\.py:\d", result.stdout.str())


def test_failure__of_any_phase_is_told_everywhere(suite: pytest.Pytester) -> None:
    """
    The story of a failed teardown, too, is in the report, in JUnit and in the folder of artifacts.
    """
    suite.makepyfile(
        test_it="""
        import pytest
        from helpers import send

        @pytest.fixture
        def app(simulator):
            yield
            send(simulator.url("infobip"))
            raise RuntimeError("does not stop")

        def test_teardown(app):
            pass

        def test_shared(simulator_module):
            send(simulator_module.url("infobip"), text="shared")
            simulator_module.rule(name="idle", when={"provider": "rbm"}, then={"fate": "silence"})
            assert len(simulator_module.messages) == 2
        """
    )

    result = suite.runpytest("--junit-xml", "junit.xml", "--simulator-artifacts", "kept")

    result.assert_outcomes(passed=1, failed=1, errors=1)
    junit = suite.path.joinpath("junit.xml").read_text()
    assert len(re.findall('name="simulator-story" value="[^"]*#1 accepted', junit)) == 2
    result.stdout.fnmatch_lines(['never applied: rule "idle": provider: *'])
    kept = {path.name: path.read_text("utf-8") for path in suite.path.joinpath("kept").iterdir()}
    assert sorted(kept) == [
        f"test_it.py_{name}.{suffix}"
        for name in ("test_shared-call", "test_teardown-teardown")
        for suffix in ("html", "jsonl", "txt")
    ]
    assert all("41793026727" in text for text in kept.values())


def test_seed_of_the_command_line__reproduces(suite: pytest.Pytester) -> None:
    """
    The printed seed gives the same story again, over what a marker says; `random` draws another each time.
    """
    suite.makepyfile(
        """
        import pytest
        from helpers import send

        @pytest.mark.simulator(seed=5)
        def test_it(simulator):
            print("drawn", simulator.seed, send(simulator.url("infobip"))[0]["messageId"])
        """
    )

    drawn = [
        re.findall(r"drawn (\d+ \d+)", suite.runpytest("-s", f"--simulator-seed={seed}").stdout.str())[0]
        for seed in ("77", "77", "random", "random")
    ]
    bad = suite.runpytest("--simulator-seed", "soon")

    assert drawn[0] == drawn[1]
    assert drawn[0].startswith("77 ")
    assert len(set(drawn)) == 3
    bad.stderr.fnmatch_lines(["*--simulator-seed: expected a whole number or `random`, got 'soon'"])


def test_url_of_the_command_line__uses_a_running_server(suite: pytest.Pytester) -> None:
    """
    Spaces are made on the server that runs there, and removed; a stranger there is named as one.
    """
    suite.makepyfile(
        """
        from helpers import send

        def test_it(simulator, simulator_server):
            print("at", simulator_server.url)
            send(simulator.url("infobip"))
            simulator.advance("1h")
            assert simulator.messages.one().state == "delivered"
        """
    )

    with ServerThread() as server:
        result = suite.runpytest("-s", "--simulator-url", server.url)
        spaces = [row["name"] for row in server.control.call("GET", "/spaces")["items"]]
    nobody = suite.runpytest("--simulator-url", server.url)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"*at {server.url}"])
    assert spaces == ["default"]
    nobody.assert_outcomes(errors=1)
    nobody.stdout.fnmatch_lines(
        [f"--simulator-url: no simulator answers at {server.url}: nobody listens there"]
    )


def test_tracebacks__end_in_the_test(suite: pytest.Pytester) -> None:
    """
    What the simulator refuses is shown where the test asked for it, without frames of ours.
    """
    suite.makepyfile(
        """
        def test_refused(simulator):
            simulator.recipient("hello").go_offline()

        def test_missed(simulator):
            simulator.wait_for("messages", within="1ms")
        """
    )

    result = suite.runpytest()

    result.assert_outcomes(failed=2)
    places = re.findall(r"^\S+\.py:\d+: .*$", result.stdout.str(), re.MULTILINE)
    assert [re.sub(r":\d+", "", place) for place in places] == [
        "test_tracebacks__end_in_the_test.py: ControlError",
        "test_tracebacks__end_in_the_test.py: AssertionError",
    ]


_GOOD = """
from simulator.client import OtherProvider, Simulator, When

def good(simulator: Simulator) -> None:
    when: When = {"provider": "infobip", "operation": "send", "text": {"contains": "code"}, "nth": 1}
    simulator.rule(when=when, then={"fate": {"fail": {"reason": "absent"}}, "webhooks": {"duplicate": "5%"}})
    simulator.rule(then={"answer": {"throttle": {"rate": "5/s"}}})
    simulator.messages(to="+41793026727", state="delivered", provider=OtherProvider("acme")).one().deliver()
    simulator.recipient("+41793026727").set(reachable=False, for_="2h")
    assert simulator.wait_for("webhooks", state="lost")[0].target == ""
    assert simulator.wait_for("requests")[0].path == "/"
"""

_TYPOS = """
from simulator.client import Simulator

def bad(simulator: Simulator) -> None:
    simulator.url("infobipp")
    simulator.messages(state="deliverd")
    simulator.messages(stat="delivered")
    simulator.webhooks(state="delivered")
    simulator.recipient("+1").set(rechable=False)
    simulator.rule(then={"fat": "silence"})
    simulator.rule(when={"operation": "sent"}, then={"fate": "expire"})
    simulator.rule(then={"fate": {"fail": {"reason": "absnt"}}})
    simulator.rule(then={"webhooks": {"mis_sign": {"how": "badly"}}})
    simulator.wait_for("mesages")
    simulator.move("m-1", "delivr")
    assert simulator.messages.one().state == "expird"
"""


def test_types__catch_a_typo(tmp_path: Path) -> None:
    """
    mypy passes what is right and names each line of what is not.
    """
    (tmp_path / "good.py").write_text(_GOOD)
    (tmp_path / "typos.py").write_text(_TYPOS)

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=",
         f"--cache-dir={ROOT / '.mypy_cache'}", str(tmp_path / "good.py"), str(tmp_path / "typos.py")],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    places = {
        (Path(name).name, int(line)) for name, line in re.findall(r"^(\S+):(\d+): error", done.stdout, re.M)
    }
    first = _TYPOS.splitlines().index("def bad(simulator: Simulator) -> None:") + 2
    assert places == {("typos.py", line) for line in range(first, len(_TYPOS.splitlines()) + 1)}, done.stdout


def _words(node: object, path: str, words: dict[str, set[str]], choices: dict[str, set[str]]) -> None:
    if not isinstance(node, dict):
        return
    for variant in node.get("anyOf", ()):
        _words(variant, path, words, choices)
    for name, part in node.get("properties", {}).items():
        words.setdefault(path, set()).add(name)
        _words(part, f"{path}.{name}", words, choices)
    choices.setdefault(path, set()).update(map(str, node.get("enum", ())))


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("when", vocabulary.When),
        ("when.text", vocabulary.TextMatch),
        ("then", vocabulary.Then),
        ("then.answer", vocabulary.Answer),
        ("then.answer.throttle", vocabulary.Throttle),
        ("then.fate", vocabulary.FateOf),
        ("then.fate.deliver", vocabulary.Delivery),
        ("then.fate.deliver.read", vocabulary.Reading),
        ("then.fate.deliver.reply", vocabulary.Reply),
        ("then.fate.read", vocabulary.Reading),
        ("then.fate.fail", vocabulary.Failure),
        ("then.fate.expire", vocabulary.Expiry),
        ("then.webhooks", vocabulary.WebhookFaults),
        ("then.webhooks.duplicate", vocabulary.Duplicate),
        ("then.webhooks.reorder", vocabulary.Reorder),
        ("then.webhooks.drop", vocabulary.Drop),
        ("then.webhooks.contradict", vocabulary.Contradict),
        ("then.webhooks.truncate", vocabulary.Damage),
        ("then.webhooks.corrupt", vocabulary.Damage),
        ("then.webhooks.content_type", vocabulary.Damage),
        ("then.webhooks.mis_sign", vocabulary.MisSign),
        ("then.webhooks.slow", vocabulary.Slow),
    ],
)  # fmt: skip
def test_vocabulary__is_that_of_scenarios(path: str, typed: type) -> None:
    """
    Each typed mapping has the keys that a scenario file takes there, no more and no fewer.
    """
    words: dict[str, set[str]] = {}
    _words(scenario_schema(built_in())["properties"]["rules"]["items"], "rule", words, {})

    assert set(typed.__annotations__) == words[f"rule.{path}"]


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("when.provider", vocabulary.ProviderName),
        ("when.operation", vocabulary.Operation),
        ("then.fate.fail.reason", vocabulary.ReasonName),
        ("then.fate", vocabulary.Fate),
    ],
)
def test_choices__are_those_of_scenarios(path: str, typed: object) -> None:
    """
    Each list of words has those that a scenario file takes there.
    """
    choices: dict[str, set[str]] = {}
    _words(scenario_schema(built_in())["properties"]["rules"]["items"], "rule", {}, choices)

    literal = next((part for part in getattr(typed, "__args__", ()) if hasattr(part, "__args__")), typed)
    assert set(literal.__args__) == choices[f"rule.{path}"]  # type: ignore[attr-defined]


def test_trio__is_served_like_asyncio(suite: pytest.Pytester) -> None:
    """
    Under trio what would block is refused, what is awaited works, and the loop goes on meanwhile.
    """
    suite.makepyfile(
        """
        import pytest
        import trio
        from helpers import send

        def test_it(simulator):
            async def story():
                with pytest.raises(RuntimeError, match="await simulator.settle_async"):
                    simulator.settle()
                await trio.to_thread.run_sync(send, simulator.url("infobip"))
                async with simulator.hold_webhooks():
                    await simulator.advance_to_async("2026-01-05T10:00:00Z")
                return await simulator.wait_for_async("messages", state="delivered")

            message, = trio.run(story)
            assert message == simulator.messages.one()
            assert simulator.now_ms == 3_600_000
        """
    )

    suite.runpytest().assert_outcomes(passed=1)


def test_session_of_several_workers__draws_from_one_number(suite: pytest.Pytester) -> None:
    """
    With `random` the workers of pytest-xdist draw from what the header tells, and a seed goes by the test.
    """
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", [1, 2])
        def test_it(simulator, number, request):
            with open(f"seed-{number}", "w") as out:
                print(simulator.seed, request.node.name, file=out)
        """
    )

    result = suite.runpytest("-n", "1", "--simulator-seed", "random")

    result.assert_outcomes(passed=2)
    drawn = re.findall(r"seeds are drawn from (\d+)", result.stdout.str())
    module = "test_session_of_several_workers__draws_from_one_number"
    for number in (1, 2):
        seed, name = suite.path.joinpath(f"seed-{number}").read_text().split()
        own = zlib.crc32(f"{module}::{name}".encode())
        assert int(seed) == zlib.crc32(f"{drawn[0]} {own}".encode())
