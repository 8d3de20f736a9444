"""
One line about an RBM webhook, for whoever watches them arrive.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["describe_webhook"]

_LENGTH_MAX: Final = 200
_MARKS: Final = frozenset({"x-goog-signature", "x-goog-webhook-type"})
"""Headers of which one is enough: a webhook may lack its signature on purpose."""
_EVENTS_WITHOUT_WORD: Final = {"userStatus": "user status", "suggestionResponse": "tap", "userFile": "file"}


def describe_webhook(headers: Mapping[str, str], body: bytes) -> str:
    """Return what an RBM webhook tells, in one line; empty: this is none."""
    if not any(name.lower() in _MARKS for name in headers):
        return ""
    try:
        data: Any = json.loads(base64.b64decode(json.loads(body)["message"]["data"], validate=True))
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    if not isinstance(data, dict):
        return ""
    who = str(data.get("senderPhoneNumber") or data.get("phoneNumber") or "somebody")
    about = f" of message {data['messageId']}" if "messageId" in data else ""
    if "eventType" in data:
        line = f"RBM: {data['eventType']}{about} from {who}"
    elif "text" in data:
        line = f"RBM: the text {str(data['text'])[:80]!r} from {who}"
    else:
        kinds = [word for key, word in _EVENTS_WITHOUT_WORD.items() if key in data]
        line = f"RBM: {kinds[0] if kinds else ', '.join(map(str, data)) or 'nothing'} from {who}"
    return line[:_LENGTH_MAX]
