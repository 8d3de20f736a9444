"""
What a client of Infobip says: a v1 send, and the logs of one message.
"""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import quote

from simulator.provider import ClientCall, ClientSide, json_at

__all__ = ["CLIENT"]


def _headers(credential: str) -> tuple[tuple[str, str], ...]:
    return (("Authorization", f"App {credential}"), ("Content-Type", "application/json"))


def _send(credential: str, recipient: str, text: str, own_id: str) -> ClientCall:
    destination = {"to": recipient.removeprefix("+"), "messageId": own_id}
    body = {"messages": [{"destinations": [destination], "from": "InfoSMS", "text": text}]}
    return ClientCall("POST", "/sms/1/text/advanced", _headers(credential), json.dumps(body).encode())


def _ask(credential: str, message_id: str) -> ClientCall:
    # Logs may be read again and again; a report is handed out once.
    return ClientCall("GET", f"/sms/1/logs?messageId={quote(message_id)}", _headers(credential))


CLIENT: Final = ClientSide(
    send=_send,
    id_of=lambda body: json_at(body, "messages", 0, "messageId"),
    ask=_ask,
    state_of=lambda body: json_at(body, "results", 0, "status", "name"),
)
