"""
From a request to submissions, and from their outcomes to the answer.
"""

from __future__ import annotations

from typing import Final

from simulator.kernel.message import Message, Refused
from simulator.kernel.recipient import normal_address
from simulator.kernel.simulation import Simulation
from simulator.kernel.sms import Language, Segmentation, autodetect, segment
from simulator.kernel.submission import Submission
from simulator.provider import Answer, Call
from simulator.providers.infobip.account import Account, Details, is_number
from simulator.providers.infobip.render import json_answer, status_json
from simulator.providers.infobip.text import Transliteration, transliterate
from simulator.providers.infobip.wire import BadRequest, Destination, Item, SendRequest, Window
from simulator.violations import Violation

__all__ = ["count_parts", "hold_until_ms", "send"]

_SEND_AT_AHEAD_MS_MAX: Final = 180 * 86_400_000
_PARTS_MAX: Final = 25
_DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000
_SCHEDULED_STATUS: Final = 26
_TOO_LONG, _DUPLICATE, _MISSING_TO, _INVALID_TO, _BAD_SOURCE = "25", "23", "51", "52", "11"
_NO_IDENTITY: Final = (_MISSING_TO, _INVALID_TO)


def count_parts(item: Item) -> Segmentation:
    """
    Return how a message is split: transliterated first, then by the language's table.

    With a language code only, Turkish and Portuguese use the locking table,
    Spanish has a single-shift table alone.  Source: the preview's documented values.
    """
    text = (
        transliterate(item.text, item.transliteration)
        if item.transliteration != Transliteration.NONE
        else item.text
    )
    language = autodetect(text) if item.language == "AUTODETECT" else None
    if language is None and item.language in Language.__members__:
        language = Language(item.language)
    if language is None:
        return segment(text)
    locking = item.locking_shift
    single = item.single_shift
    if locking is None and single is None:
        locking, single = language is not Language.ES, language is Language.ES
    return segment(
        text,
        # There is no Spanish locking table; asking for it gives the single-shift one.
        locking=language if locking and language is not Language.ES else None,
        single=language if single or (locking and language is Language.ES) else None,
    )


def hold_until_ms(item: Item, simulation: Simulation) -> int:
    """Return the offset at which a message may be sent: `sendAt`, then its delivery time window."""
    clock = simulation.clock
    at_ms = clock.now_ms
    if item.send_at_unix_ms is not None:
        at_ms = max(at_ms, item.send_at_unix_ms - clock.epoch_ms)
    if item.window is not None:
        at_ms = next_in_window(item.window, clock.unix_ms(at_ms)) - clock.epoch_ms
    return at_ms


def next_in_window(window: Window, unix_ms: int) -> int:
    """Return the first instant from *unix_ms* on that lies in the window; a window may span midnight."""
    midnight_ms = unix_ms - unix_ms % _DAY_MS
    length = (window.to_minute - window.from_minute) % 1_440 or 1_440
    # Yesterday's window may still be open, and the next listed day is at most a week away.
    for day in range(-1, 9):
        start_ms = midnight_ms + day * _DAY_MS + window.from_minute * _MINUTE_MS
        weekday = ((start_ms // _DAY_MS) + 3) % 7
        if weekday in window.days and unix_ms < start_ms + length * _MINUTE_MS:
            return max(unix_ms, start_ms)
    return unix_ms


def send(call: Call, account: Account, request: SendRequest) -> Answer:
    """Submit everything a request asks for and return Infobip's answer; raises BadRequest."""
    _check_dates(call, request)
    settings = account.settings
    count = request.destination_count
    if settings.destinations_max and count > settings.destinations_max:
        raise BadRequest([Violation("messages", f"must not exceed {settings.destinations_max} destinations")])
    bulk_id = _bulk_id(call, request, count)
    submissions, parts = _submissions(call, account, request, bulk_id)
    outcomes = call.submit(submissions)
    messages = [
        _entry(account, outcome, request, parts_of) for outcome, parts_of in zip(outcomes, parts, strict=True)
    ]
    body: dict[str, object] = {}
    if bulk_id:
        body["bulkId"] = bulk_id
    if request.track and request.generation == 1:
        draws = call.gateway.simulation.chance.of("infobip", "tracking", bulk_id, *outcomes[0].key)
        body["trackingProcessKey"] = draws.hex("key").upper()
    body["messages"] = messages
    return json_answer(body)


def _check_dates(call: Call, request: SendRequest) -> None:
    latest = call.gateway.simulation.clock.unix_ms() + _SEND_AT_AHEAD_MS_MAX
    found = [
        Violation(
            "options.schedule.sendAt" if request.generation == 3 else f"messages[{number}].sendAt",
            "must be at most 180 days ahead",
        )
        for number, (item, _) in enumerate(request.items)
        if item.send_at_unix_ms is not None and item.send_at_unix_ms > latest
    ]
    if found:
        raise BadRequest(found[:1] if request.generation == 3 else found)


def _bulk_id(call: Call, request: SendRequest, count: int) -> str:
    scheduled = any(item.send_at_unix_ms is not None for item, _ in request.items)
    # v1 tells a bulkId only where it is of use; v2 and v3 always do.
    if request.bulk_id or (request.generation == 1 and count < 2 and not scheduled):
        return request.bulk_id
    simulation = call.gateway.simulation
    recipient = normal_address(request.items[0][1][0].to)
    return simulation.chance.of("bulk", *simulation.next_key("infobip", recipient)).digits("id", 19)


def _submissions(
    call: Call, account: Account, request: SendRequest, bulk_id: str
) -> tuple[list[Submission], list[int]]:
    simulation = call.gateway.simulation
    settings = account.settings
    credential = call.credential.text if call.credential else ""
    status = settings.send_status[f"v{request.generation}"]
    seen: set[str] = set()
    submissions: list[Submission] = []
    parts: list[int] = []
    now_ms = simulation.clock.now_ms
    for item, destinations in request.items:
        count = count_parts(item).parts
        hold_ms = hold_until_ms(item, simulation)
        scheduled = item.send_at_unix_ms is not None and hold_ms > now_ms
        sender = item.sender or settings.default_sender
        for destination in destinations:
            recipient = normal_address(destination.to)
            refusal = _refusal(account, simulation, destination, recipient, sender, count, seen)
            submissions.append(
                Submission(
                    provider="infobip",
                    recipient=recipient,
                    sender=sender,
                    text=item.text,
                    credential=credential,
                    id=destination.id,
                    validity_ms=item.validity_ms,
                    hold_until_ms=hold_ms if hold_ms > now_ms else 0,
                    parts=count,
                    refusal=refusal,
                    details=Details(
                        generation=request.generation,
                        to=recipient.removeprefix("+"),
                        item=item,
                        bulk_id=bulk_id,
                        accepted_status=_SCHEDULED_STATUS if scheduled else status,
                    ),
                )
            )
            parts.append(count)
    return submissions, parts


def _refusal(
    account: Account,
    simulation: Simulation,
    destination: Destination,
    recipient: str,
    sender: str,
    parts: int,
    seen: set[str],
) -> str:
    """Return the status with which Infobip's own checks reject a destination, or an empty text."""
    settings = account.settings
    if not destination.to.strip():
        return _MISSING_TO
    if settings.invalid_number == "answer" and not is_number(recipient):
        return _INVALID_TO
    if parts > _PARTS_MAX:
        return _TOO_LONG
    if settings.senders and sender not in settings.senders:
        return _BAD_SOURCE
    if destination.id and settings.duplicate_window_ms:
        earlier = simulation.message("infobip", destination.id)
        oldest_ms = simulation.clock.now_ms - settings.duplicate_window_ms
        if destination.id in seen or (earlier is not None and earlier.accepted_ms >= oldest_ms):
            return _DUPLICATE
        seen.add(destination.id)
    return ""


def _entry(
    account: Account, outcome: Message | Refused, request: SendRequest, parts: int
) -> dict[str, object]:
    details = outcome.submission.details
    to = details.to if isinstance(details, Details) else ""
    generation = request.generation
    recipient_key = "destination" if generation == 3 else "to"
    if isinstance(outcome, Refused):
        return _rejected_entry(outcome, recipient_key, to, generation, parts)
    status_id = account.accepted_status(outcome)
    scheduled = outcome.submission.hold_until_ms > 0 and details_scheduled(outcome)
    if generation == 3:
        entry: dict[str, object] = {
            "messageId": outcome.id,
            "status": status_json(status_id),
            "destination": to,
        }
        if request.include_count:
            entry["details"] = {"messageCount": parts}
        return entry
    entry = {"to": to, "status": status_json(status_id)}
    # The v1 example counts immediate messages, not scheduled ones; v2 counts on request.
    if request.include_count or (generation == 1 and not scheduled):
        entry["smsCount"] = parts
    entry["messageId"] = outcome.id
    return entry


def details_scheduled(message: Message) -> bool:
    """Return True when the client asked for a later sending (`sendAt`), not merely for a time window."""
    details = message.submission.details
    return isinstance(details, Details) and details.item.send_at_unix_ms is not None


def _rejected_entry(
    refused: Refused, recipient_key: str, to: str, generation: int, parts: int
) -> dict[str, object]:
    # Which keys a rejected entry has differs by status.  Source: samples of real traffic.
    status = {"status": status_json(int(refused.code))}
    if refused.code == _MISSING_TO:
        return dict(status)
    if refused.code == _INVALID_TO:
        return {recipient_key: refused.submission.recipient, **status}
    entry: dict[str, object] = {recipient_key: to, **status}
    if refused.code != "14" and generation == 1:
        entry["smsCount"] = parts
    entry["messageId"] = refused.id
    return entry
