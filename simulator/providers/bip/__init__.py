"""
Turkcell BiP, Discover API (TES).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zlib import crc32

from simulator.provider import Answer, Call, Json, Provider, Refuse, SampleCall, SampleRefusal
from simulator.providers.bip.account import Account, figures
from simulator.providers.bip.acts import ACTS
from simulator.providers.bip.addresses import address_of, opaque
from simulator.providers.bip.breach import Breach
from simulator.providers.bip.client import CLIENT
from simulator.providers.bip.codes import GENERAL_ERROR, RESULTS
from simulator.providers.bip.outcomes import FAILURE_SHAPE, REFUSAL_SHAPE, catalogue
from simulator.providers.bip.render import answer_json
from simulator.providers.bip.routes import COVERAGE, ROUTES, account_of, credential_of
from simulator.providers.bip.settings import SETTINGS
from simulator.providers.bip.showing import show
from simulator.providers.bip.uploads import BAD_UPLOAD, failed_upload, is_upload, upload_txnid
from simulator.providers.bip.wire import txnid_of

__all__ = ["PROVIDER"]

_EXAMPLE: Final = """\
curl {base_url}/tes/rest/spi/sendmsgserv \\
  -u '{credential}' -H 'Content-Type: application/json' \\
  -d '{{"txnid":"t-1","receiver":{{"type":2,"address":"905320000001"}},\
"composition":{{"list":[{{"type":0,"message":"hello"}}]}}}}'"""


def _sample(number: str, text: str) -> SampleCall:
    digits = number.removeprefix("+")
    body: Json = {
        "txnid": f"t-{crc32(f'{digits} {text}'.encode()):08x}",
        "receiver": {"type": 2, "address": digits},
        "composition": {"list": [{"type": 0, "message": text}]},
    }
    headers = {"Authorization": "Basic c2VydmljZTpzZWNyZXQ="}
    return SampleCall("POST", "/tes/rest/spi/sendmsgserv", headers, body)


def _mint_credential(token: str) -> str:
    """Return a service username and password."""
    return f"service-{token[:8]}:{token[8:]}"


def _unauthorized(call: Call) -> Answer:
    """Answer 401 without a body: no documented code means a bad password (OC-1)."""
    status = account_of(call).settings.unauthorized_http
    return Answer(status, b"", "", (("WWW-Authenticate", 'Basic realm="TES"'),))


def _not_found(call: Call, allowed: Sequence[str]) -> Answer:
    """Answer 404, or 405 for a wrong method (OC-4); neither has a body."""
    if allowed:
        return Answer(405, b"", "", (("Allow", ", ".join(allowed)),))
    return Answer(404, b"", "")


def _too_large(call: Call, bytes_max: int) -> Answer:
    """Answer as a body that cannot be read; what the real service does is not documented."""
    if is_upload(call):
        return failed_upload(None)
    return _unverified(call, "body", None)


def _txnid_of(call: Call) -> str | None:
    return call.names.get("txnid") or txnid_of(call.body)


def _failed(call: Call) -> Answer:
    """Answer 500 with the general error, or of an upload with its failure."""
    if is_upload(call):
        return failed_upload(None, 500)
    return answer_json({"txnid": _txnid_of(call), "resultcode": GENERAL_ERROR}, 500)


def _unverified(call: Call, rule: int | str, txnid: object) -> Answer:
    """
    Answer a request that verification refuses.

    Rules without a code of their own have one in the settings.
    """
    settings = account_of(call).settings
    code = rule if isinstance(rule, int) else settings.structural_codes[rule]
    return answer_json({"txnid": txnid, "resultcode": code}, settings.verification_http)


def _refused(call: Call, refuse: Refuse) -> Answer:
    """Answer a call that is refused, with a bare HTTP status or a result code."""
    code = refuse.code
    if code == BAD_UPLOAD:
        return failed_upload(upload_txnid(call))
    if refuse.decided is None:
        breach, txnid = refuse.facts.get("breach"), refuse.facts["txnid"]
        if isinstance(txnid, str):
            call.names = {"txnid": txnid}
        if isinstance(breach, Breach):
            return _unverified(call, breach.rule, txnid)
        return answer_json({"txnid": txnid, "resultcode": int(code)})
    if code == "http401":
        return _unauthorized(call)
    http = int(code.removeprefix("http")) if code.startswith("http") else 0
    headers = refuse.retry_headers if http else ()
    if is_upload(call):
        return failed_upload(upload_txnid(call), http or 200)._replace(headers=headers)
    if http:
        return Answer(http, b"", "", headers)
    status = 200 if int(code) in RESULTS else account_of(call).settings.verification_http
    return answer_json({"txnid": _txnid_of(call), "resultcode": int(code)}, status)


PROVIDER: Final = Provider(
    name="bip",
    title="Turkcell BiP Discover (TES)",
    hosts=(
        "tims.turkcell.com.tr",
        "prptims.turkcell.com.tr",
        "tes.bip.com",
        # Of uploads and of files.
        "timsac.turkcell.com.tr",
        "timsac.bip.com",
    ),
    routes=ROUTES,
    coverage=COVERAGE,
    settings=SETTINGS,
    counts_over_all={"quotas.all_followers": "broadcasts to all followers use it up"},
    open=Account,
    figures=figures,
    figures_told=("code",),
    codes=catalogue,
    refusal_shape=REFUSAL_SHAPE,
    failure_shape=FAILURE_SHAPE,
    acts=tuple(ACTS),
    numbers="+90532",
    address_of=address_of,
    opaque=opaque,
    # Clients may append a slash.
    normal_path=lambda path: path.rstrip("/") or "/",
    mint_credential=_mint_credential,
    client=CLIENT,
    example=lambda base_url, credential: _EXAMPLE.format(base_url=base_url, credential=credential),
    sample=_sample,
    refusals=(SampleRefusal({"http": 503}, False), SampleRefusal(312, True)),
    credential_of=credential_of,
    credential_wanted=lambda _: "Authorization: Basic, with user name and password of the service",
    unauthorized=_unauthorized,
    not_found=_not_found,
    too_large=_too_large,
    failed=_failed,
    refused=_refused,
    show=show,
)
