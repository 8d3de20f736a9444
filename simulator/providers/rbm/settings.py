"""
An RBM partner's settings: webhook, agents, and a choice wherever Google is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from simulator.provider import (
    Boolean,
    Choice,
    Delay,
    DelayShape,
    Duration,
    Either,
    Field,
    Integer,
    ListOf,
    MapOf,
    Record,
    RetrySchedule,
    Shape,
    Text,
    UniformDelay,
    WebhookPolicy,
    Word,
    changed_policy,
    webhook_fields,
)
from simulator.providers.rbm.wire import Intake

__all__ = [
    "FEATURES",
    "FEATURES_DEFAULT",
    "RETRY_DOCUMENTED",
    "SETTINGS",
    "AgentSettings",
    "Settings",
    "Target",
    "bare_id",
]

_DAY_MS: Final = 86_400_000
_CEILING_MS: Final = 600_000


def _waits() -> tuple[int, ...]:
    waits: list[int] = []
    waited_ms, wait_ms = 0, 1_000
    while waited_ms + wait_ms <= 7 * _DAY_MS:
        waits.append(wait_ms)
        waited_ms += wait_ms
        wait_ms = min(wait_ms * 2, _CEILING_MS)
    return tuple(waits)


RETRY_DOCUMENTED: Final = RetrySchedule(_waits(), jitter_bp=1_000)
"""
Waits that grow to 600 s, for 7 days.

Source: "Webhooks", mid-2026.  The first wait (1 s), the factor (2) and the
jitter (up to a tenth less) are chosen; none is documented.
"""

FEATURES_DEFAULT: Final = (
    "RICHCARD_STANDALONE",
    "RICHCARD_CAROUSEL",
    "ACTION_CREATE_CALENDAR_EVENT",
    "ACTION_DIAL",
    "ACTION_OPEN_URL",
    "ACTION_SHARE_LOCATION",
    "ACTION_VIEW_LOCATION",
    "ACTION_OPEN_URL_IN_WEBVIEW",
)
"""What a device can do of which nobody said anything: the features of the current reference."""

FEATURES: Final = (
    "FEATURE_UNSPECIFIED",
    "REVOCATION",
    *FEATURES_DEFAULT,
    "ACTION_COMPOSE",
    "PDF_IN_RICH_CARDS",
)
"""Every feature the discovery document knows; said again, for reading that takes longer than starting."""

USE_CASES: Final = {
    "otp": "AUTHENTICATION",
    "transactional": "TRANSACTION",
    "promotional": "PROMOTION",
    "multi-use": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """
    Where webhooks go, and the token that signs them.
    """

    url: str = ""
    client_token: str = "sim-client-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """
    What is known of an agent.
    """

    launched: bool = True
    use_case: str = ""
    region: str = "europe"
    webhook: Target | None = None
    dialogflow: bool = False
    display_name: str = ""
    brand: str = "brand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What can be said about a partner; each default is the documented behaviour or the chosen one.
    """

    credentials: tuple[str, ...] = ()
    webhook: Target = field(default_factory=Target)
    policy: WebhookPolicy = field(
        default_factory=lambda: WebhookPolicy(retry=RETRY_DOCUMENTED, acknowledged_to=200, pause_ms=100)
    )
    agents: Mapping[str, AgentSettings] = field(default_factory=dict)
    agent_id: str = "required"
    duplicates: str = "ignore"
    message_ids: str = "any"
    revoke: str = "documented"
    unknown_keys: str = "refuse"
    json: str = "lenient"
    card_suggestions_max: int = 4
    handshake: str = "lenient"
    inner_json: str = "indented"
    us_extras: str = "marked"
    taps: Mapping[str, str] = field(default_factory=lambda: {"reply": "message", "action": "event"})
    files: str = "any"
    scopes: str = "enforced"
    access_tokens: str = "lasting"
    features: tuple[str, ...] = FEATURES_DEFAULT
    deliver_after: Delay = UniformDelay(500, 3_000)  # noqa: RUF009 - frozen
    retention_ms: int = 30 * _DAY_MS
    propagation_ms: int = 0
    batch_get_per_minute: int = 600
    project_number: str = "123456789012"

    @property
    def intake(self) -> Intake:
        """How strict bodies are read."""
        return Intake(
            strict_json=self.json == "strict",
            ignore_unknown=self.unknown_keys == "ignore",
            card_suggestions_max=self.card_suggestions_max,
        )

    def changed(self, values: Mapping[str, object]) -> Settings:
        """Return these settings with what *values*, as SETTINGS read them, say."""
        plain = {name: value for name, value in values.items() if name != "webhook"}
        if isinstance(plain.get("taps"), Mapping):
            plain["taps"] = {**self.taps, **plain["taps"]}  # type: ignore[dict-item]
        said = values.get("webhook", {})
        assert isinstance(said, Mapping)
        policy = changed_policy(self.policy, said, RETRY_DOCUMENTED)
        target = replace(
            self.webhook, **{name: said[name] for name in ("url", "client_token") if name in said}
        )
        return replace(self, policy=policy, webhook=target, **plain)  # type: ignore[arg-type]


def bare_id(agent_id: str) -> str:
    """Return an agent's id without `@rbm.goog`; both forms are accepted."""
    return agent_id.removesuffix("@rbm.goog")


_TOKEN: Final = Field("client_token", Text(1, 500), "The token that signs webhooks, known to both sides.")

_AGENT: Final = Record(
    AgentSettings,
    [
        Field("launched", Boolean(), "Whether everybody may be reached, or testers alone."),
        Field("use_case", Choice({name: name for name in USE_CASES}), "What the agent is registered for."),
        Field("region", Text(1, 100), "The hosting region; told in launch events."),
        Field(
            "webhook",
            Record(Target, [Field("url", Text(1, 2_048), "Where its webhooks go.", required=True), _TOKEN]),
            "A webhook of its own, instead of the partner's.",
        ),
        Field("dialogflow", Boolean(), "Whether Dialogflow is enabled."),
        Field("display_name", Text(1, 100), "Told in launch events."),
        Field("brand", Text(1, 100), "The brand it belongs to."),
    ],
    doc="An agent of the partner.",
)


def _words(*words: str) -> Shape[str]:
    return Either[str](*(Word(word) for word in words))


_TAP: Final = _words("message", "event")

SETTINGS: Final[Shape[Mapping[str, object]]] = Record(
    dict,
    [
        Field(
            "credentials",
            ListOf(Text(1, 500)),
            "The only credentials accepted: bearer tokens, or e-mail addresses of service accounts. "
            "None listed: any.",
        ),
        Field("webhook", Record(dict, [*webhook_fields(), _TOKEN]), "The partner's webhook, for all agents."),
        Field(
            "agents",
            MapOf(_AGENT, Text(1, 200), max_items=10_000),
            "The agents there are, by id without @rbm.goog; none listed: any, and all are launched.",
        ),
        Field(
            "agent_id",
            _words("required", "single"),
            "A call without agentId: refuse it, or take the only agent there is.",
        ),
        Field("duplicates", _words("ignore", "refuse"), "A repeated id: the first answer again, or 409."),
        Field("message_ids", _words("any", "uuid"), "Which ids are accepted."),
        Field(
            "revoke",
            _words("documented", "always"),
            "Revoking what is not in the queue: 404, or 200 as before 2025.",
        ),
        Field("unknown_keys", _words("refuse", "ignore"), "Keys that no message has."),
        Field("json", _words("lenient", "strict"), "Single quotes and trailing commas: take or refuse them."),
        Field("card_suggestions_max", Integer(0, 100), "Most suggestions on a card: 4; older texts say 10."),
        Field(
            "handshake",
            _words("lenient", "strict"),
            "The answer to a webhook's verification: contain the secret, or be it.",
        ),
        Field("inner_json", _words("indented", "compact"), "How the data inside a webhook is written."),
        Field("us_extras", _words("marked", "never"), "Classification for +1 numbers with a US operator."),
        Field(
            "taps",
            Record(dict, [Field("reply", _TAP, "On a reply."), Field("action", _TAP, "On an action.")]),
            "How a tap is told: as a message with messageId and text, or as an event with eventId.",
        ),
        Field("files", _words("any", "uploaded"), "Which file names a message may use."),
        Field("scopes", _words("enforced", "ignored"), "Whether a token needs the scope of the API."),
        Field(
            "access_tokens",
            _words("lasting", "expiring"),
            "Whether tokens from /token end after their 3599 s, on the clock of the space.",
        ),
        Field(
            "features",
            ListOf(Choice({word: word for word in FEATURES})),
            "What a device can do of which nobody said anything.",
        ),
        Field("deliver_after", DelayShape(), "From sending to delivery when no rule says otherwise."),
        Field(
            "retention",
            Duration(),
            "How long a message without expiry is kept for a phone that is off.",
            argument="retention_ms",
        ),
        Field(
            "propagation",
            Duration(),
            "How long changes of agents and webhooks take to be in force everywhere.",
            argument="propagation_ms",
        ),
        Field("batch_get_per_minute", Integer(0, 1_000_000), "Calls to users:batchGet; 0: no limit."),
        Field("project_number", Text(1, 30), "Told in the attributes of webhooks."),
    ],
    doc="Settings of the RBM partner.",
)
