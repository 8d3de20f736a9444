"""
Logs: what was sent in the last 48 hours, as it is now.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from simulator.provider import Answer, Call, Refuse, Violation, normal_address
from simulator.providers.infobip.account import Account
from simulator.providers.infobip.calls import account_of, limit_of, values_of
from simulator.providers.infobip.codes import STATUSES
from simulator.providers.infobip.dates import parse_date
from simulator.providers.infobip.pulling import HORIZON_MS
from simulator.providers.infobip.render import Facts, operator_shown, render_log
from simulator.providers.infobip.wire import bad_request

__all__ = ["logs"]

_STATUS_GROUPS: Final = tuple(
    dict.fromkeys(status.group_name for status in sorted(STATUSES.values(), key=lambda s: s.group_id))
)
_ID_LIST_LENGTH_MAX: Final = 2_048


class _Filters(NamedTuple):
    """The filters of one call; what is empty or None lets everything pass."""

    sender: str
    recipient: str
    bulk_ids: frozenset[str]
    message_ids: frozenset[str]
    campaign_ids: frozenset[str]
    application_id: str
    entity_id: str
    group: str
    since_unix_ms: int | None
    until_unix_ms: int | None
    mcc: str
    mnc: str

    def fits(self, facts: Facts, epoch_ms: int) -> bool:
        """Return True when a row passes."""
        item = facts.item
        return (
            self.sender in ("", facts.sender)
            and self.recipient in ("", facts.recipient)
            and (not self.bulk_ids or facts.bulk_id in self.bulk_ids)
            and (not self.message_ids or facts.message_id in self.message_ids)
            and (not self.campaign_ids or item.campaign_id in self.campaign_ids)
            and self.application_id in ("", item.application_id)
            and self.entity_id in ("", item.entity_id)
            and self.group in ("", facts.status.group_name)
            and (self.since_unix_ms is None or epoch_ms + facts.sent_ms >= self.since_unix_ms)
            and (self.until_unix_ms is None or epoch_ms + facts.sent_ms <= self.until_unix_ms)
            and self._in_network(facts)
        )

    def _in_network(self, facts: Facts) -> bool:
        if not self.mcc:
            return True
        network = operator_shown(facts)
        return network == self.mcc + self.mnc if self.mnc else network.startswith(self.mcc)


def logs(generation: int) -> Callable[[Call], Answer]:
    """Return what answers `GET /sms/{1,3}/logs`."""

    def handle(call: Call) -> Answer:
        account = account_of(call)
        wait_ms = account.log_throttle.take(call.gateway.now_ms, account.settings.logs_per_minute)
        if wait_ms:
            why = f"logs can be had {account.settings.logs_per_minute} times a minute"
            raise Refuse("TOO_MANY_REQUESTS", why, retry_after_ms=wait_ms)
        limit = limit_of(call)
        filters = _filters_of(call, generation)
        with_cursor = generation == 3 and (call.query_value("useCursor") or "").lower() == "true"
        before = _read_cursor(call) if with_cursor else None
        epoch_ms = call.gateway.epoch_ms
        rows = list(islice(_rows(account, filters, before, call.gateway.now_ms, epoch_ms), limit + 1))
        cursor: dict[str, object] | None = None
        if with_cursor:
            cursor = {"limit": limit}
            if len(rows) > limit:
                cursor["nextCursor"] = _write_cursor(rows[limit - 1][0])
        body = render_log([facts for _, facts in rows[:limit]], generation, account.style, cursor)
        return Answer(200, body, "application/json;charset=UTF-8")

    return handle


def _rows(
    account: Account, filters: _Filters, before: int | None, now_ms: int, epoch_ms: int
) -> Iterator[tuple[int, Facts]]:
    """Yield the numbers and facts of rows that fit, the latest first, from below the number *before* on."""
    books = account.books
    log = books.log
    first = books.logged - len(log)
    for number in range(books.logged - 1, first - 1, -1):
        if before is not None and number >= before:
            continue
        facts = account.log_facts(log[number - first])
        if facts.sent_ms < now_ms - HORIZON_MS:
            continue
        if filters.fits(facts, epoch_ms):
            yield number, facts


def _filters_of(call: Call, generation: int) -> _Filters:
    wrong: list[Violation] = []
    sender_key, recipient_key = ("sender", "destination") if generation == 3 else ("from", "to")
    group = call.query_value("generalStatus") or ""
    if group and group not in _STATUS_GROUPS:
        wrong.append(Violation("generalStatus", f"must be one of {', '.join(_STATUS_GROUPS)}"))
    mcc, mnc = call.query_value("mcc") or "", call.query_value("mnc") or ""
    if mnc and not mcc:
        wrong.append(Violation("mnc", "must not be given without mcc"))
    lists = {name: values_of(call, name) for name in ("bulkId", "messageId", "campaignReferenceId")}
    wrong += [
        Violation(name, f"size must be between 0 and {_ID_LIST_LENGTH_MAX}")
        for name in ("bulkId", "messageId")
        if sum(map(len, lists[name])) > _ID_LIST_LENGTH_MAX
    ]
    recipient = call.query_value(recipient_key)
    filters = _Filters(
        sender=call.query_value(sender_key) or "",
        recipient=normal_address(recipient) if recipient else "",
        bulk_ids=frozenset(lists["bulkId"]),
        message_ids=frozenset(lists["messageId"]),
        campaign_ids=frozenset(lists["campaignReferenceId"]),
        application_id=call.query_value("applicationId") or "",
        entity_id=call.query_value("entityId") or "",
        group=group,
        since_unix_ms=_date(call, "sentSince", wrong),
        until_unix_ms=_date(call, "sentUntil", wrong),
        mcc=mcc,
        mnc=mnc,
    )
    if wrong:
        raise bad_request(wrong)
    return filters


def _date(call: Call, name: str, wrong: list[Violation]) -> int | None:
    written = call.query_value(name)
    if not written:
        return None
    # A plus that a client forgot to encode arrives as a blank.
    moment = parse_date(written)
    if moment is None:
        wrong.append(Violation(name, "must be a date such as 2030-01-01T00:00:00.000+0000"))
    return moment


def _write_cursor(number: int) -> str:
    return urlsafe_b64encode(f"row {number}".encode()).decode().rstrip("=")


def _read_cursor(call: Call) -> int | None:
    written = call.query_value("cursor")
    if not written:
        return None
    try:
        word, _, number = urlsafe_b64decode(written + "=" * (-len(written) % 4)).decode().partition(" ")
        if word == "row":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise bad_request([Violation("cursor", "must be the nextCursor of an earlier answer")])
