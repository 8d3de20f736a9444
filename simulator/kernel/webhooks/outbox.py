"""
The outbox: webhooks owed, held, ready to be sent, and what became of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from msgspec import structs

from simulator.kernel.model.chance import Chance
from simulator.kernel.model.faults import DamageKind, WebhookFaults
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import Rate
from simulator.kernel.store.agenda import Agenda
from simulator.kernel.store.eviction import Eviction
from simulator.kernel.store.journal import EntryKind, Journal
from simulator.kernel.webhooks.webhook import Attempt, Report, Webhook, WebhookPolicy, WebhookState

__all__ = ["CONTRADICTION", "PENDING", "Outbox"]

CONTRADICTION: Final = "a contradiction"
"""What a webhook is intended as that tells the opposite of what happened."""

_NO_FAULTS = WebhookFaults()
PENDING: Final = frozenset({WebhookState.SCHEDULED, WebhookState.HELD, WebhookState.IN_FLIGHT})
"""Webhooks in these states are still owed."""
_SETTLED = frozenset({WebhookState.ACKNOWLEDGED, WebhookState.LOST, WebhookState.DROPPED})


class Outbox:
    """
    Everything owed to the integrator in one space.

    It decides when a webhook is due; it never sends.  The dispatcher takes what
    is `ready`, and brings each attempt back through `attempted`.
    """

    __slots__ = (
        "_again",
        "_agenda",
        "_chance",
        "_eviction",
        "_held",
        "_held_but",
        "_journal",
        "_open_batches",
        "_parked",
        "_paused_until",
        "_policy_of",
        "_signs",
        "held_webhooks",
        "in_flight",
        "limit",
        "ready",
        "webhooks",
    )

    def __init__(
        self,
        agenda: Agenda,
        journal: Journal,
        chance: Chance,
        policy_of: Callable[[str], WebhookPolicy],
        signs: Callable[[Webhook], bool],
        again: Callable[[Report, int], Report],
        limit: int = 1_000_000,
    ) -> None:
        self._agenda = agenda
        self._journal = journal
        self._chance = chance
        self._policy_of = policy_of
        self._signs = signs
        self._again = again
        self._held: set[str] = set()
        self._held_but: set[str] | None = None
        self._open_batches: dict[tuple[str, str, str], Webhook] = {}
        self._parked: dict[MessageKey, list[Webhook]] = {}
        self._paused_until: dict[str, int] = {}
        self.held_webhooks: list[Webhook] = []
        self.ready: deque[Webhook] = deque()
        self.webhooks: dict[str, Webhook] = {}
        self._eviction: Eviction[str] = Eviction()
        self.in_flight = 0
        self.limit = limit

    def owe_contradiction(self, now_ms: int, report: Report, rule: str) -> None:
        """Owe a report that contradicts an earlier one."""
        webhook = self._new(now_ms, now_ms, report, intended=CONTRADICTION)
        self._agenda.add(now_ms, webhook)
        self._note(now_ms, EntryKind.NOTE, webhook, "webhook contradicts the truth on purpose", rule)

    def owe(self, now_ms: int, report: Report, faults: WebhookFaults | None, rule: str = "") -> None:
        """Owe the integrator *report*, now or when the faults of *rule* say."""
        if faults is None or faults == _NO_FAULTS or not faults.holds(now_ms):
            self._owe_plainly(now_ms, report)
        else:
            self._owe_with_faults(now_ms, report, faults, rule)

    def _owe_plainly(self, now_ms: int, report: Report) -> None:
        policy = self._policy_of(report.provider)
        if report.batch and policy.batch_max > 1:
            batch = (report.provider, report.target, report.batch)
            open_one = self._open_batches.get(batch)
            if open_one is not None:
                open_one.reports.append(report)
                if len(open_one.reports) >= policy.batch_max:
                    del self._open_batches[batch]
                return
            webhook = self._new(now_ms, now_ms + policy.batch_wait_ms, report)
            self._open_batches[batch] = webhook
        else:
            webhook = self._new(now_ms, now_ms, report)
        self._agenda.add(webhook.due_ms, webhook)

    def _owe_with_faults(self, now_ms: int, report: Report, faults: WebhookFaults, rule: str) -> None:
        key = report.key or (report.provider, report.recipient)
        draws = self._chance.of("webhook", *key, report.label)
        if faults.drop_share_bp and draws.hits("drop", faults.drop_share_bp):
            webhook = self._new(now_ms, now_ms, report, intended="dropped")
            webhook.state = WebhookState.DROPPED
            self._note(now_ms, EntryKind.DROPPED, webhook, "webhook dropped on purpose", rule)
            return
        due_ms = now_ms
        intended = ["early"] if faults.early else []
        if faults.delay is not None:
            due_ms += faults.delay.draw(draws.unit("delay"))
            intended.append("delayed")
        reorder = faults.reorder
        if reorder is not None and draws.hits("reorder", reorder.share_bp):
            due_ms += draws.integer("reorder.within", 0, reorder.within_ms)
            intended.append("reordered")
        damage = tuple(one for one in faults.damage if draws.hits(f"damage.{one.kind.value}", one.share_bp))
        webhook = self._new(now_ms, due_ms, report)
        if any(one.kind is DamageKind.SIGNATURE for one in damage) and not self._signs(webhook):
            damage = tuple(one for one in damage if one.kind is not DamageKind.SIGNATURE)
            self._note(now_ms, EntryKind.NOTE, webhook, "webhook is not signed, so not wrongly either", rule)
        webhook.damage = damage
        intended += [one.kind.value for one in damage]
        webhook.intended = ", ".join(intended)
        self._agenda.add(due_ms, webhook)
        if intended:
            self._note(now_ms, EntryKind.NOTE, webhook, f"webhook {webhook.intended} on purpose", rule)
        duplicate = faults.duplicate
        if duplicate is not None and draws.hits("duplicate", duplicate.share_bp):
            for copy in range(1, duplicate.times + 1):
                due_ms += duplicate.within.draw(draws.unit(f"duplicate.{copy}"))
                told = self._again(report, copy) if duplicate.reissue else report
                twin = self._new(now_ms, due_ms, told, intended="duplicate", copy=copy)
                self._agenda.add(due_ms, twin)
                self._note(now_ms, EntryKind.NOTE, twin, "webhook duplicated on purpose", rule)

    def _new(self, now_ms: int, due_ms: int, report: Report, *, intended: str = "", copy: int = 0) -> Webhook:
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
            intended=intended,
        )
        while webhook.id in self.webhooks:
            copy += 1
            webhook.id = (
                f"wh_{self._chance.of('webhook', *key, report.label, report.at_ms, copy).hex('id')[:16]}"
            )
        self.webhooks[webhook.id] = webhook
        self._eviction.add(webhook.id)
        if len(self.webhooks) > self.limit:
            oldest = self._eviction.oldest(self._is_settled)
            if oldest is not None:
                del self.webhooks[oldest]
        return webhook

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
        self._journal.add(now_ms, EntryKind.HELD, provider=provider, what="webhooks are held back")

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
        self._journal.add(
            now_ms, EntryKind.RELEASED, provider=provider, what=f"{len(freed)} held webhooks are released"
        )
        return len(freed)

    def attempted(self, now_ms: int, webhook: Webhook, attempt: Attempt) -> None:
        """Record one attempt; plan the next one by the provider's schedule, or give up."""
        self.in_flight -= 1
        policy = self._policy_of(webhook.provider)
        next_at_ms = None
        if not attempt.acknowledged:
            delay_ms = None
            if policy.repeats is None or policy.repeats(webhook.target, attempt):
                delay_ms = self._retry_delay_ms(policy, webhook, attempt.number)
            if policy.pause_ms:
                self._paused_until[webhook.provider] = now_ms + policy.pause_ms
            next_at_ms = None if delay_ms is None else now_ms + delay_ms
        recorded = attempt if next_at_ms is None else structs.replace(attempt, next_at_ms=next_at_ms)
        webhook.attempts.append(recorded)
        outcome = str(attempt.status) if attempt.status else attempt.error
        self._note(
            now_ms,
            EntryKind.ATTEMPT,
            webhook,
            f"webhook attempt {attempt.number} answered {outcome}"
            if attempt.status
            else f"webhook attempt {attempt.number} failed: {outcome}",
        )
        if attempt.acknowledged:
            webhook.state = WebhookState.ACKNOWLEDGED
        elif next_at_ms is None:
            webhook.state = WebhookState.LOST
            self._note(
                now_ms, EntryKind.LOST, webhook, f"webhook is lost after {len(webhook.attempts)} attempts"
            )
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
        copy = 1
        first = webhook.reports[0]
        twin = self._new(now_ms, now_ms, first, intended="resent", copy=copy)
        twin.reports = list(webhook.reports)
        self._agenda.add(now_ms, twin)
        self._note(now_ms, EntryKind.NOTE, twin, f"webhook {webhook.id} is sent again on request")
        return twin

    def clear(self) -> None:
        """Forget what is still to be sent: the space is gone."""
        self.in_flight -= len(self.ready)
        self.ready.clear()
        self._parked.clear()
        self.held_webhooks.clear()

    def _note(self, now_ms: int, kind: EntryKind, webhook: Webhook, what: str, rule: str = "") -> None:
        report = webhook.reports[0]
        self._journal.add(
            now_ms,
            kind,
            key=report.key,
            what=f"{what} [{report.label}]",
            why=f'rule "{rule}"' if rule else "",
            ref=webhook.id,
            provider=webhook.provider,
            recipient=webhook.recipient,
        )
