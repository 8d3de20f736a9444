"""
`simulator serve` as a process of its own, for tests of the command line.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOOKS_MAX = 600


class Process:
    """
    A running `simulator serve`.
    """

    def __init__(self, folder: Path, arguments: list[str], environment: Mapping[str, str]) -> None:
        self.log = folder / "log"
        self.port_file = folder / "port"
        with self.log.open("wb") as log:
            self.running = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "simulator.cli",
                    "serve",
                    "--port-file",
                    str(self.port_file),
                    *arguments,
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **environment},
            )

    @property
    def said(self) -> str:
        """Everything it printed."""
        return self.log.read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port_file.read_text().strip()}"

    def get(self, path: str) -> Any:
        """Return the JSON answer to a GET."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.running.send_signal(number)
        return self.running.wait(20)


def until(holds: Callable[[], bool], process: Process) -> None:
    """Return as soon as *holds*; give up after a bounded number of looks, or when the process ended."""
    for _ in range(LOOKS_MAX):
        if holds():
            return
        assert process.running.poll() is None, process.said
        time.sleep(0.05)
    raise AssertionError(f"it did not happen in time; the process said:\n{process.said}")


@contextmanager
def serving(folder: Path, *arguments: str, **environment: str) -> Iterator[Process]:
    """Run `simulator serve` until it is ready, and end it."""
    process = Process(folder, list(arguments), {"SIMULATOR_PORT": "0", **environment})
    try:
        # The banner follows the file.
        until(lambda: process.port_file.exists() and "is ready at" in process.said, process)
        yield process
    finally:
        if process.running.poll() is None:
            process.running.kill()
        process.running.wait(20)


def failing(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run `simulator` to its end; return exit code and what it said on standard error."""
    done = _done(arguments, environment)
    return done.returncode, done.stderr


def printed(*arguments: str, **environment: str) -> str:
    """Run `simulator` to its good end; return what it printed."""
    done = _done(arguments, environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _done(arguments: tuple[str, ...], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **environment},
    )


@contextmanager
def serving_reports() -> Iterator[str]:
    """Answer 200 to every webhook, on a free port; yields the URL."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{receiver.server_port}/reports"
        receiver.shutdown()
