"""
JSON as people read it, beside the bytes that were sent.
"""

from __future__ import annotations

import base64
import json

__all__ = ["laid_out"]


def laid_out(body: str) -> str:
    """
    Return JSON over several lines; empty: *body* is none, or is laid out already.

    Of a message in the form of Google Pub/Sub its data follows, decoded.
    """
    try:
        plain = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(plain, dict | list):
        return ""
    text = json.dumps(plain, indent=2, ensure_ascii=False)
    message = plain.get("message") if isinstance(plain, dict) else None
    data = message.get("data") if isinstance(message, dict) else None
    if not isinstance(data, str):
        return text if text != body.strip() else ""
    try:
        inner = json.loads(base64.b64decode(data, validate=True))
    except (ValueError, RecursionError):
        return text
    return f"{text}\nmessage.data: {json.dumps(inner, indent=2, ensure_ascii=False)}"
