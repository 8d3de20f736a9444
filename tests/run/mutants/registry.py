"""
Integrators with one realistic bug each.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zlib import crc32

from aiohttp import web

from run.mutants import calls, policy, reading
from run.mutants.calls import Answer, Call, Row
from run.mutants.ledger import CORRECT_STATES, Message, Told
from run.mutants.policy import Policy

__all__ = ["MUTANTS", "NOT_YET_CAUGHT", "Mutant"]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """
    One bug: what is wrong, where it shows, and what says so.
    """

    wrong: str
    providers: tuple[str, ...]
    trap: str
    changes: Mapping[str, Any]
    """Decisions of the policy that are taken wrongly."""
    caught: tuple[str, ...] = ("integrator: state",)
    """The expectations that are not met."""

    @property
    def policy(self) -> Policy:
        """What the mutant does."""
        return replace(Policy(), **self.changes)


# -- beliefs --------------------------------------------------------------------------------------


def _believes_all(message: Message, told: Told, state: str, at: str) -> bool:
    return True


def _believes_every_end(message: Message, told: Told, state: str, at: str) -> bool:
    return state != "PENDING"


def _believes_only_first(message: Message, told: Told, state: str, at: str) -> bool:
    return message.state == "PENDING" and state != "PENDING"


def _bills_every_report(message: Message, told: Told, state: str, fresh: bool, believed: bool) -> bool:
    return state in ("DELIVERED", "READ")


def _bills_every_event(message: Message, told: Told, state: str, fresh: bool, believed: bool) -> bool:
    return fresh and state in ("DELIVERED", "READ")


def _bills_every_end(message: Message, told: Told, state: str, fresh: bool, believed: bool) -> bool:
    return fresh and believed and state != "PENDING"


def _by_envelope(told: Told) -> str:
    return f"{told.provider} {told.envelope or told.event}"


def _states(**changes: str) -> Mapping[str, str]:
    """Return the right states, but for some: `provider__WORD=STATE`."""
    return {**CORRECT_STATES, **{name.replace("__", " "): state for name, state in changes.items()}}


_TITLE_CASE: Final = {
    f"infobip {word.partition(' ')[2].title()}" if word.startswith("infobip") else word: state
    for word, state in CORRECT_STATES.items()
}
_LOWER_CASE: Final = {
    word.lower() if word.startswith("bitel") else word: state for word, state in CORRECT_STATES.items()
}


def _parts_by_length(message: Message, told: Told) -> int:
    return -(-len(message.text) // 160)


def _local(text: str) -> str:
    """Read an instant as if it were of Tehran, whatever offset stands there."""
    instant = datetime.fromisoformat(policy.utc(text))
    offset = timedelta(hours=3) if text.endswith("+0300") else timedelta()
    return (instant + offset - timedelta(hours=3, minutes=30)).isoformat(timespec="milliseconds")


# -- answers --------------------------------------------------------------------------------------


def _first_id_for_all(call: Call, answer: Answer) -> list[Row] | None:
    rows = calls.judge(call, answer)
    return rows and [row._replace(ids=rows[0].ids) for row in rows]


def _trusts_200(call: Call, answer: Answer) -> list[Row] | None:
    rows = calls.judge(call, answer)
    return rows and [row._replace(refused=False) for row in rows] if answer.status == 200 else rows


def _trusts_any_answer(call: Call, answer: Answer) -> list[Row] | None:
    rows = calls.judge(call, answer)
    return rows and [row._replace(refused=False) for row in rows]


def _fails(*statuses: int) -> Any:
    """Return a judge that takes these for a no."""

    def judged(call: Call, answer: Answer) -> list[Row] | None:
        if answer.status in statuses:
            return [Row(refused=True) for _ in call.messages]
        return calls.judge(call, answer)

    return judged


def _repeated_is_refused(call: Call, answer: Answer) -> list[Row] | None:
    tries, call.tries = call.tries, 1
    try:
        return calls.judge(call, answer)
    finally:
        call.tries = tries


def _tries_refusals_again(call: Call, answer: Answer) -> list[Row] | None:
    rows = calls.judge(call, answer)
    return None if rows and all(row.refused for row in rows) else rows


def _new_id(id: str, tries: int) -> str:
    return f"{id}-{tries}" if tries > 1 else id


def _at_once(tries: int, retry_after_s: float) -> float | None:
    return 0.0 if tries < 200 else None


def _deaf_to_retry_after(tries: int, retry_after_s: float) -> float | None:
    return policy.wait_s(tries, 0.0)


def _never_again(tries: int, retry_after_s: float) -> float | None:
    return None


def _without_prefix(provider: str, number: str) -> str:
    return calls.spelt(provider, number).removeprefix("0")


# -- webhooks -------------------------------------------------------------------------------------


async def _by_content_length(request: web.Request) -> bytes:
    return await request.content.read(request.content_length or 0)


def _json_alone(status: int) -> Any:
    def refused(content_type: str) -> int | None:
        return None if content_type == "application/json" else status

    return refused


def _believes_anybody(provider: str, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    return True


def _signs_json(**form: Any) -> Any:
    """Return a check of signatures over the JSON as it is written here, not as it came."""

    def checked(provider: str, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
        if provider == "rbm":
            data = json.dumps(json.loads(reading.decoded(raw)), **form).encode()
            good = base64.b64encode(hmac.digest(secrets[0].encode(), data, "sha512")).decode()
            return headers.get("X-Goog-Signature") == good
        data = json.dumps(json.loads(raw), **form).encode()
        return headers.get("X-Signature") == hmac.new(secrets[0].encode(), data, hashlib.sha256).hexdigest()

    return checked


def _signs_envelope(provider: str, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    good = base64.b64encode(hmac.digest(secrets[0].encode(), raw, "sha512")).decode()
    return headers.get("X-Goog-Signature") == good


def _two_of_three(told: Told) -> bool:
    return crc32(told.event.encode()) % 3 != 0


def _first_row(tolds: Sequence[Told]) -> Sequence[Told]:
    return tolds[:1]


def _by_call(told: Told) -> str:
    return told.call or told.id


def _sent_is_delivered(provider: str, raw: bytes) -> list[Told]:
    tolds = reading.read(provider, raw)
    return tolds + [one._replace(kind="report", word="0") for one in tolds if one.kind == "sent" and one.id]


def _names_of_two(provider: str, raw: bytes) -> list[Told]:
    """Read reports as generations one and two write them, and no others."""
    if b'"messageCount"' in raw:
        raise KeyError("smsCount")
    return reading.read(provider, raw)


# -- recipients, and the SMS instead --------------------------------------------------------------


def _deaf(text: str) -> bool:
    return False


def _stop_exactly(text: str) -> bool:
    return text == "STOP"


def _on_every_ttl_event(message: Message, cause: str) -> int:
    return 1 if cause.startswith("TTL_") else policy.falls_back(message, cause)


def _twice(message: Message, cause: str) -> int:
    return 2 * policy.falls_back(message, cause)


def _never(message: Message, cause: str) -> int:
    return 0


def _not_on_404(message: Message, cause: str) -> int:
    return 0 if cause == "404" else policy.falls_back(message, cause)


def _not_when_unclear(message: Message, cause: str) -> int:
    return 0 if cause == "TTL_EXPIRATION_REVOKE_FAILED" else policy.falls_back(message, cause)


_I, _R, _B, _L = ("infobip",), ("rbm",), ("bip",), ("bitel",)
_BRIEF = ("integrator: brief",)
_EVENTS = ("integrator: events",)
_RETRIED = ("messages.at_least: 4", "sends.retried: 100%")
_UNTAKEN = ("webhooks.acknowledged: 100%", "webhooks.lost: 0")
_FORGED = ("webhooks.forged_refused: true",)

# fmt: off
MUTANTS: Mapping[str, Mutant] = {
    # -- beliefs
    "late report overwrites": Mutant(
        wrong="The last report wins, whatever was final before.", providers=_I, trap="contradicted",
        changes={"believes": _believes_every_end}),
    "late event overwrites at bitel": Mutant(
        wrong="The last event wins, whatever was final before.", providers=_L, trap="contradicted at bitel",
        changes={"believes": _believes_every_end}),
    "late station overwrites": Mutant(
        wrong="A report on the way that comes late takes the end back.", providers=_I,
        trap="stations told late",
        changes={"believes": _believes_all}, caught=_BRIEF),
    "operator is recipient": Mutant(
        wrong="What was handed to the operator counts as delivered.", providers=_I,
        trap="at the operator, and no further",
        changes={"states": _states(infobip__DELIVERED_TO_OPERATOR="DELIVERED")}, caught=_BRIEF),
    "billed per report": Mutant(
        wrong="A report that comes twice is paid for twice.", providers=_I, trap="told twice",
        changes={"bills": _bills_every_report}, caught=_BRIEF),
    "billed per event at bitel": Mutant(
        wrong="An event that comes twice is paid for twice.", providers=_L, trap="told twice by bitel",
        changes={"bills": _bills_every_report}, caught=_BRIEF),
    "billed when read": Mutant(
        wrong="DELIVERED and READ are paid for each.", providers=_R, trap="read, in any order",
        changes={"bills": _bills_every_event}, caught=_BRIEF),
    "billed when read at bip": Mutant(
        wrong="The delivered and the read report are paid for each.", providers=_B,
        trap="read at bip, in any order", changes={"bills": _bills_every_event}, caught=_BRIEF),
    "black-listed is billed": Mutant(
        wrong="Whatever ended is paid for, black-listed or not.", providers=_L, trap="black-listed at bitel",
        changes={"bills": _bills_every_end}, caught=_BRIEF),
    "same by envelope": Mutant(
        wrong="Copies are told by the Pub/Sub id, which a copy made anew does not share.", providers=_R,
        trap="told twice by rbm", changes={"event_of": _by_envelope}, caught=_EVENTS),
    "same by msgid": Mutant(
        wrong="Copies are told by msgid, which is another in each copy.", providers=_B,
        trap="told twice by bip", changes={"event_of": _by_envelope}, caught=_EVENTS),
    "reply counted twice": Mutant(
        wrong="A reply that comes in two envelopes is two replies.", providers=_R, trap="answered twice",
        changes={"event_of": _by_envelope}, caught=("integrator: written",)),
    "read back to delivered": Mutant(
        wrong="DELIVERED that comes after READ makes the message unread.", providers=_R,
        trap="read, in any order", changes={"believes": _believes_every_end}, caught=_BRIEF),
    "read back to delivered at bip": Mutant(
        wrong="A delivered report that comes after the read one makes the message unread.", providers=_B,
        trap="read at bip, in any order", changes={"believes": _believes_every_end}, caught=_BRIEF),
    "never read": Mutant(
        wrong="What was delivered is final, so READ is not heard.", providers=_R, trap="read, in any order",
        changes={"believes": _believes_only_first}, caught=_BRIEF),
    "group name in the wrong case": Mutant(
        wrong="It waits for Delivered where DELIVERED comes.", providers=_I, trap="half fail",
        changes={"states": _TITLE_CASE}),
    "status in the wrong case at bitel": Mutant(
        wrong="It waits for delivered where DELIVERED comes.", providers=_L, trap="half fail at bitel",
        changes={"states": _LOWER_CASE}),
    "failed is delivered at bitel": Mutant(
        wrong="The one event of a request is taken for success, whatever it says.", providers=_L,
        trap="half fail at bitel", changes={"states": _states(bitel__DELIVERY_FAILED="DELIVERED")}),
    "names of generation two": Mutant(
        wrong="Reports of the third generation are read by the names of the second.", providers=_I,
        trap="generation three", changes={"read": _names_of_two}),
    "expired is delivered": Mutant(
        wrong="Whatever is over was delivered.", providers=_I, trap="expired",
        changes={"states": _states(infobip__EXPIRED="DELIVERED")}, caught=_BRIEF),
    "expiry beats delivery": Mutant(
        wrong="A TTL event after DELIVERED counts.", providers=_R, trap="falling back",
        changes={"believes": _believes_every_end}, caught=_BRIEF),
    "parts by length": Mutant(
        wrong="Parts are counted by 160 characters, though parts of several hold 153.", providers=_I,
        trap="long text", changes={"parts": _parts_by_length}, caught=("integrator: parts",)),
    "local time": Mutant(
        wrong="Instants are read as of the machine's own zone.", providers=_I, trap="final time",
        changes={"utc": _local}, caught=("integrator: done_at",)),
    "local time at bip": Mutant(
        wrong="The offset that BiP writes is cut off.", providers=_B, trap="final time at bip",
        changes={"utc": _local}, caught=("integrator: done_at",)),
    # -- which message
    "known after the answer": Mutant(
        wrong="A message is stored when the call returns; a report before that is dropped.", providers=_I,
        trap="report first", changes={"registers_first": False, "keeps_unknown": False}),
    "report before the answer is dropped": Mutant(
        wrong="A report whose id nobody knows yet is forgotten.", providers=_I,
        trap="report first, ids of the provider", changes={"keeps_unknown": False}),
    "event before the answer is dropped": Mutant(
        wrong="An event whose id nobody knows yet is forgotten.", providers=_L, trap="report first at bitel",
        changes={"keeps_unknown": False}),
    "report before the answer is dropped at bip": Mutant(
        wrong="A report whose id nobody knows yet is forgotten.", providers=_B, trap="report first at bip",
        changes={"keeps_unknown": False}),
    "unknown is 404": Mutant(
        wrong="Reports about messages that it never sent are answered 404.", providers=_I, trap="strangers",
        changes={"unknown": 404}, caught=_UNTAKEN),
    "unknown is 500": Mutant(
        wrong="Reports about messages that it never sent make it fall over.", providers=_I, trap="strangers",
        changes={"unknown": 500}, caught=_UNTAKEN),
    "first result alone": Mutant(
        wrong="Of a webhook with several reports the first is heard.", providers=_I,
        trap="many in one report",
        changes={"rows": _first_row}),
    "first receiver alone": Mutant(
        wrong="Of a sent report the first receiver is heard.", providers=_B, trap="list at bip",
        changes={"rows": _first_row}),
    "first id for all": Mutant(
        wrong="The id of the first recipient of a bulk is taken for all of them.", providers=_I, trap="bulk",
        changes={"judge": _first_id_for_all}),
    "first id for all at bitel": Mutant(
        wrong="The id of the first result of a batch is taken for all of them.", providers=_L,
        trap="bulk at bitel", changes={"judge": _first_id_for_all}),
    "tied by txnid": Mutant(
        wrong="Delivered reports are tied to messages by txnid, which there is the platform's own.",
        providers=_B,
        trap="list at bip", changes={"reference": _by_call}),
    "sent is delivered": Mutant(
        wrong="What the sent report accepts counts as delivered.", providers=_B,
        trap="list at bip, phones off",
        changes={"read": _sent_is_delivered}),
    # -- answers
    "200 is success": Mutant(
        wrong="A send counts as accepted because it was answered 200.", providers=_I,
        trap="refused inside a 200",
        changes={"judge": _trusts_200}),
    "312 is success": Mutant(
        wrong="The result code of an answer is not looked at.", providers=_B, trap="no session at bip",
        changes={"judge": _trusts_200}),
    "error code is success": Mutant(
        wrong="An answer is an answer: the error in it is not looked at.", providers=_L,
        trap="refused at bitel",
        changes={"judge": _trusts_any_answer}),
    "no retry on 429": Mutant(
        wrong="Too many calls is taken for a no.", providers=_I, trap="overloaded",
        changes={"judge": _fails(429)}, caught=_RETRIED),
    "no retry on 5xx": Mutant(
        wrong="A gateway error is taken for a no.", providers=_I, trap="out of order",
        changes={"judge": _fails(500, 502, 503, 504)}, caught=_RETRIED),
    "no retry at rbm": Mutant(
        wrong="It gives up after one try.", providers=_R, trap="rbm out of order",
        changes={"wait_s": _never_again}, caught=_RETRIED),
    "no retry at bitel": Mutant(
        wrong="It gives up after one try.", providers=_L, trap="bitel out of order",
        changes={"wait_s": _never_again}, caught=_RETRIED),
    "cut-off answer is a no": Mutant(
        wrong="A call that breaks off is taken for refused, though the message is on its way.", providers=_I,
        trap="cut off after the work", changes={"judge": _fails(0)}),
    "repeated id is a no": Mutant(
        wrong="That an id was there before is taken for a refusal, though its first try had done the work.",
        providers=_I, trap="cut off after the work", changes={"judge": _repeated_is_refused}),
    "new id for each try": Mutant(
        wrong="Each try is a message of its own.", providers=_I, trap="cut off after the work",
        changes={"id_of_try": _new_id}, caught=("sends.duplicated: 0",)),
    "new id for each try at rbm": Mutant(
        wrong="Each try is a message of its own.", providers=_R, trap="rbm cut off after the work",
        changes={"id_of_try": _new_id}, caught=("sends.duplicated: 0",)),
    "number without its zero": Mutant(
        wrong="Numbers are sent as 912…, which is no number there.", providers=_L, trap="numbers of bitel",
        changes={"spelt": _without_prefix}, caught=("messages.at_least: 4",)),
    # -- webhooks
    "body by Content-Length": Mutant(
        wrong="A chunked body is read as empty.", providers=_I, trap="slow bodies",
        changes={"body_of": _by_content_length}),
    "415 on text/plain": Mutant(
        wrong="A body under another content type is refused, whole as it is.", providers=_I,
        trap="mislabelled",
        changes={"refuses_type": _json_alone(415)}),
    "text/plain is put aside": Mutant(
        wrong="A body under another content type is acknowledged and forgotten.", providers=_I,
        trap="mislabelled", changes={"refuses_type": _json_alone(200)}),
    "unreadable is 200": Mutant(
        wrong="What cannot be read is acknowledged.", providers=_I,
        trap="cut short", changes={"unreadable": 200},
        caught=("webhooks.forged_refused: true", "integrator: state")),
    "signature not checked": Mutant(
        wrong="Garbled reports are believed when they happen to be JSON.", providers=_I, trap="garbled",
        changes={"genuine": _believes_anybody}, caught=_FORGED),
    "signature not checked at rbm": Mutant(
        wrong="Anybody who posts is believed.", providers=_R, trap="forged",
        changes={"genuine": _believes_anybody}, caught=_FORGED),
    "signature over new JSON": Mutant(
        wrong="The signature is checked over JSON written anew.", providers=_R, trap="signed by rbm",
        changes={"genuine": _signs_json(separators=(",", ":"))}, caught=_UNTAKEN),
    "signature over the envelope": Mutant(
        wrong="The signature is checked over the whole body.", providers=_R, trap="signed by rbm",
        changes={"genuine": _signs_envelope}, caught=_UNTAKEN),
    "signature over new JSON at infobip": Mutant(
        wrong="The signature is checked over JSON written anew, with blanks.", providers=_I,
        trap="signed by infobip", changes={"genuine": _signs_json()}, caught=_UNTAKEN),
    "signature over compact JSON": Mutant(
        wrong="The signature is checked over compact JSON written anew.", providers=_I,
        trap="signed by infobip",
        changes={"genuine": _signs_json(separators=(",", ":"))}, caught=_UNTAKEN),
    "202": Mutant(
        wrong="Webhooks are acknowledged with 202, which is no acknowledgement there.", providers=_R,
        trap="signed by rbm", changes={"taken": 202}, caught=_UNTAKEN),
    "slower than the time-out": Mutant(
        wrong="It works before it answers, for longer than the provider waits.", providers=_I,
        trap="impatient",
        changes={"works_real_s": 0.25}, caught=_UNTAKEN),
    "inbox in memory": Mutant(
        wrong="What was acknowledged and not yet worked off is lost in a restart.",
        providers=("infobip", "rbm", "bip", "bitel"), trap="restart", changes={"inbox_on_disk": False}),
    "acknowledged, then not stored": Mutant(
        wrong="It answers first, and storing fails now and then.",
        providers=("infobip", "rbm", "bip", "bitel"),
        trap="many reports", changes={"stores": _two_of_three}),
    "bodies are kept": Mutant(
        wrong="Every body stays in memory for ever.", providers=("infobip", "rbm", "bip", "bitel"),
        trap="many reports", changes={"keeps_bodies": True}),
    # -- spacing of calls
    "retry storm": Mutant(
        wrong="It tries again at once, two hundred times.", providers=("infobip", "rbm", "bip", "bitel"),
        trap="overloaded for long", changes={"wait_s": _at_once}),
    "deaf to Retry-After": Mutant(
        wrong="It tries again sooner than it was asked to.", providers=_I, trap="overloaded for long",
        changes={"wait_s": _deaf_to_retry_after}),
    "refusal tried again": Mutant(
        wrong="What was refused for good is sent again and again.", providers=_I, trap="refused inside a 200",
        changes={"judge": _tries_refusals_again, "gives_up_as": "REJECTED"}),
    "312 tried again": Mutant(
        wrong="A quota that is used up is asked for again and again.", providers=_B, trap="no session at bip",
        changes={"judge": _tries_refusals_again, "gives_up_as": "REJECTED"}),
    # -- recipients
    "STOP ignored": Mutant(
        wrong="It goes on sending to who wrote STOP.", providers=_I, trap="stop",
        changes={"is_stop": _deaf}, caught=("sends.refused: 0",)),
    "STOP exactly": Mutant(
        wrong="Only STOP in capitals, with no blank around it, is heard.", providers=_I, trap="stop",
        changes={"is_stop": _stop_exactly}, caught=("sends.refused: 0",)),
    "unsubscribed and written to": Mutant(
        wrong="It goes on sending to who unsubscribed.", providers=_R, trap="stop at rbm",
        changes={"respects_stop": False}, caught=("sends.retried: 100%",)),
    "SMS on every TTL event": Mutant(
        wrong="An SMS goes out on every TTL event, though the message arrived.", providers=_R,
        trap="falling back", changes={"falls_back": _on_every_ttl_event}, caught=_BRIEF),
    "two SMS": Mutant(
        wrong="Two SMS go out in place of one message.", providers=_R, trap="falling back",
        changes={"falls_back": _twice}, caught=_BRIEF),
    "no SMS": Mutant(
        wrong="Nothing goes out in place of what expired.", providers=_R, trap="falling back",
        changes={"falls_back": _never}, caught=_BRIEF),
    "no SMS on 404": Mutant(
        wrong="Nothing goes out to who has no RCS.", providers=_R, trap="falling back",
        changes={"falls_back": _not_on_404}, caught=("messages.at_least: 14",)),
    "no SMS when it is unclear": Mutant(
        wrong="Nothing goes out when the revocation failed, though a code is of no use later.", providers=_R,
        trap="falling back", changes={"falls_back": _not_when_unclear}, caught=_BRIEF),
}
# fmt: on

NOT_YET_CAUGHT: Final[Mapping[str, str]] = {
    "reply counted twice": "needs: webhook faults for what recipients write",
    "signature over compact JSON": "needs: bodies that are not compact ASCII JSON, now and then",
    "bodies are kept": "needs: a figure of the software that must stay below a limit",
    "retry storm": "needs: calls per message at most, or waits between them",
    "deaf to Retry-After": "needs: Retry-After kept",
    "error code is success": "needs: refusals without an id in the answer, asked about by recipient",
    "refusal tried again": "needs: calls per message at most",
    "312 tried again": "needs: calls per message at most",
}
"""What no expectation of a run says anything about, with what it would take."""
