"""
Rows 10 and 11: how soon a server, and a space, are ready.  And how long a large file takes to load.
"""

from __future__ import annotations

import compileall
import socket
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import simulator
from benchmarks.figures import Figure, Plan, alternated, figure
from benchmarks.generator import NUMBER
from benchmarks.processes import ENVIRONMENT, PATH, SIMULATOR, program, result_of, send_body

__all__ = ["files_of_recipients", "files_of_rules", "space_by_http", "space_inside", "start"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _first_answer_ms(command_for: Callable[[str], list[str]]) -> float:
    """Return how long it takes from the spawning of a server to its first answer to a send."""
    port = _free_port()
    body = send_body().replace(NUMBER, "0793026727").encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: App bench\r\n"
        f"Content-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    started = perf_counter()
    process = subprocess.Popen(
        command_for(str(port)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT
    )
    try:
        while perf_counter() - started < 20:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                    connection.sendall(head.encode() + body)
                    if connection.recv(65_536).startswith(b"HTTP/1.1 200"):
                        return (perf_counter() - started) * 1000
            except ConnectionRefusedError:
                time.sleep(0.002)
        raise RuntimeError("the server did not answer in time")
    finally:
        process.terminate()
        process.wait()


def start(plan: Plan) -> Figure:
    """Measure the milliseconds from spawn to the first answered send."""
    # As installed packages are; where bytecode may not be written, sources would be compiled anew each time.
    compileall.compile_dir(Path(simulator.__file__).parent, quiet=1)
    pairs = alternated(
        plan.rounds,
        lambda: _first_answer_ms(lambda port: program("bare", "serve", port)),
        lambda: _first_answer_ms(lambda port: [*SIMULATOR, "--port", port]),
    )
    return figure(pairs, "ms")


@cache
def _spaces(plan: Plan) -> list[Any]:
    count = plan.count(200, 5)
    return [result_of(program("inside", "spaces", str(count))) for _ in range(plan.rounds)]


def space_by_http(plan: Plan) -> Figure:
    """Measure the milliseconds for a space with a scenario of three lines, by the control API."""
    measured = _spaces(plan)
    note = (
        f"without a scenario {sorted(found['http_empty'] for found in measured)[len(measured) // 2]:.2f} ms"
    )
    return figure([(None, found["http"]) for found in measured], "ms", note)


def space_inside(plan: Plan) -> Figure:
    """Measure the same in the process of the server, as the pytest fixture does."""
    measured = _spaces(plan)
    note = (
        f"without a scenario {sorted(found['inside_empty'] for found in measured)[len(measured) // 2]:.2f} ms"
    )
    return figure([(None, found["inside"]) for found in measured], "ms", note)


@cache
def _files(plan: Plan) -> list[Any]:
    count = plan.count(10_000)
    return [result_of(program("inside", "files", str(count))) for _ in range(plan.rounds)]


def files_of_recipients(plan: Plan) -> Figure:
    """Measure the milliseconds for a scenario file with 10,000 recipients."""
    return figure([(None, found["recipients"] * 1000) for found in _files(plan)], "ms")


def files_of_rules(plan: Plan) -> Figure:
    """Measure the milliseconds for a scenario file with 1,000 rules."""
    return figure([(None, found["rules"] * 1000) for found in _files(plan)], "ms")
