"""
A conversation with Bitel, whole bodies and all, as it was written down once.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from golden import check_golden
from providers.bitel.bench import Bench

_PHONES = ["09120000001", "+989120000002", "00989120000003"]
_SENDS: list[tuple[str, Any]] = [
    ("/api/v2/sms/single", {"message": "سلام", "phoneNumber": "09120000001", "gatewayNumber": "10007200"}),
    ("/api/v2/sms/batch", {"message": "hi", "phoneNumbers": _PHONES}),
    ("/api/v2/sms/batch/p2p", {"messages": ["a", "b", "c"], "phoneNumbers": _PHONES}),
    ("/api/v2/sms/otp", {"PhoneNumber": "989120000004", "AppName": "Shop", "Code": "1234"}),
    ("/api/v2/sms/template", {"phoneNumber": "09120000001", "params": ["Ada", 7], "templateId": 2}),
    ("/api/v2/voice/otp", {"phoneNumber": "09120000001", "text": "12345", "repeatCount": "3"}),
    ("/api/v2/voice/single", {"phoneNumber": "09601000003", "voiceId": "1", "serverId": "1"}),
    ("/api/v2/voice/single/tts", {"phoneNumber": "09120000001", "text": "hello"}),
    ("/api/v2/voice/batch", {"phoneNumbers": _PHONES[:2], "voiceId": "1", "retryCount": 0}),
    ("/api/v2/voice/batch/tts", {"phoneNumbers": _PHONES[:2], "text": "hello"}),
    ("/api/v1/sms/single", {"message": "hi", "phoneNumber": "09120000001"}),
    ("/api/v1/sms/otp", {"phoneNumber": "09120000001", "appName": "Shop", "code": "1234"}),
    ("/api/v1/sms/batch", {"message": "hi", "phoneNumbers": ["09120000001", "09600000004"]}),
    ("/api/v1/sms/p2p", {"messages": ["a"], "phoneNumbers": ["09600000010"]}),
    ("/api/v1/voice/tts", {"phoneNumber": "09120000001", "text": "hello"}),
    ("/api/v1/voice/campaign", {"phoneNumbers": ["09120000001"], "voiceId": "1"}),
    *(("/api/v2/sms/single", {"message": "hi", "phoneNumber": f"09602{n:06d}"}) for n in range(1, 10)),
]
_ASKS = {"/api/v2/sms": "/api/v2/sms/status/", "/api/v2/voice": "/api/v2/voice/status/"}
_ASKS_V1 = {
    "/api/v1/sms/single": "/api/v1/sms/detail/single/",
    "/api/v1/sms/otp": "/api/v1/sms/detail/single/",
    "/api/v1/sms/batch": "/api/v1/sms/detail/batch/",
    "/api/v1/sms/p2p": "/api/v1/sms/detail/batch/",
    "/api/v1/voice/tts": "/api/v1/voice/cdr/",
    "/api/v1/voice/campaign": "/api/v1/voice/campaign/cdr/",
}


def _lines(heading: str, body: Any) -> list[str]:
    return [heading, json.dumps(body, ensure_ascii=False, indent=1), ""]


def _questions(path: str, result: Any) -> list[str]:
    """Return the paths under which the outcome of a send can be asked for."""
    if path in _ASKS_V1:
        return [_ASKS_V1[path] + (result["requestId"] if isinstance(result, dict) else result)]
    prefix = next(ask for start, ask in _ASKS.items() if path.startswith(start))
    return [prefix + row["id"] for row in (result if isinstance(result, list) else [result])]


@pytest.mark.golden
async def test_conversation_is_the_one_written_down() -> None:
    """
    Every kind of send, what it is answered, what comes of it, and the webhooks; byte for byte as ever.
    """
    told: list[str] = []
    asks: list[str] = []
    async with Bench(seed=5) as bitel:
        for path, body in _SENDS:
            sent = await bitel.call("POST", path, body)
            told += _lines(f"POST {path} {json.dumps(body, ensure_ascii=False)}\n{sent.status}", sent.body)
            if sent.status == 200:
                asks += _questions(path, sent.body["result"])
        await bitel.settle()
        for path in asks:
            got = await bitel.call("GET", path)
            told += _lines(f"GET {path} {got.status}", got.body)
        # Webhooks to different recipients are under way together; sorted, their order is fixed.
        for one in sorted(json.dumps(one, ensure_ascii=False) for one in bitel.webhooks):
            told += [f"webhook {one}"]

    check_golden(Path(__file__).parent / "golden" / "conversation.txt", "\n".join(told) + "\n")
