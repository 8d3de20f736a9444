"""
What the official Python client 4.0.0, the last major that speaks v2, sends and gets.

It cannot live beside 6.x in one environment, because both are called
`infobip_api_client`.  So its requests were recorded once, while it ran against
this simulator and read every answer into its own models; here they are sent
again, byte for byte in what matters, and must be answered the same.
"""

from __future__ import annotations

import json
from pathlib import Path

from providers.infobip.bench import bench
from simulator.kernel.rule import Act

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
