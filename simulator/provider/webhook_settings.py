"""
The part of a provider's settings that is about webhooks, alike for all providers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict, cast

from simulator.kernel.webhooks.webhook import RetrySchedule, WebhookPolicy
from simulator.schema.shapes import Boolean, Duration, Either, Field, Integer, ListOf, Record, Text, Word

__all__ = ["WebhookValues", "changed_policy", "mapping_of", "webhook_fields"]

_RETRIES_MAX = 1_000
_TIMEOUT_REAL_MS_MAX = 600_000
"""An advance waits for it in real time."""


TARGET = Text(
    max_length=2_048,
    pattern=r"(?:https?://[^\s/?#]+\S*)?",
    what="a URL such as http://127.0.0.1:9000/reports",
    examples=("http://127.0.0.1:9000/reports",),
)
"""Where webhooks may go, as settings write it."""


class WebhookValues(TypedDict, total=False):
    """
    What the webhook settings read as; only what was written is there.
    """

    url: str
    retry: str | tuple[int, ...]
    timeout: int
    in_flight: int
    acknowledged: str
    verify_tls: bool
    batch: Mapping[str, int]
    pause_on_failure: int


def mapping_of(value: object) -> Mapping[str, object]:
    """Return *value*, which a shape has read as a mapping; raises TypeError when it is none."""
    if not isinstance(value, Mapping):
        raise TypeError(f"expected a mapping, got {type(value).__name__}")
    return value


def webhook_fields() -> list[Field]:
    """Return the fields that every provider's `webhook:` settings have."""
    return [
        Field("url", TARGET, "Where webhooks go when a call names no target of its own; empty: nowhere."),
        Field(
            "retry",
            Either(Word("documented"), Word("none"), ListOf(Duration(), max_items=_RETRIES_MAX)),
            "Waits between attempts: the provider's documented schedule, none, or a list such as [1s, 5s].",
        ),
        Field("timeout", Duration(1, _TIMEOUT_REAL_MS_MAX), "How long an attempt may take, in real time."),
        Field("in_flight", Integer(1, 10_000), "How many webhooks are sent at once."),
        Field(
            "acknowledged",
            Either(Word("2xx"), Word("200")),
            "Which answers count as received: any 2xx, or 200 alone.",
        ),
        Field(
            "pause_on_failure",
            Duration(),
            "How long a failed attempt holds up everything else of this account: one queue for all targets.",
        ),
        Field("verify_tls", Boolean(), "Check the certificate of an https target."),
        Field(
            "batch",
            Record(
                dict,
                [
                    Field("max", Integer(1, 2_000), "How many reports may share a webhook."),
                    Field("wait", Duration(), "How long a webhook waits for more reports."),
                ],
            ),
            "Put several reports into one webhook, where the provider does so.",
        ),
    ]


def changed_policy(
    policy: WebhookPolicy, values: Mapping[str, object], documented: RetrySchedule
) -> WebhookPolicy:
    """Return *policy* with what the settings *values* say."""
    said = cast(WebhookValues, values)
    if "retry" in said:
        retry = said["retry"]
        if retry == "documented":
            policy = replace(policy, retry=documented)
        else:
            policy = replace(policy, retry=RetrySchedule(() if isinstance(retry, str) else retry))
    if "timeout" in said:
        policy = replace(policy, timeout_real_ms=said["timeout"])
    if "in_flight" in said:
        policy = replace(policy, in_flight_max=said["in_flight"])
    if "verify_tls" in said:
        policy = replace(policy, verify_tls=said["verify_tls"])
    if "pause_on_failure" in said:
        policy = replace(policy, pause_ms=said["pause_on_failure"])
    if "acknowledged" in said:
        policy = replace(
            policy, acknowledged_from=200, acknowledged_to=299 if said["acknowledged"] == "2xx" else 200
        )
    if "batch" in said:
        batch = said["batch"]
        policy = replace(
            policy,
            batch_max=batch.get("max", policy.batch_max),
            batch_wait_ms=batch.get("wait", policy.batch_wait_ms),
        )
    return policy
