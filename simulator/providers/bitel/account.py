"""
A Bitel account in one space: its money, its templates, and what it tells of messages and calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from simulator.provider import (
    TERMINAL,
    Act,
    Behaviour,
    Circumstances,
    ConstantDelay,
    Draws,
    Ending,
    Fate,
    Gateway,
    ImpossibleAct,
    Json,
    Message,
    MessageKey,
    Move,
    Plan,
    Progress,
    ProviderAccount,
    Reason,
    Report,
    Submission,
    Webhook,
    WebhookPolicy,
    WebhookRequest,
    changed,
    described,
    drawn,
    plan,
)
from simulator.providers.bitel.details import (
    CallDetails,
    SmsDetails,
    details_of,
    is_call,
)
from simulator.providers.bitel.facts import call_facts, concluded_facts, sms_facts
from simulator.providers.bitel.outcomes import magic
from simulator.providers.bitel.render import CallFacts, SmsFacts, amount, call_webhook, sms_webhook
from simulator.providers.bitel.settings import NO_RETRY, Settings, listed
from simulator.providers.bitel.wire import local_number

__all__ = ["Account", "figures"]

_BATCHES_MAX: Final = 100_000
_JSON_HEADERS: Final = (("Content-Type", "application/json"),)


class Account:
    """
    One space's account at Bitel.
    """

    __slots__ = (
        "_batches",
        "_fates",
        "_gateway",
        "_open",
        "_policy",
        "pending_milli",
        "settings",
        "spent_milli",
    )

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.settings = Settings()
        self._policy = self.settings.webhook.policy(NO_RETRY)
        self.spent_milli = 0
        self.pending_milli = 0
        """What the requests under way cost if all of them are charged; a call: its first minute."""
        self._open: dict[MessageKey, int] = {}
        """What each of them costs then; those from before the balance was set are none of its business."""
        self._batches: dict[str, list[MessageKey]] = {}
        self._fates: dict[bool, Fate] = {}

    # -- what the server asks -------------------------------------------------------------------

    @property
    def credentials(self) -> Sequence[str]:
        """The only tokens accepted; empty: any."""
        return self.settings.credentials

    @property
    def actions(self) -> Mapping[str, Callable[[Json], Json]]:
        """What happens in Bitel's web panel: templates are reviewed, the balance is looked at."""
        return {"review_template": self._review_template, "balance": self._balance}

    def _review_template(self, asked: Json) -> Json:
        template_id = asked.get("templateId") if isinstance(asked, dict) else None
        approved = asked.get("approved", True) if isinstance(asked, dict) else None
        templates = self.settings.templates
        if isinstance(template_id, bool) or not isinstance(template_id, int) or template_id not in templates:
            there_are = listed(sorted(templates))
            raise ValueError(f"templateId: expected one of {there_are}, got {str(template_id)[:40]!r}")
        if not isinstance(approved, bool):
            raise ValueError(f"approved: expected true or false, got {str(approved)[:40]!r}")
        reviewed = {**templates, template_id: replace(templates[template_id], approved=approved)}
        self.settings = replace(self.settings, templates=reviewed)
        return {"templateId": template_id, "approved": approved}

    def _balance(self, asked: Json) -> Json:
        balance = self.settings.balance
        left = None if balance is None else (balance.amount_milli - self.spent_milli) / 1_000
        return {
            "balance": left,
            "subtracted": self.spent_milli / 1_000,
            "pending": self.pending_milli / 1_000,
        }

    def configure(self, settings: Mapping[str, object]) -> None:
        """Change settings from now on; a balance that is set pays for what is sent from now on."""
        self.settings = changed(self.settings, settings)
        self._policy = self.settings.webhook.policy(NO_RETRY)
        if "balance" in settings:
            self.spent_milli = self.pending_milli = 0
            self._open.clear()
        self._fates.clear()

    def describe(self) -> Mapping[str, object]:
        """Return the settings in force as plain JSON, without secrets."""
        return described(self.settings)

    # -- what the kernel asks -------------------------------------------------------------------

    @property
    def policy(self) -> WebhookPolicy:
        """How the event of a concluded request is sent."""
        return self._policy

    @property
    def pace_ms(self) -> int:
        """Time between two waiting messages to a recipient who is back; chosen, nothing is documented."""
        return 1_000

    @property
    def throttled_code(self) -> str:
        """The code of the refusal when a client sends too fast."""
        return self.settings.throttled

    def refuses_call(self, code: str) -> bool:
        """Return True: an error code refuses the whole request, batches included."""
        return True

    def mint_id(self, key: MessageKey, draws: Draws) -> str:
        """Return 32 hexadecimal digits, as in all samples."""
        return draws.hex("message.id")

    def names_of(self, submission: Submission) -> Mapping[str, str]:
        """Return the id of the batch or campaign that a request belongs to, if it does."""
        match submission.details:
            case SmsDetails(batch_id=batch_id) if batch_id:
                return {"batchId": batch_id}
            case CallDetails(batch_id=batch_id) if batch_id:
                return {"campaignId": batch_id}
        return {}

    def compose(self, recipient: str, text: str) -> Submission:
        """Return a single send through the default gateway."""
        settings = self.settings
        parts = settings.parts_of(text)
        return Submission(
            provider="bitel",
            recipient=recipient,
            sender=settings.default_gateway,
            text=text,
            validity_ms=settings.kept_ms,
            parts=parts,
            details=SmsDetails(local_number(recipient), parts * settings.price_per_part_milli, False),
        )

    def magic(self, submission: Submission) -> Behaviour | None:
        """Return what a magic recipient asks for."""
        return magic(submission.recipient, is_call=is_call(submission))

    def by_circumstances(self, submission: Submission, circumstances: Circumstances) -> Behaviour | None:
        """Return what becomes of messages to a black-listed, blocking or unknown recipient."""
        match submission.details:
            case CallDetails() as call:
                return _call_by_circumstances(call, circumstances)
            case SmsDetails() as sms:
                return _sms_by_circumstances(sms, circumstances)
        return None

    def default_fate(self, submission: Submission) -> Fate:
        """Return delivery by way of CHECK_OK, or a call that is answered and ends normally."""
        calls = is_call(submission)
        fate = self._fates.get(calls)
        if fate is None:
            settings = self.settings
            if calls:
                fate = Fate(after=settings.hang_up_after, progress=(Progress(after=settings.answer_after),))
            else:
                station = Progress(code="CHECK_OK", after=settings.check_ok_after)
                fate = Fate(after=settings.deliver_after, progress=(station,))
            self._fates[calls] = fate
        return fate

    def planned(self, message: Message) -> Plan:
        """Fit the plan of an accepted request to how Bitel concludes."""
        expires_ms = message.expires_ms
        if is_call(message.submission):
            expires_ms = self._outlasting_ms(message)
        return Plan(self._capped(message, expires_ms), expires_ms)

    def noted(self, message: Message, move: Move | None) -> None:
        """Keep the books: what is under way, when a call was tried, what a conclusion costs."""
        details = details_of(message)
        if move is None:
            self._begin(message)
            return
        if details.charged_milli >= 0:
            return
        if isinstance(details, CallDetails):
            self._note_try(message, details, move)
        if message.state in TERMINAL and move is not Move.READ:
            details.charged_milli = self.concluded(message).price_milli
            cost_milli = self._open.pop(message.key, None)
            if cost_milli is not None:
                self.pending_milli -= cost_milli
                self.spent_milli += details.charged_milli

    def reports_of(self, message: Message, move: Move | None) -> Sequence[Report]:
        """Return the one event that is owed at the conclusion."""
        concludes = move is not None and move is not Move.READ and message.state in TERMINAL
        if not concludes or not self.settings.webhook.url:
            return ()
        facts = self.concluded(message)
        return (
            Report(
                provider=message.key.provider,
                recipient=message.key.recipient,
                label=facts.status,
                target=self.settings.webhook.url,
                at_ms=message.changed_ms,
                key=message.key,
                payload=facts,
            ),
        )

    def _note_try(self, message: Message, details: CallDetails, move: Move) -> None:
        """Note when a call is executed; one that found the phone off cannot begin before it is back."""
        now_ms = message.changed_ms
        if move is Move.SEND and details.executed_ms < 0:
            details.executed_ms = now_ms
        if move is Move.WAIT or (move is Move.SEND and not self._reachable(message)):
            details.missed_ms = now_ms
        elif move is Move.DELIVER and details.missed_ms >= 0:
            details.executed_ms = self._back_ms(message, details.missed_ms)

    def _reachable(self, message: Message) -> bool:
        return self._gateway.circumstances(message.key.recipient, message.changed_ms).reachable

    def _back_ms(self, message: Message, missed_ms: int) -> int:
        """Return when a phone that was off at *missed_ms* was back for the call that ends now."""
        gateway, recipient = self._gateway, message.key.recipient
        back_ms = message.changed_ms
        edge_ms = gateway.next_change_ms(recipient, "reachable", missed_ms)
        while edge_ms is not None and edge_ms <= message.changed_ms:
            back_ms = edge_ms
            edge_ms = gateway.next_change_ms(recipient, "reachable", edge_ms)
        return back_ms

    def _begin(self, message: Message) -> None:
        """Enter an accepted request in the books."""
        details = details_of(message)
        cost_milli = self.settings.price_per_minute_milli
        if isinstance(details, SmsDetails):
            cost_milli = details.price_milli
        self._open[message.key] = cost_milli
        self.pending_milli += cost_milli
        if details.batch_id:
            self._batches.setdefault(details.batch_id, []).append(message.key)
            if len(self._batches) > _BATCHES_MAX:
                del self._batches[next(iter(self._batches))]

    def _outlasting_ms(self, message: Message) -> int:
        """
        Return until when a call lasts; one with an end of its own outlasts its tries: nobody hangs up.

        Calls that nobody answers, and those to a phone that is off, end with the tries.
        """
        ending = message.fate.ending
        if ending is Ending.FAIL or (ending is Ending.DELIVER and self._reachable(message)):
            lasts_ms = self.settings.hang_up_after.max_ms
            return max(message.expires_ms, message.accepted_ms + lasts_ms + 1)
        return message.expires_ms

    def _capped(self, message: Message, expires_ms: int) -> Fate:
        """Return the fate with CHECK_OK, or the answer to a call, at the end at the latest."""
        fate = message.fate
        if fate.after is None or not fate.progress:
            return fate
        station = fate.progress[0]
        if fate.after.draw(0) >= station.after.max_ms:
            return fate
        draws = self._gateway.draws(*message.key)
        direct = replace(fate, progress=())
        for end_ms, _ in plan(direct, message.key, draws, 0, expires_ms - message.accepted_ms):
            if drawn(station.after, draws, "progress.after") > end_ms:
                capped = replace(station, after=ConstantDelay(end_ms))
                return replace(fate, progress=(capped,))
        return fate

    def act(self, recipient: str, act: Act, draws: Draws) -> Sequence[Report]:
        """Refuse: Bitel's documentation knows no inbound messages."""
        raise ImpossibleAct(f"Bitel tells nothing of what recipients do; {act.kind!r} has no effect there")

    def reissue(self, report: Report, draws: Draws) -> Report:
        """Return the same: Bitel numbers its reports by the message they are about, and nothing else."""
        return report

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return the event of a concluded request."""
        match webhook.reports[0].payload:
            case CallFacts() as call:
                body = call_webhook(call, self.settings.webhook_body)
            case SmsFacts() as sms:
                body = sms_webhook(sms, self.settings.webhook_body)
            case other:
                raise TypeError(f"expected an event of Bitel, got {type(other).__name__}")
        return WebhookRequest(url=webhook.target, body=body, headers=_JSON_HEADERS)

    # -- what the routes ask --------------------------------------------------------------------

    def batch(self, batch_id: str) -> Iterator[Message]:
        """Yield the messages or calls of a batch or campaign, in the order of its numbers."""
        messages = (self._gateway.message_of(key) for key in list(self._batches.get(batch_id, ())))
        return (message for message in messages if message is not None)

    @property
    def left_milli(self) -> int | None:
        """What the balance has left for more, beside all that is under way; None: there is no limit."""
        balance = self.settings.balance
        return None if balance is None else balance.amount_milli - self.spent_milli - self.pending_milli

    def sms_facts(self, message: Message) -> SmsFacts:
        """Return what can be told of a short message now."""
        return sms_facts(self._gateway, self.settings, message)

    def concluded(self, message: Message) -> SmsFacts | CallFacts:
        """Return a message or call as it ends, with what that costs."""
        return concluded_facts(self._gateway, self.settings, message)

    def call_facts(self, message: Message) -> CallFacts:
        """Return what can be told of a call now."""
        return call_facts(self._gateway, self.settings, message)


def _failing(code: str, reason: Reason) -> Behaviour:
    # Not sent, hence no CHECK_OK before it.
    return Behaviour(fate=Fate(ending=Ending.FAIL, code=code, reason=reason, progress=()))


def _sms_by_circumstances(details: SmsDetails, circumstances: Circumstances) -> Behaviour | None:
    if details.malformed or circumstances.known is False:
        return _failing("ERROR", Reason.UNKNOWN)
    if circumstances.blocked:
        return _failing("BLACKLIST", Reason.BLOCKED)
    if circumstances.blacklisted and not details.passes_black_list:
        return _failing("BLACKLIST", Reason.BLACKLISTED)
    return None


def _call_by_circumstances(details: CallDetails, circumstances: Circumstances) -> Behaviour | None:
    """Return the end of calls that cannot succeed; the black list is documented for SMS alone."""
    if details.malformed or circumstances.known is False:
        return _failing("ERROR", Reason.UNKNOWN)
    if circumstances.blocked:
        # Chosen: what a caller hears of a phone that blocks him.
        return Behaviour(fate=Fate(ending=Ending.EXPIRE, code="USER_BUSY", reason=Reason.BLOCKED))
    return None


def figures(account: ProviderAccount, message: Message) -> Mapping[str, str]:
    """Return what the event of a message or call tells: its status, what it costs, and its parts."""
    assert isinstance(account, Account)
    facts = account.concluded(message)
    told = {"price": str(amount(facts.price_milli, account.settings.webhook_body)), "code": facts.status}
    return {**told, "parts": str(facts.parts)} if isinstance(facts, SmsFacts) else told
