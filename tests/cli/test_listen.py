"""
`simulator listen`, as a process of its own: what arrives is shown as people can read it.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

FORM = {"Content-Type": "application/json", "X-Signature": "abc", "X-Tab": "a"}


def listened(*bodies: bytes, headers: Mapping[str, str] = FORM) -> str:
    """Send webhooks to `simulator listen` and return what it printed of them."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "simulator.cli", "listen", "--port", "0", "--count", str(len(bodies))],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": "utf-8"},
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().split()[2].rstrip(",")
        for body in bodies:
            request = urllib.request.Request(f"{url}/reports?a=1", body, dict(headers))
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert answer.status == 200
        said, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait(20)
    assert process.returncode == 0
    return said


def test_json_is_set_out_in_lines() -> None:
    """
    Path, the headers that matter, and the body, in the order of arrival.
    """
    said = listened(b'{"a":{"b":"\xc4\xb1"}}', b"not json")

    head = "POST /reports?a=1\nContent-Type: application/json\nX-Signature: abc\nX-Tab: a\n"
    assert said == f'\n{head}{{\n  "a": {{\n    "b": "ı"\n  }}\n}}\n\n{head}not json\n'


def test_absurdly_nested_json_is_shown_as_it_came() -> None:
    """
    Whatever arrives is answered and shown, also what no parser takes.
    """
    nested = b"[" * 20_000

    said = listened(nested)

    assert said.endswith(f"{nested.decode()}\n")


def test_data_of_a_pubsub_message_is_shown_decoded() -> None:
    """
    RBM's events are in Base64 inside the body; what they say is shown below it.
    """
    data = base64.b64encode(json.dumps({"eventType": "DELIVERED"}).encode()).decode()

    said = listened(json.dumps({"message": {"data": data}}).encode())

    assert said.endswith('\nmessage.data: {\n  "eventType": "DELIVERED"\n}\n')


def test_what_could_steer_a_terminal_is_shown_and_not_sent() -> None:
    """
    Message texts are hostile, in whatever wrapping they come.
    """
    hostile = "\x1b]0;owned\x07"
    inner = base64.b64encode(json.dumps({"text": hostile}).encode()).decode()

    said = listened(hostile.encode(), json.dumps({"message": {"data": inner}}).encode())

    assert "\x1b" not in said
    assert "\x07" not in said
    assert "\\u001b]0;owned\\u0007" in said
