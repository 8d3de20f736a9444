"""
RBM's webhooks: the Pub/Sub envelope, the data inside, and the signature over it.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from simulator.provider import Report, WebhookRequest

__all__ = ["Payload", "agent_address", "payload_of", "render", "sign"]

_ENCODER: Final = msgspec.json.Encoder()
_ATTRIBUTE_TYPES: Final = {
    # Only the launch event's is documented; "message" was captured, the others are third parties' or ours.
    "message": "message",
    "event": "event",
    "server": "event",
    "launch": "agent_launch_event",
    "capabilities": "capabilities",
}


class Payload(Struct, frozen=True, kw_only=True, gc=False):
    """
    One thing to tell, as it was when it happened.
    """

    kind: str
    """`message`, `event`, `server`, `launch` or `capabilities`."""
    agent: str
    word: str
    """What kind of message or event it is, for the attributes."""
    data: Mapping[str, object]
    client_token: str
    pubsub_id: str
    publish_time: str
    project_number: str
    indented: bool = True


def payload_of(report: Report) -> Payload:
    """Return what a report of RBM tells."""
    payload = report.payload
    if not isinstance(payload, Payload):
        raise TypeError(f"expected a report of RBM, got one with {type(payload).__name__}")
    return payload


def agent_address(agent: str) -> str:
    """Return an agent's id as webhooks spell it."""
    return f"{agent}@rbm.goog"


def sign(client_token: str, data: bytes) -> str:
    """Return the signature of the decoded data, as `X-Goog-Signature` carries it."""
    return base64.b64encode(hmac.digest(client_token.encode(), data, "sha512")).decode()


def render(payload: Payload, url: str) -> WebhookRequest:
    """Return the request that tells *payload*; the same bytes each time."""
    data = _ENCODER.encode(payload.data)
    if payload.indented:
        # Captured traffic is indented; who re-serialises before checking the signature finds out here.
        data = msgspec.json.format(data, indent=2)
    attributes = {
        "type": _ATTRIBUTE_TYPES[payload.kind],
        "message_type" if payload.kind == "message" else "event_type": payload.word,
        "product": "RBM",
        "business_id": agent_address(payload.agent),
        "project_number": payload.project_number,
    }
    if payload.kind == "capabilities":
        del attributes["event_type"]
    encoded = base64.b64encode(data)
    envelope = {
        "message": {
            "data": encoded.decode(),
            "attributes": attributes,
            "messageId": payload.pubsub_id,
            "message_id": payload.pubsub_id,
            "publishTime": payload.publish_time,
            "publish_time": payload.publish_time,
        },
        "subscription": f"projects/{payload.project_number}/subscriptions/rbm-{payload.agent}",
    }
    headers = (
        ("Content-Type", "application/json"),
        ("X-Goog-Signature", sign(payload.client_token, data)),
        ("X-Goog-Webhook-Type", "agent_callback" if payload.kind == "launch" else "message_callback"),
    )
    return WebhookRequest(
        url=url,
        body=_ENCODER.encode(envelope),
        headers=headers,
        signed_by=("X-Goog-Signature",),
        covered=encoded,
    )
