"""
What the contract needs to know of each provider: how to send to one recipient, and what its catalogue means.

A further provider adds a row here; the questions in `test_contract` are the same for all.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from simulator.kernel.model.recipient import Value
from simulator.provider import Code

__all__ = ["ROWS", "Ended", "Row", "Sending"]


class Sending(NamedTuple):
    """
    A call that sends to one recipient.
    """

    path: str
    body: Any


class Ended(NamedTuple):
    """
    What became of a send: its answer, and what the journal tells.
    """

    status: int
    body: bytes
    codes: frozenset[str]
    """The provider's codes in the journal and of the message."""
    state: str
    """State of the message; empty: there is none."""


class Row(NamedTuple):
    """
    One provider.
    """

    authorization: Callable[[str], str]
    """From a credential, as settings list it, to the header."""
    refused_credential: str
    """A well-formed credential that every space refuses."""
    send: Callable[[str, str], Sending]
    """From a recipient as clients write it, and the kind of a catalogue row, to a call."""
    number: Callable[[int], str]
    """The n-th ordinary recipient as clients write it."""
    address: Callable[[str], str]
    """From a recipient as clients write it to the kernel's spelling."""
    holds: Callable[[Code, Ended], bool]
    """Whether a send to a magic recipient ended as the catalogue says."""
    circumstances: Mapping[str, Value] = {}
    """What must be true of an ordinary recipient before anything can be sent to it."""
    page: bytes = b""
    """What stands in the page that answers unknown paths; empty: they are answered like other errors."""


def _plus(number: str) -> str:
    return f"+{number.removeprefix('+')}"


# -- Infobip ------------------------------------------------------------------------------------


def _infobip_send(recipient: str, _: str) -> Sending:
    message = {"from": "InfoSMS", "destinations": [{"to": recipient}], "text": "hello"}
    return Sending("/sms/2/text/advanced", {"messages": [message]})


def _infobip_holds(row: Code, ended: Ended) -> bool:
    if row.kind == "http":
        return ended.status == int(row.code)
    place = 0 if row.kind == "status" else 2
    return any(code.partition("/")[place] == row.code for code in ended.codes)


# -- RBM ----------------------------------------------------------------------------------------

_RBM_STATES: Final = {
    "DELIVERED_AND_TTL_EXPIRATION_REVOKED": "delivered",
    "DELIVERED_DESPITE_REVOKE": "sent",
    "FAILED": "failed",
    "NO_EVENT": "sent",
    "READ": "read",
    "TTL_EXPIRATION_REVOKED": "expired",
    "TTL_EXPIRATION_REVOKE_FAILED": "expired",
}
"""Outcomes by the state in which they leave a message; all others follow a delivery."""


def _rbm_send(recipient: str, _: str) -> Sending:
    query = f"messageId=m{recipient.removeprefix('+')}&agentId=welcome-bot"
    body = {"contentMessage": {"text": "hello"}, "ttl": "3600s"}
    return Sending(f"/v1/phones/{recipient}/agentMessages?{query}", body)


def _rbm_holds(row: Code, ended: Ended) -> bool:
    if row.kind == "error":
        # One error answers a revoke alone, so its message gets through.
        return ended.status == int(row.code) or (row.name, ended.state) == ("ALREADY_DELIVERED", "delivered")
    return ended.state in (
        {_RBM_STATES.get(row.name, "delivered")} | ({"accepted"} if _silent(row) else set())
    )


def _silent(row: Code) -> bool:
    return _RBM_STATES.get(row.name) == "sent"


# -- BiP ----------------------------------------------------------------------------------------

_BIP_STATES: Final = {"read": "read", "answered": "read", "expired": "expired"}


def _bip_send(recipient: str, _: str) -> Sending:
    return Sending(
        "/tes/rest/spi/sendmsgserv",
        {
            "txnid": f"t{recipient}",
            "receiver": {"type": 2, "address": recipient},
            "composition": {"list": [{"type": 0, "message": "hello"}]},
        },
    )


def _bip_holds(row: Code, ended: Ended) -> bool:
    if row.kind == "http":
        return ended.status == int(row.code)
    if row.kind == "fate":
        silent = row.name == "silent" and ended.state in ("accepted", "sent")
        return silent or ended.state == _BIP_STATES.get(row.name, "delivered")
    if row.code == "0":
        return ended.state == "delivered"
    return row.code in ended.codes and row.code.encode() in ended.body


# -- Bitel --------------------------------------------------------------------------------------


def _bitel_send(recipient: str, kind: str) -> Sending:
    if kind == "call":
        return Sending("/api/v2/voice/single/tts", {"phoneNumber": recipient, "text": "hello"})
    return Sending("/api/v2/sms/single", {"phoneNumber": recipient, "message": "hello"})


def _bitel_holds(row: Code, ended: Ended) -> bool:
    refused = ended.status >= 400 and f'"{row.code}"'.encode() in ended.body
    return row.name in ended.codes and (refused if row.kind == "error" else ended.status == 200)


ROWS: Final[Mapping[str, Row]] = {
    "infobip": Row(
        authorization=lambda credential: f"App {credential}",
        refused_credential="invalid-key",
        send=_infobip_send,
        number=lambda n: f"4179302{n:04d}",
        address=_plus,
        holds=_infobip_holds,
    ),
    "rbm": Row(
        authorization=lambda credential: f"Bearer {credential}",
        refused_credential="invalid-token",
        send=_rbm_send,
        number=lambda n: f"+4179302{n:04d}",
        address=_plus,
        holds=_rbm_holds,
        page=b"<title>Error 404 (Not Found)!!1</title>",
    ),
    "bip": Row(
        authorization=lambda credential: f"Basic {base64.b64encode(credential.encode()).decode()}",
        refused_credential="service:invalid",
        send=_bip_send,
        number=lambda n: f"90532555{n:04d}",
        address=_plus,
        holds=_bip_holds,
        circumstances={"follower": True, "session": True},
    ),
    "bitel": Row(
        authorization=lambda credential: f"Bearer {credential}",
        refused_credential="invalid-token",
        send=_bitel_send,
        number=lambda n: f"0912000{n:04d}",
        address=lambda number: f"+98{number.removeprefix('0')}",
        holds=_bitel_holds,
    ),
}
