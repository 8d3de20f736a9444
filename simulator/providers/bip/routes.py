"""
BiP's endpoints.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Final

from simulator.kernel.store.facts import Note
from simulator.provider import Answer, Call, Coverage, Credential, Route, header_text
from simulator.providers.bip.account import Account
from simulator.providers.bip.codes import SUCCESS
from simulator.providers.bip.content import Breach
from simulator.providers.bip.render import answer_json
from simulator.providers.bip.sending import send
from simulator.providers.bip.settings import Settings
from simulator.providers.bip.uploads import UPLOAD_BYTES_MAX, upload
from simulator.providers.bip.wire import (
    HASHED,
    PLAIN,
    BadRequest,
    SendRequest,
    decode,
    parse_list,
    parse_multi,
    parse_single,
    required_txnid,
)

__all__ = ["COVERAGE", "ROUTES", "account_of", "credential_of", "refuse"]

_BASE: Final = "/tes/rest/spi"
_JSON: Final = "application/json"
SEND_BYTES_MAX: Final = 16 * 1_048_576
"""No limit is documented (OC-9); this one keeps the simulator alive."""


def account_of(call: Call) -> Account:
    """Return the BiP service of a call's space."""
    account = call.gateway.account
    assert isinstance(account, Account)
    return account


def credential_of(call: Call) -> Credential | None:
    """Return the service's username and password, or None when they are missing or malformed."""
    scheme, _, secret = call.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(secret.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Credential("basic", password, user) if colon and user and password else None


def refuse(call: Call, bad: BadRequest) -> Answer:
    """
    Answer a request that verification refuses.

    The body has room for a code only, so which rule was broken, and where, is
    told in a header and in the journal.
    """
    settings = account_of(call).settings
    breach = bad.breach
    code = breach.rule if isinstance(breach.rule, int) else settings.structural_codes[breach.rule]
    said = f"{breach.path}: {breach.expected}"
    simulation = call.gateway.simulation
    simulation.journal.add(
        simulation.clock.now_ms,
        Note(f"verification refused the call: {said}", str(code)),
        provider="bip",
    )
    answer = answer_json({"txnid": bad.txnid, "resultcode": code}, settings.verification_http)
    return answer._replace(headers=(("X-Simulator-Reason", header_text(said)),))


def _check_content_type(call: Call) -> None:
    content_type = call.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type != _JSON:
        raise BadRequest(Breach("body", "Content-Type", f"expected {_JSON}"))


def _sending(parse: Callable[[bytes, Settings], SendRequest]) -> Callable[[Call], Answer]:
    def handle(call: Call) -> Answer:
        account = account_of(call)
        try:
            _check_content_type(call)
            request = parse(call.body, account.settings)
        except BadRequest as bad:
            return refuse(call, bad)
        return send(call, account, request)

    return handle


def _asking(method: str, tell: Callable[[Account], dict[str, object]]) -> Callable[[Call], Answer]:
    def handle(call: Call) -> Answer:
        account = account_of(call)
        try:
            _check_content_type(call)
            txnid = required_txnid(decode(call.body), account.settings)
        except BadRequest as bad:
            return refuse(call, bad)
        code = account.standing(method)
        told = tell(account) if code == SUCCESS else {}
        # The table of the answer has txnid, its example has not.
        return answer_json({"txnid": txnid, "resultcode": code, **told})

    return handle


def _contacts(account: Account) -> dict[str, object]:
    kind = PLAIN if account.settings.plain_numbers else HASHED
    return {"list": [{"type": kind, "address": account.spell(one)} for one in account.followers()]}


def _follower_count(account: Account) -> dict[str, object]:
    return {"followercount": len(account.followers())}


def _upload(call: Call) -> Answer:
    return upload(call, account_of(call))


ROUTES: Final[tuple[Route, ...]] = (
    Route("POST", f"{_BASE}/sendmsgserv", _sending(parse_single), "send", True, SEND_BYTES_MAX),
    Route("POST", f"{_BASE}/sendmsgservlist", _sending(parse_list), "send", True, SEND_BYTES_MAX),
    Route("POST", f"{_BASE}/sendmultiusermulticontent", _sending(parse_multi), "send", True, SEND_BYTES_MAX),
    Route("POST", f"{_BASE}/listcontacts", _asking("listcontacts", _contacts), "contacts"),
    Route("POST", f"{_BASE}/followercount", _asking("followercount", _follower_count), "contacts"),
    Route("POST", "/fts/rest/file/upload", _upload, "upload", body_bytes_max=UPLOAD_BYTES_MAX),
)

COVERAGE: Final[tuple[Coverage, ...]] = (
    Coverage("POST", f"{_BASE}/sendmsgserv", "supported"),
    Coverage("POST", f"{_BASE}/sendmsgservlist", "supported"),
    Coverage("POST", f"{_BASE}/sendmultiusermulticontent", "supported"),
    Coverage("POST", f"{_BASE}/listcontacts", "supported"),
    Coverage("POST", f"{_BASE}/followercount", "supported", "the real path is not known; this one is ours"),
    Coverage("POST", "/fts/rest/file/upload", "supported", "the file is counted and forgotten"),
)
