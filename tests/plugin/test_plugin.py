"""
The pytest plugin, in test suites of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

# Processes of their own are to find this source, not an installed one.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_simulator__is_a_fresh_space_with_a_frozen_clock(suite: pytest.Pytester) -> None:
    """
    Each test gets a space of its own whose clock it owns, all on one server.
    """
    suite.makepyfile(
        """
        import pytest
        from helpers import send

        seen = []

        @pytest.mark.parametrize("round", [1, 2])
        def test_space(simulator, simulator_server, round):
            assert len(simulator.messages) == 0
            assert simulator.now_ms == 0
            send(simulator.url("infobip"))
            simulator.advance("1h")
            assert simulator.messages.one().state == "delivered"
            assert simulator.now_ms == 3_600_000
            seen.append((simulator.space, simulator_server.url))

        def test_both():
            (one, server), (other, same) = seen
            assert one != other
            assert server == same
        """
    )

    suite.runpytest().assert_outcomes(passed=3)


def test_marker__says_how_the_space_is_made(suite: pytest.Pytester) -> None:
    """
    Scenario (object, text or file), seed, clock and settings come from the marker.
    """
    suite.path.joinpath("off.yaml").write_text("seed: 9\nrecipients: {'+41793026727': {reachable: false}}\n")
    suite.makepyfile(
        """
        from pathlib import Path
        import pytest
        from helpers import send

        OFF = {"recipients": {"+41793026727": {"reachable": False}}}

        @pytest.mark.simulator(scenario=OFF, seed=5, providers={"infobip": {"credentials": ["key"]}})
        def test_object(simulator):
            send(simulator.url("infobip"))
            simulator.advance("1h")
            assert simulator.messages.one().state == "waiting"
            assert simulator.seed == 5

        @pytest.mark.simulator(scenario="seed: 7\\nname: text\\n")
        def test_text(simulator):
            assert simulator.seed == 7

        @pytest.mark.parametrize("how", [1, 2])
        @pytest.mark.simulator(scenario=Path("off.yaml"))
        def test_path(simulator, how):
            assert simulator.seed == 9
            assert simulator.call("GET", "/recipients/+41793026727")["reachable"] is False

        @pytest.mark.simulator(scenario="off.yaml", seed=1)
        def test_file_name(simulator):
            assert simulator.seed == 1

        @pytest.mark.simulator(clock="live")
        def test_live(simulator):
            assert simulator.call("GET", "/clock")["mode"] == "live"
        """
    )

    suite.runpytest().assert_outcomes(passed=6)


def test_bad_marker__is_an_error_that_says_what_was_expected(suite: pytest.Pytester) -> None:
    """
    A marker that cannot be read ends the test with the complaint of the control API.
    """
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.simulator(scenario={"rules": 5})
        def test_it(simulator):
            pass
        """
    )

    result = suite.runpytest()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["@pytest.mark.simulator: rules: expected *"])


def test_failure__shows_the_story_and_the_seed(suite: pytest.Pytester) -> None:
    """
    The report of a failed test has the narrative of its space and the seed; a passed one has not.
    """
    suite.makepyfile(
        """
        from helpers import send

        def test_fails(simulator):
            send(simulator.url("infobip"))
            simulator.advance("1h")
            assert simulator.messages.one().state == "expired"

        def test_passes(simulator):
            send(simulator.url("infobip"))
        """
    )

    result = suite.runpytest()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines(
        [
            r"-+ simulator space 'space-\d+', seed \d+, now 2026-01-05T10:00:00.000Z \(frozen\) -+",
            r"\+00:00:00\.000 infobip \+41793026727 #1 accepted .*",
            r"\+00:00:0\d\.\d+ infobip \+41793026727 #1 delivered .*",
            r"again: pytest '.*::test_fails' --simulator-seed \d+",
        ]
    )
    assert len(re.findall("- simulator space '", result.stdout.str())) == 1


def test_failure__of_a_test_that_ended_its_space_is_still_reported(suite: pytest.Pytester) -> None:
    """
    When the story cannot be told any more the failure is shown all the same.
    """
    suite.makepyfile(
        """
        def test_fails(simulator):
            simulator.delete()
            assert 1 == 2
        """
    )

    result = suite.runpytest()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the story cannot be told*there is no space*"])


def test_seed__is_the_same_for_the_same_test_and_differs_between_tests(suite: pytest.Pytester) -> None:
    """
    A test draws the same lot in every run, alone or among others.
    """
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("case", ["a", "b"])
        def test_seed(simulator, case):
            with open("seeds", "a") as out:
                print(case, simulator.seed, file=out)
        """
    )

    suite.runpytest()
    suite.runpytest("-k", "b]")

    rows = [line.split() for line in suite.path.joinpath("seeds").read_text().splitlines()]
    assert [case for case, _ in rows] == ["a", "b", "b"]
    assert rows[1] == rows[2]
    assert rows[0][1] != rows[1][1]


def test_config__is_the_place_to_change_the_server(suite: pytest.Pytester) -> None:
    """
    Overriding `simulator_config` changes how the session's server is set up.
    """
    suite.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def simulator_config():
            return {"listen": {"infobip": 0}}
        """
    )
    suite.makepyfile(
        """
        def test_it(simulator_server):
            assert set(simulator_server.server.ports) == {"", "infobip"}
        """
    )

    suite.runpytest().assert_outcomes(passed=1)


def test_blocking_advance__on_a_running_loop_refuses_and_names_the_other(suite: pytest.Pytester) -> None:
    """
    Where it would deadlock, `advance` says what to await instead, and that works.
    """
    suite.makepyfile(
        """
        import asyncio
        import pytest

        def test_it(simulator):
            async def story():
                with pytest.raises(RuntimeError) as refusal:
                    simulator.advance("1h")
                with pytest.raises(RuntimeError):
                    simulator.settle()
                await simulator.advance_async("1h")
                await simulator.settle_async()
                return str(refusal.value)

            said = asyncio.run(story())
            assert "await simulator.advance_async(…) instead" in said
            assert simulator.now_ms == 3_600_000
        """
    )

    suite.runpytest().assert_outcomes(passed=1)


def test_receiver_on_the_tests_own_loop__is_heard_during_advance_async(suite: pytest.Pytester) -> None:
    """
    The integrator may run on the test's loop: it receives its reports while the test awaits the advance.
    """
    suite.makepyfile(
        """
        import asyncio
        from helpers import send

        def test_it(simulator):
            async def story():
                came = []

                async def receive(reader, writer):
                    head = await reader.readuntil(b"\\r\\n\\r\\n")
                    came.append(head.split()[1])
                    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
                    await writer.drain()
                    writer.close()

                listener = await asyncio.start_server(receive, "127.0.0.1", 0)
                port = listener.sockets[0].getsockname()[1]
                simulator.configure("infobip", webhook={"url": f"http://127.0.0.1:{port}/dlr"})
                await asyncio.to_thread(send, simulator.url("infobip"))
                await simulator.advance_async("1h")
                listener.close()
                await listener.wait_closed()
                return came

            assert asyncio.run(story()) == [b"/dlr"]
            assert [webhook.state for webhook in simulator.webhooks] == ["acknowledged"]
        """
    )

    suite.runpytest().assert_outcomes(passed=1)


def test_space__is_deleted_after_the_test(suite: pytest.Pytester) -> None:
    """
    Nothing is left on the server of spaces whose tests are over.
    """
    suite.makepyfile(
        """
        def test_one(simulator):
            pass

        def test_two(simulator_server):
            names = [space["name"] for space in simulator_server.control.call("GET", "/spaces")["items"]]
            assert names == ["default"]
        """
    )

    suite.runpytest().assert_outcomes(passed=2)


def test_client__explains_a_miss(suite: pytest.Pytester) -> None:
    """
    `one()` tells what there is instead; a refused move and a wait in vain come with their reasons.
    """
    suite.makepyfile(
        """
        import pytest
        from helpers import send
        from simulator.control import ControlError

        def test_it(simulator):
            send(simulator.url("infobip"), "41790000001")
            send(simulator.url("infobip"), "41790000002")
            with pytest.raises(AssertionError) as miss:
                simulator.messages.one()
            with pytest.raises(ControlError) as refusal:
                simulator.move(simulator.messages.all()[0].id, "fly")
            with pytest.raises(AssertionError) as waited:
                simulator.wait_for("messages", count=3, within="1ms")
            simulator.wait_for("messages", count=2)
            assert "infobip +41790000001 #1 accepted" in str(miss.value)
            assert refusal.value.status == 422
            assert "expected 3 messages" in str(waited.value)
            assert simulator.messages.of(recipient="+41790000002").one().recipient == "+41790000002"
        """
    )

    suite.runpytest().assert_outcomes(passed=1)


def test_plugin__imports_nothing_of_the_server_until_it_is_used() -> None:
    """
    A test run that does not use the simulator does not pay for it.
    """
    code = (
        "import sys, messaging_provider_simulator_pytest; "
        "heavy = 'simulator', 'aiohttp', 'msgspec', 'asyncio', 'yaml', 'jinja2'; "
        "print([name for name in heavy if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )

    assert done.stdout.strip() == "[]"


def test_two_runs_at_once__do_not_meet(suite: pytest.Pytester) -> None:
    """
    Two test runs, such as two workers of one, each have a server on a port of its own.
    """
    suite.makepyfile(
        """
        from helpers import send

        def test_it(simulator, simulator_server):
            for _ in range(20):
                send(simulator.url("infobip"))
            assert len(simulator.messages) == 20
            with open("ports", "a") as out:
                print(simulator_server.url, file=out)
        """
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis"]

    runs = [
        subprocess.Popen(command, cwd=suite.path, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        for _ in range(2)
    ]
    said = [run.communicate(timeout=60)[0] for run in runs]

    assert [run.returncode for run in runs] == [0, 0], said
    assert len(suite.path.joinpath("ports").read_text().split()) == 2


def test_marker__takes_a_scenario_by_position_and_by_name(suite: pytest.Pytester) -> None:
    """
    The argument without a name is the scenario; shipped ones go by their names, files lie beside the test.
    """
    folder = suite.mkdir("deep")
    folder.joinpath("off.yaml").write_text("seed: 9\n")
    folder.joinpath("test_deep.py").write_text(
        """
from datetime import timedelta

import pytest

@pytest.mark.simulator("handset-off")
def test_shipped(simulator):
    assert simulator.call("GET", "")["scenario"]["name"] != "default"

@pytest.mark.simulator("off.yaml")
def test_beside(simulator):
    assert simulator.seed == 9

@pytest.mark.simulator(start="2030-01-01T00:00:00Z")
def test_start(simulator):
    assert simulator.call("GET", "/clock")["now"] == "2030-01-01T00:00:00.000Z"

def test_load(simulator):
    simulator.load("healthy")
    simulator.load("off.yaml")
    assert simulator.seed == 9
    with pytest.raises(ValueError, match='did you mean "handset-off"'):
        simulator.load("handset-of")
    with pytest.raises(ValueError, match='did you mean "handset-off"'):
        simulator.load("handset-of.yaml")
    simulator.load("handset-off.yaml")
    with pytest.raises(ValueError, match="there is no provider 'infobipp'; known: bip"):
        simulator.url("infobipp")

@pytest.mark.simulator("healthy", "flaky-carrier")
def test_two(simulator):
    pass

@pytest.mark.simulator(strat="now")
def test_misspelt(simulator):
    pass

def test_span(simulator):
    simulator.advance_to(timedelta(hours=4))

def test_not_an_instant(simulator):
    simulator.advance_to("4h")
"""
    )

    result = suite.runpytest()

    result.assert_outcomes(passed=4, errors=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*expected one scenario, and all else by name*",
            "*unknown argument 'strat'; did you mean 'start'?",
            "E *TypeError: expected an instant, got a span, *; advance() takes that",
            'E *ControlError: to: expected an instant such as "2026-01-05T09:00:00Z", got "4h"',
        ]
    )
    # Nothing of the inside stands in the trace of a failed test.
    result.stdout.no_fnmatch_line("*client.py:*")
    result.stdout.no_fnmatch_line("*concurrent*")


def test_seed__is_the_same_wherever_pytest_starts(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The seed of a test goes by its file and name, not by the folder that pytest was started in.
    """
    folder = suite.mkdir("sub")
    folder.joinpath("test_seed.py").write_text("def test_it(simulator):\n    print('seed', simulator.seed)\n")

    above = suite.runpytest("-s", "sub/test_seed.py").stdout.str()
    monkeypatch.chdir(folder)
    inside = suite.runpytest("-s", "--rootdir", ".", "test_seed.py").stdout.str()

    seeds = [re.findall(r"seed (\d+)", text) for text in (above, inside)]
    assert len(seeds[0]) == 1
    assert seeds[0] == seeds[1]


def test_client__tells_what_was_sent(suite: pytest.Pytester) -> None:
    """
    Calls, webhooks and instants are there without the control API; a length of time may be a timedelta.
    """
    suite.makepyfile(
        """
        from datetime import UTC, datetime, timedelta
        from helpers import send

        def test_it(simulator):
            simulator.configure("infobip", webhook={"url": "http://127.0.0.1:9", "retry": "none"})
            send(simulator.url("infobip"))
            simulator.advance(timedelta(minutes=10))
            simulator.advance_to("2026-01-05T10:00:00Z")
            simulator.advance_to(datetime(2026, 1, 5, 11, tzinfo=UTC))

            call, = simulator.requests
            assert call.path == "/sms/2/text/advanced"
            assert call.json()["messages"][0]["text"] == "hello"
            assert simulator.webhooks.of(state="lost").one().reports == ("DELIVERED_TO_HANDSET",)
            assert simulator.now_ms == 7_200_000
        """
    )

    suite.runpytest().assert_outcomes(passed=1)


def test_failure__leaves_evidence(suite: pytest.Pytester) -> None:
    """
    A failed test, in whatever phase, leaves its story in JUnit and its timeline in the folder asked for.
    """
    suite.makepyfile(
        test_it="""
        import pytest
        from helpers import send

        @pytest.fixture
        def app(simulator):
            send(simulator.url("infobip"))
            raise RuntimeError("not started")

        def test_setup(app):
            pass
        """
    )

    suite.runpytest("--junit-xml", "junit.xml", "--simulator-artifacts", "kept").assert_outcomes(errors=1)

    assert "infobip +41793026727 #1 accepted" in suite.path.joinpath("junit.xml").read_text()
    assert sorted(path.suffix for path in suite.path.joinpath("kept").iterdir()) == [
        ".html",
        ".jsonl",
        ".txt",
    ]
