"""
What the official Python client 4.0.0, the last major that speaks v2, sends and gets.

It cannot live beside 6.x in one process, because both are called
`infobip_api_client`.  So it runs in one of its own, from a folder of its own.
Every call of its SMS API was recorded once, while it ran against this simulator
and read every answer into its models; those are sent again here, too, and must
be answered the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from providers.infobip.bench import bench
from simulator.kernel.model.rules import Act

RECORDED = json.loads(Path(__file__).with_name("golden").joinpath("client_4.json").read_bytes())


async def test_every_call_of_the_client_is_answered_as_when_it_was_recorded():
    """
    Sends, preview, bulks, logs, reports, inbox and an error, in the order in which the client made them.
    """
    async with bench() as run:
        run.space.simulation.act("infobip", "+41793026727", Act("writes", text="hi"))
        answers = [
            await run.call(
                call["method"],
                call["path"],
                call["body"],
                headers=call["headers"],
                query=[(name, value) for name, value in call["query"]],
            )
            for call in RECORDED
        ]

    for call, answer in zip(RECORDED, answers, strict=True):
        assert (call["path"], answer.status, answer.plain) == (call["path"], call["status"], call["answer"])


def test_recording_is_complete():
    """
    The recording has each call of that client's SMS API, and an error.
    """
    assert [(call["method"], call["path"], call["status"]) for call in RECORDED] == [
        ("POST", "/sms/2/text/advanced", 200),
        ("POST", "/sms/2/binary/advanced", 200),
        ("POST", "/sms/1/preview", 200),
        ("GET", "/sms/1/bulks", 200),
        ("PUT", "/sms/1/bulks", 200),
        ("GET", "/sms/1/bulks/status", 200),
        ("PUT", "/sms/1/bulks/status", 200),
        ("GET", "/sms/1/logs", 200),
        ("GET", "/sms/1/reports", 200),
        ("GET", "/sms/1/inbox/reports", 200),
        ("GET", "/sms/1/bulks", 404),
    ]


async def test_client_of_v2_itself_sends_and_reads():
    """
    The client, in a process of its own, sends, pulls the report, meets an error, and understands all three.
    """
    older = Path(sys.prefix) / "older-clients"
    if not older.is_dir():
        pytest.skip(
            "`make test` installs the older client beside the environment; this one was made otherwise"
        )
    script = Path(__file__).with_name("older_client.py")
    async with bench() as run:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(script),
            run.url,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(older)},
        )
        try:
            while not run.space.simulation.messages and process.returncode is None:
                await run.space.wait_change(1.0)
            await run.space.driver.advance(None)
            out, err = await process.communicate(b"\n")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    assert err.decode() == ""
    assert json.loads(out) == {
        "sent": ["41793026727", "m-1", "PENDING_ACCEPTED", 1],
        "report": ["m-1", "DELIVERED", "NO_ERROR", "data"],
        "missing": 404,
    }
