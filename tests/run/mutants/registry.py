"""
Integrators with one realistic bug each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from run.mutants import bugs
from run.mutants.integrator import Integrator
from run.mutants.policy import Policy

__all__ = ["MUTANTS", "Mutant", "mutant"]


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
        changes={"believes": bugs.believes_every_end}),
    "late event overwrites at bitel": Mutant(
        wrong="The last event wins, whatever was final before.", providers=_L, trap="contradicted at bitel",
        changes={"believes": bugs.believes_every_end}),
    "late station overwrites": Mutant(
        wrong="A report on the way that comes late takes the end back.", providers=_I,
        trap="stations told late",
        changes={"believes": bugs.believes_all}, caught=_BRIEF),
    "operator is recipient": Mutant(
        wrong="What was handed to the operator counts as delivered.", providers=_I,
        trap="at the operator, and no further",
        changes={"states": bugs.states(infobip__DELIVERED_TO_OPERATOR="DELIVERED")}, caught=_BRIEF),
    "billed per report": Mutant(
        wrong="A report that comes twice is paid for twice.", providers=_I, trap="told twice",
        changes={"bills": bugs.bills_every_report}, caught=_BRIEF),
    "billed per event at bitel": Mutant(
        wrong="An event that comes twice is paid for twice.", providers=_L, trap="told twice by bitel",
        changes={"bills": bugs.bills_every_report}, caught=_BRIEF),
    "billed when read": Mutant(
        wrong="DELIVERED and READ are paid for each.", providers=_R, trap="read, in any order",
        changes={"bills": bugs.bills_every_event}, caught=_BRIEF),
    "billed when read at bip": Mutant(
        wrong="The delivered and the read report are paid for each.", providers=_B,
        trap="read at bip, in any order", changes={"bills": bugs.bills_every_event}, caught=_BRIEF),
    "black-listed is billed": Mutant(
        wrong="Whatever ended is paid for, black-listed or not.", providers=_L, trap="black-listed at bitel",
        changes={"bills": bugs.bills_every_end}, caught=_BRIEF),
    "same by envelope": Mutant(
        wrong="Copies are told by the Pub/Sub id, which a copy made anew does not share.", providers=_R,
        trap="told twice by rbm", changes={"event_of": bugs.by_envelope}, caught=_EVENTS),
    "same by msgid": Mutant(
        wrong="Copies are told by msgid, which is another in each copy.", providers=_B,
        trap="told twice by bip", changes={"event_of": bugs.by_envelope}, caught=_EVENTS),
    "reply counted twice": Mutant(
        wrong="A reply that comes in two envelopes is two replies.", providers=_R, trap="answered twice",
        changes={"event_of": bugs.by_envelope}, caught=("integrator: written",)),
    "read back to delivered": Mutant(
        wrong="DELIVERED that comes after READ makes the message unread.", providers=_R,
        trap="read, in any order", changes={"believes": bugs.believes_every_end}, caught=_BRIEF),
    "read back to delivered at bip": Mutant(
        wrong="A delivered report that comes after the read one makes the message unread.", providers=_B,
        trap="read at bip, in any order", changes={"believes": bugs.believes_every_end}, caught=_BRIEF),
    "never read": Mutant(
        wrong="What was delivered is final, so READ is not heard.", providers=_R, trap="read, in any order",
        changes={"believes": bugs.believes_only_first}, caught=_BRIEF),
    "group name in the wrong case": Mutant(
        wrong="It waits for Delivered where DELIVERED comes.", providers=_I, trap="half fail",
        changes={"states": bugs.TITLE_CASE}),
    "status in the wrong case at bitel": Mutant(
        wrong="It waits for delivered where DELIVERED comes.", providers=_L, trap="half fail at bitel",
        changes={"states": bugs.LOWER_CASE}),
    "failed is delivered": Mutant(
        wrong="Any final report is taken for success.", providers=_I, trap="half fail",
        changes={"states": bugs.states(infobip__UNDELIVERABLE="DELIVERED")}),
    "failed is delivered at bitel": Mutant(
        wrong="The one event of a request is taken for success, whatever it says.", providers=_L,
        trap="half fail at bitel", changes={"states": bugs.states(bitel__DELIVERY_FAILED="DELIVERED")}),
    "names of generation two": Mutant(
        wrong="Reports of the third generation are read by the names of the second.", providers=_I,
        trap="generation three", changes={"read": bugs.names_of_two}),
    "expired is delivered": Mutant(
        wrong="Whatever is over was delivered.", providers=_I, trap="expired",
        changes={"states": bugs.states(infobip__EXPIRED="DELIVERED")}, caught=_BRIEF),
    "expiry beats delivery": Mutant(
        wrong="A TTL event after DELIVERED counts.", providers=_R, trap="falling back",
        changes={"believes": bugs.believes_every_end}, caught=_BRIEF),
    "parts by length": Mutant(
        wrong="Parts are counted by 160 characters, though parts of several hold 153.", providers=_I,
        trap="long text", changes={"parts": bugs.parts_by_length}, caught=("integrator: parts",)),
    "local time": Mutant(
        wrong="Instants are read as of the machine's own zone.", providers=_I, trap="final time",
        changes={"utc": bugs.local}, caught=("integrator: done_at",)),
    "local time at bip": Mutant(
        wrong="The offset that BiP writes is cut off.", providers=_B, trap="final time at bip",
        changes={"utc": bugs.local}, caught=("integrator: done_at",)),
    "same by message": Mutant(
        wrong="A second report about a message is taken for a copy of the first.", providers=_I,
        trap="stations in order", changes={"event_of": bugs.by_message}, caught=_BRIEF),
    "same by message at rbm": Mutant(
        wrong="READ is taken for a copy of DELIVERED, for it has the same messageId.", providers=_R,
        trap="read, in any order", changes={"event_of": bugs.by_message}, caught=_BRIEF),
    "revoked is final": Mutant(
        wrong="DELIVERED after a revocation that lost the race is not heard.", providers=_R,
        trap="revoked, and arrived all the same", changes={"believes": bugs.believes_no_delivery_after_end}),
    "404 on a revocation is success": Mutant(
        wrong="An SMS goes out although the revocation came too late.", providers=_R, trap="revoked too late",
        changes={"revoked": bugs.any_status}, caught=_BRIEF),
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
        changes={"unknown": bugs.unknown_is(404)}, caught=_UNTAKEN),
    "unknown is 500": Mutant(
        wrong="Reports about messages that it never sent make it fall over.", providers=_I, trap="strangers",
        changes={"unknown": bugs.unknown_is(500)}, caught=_UNTAKEN),
    "first result alone": Mutant(
        wrong="Of a webhook with several reports the first is heard.", providers=_I,
        trap="many in one report",
        changes={"rows": bugs.first_row}),
    "first receiver alone": Mutant(
        wrong="Of a sent report the first receiver is heard.", providers=_B, trap="list at bip",
        changes={"rows": bugs.first_row}),
    "first id for all": Mutant(
        wrong="The id of the first recipient of a bulk is taken for all of them.", providers=_I, trap="bulk",
        changes={"judge": bugs.first_id_for_all}),
    "first id for all at bitel": Mutant(
        wrong="The id of the first result of a batch is taken for all of them.", providers=_L,
        trap="bulk at bitel", changes={"judge": bugs.first_id_for_all}),
    "tied by txnid": Mutant(
        wrong="Delivered reports are tied to messages by txnid, which there is the platform's own.",
        providers=_B,
        trap="list at bip", changes={"reference": bugs.by_call}),
    "sent is delivered": Mutant(
        wrong="What the sent report accepts counts as delivered.", providers=_B,
        trap="list at bip, phones off",
        changes={"read": bugs.sent_is_delivered}),
    # -- answers
    "200 is success": Mutant(
        wrong="A send counts as accepted because it was answered 200.", providers=_I,
        trap="refused inside a 200",
        changes={"judge": bugs.trusts_200}),
    "312 is success": Mutant(
        wrong="The result code of an answer is not looked at.", providers=_B, trap="no session at bip",
        changes={"judge": bugs.trusts_200}),
    "error code is success": Mutant(
        wrong="An answer is an answer: the error in it is not looked at.", providers=_L,
        trap="refused at bitel",
        changes={"judge": bugs.trusts_any_answer}),
    "no retry on 429": Mutant(
        wrong="Too many calls is taken for a no.", providers=_I, trap="overloaded",
        changes={"judge": bugs.fails(429)}, caught=_RETRIED),
    "no retry on 5xx": Mutant(
        wrong="A gateway error is taken for a no.", providers=_I, trap="out of order",
        changes={"judge": bugs.fails(500, 502, 503, 504)}, caught=_RETRIED),
    "no retry at rbm": Mutant(
        wrong="It gives up after one try.", providers=_R, trap="rbm out of order",
        changes={"wait_s": bugs.never_again}, caught=_RETRIED),
    "no retry at bitel": Mutant(
        wrong="It gives up after one try.", providers=_L, trap="bitel out of order",
        changes={"wait_s": bugs.never_again}, caught=_RETRIED),
    "cut-off answer is a no": Mutant(
        wrong="A call that breaks off is taken for refused, though the message is on its way.", providers=_I,
        trap="cut off after the work", changes={"judge": bugs.fails(0)}),
    "repeated id is a no": Mutant(
        wrong="That an id was there before is taken for a refusal, though its first try had done the work.",
        providers=_I, trap="cut off after the work", changes={"judge": bugs.repeated_is_refused}),
    "new id for each try": Mutant(
        wrong="Each try is a message of its own.", providers=_I, trap="cut off after the work",
        changes={"id_of_try": bugs.new_id}, caught=("sends.duplicated: 0",)),
    "new id for each try at rbm": Mutant(
        wrong="Each try is a message of its own.", providers=_R, trap="rbm cut off after the work",
        changes={"id_of_try": bugs.new_id}, caught=("sends.duplicated: 0",)),
    "number without its zero": Mutant(
        wrong="Numbers are sent as 912…, which is no number there.", providers=_L, trap="numbers of bitel",
        changes={"spelt": bugs.without_prefix}, caught=("messages.at_least: 4",)),
    # -- webhooks
    "body by Content-Length": Mutant(
        wrong="A chunked body is read as empty.", providers=_I, trap="slow bodies",
        changes={"body_of": bugs.by_content_length}),
    "415 on text/plain": Mutant(
        wrong="A body under another content type is refused, whole as it is.", providers=_I,
        trap="mislabelled",
        changes={"refuses_type": bugs.json_alone(415)}),
    "text/plain is put aside": Mutant(
        wrong="A body under another content type is acknowledged and forgotten.", providers=_I,
        trap="mislabelled", changes={"refuses_type": bugs.json_alone(200)}),
    "unreadable is 200": Mutant(
        wrong="What cannot be read is acknowledged.", providers=_I,
        trap="cut short", changes={"unreadable": 200},
        caught=("webhooks.forged_refused: true", "integrator: state")),
    "signature not checked": Mutant(
        wrong="Garbled reports are believed when they happen to be JSON.", providers=_I, trap="garbled",
        changes={"genuine": bugs.believes_anybody}, caught=_FORGED),
    "signature not checked at rbm": Mutant(
        wrong="Anybody who posts is believed.", providers=_R, trap="forged",
        changes={"genuine": bugs.believes_anybody}, caught=_FORGED),
    "signature over new JSON": Mutant(
        wrong="The signature is checked over JSON written anew.", providers=_R, trap="signed by rbm",
        changes={"genuine": bugs.signs_json(separators=(",", ":"))}, caught=_UNTAKEN),
    "signature over the envelope": Mutant(
        wrong="The signature is checked over the whole body.", providers=_R, trap="signed by rbm",
        changes={"genuine": bugs.signs_envelope}, caught=_UNTAKEN),
    "signature over new JSON at infobip": Mutant(
        wrong="The signature is checked over JSON written anew, with blanks.", providers=_I,
        trap="signed by infobip", changes={"genuine": bugs.signs_json()}, caught=_UNTAKEN),
    "signature over compact JSON": Mutant(
        wrong="The signature is checked over compact JSON written anew.", providers=_I,
        trap="spelt otherwise",
        changes={"genuine": bugs.signs_json(separators=(",", ":"))}, caught=_UNTAKEN),
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
    "messages in memory": Mutant(
        wrong="What is sent and not yet reported on is lost in a restart.",
        providers=("infobip", "rbm", "bip", "bitel"), trap="restart while a phone is off",
        changes={"messages_on_disk": False}),
    "acknowledged, then not stored": Mutant(
        wrong="It answers first, and storing fails now and then.",
        providers=("infobip", "rbm", "bip", "bitel"),
        trap="many reports", changes={"stores": bugs.two_of_three}),
    "bodies are kept": Mutant(
        wrong="Every body stays in memory for ever.", providers=("infobip", "rbm", "bip", "bitel"),
        trap="many reports", changes={"keeps_bodies": True},
        caught=("stays_below: kept_bytes grows by less than 100",)),
    # -- spacing of calls
    "retry storm": Mutant(
        wrong="It tries again at once, and again, thousands of times.",
        providers=("infobip", "rbm", "bip", "bitel"), trap="throttled", changes={"wait_s": bugs.at_once},
        caught=("sends.calls: 12", "sends.spacing: 1s")),
    "deaf to Retry-After": Mutant(
        wrong="It tries again sooner than it was asked to.", providers=_I, trap="throttled",
        changes={"wait_s": bugs.deaf_to_retry_after}, caught=("sends.retry_after: true",)),
    "refusal tried again": Mutant(
        wrong="What was refused for good is sent again and again.", providers=_I, trap="refused inside a 200",
        changes={"judge": bugs.tries_refusals_again, "gives_up_as": "REJECTED"}, caught=("sends.calls: 1",)),
    "312 tried again": Mutant(
        wrong="A quota that is used up is asked for again and again.", providers=_B, trap="no session at bip",
        changes={"judge": bugs.tries_refusals_again, "gives_up_as": "REJECTED"}, caught=("sends.calls: 1",)),
    # -- recipients
    "STOP ignored": Mutant(
        wrong="It goes on sending to who wrote STOP.", providers=_I, trap="stop",
        changes={"is_stop": bugs.deaf}, caught=("sends.refused: 0",)),
    "STOP exactly": Mutant(
        wrong="Only STOP in capitals, with no blank around it, is heard.", providers=_I, trap="stop",
        changes={"is_stop": bugs.stop_exactly}, caught=("sends.refused: 0",)),
    "unsubscribed and written to": Mutant(
        wrong="It goes on sending to who unsubscribed.", providers=_R, trap="stop at rbm",
        changes={"respects_stop": False}, caught=("sends.retried: 100%",)),
    "SMS on every TTL event": Mutant(
        wrong="An SMS goes out on every TTL event, though the message arrived.", providers=_R,
        trap="falling back", changes={"falls_back": bugs.on_every_ttl_event}, caught=_BRIEF),
    "two SMS": Mutant(
        wrong="Two SMS go out in place of one message.", providers=_R, trap="falling back",
        changes={"falls_back": bugs.twice}, caught=_BRIEF),
    "no SMS": Mutant(
        wrong="Nothing goes out in place of what expired.", providers=_R, trap="falling back",
        changes={"falls_back": bugs.never}, caught=_BRIEF),
    "no SMS on 404": Mutant(
        wrong="Nothing goes out to who has no RCS.", providers=_R, trap="falling back",
        changes={"falls_back": bugs.not_on_404}, caught=("messages.at_least: 14",)),
    "no SMS when it is unclear": Mutant(
        wrong="Nothing goes out when the revocation failed, though a code is of no use later.", providers=_R,
        trap="falling back", changes={"falls_back": bugs.not_when_unclear}, caught=_BRIEF),
}
# fmt: on


def mutant(name: str, **setup: Any) -> Integrator:
    """Return the integrator with one bug, set up as given."""
    return Integrator(policy=MUTANTS[name].policy, **setup)
