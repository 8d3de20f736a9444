"""
Infobip's answers and reports, as bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct, structs

from simulator.provider import Answer, Violation, operator_of
from simulator.providers.infobip.codes import ERRORS, HTTP_REFUSALS, SIGNALS_REJECTED, STATUSES, Status
from simulator.providers.infobip.details import to_of
from simulator.providers.infobip.style import Style
from simulator.providers.infobip.wire import Item

__all__ = [
    "Facts",
    "json_answer",
    "operator_shown",
    "refusal_answer",
    "rejected_json",
    "render_log",
    "render_reports",
    "status_json",
]

_ENCODER: Final = msgspec.json.Encoder()


def _status_object(status: Status) -> dict[str, object]:
    row: dict[str, object] = {
        "groupId": status.group_id,
        "groupName": status.group_name,
        "id": status.id,
        "name": status.name,
        "description": status.description,
    }
    if status.action:
        row["action"] = status.action
    return row


def _error_object(error_id: int) -> dict[str, object]:
    error = ERRORS[error_id]
    return {
        "groupId": error.group_id,
        "groupName": error.group_name,
        "id": error.id,
        "name": error.name,
        "description": error.description,
        "permanent": error.permanent,
    }


def _encoded(status: Status) -> Raw:
    return Raw(_ENCODER.encode(_status_object(status)))


_STATUS_JSON: Final = {status.id: _encoded(status) for status in STATUSES.values()}
_SIGNALS_REJECTED_JSON: Final = _encoded(SIGNALS_REJECTED)
_ERROR_JSON: Final = {error_id: Raw(_ENCODER.encode(_error_object(error_id))) for error_id in ERRORS}


# Status 26 as other pages and times have it.  Sources: the page of `/sms/1/text/advanced`, its two samples.
_ACCEPTED_JSON: Final = {
    "page": _encoded(STATUSES[26]._replace(description="Pending Accepted")),
    "older": _encoded(STATUSES[26]._replace(name="MESSAGE_ACCEPTED")),
}


def status_json(status_id: int, form: str = "") -> Raw:
    """Return the JSON of a status object, encoded once; *form* is how 26 is worded."""
    return _ACCEPTED_JSON.get(form, _STATUS_JSON[26]) if status_id == 26 else _STATUS_JSON[status_id]


def rejected_json(status_id: int) -> Raw:
    """Return the JSON of the status with which an answer rejects; who is rejected there is never charged."""
    return _SIGNALS_REJECTED_JSON if status_id == SIGNALS_REJECTED.id else _STATUS_JSON[status_id]


class Facts(Struct, frozen=True, kw_only=True, gc=False):
    """
    What a delivery report tells, as it was when it happened.
    """

    generation: int
    message_id: str
    bulk_id: str
    recipient: str
    operator: str
    parts: int
    item: Item
    sender: str
    text: str
    """Empty for binary content."""
    sent_ms: int
    done_ms: int
    status_id: int
    error_id: int
    price: int | float
    currency: str
    free: bool = False
    """It costs nothing."""
    network_id: int | None = None

    @property
    def to(self) -> str:
        """The recipient as reports spell it."""
        return to_of(self.recipient)

    @property
    def status(self) -> Status:
        """The status, in the group that it has for a message with such a price."""
        return (
            SIGNALS_REJECTED
            if self.free and self.status_id == SIGNALS_REJECTED.id
            else STATUSES[self.status_id]
        )

    def fits(self, filters: Mapping[str, str]) -> bool:
        """Return True when the report passes the filters of a pull."""
        item = self.item
        values = {
            "bulkId": self.bulk_id,
            "messageId": self.message_id,
            "applicationId": item.application_id,
            "entityId": item.entity_id,
            "campaignReferenceId": item.campaign_id,
        }
        return all(values[name] == value for name, value in filters.items())


def operator_shown(facts: Facts) -> str:
    """Return MCC and MNC of a recipient, or an empty text."""
    return facts.operator or operator_of(facts.recipient)


_NAMES: Final = {
    "bulk_id": "bulkId",
    "message_id": "messageId",
    "older_sender": "from",
    "sent_at": "sentAt",
    "done_at": "doneAt",
    "older_parts": "smsCount",
    "parts": "messageCount",
    "mcc_mnc": "mccMnc",
    "callback_data": "callbackData",
    "campaign_id": "campaignReferenceId",
    "entity_id": "entityId",
    "application_id": "applicationId",
    "network_id": "networkId",
}


# Absent values are omitted, never null or empty.
class _Row(Struct, omit_defaults=True, gc=False, rename=_NAMES):
    """
    A report on the wire, of any generation.
    """

    bulk_id: str = ""
    message_id: str = ""
    to: str = ""
    older_sender: str = ""
    sender: str = ""
    sent_at: str = ""
    done_at: str = ""
    older_parts: int | str = ""
    parts: int | str = ""
    mcc_mnc: str = ""
    callback_data: str = ""
    price: Raw | str = ""
    status: Raw | str = ""
    error: Raw | str = ""
    campaign_id: str = ""
    platform: Mapping[str, str] | str = ""
    entity_id: str = ""
    application_id: str = ""
    network_id: int | str = ""


_FIELDS: Final = [(field.name, field.encode_name) for field in structs.fields(_Row)]


def _report(facts: Facts, generation: int, style: Style) -> _Row:
    item = facts.item
    older = generation != 3
    row = _Row(
        facts.bulk_id,
        facts.message_id,
        to_of(facts.recipient),
        facts.sender if older else "",
        "" if older else facts.sender,
        style.date(facts.sent_ms),
        style.date(facts.done_ms),
        facts.parts if older else "",
        "" if older else facts.parts,
        style.mcc_mnc(operator_shown(facts)),
        item.callback_data,
        style.price(facts.price, facts.currency),
        _SIGNALS_REJECTED_JSON if facts.status is SIGNALS_REJECTED else _STATUS_JSON[facts.status_id],
        _ERROR_JSON[facts.error_id],
        item.campaign_id,
    )
    if older:
        row.entity_id, row.application_id = item.entity_id, item.application_id
    elif item.entity_id or item.application_id:
        platform = {"entityId": item.entity_id, "applicationId": item.application_id}
        row.platform = {name: value for name, value in platform.items() if value}
    if facts.network_id is not None:
        row.network_id = facts.network_id
    return row


def _plain_report(facts: Facts, generation: int, style: Style) -> dict[str, object]:
    """Return a report by the names that it has on the wire."""
    row = _report(facts, generation, style)
    named = ((shown, getattr(row, name)) for name, shown in _FIELDS)
    return {name: value for name, value in named if value != ""}


def render_reports(facts: Sequence[Facts], generation: int, style: Style) -> bytes:
    """Return delivery reports in the shape of an API generation, for push and pull alike."""
    return _ENCODER.encode({"results": [_report(row, generation, style) for row in facts]})


def _log_row(facts: Facts, generation: int, style: Style) -> dict[str, object]:
    row = _plain_report(facts, generation, style)
    for name in ("callbackData", "networkId"):
        row.pop(name, None)
    text = facts.text if style.log_texts else ""
    if generation != 3:
        return {**row, "text": text} if text else row
    row["destination"] = row.pop("to", "")
    binary = facts.item.binary
    if not style.log_texts:
        content: dict[str, object] = {}
    elif binary is not None:
        content = {
            "hex": binary.octets.hex(" "),
            "dataCoding": binary.data_coding,
            "esmClass": binary.esm_class,
        }
    else:
        content = {"text": text}
    return {**row, "content": content}


def render_log(
    facts: Sequence[Facts], generation: int, style: Style, cursor: Mapping[str, object] | None
) -> bytes:
    """Return log rows in the shape of an API generation, with a cursor where one was asked for."""
    body: dict[str, object] = {"results": [_log_row(row, generation, style) for row in facts]}
    if cursor is not None:
        body["cursor"] = cursor
    return _ENCODER.encode(body)


def json_answer(body: object, status: int = 200) -> Answer:
    """Return an answer with *body* as JSON."""
    return Answer(status, _ENCODER.encode(body), "application/json;charset=UTF-8")


_RESOURCES: Final = {
    "E401": [
        {
            "name": "API Authentication",
            "url": "https://www.infobip.com/docs/essentials/api-authentication",
        }
    ],
    "E403": [
        {
            "name": "API Scopes",
            "url": "https://www.infobip.com/docs/essentials/api-essentials/api-authorization#api-scopes",
        }
    ],
    "E429": [
        {
            "name": "Throttling handling errors",
            "url": (
                "https://www.infobip.com/docs/essentials/integration-best-practices#throttling-handling-errors"
            ),
        }
    ],
}


def _sentence(words: str) -> str:
    # v3 writes `Must not be null.` where v2 writes `must not be empty`.  Source: examples of both.
    return f"{words[:1].upper()}{words[1:]}." if words else words


def refusal_answer(
    message_id: str,
    *,
    shown: str = "",
    text: str = "",
    violations: Sequence[Violation] = (),
    retry_after_s: int = 0,
    modern: bool = False,
) -> Answer:
    """
    Return an error answer.

    v1 and v2 wrap it in `requestError.serviceException`; v3 is documented to
    answer with a flat `ApiError` of five keys (*modern*).  *shown* is the messageId
    to show instead.
    """
    refusal = HTTP_REFUSALS[message_id]
    headers = (("Retry-After", str(retry_after_s)),) if retry_after_s else ()
    if modern:
        body: dict[str, object] = {
            "errorCode": refusal.code,
            "description": refusal.description,
            "action": refusal.action,
            "violations": [{"property": path, "violation": _sentence(words)} for path, words in violations],
            "resources": _RESOURCES.get(refusal.code, []),
        }
    else:
        exception: dict[str, object] = {"messageId": shown or message_id, "text": text or refusal.text}
        if violations:
            # A capital only where there are details.  Sources: the page of 2021, fixtures of the client.
            exception["text"] = text or "Bad Request"
            by_path: dict[str, list[str]] = {}
            for path, words in violations:
                by_path.setdefault(path, []).append(words)
            exception["validationErrors"] = by_path
        body = {"requestError": {"serviceException": exception}}
    return json_answer(body, refusal.http)._replace(headers=headers)
