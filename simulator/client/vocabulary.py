"""
The words of a scenario as types: an editor completes them, and a type checker catches a typo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Required, TypeAlias, TypedDict

__all__ = [
    "Answer",
    "ClockModeName",
    "Complaint",
    "Fate",
    "MessageState",
    "MoveName",
    "Operation",
    "OtherProvider",
    "ProviderName",
    "ReasonName",
    "Then",
    "WebhookFaults",
    "WebhookStateName",
    "When",
]


class OtherProvider(str):
    """
    The name of a provider that is installed beside those that come along: `OtherProvider("acme")`.
    """

    __slots__ = ()


ProviderName: TypeAlias = Literal["bip", "bitel", "infobip", "rbm"] | OtherProvider
MessageState: TypeAlias = Literal[
    "scheduled", "accepted", "sent", "waiting", "delivered", "read", "failed", "expired", "revoked"
]
WebhookStateName: TypeAlias = Literal["scheduled", "held", "in flight", "acknowledged", "lost", "dropped"]
MoveName: TypeAlias = Literal["deliver", "read", "fail", "expire", "revoke"]
ReasonName: TypeAlias = Literal[
    "absent", "blocked", "blacklisted", "unknown", "validity", "incapable", "canceled"
]
ClockModeName: TypeAlias = Literal["frozen", "live", "autojump"]
Complaint: TypeAlias = Literal["webhooks", "routes", "credentials", "rules"]
"""What a strict test may be held against: see `Simulator.complaints`."""
Operation: TypeAlias = Literal[
    "balance", "batch-get", "bulks", "call", "call status", "capabilities", "contacts", "conversion",
    "dialogflow", "discovery", "event", "file", "inbound", "inbox", "integration", "logs", "preview",
    "reports", "revoke", "send", "status", "tester", "token", "upload",
]  # fmt: skip


class TextMatch(TypedDict, total=False):
    """
    What a text contains, equals or matches.
    """

    contains: str
    equals: str
    matches: str


class When(TypedDict, total=False):
    """
    The conditions of a rule; all of them must hold.
    """

    provider: ProviderName
    operation: Operation
    recipient: str | Sequence[str]
    """An address, a prefix (`+4179*`), or several."""
    sender: str
    text: str | TextMatch
    credential: str
    nth: int | str
    """Which submission to the same recipient: 1, "2..5", "3..", "every 10"."""
    share: str
    """For this share of submissions, drawn by the seed: "15%"."""
    during: str
    """"10m..12m", "1h..", from the start of the scenario."""


class Throttle(TypedDict, total=False):
    """
    A rate above which calls are refused.
    """

    rate: Required[str]
    burst: int


class Answer(TypedDict, total=False):
    """
    What a rule does to the answer of a call.
    """

    refuse: str | int | Mapping[str, object]
    """The provider's code; `when` is to name the provider."""
    gateway: Literal[502, 503, 504]
    throttle: Throttle
    stall: str
    drop: Literal["before", "after"]
    truncate: bool
    garble: bool
    drip: str
    after_work: bool


class Reading(TypedDict, total=False):
    """
    When a delivered message is read, and how many are.
    """

    after: str
    share: str


class Reply(TypedDict, total=False):
    """
    What the recipient answers.
    """

    text: str
    does: str
    data: object
    after: str


class Delivery(TypedDict, total=False):
    """
    When a message is delivered, and what its recipient does then.
    """

    after: str
    read: Reading
    reply: Reply


class Failure(TypedDict, total=False):
    """
    How a message fails: for a reason, or with the words of the provider that `when` names.
    """

    reason: ReasonName
    after: str
    status: str | int
    error: str | int
    outcome: str
    call: str


class Expiry(TypedDict, total=False):
    """
    When a message expires.
    """

    after: str


class FateOf(TypedDict, total=False):
    """
    What becomes of a message; one of these.
    """

    deliver: Delivery
    read: Reading
    fail: Failure
    expire: Expiry


Fate: TypeAlias = Literal["deliver", "expire", "fail", "silence"] | FateOf


class Duplicate(TypedDict, total=False):
    """
    How webhooks come again.
    """

    share: str
    within: str
    times: int
    ids: Literal["same", "new"]


class Reorder(TypedDict, total=False):
    """
    How webhooks overtake each other.
    """

    share: str
    within: str


class Drop(TypedDict, total=False):
    """
    How many webhooks are never sent.
    """

    share: str


class Contradict(TypedDict, total=False):
    """
    When the opposite of the truth is told.
    """

    share: str
    after: str


class Damage(TypedDict, total=False):
    """
    Which webhooks, and how many of their attempts.
    """

    share: str
    attempts: int


class MisSign(TypedDict, total=False):
    """
    Which webhooks are signed wrongly, or not at all.
    """

    share: str
    attempts: int
    how: Literal["wrong", "missing"]


class Slow(TypedDict, total=False):
    """
    Which webhooks come bit by bit, over how long in real time.
    """

    share: str
    attempts: int
    over: Required[str]


class WebhookFaults(TypedDict, total=False):
    """
    What a rule does to webhooks; a share alone (`"10%"`) stands for a mapping with it.
    """

    delay: str
    duplicate: bool | str | Duplicate
    reorder: bool | str | Reorder
    drop: bool | str | Drop
    contradict: bool | str | Contradict
    truncate: bool | str | Damage
    corrupt: bool | str | Damage
    content_type: bool | str | Damage
    respell: bool | str | Damage
    mis_sign: bool | str | MisSign
    slow: Slow
    early: bool
    during: str


class Then(TypedDict, total=False):
    """
    What a rule does, in up to three places.
    """

    answer: Answer
    fate: Fate
    webhooks: WebhookFaults
