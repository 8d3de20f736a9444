"""
The outbox: webhooks owed, held, ready to be sent, and what became of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from msgspec import structs

from simulator.kernel.model.chance import Chance
from simulator.kernel.model.faults import FORGERIES, Damage, Purpose, WebhookFaults
from simulator.kernel.model.lifecycle import TERMINAL
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import Rate
from simulator.kernel.store.agenda import Agenda
from simulator.kernel.store.eviction import Eviction
from simulator.kernel.store.facts import (
    Attempted,
    Contradicted,
    Dropped,
    Duplicated,
    Fact,
    Held,
    Intended,
    Lost,
    Released,
    Resent,
    Unsigned,
)
from simulator.kernel.store.journal import Journal
from simulator.kernel.store.messages import MESSAGES_MAX
from simulator.kernel.webhooks.decisions import Share, Wait, report_decisions
from simulator.kernel.webhooks.webhook import Attempt, Report, Sender, Webhook, WebhookPolicy, WebhookState

__all__ = ["PENDING", "Outbox"]

_NO_FAULTS = WebhookFaults()
PENDING: Final = frozenset({WebhookState.SCHEDULED, WebhookState.HELD, WebhookState.IN_FLIGHT})
"""Webhooks in these states are still owed."""
_SETTLED = frozenset({WebhookState.ACKNOWLEDGED, WebhookState.LOST, WebhookState.DROPPED})


class _Truth(NamedTuple):
    """The end of a message that is to be contradicted once the integrator has been told of it."""

    after_ms: int
    webhooks: list[Webhook]
    """All that tell it."""


class Outbox:
    """
    Everything owed to the integrator in one space.

    It decides when a webhook is due; it never sends.  The dispatcher takes what
    is `ready`, and brings each attempt back through `attempted`.
    """

    __slots__ = (
        "_accounts",
        "_agenda",
        "_chance",
        "_eviction",
        "_held",
        "_held_but",
        "_journal",
        "_open_batches",
        "_parked",
        "_paused_until",
        "_truths",
        "held_webhooks",
        "in_flight",
        "limit",
        "ready",
        "tended",
        "webhooks",
    )

    def __init__(
        self,
        agenda: Agenda,
        journal: Journal,
        chance: Chance,
        accounts: Mapping[str, Sender],
        limit: int = MESSAGES_MAX,
    ) -> None:
        self._agenda = agenda
        self._journal = journal
        self._chance = chance
        self._accounts = accounts
        self._held: set[str] = set()
        self._held_but: set[str] | None = None
        self._open_batches: dict[tuple[str, str, str], Webhook] = {}
        self._parked: dict[MessageKey, list[Webhook]] = {}
        self._paused_until: dict[str, int] = {}
        self._truths: dict[MessageKey, _Truth] = {}
        self.held_webhooks: list[Webhook] = []
        self.ready: deque[Webhook] = deque()
        self.webhooks: dict[str, Webhook] = {}
        self._eviction: Eviction[str] = Eviction()
        self.in_flight = 0
        self.limit = limit
        self.tended: Callable[[Webhook], None] | None = None
        """Told of every new webhook, to `forget` it in time; None: the oldest give way by themselves."""

    def forget(self, webhook: Webhook) -> None:
        """Forget a webhook that nothing is expected of any more."""
        del self.webhooks[webhook.id]

    def awaits_truth(self, key: MessageKey) -> bool:
        """Return True while the end of a message is to be told before it is contradicted."""
        return key in self._truths

    def await_truth(self, key: MessageKey, after_ms: int) -> None:
        """
        Contradict the end of a message *after_ms* after it was told; before it is owed.

        A lie that overtook the truth, by a delay, a hold or a retry, would be the
        truth for whoever believes what comes first.  `take_heard` and
        `take_untold` say when the wait is over.
        """
        self._truths[key] = _Truth(after_ms, [])

    def take_heard(self, webhook: Webhook) -> list[tuple[MessageKey, int]]:
        """Return whose end is told by *webhook*, which was acknowledged or lost, and how long to wait now."""
        if not self._truths:
            return []
        heard = webhook.state is WebhookState.ACKNOWLEDGED
        over: list[tuple[MessageKey, int]] = []
        for report in webhook.reports:
            truth = self._truths.get(report.key) if report.key is not None else None
            if truth is None or report.key is None:
                continue
            if heard or not any(other.pending for other in truth.webhooks):
                over.append((report.key, truth.after_ms))
                del self._truths[report.key]
        return over

    def take_untold(self, key: MessageKey) -> int | None:
        """Return how long to wait where nobody is told of the end of a message; None: somebody is."""
        truth = self._truths[key]
        if any(webhook.pending for webhook in truth.webhooks):
            return None
        del self._truths[key]
        return truth.after_ms

    def _note_truth(self, report: Report, webhook: Webhook) -> None:
        if self._truths and report.key is not None and report.tells in TERMINAL:
            truth = self._truths.get(report.key)
            if truth is not None:
                truth.webhooks.append(webhook)

    def owe_contradiction(self, now_ms: int, report: Report, rule: str, sequence: int = 0) -> None:
        """Owe a report that contradicts an earlier one."""
        webhook = self._new(now_ms, now_ms, report, sequence, intended=(Purpose.CONTRADICTION,))
        self._agenda.add(now_ms, webhook)
        self._note(now_ms, Contradicted(report.label, rule), webhook)

    def owe(
        self,
        now_ms: int,
        report: Report,
        faults: WebhookFaults | None,
        rule: str = "",
        sequence: int = 0,
        about: MessageKey | None = None,
    ) -> None:
        """
        Owe the integrator *report*, now or when the faults of *rule* say.

        *sequence* tells which comes first of the reports about one message and one instant,
        *about* what names the draws where no message caused it.
        """
        if faults is None or faults == _NO_FAULTS or not faults.holds(now_ms):
            self._owe_plainly(now_ms, report, sequence, about)
        else:
            self._owe_with_faults(now_ms, report, faults, rule, sequence, about)

    def _owe_plainly(self, now_ms: int, report: Report, sequence: int, about: MessageKey | None) -> None:
        policy = self._accounts[report.provider].policy
        if report.batch and policy.batch_max > 1:
            batch = (report.provider, report.target, report.batch)
            open_one = self._open_batches.get(batch)
            if open_one is not None:
                open_one.reports.append(report)
                self._note_truth(report, open_one)
                if len(open_one.reports) >= policy.batch_max:
                    del self._open_batches[batch]
                return
            webhook = self._new(now_ms, now_ms + policy.batch_wait_ms, report, sequence, about=about)
            self._open_batches[batch] = webhook
        else:
            webhook = self._new(now_ms, now_ms, report, sequence, about=about)
        self._agenda.add(webhook.due_ms, webhook)

    def _owe_with_faults(
        self,
        now_ms: int,
        report: Report,
        faults: WebhookFaults,
        rule: str,
        sequence: int,
        about: MessageKey | None,
    ) -> None:
        key = report.key or about or (report.provider, report.recipient)
        draws = self._chance.of("webhook", *key, report.label)
        intended = [Purpose.EARLY] if faults.early else []
        damage: list[Damage] = []
        due_ms = now_ms
        copies_ms: list[int] = []
        for decision in report_decisions(faults, draws):
            match decision:
                case Share(hit=False):
                    pass
                case Share(purpose=Purpose.DROPPED):
                    self._drop(now_ms, report, rule, sequence, about)
                    return
                case Share(damage=Damage() as harm):
                    damage.append(harm)
                case Wait(purpose=Purpose.DUPLICATE, ms=ms):
                    copies_ms.append(ms)
                case Wait(purpose=purpose, ms=ms):
                    due_ms += ms
                    intended.append(purpose)
        webhook = self._new(now_ms, due_ms, report, sequence, about=about)
        if any(harm.kind in FORGERIES for harm in damage) and not self._signs(webhook):
            damage = [harm for harm in damage if harm.kind not in FORGERIES]
            self._note(now_ms, Unsigned(report.label, rule), webhook)
        webhook.damage = tuple(damage)
        webhook.intended = (*intended, *(harm.purpose for harm in damage))
        self._agenda.add(due_ms, webhook)
        if webhook.intended:
            self._note(now_ms, Intended(report.label, webhook.intended, rule), webhook)
        reissue = faults.duplicate is not None and faults.duplicate.reissue
        for copy, ms in enumerate(copies_ms, 1):
            due_ms += ms
            again = self._again(report, copy) if reissue else report
            twin = self._new(
                now_ms, due_ms, again, sequence, intended=(Purpose.DUPLICATE,), copy=copy, about=about
            )
            self._agenda.add(due_ms, twin)
            self._note(now_ms, Duplicated(again.label, rule), twin)

    def _drop(self, now_ms: int, report: Report, rule: str, sequence: int, about: MessageKey | None) -> None:
        webhook = self._new(now_ms, now_ms, report, sequence, intended=(Purpose.DROPPED,), about=about)
        webhook.state = WebhookState.DROPPED
        self._note(now_ms, Dropped(report.label, rule), webhook)

    def _new(
        self,
        now_ms: int,
        due_ms: int,
        report: Report,
        sequence: int,
        *,
        intended: tuple[Purpose, ...] = (),
        copy: int = 0,
        about: MessageKey | None = None,
    ) -> Webhook:
        key = report.key or (report.provider, report.recipient)
        name = self._chance.of("webhook", *key, report.label, report.at_ms, copy).hex("id")[:16]
        webhook = Webhook(
            id=f"wh_{name}",
            provider=report.provider,
            recipient=report.recipient,
            target=report.target,
            reports=[report],
            created_ms=now_ms,
            due_ms=due_ms,
            attempts=[],
            about=about,
            sequence=sequence,
            intended=intended,
        )
        while webhook.id in self.webhooks:
            copy += 1
            webhook.id = (
                f"wh_{self._chance.of('webhook', *key, report.label, report.at_ms, copy).hex('id')[:16]}"
            )
        self.webhooks[webhook.id] = webhook
        self._note_truth(report, webhook)
        if self.tended is not None:
            self.tended(webhook)
            return webhook
        self._eviction.add(webhook.id)
        if len(self.webhooks) > self.limit:
            oldest = self._eviction.oldest(self._is_settled)
            if oldest is not None:
                del self.webhooks[oldest]
        return webhook

    def _signs(self, webhook: Webhook) -> bool:
        return bool(self._accounts[webhook.provider].render(webhook).signed_by)

    def _again(self, report: Report, copy: int) -> Report:
        draws = self._chance.of("again", report.provider, report.recipient, report.label, report.at_ms, copy)
        return self._accounts[report.provider].reissue(report, draws)

    def _is_settled(self, webhook_id: str) -> bool:
        return self.webhooks[webhook_id].state in _SETTLED

    def due(self, webhook: Webhook, unanswered: Message | None) -> None:
        """
        Take a webhook that fell due: it becomes ready, is held, or waits for an answer.

        *unanswered* is a message it tells of while the call that submitted that
        one still waits for its answer; a report must not overtake that answer
        unless scripted.
        """
        self._close_batch(webhook)
        if unanswered is not None:
            self._parked.setdefault(unanswered.key, []).append(webhook)
        elif self.holds(webhook.provider):
            webhook.state = WebhookState.HELD
            self.held_webhooks.append(webhook)
        elif webhook.due_ms < self._paused_until.get(webhook.provider, 0):
            webhook.state = WebhookState.SCHEDULED
            webhook.due_ms = self._paused_until[webhook.provider]
            self._agenda.add(webhook.due_ms, webhook)
        else:
            webhook.state = WebhookState.IN_FLIGHT
            self.in_flight += 1
            self.ready.append(webhook)

    def _close_batch(self, webhook: Webhook) -> None:
        # From here on its bytes are settled: whatever is tried again must be what was tried before.
        if not self._open_batches:
            return
        first = webhook.reports[0]
        batch = (first.provider, first.target, first.batch)
        if self._open_batches.get(batch) is webhook:
            del self._open_batches[batch]

    def take_parked(self, key: MessageKey) -> list[Webhook]:
        """Return the webhooks that waited for the answer to the call of *key*; they are due again."""
        return self._parked.pop(key, []) if self._parked else []

    def holds(self, provider: str) -> bool:
        """Return True while the webhooks of *provider* are held back."""
        return provider in self._held or (self._held_but is not None and provider not in self._held_but)

    def hold(self, now_ms: int, provider: str = "") -> None:
        """Hold back what falls due, of one provider or of all (empty), until released."""
        if provider:
            self._held.add(provider)
        else:
            self._held_but = set()
        self._journal.add(now_ms, Held(), provider=provider)

    def release(self, now_ms: int, rate: Rate | None = None, provider: str = "") -> int:
        """Release what was held, all at once or at *rate*; return how many that are."""
        if provider:
            self._held.discard(provider)
            if self._held_but is not None:
                self._held_but.add(provider)
        else:
            self._held.clear()
            self._held_but = None
        freed = [w for w in self.held_webhooks if provider in ("", w.provider)]
        self.held_webhooks = [w for w in self.held_webhooks if provider not in ("", w.provider)]
        for number, webhook in enumerate(freed):
            webhook.state = WebhookState.SCHEDULED
            webhook.due_ms = now_ms + (number * rate.per_ms // rate.count if rate else 0)
            self._agenda.add(webhook.due_ms, webhook)
        self._journal.add(now_ms, Released(len(freed)), provider=provider)
        return len(freed)

    def attempted(self, now_ms: int, webhook: Webhook, attempt: Attempt) -> None:
        """Record one attempt; plan the next one by the provider's schedule, or give up."""
        self.in_flight -= 1
        policy = self._accounts[webhook.provider].policy
        next_at_ms = None
        if not attempt.acknowledged:
            delay_ms = None
            if policy.repeats is None or policy.repeats(webhook.target, attempt):
                delay_ms = self._retry_delay_ms(policy, webhook, attempt.number)
            if delay_ms is not None and policy.retry.within_ms:
                first_ms = webhook.attempts[0].at_ms if webhook.attempts else attempt.at_ms
                if now_ms + delay_ms > first_ms + policy.retry.within_ms:
                    delay_ms = None
            if policy.pause_ms:
                self._paused_until[webhook.provider] = now_ms + policy.pause_ms
            next_at_ms = None if delay_ms is None else now_ms + delay_ms
        recorded = attempt if next_at_ms is None else structs.replace(attempt, next_at_ms=next_at_ms)
        webhook.attempts.append(recorded)
        label = webhook.reports[0].label
        fact = Attempted(label, attempt.number, attempt.status, attempt.cause, attempt.error)
        self._note(now_ms, fact, webhook)
        if attempt.acknowledged:
            webhook.state = WebhookState.ACKNOWLEDGED
        elif next_at_ms is None:
            webhook.state = WebhookState.LOST
            self._note(now_ms, Lost(label, len(webhook.attempts)), webhook)
        else:
            webhook.state = WebhookState.SCHEDULED
            webhook.due_ms = next_at_ms
            self._agenda.add(next_at_ms, webhook)

    def _retry_delay_ms(self, policy: WebhookPolicy, webhook: Webhook, attempts_made: int) -> int | None:
        delay_ms = policy.retry.next_delay_ms(attempts_made)
        if delay_ms is None or not policy.retry.jitter_bp:
            return delay_ms
        most = delay_ms * policy.retry.jitter_bp // 10_000
        return delay_ms - self._chance.of("webhook", webhook.id).integer(f"retry.{attempts_made}", 0, most)

    def resend(self, now_ms: int, webhook: Webhook) -> Webhook:
        """Owe the same reports once more, now, as a webhook of its own."""
        first = webhook.reports[0]
        twin = self._new(now_ms, now_ms, first, webhook.sequence, intended=(Purpose.RESENT,), copy=1)
        twin.reports = list(webhook.reports)
        self._agenda.add(now_ms, twin)
        self._note(now_ms, Resent(first.label, webhook.id), twin)
        return twin

    def clear(self) -> None:
        """Forget what is still to be sent: the space is gone."""
        self.in_flight -= len(self.ready)
        self.ready.clear()
        self._parked.clear()
        self.held_webhooks.clear()

    def _note(self, now_ms: int, fact: Fact, webhook: Webhook) -> None:
        self._journal.add(
            now_ms,
            fact,
            key=webhook.reports[0].key,
            ref=webhook.id,
            provider=webhook.provider,
            recipient=webhook.recipient,
        )
