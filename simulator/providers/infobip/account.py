"""
An Infobip account in one space: its policies, and what it remembers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from simulator.provider import (
    TERMINAL,
    Act,
    AnswerFault,
    Behaviour,
    Circumstances,
    ConstantDelay,
    Draws,
    Ending,
    Fate,
    Gateway,
    ImpossibleAct,
    Message,
    MessageKey,
    Move,
    Progress,
    ProviderAccount,
    Reason,
    Refused,
    Report,
    State,
    Submission,
    Webhook,
    WebhookPolicy,
    WebhookRequest,
    changed,
    described,
    segment,
)
from simulator.providers.infobip.books import Books
from simulator.providers.infobip.bulk import Bulks
from simulator.providers.infobip.clicks import click_report
from simulator.providers.infobip.codes import HTTP_REFUSALS, STATUSES
from simulator.providers.infobip.details import Details, details_of, is_number, shared_details
from simulator.providers.infobip.inbound import Inbound, inbound_report
from simulator.providers.infobip.money import micros, plain_amount
from simulator.providers.infobip.outcomes import code_of, free_statuses, magic, split_code
from simulator.providers.infobip.pulling import PullQueue, Throttle
from simulator.providers.infobip.pushing import body_of
from simulator.providers.infobip.render import Facts
from simulator.providers.infobip.settings import RETRY_DOCUMENTED, Settings
from simulator.providers.infobip.style import Style
from simulator.providers.infobip.wire import Item, plain_item

__all__ = ["Account", "figures"]

_NO_PREFIX: Final = 8
_NOT_REGISTERED: Final = 18
"""What a trial account's messages to others than its own numbers are reported with."""

_HANDED_OVER: Final = Progress(code="3/0", after=ConstantDelay(200))
_AT_OPERATOR: Final = Progress(code="2/0", after=ConstantDelay(300))


class Account:
    """
    One space's account at Infobip.
    """

    __slots__ = (
        "_fates",
        "_free",
        "_gateway",
        "_policy",
        "_price_micros",
        "_style",
        "books",
        "bulks",
        "inbox",
        "log_throttle",
        "reports",
        "settings",
    )

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.reports: PullQueue[Facts] = PullQueue()
        self.inbox: PullQueue[Inbound] = PullQueue()
        self.bulks = Bulks()
        self.log_throttle = Throttle()
        self.settings = Settings()
        self.books = Books(micros(self.settings.balance), gateway.messages_max)
        self._fates: dict[bool, Fate] = {}
        self._derive()

    def _derive(self) -> None:
        """Work out what follows from the settings."""
        settings = self.settings
        self._policy = settings.webhook.policy(RETRY_DOCUMENTED)
        self._price_micros = micros(settings.price_per_message)
        self._free = free_statuses(settings.free)
        self._style = Style(
            epoch_ms=self._gateway.epoch_ms,
            zone=settings.time_zone,
            price_decimals=settings.price_decimals,
            network=settings.mcc_mnc,
            log_texts=settings.log_texts,
        )
        self._fates.clear()

    # -- what the server asks -------------------------------------------------------------------

    @property
    def credentials(self) -> Sequence[str]:
        """The only credentials accepted; empty: any well-formed one."""
        return self.settings.credentials

    def configure(self, settings: Mapping[str, object]) -> None:
        """Change settings from now on; a balance that is named is what the account has now."""
        self.settings = changed(self.settings, settings)
        self._derive()
        if "balance" in settings:
            self.books.balance_micros = micros(self.settings.balance)

    def describe(self) -> Mapping[str, object]:
        """Return the settings in force as plain JSON, without secrets."""
        return {**described(self.settings), "balance": plain_amount(self.books.balance_micros)}

    # -- what the kernel asks -------------------------------------------------------------------

    @property
    def policy(self) -> WebhookPolicy:
        """How delivery reports are pushed."""
        return self._policy

    @property
    def pace_ms(self) -> int:
        """Time between two waiting messages to a recipient who is back; chosen, nothing is documented."""
        return 1_000

    @property
    def throttled_code(self) -> str:
        """The code of the refusal when a client sends too fast."""
        return "TOO_MANY_REQUESTS"

    def refuses_call(self, code: str) -> bool:
        """Return True for HTTP refusals; statuses reject one recipient inside a 200."""
        return code in HTTP_REFUSALS

    def mint_id(self, key: MessageKey, draws: Draws) -> str:
        """Return a 19-digit decimal, one of the forms seen."""
        return draws.digits("message.id", 19)

    def names_of(self, submission: Submission) -> Mapping[str, str]:
        """Return the bulkId that the client chose: it may be all that it knows of a refused call."""
        details = details_of(submission)
        return {"bulkId": details.bulk_id} if details.bulk_chosen else {}

    def found_by(self, submission: Submission) -> Sequence[str]:
        """Return the bulkId of the answer, whoever chose it; stories are not crowded with one of ours."""
        bulk_id = details_of(submission).bulk_id
        return (bulk_id,) if bulk_id else ()

    def compose(self, recipient: str, text: str) -> Submission:
        """Return a v1 message with the account's default sender."""
        parts = segment(text).parts
        return Submission(
            provider="infobip",
            recipient=recipient,
            sender=self.settings.default_sender,
            text=text,
            parts=parts,
            details=shared_details(
                1, plain_item(""), self.settings.status_on_send(1), self.cost_micros(parts)
            ),
        )

    def magic(self, submission: Submission) -> Behaviour | None:
        """Return what a magic recipient asks for."""
        return magic(submission.recipient)

    def by_circumstances(self, submission: Submission, circumstances: Circumstances) -> Behaviour | None:
        """Return what becomes of messages to a black-listed, blocking or unknown recipient."""
        if circumstances.blacklisted:
            return Behaviour(answer=AnswerFault(refuse="14"))
        if circumstances.blocked:
            fate = Fate(ending=Ending.FAIL, code="4/13", reason=Reason.BLOCKED)
            return Behaviour(fate=fate)
        if circumstances.known is False:
            fate = Fate(ending=Ending.FAIL, code="4/1", reason=Reason.UNKNOWN)
            return Behaviour(fate=fate)
        return None

    def default_fate(self, submission: Submission) -> Fate:
        """
        Return delivery after a while, by way of the stations that intermediate reports tell of.

        What is no phone number, yet passed the answer, has no network to go to, and a
        trial account's message to a number that is not its own gets no further either.
        """
        trial = self.settings.trial
        if not is_number(submission.recipient):
            return self._rejected_later(_NO_PREFIX)
        if trial.on and not trial.reaches(submission.recipient):
            return self._rejected_later(_NOT_REGISTERED)
        intermediate = details_of(submission).item.intermediate
        fate = self._fates.get(intermediate)
        if fate is None:
            progress = (_HANDED_OVER, _AT_OPERATOR) if intermediate else (_HANDED_OVER,)
            fate = Fate(after=self.settings.deliver_after, progress=progress)
            self._fates[intermediate] = fate
        return fate

    def _rejected_later(self, status_id: int) -> Fate:
        return Fate(
            ending=Ending.FAIL, after=self.settings.deliver_after, progress=(), code=code_of(status_id)
        )

    def noted(self, message: Message, move: Move | None) -> None:
        """Enter an accepted message in the books; give back the price of one whose end costs nothing."""
        if move is None:
            self.books.accept(message, details_of(message.mould))
        elif move is not Move.READ and message.state in TERMINAL:
            status_id, _ = self.outcome_of(message)
            if self.is_free(status_id):
                self.books.balance_micros += details_of(message.mould).cost_micros

    def forget(self, message: Message) -> None:
        """Let go of a message that is over, and of what waits to be pulled since before it."""
        self.books.forget(message)
        self.reports.forget_before(message.accepted_ms)

    def reports_of(self, message: Message, move: Move | None) -> Sequence[Report]:
        """Return the report, to be pushed or pulled, if the change is reportable."""
        if move is None or move is Move.RELEASE or move is Move.READ:
            return ()
        details = details_of(message.mould)
        status_id, error_id = self.outcome_of(message)
        item = details.item
        if not item.notify or not (STATUSES[status_id].final or item.intermediate):
            return ()
        if move is Move.REVOKE and not self._reports_canceled(item):
            return ()
        facts = self._facts(message, details, status_id, error_id)
        target = item.notify_url or self.settings.webhook.url
        return (
            Report(
                provider=message.key.provider,
                recipient=message.key.recipient,
                label=STATUSES[status_id].name,
                target=target,
                at_ms=message.changed_ms,
                key=message.key,
                batch=f"v{details.generation} {item.content_type}",
                payload=facts,
            ),
        )

    def told(self, report: Report) -> None:
        """Keep for pulling what is pushed nowhere, or everything where the settings want that."""
        if report.target and self.settings.pull != "all":
            return
        match report.payload:
            case Facts() as facts:
                self.reports.add(facts)
            case Inbound() as message:
                self.inbox.add(message)

    def _reports_canceled(self, item: Item) -> bool:
        choice = self.settings.canceled_report
        return choice == "always" or (choice == "notify_url" and bool(item.notify_url))

    def act(self, recipient: str, act: Act, draws: Draws) -> Sequence[Report]:
        """Return what is owed when a recipient writes, or clicks on a tracked URL."""
        match act.kind:
            case "writes":
                network_id = self.books.network_id(recipient)
                return (inbound_report(recipient, act, draws, self.settings, self._gateway, network_id),)
            case "clicks":
                tracked = self.books.clickable(recipient)
                return (click_report(recipient, act, self.settings, self._gateway, tracked),)
        raise ImpossibleAct(f"Infobip recipients cannot do {act.kind!r}; they can do writes and clicks")

    def reissue(self, report: Report, draws: Draws) -> Report:
        """Return the same: Infobip numbers its reports by the message they are about, and nothing else."""
        return report

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return the push of reports, of inbound messages or of a click."""
        body, content_type = body_of(webhook, self.style)
        headers: tuple[tuple[str, str], ...] = (("Content-Type", content_type),)
        settings = self.settings
        own = (settings.webhook.url, settings.inbound.url, settings.clicks.url)
        signing = None
        if settings.security.everywhere or webhook.target in own:
            headers += settings.security.headers_for(body)
            signing = settings.security.hmac
        return WebhookRequest(
            url=webhook.target,
            body=body,
            headers=headers,
            signed_by=() if signing is None else (signing.header,),
            sign=None if signing is None else signing.sign,
        )

    # -- what the routes ask --------------------------------------------------------------------

    @property
    def style(self) -> Style:
        """How reports, logs and inbound messages are written now."""
        epoch_ms = self._gateway.epoch_ms
        if self._style.epoch_ms != epoch_ms:
            # The clock was set, which is possible as long as nobody was told a date.
            self._style = self._style._replace(epoch_ms=epoch_ms)
        return self._style

    def outcome_of(self, message: Message) -> tuple[int, int]:
        """Return the status and error a message has now."""
        if message.code:
            return split_code(message.code)
        if message.state is State.FAILED:
            return split_code(_FAILURES.get(message.reason, "9/27"))
        outcome = _OUTCOMES.get(message.state)
        return (self.accepted_status(message), 0) if outcome is None else outcome

    def accepted_status(self, message: Message) -> int:
        """Return the status with which the send call answers."""
        fate = message.ruling.fate
        if fate.ending is Ending.SILENCE and fate.code in ("0", "1", "7", "26"):
            return int(fate.code)
        return details_of(message.mould).accepted_status

    def cost_micros(self, parts: int) -> int:
        """Return what a message of so many parts costs."""
        return self._price_micros * (parts if self.settings.charge == "part" else 1)

    def is_free(self, status_id: int) -> bool:
        """Return True when a message with this status costs nothing."""
        return status_id in self._free

    def log_facts(self, outcome: Message | Refused) -> Facts:
        """Return what the log tells of an entry now."""
        if isinstance(outcome, Message):
            return self._facts(outcome, details_of(outcome.mould), *self.outcome_of(outcome))
        details = details_of(outcome.submission)
        return self._facts_of(outcome, details, *split_code(outcome.code), outcome.at_ms, outcome.at_ms)

    def _facts(self, message: Message, details: Details, status_id: int, error_id: int) -> Facts:
        sent_ms = max(message.accepted_ms, message.hold_until_ms)
        done_ms = max(sent_ms, message.changed_ms)
        return self._facts_of(message, details, status_id, error_id, sent_ms, done_ms)

    def _facts_of(
        self,
        outcome: Message | Refused,
        details: Details,
        status_id: int,
        error_id: int,
        sent_ms: int,
        done_ms: int,
    ) -> Facts:
        recipient = outcome.key.recipient
        asked, text = (
            (outcome.mould, outcome.text)
            if isinstance(outcome, Message)
            else (outcome.submission, outcome.submission.text)
        )
        circumstances = self._gateway.circumstances(recipient, done_ms)
        free = self.is_free(status_id) or isinstance(outcome, Refused)
        return Facts(
            generation=details.generation,
            message_id=outcome.id,
            bulk_id=details.bulk_id,
            recipient=recipient,
            operator=circumstances.operator or "",
            parts=asked.parts,
            item=details.item,
            sender=asked.sender,
            text="" if details.item.binary is not None else text,
            sent_ms=sent_ms,
            done_ms=done_ms,
            status_id=status_id,
            error_id=error_id,
            price=0.0 if free else self.settings.price_per_message,
            currency=self.settings.currency,
            free=free,
            network_id=details.network_id,
        )


_OUTCOMES: Final = {
    State.SENT: (3, 0),
    # Real log rows pair "waiting for delivery" with an absent subscriber.
    State.WAITING: (3, 27),
    State.DELIVERED: (5, 0),
    State.READ: (5, 0),
    State.EXPIRED: (15, 4101),
    State.REVOKED: (31, 4100),
}
_FAILURES: Final = {
    Reason.BLOCKED: "4/13",
    Reason.BLACKLISTED: code_of(14),
    Reason.UNKNOWN: "4/1",
    Reason.VALIDITY: "15/4101",
    Reason.CANCELED: "31/4100",
}


def figures(account: ProviderAccount, message: Message) -> Mapping[str, str]:
    """Return what a message costs, of how many parts it is, and the name of its status."""
    assert isinstance(account, Account)
    status_id, _ = account.outcome_of(message)
    parts = message.mould.parts
    price = 0 if account.is_free(status_id) else account.cost_micros(parts) / 1_000_000
    return {"price": f"{price:.6f}", "parts": str(parts), "code": STATUSES[status_id].name}
