"""
Row 13: webhooks beside WireMock 3 with its webhook extension, when its jar is at hand.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.accepting import AT_ONCE
from benchmarks.figures import Figure, Plan, alternated, figure
from benchmarks.processes import PATH, ReceiverProcess, generate, receiver, send_body, simulator

__all__ = ["JAR", "beside_wiremock"]

JAR = "WIREMOCK_JAR"
"""Where the environment says that the jar is."""

_WARM = 1_000
_ANSWER = {
    "messages": [
        {
            "to": "41793026727",
            "status": {
                "groupId": 1,
                "groupName": "PENDING",
                "id": 7,
                "name": "PENDING_ENROUTE",
                "description": "Message sent to next instance",
            },
            "smsCount": 1,
            "messageId": "{{randomValue type='UUID'}}",
        }
    ]
}
_REPORT = {
    "results": [
        {
            "messageId": "2033247207850523791",
            "to": "41793026727",
            "sentAt": "2026-11-21T20:29:59.010+0000",
            "doneAt": "2026-11-21T20:30:01.123+0000",
            "smsCount": 1,
            "price": {"pricePerMessage": 0.01, "currency": "EUR"},
            "status": {
                "groupId": 3,
                "groupName": "DELIVERED",
                "id": 5,
                "name": "DELIVERED_TO_HANDSET",
                "description": "Message delivered to handset",
            },
            "error": {"groupId": 0, "groupName": "OK", "id": 0, "name": "NO_ERROR", "permanent": False},
        }
    ]
}


def beside_wiremock(plan: Plan) -> Figure:
    """Measure webhooks per second while sends come as fast as they are taken, after the first thousand."""
    count = plan.count(8_000)

    def theirs() -> float:
        with receiver() as receiving, _wiremock(os.environ[JAR], receiving.url) as port:
            return _webhooks_per_s(port, send_body(), count, receiving)

    def ours() -> float:
        with receiver() as receiving, simulator(AT_ONCE) as served:
            return _webhooks_per_s(served.port, send_body(notify=receiving.url), count, receiving)

    return figure(alternated(plan.rounds, theirs, ours), "webhooks/s")


def _webhooks_per_s(port: int, body: str, count: int, receiving: ReceiverProcess) -> float:
    generate(port, _WARM, body)
    receiving.until(_WARM)
    receiving.ask("reset")
    generate(port, count, body, first=_WARM)
    counts = receiving.until(count)
    return count / float(counts["last"] - counts["first"])


@contextmanager
def _wiremock(jar: str, url: str) -> Iterator[int]:
    """Serve the same send and the same report with WireMock, set up as fast as its manual tells."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    webhook = {
        "method": "POST",
        "url": url,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(_REPORT),
    }
    mapping = {
        "request": {"method": "POST", "urlPath": PATH},
        "response": {
            "status": 200,
            "headers": {"Content-Type": "application/json"},
            "transformers": ["response-template"],
            "body": json.dumps(_ANSWER),
        },
        "serveEventListeners": [{"name": "webhook", "parameters": webhook}],
    }
    with TemporaryDirectory() as folder:
        Path(folder, "mappings").mkdir()
        Path(folder, "mappings", "send.json").write_text(json.dumps(mapping))
        command = ["java", "-jar", jar, "--disable-banner", "--port", str(port), "--root-dir", folder]
        command += ["--bind-address", "127.0.0.1", "--no-request-journal", "--disable-request-logging"]
        command += ["--disable-connection-reuse", "false", "--max-http-client-connections", "200"]
        # The generator reads answers whose length is announced.
        command += ["--use-chunked-encoding", "never"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _await_port(port, process)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"WireMock ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("WireMock did not start in time")
