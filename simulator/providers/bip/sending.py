"""
From a verified request to submissions, and from their outcomes to the answer or the sent report.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from simulator.provider import Answer, Call, InTurns, Message, Refused, Report, Submission, drawn, gathered
from simulator.providers.bip.account import Account
from simulator.providers.bip.breach import Breach
from simulator.providers.bip.codes import SUCCESS
from simulator.providers.bip.details import ALL, FILTERED, ONE_TO_ONE, Details, details_of
from simulator.providers.bip.outcomes import magic
from simulator.providers.bip.quota import Asked
from simulator.providers.bip.render import REQID_MAX, Entry, SentReport, answer_json
from simulator.providers.bip.standing import Objection
from simulator.providers.bip.wire import ALL_FOLLOWERS, Part, Receiver, SendRequest, bad_request

__all__ = ["send"]

_MESSAGES_MAX: Final = 100_000
"""No limit is documented (OC-9); each receiver of a list gets each message, which is soon millions."""

_QUOTA: Final = {
    "sendmsgserv": ONE_TO_ONE,
    "sendmsgservlist": FILTERED,
    "sendmultiusermulticontent": ONE_TO_ONE,
}


def send(call: Call, account: Account, request: SendRequest) -> Answer | Awaitable[Answer]:
    """
    Send what a verified request asks for; raises Refuse.

    To one user this is synchronous: quota and error checks come before the
    answer.  To others the answer comes first and means only that the request
    was accepted; what became of it stands in the sent report, if the service
    may have one, and nowhere else.  Source: "Synchronous/Asynchronous
    Transmission".
    """
    return call.in_turns(_steps(call, account, request))


def _steps(call: Call, account: Account, request: SendRequest) -> InTurns[Answer]:
    everybody: list[Receiver] = []
    if any(part.receiver.kind == ALL_FOLLOWERS for part in request.parts):
        everybody = yield from gathered(map(account.receiver_of, (yield from account.followers())))
    count = sum(
        len(part.contents) * (len(everybody) if part.receiver.kind == ALL_FOLLOWERS else 1)
        for part in request.parts
    )
    if count > _MESSAGES_MAX:
        breach = Breach("body", "body", f"expected at most {_MESSAGES_MAX} messages in one call, got {count}")
        raise bad_request(breach, request.txnid)
    parts = _with_followers(request.parts, everybody)
    submissions = yield from gathered(_submissions(call, account, request, parts))
    if request.method == "sendmsgserv" and not request.broadcast:
        checked = yield from gathered(_checked(account, request, submissions))
        outcomes = yield from call.submitting(checked)
        return (yield from _answer(account, request, outcomes))
    gateway = call.gateway
    draws = gateway.draws("bip", "call", request.method, request.txnid, gateway.now_ms)
    yield from call.submitting_later(
        submissions,
        after_ms=drawn(account.settings.work_after, draws, "work.after"),
        name=f"{request.method} {request.txnid}",
        prepare=lambda waiting: _checked(account, request, waiting),
        done=_reporting(call, account, request),
    )
    return answer_json({"txnid": request.txnid, "resultcode": SUCCESS})


def _submissions(
    call: Call, account: Account, request: SendRequest, parts: Iterable[Part]
) -> Iterator[Submission]:
    credential = call.credential_text
    validity_ms = request.ttl_s * 1_000 or account.settings.validity_ms
    quota = ALL if request.broadcast else _QUOTA[request.method]
    asked: dict[str, Asked] = {}
    for place, part in enumerate(parts):
        receiver, count = part.receiver, len(part.contents)
        recipient = receiver.address or receiver.written
        of_recipient = asked.setdefault(recipient, Asked())
        for number, content in enumerate(part.contents, 1):
            details = Details(
                txnid=request.txnid,
                receiver=receiver,
                content=content,
                number=number,
                count=count,
                quota=quota,
                asked=of_recipient,
                part=place,
                expire_s=part.expire_s,
            )
            yield Submission(
                provider="bip",
                recipient=recipient,
                text=content.text,
                credential=credential,
                validity_ms=validity_ms,
                details=details,
            )


def _with_followers(parts: Iterable[Part], followers: Sequence[Receiver]) -> Iterator[Part]:
    """Yield what each receiver gets, with all *followers* one by one."""
    for part in parts:
        if part.receiver.kind != ALL_FOLLOWERS:
            yield part
            continue
        for receiver in followers:
            yield replace(part, receiver=receiver)


# -- quota and error checks ----------------------------------------------------------------------


def _checked(
    account: Account, request: SendRequest, submissions: Sequence[Submission]
) -> Iterator[Submission]:
    """
    Yield the submissions with what the service's own standing refuses.

    The recipient's circumstances come later, on the ladder, so that magic
    recipients and rules go before them; they are looked at here only where the
    service is refused anyway, for the order of codes.
    """
    objections = account.standing.against_call(request)
    if not objections and request.broadcast:
        # What is refused anyway uses nothing up.
        account.standing.count_broadcast()
    for submission in submissions:
        # What was granted at the call counts no more: some of it may be refused by now.
        details_of(submission).asked.begin()
    for submission in submissions:
        yield _with_refusal(account, objections, submission)


def _with_refusal(account: Account, objections: Sequence[Objection], submission: Submission) -> Submission:
    details = details_of(submission)
    broken = details.receiver.broken
    if broken is not None:
        rule = broken.rule
        code = account.settings.structural_codes[rule] if isinstance(rule, str) else rule
        return replace(submission, refusal=str(code), refusal_why=f"{broken.path}: {broken.expected}")
    standing = account.standing
    against = [*objections, *standing.against_plain_number(details)]
    if not against:
        return submission
    if magic(submission.recipient) is None:
        circumstances = account.circumstances(submission)
        against += standing.against_receiver(submission.recipient, details, circumstances)
    first = standing.first(against)
    return replace(submission, refusal=str(first.code), refusal_why=first.why)


# -- the answer and the sent report ----------------------------------------------------------------


def _answer(account: Account, request: SendRequest, outcomes: Sequence[Message | Refused]) -> InTurns[Answer]:
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    if len(refused) == len(outcomes):
        return answer_json({"txnid": request.txnid, "resultcode": int(refused[0].code)})
    body: dict[str, object] = {"txnid": request.txnid, "resultcode": SUCCESS}
    if account.settings.reports:
        body["list"] = yield from gathered(_entries(account, outcomes))
    return answer_json(body)


def _entries(account: Account, outcomes: Sequence[Message | Refused]) -> Iterator[Entry]:
    """Yield the entries of a list: one per message sent, one per receiver that was refused (OC-12)."""
    whole = account.settings.failure_entries == "recipient"
    for _, group in groupby(outcomes, key=_receiver_of):
        of_receiver = list(group)
        refused = whole and all(isinstance(outcome, Refused) for outcome in of_receiver)
        for outcome in of_receiver[:1] if refused else of_receiver:
            details = details_of(outcome.submission)
            to, total = details.receiver.written, details.count
            if isinstance(outcome, Refused):
                yield Entry(int(outcome.code), to, None, None, total)
            else:
                yield Entry(SUCCESS, to, outcome.id, details.number, total)


def _receiver_of(outcome: Message | Refused) -> tuple[int, int]:
    """Return what is the same for messages of one receiver, and differs between neighbours."""
    details = details_of(outcome.submission)
    return id(details.receiver), outcome.key.ordinal - details.number


def _reporting(
    call: Call, account: Account, request: SendRequest
) -> Callable[[Sequence[Message | Refused]], InTurns[Sequence[Report]]]:
    gateway = call.gateway

    def report(outcomes: Sequence[Message | Refused]) -> InTurns[Sequence[Report]]:
        settings = account.settings
        target = settings.report_url
        if not settings.reports or not target:
            return ()
        entries = yield from gathered(_entries(account, outcomes))
        size = settings.report_list_max or len(entries) or 1
        sent = next((outcome for outcome in outcomes if isinstance(outcome, Message)), None)
        now_ms = gateway.now_ms
        # A report about nobody has a key of its own, since a txnid may come again in the same instant.
        first = outcomes[0].key if outcomes else gateway.take_key("(empty report)")
        draws = gateway.draws("sent report", *first)
        reports = (
            Report(
                provider="bip",
                recipient=sent.key.recipient if sent is not None else "",
                label="sent report" if part == 0 else f"sent report {part // size + 1}",
                target=target,
                at_ms=now_ms,
                key=sent.key if sent is not None else None,
                payload=SentReport(
                    draws.integer(f"reqid.{part // size}", 1, REQID_MAX),
                    request.txnid,
                    SUCCESS,
                    entries[part : part + size],
                ),
            )
            for part in range(0, max(len(entries), 1), size)
        )
        return (yield from gathered(reports))

    return report
