"""
An Infobip account in one space: its policies, and the reports it keeps for pulling.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from simulator.kernel.account import ImpossibleAct
from simulator.kernel.chance import Draws
from simulator.kernel.fates import Ending, Fate, Progress
from simulator.kernel.lifecycle import Move, State
from simulator.kernel.message import Message
from simulator.kernel.node import Json
from simulator.kernel.recipient import Circumstances
from simulator.kernel.rule import Act, AnswerFault, Behaviour
from simulator.kernel.sms import segment
from simulator.kernel.submission import MessageKey, Reason, Submission
from simulator.kernel.units import ConstantDelay, format_duration
from simulator.kernel.webhook import Report, Webhook, WebhookPolicy, WebhookRequest
from simulator.provider import Gateway
from simulator.providers.infobip.codes import HTTP_REFUSALS, STATUSES
from simulator.providers.infobip.outcomes import code_of, magic, split_code
from simulator.providers.infobip.render import Facts, render_reports
from simulator.providers.infobip.settings import Settings
from simulator.providers.infobip.wire import Item

__all__ = ["Account", "Details", "is_number"]

_PULL_MAX: Final = 100_000
_PULL_HORIZON_MS: Final = 48 * 3_600_000
"""Reports can be pulled for 48 hours.  Source: "Get SMS delivery reports"."""

_NO_PREFIX: Final = 8

_HANDED_OVER: Final = Progress(code="3/0", after=ConstantDelay(200))
_AT_OPERATOR: Final = Progress(code="2/0", after=ConstantDelay(300))


class Details(Struct, frozen=True, gc=False):
    """
    What Infobip remembers of a submission beyond what the kernel does.
    """

    generation: int
    to: str
    """The recipient as reports spell it: digits only."""
    item: Item
    bulk_id: str = ""
    accepted_status: int = 26


def is_number(recipient: str) -> bool:
    """Return True for 7 to 15 digits without a leading zero: a rule that never changes."""
    return recipient[:1] == "+" and 8 <= len(recipient) <= 16 and recipient[1] != "0"


class Account:
    """
    One space's account at Infobip.
    """

    __slots__ = ("_fates", "_gateway", "pulled_from", "settings")

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.settings = Settings()
        self.pulled_from: deque[Facts] = deque(maxlen=_PULL_MAX)
        self._fates: dict[bool, Fate] = {}

    # -- what the server asks -------------------------------------------------------------------

    @property
    def credentials(self) -> Sequence[str]:
        """The only credentials accepted; empty: any well-formed one."""
        return self.settings.credentials

    @property
    def actions(self) -> Mapping[str, Callable[[Json], Json]]:
        """Nothing beyond the control API."""
        return {}

    def configure(self, settings: Mapping[str, object]) -> None:
        """Change settings from now on."""
        self.settings = self.settings.changed(settings)
        self._fates.clear()

    def describe(self) -> Mapping[str, object]:
        """Return the settings in force as plain JSON, without secrets."""
        settings = self.settings
        return {
            "webhook": {"url": settings.webhook_url, "batch": {"max": settings.policy.batch_max}},
            "credentials": len(settings.credentials),
            "senders": list(settings.senders),
            "duplicate_window": format_duration(settings.duplicate_window_ms),
        }

    # -- what the kernel asks -------------------------------------------------------------------

    @property
    def policy(self) -> WebhookPolicy:
        """How delivery reports are pushed."""
        return self.settings.policy

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

    def compose(self, recipient: str, text: str) -> Submission:
        """Return a v1 message with the account's default sender."""
        item = Item(sender=self.settings.default_sender, text=text)
        return Submission(
            provider="infobip",
            recipient=recipient,
            sender=item.sender,
            text=text,
            parts=segment(text).parts,
            details=Details(
                generation=1,
                to=recipient.removeprefix("+"),
                item=item,
                accepted_status=self.settings.send_status["v1"],
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

        What is no phone number, yet passed the answer, has no network to go to.
        """
        if not is_number(submission.recipient):
            return Fate(
                ending=Ending.FAIL, after=self.settings.deliver_after, progress=(), code=code_of(_NO_PREFIX)
            )
        details = submission.details
        intermediate = isinstance(details, Details) and details.item.intermediate
        fate = self._fates.get(intermediate)
        if fate is None:
            progress = (_HANDED_OVER, _AT_OPERATOR) if intermediate else (_HANDED_OVER,)
            fate = Fate(after=self.settings.deliver_after, progress=progress)
            self._fates[intermediate] = fate
        return fate

    def changed(self, message: Message, move: Move | None) -> Sequence[Report]:
        """Keep a report for pulling and return the one to push, if the change is reportable."""
        details = message.submission.details
        if move is None or move is Move.RELEASE or move is Move.READ or not isinstance(details, Details):
            return ()
        status_id, error_id = self.outcome_of(message)
        final = STATUSES[status_id].final
        item = details.item
        if not item.notify or not (final or item.intermediate):
            return ()
        facts = self._facts(message, details, status_id, error_id)
        target = item.notify_url or self.settings.webhook_url
        if self.settings.pull == "all" or not target:
            self.pulled_from.append(facts)
        if not target:
            return ()
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

    def act(self, recipient: str, act: Act, draws: Draws) -> Sequence[Report]:
        """Refuse: inbound messages are not imitated yet."""
        raise ImpossibleAct(f"Infobip recipients cannot do {act.kind!r} here")

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return the push of one or more delivery reports."""
        facts = [report.payload for report in webhook.reports if isinstance(report.payload, Facts)]
        body = render_reports(facts, facts[0].generation, self._gateway.simulation.clock.epoch_ms)
        return WebhookRequest(url=webhook.target, body=body, headers=(("Content-Type", "application/json"),))

    # -- what the routes ask --------------------------------------------------------------------

    def outcome_of(self, message: Message) -> tuple[int, int]:
        """Return the status and error a message has now."""
        if message.code:
            return split_code(message.code)
        match message.state:
            case State.SCHEDULED | State.ACCEPTED:
                return self.accepted_status(message), 0
            case State.SENT:
                return 3, 0
            case State.WAITING:
                # Real log rows pair "waiting for delivery" with an absent subscriber.
                return 3, 27
            case State.DELIVERED | State.READ:
                return 5, 0
            case State.EXPIRED:
                return 15, 4101
            case State.REVOKED:
                return 31, 4100
            case State.FAILED:
                return split_code(_FAILURES.get(message.reason, "9/27"))

    def accepted_status(self, message: Message) -> int:
        """Return the status with which the send call answers."""
        fate = message.fate
        if fate.ending is Ending.SILENCE and fate.code in ("0", "1", "7", "26"):
            return int(fate.code)
        details = message.submission.details
        return details.accepted_status if isinstance(details, Details) else 26

    def take_reports(self, limit: int, wanted: Mapping[str, str]) -> list[Facts]:
        """Remove and return up to *limit* kept reports that fit, the latest first."""
        horizon_ms = self._gateway.now_ms - _PULL_HORIZON_MS
        taken: list[Facts] = []
        kept: list[Facts] = []
        while self.pulled_from:
            facts = self.pulled_from.pop()
            if facts.done_ms < horizon_ms:
                continue
            if len(taken) < limit and facts.fits(wanted):
                taken.append(facts)
            else:
                kept.append(facts)
        self.pulled_from.extend(reversed(kept))
        return taken

    def _facts(self, message: Message, details: Details, status_id: int, error_id: int) -> Facts:
        simulation = self._gateway.simulation
        circumstances = simulation.directory.at(message.key.recipient, message.changed_ms)
        return Facts(
            generation=details.generation,
            message_id=message.id,
            bulk_id=details.bulk_id,
            to=details.to,
            recipient=message.key.recipient,
            operator=circumstances.operator or "",
            parts=message.submission.parts,
            item=details.item,
            sender=message.submission.sender,
            sent_ms=max(message.accepted_ms, message.submission.hold_until_ms),
            done_ms=message.changed_ms,
            status_id=status_id,
            error_id=error_id,
            price=self.settings.price_per_message,
            currency=self.settings.currency,
        )


_FAILURES: Final = {
    Reason.BLOCKED: "4/13",
    Reason.BLACKLISTED: code_of(14),
    Reason.UNKNOWN: "4/1",
    Reason.VALIDITY: "15/4101",
    Reason.CANCELED: "31/4100",
}
