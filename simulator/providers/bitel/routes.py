"""
Bitel's endpoints: v2, and the older v1 beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from simulator.provider import (
    Answer,
    Call,
    Coverage,
    Handler,
    InTurns,
    Message,
    Refuse,
    Route,
    gathered,
    whole,
)
from simulator.providers.bitel.calling import (
    call_batch,
    call_batch_tts,
    call_campaign,
    call_campaign_mix,
    call_otp,
    call_single,
    call_tts,
)
from simulator.providers.bitel.details import CallDetails, SmsDetails, details_of
from simulator.providers.bitel.render import (
    bare_answer,
    call_object,
    call_record_v1,
    error_answer,
    result_answer,
    row_of,
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
from simulator.providers.bitel.wire import Body

__all__ = ["COVERAGE", "ROUTES", "refusal"]

_Sends = Callable[[Call, Body], InTurns[list[Message]]]
_Shows = Callable[[Call, list[Message]], object]
"""Returns the result to be answered, or comes to it in turns."""


def refusal(call: Call, code: str, retry_headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return the answer with an error code, all that Bitel says; `code/http` names the HTTP status, too."""
    settings = account_of(call).settings
    word, _, http = code.rpartition("/")
    status = int(http) if word else settings.http_of(code)
    headers = (("WWW-Authenticate", "Bearer"),) if status == 401 else ()
    if code == "Unauthorized" and settings.unauthorized_body == "empty":
        return Answer(status, b"", "", (*headers, *retry_headers))
    return error_answer(status, word or code, (*headers, *retry_headers))


def _sending(send: _Sends, show: _Shows) -> Handler:
    def steps(call: Call, body: Body) -> InTurns[Answer]:
        messages = yield from send(call, body)
        return result_answer((yield from whole(show(call, messages))))

    def handle(call: Call) -> Answer | Awaitable[Answer]:
        strict = account_of(call).settings.json == "strict"
        return call.read_in_turns(
            lambda: Body(call.body, strict=strict), lambda body: call.in_turns(steps(call, body))
        )

    return handle


def _sms(call: Call, messages: list[Message]) -> object:
    return sms_object(account_of(call).sms_facts(messages[0]))


def _sms_list(call: Call, messages: list[Message]) -> InTurns[object]:
    account = account_of(call)
    return gathered(row_of(sms_object(account.sms_facts(message))) for message in messages)


def _call(call: Call, messages: list[Message]) -> object:
    return call_object(account_of(call).call_facts(messages[0]))


def _call_list(call: Call, messages: list[Message]) -> InTurns[object]:
    account = account_of(call)
    return gathered(row_of(call_object(account.call_facts(message))) for message in messages)


def _request_id(call: Call, messages: list[Message]) -> object:
    return {"requestId": messages[0].id}


def _id(call: Call, messages: list[Message]) -> object:
    return messages[0].id


def _batch_id(call: Call, messages: list[Message]) -> object:
    return details_of(messages[0]).batch_id


def _find(call: Call, kind: type) -> Message | None:
    message = call.gateway.message(call.path_values["requestId"])
    return message if message is not None and isinstance(message.submission.details, kind) else None


def _request(call: Call, kind: type) -> Message:
    """Return the message or call that is asked for; raises Refuse."""
    message = _find(call, kind)
    if message is None:
        raise Refuse("NotFound", _no_request(call))
    return message


def _no_request(call: Call) -> str:
    return f"requestId: there is no request {call.path_values['requestId'][:60]!r} of this kind"


def _batch_answer(
    call: Call, name: str, kind: type, show: Callable[[Message], object]
) -> Answer | Awaitable[Answer]:
    """Answer what *show* tells of each of a batch or campaign; raises Refuse when that is nothing."""

    def steps() -> InTurns[Answer]:
        batch = account_of(call).batch(call.path_values[name])
        rows = yield from gathered(
            row_of(show(each)) for each in batch if isinstance(each.submission.details, kind)
        )
        if not rows:
            raise Refuse("NotFound", f"{name}: there is no {call.path_values[name][:60]!r} of this kind")
        return result_answer(rows)

    return call.in_turns(steps())


def _sms_status(call: Call) -> Answer:
    account = account_of(call)
    message = _find(call, SmsDetails)
    if message is None:
        unknown = account.settings.unknown_sms
        if unknown == "null":
            return result_answer(None)
        raise Refuse(unknown, _no_request(call))
    return result_answer(sms_status_object(account.sms_facts(message), account.settings.status_shape))


def _call_status(call: Call) -> Answer:
    account = account_of(call)
    status = call_object(account.call_facts(_request(call, CallDetails)))
    return bare_answer(status) if account.settings.call_status == "bare" else result_answer(status)


def _sms_detail_v1(call: Call) -> Answer:
    return result_answer(sms_detail_v1(account_of(call).sms_facts(_request(call, SmsDetails))))


def _batch_detail_v1(call: Call) -> Answer | Awaitable[Answer]:
    facts_of = account_of(call).sms_facts
    return _batch_answer(call, "batchId", SmsDetails, lambda message: sms_detail_v1(facts_of(message)))


def _call_record_v1(call: Call) -> Answer:
    return result_answer(call_record_v1(account_of(call).call_facts(_request(call, CallDetails))))


def _campaign_records_v1(call: Call) -> Answer | Awaitable[Answer]:
    facts_of = account_of(call).call_facts
    return _batch_answer(call, "campaignId", CallDetails, lambda message: call_record_v1(facts_of(message)))


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
    _posts("/api/v1/voice/campaign/mix", call_campaign_mix, _batch_id, "call"),
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
    Coverage("POST", "/api/v1/voice/campaign/mix", "partial", "known from the code of one client"),
    Coverage("GET", "/api/v1/voice/cdr/{requestId}", "supported"),
    Coverage("GET", "/api/v1/voice/campaign/cdr/{campaignId}", "supported"),
)
