"""
What operations of the control API answer, as JSON Schema, for whoever generates a client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.scenario import ClockMode
from simulator.kernel.webhooks.webhook import WebhookState
from simulator.schema.shapes import Schema

__all__ = ["ANSWERS", "NAMED"]

_TEXT: Final[Schema] = {"type": "string"}
_TEXT_OR_NONE: Final[Schema] = {"type": ["string", "null"]}
_WHOLE: Final[Schema] = {"type": "integer"}
_WHOLE_OR_NONE: Final[Schema] = {"type": ["integer", "null"]}
_CLAIM: Final[Schema] = {"type": "boolean"}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_COUNTS: Final[Schema] = {"type": "object", "additionalProperties": _WHOLE}
_ANY_OBJECT: Final[Schema] = {"type": "object"}
_OBJECTS: Final[Schema] = {"type": "array", "items": _ANY_OBJECT}


def _record(fields: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": {**fields, **(optional or {})},
        "required": list(fields),
    }


def _named(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _many(name: str) -> Schema:
    return {"type": "array", "items": _named(name)}


def _listing(name: str) -> Schema:
    return _record({"items": _many(name), "total": _WHOLE})


_CLOCK: Final[dict[str, Schema]] = {
    "mode": {"type": "string", "enum": [mode.value for mode in ClockMode]},
    "rate": _WHOLE,
    "grace_ms": _WHOLE,
    "now_ms": _WHOLE,
    "now": _TEXT,
    "next_due_ms": _WHOLE_OR_NONE,
    "next_due": _TEXT_OR_NONE,
    "advancing": _CLAIM,
    "webhooks_in_flight": _WHOLE,
    "calls_in_flight": _WHOLE,
}
_WEBHOOK: Final[dict[str, Schema]] = {
    "id": _TEXT,
    "provider": _TEXT,
    "recipient": _TEXT,
    "target": _TEXT,
    "state": {"type": "string", "enum": [state.value for state in WebhookState]},
    "intended": _TEXT,
    "purposes": _TEXTS,
    "reports": _TEXTS,
    "created_ms": _WHOLE,
    "due_ms": _WHOLE,
    "attempts": _many("Attempt"),
}
_DECIDED: Final[Schema] = _record({"rung": _TEXT, "rule": _TEXT})
_SPACE: Final[Schema] = _record(
    {
        "name": _TEXT,
        "seed": _WHOLE,
        "scenario": _record({"name": _TEXT, "source": _TEXT}),
        "clock": _named("Clock"),
        "providers": {
            "type": "object",
            "additionalProperties": _record({"url": _TEXT, "credential": _TEXT, "settings": _ANY_OBJECT}),
        },
        "messages": _COUNTS,
        "webhooks": _COUNTS,
        "journal": _record({"entries": _WHOLE, "dropped": _WHOLE}),
        "settled": _CLAIM,
    }
)

NAMED: Final[Mapping[str, Schema]] = {
    "Problem": _record(
        {"type": _TEXT, "title": _TEXT, "status": _WHOLE, "detail": _TEXT}, {"errors": _TEXTS}
    ),
    "Clock": _record(_CLOCK),
    "Space": _SPACE,
    "Message": _record(
        {
            "id": _TEXT,
            "names": {"type": "object", "additionalProperties": _TEXT},
            "provider": _TEXT,
            "recipient": _TEXT,
            "ordinal": _WHOLE,
            "state": {"type": "string", "enum": [state.value for state in State]},
            "code": _TEXT,
            "reason": _TEXT,
            "sender": _TEXT,
            "text": _TEXT,
            "parts": _WHOLE,
            "accepted_ms": _WHOLE,
            "accepted_at": _TEXT,
            "changed_ms": _WHOLE,
            "changed_at": _TEXT,
            "expires_ms": _WHOLE_OR_NONE,
            "decided_by": _DECIDED,
        }
    ),
    "Refusal": _record(
        {
            "id": _TEXT,
            "names": {"type": "object", "additionalProperties": _TEXT},
            "provider": _TEXT,
            "recipient": _TEXT,
            "ordinal": _WHOLE,
            "code": _TEXT,
            "at_ms": _WHOLE,
            "decided_by": _DECIDED,
        }
    ),
    "Attempt": _record(
        {
            "number": _WHOLE,
            "at_ms": _WHOLE,
            "status": _WHOLE,
            "error": _TEXT,
            "cause": _TEXT_OR_NONE,
            "note": _TEXT,
            "acknowledged": _CLAIM,
            "latency_real_us": _WHOLE,
            "excerpt": _TEXT,
            "headers": {"type": "array", "items": {"type": "array", "items": _TEXT}},
            "next_at_ms": _WHOLE_OR_NONE,
        }
    ),
    "Webhook": _record(_WEBHOOK, {"body": _TEXT, "sent": _OBJECTS}),
    "Recipient": _record(
        {
            "address": _TEXT,
            "name": _TEXT_OR_NONE,
            "reachable": _CLAIM,
            "blocked": _CLAIM,
            "blacklisted": _CLAIM,
        }
    ),
    "Entry": _record(
        {"seq": _WHOLE, "at_ms": _WHOLE, "kind": _TEXT},
        {"provider": _TEXT, "recipient": _TEXT, "state": _TEXT, "data": _ANY_OBJECT, "line": _TEXT},
    ),
    "Rule": _record(
        {
            "name": _TEXT,
            "line": _WHOLE,
            "when": _TEXT,
            "places": _TEXTS,
            "fates": _WHOLE,
            "refusals": _WHOLE,
            "webhooks": _WHOLE,
            "calls": _WHOLE,
            "total": _WHOLE,
            "miss": _TEXT,
        }
    ),
    "Exchange": _record(
        {
            "at_ms": _WHOLE,
            "at": _TEXT,
            "provider": _TEXT,
            "method": _TEXT,
            "path": _TEXT,
            "query": _TEXT,
            "headers": {"type": "array", "items": {"type": "array", "items": _TEXT}},
            "status": _WHOLE,
            "turned_away": _TEXT_OR_NONE,
            "why": _TEXT,
            "request": _TEXT,
            "answer": _TEXT,
        }
    ),
    "Recording": _record(
        {"moment": _WHOLE, "now_ms": _WHOLE, "now": _TEXT, "note": _TEXT, "forkable": _CLAIM}
    ),
}
"""What answers are made of."""

ANSWERS: Final[Mapping[str, Schema]] = {
    "create_space": _named("Space"),
    "list_spaces": _record(
        {"items": {"type": "array", "items": _record({"name": _TEXT, "clock": _named("Clock")})}},
        {"total": _WHOLE},
    ),
    "get_space": _named("Space"),
    "get_clock": _named("Clock"),
    "put_clock": _named("Clock"),
    "advance": _record({**_CLOCK, "fired": _WHOLE, "in_flight": _WHOLE}, {"waited_for": _TEXTS}),
    "put_scenario": _named("Space"),
    "put_settings": _ANY_OBJECT,
    # Whatever the provider's own action answers.
    "do_action": {},
    "list_recipients": _listing("Recipient"),
    "get_recipient": _named("Recipient"),
    "patch_recipient": _named("Recipient"),
    "get_conversation": _record(
        {
            "address": _TEXT,
            "items": _OBJECTS,
            "pending": _OBJECTS,
            "waiting": _OBJECTS,
            "failed": _OBJECTS,
            "first_expiry": _TEXT_OR_NONE,
            "acts": {"type": "object", "additionalProperties": _TEXTS},
        }
    ),
    "inbound": _record({"reports": _TEXTS}),
    "list_messages": _listing("Message"),
    "list_refusals": _listing("Refusal"),
    "list_rules": _listing("Rule"),
    "add_rule": _named("Rule"),
    "get_message": _named("Message"),
    "explain_message": _record(
        {
            "message": {"oneOf": [_named("Message"), {"type": "null"}]},
            "refusal": {"oneOf": [_named("Refusal"), {"type": "null"}]},
            "places": _OBJECTS,
            "considered": _OBJECTS,
            "entries": _many("Entry"),
            "webhooks": _many("Webhook"),
            "story": _TEXTS,
        }
    ),
    "move": _named("Message"),
    "list_webhooks": _listing("Webhook"),
    "get_webhook": _named("Webhook"),
    "resend": _named("Webhook"),
    "hold": _ANY_OBJECT,
    "release": _record({"released": _WHOLE}),
    "resend_many": _record({"ids": _TEXTS, "total": _WHOLE}),
    "list_requests": _listing("Exchange"),
    "journal": _named("Entry"),
    "get_recording": _named("Recording"),
    "seek_recording": _named("Recording"),
    "fork_recording": _named("Space"),
    "wait": _record({"items": _OBJECTS, "total": _WHOLE}),
    "verdict": _record(
        {
            "passed": _CLAIM,
            "ended": _CLAIM,
            "checks": {
                "type": "array",
                "items": _record({"name": _TEXT, "passed": _CLAIM, "detail": _TEXT}),
            },
        }
    ),
}
"""By the name of an operation: what it answers when it is carried out; NDJSON has one in each line."""
