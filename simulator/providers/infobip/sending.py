"""
From a request to submissions, and from their outcomes to the answer.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from simulator.provider import (
    SLICE,
    Answer,
    Call,
    InTurns,
    Message,
    Refused,
    Submission,
    Violation,
    normal_address,
)
from simulator.providers.infobip.account import Account
from simulator.providers.infobip.bulk import Bulk
from simulator.providers.infobip.counting import count_parts
from simulator.providers.infobip.dates import clock_words
from simulator.providers.infobip.details import Details, details_of, shared_details, to_of
from simulator.providers.infobip.rejecting import INVALID_TO, MISSING_TO, TOO_LONG, DestinationChecks
from simulator.providers.infobip.render import json_answer, rejected_json, status_json
from simulator.providers.infobip.timing import SEND_AT_AHEAD_MS_MAX, Pacer, hold_until_ms
from simulator.providers.infobip.wire import Destination, Envelope, Item, SendRequest, Tracking, bad_request

__all__ = ["long_parts", "send"]

_SCHEDULED_STATUS: Final = 26
_LONG: Final = 10_000
_ENTRIES: Final = 10
"""So many entries of an answer are one piece."""
_KEPT_MAX: Final = 5_000
"""So much is kept of what is too long to be sent, in characters or octets."""
_CALLABLE: Final = re.compile(r"https?://[^\s/?#]+\S*")


def long_parts(request: SendRequest) -> Mapping[int, int]:
    """Return the number of parts of those messages of which counting takes long, by their place."""
    return {
        place: count_parts(envelope.item, envelope.text)
        for place, envelope in enumerate(request.envelopes)
        if len(envelope.text) > _LONG
    }


def send(
    call: Call, account: Account, request: SendRequest, parts: Mapping[int, int]
) -> Answer | Awaitable[Answer]:
    """
    Submit everything a request asks for and return Infobip's answer; raises Refuse.

    *parts* are those that `long_parts` has counted.
    """
    return call.in_turns(_steps(call, account, request, parts))


def _steps(call: Call, account: Account, request: SendRequest, parts: Mapping[int, int]) -> InTurns[Answer]:
    _check(call, account, request)
    bulk_id = _bulk_id(call, request)
    tracking = _tracking(call, request, bulk_id)
    submissions = yield from _Builder(call, account, request, bulk_id, tracking).building(parts)
    outcomes = yield from call.submitting(submissions)
    body: dict[str, object] = {}
    if bulk_id:
        body["bulkId"] = bulk_id
    older = request.generation == 1 and account.settings.accepted_form == "older"
    if tracking is not None and tracking.track and request.generation == 1 and not older:
        body["trackingProcessKey"] = tracking.process_key
    entries: list[object] = []
    body["messages"] = entries
    for number, outcome in enumerate(outcomes, 1):
        entries.append(_entry(account, outcome, request))
        if number % _ENTRIES == 0:
            yield
    if request.scheduled:
        _remember_bulk(call, account, request, bulk_id, outcomes)
    if notes := _notes(request, call.gateway.why_not):
        call.note(notes)
    return json_answer(body)


def _notes(request: SendRequest, why_not: Callable[[str], str]) -> str:
    """Return what is odd about a request that is good all the same: reports that will go nowhere."""
    reasons: dict[str, None] = {}
    last = ""
    for envelope in request.envelopes:
        url = envelope.item.notify_url
        if url and url != last:
            last = url
            if reason := _uncallable(url) or why_not(url):
                reasons[reason] = None
    return "; ".join(f"reports will be lost: {reason}" for reason in reasons) if reasons else ""


@lru_cache(maxsize=1_024)
def _uncallable(url: str) -> str:
    """Return why nobody could call *url*; empty: somebody could."""
    if _CALLABLE.fullmatch(url):
        return ""
    # One that may hold a password is not quoted.
    shown = "notifyUrl" if {"@", "="} & set(url) else repr(url[:200])
    return f"{shown} is not a URL that can be called"


# -- checks of the whole request ----------------------------------------------------------------


def _check(call: Call, account: Account, request: SendRequest) -> None:
    settings = account.settings
    gateway = call.gateway
    wrong: list[Violation] = []
    for number, envelope in enumerate(request.envelopes):
        at_unix_ms = envelope.item.send_at_unix_ms
        if at_unix_ms is None:
            continue
        place = "options.schedule.sendAt" if request.generation == 3 else f"messages[{number}].sendAt"
        if at_unix_ms > gateway.unix_ms() + SEND_AT_AHEAD_MS_MAX:
            wrong.append(Violation(place, "must be at most 180 days ahead"))
        elif settings.past_send_at == "refuse" and at_unix_ms < gateway.unix_ms():
            wrong.append(Violation(place, "must not be in the past"))
    if settings.empty_text == "refuse":
        wrong += [
            Violation(f"messages[{number}].text", "must not be empty")
            for number, envelope in enumerate(request.envelopes)
            if not envelope.text and envelope.item.binary is None
        ]
    if settings.destinations_max and request.destination_count > settings.destinations_max:
        wrong.append(Violation("messages", f"must not exceed {settings.destinations_max} destinations"))
    if wrong:
        why = clock_words(gateway.unix_ms()) if any("sendAt" in place for place, _ in wrong) else ""
        raise bad_request(list(dict.fromkeys(wrong)), why)


def _bulk_id(call: Call, request: SendRequest) -> str:
    # v1 tells a bulkId only where it is of use; v2 and v3 always do.
    envelopes = request.envelopes
    if request.bulk_id or (
        request.generation == 1
        and len(envelopes) == 1
        and len(envelopes[0].destinations) == 1
        and envelopes[0].item.send_at_unix_ms is None
    ):
        return request.bulk_id
    gateway = call.gateway
    first = gateway.next_key(normal_address(envelopes[0].destinations[0].to))
    return gateway.draws("bulk", *first).digits("id", 19)


def _tracking(call: Call, request: SendRequest, bulk_id: str) -> Tracking | None:
    """Return what the request says about tracking, with a process key if it brought none."""
    tracking = request.tracking
    if tracking is None or tracking.process_key:
        return tracking
    gateway = call.gateway
    first = gateway.next_key(normal_address(request.envelopes[0].destinations[0].to))
    draws = gateway.draws("infobip", "tracking", bulk_id, *first)
    return msgspec.structs.replace(tracking, process_key=draws.hex("key").upper())


# -- submissions --------------------------------------------------------------------------------


class _Builder:
    """Makes the submissions of one request."""

    __slots__ = (
        "_account",
        "_bulk_id",
        "_checks",
        "_credential",
        "_gateway",
        "_pacer",
        "_request",
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
        self._checks = DestinationChecks(account, call.gateway, call.body)
        self._status = account.settings.status_on_send(request.generation)
        limit = request.speed_limit
        self._pacer = Pacer(limit, call.gateway) if limit is not None else None

    def building(self, counted: Mapping[int, int]) -> InTurns[list[Submission]]:
        """Return one submission per destination, in order, built in turns."""
        submissions: list[Submission] = []
        for number, envelope in enumerate(self._request.envelopes):
            parts = counted.get(number) or count_parts(envelope.item, envelope.text)
            destinations = envelope.destinations
            for place in range(0, len(destinations), SLICE):
                submissions += self._of_envelope(envelope, parts, destinations[place : place + SLICE])
                if len(submissions) > _ENTRIES:
                    yield
        return submissions

    def _of_envelope(
        self, envelope: Envelope, parts: int, destinations: list[Destination]
    ) -> list[Submission]:
        gateway = self._gateway
        item = envelope.item
        earliest_ms = hold_until_ms(item, gateway)
        scheduled = item.send_at_unix_ms is not None and earliest_ms > gateway.now_ms
        status = _SCHEDULED_STATUS if scheduled else self._status
        sender = envelope.sender or self._account.settings.default_sender
        unfit = self._checks.of_message(item, parts, sender)
        text = envelope.text
        if unfit.code == TOO_LONG:
            # It is sent to nobody, and logs would repeat it for each recipient.
            item, text = _cut(item), text[:_KEPT_MAX]
        if item.binary is not None:
            text = item.binary.octets.hex(" ")
        cost_micros = self._account.cost_micros(parts)
        details = self._details(item, status, cost_micros)
        submissions = []
        for destination in destinations:
            recipient = normal_address(destination.to)
            rejection = self._checks.of_destination(destination, recipient, unfit, cost_micros)
            at_ms = earliest_ms
            if self._pacer is not None and not rejection.code:
                at_ms = self._pacer.next(item, earliest_ms)
            submissions.append(
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
                    refusal=rejection.code,
                    refusal_why=rejection.why,
                    details=details
                    if destination.network_id is None
                    else msgspec.structs.replace(details, network_id=destination.network_id),
                )
            )
        return submissions

    def _details(self, item: Item, status: int, cost_micros: int) -> Details:
        generation = self._request.generation
        if not self._bulk_id and self._tracking is None:
            return shared_details(generation, item, status, cost_micros)
        return Details(
            generation=generation,
            item=item,
            bulk_id=self._bulk_id,
            bulk_chosen=bool(self._request.bulk_id),
            accepted_status=status,
            tracking=self._tracking,
            cost_micros=cost_micros,
        )


def _cut(item: Item) -> Item:
    binary = item.binary
    if binary is None:
        return item
    return msgspec.structs.replace(
        item, binary=msgspec.structs.replace(binary, octets=binary.octets[:_KEPT_MAX])
    )


# -- the answer ---------------------------------------------------------------------------------


def _entry(account: Account, outcome: Message | Refused, request: SendRequest) -> dict[str, object]:
    asked = outcome.mould if isinstance(outcome, Message) else outcome.submission
    details = details_of(asked)
    to = to_of(outcome.key.recipient)
    generation = request.generation
    form = account.settings.accepted_form if generation == 1 else ""
    if isinstance(outcome, Refused):
        if outcome.code not in (MISSING_TO, INVALID_TO):
            account.books.enter(outcome)
        return _rejected_entry(outcome, to, generation, counted=form != "older")
    status = status_json(account.accepted_status(outcome), form)
    if generation == 3:
        entry: dict[str, object] = {"messageId": outcome.id, "status": status, "destination": to}
        # The count is not told of binary content, even on request.  Source: OpenAPI.
        if request.include_count and details.item.binary is None:
            entry["details"] = {"messageCount": asked.parts}
        return entry
    entry = {"to": to, "status": status}
    # The v1 example counts immediate messages, not scheduled ones; v2 counts on request.
    scheduled = outcome.hold_until_ms > 0 and details.item.send_at_unix_ms is not None
    if request.include_count or (generation == 1 and not scheduled and form != "older"):
        entry["smsCount"] = asked.parts
    entry["messageId"] = outcome.id
    return entry


def _rejected_entry(refused: Refused, to: str, generation: int, *, counted: bool) -> dict[str, object]:
    # Which keys a rejected entry has differs by status.  Source: samples of real traffic.
    recipient_key = "destination" if generation == 3 else "to"
    status = {"status": rejected_json(int(refused.code))}
    if refused.code == MISSING_TO:
        return dict(status)
    if refused.code == INVALID_TO:
        return {recipient_key: to if to.isdigit() else refused.submission.recipient, **status}
    entry: dict[str, object] = {recipient_key: to, **status}
    if counted and refused.code != "14" and generation == 1:
        entry["smsCount"] = refused.submission.parts
    entry["messageId"] = refused.id
    return entry


def _remember_bulk(
    call: Call, account: Account, request: SendRequest, bulk_id: str, outcomes: list[Message | Refused]
) -> None:
    now_unix_ms = call.gateway.unix_ms()
    scheduled: list[tuple[Message, Item, int]] = []
    for outcome in outcomes:
        item = details_of(outcome.submission).item
        at_unix_ms = item.send_at_unix_ms
        if isinstance(outcome, Message) and at_unix_ms is not None and at_unix_ms > now_unix_ms:
            scheduled.append((outcome, item, at_unix_ms))
    if scheduled:
        _, item, at_unix_ms = scheduled[0]
        account.bulks.add(
            Bulk(
                id=bulk_id,
                item=item,
                send_at_unix_ms=at_unix_ms,
                keys=[message.key for message, _, _ in scheduled],
                speed_limit=request.speed_limit,
                alone=len(request.envelopes) == 1,
            )
        )
