"""
Bitel SMS and voice calls.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

from simulator.provider import (
    Answer,
    Call,
    Provider,
    Refuse,
    SampleCall,
    SampleRefusal,
    bearer_credential,
    normal_address,
)
from simulator.providers.bitel.account import Account, figures
from simulator.providers.bitel.outcomes import FAILURE_SHAPE, REFUSAL_SHAPE, catalogue
from simulator.providers.bitel.render import error_answer
from simulator.providers.bitel.routes import COVERAGE, ROUTES, refusal
from simulator.providers.bitel.sending import account_of
from simulator.providers.bitel.settings import SETTINGS
from simulator.providers.bitel.wire import network_address

__all__ = ["PROVIDER"]

_EXAMPLE = """\
curl {base_url}/api/v2/sms/single \\
  -H 'Authorization: Bearer {credential}' -H 'Content-Type: application/json' \\
  -d '{{"message":"hello","phoneNumber":"09120000001"}}'"""


def _sample(number: str, text: str) -> SampleCall:
    # As it is dialled at home.
    dialled = f"0{number.removeprefix('+98')}"
    headers = {"Authorization": "Bearer token"}
    return SampleCall("POST", "/api/v2/sms/single", headers, {"message": text, "phoneNumber": dialled})


def _mint_credential(token: str) -> str:
    """Return a token of the usual form, a JWT; its signature signs nothing."""
    claims = base64.urlsafe_b64encode(f'{{"sub":"{token}"}}'.encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{claims}.{token}"


def _unauthorized(call: Call) -> Answer:
    """Answer 401; its body is chosen (OC-1)."""
    return refusal(call, "Unauthorized")


def _not_found(call: Call, allowed: Sequence[str]) -> Answer:
    """Answer 404, or 405 for a wrong method; both bodies are chosen (OC-22)."""
    settings = account_of(call).settings
    status, body = (405, settings.wrong_method_body) if allowed else (404, settings.not_found_body)
    headers = (("Allow", ", ".join(allowed)),) if allowed else ()
    if body == "empty":
        return Answer(status, b"", "", headers)
    return error_answer(status, "NotFound", headers)


def _too_large(call: Call, bytes_max: int) -> Answer:
    """Answer as to any other bad request; what the real service does is not documented."""
    return refusal(call, "InvalidRequest")


def _failed(call: Call) -> Answer:
    """Answer 500 with a code that says whose fault it is; Bitel's own is not known (OC-5)."""
    return refusal(call, "SimulatorFailure/500")


def _refused(call: Call, refuse: Refuse) -> Answer:
    """Answer a call that is refused; with Retry-After where it is known when to come back."""
    return refusal(call, refuse.code, refuse.retry_headers)


PROVIDER: Final = Provider(
    name="bitel",
    title="Bitel SMS and voice",
    hosts=("api.bitel.rest",),
    routes=ROUTES,
    coverage=COVERAGE,
    settings=SETTINGS,
    open=Account,
    codes=catalogue,
    refusal_shape=REFUSAL_SHAPE,
    failure_shape=FAILURE_SHAPE,
    figures=figures,
    figures_told=("price", "parts", "code"),
    numbers="+98912",
    country_code="98",
    address_of=lambda text: network_address(text, "any") or normal_address(text),
    # Clients may append a slash; a published one writes `bearer`.
    normal_path=lambda path: path.rstrip("/") or "/",
    mint_credential=_mint_credential,
    example=lambda base_url, credential: _EXAMPLE.format(base_url=base_url, credential=credential),
    sample=_sample,
    refusals=(
        SampleRefusal({"code": "InternalError", "http": 503}, False),
        SampleRefusal("InvalidRequest", True),
    ),
    credential_of=bearer_credential,
    credential_wanted=lambda _: "Authorization: Bearer TOKEN",
    unauthorized=_unauthorized,
    not_found=_not_found,
    too_large=_too_large,
    failed=_failed,
    refused=_refused,
)
