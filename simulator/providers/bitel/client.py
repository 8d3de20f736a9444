"""
What a client of Bitel says: a single short message, and the question for its state.
"""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import quote

from simulator.provider import ClientCall, ClientSide, json_at

__all__ = ["CLIENT"]


def _headers(credential: str) -> tuple[tuple[str, str], ...]:
    return (("Authorization", f"Bearer {credential}"), ("Content-Type", "application/json"))


def _send(credential: str, recipient: str, text: str, own_id: str) -> ClientCall:
    number = f"0{recipient.removeprefix('+98')}" if recipient.startswith("+98") else recipient
    body = json.dumps({"message": text, "phoneNumber": number}).encode()
    return ClientCall("POST", "/api/v2/sms/single", _headers(credential), body)


def _ask(credential: str, message_id: str) -> ClientCall:
    return ClientCall("GET", f"/api/v2/sms/status/{quote(message_id)}", _headers(credential))


CLIENT: Final = ClientSide(
    send=_send,
    id_of=lambda body: json_at(body, "result", "id"),
    ask=_ask,
    state_of=lambda body: json_at(body, "result", "status"),
)
