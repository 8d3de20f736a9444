"""
What a run is expected to show, and how it is driven.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from simulator.kernel.model.arrivals import Arrivals
from simulator.kernel.model.scenario import Scenario

__all__ = [
    "BLANK",
    "FIGURES",
    "JUDGED_BY_ITSELF",
    "JUDGES",
    "REFUSED",
    "TRUTHS",
    "About",
    "Ask",
    "Drive",
    "Expectations",
    "Growth",
    "Hardship",
    "MessageGoals",
    "Relation",
    "RunFile",
    "SendGoals",
    "Wanted",
    "WebhookGoals",
]

REFUSED: Final = "refused"
"""What a send is called, beside the states of messages, that never became one."""

TRUTHS: Final = (
    "id",
    "recipient",
    "provider",
    "state",
    "parts",
    "price",
    "code",
    "ended",
    "sends",
    "fallbacks",
    "arrived",
    "written",
)
"""
What the templates of `fields:` may say: how many calls were made for a message (`sends`), how many
messages went to its recipient by other providers since (`fallbacks`), when it ended, what it cost,
how often it arrived (`arrived`: once or never), how often its recipient wrote (`written`).
"""

BLANK: Final = re.compile(r"\{(\w+)\}")
"""Where a template of `fields:` has a word."""

FIGURES: Final = frozenset({"parts", "price", "code"})
"""Those of them that only some providers tell."""

JUDGED_BY_ITSELF: Final = ("acknowledged", "forged", "calls", "inbound")
"""What nobody has to be asked for: webhooks taken, forgeries refused, calls made well, inbound ones taken."""

JUDGES: Final = (*JUDGED_BY_ITSELF, *TRUTHS)
"""What may have to be judged before a hardship counts as passed."""


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
    at_most: int | None = None
    of: Mapping[str, WebhookGoals] = field(default_factory=dict)
    """The same of one provider's webhooks alone, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """
    If, and only if, a recipient's message ended so, others are sent by another provider.
    """

    provider: str
    states: tuple[str, ...]
    either: tuple[str, ...] = ()
    """Of messages that ended so, nothing is expected."""
    to: str
    """The provider by which the others are sent."""
    times: int = 1


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
    invalid_max: int = 0
    """How many calls may be found wrong by the provider's own checks."""
    calls_max: int | None = None
    """How many calls may be made for one message."""
    after_stop_max: int | None = None
    """How many sends may go to somebody who wrote STOP, once the integrator had acknowledged that."""
    in_order: bool = False
    """Texts to one recipient go out in the order in which the calls of `drive` asked for them."""
    spacing_ms: int | None = None
    """How long must pass at least between a refusal and the next call for the same recipient."""
    retry_after: bool = False
    within_ms: int = 120_000
    """How long after a refusal, and after the refusing rule is over, a run waits for tries; virtual time."""
    relations: tuple[Relation, ...] = ()


class About(StrEnum):
    """
    Whose messages are asked about.
    """

    DRIVEN = "driven"
    """Those that calls of the integrator made."""
    STORM = "storm"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    What a field of the integrator's answer must be, told by the truth.
    """

    template: str
    """With words such as `{parts}` in it."""
    tolerance_ms: int = 1_000
    """By how much an instant may be off; many providers tell whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """
    How the integrator is asked what it believes about a message.
    """

    method: str
    url: str
    """With `{id}`, `{recipient}` and `{provider}` in it."""
    means: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By state of the message, or `refused` for a send that was refused for good: what it may be."""
    fields: Mapping[str, Wanted] = field(default_factory=dict)
    """Other fields, of messages whose end was told."""
    field: str = ""
    """Where in its JSON answer the belief stands: names and numbers with dots between."""
    limit: int = 10_000
    within_real_ms: int = 1_000
    """So long it is asked again before it is believed to be wrong."""
    about: About = About.DRIVEN
    provider: str = ""
    """Of this provider alone; empty: of all."""
    rule: str = ""
    """Of messages alone whose fate or webhooks this rule decided; empty: of all."""

    @property
    def words(self) -> frozenset[str]:
        """The words of the truth that it asks for; a belief is about the state."""
        words = {word for part in self.fields.values() for word in BLANK.findall(part.template)}
        return frozenset(words | {"state"} if self.field else words)

    @property
    def name(self) -> str:
        """What the expectation is called."""
        what = ", ".join([*([self.field] if self.field else []), *self.fields])
        of = " ".join(part for part in (self.provider, f"({self.rule})" if self.rule else "") if part)
        return f"integrator: {what}" + (f" of {of}" if of else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """
    A figure of the integrator's that must stay below a limit, or not grow by more than a limit.
    """

    method: str
    url: str
    field: str
    below: float | None = None
    growth: float | None = None
    """How much more it may be at the end than at the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """
    Everything that a run's verdict is made of.
    """

    messages: MessageGoals | None = None
    webhooks: WebhookGoals | None = None
    sends: SendGoals | None = None
    integrator: tuple[Ask, ...] = ()
    stays_below: tuple[Growth, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """
    Calls to the integrator's own API, which make it send.
    """

    method: str
    url: str
    at_ms: int = 0
    count: int = 1
    arrivals: Arrivals | None = None
    """When they are made; None: one after the other at the same instant."""
    recipients: tuple[str, ...] = ("+4179{n:07}",)
    """Who `{recipient}` is, in turn; `{n}` and `{n:07}` are the call's number."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    """JSON; `{n}` and `{recipient}` in its texts are replaced."""
    sends: bool = True
    """False: it does something else to the software, such as restarting it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardship:
    """
    The promise that a scenario tests, and what it takes to judge it.
    """

    promise: str
    judged_by: tuple[str, ...]
    providers: tuple[str, ...] = ()
    """Empty: all of them."""
    lures: tuple[str, ...] = ()
    """Rules that only a receiver meets which does wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """
    What a scenario file says: the scenario, how a run is driven, and what it is to show.
    """

    scenario: Scenario
    hardship: Hardship | None = None
    reset: tuple[str, str] | None = None
    """Method and URL of a call that makes the integrator forget what it has, before a run."""
    drive: tuple[Drive, ...] = ()
    expect: Expectations = field(default_factory=Expectations)
