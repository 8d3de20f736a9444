"""
An RBM partner's settings: webhook, agents, and a choice wherever Google is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    Mapped,
    Record,
    RetrySchedule,
    Shape,
    Text,
    WebhookSettings,
    Word,
    changed,
    group,
    setting,
    setting_without_default,
    settings_shape,
)
from simulator.providers.rbm.wire import Intake

__all__ = [
    "FEATURES",
    "FEATURES_DEFAULT",
    "NUMBER_REGIONS",
    "REGIONS",
    "RETRY_DOCUMENTED",
    "SETTINGS",
    "AgentSettings",
    "Settings",
    "Target",
    "bare_id",
]

_DAY_MS: Final = 86_400_000
_CEILING_MS: Final = 600_000
_JITTER_BP: Final = 1_000
_RETRIED_MS: Final = 7 * _DAY_MS


def _waits() -> tuple[int, ...]:
    """Return so many waits that they last for the whole time, even if each is as short as it may be."""
    waits: list[int] = []
    waited_ms, wait_ms = 0, 1_000
    while waited_ms < _RETRIED_MS:
        waits.append(wait_ms)
        waited_ms += wait_ms * (10_000 - _JITTER_BP) // 10_000
        wait_ms = min(wait_ms * 2, _CEILING_MS)
    return tuple(waits)


RETRY_DOCUMENTED: Final = RetrySchedule(_waits(), jitter_bp=_JITTER_BP, within_ms=_RETRIED_MS)
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

REGIONS: Final = ("us", "europe", "asia")
"""The regions that have an endpoint of their own."""

NUMBER_REGIONS: Final = {
    **dict.fromkeys(("+1", "+5"), "us"),
    **dict.fromkeys(("+2", "+3", "+4", "+7"), "europe"),
    **dict.fromkeys(("+6", "+8", "+9"), "asia"),
}
"""Where numbers are; chosen, since which country belongs to which endpoint is not documented."""

USE_CASES: Final = {
    "OTP": "AUTHENTICATION",
    "TRANSACTIONAL": "TRANSACTION",
    "PROMOTIONAL": "PROMOTION",
    "MULTI_USE": "",
}


def _words(*words: str) -> Shape[str]:
    return Either[str](*(Word(word) for word in words))


_TOKEN: Final = Text(1, 500)
_TOKEN_DOC: Final = "The token that signs webhooks, known to both sides; sim-client-token, if not given."
_TOKEN_DEFAULT: Final = "sim-client-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """
    Where webhooks go, and the token that signs them.
    """

    url: str
    client_token: str = _TOKEN_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """
    What the partner's webhooks are signed with.
    """

    client_token: str = setting(_TOKEN, _TOKEN_DEFAULT, _TOKEN_DOC, secret=True)


_WEBHOOK: Final[Shape[Target]] = Record(
    Target,
    [
        Field("url", Text(1, 2_048), "Where its webhooks go.", required=True),
        Field("client_token", _TOKEN, _TOKEN_DOC),
    ],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """
    What is known of an agent.
    """

    launched: bool = setting(Boolean(), True, "Whether everybody may be reached, or testers alone.")
    use_case: str | None = setting_without_default(
        Choice({name: name for name in USE_CASES}), None, "What the agent is registered for."
    )
    region: str = setting(Text(1, 100), "europe", "The hosting region; told in launch events.")
    webhook: Target | None = setting_without_default(
        _WEBHOOK, None, "A webhook of its own, instead of the partner's."
    )
    dialogflow: bool = setting(Boolean(), False, "Whether Dialogflow is enabled.")
    display_name: str = setting(Text(0, 100), "", "Told in launch events; the agent's id, if not given.")
    brand: str = setting(Text(1, 100), "brand", "The brand it belongs to.")


_AGENT: Final[Shape[AgentSettings]] = Mapped(
    settings_shape(AgentSettings, "An agent of the partner."), lambda values: changed(AgentSettings(), values)
)
_TAP: Final = _words("message", "event")
_TAPS: Final[Shape[Mapping[str, str]]] = Record(
    dict, [Field("reply", _TAP, "On a reply."), Field("action", _TAP, "On an action.")]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What can be said about a partner; each default is the documented behaviour or the chosen one.
    """

    credentials: tuple[str, ...] = setting(
        ListOf(Text(1, 500)),
        [],
        "The only credentials accepted: bearer tokens, or e-mail addresses of service accounts. "
        "None listed: any.",
        secret=True,
    )
    webhook: WebhookSettings = group(
        WebhookSettings,
        "The partner's webhook, for all agents.",
        {"acknowledged": "200", "pause_on_failure": "100ms"},
    )
    signing: Signing = group(Signing, "What webhooks are signed with.", name="webhook")
    agents: Mapping[str, AgentSettings] = setting(
        MapOf(_AGENT, Text(1, 200), max_items=10_000),
        {},
        "The agents there are, by id without @rbm.goog; none listed: any, and all are launched.",
    )
    agent_id: str = setting(
        _words("required", "single"),
        "required",
        "A call without agentId: refuse it, or take the only agent there is.",
    )
    duplicates: str = setting(
        _words("ignore", "refuse"), "ignore", "A repeated id: the first answer again, or 409."
    )
    message_ids: str = setting(_words("any", "uuid"), "any", "Which ids are accepted.")
    revoke: str = setting(
        _words("documented", "always"),
        "documented",
        "Revoking what is not in the queue: 404, or 200 as before 2025.",
    )
    unknown_fields: str = setting(
        _words("refuse", "warn", "ignore"),
        "refuse",
        "Keys that no message has and query parameters that no method has: refuse them, take them and say so "
        "in a header and the journal, or take them.",
    )
    unknown_paths: str = setting(
        _words("html", "json"),
        "html",
        "What unknown paths and wrong methods are answered: a page, as Google's front end does, or an error.",
    )
    json: str = setting(
        _words("lenient", "strict"), "lenient", "Single quotes and trailing commas: take or refuse them."
    )
    card_suggestions_max: int = setting(
        Integer(0, 100), 4, "Most suggestions on a card: 4; older texts say 10."
    )
    handshake: str = setting(
        _words("lenient", "strict"),
        "lenient",
        "The answer to a webhook's verification: contain the secret, or be it.",
    )
    inner_json: str = setting(
        _words("indented", "compact"), "indented", "How the data inside a webhook is written."
    )
    us_extras: str = setting(
        _words("marked", "never"), "marked", "Classification for +1 numbers with a US operator."
    )
    taps: Mapping[str, str] = setting(
        _TAPS,
        {"reply": "message", "action": "event"},
        "How a tap is told: as a message with messageId and text, or as an event with eventId.",
        merges=True,
    )
    files: str = setting(_words("any", "uploaded"), "any", "Which file names a message may use.")
    scopes: str = setting(
        _words("enforced", "ignored"), "enforced", "Whether a token needs the scope of the API."
    )
    access_tokens: str = setting(
        _words("lasting", "expiring"),
        "lasting",
        "Whether tokens from /token end after their 3599 s, on the clock of the space.",
    )
    features: tuple[str, ...] = setting(
        ListOf(Choice({word: word for word in FEATURES})),
        list(FEATURES_DEFAULT),
        "What a device can do of which nobody said anything.",
    )
    deliver_after: Delay = setting(
        DelayShape(), "500ms..3s", "From sending to delivery when no rule says otherwise."
    )
    retention_ms: int = setting(
        Duration(),
        "30d",
        "How long a message without expiry is kept for a phone that is off.",
        name="retention",
    )
    propagation_ms: int = setting(
        Duration(),
        "0s",
        "How long changes of agents and webhooks take to be in force everywhere.",
        name="propagation",
    )
    assertion_times: str = setting(
        _words("checked", "ignored"),
        "checked",
        "Whether /token refuses assertions that are past or not yet valid by the clock of the space. One "
        "that is a day or more away comes from another clock, and is not judged.",
    )
    assertion_skew_ms: int = setting(
        Duration(),
        "5m",
        "How far in the future an assertion may begin.",
        name="assertion_skew",
    )
    number_regions: Mapping[str, str] = setting(
        MapOf(Choice({name: name for name in REGIONS}), Text(2, 16, pattern=r"\+[0-9]+")),
        {**NUMBER_REGIONS},
        "In which region numbers are, by how they begin, the longest first: users:batchGet takes those of "
        "one region only. Empty: it takes all.",
    )
    batch_get_zeros: str = setting(
        _words("shown", "omitted"),
        "shown",
        "Empty lists and zeros in the answer of users:batchGet: there, or left out as defaults.",
    )
    batch_get_per_minute: int = setting(Integer(0, 1_000_000), 600, "Calls to users:batchGet; 0: no limit.")
    project_number: str = setting(Text(1, 30), "123456789012", "Told in the attributes of webhooks.")

    @property
    def target(self) -> Target:
        """Where the partner's webhooks go."""
        return Target(url=self.webhook.url, client_token=self.signing.client_token)

    @property
    def intake(self) -> Intake:
        """How strict bodies are read."""
        return Intake(
            strict_json=self.json == "strict",
            unknown=self.unknown_fields,
            card_suggestions_max=self.card_suggestions_max,
        )


def bare_id(agent_id: str) -> str:
    """Return an agent's id without `@rbm.goog`; both forms are accepted."""
    return agent_id.removesuffix("@rbm.goog")


SETTINGS: Final = settings_shape(Settings, "Settings of the RBM partner.")
