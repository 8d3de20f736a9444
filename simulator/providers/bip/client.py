"""
What a client of BiP says: a text to one user; nothing can be asked about it afterwards.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Final

from simulator.provider import ClientCall, ClientSide

__all__ = ["CLIENT"]


def _send(credential: str, recipient: str, text: str, own_id: str) -> ClientCall:
    headers = (
        ("Authorization", f"Basic {b64encode(credential.encode()).decode()}"),
        ("Content-Type", "application/json"),
    )
    body = {
        "txnid": own_id,
        "receiver": {"type": 2, "address": recipient.removeprefix("+")},
        "composition": {"list": [{"type": 0, "message": text}]},
    }
    return ClientCall("POST", "/tes/rest/spi/sendmsgserv", headers, json.dumps(body).encode())


CLIENT: Final = ClientSide(send=_send)
