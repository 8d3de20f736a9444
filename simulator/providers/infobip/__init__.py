"""
Infobip SMS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.kernel.engine.call_result import CallRefusal
from simulator.kernel.model.fates import Fate
from simulator.provider import Answer, Call, Code, Coverage, Credential, Gateway, Route
from simulator.providers.infobip.account import Account
from simulator.providers.infobip.calls import credential_of, refusal, with_reason
from simulator.providers.infobip.formats import normal_path
from simulator.providers.infobip.outcomes import FAILURE_SHAPE, REFUSAL_SHAPE, catalogue
from simulator.providers.infobip.routes import COVERAGE, ROUTES
from simulator.providers.infobip.settings import SETTINGS
from simulator.schema.shapes import Shape

__all__ = ["PROVIDER", "Infobip"]

_EXAMPLE = """\
curl {base_url}/sms/1/text/advanced \\
  -H 'Authorization: App {credential}' -H 'Content-Type: application/json' \\
  -d '{{"messages":[{{"destinations":[{{"to":"41793026727"}}],"from":"InfoSMS","text":"hello"}}]}}'"""


class Infobip:
    """
    Infobip's SMS API, three generations of it side by side.
    """

    name = "infobip"
    title = "Infobip SMS"
    hosts = ("api.infobip.com", "*.api.infobip.com")
    routes: Sequence[Route] = ROUTES
    coverage: Sequence[Coverage] = COVERAGE
    settings: Shape[Mapping[str, object]] = SETTINGS
    refusal_shape: Shape[str] = REFUSAL_SHAPE
    failure_shape: Shape[Fate] = FAILURE_SHAPE
    acts: Sequence[str] = ("writes", "clicks")
    numbers: str = "+4179"

    def open(self, gateway: Gateway) -> Account:
        """Return a fresh account of a space."""
        return Account(gateway)

    def normal_path(self, path: str) -> str:
        """Return *path* as routes spell it; clients may append a slash, or a format."""
        return normal_path(path)

    def mint_credential(self, token: str) -> str:
        """Return an API key of the usual form: 32 hexadecimal digits, a dash, a UUID."""
        return f"{token}-{token[:8]}-{token[8:12]}-4{token[13:16]}-8{token[17:20]}-{token[20:32]}"

    def example(self, base_url: str, credential: str) -> str:
        """Return a curl command that sends a first message."""
        return _EXAMPLE.format(base_url=base_url, credential=credential)

    def credential_of(self, call: Call) -> Credential | None:
        """Return the credential of a call; None when it is missing or malformed."""
        return credential_of(call)

    def unauthorized(self, call: Call) -> Answer:
        """Answer 401; the live service words a missing and a wrong credential alike."""
        return refusal(call, "UNAUTHORIZED")

    def not_found(self, call: Call, allowed: Sequence[str]) -> Answer:
        """
        Answer 404, for a wrong method as well: the live service has no 405.

        The envelope is the old one even under /sms/3 (OC-2), the path without query.
        """
        return refusal(call, "NOT_FOUND", text=f"Requested URL not found: {call.path}", legacy=True)

    def too_large(self, call: Call, bytes_max: int) -> Answer:
        """Answer 400; what the real service does with huge bodies is not documented."""
        return with_reason(call, refusal(call, "BAD_REQUEST"), f"body: expected at most {bytes_max} bytes")

    def failed(self, call: Call) -> Answer:
        """Answer 500."""
        return refusal(call, "GENERAL_ERROR")

    def refused(self, call: Call, refused: CallRefusal) -> Answer:
        """Answer a call that a rule refuses; with Retry-After where it says when to come back."""
        return refusal(call, refused.code, retry_after_s=-(-refused.retry_after_ms // 1_000))

    def codes(self) -> Sequence[Code]:
        """Return every status, error and refusal with its magic recipient."""
        return catalogue()


PROVIDER = Infobip()
