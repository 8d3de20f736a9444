"""
BiP's endpoints.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from simulator.provider import (
    Answer,
    Call,
    Coverage,
    Credential,
    Handler,
    InTurns,
    Refuse,
    Route,
    basic_credential,
    gathered,
)
from simulator.providers.bip.account import Account
from simulator.providers.bip.breach import Breach
from simulator.providers.bip.codes import SUCCESS
from simulator.providers.bip.render import answer_json
from simulator.providers.bip.sending import send
from simulator.providers.bip.settings import Settings
from simulator.providers.bip.uploads import UPLOAD_BYTES_MAX, upload
from simulator.providers.bip.wire import (
    SendRequest,
    bad_request,
    decode,
    parse_list,
    parse_multi,
    parse_single,
    required_txnid,
)

__all__ = ["COVERAGE", "ROUTES", "account_of", "credential_of"]

_BASE: Final = "/tes/rest/spi"
_JSON: Final = "application/json"
SEND_BYTES_MAX: Final = 16 * 1_048_576
"""No limit is documented (OC-9); this one keeps the simulator alive."""


def account_of(call: Call) -> Account:
    """Return the BiP service of a call's space."""
    return call.account(Account)


def credential_of(call: Call) -> Credential | None:
    """Return the service's username and password, or None when they are missing or malformed."""
    credential = basic_credential(call)
    return credential if credential is not None and credential.secret else None


def _check_content_type(call: Call) -> None:
    content_type = call.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type != _JSON:
        raise bad_request(Breach("body", "Content-Type", f"expected {_JSON}"))


def _sending(parse: Callable[[bytes, Settings], SendRequest]) -> Handler:
    def handle(call: Call) -> Answer | Awaitable[Answer]:
        account = account_of(call)
        _check_content_type(call)
        return call.read_in_turns(
            lambda: parse(call.body, account.settings), lambda request: send(call, account, request)
        )

    return handle


def _asking(method: str, show: Callable[[Account], InTurns[dict[str, object]]]) -> Handler:
    def steps(call: Call) -> InTurns[Answer]:
        account = account_of(call)
        _check_content_type(call)
        txnid = required_txnid(decode(call.body), account.settings)
        objections = account.standing.against_method(method)
        if objections:
            first = account.standing.first(objections)
            raise Refuse(str(first.code), first.why, txnid=txnid)
        call.names = {"txnid": txnid}
        # The table of the answer has txnid, its example has not.
        return answer_json({"txnid": txnid, "resultcode": SUCCESS, **(yield from show(account))})

    return lambda call: call.in_turns(steps(call))


def _contacts(account: Account) -> InTurns[dict[str, object]]:
    followers = yield from account.followers()
    receivers = yield from gathered(map(account.receiver_of, followers))
    return {"list": [{"type": receiver.kind, "address": receiver.written} for receiver in receivers]}


def _follower_count(account: Account) -> InTurns[dict[str, object]]:
    return {"followercount": len((yield from account.followers()))}


def _upload(call: Call) -> Answer | Awaitable[Answer]:
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
