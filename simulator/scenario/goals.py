"""
What a run is expected to show, and how it is driven.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from simulator.kernel.model.scenario import Scenario
from simulator.kernel.model.units import Rate

__all__ = ["REFUSED", "Ask", "Drive", "Expectations", "MessageGoals", "RunFile", "SendGoals", "WebhookGoals"]

REFUSED: Final = "refused"
"""What a send is called, beside the states of messages, that never became one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageGoals:
    """
    What is expected of the messages.
    """

    final_bp: int | None = None
    within_ms: int | None = None
    delivered_bp: int | None = None
    at_least: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookGoals:
    """
    What is expected of the integrator's receiver.
    """

    at_least: int | None = None
    """So many were owed: without a target there are none, and all of none are acknowledged."""
    acknowledged_bp: int | None = None
    lost_max: int | None = None
    forged_refused: bool = False
    latency_ms: Mapping[str, int] = field(default_factory=dict)
    """Limits by `p50`, `p95`, `p99`, `max`."""
    since_due_ms: Mapping[str, int] = field(default_factory=dict)
    """The same, for the time since each attempt was due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGoals:
    """
    What is expected of the integrator's calls.
    """

    retried_bp: int | None = None
    """How many of the sends that a rule refused must have been accepted in the end."""
    duplicated_max: int | None = None
    """How many accepted sends to a recipient may repeat an earlier one's text."""
    refused_max: int | None = None
    """How many sends may be refused for good, by whomever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """
    How the integrator is asked what it believes about a message.
    """

    method: str
    url: str
    """With `{id}`, `{recipient}` and `{provider}` in it."""
    field: str
    """Where in its JSON answer the belief stands: names and numbers with dots between."""
    means: Mapping[str, tuple[str, ...]]
    """By state of the message, or `refused` for a send that was refused for good: what it may be."""
    limit: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """
    Everything that a run's verdict is made of.
    """

    messages: MessageGoals | None = None
    webhooks: WebhookGoals | None = None
    sends: SendGoals | None = None
    integrator: Ask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """
    Calls to the integrator's own API, which make it send.
    """

    method: str
    url: str
    at_ms: int = 0
    count: int = 1
    rate: Rate | None = None
    """None: one after the other at the same instant."""
    recipient: str = "+4179"
    """Where `{recipient}` begins; the call's number follows in seven digits."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    """JSON; `{n}` and `{recipient}` in its texts are replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """
    What a scenario file says: the scenario, how a run is driven, and what it is to show.
    """

    scenario: Scenario
    drive: tuple[Drive, ...] = ()
    expect: Expectations = field(default_factory=Expectations)
