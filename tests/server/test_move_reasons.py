"""
Moves that fail a message for a reason: the provider's report says what that reason means there.
"""

from __future__ import annotations

from typing import Any

from harness import Bench, serving

_TOKEN = {"Authorization": "Bearer token"}


async def _failed(bench: Bench, message_id: str, reason: str) -> Any:
    """Fail a message for *reason* and return how the control API shows it."""
    body = {"move": "fail", "code": {"reason": reason}}
    status, moved = await bench.control("POST", f"/spaces/default/messages/{message_id}/move", body)
    assert status == 200, moved
    return moved


async def test_move_for_a_reason__has_infobips_error_for_it() -> None:
    """
    A message that fails because the subscriber is unknown has Infobip's error for that.
    """
    async with serving() as bench:
        _, sent = await bench.send()
        message_id = sent["messages"][0]["messageId"]

        moved = await _failed(bench, message_id, "unknown")
        _, logs = await bench.post(f"/infobip/sms/1/logs?messageId={message_id}", None, method="GET")

        assert (moved["state"], moved["reason"]) == ("failed", "unknown")
        assert logs["results"][0]["error"]["name"] == "EC_UNKNOWN_SUBSCRIBER"


async def test_move_for_a_reason__has_bitels_status_for_it() -> None:
    """
    A message that fails because of the black list has Bitel's status for that, and costs nothing.
    """
    async with serving() as bench:
        body = {"message": "hi", "phoneNumber": "09120000001"}
        _, sent = await bench.post("/bitel/api/v2/sms/single", body, headers=_TOKEN)
        message_id = sent["result"]["id"]

        moved = await _failed(bench, message_id, "blacklisted")
        path = f"/bitel/api/v2/sms/status/{message_id}"
        _, told = await bench.post(path, None, method="GET", headers=_TOKEN)

        assert (moved["state"], moved["reason"]) == ("failed", "blacklisted")
        assert (told["result"]["status"], told["result"]["price"]) == ("BLACKLIST", 0.0)
