"""
Bitel SMS and voice calls.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from simulator.kernel.engine.call_result import CallRefusal
from simulator.kernel.model.fates import Fate
from simulator.provider import Answer, Call, Code, Coverage, Credential, Gateway, Provider, Route
from simulator.providers.bitel.account import Account
from simulator.providers.bitel.outcomes import FAILURE_SHAPE, REFUSAL_SHAPE, catalogue
from simulator.providers.bitel.render import error_answer
from simulator.providers.bitel.routes import COVERAGE, ROUTES, credential_of, refusal
from simulator.providers.bitel.sending import account_of
from simulator.providers.bitel.settings import SETTINGS
from simulator.schema.shapes import Shape

__all__ = ["PROVIDER", "Bitel"]

_EXAMPLE = """\
curl {base_url}/api/v2/sms/single \\
  -H 'Authorization: Bearer {credential}' -H 'Content-Type: application/json' \\
  -d '{{"message":"hello","phoneNumber":"09120000001"}}'"""


class Bitel:
    """
    Bitel's API: version 2.0.0, and the older v1 beside it.
    """

    name = "bitel"
    title = "Bitel SMS and voice"
    hosts = ("api.bitel.rest",)
    routes: Sequence[Route] = ROUTES
    coverage: Sequence[Coverage] = COVERAGE
    settings: Shape[Mapping[str, object]] = SETTINGS
    refusal_shape: Shape[str] = REFUSAL_SHAPE
    failure_shape: Shape[Fate] = FAILURE_SHAPE
    acts: Sequence[str] = ()
    numbers: str = "+98912"

    def open(self, gateway: Gateway) -> Account:
        """Return a fresh account of a space."""
        return Account(gateway)

    def normal_path(self, path: str) -> str:
        """Return *path* as routes spell it; clients may append a slash."""
        return path.rstrip("/") or "/"

    def mint_credential(self, token: str) -> str:
        """Return a token of the usual form, a JWT; its signature signs nothing."""
        claims = base64.urlsafe_b64encode(f'{{"sub":"{token}"}}'.encode()).decode().rstrip("=")
        return f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{claims}.{token}"

    def example(self, base_url: str, credential: str) -> str:
        """Return a curl command that sends a first message."""
        return _EXAMPLE.format(base_url=base_url, credential=credential)

    def credential_of(self, call: Call) -> Credential | None:
        """Return the token of a call; None when it is missing or malformed."""
        return credential_of(call)

    def unauthorized(self, call: Call) -> Answer:
        """Answer 401; its body is chosen (OC-1)."""
        return refusal(call, "Unauthorized")

    def not_found(self, call: Call, allowed: Sequence[str]) -> Answer:
        """Answer 404, or 405 for a wrong method; both bodies are chosen (OC-22)."""
        settings = account_of(call).settings
        status, body = (405, settings.wrong_method_body) if allowed else (404, settings.not_found_body)
        headers = (("Allow", ", ".join(allowed)),) if allowed else ()
        if body == "empty":
            return Answer(status, b"", "", headers)
        return error_answer(status, "NotFound", headers)

    def too_large(self, call: Call, bytes_max: int) -> Answer:
        """Answer as to any other bad request; what the real service does is not documented."""
        return refusal(call, "InvalidRequest", f"expected a body of at most {bytes_max} bytes")

    def failed(self, call: Call) -> Answer:
        """Answer 500 with a code that says whose fault it is; Bitel's own is not known (OC-5)."""
        return refusal(call, "SimulatorFailure/500")

    def refused(self, call: Call, refused: CallRefusal) -> Answer:
        """Answer a call that a rule refuses; with Retry-After where it says when to come back."""
        return refusal(call, refused.code, retry_after_s=-(-refused.retry_after_ms // 1_000))

    def codes(self) -> Sequence[Code]:
        """Return every status and error with its magic recipient."""
        return catalogue()


PROVIDER: Final[Provider] = Bitel()
