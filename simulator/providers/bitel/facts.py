"""
What can be told of a message or call at one instant.
"""

from __future__ import annotations

from simulator.provider import Gateway, Message
from simulator.providers.bitel.codes import SMS_STATUSES
from simulator.providers.bitel.details import CallDetails, call_details, is_call, sms_details
from simulator.providers.bitel.outcomes import NEVER_SENT, call_status, sms_status
from simulator.providers.bitel.render import CallFacts, SmsFacts
from simulator.providers.bitel.settings import Settings

__all__ = ["call_facts", "concluded_facts", "sms_facts"]


def concluded_facts(gateway: Gateway, settings: Settings, message: Message) -> SmsFacts | CallFacts:
    """Return a message or call as it ends at this instant, without any lag and with what that costs."""
    if is_call(message.submission):
        return call_facts(gateway, settings, message, concluded=True)
    return sms_facts(gateway, settings, message, concluded=True)


def sms_facts(gateway: Gateway, settings: Settings, message: Message, *, concluded: bool = False) -> SmsFacts:
    """Return what can be told of a short message now; *concluded*: as it ends at this instant."""
    details = sms_details(message)
    status = sms_status(message)
    if concluded:
        price_milli = details.price_milli if status.name in settings.charged else 0
    else:
        lags = status.final and _lags(gateway, settings, message)
        price_milli = 0 if lags else max(0, details.charged_milli)
        if lags:
            status = SMS_STATUSES["WAITING" if status.name in NEVER_SENT else "CHECK_OK"]
    return SmsFacts(
        id=message.id,
        gateway=message.submission.sender,
        to=details.to,
        text=message.submission.text,
        requested_s=gateway.unix_ms(message.accepted_ms) // 1_000,
        status=status.name,
        status_text=settings.status_texts.get(status.name, status.text),
        parts=message.submission.parts,
        price_milli=price_milli,
        batch_id=details.batch_id,
    )


def call_facts(
    gateway: Gateway, settings: Settings, message: Message, *, concluded: bool = False
) -> CallFacts:
    """Return what can be told of a call now; *concluded*: as it ends at this instant."""
    details = call_details(message)
    status = call_status(message)
    waiting = not status.final or (not concluded and _lags(gateway, settings, message))
    executed_ms, bill_s = (-1, 0) if waiting else _executed(message, details, status.name)
    if concluded:
        price_milli = -(-bill_s // 60) * settings.price_per_minute_milli
    else:
        price_milli = 0 if waiting else max(0, details.charged_milli)
    return CallFacts(
        id=message.id,
        to=details.to,
        status="WAITING" if waiting else status.name,
        bill_s=bill_s,
        requested_s=gateway.unix_ms(message.accepted_ms) // 1_000,
        executed_s=0 if executed_ms < 0 else gateway.unix_ms(executed_ms) // 1_000,
        price_milli=price_milli,
        campaign_id=details.batch_id,
        transaction_id=gateway.draws(*message.key).hex("call.transaction"),
    )


def _executed(message: Message, details: CallDetails, status: str) -> tuple[int, int]:
    """Return when a concluded call was executed, and how many seconds it is billed for."""
    executed_ms = message.changed_ms if details.executed_ms < 0 else details.executed_ms
    if status != "NORMAL":
        return executed_ms, 0
    # A phone that comes back when the call was to be over already hears a second of it.
    return executed_ms, max(1, -(-(message.changed_ms - executed_ms) // 1_000))


def _lags(gateway: Gateway, settings: Settings, message: Message) -> bool:
    return gateway.now_ms < message.changed_ms + settings.status_lag_ms
