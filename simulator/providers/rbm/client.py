"""
What a client of RBM says: a message of an agent; nothing can be asked about it afterwards.
"""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlencode

from simulator.provider import ClientCall, ClientSide

__all__ = ["CLIENT"]

_AGENT: Final = "load-agent"


def _send(credential: str, recipient: str, text: str, own_id: str) -> ClientCall:
    query = urlencode({"messageId": own_id, "agentId": _AGENT})
    headers = (("Authorization", f"Bearer {credential}"), ("Content-Type", "application/json"))
    body = json.dumps({"contentMessage": {"text": text}}).encode()
    return ClientCall("POST", f"/v1/phones/{recipient}/agentMessages?{query}", headers, body)


CLIENT: Final = ClientSide(send=_send)
