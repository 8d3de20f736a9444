"""
`simulator listen`, as a process of its own: what arrives is shown as people can read it.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

FORM = {"Content-Type": "application/json", "X-Signature": "abc", "X-Tab": "a"}


def listening(*, count: int | None = 1, stderr: int | None = None) -> tuple[subprocess.Popen[str], str]:
    """Start `simulator listen` for so many webhooks (None: for ever); return it, and where it listens."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "simulator.cli", "listen", "--port", "0"]
        + ([] if count is None else ["--count", str(count)]),
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": "utf-8"},
    )
    assert process.stdout is not None
    return process, process.stdout.readline().split()[2].rstrip(",")


def listened(*bodies: bytes, headers: Mapping[str, str] = FORM) -> str:
    """Send webhooks to `simulator listen` and return what it printed of them."""
    process, url = listening(count=len(bodies))
    try:
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
    Number, time, path, the headers that matter, and the body, in the order of arrival.
    """
    said = listened(b'{"a":{"b":"\xc4\xb1"}}', b"not json")

    head = "POST /reports?a=1\nContent-Type: application/json\nX-Signature: abc\nX-Tab: a\n"
    timeless = re.sub(r"(?m)^(#\d)  \d\d:\d\d:\d\d\.\d{3}$", r"\1", said)
    assert timeless == f'\n#1\n{head}{{\n  "a": {{\n    "b": "ı"\n  }}\n}}\n\n#2\n{head}not json\n'


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


def test_webhook_of_rcs_is_named_in_a_line_before_the_body() -> None:
    """
    Its data is in Base64, so nobody could see what arrived.
    """
    event = {"senderPhoneNumber": "+41793026727", "eventType": "DELIVERED", "messageId": "m1"}
    text = {"senderPhoneNumber": "+41793026727", "text": "STOP", "messageId": "u1"}
    bodies = [
        json.dumps({"message": {"data": base64.b64encode(json.dumps(data).encode()).decode()}}).encode()
        for data in (event, text)
    ]

    said = listened(*bodies, b"{}", headers={"X-Goog-Signature": "abc"})

    lines = said.splitlines()
    named = [lines[place + 1] for place, line in enumerate(lines) if line.startswith("POST ")]
    assert named == [
        "RBM: DELIVERED of message m1 from +41793026727",
        "RBM: the text 'STOP' from +41793026727",
        "Content-Type: application/x-www-form-urlencoded",
    ]


def test_large_webhook_is_shown_in_part_with_its_size() -> None:
    """
    Every webhook that arrives is printed; of one beyond 1 MiB the beginning.
    """
    said = listened(b"x" * 1_500_000)

    assert "\nPOST /reports?a=1\n" in said
    assert "\n1,500,000 bytes; the first 10,000 of them:\n" in said
    assert f"\n{'x' * 10_000}\n" in said


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /\x1b[31m nonsense\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
    ],
)
def test_what_is_no_http_is_one_line(sent: bytes) -> None:
    """
    A sender that speaks something else is told of without a trace, and the next webhook arrives.
    """
    process, url = listening(stderr=subprocess.PIPE)
    try:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as sender:
            sender.sendall(sent)
            while sender.recv(65_536):
                pass
        urllib.request.urlopen(urllib.request.Request(f"{url}/", b"{}"), timeout=10).close()
        _, complaint = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait(20)

    assert complaint.count("\n") == 1
    assert complaint.startswith("something arrived that is no HTTP: ")
    assert "\x1b" not in complaint


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"POST /a%0Ab HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", "POST /a%0Ab\n{}\n"),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", "OPTIONS *\n{}\n"),
        (b"POST /b HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n{}", "POST /b\n{}\n"),
        (
            b"POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}",
            "POST /c\n",
        ),
        (b"POST /" + b"d" * 20_000 + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "POST /ddd"),
    ],
)
def test_odd_webhook_is_printed_and_answered(sent: bytes, shown: str) -> None:
    """
    Whatever can be read as HTTP has its lines, and who has said all that there is to say gets the answer.
    """
    process, url = listening(stderr=subprocess.STDOUT)
    try:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as sender:
            sender.sendall(sent)
            sender.shutdown(socket.SHUT_WR)
            answer = sender.recv(65_536)
        said, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait(20)

    # How much of a body that breaks off is seen depends on how it came.
    broke_off = said.endswith("\nthe body broke off here\n")
    assert broke_off is (b"Content-Length: 9" in sent)
    assert answer.startswith(b"HTTP/1.1 400" if broke_off else b"HTTP/1.1 200")
    assert said.partition("\n#1")[2].partition("\n")[2].startswith(shown)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process alone")
def test_interrupted_listener_says_how_many_came() -> None:
    """
    Whoever ends it by hand reads the number that a test would have asserted.
    """
    process, url = listening(count=None)
    try:
        for _ in range(2):
            urllib.request.urlopen(urllib.request.Request(f"{url}/", b"{}"), timeout=10).close()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait(20)

    assert said.splitlines()[-1] == "stopped: 2 webhooks"
    assert process.returncode == 130


def test_packed_webhook_is_shown_unpacked_or_as_it_came() -> None:
    """
    A receiver unpacks what it gets; what is not packed as its header says is shown all the same.
    """
    packed = {**FORM, "Content-Encoding": "gzip"}

    said = listened(gzip.compress(b'{"a":1}'), b"not packed", headers=packed)

    assert '{\n  "a": 1\n}' in said
    assert said.rstrip().endswith("not packed")
