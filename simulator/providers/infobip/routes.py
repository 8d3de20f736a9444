"""
Infobip's endpoints.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from simulator.provider import Answer, Call, Coverage, Handler, Refuse, Route
from simulator.providers.infobip.bulks import get_bulk, get_status, put_bulk, put_status
from simulator.providers.infobip.calls import account_of, answering, format_of, limit_of
from simulator.providers.infobip.decoding import Format
from simulator.providers.infobip.details import details_of
from simulator.providers.infobip.inbound import render_inbound
from simulator.providers.infobip.logs import logs
from simulator.providers.infobip.money import plain_amount
from simulator.providers.infobip.preview import preview
from simulator.providers.infobip.pushing import REPORT_ROOTS
from simulator.providers.infobip.render import json_answer, render_reports
from simulator.providers.infobip.sending import send
from simulator.providers.infobip.wire import SendRequest
from simulator.providers.infobip.wire_query import parse_query
from simulator.providers.infobip.wire_v1 import parse_advanced, parse_multi, parse_single
from simulator.providers.infobip.wire_v3 import parse_messages

__all__ = ["COVERAGE", "ROUTES"]

_JSON: Final = "application/json;charset=UTF-8"
_REPORT_FILTERS: Final = ("bulkId", "messageId", "applicationId", "entityId", "campaignReferenceId")
_INBOX_FILTERS: Final = ("applicationId", "entityId", "campaignReferenceId")


def _sending(parse: Callable[[bytes, Format], SendRequest]) -> Handler:
    def handle(call: Call) -> Answer | Awaitable[Answer]:
        return send(call, account_of(call), parse(call.body, format_of(call)))

    return handle


def _sending_by_query(generation: int) -> Handler:
    return lambda call: send(call, account_of(call), parse_query(call.query, generation))


def _pulling(generation: int) -> Callable[[Call], Answer]:
    def handle(call: Call) -> Answer:
        filters = _filters_of(call, _REPORT_FILTERS)
        account = account_of(call)
        reports = account.reports.take(limit_of(call), call.gateway.now_ms, lambda facts: facts.fits(filters))
        body = render_reports(reports, generation, account.style)
        return Answer(200, body, _JSON)

    return handle


def _inbox(call: Call) -> Answer:
    filters = _filters_of(call, _INBOX_FILTERS)
    account = account_of(call)
    inbox = account.inbox
    messages = inbox.take(limit_of(call), call.gateway.now_ms, lambda message: message.fits(filters))
    body = render_inbound(messages, len(inbox), account.style)
    return Answer(200, body, _JSON)


def _filters_of(call: Call, names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name in names if (value := call.query_value(name))}


def _end_tracking(call: Call) -> Answer:
    """Note a conversion: the recipient did what the message asked for."""
    message = call.gateway.message(call.path_values["messageId"])
    if message is None:
        raise Refuse(
            "NOT_FOUND",
            f"there is no message {call.path_values['messageId'][:100]!r}",
            text=f"Requested URL not found: {call.path}",
        )
    tracking = details_of(message.mould).tracking
    if tracking is not None:
        return json_answer({"processKey": tracking.process_key})
    draws = call.gateway.draws("infobip", "conversion", *message.key)
    return json_answer({"processKey": draws.hex("key").upper()})


def _balance(call: Call) -> Answer:
    account = account_of(call)
    return json_answer(
        {"balance": plain_amount(account.books.balance_micros), "currency": account.settings.currency}
    )


def _send_route(path: str, parse: Callable[[bytes, Format], SendRequest]) -> Route:
    root = "smsResponse" if not path.startswith("/sms/3/") else "SmsResponseEnvelope"
    return Route("POST", path, answering(_sending(parse), root), "send", sends=True)


def _query_route(path: str, generation: int) -> Route:
    root = "smsResponse" if generation == 1 else "SmsResponseEnvelope"
    return Route("GET", path, answering(_sending_by_query(generation), root), "send", sends=True)


ROUTES: Final[tuple[Route, ...]] = (
    _send_route("/sms/1/text/single", parse_single(1)),
    _send_route("/sms/1/text/multi", parse_multi(1)),
    _send_route("/sms/1/text/advanced", parse_advanced(1)),
    _send_route("/sms/1/binary/single", parse_single(1, binary=True)),
    _send_route("/sms/1/binary/multi", parse_multi(1, binary=True)),
    _send_route("/sms/1/binary/advanced", parse_advanced(1, binary=True)),
    _send_route("/sms/2/text/single", parse_single(2)),
    _send_route("/sms/2/text/advanced", parse_advanced(2)),
    _send_route("/sms/2/binary/advanced", parse_advanced(2, binary=True)),
    _send_route("/sms/3/messages", parse_messages),
    _query_route("/sms/1/text/query", 1),
    _query_route("/sms/3/text/query", 3),
    Route("POST", "/sms/1/preview", answering(preview, "smsPreviewResponse"), "preview"),
    Route("GET", "/sms/1/bulks", answering(get_bulk, "smsBulkResponse"), "bulks"),
    Route("PUT", "/sms/1/bulks", answering(put_bulk, "smsBulkResponse"), "bulks"),
    Route("GET", "/sms/1/bulks/status", answering(get_status, "smsBulkStatusResponse"), "bulks"),
    Route("PUT", "/sms/1/bulks/status", answering(put_status, "smsBulkStatusResponse"), "bulks"),
    Route("GET", "/sms/1/reports", answering(_pulling(1), REPORT_ROOTS[1]), "reports"),
    Route("GET", "/sms/3/reports", answering(_pulling(3), REPORT_ROOTS[3]), "reports"),
    Route("GET", "/sms/1/logs", answering(logs(1), "smsLogsResponse"), "logs"),
    Route("GET", "/sms/3/logs", answering(logs(3), "smsLogsResponse"), "logs"),
    Route("GET", "/sms/1/inbox/reports", answering(_inbox, "inboundReportResponse"), "inbox"),
    Route("POST", "/ct/1/log/end/{messageId}", answering(_end_tracking, "conversionResponse"), "conversion"),
    Route("GET", "/account/1/balance", answering(_balance, "balanceResponse"), "balance"),
)

_SINGLE_NOTE: Final = "seen in the wild, in no documentation"
_CHOSEN_TEXT: Final = "a link in the text is not shortened"

COVERAGE: Final[tuple[Coverage, ...]] = (
    Coverage("POST", "/sms/1/text/single", "supported"),
    Coverage("POST", "/sms/1/text/multi", "supported"),
    Coverage("POST", "/sms/1/text/advanced", "supported"),
    Coverage("POST", "/sms/1/binary/single", "supported"),
    Coverage("POST", "/sms/1/binary/multi", "supported"),
    Coverage("POST", "/sms/1/binary/advanced", "supported"),
    Coverage("POST", "/sms/2/text/single", "supported", _SINGLE_NOTE),
    Coverage("POST", "/sms/2/text/advanced", "supported", _CHOSEN_TEXT),
    Coverage("POST", "/sms/2/binary/advanced", "supported"),
    Coverage("POST", "/sms/3/messages", "supported", _CHOSEN_TEXT),
    Coverage("GET", "/sms/1/text/query", "supported"),
    Coverage("GET", "/sms/3/text/query", "supported"),
    Coverage("POST", "/sms/1/preview", "supported"),
    Coverage("GET", "/sms/1/bulks", "supported"),
    Coverage("PUT", "/sms/1/bulks", "supported"),
    Coverage("GET", "/sms/1/bulks/status", "supported", "FAILED does not occur"),
    Coverage("PUT", "/sms/1/bulks/status", "supported"),
    Coverage("GET", "/sms/1/reports", "supported"),
    Coverage("GET", "/sms/3/reports", "supported"),
    Coverage("GET", "/sms/1/logs", "supported"),
    Coverage("GET", "/sms/3/logs", "supported"),
    Coverage("GET", "/sms/1/inbox/reports", "partial", "SMS; no MMS"),
    Coverage("POST", "/ct/1/log/end/{messageId}", "supported"),
    Coverage("GET", "/account/1/balance", "supported"),
    Coverage("POST", "/auth/1/oauth2/token", "absent", "any bearer token is accepted"),
)
