"""
From a request to submissions, and from their outcomes to the answer.
"""

from __future__ import annotations

from typing import Final

import msgspec

from simulator.provider import Answer, Call, Message, Refused, Submission, Violation, normal_address
from simulator.providers.infobip.account import Account
from simulator.providers.infobip.bulk import Bulk
from simulator.providers.infobip.counting import count_parts, good_header
from simulator.providers.infobip.details import Details, is_number
from simulator.providers.infobip.render import json_answer, status_json
from simulator.providers.infobip.timing import SEND_AT_AHEAD_MS_MAX, Pacer, hold_until_ms
from simulator.providers.infobip.wire import Destination, Item, SendRequest, Tracking, bad_request

__all__ = ["send"]

_PARTS_MAX: Final = 25
_OCTETS_MAX: Final = 4_000
_SCHEDULED_STATUS: Final = 26
_NO_CREDIT, _DUPLICATE, _BAD_HEADER, _TOO_LONG = "12", "23", "24", "25"
_MISSING_TO, _INVALID_TO, _BAD_SOURCE = "51", "52", "11"


def send(call: Call, account: Account, request: SendRequest) -> Answer:
    """Submit everything a request asks for and return Infobip's answer; raises Refuse."""
    _check(call, account, request)
    bulk_id = _bulk_id(call, request)
    tracking = _tracking(call, request, bulk_id)
    outcomes = call.submit(_Builder(call, account, request, bulk_id, tracking).submissions())
    body: dict[str, object] = {}
    if bulk_id:
        body["bulkId"] = bulk_id
    if tracking is not None and tracking.track and request.generation == 1:
        body["trackingProcessKey"] = tracking.process_key
    body["messages"] = [_entry(account, outcome, request) for outcome in outcomes]
    _remember_bulk(call, account, request, bulk_id, outcomes)
    return json_answer(body)


# -- checks of the whole request ----------------------------------------------------------------


def _check(call: Call, account: Account, request: SendRequest) -> None:
    settings = account.settings
    gateway = call.gateway
    found: list[Violation] = []
    for number, (item, _) in enumerate(request.items):
        at_unix_ms = item.send_at_unix_ms
        if at_unix_ms is None:
            continue
        place = "options.schedule.sendAt" if request.generation == 3 else f"messages[{number}].sendAt"
        if at_unix_ms > gateway.unix_ms() + SEND_AT_AHEAD_MS_MAX:
            found.append(Violation(place, "must be at most 180 days ahead"))
        elif settings.past_send_at == "refuse" and at_unix_ms < gateway.unix_ms():
            found.append(Violation(place, "must not be in the past"))
    if settings.empty_text == "refuse":
        found += [
            Violation(f"messages[{number}].text", "must not be empty")
            for number, (item, _) in enumerate(request.items)
            if not item.text and item.binary is None
        ]
    if settings.destinations_max and request.destination_count > settings.destinations_max:
        found.append(Violation("messages", f"must not exceed {settings.destinations_max} destinations"))
    if found:
        refusal = bad_request(list(dict.fromkeys(found)))
        raise refusal.by_clock(gateway) if any("sendAt" in one.path for one in found) else refusal


def _bulk_id(call: Call, request: SendRequest) -> str:
    # v1 tells a bulkId only where it is of use; v2 and v3 always do.
    items = request.items
    if request.bulk_id or (
        request.generation == 1
        and len(items) == 1
        and len(items[0][1]) == 1
        and items[0][0].send_at_unix_ms is None
    ):
        return request.bulk_id
    gateway = call.gateway
    first = gateway.next_key(normal_address(items[0][1][0].to))
    return gateway.draws("bulk", *first).digits("id", 19)


def _tracking(call: Call, request: SendRequest, bulk_id: str) -> Tracking | None:
    """Return what the request says about tracking, with a process key if it brought none."""
    tracking = request.tracking
    if tracking is None or tracking.process_key:
        return tracking
    gateway = call.gateway
    first = gateway.next_key(normal_address(request.items[0][1][0].to))
    draws = gateway.draws("infobip", "tracking", bulk_id, *first)
    return msgspec.structs.replace(tracking, process_key=draws.hex("key").upper())


# -- submissions --------------------------------------------------------------------------------


class _Builder:
    """Makes the submissions of one request, with Infobip's own checks of each destination."""

    __slots__ = (
        "_account",
        "_bulk_id",
        "_credential",
        "_credit_micros",
        "_gateway",
        "_pacer",
        "_request",
        "_seen",
        "_status",
        "_tracking",
    )

    def __init__(
        self, call: Call, account: Account, request: SendRequest, bulk_id: str, tracking: Tracking | None
    ) -> None:
        self._account = account
        self._request = request
        self._bulk_id = bulk_id
        self._tracking = tracking
        self._gateway = call.gateway
        self._credential = call.credential_text
        self._credit_micros = account.balance_micros
        self._status = account.settings.send_status[f"v{request.generation}"]
        self._seen: set[str] = set()
        limit = request.speed_limit
        self._pacer = Pacer(limit, call.gateway) if limit is not None else None

    def submissions(self) -> list[Submission]:
        """Return one submission per destination, in order."""
        return [
            submission
            for item, destinations in self._request.items
            for submission in self._of_item(item, destinations)
        ]

    def _of_item(self, item: Item, destinations: list[Destination]) -> list[Submission]:
        gateway = self._gateway
        parts = count_parts(item)
        earliest_ms = hold_until_ms(item, gateway)
        scheduled = item.send_at_unix_ms is not None and earliest_ms > gateway.now_ms
        status = _SCHEDULED_STATUS if scheduled else self._status
        sender = item.sender or self._account.settings.default_sender
        unfit = self._unfit(item, parts, sender)
        text = item.text if item.binary is None else item.binary.octets.hex(" ")
        found = []
        for destination in destinations:
            recipient = normal_address(destination.to)
            refusal = self._refusal(destination, recipient, unfit, parts)
            at_ms = earliest_ms
            if self._pacer is not None and not refusal:
                at_ms = self._pacer.next(item, earliest_ms)
            found.append(
                Submission(
                    provider="infobip",
                    recipient=recipient,
                    sender=sender,
                    text=text,
                    credential=self._credential,
                    id=destination.id,
                    validity_ms=item.validity_ms,
                    hold_until_ms=at_ms if at_ms > gateway.now_ms else 0,
                    parts=parts,
                    refusal=refusal,
                    details=Details(
                        generation=self._request.generation,
                        to=recipient.removeprefix("+"),
                        item=item,
                        bulk_id=self._bulk_id,
                        accepted_status=status,
                        tracking=self._tracking,
                    ),
                )
            )
        return found

    def _unfit(self, item: Item, parts: int, sender: str) -> str:
        """Return the status with which every destination of a message is rejected, or an empty text."""
        if item.binary is not None and not good_header(item.binary):
            return _BAD_HEADER
        if parts > _PARTS_MAX or (item.binary is not None and len(item.binary.octets) > _OCTETS_MAX):
            return _TOO_LONG
        senders = self._account.settings.senders
        return _BAD_SOURCE if senders and sender not in senders else ""

    def _refusal(self, destination: Destination, recipient: str, unfit: str, parts: int) -> str:
        settings = self._account.settings
        if not destination.to.strip():
            return _MISSING_TO
        if settings.invalid_number == "answer" and not is_number(recipient):
            return _INVALID_TO
        if unfit:
            return unfit
        if destination.id and settings.duplicate_window_ms and self._repeated(destination.id):
            return _DUPLICATE
        cost_micros = self._account.cost_micros(parts)
        if cost_micros > self._credit_micros:
            return _NO_CREDIT
        self._credit_micros -= cost_micros
        return ""

    def _repeated(self, message_id: str) -> bool:
        if message_id in self._seen:
            return True
        self._seen.add(message_id)
        earlier = self._gateway.message(message_id)
        oldest_ms = self._gateway.now_ms - self._account.settings.duplicate_window_ms
        return earlier is not None and earlier.accepted_ms >= oldest_ms


# -- the answer ---------------------------------------------------------------------------------


def _entry(account: Account, outcome: Message | Refused, request: SendRequest) -> dict[str, object]:
    submission = outcome.submission
    details = submission.details
    assert isinstance(details, Details)
    generation = request.generation
    if isinstance(outcome, Refused):
        if outcome.code not in (_MISSING_TO, _INVALID_TO):
            account.log_refused(outcome)
        return _rejected_entry(outcome, details.to, generation)
    status = status_json(account.accepted_status(outcome))
    if generation == 3:
        entry: dict[str, object] = {"messageId": outcome.id, "status": status, "destination": details.to}
        # The count is not told of binary content, even on request.  Source: OpenAPI.
        if request.include_count and details.item.binary is None:
            entry["details"] = {"messageCount": submission.parts}
        return entry
    entry = {"to": details.to, "status": status}
    # The v1 example counts immediate messages, not scheduled ones; v2 counts on request.
    scheduled = submission.hold_until_ms > 0 and details.item.send_at_unix_ms is not None
    if request.include_count or (generation == 1 and not scheduled):
        entry["smsCount"] = submission.parts
    entry["messageId"] = outcome.id
    return entry


def _rejected_entry(refused: Refused, to: str, generation: int) -> dict[str, object]:
    # Which keys a rejected entry has differs by status.  Source: samples of real traffic.
    recipient_key = "destination" if generation == 3 else "to"
    status = {"status": status_json(int(refused.code))}
    if refused.code == _MISSING_TO:
        return dict(status)
    if refused.code == _INVALID_TO:
        return {recipient_key: to if to.isdigit() else refused.submission.recipient, **status}
    entry: dict[str, object] = {recipient_key: to, **status}
    if refused.code != "14" and generation == 1:
        entry["smsCount"] = refused.submission.parts
    entry["messageId"] = refused.id
    return entry


def _remember_bulk(
    call: Call, account: Account, request: SendRequest, bulk_id: str, outcomes: list[Message | Refused]
) -> None:
    if all(item.send_at_unix_ms is None for item, _ in request.items):
        return
    now_unix_ms = call.gateway.unix_ms()
    scheduled: list[tuple[Message, Item, int]] = []
    for outcome in outcomes:
        details = outcome.submission.details
        assert isinstance(details, Details)
        at_unix_ms = details.item.send_at_unix_ms
        if isinstance(outcome, Message) and at_unix_ms is not None and at_unix_ms > now_unix_ms:
            scheduled.append((outcome, details.item, at_unix_ms))
    if scheduled:
        _, item, at_unix_ms = scheduled[0]
        account.bulks.add(
            Bulk(
                id=bulk_id,
                item=item,
                send_at_unix_ms=at_unix_ms,
                keys=[message.key for message, _, _ in scheduled],
                speed_limit=request.speed_limit,
                alone=len(request.items) == 1,
            )
        )
