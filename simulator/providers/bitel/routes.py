"""
Bitel's endpoints: v2, and the older v1 beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simulator.kernel.model.message import Message
from simulator.kernel.store.facts import Note
from simulator.provider import Answer, Call, Coverage, Credential, Route, header_text
from simulator.providers.bitel.account import CallDetails, SmsDetails
from simulator.providers.bitel.calling import (
    call_batch,
    call_batch_tts,
    call_campaign,
    call_otp,
    call_single,
    call_tts,
)
from simulator.providers.bitel.render import (
    bare_answer,
    call_object,
    call_record_v1,
    error_answer,
    result_answer,
    sms_detail_v1,
    sms_object,
    sms_status_object,
)
from simulator.providers.bitel.sending import (
    account_of,
    send_batch,
    send_otp,
    send_p2p,
    send_single,
    send_template,
)
from simulator.providers.bitel.wire import BadCall

__all__ = ["COVERAGE", "ROUTES", "credential_of", "refusal"]

_Sends = Callable[[Call], list[Message]]
_Shows = Callable[[Call, list[Message]], object]
_REASON_LENGTH_MAX: Final = 300


def credential_of(call: Call) -> Credential | None:
    """Return the token in the Authorization header, or None; a published client writes `bearer`."""
    scheme, _, token = call.headers.get("Authorization", "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or " " in token:
        return None
    return Credential("bearer", token)


def refusal(call: Call, code: str, why: str = "", retry_after_s: int = 0) -> Answer:
    """
    Return the answer with an error code; `code/http` names the HTTP status, too.

    Bitel says nothing but the code, so *why* goes into a header of ours.
    """
    settings = account_of(call).settings
    word, _, http = code.rpartition("/")
    status = int(http) if word else settings.http_of(code)
    headers: list[tuple[str, str]] = []
    if status == 401:
        headers.append(("WWW-Authenticate", "Bearer"))
    if retry_after_s:
        headers.append(("Retry-After", str(retry_after_s)))
    if why:
        headers.append(("X-Simulator-Reason", header_text(why)[:_REASON_LENGTH_MAX]))
    if code == "Unauthorized" and settings.unauthorized_body == "empty":
        return Answer(status, b"", "", tuple(headers))
    return error_answer(status, word or code, tuple(headers))


def _sending(send: _Sends, show: _Shows) -> Callable[[Call], Answer]:
    def handle(call: Call) -> Answer:
        try:
            messages = send(call)
        except BadCall as bad:
            call.gateway.simulation.journal.add(
                call.gateway.now_ms,
                Note(f"{call.path} refused with {bad.code}: {bad.why}"[:_REASON_LENGTH_MAX]),
                provider="bitel",
            )
            return refusal(call, bad.code, bad.why)
        return result_answer(show(call, messages))

    return handle


def _sms(call: Call, messages: list[Message]) -> object:
    return sms_object(account_of(call).sms_facts(messages[0]))


def _sms_list(call: Call, messages: list[Message]) -> object:
    account = account_of(call)
    return [sms_object(account.sms_facts(message)) for message in messages]


def _call(call: Call, messages: list[Message]) -> object:
    return call_object(account_of(call).call_facts(messages[0]))


def _call_list(call: Call, messages: list[Message]) -> object:
    account = account_of(call)
    return [call_object(account.call_facts(message)) for message in messages]


def _request_id(call: Call, messages: list[Message]) -> object:
    return {"requestId": messages[0].id}


def _id(call: Call, messages: list[Message]) -> object:
    return messages[0].id


def _batch_id(call: Call, messages: list[Message]) -> object:
    details = messages[0].submission.details
    assert isinstance(details, SmsDetails | CallDetails)
    return details.batch_id if isinstance(details, SmsDetails) else details.campaign_id


def _found(call: Call, name: str, kind: type) -> Message | None:
    message = call.gateway.simulation.message("bitel", call.parameters[name])
    return message if message is not None and isinstance(message.submission.details, kind) else None


def _sms_status(call: Call) -> Answer:
    account = account_of(call)
    message = _found(call, "requestId", SmsDetails)
    if message is None:
        unknown = account.settings.unknown_sms
        return result_answer(None) if unknown == "null" else refusal(call, unknown)
    return result_answer(sms_status_object(account.sms_facts(message), account.settings.status_shape))


def _call_status(call: Call) -> Answer:
    account = account_of(call)
    message = _found(call, "requestId", CallDetails)
    if message is None:
        return refusal(call, "NotFound")
    found = call_object(account.call_facts(message))
    return bare_answer(found) if account.settings.call_status == "bare" else result_answer(found)


def _sms_detail_v1(call: Call) -> Answer:
    message = _found(call, "requestId", SmsDetails)
    if message is None:
        return refusal(call, "NotFound")
    return result_answer(sms_detail_v1(account_of(call).sms_facts(message)))


def _batch_detail_v1(call: Call) -> Answer:
    account = account_of(call)
    found = [
        sms_detail_v1(account.sms_facts(message))
        for message in account.batch(call.parameters["batchId"])
        if isinstance(message.submission.details, SmsDetails)
    ]
    return result_answer(found) if found else refusal(call, "NotFound")


def _call_record_v1(call: Call) -> Answer:
    message = _found(call, "requestId", CallDetails)
    if message is None:
        return refusal(call, "NotFound")
    return result_answer(call_record_v1(account_of(call).call_facts(message)))


def _campaign_records_v1(call: Call) -> Answer:
    account = account_of(call)
    found = [
        call_record_v1(account.call_facts(message))
        for message in account.batch(call.parameters["campaignId"])
        if isinstance(message.submission.details, CallDetails)
    ]
    return result_answer(found) if found else refusal(call, "NotFound")


def _posts(path: str, send: _Sends, show: _Shows, operation: str) -> Route:
    return Route("POST", path, _sending(send, show), operation, sends=True)


ROUTES: Final[tuple[Route, ...]] = (
    _posts("/api/v2/sms/single", send_single, _sms, "send"),
    _posts("/api/v2/sms/batch", send_batch, _sms_list, "send"),
    _posts("/api/v2/sms/batch/p2p", send_p2p, _sms_list, "send"),
    _posts("/api/v2/sms/otp", send_otp, _sms, "send"),
    _posts("/api/v2/sms/template", send_template, _sms, "send"),
    Route("GET", "/api/v2/sms/status/{requestId}", _sms_status, "status"),
    _posts("/api/v2/voice/otp", call_otp, _call, "call"),
    _posts("/api/v2/voice/single", call_single, _call, "call"),
    _posts("/api/v2/voice/single/tts", call_tts, _call, "call"),
    _posts("/api/v2/voice/batch", call_batch, _call_list, "call"),
    _posts("/api/v2/voice/batch/tts", call_batch_tts, _call_list, "call"),
    Route("GET", "/api/v2/voice/status/{requestId}", _call_status, "call status"),
    _posts("/api/v1/sms/single", send_single, _request_id, "send"),
    _posts("/api/v1/sms/otp", send_otp, _id, "send"),
    _posts("/api/v1/sms/batch", send_batch, _batch_id, "send"),
    _posts("/api/v1/sms/p2p", send_p2p, _batch_id, "send"),
    Route("GET", "/api/v1/sms/detail/single/{requestId}", _sms_detail_v1, "status"),
    Route("GET", "/api/v1/sms/detail/batch/{batchId}", _batch_detail_v1, "status"),
    _posts("/api/v1/voice/otp", call_otp, _id, "call"),
    _posts("/api/v1/voice/tts", call_tts, _id, "call"),
    _posts("/api/v1/voice/single", call_single, _id, "call"),
    _posts("/api/v1/voice/campaign", call_campaign, _batch_id, "call"),
    Route("GET", "/api/v1/voice/cdr/{requestId}", _call_record_v1, "call status"),
    Route("GET", "/api/v1/voice/campaign/cdr/{campaignId}", _campaign_records_v1, "call status"),
)

COVERAGE: Final[tuple[Coverage, ...]] = (
    Coverage("POST", "/api/v2/sms/single", "supported"),
    Coverage("POST", "/api/v2/sms/batch", "supported"),
    Coverage("POST", "/api/v2/sms/batch/p2p", "supported"),
    Coverage("POST", "/api/v2/sms/otp", "supported"),
    Coverage("POST", "/api/v2/sms/template", "supported", "how variables are written is chosen"),
    Coverage("GET", "/api/v2/sms/status/{requestId}", "supported", "three shapes, by setting"),
    Coverage("POST", "/api/v2/voice/otp", "supported"),
    Coverage("POST", "/api/v2/voice/single", "supported"),
    Coverage("POST", "/api/v2/voice/single/tts", "supported"),
    Coverage("POST", "/api/v2/voice/batch", "supported"),
    Coverage("POST", "/api/v2/voice/batch/tts", "supported"),
    Coverage("GET", "/api/v2/voice/status/{requestId}", "supported"),
    Coverage("POST", "/api/v1/sms/single", "supported"),
    Coverage("POST", "/api/v1/sms/otp", "supported"),
    Coverage("POST", "/api/v1/sms/batch", "supported"),
    Coverage("POST", "/api/v1/sms/p2p", "partial", "the page was not recovered"),
    Coverage("GET", "/api/v1/sms/detail/single/{requestId}", "supported"),
    Coverage("GET", "/api/v1/sms/detail/batch/{batchId}", "supported"),
    Coverage("POST", "/api/v1/voice/otp", "supported"),
    Coverage("POST", "/api/v1/voice/tts", "supported"),
    Coverage("POST", "/api/v1/voice/single", "supported"),
    Coverage("POST", "/api/v1/voice/campaign", "partial", "known from client code alone"),
    Coverage("GET", "/api/v1/voice/cdr/{requestId}", "supported"),
    Coverage("GET", "/api/v1/voice/campaign/cdr/{campaignId}", "supported"),
)
