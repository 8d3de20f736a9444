"""
RBM's endpoints.
"""

from __future__ import annotations

from typing import Final

import msgspec

from simulator.provider import Answer, Call, Coverage, Route
from simulator.providers.rbm.calls import account_of, route
from simulator.providers.rbm.errors import json_answer, refuse
from simulator.providers.rbm.management import (
    create_integration,
    delete_integration,
    delete_tester,
    get_integration,
    get_tester,
    invite_tester,
    list_integrations,
    list_testers,
    patch_integration,
    phone_in_body,
)
from simulator.providers.rbm.messages import create_event, create_message, dialogflow, revoke_message
from simulator.providers.rbm.people import (
    batch_get,
    capabilities,
    capability_callback,
    create_tester,
    users_of,
)
from simulator.providers.rbm.schema import discovery
from simulator.providers.rbm.tokens import EXPIRES_S, grant, judged_by
from simulator.providers.rbm.uploads import UPLOAD_BYTES_MAX, create_file, resume_upload, upload_file

__all__ = ["COVERAGE", "ROUTES"]

_PHONE: Final = "/v1/phones/{phone}"
_INTEGRATIONS: Final = "/v1/brands/{brand}/agents/{agent}/integrations"
_PAGED: Final = ("agentId", "pageSize", "pageToken")
_INTEGRATION: Final = f"{_INTEGRATIONS}/{{integration}}"


def _token(call: Call) -> Answer:
    """Answer like Google's token endpoint, which has an error shape of its own."""
    account = account_of(call)
    settings = account.settings
    if settings.assertion_times == "checked":
        now_s, skew_s = call.gateway.unix_ms() // 1_000, settings.assertion_skew_ms // 1_000
        granted = grant(call.body, judged_by(now_s, skew_s, account.reporter.now_text()))
    else:
        granted = grant(call.body)
    body = {
        "access_token": granted.token(call.gateway.now_ms, account.tokens.next_serial()),
        "expires_in": EXPIRES_S,
        "token_type": "Bearer",
    }
    return Answer(200, msgspec.json.encode(body), "application/json; charset=utf-8")


def _discovery(call: Call) -> Answer:
    version = call.query_value("version")
    if version not in (None, "v1"):
        raise refuse("ENTITY_NOT_FOUND", hint=f"there is no version {version[:40]!r}; there is v1")
    return json_answer(call, discovery(f"{call.url}/"))


ROUTES: Final[tuple[Route, ...]] = (
    route(
        "POST", f"{_PHONE}/agentMessages", create_message, "send", sends=True, query=("messageId", "agentId")
    ),
    route("DELETE", f"{_PHONE}/agentMessages/{{message}}", revoke_message, "revoke"),
    route("POST", f"{_PHONE}/agentEvents", create_event, "event", sends=True, query=("eventId", "agentId")),
    route("GET", f"{_PHONE}/capabilities", capabilities, "capabilities", query=("requestId", "agentId")),
    route("POST", f"{_PHONE}/testers", create_tester, "tester"),
    route(
        "POST", f"{_PHONE}/dialogflowMessages", dialogflow, "dialogflow", query=("messageIdPrefix", "agentId")
    ),
    route("POST", f"{_PHONE}/capability:requestCapabilityCallback", capability_callback, "capabilities"),
    route("POST", "/v1/users:batchGet", batch_get, "batch-get", recipients=users_of),
    route("POST", "/v1/files", create_file, "file"),
    route(
        "POST",
        "/upload/v1/files",
        upload_file,
        "file",
        query=("agentId", "upload_id"),
        body_bytes_max=UPLOAD_BYTES_MAX,
    ),
    route(
        "PUT",
        "/upload/v1/files",
        resume_upload,
        "file",
        query=("agentId", "upload_id"),
        body_bytes_max=UPLOAD_BYTES_MAX,
    ),
    Route("POST", "/token", _token, "token", open=True),
    Route("GET", "/$discovery/rest", _discovery, "discovery", open=True),
    route("POST", _INTEGRATIONS, create_integration, "integration", scope="b"),
    route("GET", _INTEGRATIONS, list_integrations, "integration", query=_PAGED, scope="b"),
    route("GET", _INTEGRATION, get_integration, "integration", scope="b"),
    route(
        "PATCH", _INTEGRATION, patch_integration, "integration", query=("agentId", "updateMask"), scope="b"
    ),
    route("DELETE", _INTEGRATION, delete_integration, "integration", scope="b"),
    route("POST", "/v1/testers", invite_tester, "tester", scope="b", recipients=phone_in_body),
    route("GET", "/v1/testers", list_testers, "tester", query=_PAGED, scope="b"),
    route("GET", "/v1/testers/{phone}", get_tester, "tester", scope="b"),
    route("DELETE", "/v1/testers/{phone}", delete_tester, "tester", scope="b"),
)

COVERAGE: Final[tuple[Coverage, ...]] = (
    Coverage("POST", "/v1/phones/{phone}/agentMessages", "supported"),
    Coverage("DELETE", "/v1/phones/{phone}/agentMessages/{message}", "supported"),
    Coverage("POST", "/v1/phones/{phone}/agentEvents", "supported"),
    Coverage("GET", "/v1/phones/{phone}/capabilities", "supported"),
    Coverage("POST", "/v1/phones/{phone}/testers", "supported"),
    Coverage("POST", "/v1/phones/{phone}/dialogflowMessages", "partial", "answers, holds no conversation"),
    Coverage(
        "POST",
        "/v1/phones/{phone}/capability:requestCapabilityCallback",
        "supported",
        "gone from Google's clients since 2025",
    ),
    Coverage("POST", "/v1/users:batchGet", "supported", "which number is in which region is chosen"),
    Coverage("POST", "/v1/files", "partial", "the URL is checked, not fetched"),
    Coverage("POST", "/upload/v1/files", "supported", "bare, media, multipart, resumable"),
    Coverage("PUT", "/upload/v1/files", "supported", "the pieces of a resumable upload"),
    Coverage("POST", "/token", "supported", "JWT bearer grant"),
    Coverage("GET", "/$discovery/rest", "supported", "our own document"),
    Coverage("POST", "/v1/brands/{brand}/agents/{agent}/integrations", "supported", "webhooks"),
    Coverage("GET", "/v1/brands/{brand}/agents/{agent}/integrations", "supported"),
    Coverage("GET", "/v1/brands/{brand}/agents/{agent}/integrations/{integration}", "supported"),
    Coverage("PATCH", "/v1/brands/{brand}/agents/{agent}/integrations/{integration}", "supported"),
    Coverage("DELETE", "/v1/brands/{brand}/agents/{agent}/integrations/{integration}", "supported"),
    Coverage("POST", "/v1/testers", "partial", "shape of the answer chosen"),
    Coverage("GET", "/v1/testers", "partial", "shape of the answer chosen"),
    Coverage("GET", "/v1/testers/{phone}", "partial", "shape of the answer chosen"),
    Coverage("DELETE", "/v1/testers/{phone}", "supported"),
    Coverage("POST", "/v1/brands", "absent", "other parts of the management API"),
    Coverage("POST", "/batch", "absent"),
)
