"""
Processes on loopback: the simulator by its command line, the yardsticks, generator and receiver.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.request import urlopen

from benchmarks.generator import NUMBER, Load
from benchmarks.receiver import Ways
from simulator.control import HttpControl

__all__ = [
    "ENVIRONMENT",
    "PATH",
    "REAL_S_MAX",
    "SIMULATOR",
    "ReceiverProcess",
    "Served",
    "bare_server",
    "generate",
    "posted_barely",
    "program",
    "receiver",
    "result_of",
    "send_body",
    "simulator",
]

REAL_S_MAX = 600.0
"""No program of a measurement may take longer."""

PATH = "/infobip/sms/1/text/advanced"
SIMULATOR = [sys.executable, "-m", "simulator.cli", "serve"]
_TESTS = Path(__file__).resolve().parent.parent
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(_TESTS), str(_TESTS.parent)]),
    "SIMULATOR_BENCH_LOOP": "asyncio",
}
"""Of every program that is started; the loop is that of the simulator and of its yardsticks."""


def program(module: str, *arguments: str) -> list[str]:
    """Return the command that runs one of our programs in a process of its own."""
    return [sys.executable, "-m", f"benchmarks.{module}", *arguments]


@contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a command until the end of the block, its output in a pipe."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def result_of(command: Sequence[str]) -> Any:
    """Run a program to its end and return the JSON that it prints."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, timeout=REAL_S_MAX, check=True
    )
    return json.loads(done.stdout) if done.stdout else None


class Served(NamedTuple):
    """
    A simulator that serves.
    """

    port: int
    pid: int

    @property
    def control(self) -> HttpControl:
        """Its control API."""
        return HttpControl(f"http://127.0.0.1:{self.port}")

    def space(self) -> dict[str, Any]:
        """Return the state of its default space."""
        state: dict[str, Any] = self.control.call("GET", "/spaces/default")
        return state

    def resident_bytes(self) -> int:
        """Return how much memory its process holds."""
        return resident_bytes(self.pid)


def resident_bytes(pid: int) -> int:
    """Return how much memory a process holds; Linux tells it in a file, other systems by `ps`."""
    status = Path(f"/proc/{pid}/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], stdout=subprocess.PIPE, text=True, check=True)
    return int(told.stdout) * 1024


@contextmanager
def simulator(settings: Mapping[str, object], clock: str = "live", **parts: object) -> Iterator[Served]:
    """
    Serve with these settings of Infobip and further *parts* of a scenario, by the command line.

    `SIMULATOR_ARGS` in the environment adds flags.
    """
    with TemporaryDirectory() as folder:
        scenario = Path(folder, "scenario.yaml")
        # JSON is YAML.
        scenario.write_text(json.dumps({"name": "bench", "providers": {"infobip": settings}, **parts}))
        port_file = Path(folder, "port")
        command = [*SIMULATOR, "--port", "0", "--port-file", str(port_file), "--clock", clock]
        command += ["--scenario", str(scenario), "--loop", ENVIRONMENT["SIMULATOR_BENCH_LOOP"]]
        command += os.environ.get("SIMULATOR_ARGS", "").split()
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=ENVIRONMENT)
            try:
                for _ in range(2_000):
                    if port_file.exists() or process.poll() is not None:
                        break
                    time.sleep(0.01)
                if not port_file.exists():
                    raise RuntimeError(f"the simulator did not start: {Path(folder, 'log').read_text()}")
                yield Served(int(port_file.read_text()), process.pid)
            finally:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@contextmanager
def bare_server() -> Iterator[int]:
    """Serve the bare aiohttp handler; give its port."""
    with running(program("bare", "serve", "0")) as process:
        yield _port_of(process)


def posted_barely(url: str, count: int, in_flight: int, body_bytes: int) -> None:
    """Post so many webhooks with `ClientSession.post`, in a process of its own."""
    result_of(program("bare", "post", url, str(count), str(in_flight), str(body_bytes)))


class ReceiverProcess(NamedTuple):
    """
    A receiver that takes webhooks.
    """

    port: int
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        """Where webhooks go."""
        return f"http://127.0.0.1:{self.port}/reports"

    def ask(self, question: str) -> bytes:
        """Return the answer to `count`, `arrivals` or `reset`."""
        with urlopen(f"http://127.0.0.1:{self.port}/{question}", timeout=30) as answer:
            told: bytes = answer.read()
            return told

    def counts(self) -> dict[str, Any]:
        """Return how many came, and when the first and the last one did."""
        told: dict[str, Any] = json.loads(self.ask("count"))
        return told

    def arrivals(self) -> array[float]:
        """Return when each one came."""
        return array("d", self.ask("arrivals"))

    def until(self, count: int, within_s: float = 120.0) -> dict[str, Any]:
        """Return the counts as soon as so many have come; raises RuntimeError when they stay away."""
        ends = time.perf_counter() + within_s
        while time.perf_counter() < ends:
            counts = self.counts()
            if counts["count"] >= count:
                return counts
            time.sleep(0.1)
        raise RuntimeError(f"expected {count} webhooks within {within_s:g} s, got {self.counts()['count']}")


@contextmanager
def receiver(**ways: int | str) -> Iterator[ReceiverProcess]:
    """Receive webhooks in a process of its own, in these `Ways`."""
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in Ways(**ways)._asdict().items()]  # type: ignore[arg-type]
    with running(program("receiver", *arguments)) as process:
        yield ReceiverProcess(_port_of(process), process)


def send_body(recipients: int = 1, notify: str = "") -> str:
    """Return the body of a send to so many recipients, with room for their numbers."""
    message: dict[str, object] = {
        "from": "InfoSMS",
        "destinations": [{"to": f"41{NUMBER}"}] * recipients,
        "text": "Your code is 123456. It is valid for ten minutes.",
    }
    if notify:
        message["notifyUrl"] = notify
    return json.dumps({"messages": [message]}, separators=(",", ":"))


def generate(port: int, count: int, body: str | None = None, *, first: int = 0, path: str = PATH) -> Any:
    """Send so many calls from a process of its own; raises RuntimeError when one is not answered 200."""
    load = Load(port, path, body or send_body(), count, first=first, within_s=REAL_S_MAX / 2)
    told = result_of(program("generator", json.dumps(load._asdict())))
    if told["bad"]:
        raise RuntimeError(f"{told['bad']} of {count} calls failed: {told['complaint']}")
    return told
