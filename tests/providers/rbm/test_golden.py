"""
The minimal exchanges of Google's reference, whole, as they go over the wire.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from yarl import URL

from golden import check_golden
from providers.rbm.rig import PHONE, bench

_GOLDEN = Path(__file__).parent / "golden"
_P = f"/v1/phones/{PHONE}"
_UNREACHABLE = "/v1/phones/+9992040400"

_EXCHANGES = (
    ("POST", f"{_P}/agentMessages?messageId=m1&agentId=welcome-bot",
     b'{"contentMessage":{"text":"hi"},"ttl":"10s"}'),
    ("DELETE", f"{_P}/agentMessages/m1?agentId=welcome-bot", b""),
    ("DELETE", f"{_P}/agentMessages/m1?agentId=welcome-bot", b""),
    ("POST", f"{_P}/agentEvents?eventId=e1&agentId=welcome-bot",
     b'{"eventType":"READ","messageId":"MxIgT-4pWCQu2tH9hMkSTljQ"}'),
    ("GET", f"{_P}/capabilities?requestId=r1&agentId=welcome-bot", b""),
    ("GET", f"{_UNREACHABLE}/capabilities?requestId=r1&agentId=welcome-bot", b""),
    ("POST", "/v1/users:batchGet", b'{"users":["+15551234567"],"agentId":"welcome-bot"}'),
    ("POST", "/v1/files", b'{"fileUrl":"https://example.com/a.png","agentId":"welcome-bot"}'),
    ("POST", "/upload/v1/files?agentId=welcome-bot&uploadType=media", b"not really a picture"),
    ("POST", f"{_P}/testers?agentId=welcome-bot", b""),
    ("POST", f"{_P}/agentMessages?messageId=m2&agentId=welcome-bot",
     b'{"contentMessage":{"contentInfo":{"fileUrl":"https://a.b/c.png","thumbnailUrl":null},"suggestions":[]}}'),
    ("POST", f"{_P}/agentMessages?messageId=m3&agentId=welcome-bot",
     b"{'contentMessage':{'text':'single quotes, trailing comma',},}"),
    ("POST", f"{_P}/agentMessages?messageId=m4&agentId=welcome-bot",
     b'{"contentMessage":{"text":"hi"},"foo":1}'),
    ("POST", f"{_P}/agentMessages?messageId=m4&agentId=welcome-bot&$.xgafv=1",
     b'{"contentMessage":{"text":"hi"},"ttl":"1s","expireTime":"2026-01-06T00:00:00Z"}'),
    ("POST", f"{_P}/agentMessages?messageId=m5",
     b'{"contentMessage":{"text":"hi"}}'),
    ("POST", "/v1/phones/+9992042901/agentMessages?messageId=m6&agentId=welcome-bot",
     b'{"contentMessage":{"text":"hi"}}'),
)  # fmt: skip


@pytest.mark.golden
async def test_exchanges_are_the_ones_written_down() -> None:
    """
    Each request is answered with the very bytes that were written down once.
    """
    told: list[str] = []
    async with bench() as made:
        for method, path, body in _EXCHANGES:
            headers = made.headers | ({"Content-Type": "image/png"} if path.startswith("/upload") else {})
            url = URL(f"{made.url}{path}", encoded=True)
            async with made.session.request(method, url, data=body or None, headers=headers) as answer:
                told.append(
                    f"> {method} {path}\n> {body.decode()}\n< {answer.status}\n{await answer.text()}\n"
                )

    check_golden(_GOLDEN / "exchanges.txt", "\n".join(told))
