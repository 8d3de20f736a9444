"""
Decisions of an integrator that are wrong in the ways in which real ones are wrong.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zlib import crc32

from aiohttp import web

from run.mutants import calls, policy, reading
from run.mutants.calls import Answer, Call, Row
from run.mutants.ledger import CORRECT_STATES, Message, Told

# -- beliefs --------------------------------------------------------------------------------------


def believes_all(message: Message, told: Told, state: str, at: str) -> bool:
    return True


def believes_every_end(message: Message, told: Told, state: str, at: str) -> bool:
    return state != "PENDING"


def believes_only_first(message: Message, told: Told, state: str, at: str) -> bool:
    return message.state == "PENDING" and state != "PENDING"


def believes_no_delivery_after_end(message: Message, told: Told, state: str, at: str) -> bool:
    return message.state not in ("EXPIRED", "REVOKED") and policy.believes(message, told, state, at)


def bills_every_report(message: Message, told: Told, state: str, fresh: bool, believed: bool) -> bool:
    return state in ("DELIVERED", "READ")


def bills_every_event(message: Message, told: Told, state: str, fresh: bool, believed: bool) -> bool:
    return fresh and state in ("DELIVERED", "READ")


def bills_every_end(message: Message, told: Told, state: str, fresh: bool, believed: bool) -> bool:
    return fresh and believed and state != "PENDING"


def by_envelope(told: Told) -> str:
    return f"{told.provider} {told.envelope or told.event}"


def by_message(told: Told) -> str:
    return f"{told.provider} {told.id or told.event}"


def states(**changes: str) -> Mapping[str, str]:
    """Return the right states, but for some: `provider__WORD=STATE`."""
    return {**CORRECT_STATES, **{name.replace("__", " "): state for name, state in changes.items()}}


TITLE_CASE: Final = {
    f"infobip {word.partition(' ')[2].title()}" if word.startswith("infobip") else word: state
    for word, state in CORRECT_STATES.items()
}
LOWER_CASE: Final = {
    word.lower() if word.startswith("bitel") else word: state for word, state in CORRECT_STATES.items()
}


def parts_by_length(message: Message, told: Told) -> int:
    return -(-len(message.text) // 160)


def local(text: str) -> str:
    """Read an instant as if it were of Tehran, whatever offset stands there."""
    instant = datetime.fromisoformat(reading.utc(text))
    offset = timedelta(hours=3) if text.endswith("+0300") else timedelta()
    return (instant + offset - timedelta(hours=3, minutes=30)).isoformat(timespec="milliseconds")


# -- answers --------------------------------------------------------------------------------------


def first_id_for_all(call: Call, answer: Answer) -> list[Row] | None:
    rows = calls.judge(call, answer)
    return rows and [row._replace(ids=rows[0].ids) for row in rows]


def trusts_200(call: Call, answer: Answer) -> list[Row] | None:
    rows = calls.judge(call, answer)
    return rows and [row._replace(refused=False) for row in rows] if answer.status == 200 else rows


def trusts_any_answer(call: Call, answer: Answer) -> list[Row] | None:
    rows = calls.judge(call, answer)
    return rows and [row._replace(refused=False) for row in rows]


def fails(*statuses: int) -> Any:
    """Return a judge that takes these for a no."""

    def judged(call: Call, answer: Answer) -> list[Row] | None:
        if answer.status in statuses:
            return [Row(refused=True) for _ in call.messages]
        return calls.judge(call, answer)

    return judged


def repeated_is_refused(call: Call, answer: Answer) -> list[Row] | None:
    tries, call.tries = call.tries, 1
    try:
        return calls.judge(call, answer)
    finally:
        call.tries = tries


def tries_refusals_again(call: Call, answer: Answer) -> list[Row] | None:
    rows = calls.judge(call, answer)
    return None if rows and all(row.refused for row in rows) else rows


def new_id(id: str, tries: int) -> str:
    return f"{id}-{tries}" if tries > 1 else id


def at_once(tries: int, retry_after_s: float) -> float | None:
    return 0.0 if tries < 5_000 else None


def deaf_to_retry_after(tries: int, retry_after_s: float) -> float | None:
    return policy.wait_s(tries, 0.0)


def never_again(tries: int, retry_after_s: float) -> float | None:
    return None


def without_prefix(provider: str, number: str) -> str:
    return calls.spelt(provider, number).removeprefix("0")


# -- webhooks -------------------------------------------------------------------------------------


async def by_content_length(request: web.Request) -> bytes:
    return await request.content.read(request.content_length or 0)


def json_alone(status: int) -> Any:
    def refused(content_type: str) -> int | None:
        return None if content_type == "application/json" else status

    return refused


def unknown_is(status: int) -> Any:
    """Return an answer to Infobip's reports about messages that nobody knows."""

    def answered(provider: str) -> int:
        return status if provider == "infobip" else 200

    return answered


def believes_anybody(provider: str, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    return True


def signs_json(**form: Any) -> Any:
    """Return a check of signatures over the JSON as it is written here, not as it came."""

    def checked(provider: str, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
        if provider == "rbm":
            data = json.dumps(json.loads(reading.decoded(raw)), **form).encode()
            good = base64.b64encode(hmac.digest(secrets[0].encode(), data, "sha512")).decode()
            return headers.get("X-Goog-Signature") == good
        data = json.dumps(json.loads(raw), **form).encode()
        return headers.get("X-Signature") == hmac.new(secrets[0].encode(), data, hashlib.sha256).hexdigest()

    return checked


def signs_envelope(provider: str, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    good = base64.b64encode(hmac.digest(secrets[0].encode(), raw, "sha512")).decode()
    return headers.get("X-Goog-Signature") == good


def two_of_three(told: Told) -> bool:
    return crc32(told.event.encode()) % 3 != 0


def first_row(tolds: Sequence[Told]) -> Sequence[Told]:
    return tolds[:1]


def by_call(told: Told) -> str:
    return told.call or told.id


def sent_is_delivered(provider: str, raw: bytes) -> list[Told]:
    tolds = reading.read(provider, raw)
    return tolds + [one._replace(kind="report", word="0") for one in tolds if one.kind == "sent" and one.id]


def names_of_two(provider: str, raw: bytes) -> list[Told]:
    """Read reports as generations one and two write them, and no others."""
    if b'"messageCount"' in raw:
        raise KeyError("smsCount")
    return reading.read(provider, raw)


# -- recipients, and the SMS instead --------------------------------------------------------------


def deaf(text: str) -> bool:
    return False


def stop_exactly(text: str) -> bool:
    return text == "STOP"


def on_every_ttl_event(message: Message, cause: str) -> int:
    return 1 if cause.startswith("TTL_") else policy.falls_back(message, cause)


def twice(message: Message, cause: str) -> int:
    return 2 * policy.falls_back(message, cause)


def never(message: Message, cause: str) -> int:
    return 0


def not_on_404(message: Message, cause: str) -> int:
    return 0 if cause == "404" else policy.falls_back(message, cause)


def any_status(status: int) -> bool:
    return True


def not_when_unclear(message: Message, cause: str) -> int:
    return 0 if cause == "TTL_EXPIRATION_REVOKE_FAILED" else policy.falls_back(message, cause)
