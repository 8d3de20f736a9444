"""
What the integrator is owed: reports for an agent's webhook or the partner's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from simulator.provider import Gateway, Message, MessageKey, Report, Submission
from simulator.providers.rbm.agents import Agents
from simulator.providers.rbm.envelope import Payload, agent_address
from simulator.providers.rbm.instants import format_instant
from simulator.providers.rbm.settings import Settings

__all__ = ["Details", "Reporter", "details_of", "uuid_of"]


_US_COUNTRY_CODES: Final = frozenset({"310", "311", "312", "313", "314", "316"})


class Details(Struct, frozen=True, gc=False):
    """
    What RBM remembers of a submission beyond what the kernel does.
    """

    agent: str
    resource: dict[str, Any]
    """The message or event as it was answered."""
    expires: bool = False
    """Whether the client set ttl or expireTime; only then an expiry is told."""


def details_of(submission: Submission) -> Details:
    """Return what RBM remembers of a submission of its own."""
    details = submission.details
    if not isinstance(details, Details):
        raise TypeError(f"expected a submission of RBM, got one with {type(details).__name__}")
    return details


def uuid_of(digits: str) -> str:
    """Return 32 hexadecimal digits as a UUID of version 4."""
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


class Reporter:
    """
    Makes the reports of one space, as settings and agents say.
    """

    __slots__ = ("_reports_made", "agents", "gateway", "settings")

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.settings = Settings()
        self.agents = Agents()
        self._reports_made = 0

    def report(
        self,
        *,
        agent: str,
        recipient: str,
        kind: str,
        word: str,
        unique: str,
        data: Mapping[str, object],
        key: MessageKey | None = None,
    ) -> Sequence[Report]:
        """Return one report for the agent's webhook or the partner's; nothing when there is neither."""
        gateway, settings = self.gateway, self.settings
        own = self.agents.find(agent)
        target = (own.webhook.at(gateway.now_ms) if own is not None else None) or settings.target
        if not target.url:
            return ()
        if key is None:
            self._reports_made += 1
        payload = Payload(
            kind=kind,
            agent=agent,
            word=word,
            data=data,
            client_token=target.client_token,
            pubsub_id=gateway.draws("rbm", "pubsub", unique).digits("id", 16),
            publish_time=self.now_text(),
            project_number=settings.project_number,
            indented=settings.inner_json == "indented",
        )
        return (
            Report(
                provider=gateway.provider,
                recipient=recipient,
                label=word,
                target=target.url,
                at_ms=gateway.now_ms,
                key=key,
                rank=0 if key is not None else self._reports_made,
                payload=payload,
            ),
        )

    def us_carrier(self, phone: str) -> str:
        """Return the operator of a +1 number that is marked as a US one, or an empty text."""
        if self.settings.us_extras == "never" or not phone.startswith("+1"):
            return ""
        operator = self.gateway.circumstances(phone).operator or ""
        return operator if operator[:3] in _US_COUNTRY_CODES else ""

    def user_event(self, message: Message, word: str) -> Sequence[Report]:
        """Return the report that a recipient's device sends about a message."""
        return self._event(message, word, "event", "senderPhoneNumber")

    def server_event(self, message: Message, word: str) -> Sequence[Report]:
        """Return the report that the platform itself sends about a message."""
        return self._event(message, word, "server", "phoneNumber")

    def _event(self, message: Message, word: str, kind: str, phone_name: str) -> Sequence[Report]:
        agent, phone = details_of(message.submission).agent, message.key.recipient
        event_id = uuid_of(self.gateway.draws(*message.key).hex(f"event.{word}"))
        data = {
            phone_name: phone,
            "eventType": word,
            "eventId": event_id,
            "messageId": message.id,
            "sendTime": self.now_text(),
            "agentId": agent_address(agent),
        }
        return self.report(
            agent=agent, recipient=phone, kind=kind, word=word, unique=event_id, data=data, key=message.key
        )

    def now_text(self) -> str:
        """Return the space's time as Google writes it."""
        return format_instant(self.gateway.unix_ms())
