"""
Bodies that nobody can read: what is wrong with them is told, and not what a provider makes of them.
"""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from harness import serving
from simulator.explain.narrative import why_of

CALLS = {
    "infobip": ("/infobip/sms/2/text/advanced", "App k"),
    "rbm": ("/rbm/v1/phones/+15551234567/agentMessages?messageId=m1&agentId=welcome-bot", "Bearer k"),
    "bip": ("/bip/tes/rest/spi/sendmsgserv", "Basic dTpw"),
    "bitel": ("/bitel/api/v2/sms/single", f"Bearer {'a' * 40}"),
}


@pytest.mark.parametrize("provider", CALLS)
@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("br", b"{}", "Content-Encoding: expected gzip or deflate, got 'br'"),
        (
            "gzip",
            b"{}",
            "Content-Encoding says gzip, and the body is not packed so: incorrect header check",
        ),
        (
            "gzip",
            gzip.compress(b"{}", mtime=0)[:-9],
            "Content-Encoding says gzip, and the packed body breaks off",
        ),
    ],
)
async def test_label_that_the_body_does_not_keep__is_the_reason(
    provider: str, encoding: str, body: bytes, reason: str
) -> None:
    """
    Whatever a provider says of bytes that are no JSON, header and journal name the encoding.
    """
    path, credential = CALLS[provider]
    headers: dict[str, Any] = {"Authorization": credential, "Content-Encoding": encoding}
    async with serving() as bench:
        async with bench.http.post(f"{bench.url}{path}", data=body, headers=headers) as answer:
            status, told = answer.status, answer.headers["X-Simulator-Reason"]
        journalled = [why_of(entry.fact) for entry in bench.space.simulation.journal if entry.kind == "call"]

    assert status == 400
    assert (told, journalled) == (reason, [reason])


@pytest.mark.parametrize("provider", CALLS)
async def test_byte_order_mark__is_named(provider: str) -> None:
    """
    A mark before the JSON, which nobody sees in an editor, stands in the reason where it is refused.
    """
    path, credential = CALLS[provider]
    headers = {"Authorization": credential, "Content-Type": "application/json"}
    async with (
        serving() as bench,
        bench.http.post(f"{bench.url}{path}", data=b"\xef\xbb\xbf{}", headers=headers) as answer,
    ):
        assert answer.status == 400
        assert answer.headers["X-Simulator-Reason"].startswith("the body begins with a byte-order mark; ")
