"""
Turkcell BiP, Discover API (TES).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from simulator.kernel.engine.call_result import CallRefusal
from simulator.kernel.model.fates import Fate
from simulator.provider import Answer, Call, Code, Coverage, Credential, Gateway, Provider, Route
from simulator.providers.bip.account import Account
from simulator.providers.bip.acts import ACTS
from simulator.providers.bip.codes import GENERAL_ERROR, RESULTS
from simulator.providers.bip.content import Breach
from simulator.providers.bip.outcomes import FAILURE_SHAPE, REFUSAL_SHAPE, catalogue
from simulator.providers.bip.render import answer_json
from simulator.providers.bip.routes import COVERAGE, ROUTES, account_of, credential_of, refuse
from simulator.providers.bip.settings import SETTINGS
from simulator.providers.bip.uploads import failed_upload, is_upload, refuse_upload, upload_txnid
from simulator.providers.bip.wire import BadRequest, txnid_of
from simulator.schema.shapes import Shape

__all__ = ["PROVIDER", "Bip"]

# A magic recipient, for anybody else has to open a session first.
_EXAMPLE: Final = """\
curl {base_url}/tes/rest/spi/sendmsgserv \\
  -u '{credential}' -H 'Content-Type: application/json' \\
  -d '{{"txnid":"t-1","receiver":{{"type":2,"address":"905000000000"}},\
"composition":{{"list":[{{"type":0,"message":"hello"}}]}}}}'"""


class Bip:
    """
    Turkcell BiP's Discover API, which its paths call TES, with the FTS upload.
    """

    name = "bip"
    title = "Turkcell BiP Discover (TES)"
    hosts = (
        "tims.turkcell.com.tr",
        "prptims.turkcell.com.tr",
        "tes.bip.com",
        # Of uploads and of files.
        "timsac.turkcell.com.tr",
        "timsac.bip.com",
    )
    routes: Sequence[Route] = ROUTES
    coverage: Sequence[Coverage] = COVERAGE
    settings: Shape[Mapping[str, object]] = SETTINGS
    refusal_shape: Shape[str] = REFUSAL_SHAPE
    failure_shape: Shape[Fate] = FAILURE_SHAPE
    acts: Sequence[str] = tuple(ACTS)
    numbers: str = "+90532"

    def open(self, gateway: Gateway) -> Account:
        """Return a fresh service of a space."""
        return Account(gateway)

    def normal_path(self, path: str) -> str:
        """Return *path* as routes spell it; clients may append a slash."""
        return path.rstrip("/") or "/"

    def mint_credential(self, token: str) -> str:
        """Return a service username and password."""
        return f"service-{token[:8]}:{token[8:]}"

    def example(self, base_url: str, credential: str) -> str:
        """Return a curl command that sends a first message."""
        return _EXAMPLE.format(base_url=base_url, credential=credential)

    def credential_of(self, call: Call) -> Credential | None:
        """Return the credential of a call; None when it is missing or malformed."""
        return credential_of(call)

    def unauthorized(self, call: Call) -> Answer:
        """Answer 401 without a body: no documented code means a bad password (OC-1)."""
        status = account_of(call).settings.unauthorized_http
        return Answer(status, b"", "", (("WWW-Authenticate", 'Basic realm="TES"'),))

    def not_found(self, call: Call, allowed: Sequence[str]) -> Answer:
        """Answer 404, or 405 for a wrong method (OC-4); neither has a body."""
        if allowed:
            return Answer(405, b"", "", (("Allow", ", ".join(allowed)),))
        return Answer(404, b"", "")

    def too_large(self, call: Call, bytes_max: int) -> Answer:
        """Answer as a body that cannot be read; what the real service does is not documented."""
        expected = f"expected at most {bytes_max} bytes"
        if is_upload(call):
            return refuse_upload(call, None, expected)
        return refuse(call, BadRequest(Breach("body", "body", expected)))

    def failed(self, call: Call) -> Answer:
        """Answer 500 with the general error, or of an upload with its failure."""
        if is_upload(call):
            return failed_upload(None, 500)
        return answer_json({"txnid": txnid_of(call.body), "resultcode": GENERAL_ERROR}, 500)

    def refused(self, call: Call, refusal: CallRefusal) -> Answer:
        """Answer a call that a rule refuses, with a bare HTTP status or a result code."""
        code = refusal.code
        if code == "http401":
            return self.unauthorized(call)
        http = int(code.removeprefix("http")) if code.startswith("http") else 0
        retry_s = -(-refusal.retry_after_ms // 1_000)
        headers = (("Retry-After", str(retry_s)),) if http and retry_s else ()
        if is_upload(call):
            return failed_upload(upload_txnid(call), http or 200)._replace(headers=headers)
        if http:
            return Answer(http, b"", "", headers)
        status = 200 if int(code) in RESULTS else account_of(call).settings.verification_http
        return answer_json({"txnid": txnid_of(call.body), "resultcode": int(code)}, status)

    def codes(self) -> Sequence[Code]:
        """Return every result, verification code and outcome with its magic recipient."""
        return catalogue()


PROVIDER: Provider = Bip()
