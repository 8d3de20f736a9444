"""
The rows of the contract: for each provider here how to send to one recipient, and what its catalogue means.

A further provider adds a row; the questions are those of `simulator.testing`, the same for all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import simulator.providers
from simulator.provider import Code, basic_header
from simulator.testing import Ended, Request, Row
from toys.pigeon import PROVIDER as PIGEON
from toys.pigeon_row import ROW as PIGEON_ROW

__all__ = ["PIGEON", "ROWS"]

_JSON: Final = {"Content-Type": "application/json"}


def _post(path: str, body: Any) -> Request:
    return Request("POST", path, _JSON, json.dumps(body).encode())


def _readme(name: str) -> str:
    return Path(simulator.providers.__path__[0], name, "README.md").read_text(encoding="utf-8")


def _key(request: Request, key: str) -> Request:
    return request._replace(headers={**request.headers, "Authorization": f"App {key}"})


def _basic(request: Request, credential: str) -> Request:
    return request._replace(headers={**request.headers, "Authorization": basic_header(credential)})


# -- Infobip ------------------------------------------------------------------------------------


def _infobip_send(recipient: str, _: str) -> Request:
    message = {"from": "InfoSMS", "destinations": [{"to": recipient}], "text": "hello"}
    return _post("/sms/2/text/advanced", {"messages": [message]})


def _infobip_holds(row: Code, ended: Ended) -> bool:
    if row.kind == "http":
        return ended.status == int(row.code)
    place = 0 if row.kind == "status" else 2
    return any(code.partition("/")[place] == row.code for code in ended.codes)


_INFOBIP_GOOD: Final = {"from": "InfoSMS", "destinations": [{"to": "41793020001"}], "text": "hello"}
_INFOBIP_BAD: Final = {
    "no messages": _post("/sms/2/text/advanced", {}),
    "messages empty": _post("/sms/2/text/advanced", {"messages": []}),
    "no destinations": _post("/sms/2/text/advanced", {"messages": [{"text": "hello"}]}),
    "a number for a text": _post("/sms/2/text/advanced", {"messages": [{**_INFOBIP_GOOD, "text": 5}]}),
    "an address of letters": _post(
        "/sms/2/text/advanced", {"messages": [{**_INFOBIP_GOOD, "destinations": [{"to": "abc"}]}]}
    ),
    "no JSON": Request("POST", "/sms/2/text/advanced", _JSON, b"hello"),
    "v3 without content": _post("/sms/3/messages", {"messages": [{"destinations": [{"to": "41793020001"}]}]}),
    "a bulk that is not there": Request("GET", "/sms/1/bulks?bulkId=none"),
    "a limit of letters": Request("GET", "/sms/1/reports?limit=many"),
    "preview of nothing": _post("/sms/1/preview", {}),
}


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


def _rbm_send(recipient: str, _: str) -> Request:
    query = f"messageId=m{recipient.removeprefix('+')}&agentId=welcome-bot"
    body = {"contentMessage": {"text": "hello"}, "ttl": "3600s"}
    return _post(f"/v1/phones/{recipient}/agentMessages?{query}", body)


def _rbm_holds(row: Code, ended: Ended) -> bool:
    if row.kind == "error":
        # One error answers a revoke alone, so its message gets through.
        return ended.status == int(row.code) or (row.name, ended.state) == ("ALREADY_DELIVERED", "delivered")
    return ended.state in (
        {_RBM_STATES.get(row.name, "delivered")} | ({"accepted"} if _silent(row) else set())
    )


def _silent(row: Code) -> bool:
    return _RBM_STATES.get(row.name) == "sent"


_RBM_PATH: Final = "/v1/phones/+41793020001/agentMessages"
_RBM_BAD: Final = {
    "no message id": _post(f"{_RBM_PATH}?agentId=welcome-bot", {"contentMessage": {"text": "hello"}}),
    "no content": _post(f"{_RBM_PATH}?messageId=m1&agentId=welcome-bot", {}),
    "a field that is not there": _post(
        f"{_RBM_PATH}?messageId=m1&agentId=welcome-bot", {"contentMessage": {"words": "hello"}}
    ),
    "a bad ttl": _post(
        f"{_RBM_PATH}?messageId=m1&agentId=welcome-bot", {"contentMessage": {"text": "hello"}, "ttl": "1h"}
    ),
    "a phone of letters": _post(
        "/v1/phones/abc/agentMessages?messageId=m1&agentId=welcome-bot", {"contentMessage": {"text": "hello"}}
    ),
    "no JSON": Request("POST", f"{_RBM_PATH}?messageId=m1&agentId=welcome-bot", _JSON, b"hello"),
    "no agent": _post(f"{_RBM_PATH}?messageId=m1", {"contentMessage": {"text": "hello"}}),
    "revoking what is not there": Request("DELETE", f"{_RBM_PATH}/none?agentId=welcome-bot"),
}


# -- BiP ----------------------------------------------------------------------------------------

_BIP_STATES: Final = {"read": "read", "answered": "read", "expired": "expired"}


def _bip_send(recipient: str, _: str) -> Request:
    return _post(
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


_BIP_GOOD: Final = {
    "txnid": "t1",
    "receiver": {"type": 2, "address": "905325550001"},
    "composition": {"list": [{"type": 0, "message": "hello"}]},
}
_BIP_BAD: Final = {
    "nothing": _post("/tes/rest/spi/sendmsgserv", {}),
    "no receiver": _post(
        "/tes/rest/spi/sendmsgserv", {k: v for k, v in _BIP_GOOD.items() if k != "receiver"}
    ),
    "no composition": _post(
        "/tes/rest/spi/sendmsgserv", {k: v for k, v in _BIP_GOOD.items() if k != "composition"}
    ),
    "a number for an address": _post(
        "/tes/rest/spi/sendmsgserv", {**_BIP_GOOD, "receiver": {"type": 2, "address": 5}}
    ),
    "an address of letters": _post(
        "/tes/rest/spi/sendmsgserv", {**_BIP_GOOD, "receiver": {"type": 2, "address": "abc"}}
    ),
    "no JSON": Request("POST", "/tes/rest/spi/sendmsgserv", _JSON, b"hello"),
}


# -- Bitel --------------------------------------------------------------------------------------


def _bitel_send(recipient: str, kind: str) -> Request:
    if kind == "call":
        return _post("/api/v2/voice/single/tts", {"phoneNumber": recipient, "text": "hello"})
    return _post("/api/v2/sms/single", {"phoneNumber": recipient, "message": "hello"})


def _bitel_holds(row: Code, ended: Ended) -> bool:
    refused = ended.status >= 400 and f'"{row.code}"'.encode() in ended.body
    return row.name in ended.codes and (refused if row.kind == "error" else ended.status == 200)


_BITEL_SMS: Final = "/api/v2/sms/single"
_BITEL_BAD: Final = {
    "nothing": _post(_BITEL_SMS, {}),
    "no message": _post(_BITEL_SMS, {"phoneNumber": "09120000001"}),
    "an empty message": _post(_BITEL_SMS, {"phoneNumber": "09120000001", "message": ""}),
    "a number for a message": _post(_BITEL_SMS, {"phoneNumber": "09120000001", "message": 5}),
    "an address of letters": _post(_BITEL_SMS, {"phoneNumber": "abc", "message": "hello"}),
    "no JSON": Request("POST", _BITEL_SMS, _JSON, b"hello"),
    "an array": Request("POST", _BITEL_SMS, _JSON, b"[]"),
    "a call that says nothing": _post("/api/v2/voice/single/tts", {"phoneNumber": "09120000001"}),
}


# -- all of them --------------------------------------------------------------------------------

ROWS: Final[Mapping[str, Row]] = {
    "infobip": Row(
        signed=_key,
        refused_credential="invalid-key",
        send=_infobip_send,
        number=lambda n: f"4179302{n:04d}",
        holds=_infobip_holds,
        bad=_INFOBIP_BAD,
        readme=_readme("infobip"),
    ),
    "rbm": Row(
        send=_rbm_send,
        number=lambda n: f"+4179302{n:04d}",
        holds=_rbm_holds,
        page=b"<title>Error 404 (Not Found)!!1</title>",
        bad=_RBM_BAD,
        readme=_readme("rbm"),
    ),
    "bip": Row(
        signed=_basic,
        refused_credential="service:invalid",
        send=_bip_send,
        number=lambda n: f"90532555{n:04d}",
        holds=_bip_holds,
        bad=_BIP_BAD,
        readme=_readme("bip"),
        circumstances={"follower": True, "session": True},
    ),
    "bitel": Row(
        send=_bitel_send,
        number=lambda n: f"0912000{n:04d}",
        address=lambda number: f"+98{number.removeprefix('0')}",
        holds=_bitel_holds,
        bad=_BITEL_BAD,
        readme=_readme("bitel"),
    ),
    "pigeon": PIGEON_ROW,
}
