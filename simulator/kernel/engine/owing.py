"""
What the integrator is owed for a change, and when it may leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from msgspec import structs

from simulator.kernel.engine.decide import WebhookDecision, decide_webhooks
from simulator.kernel.engine.state import SimulationState
from simulator.kernel.engine.steps import Contradiction
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import Submission
from simulator.kernel.webhooks.damage import damaged
from simulator.kernel.webhooks.webhook import Attempt, Report, Webhook, WebhookRequest

__all__ = ["attempted", "owe_all", "owe_for", "request_for", "tell", "webhook_due"]


def owe_for(state: SimulationState, message: Message, reports: Sequence[Report]) -> None:
    """Owe the integrator what a change of *message* gives it to know."""
    if not reports:
        return
    now_ms = state.clock.now_ms
    faults = message.ruling.faults
    if faults is not None and faults.early and now_ms > message.accepted_ms:
        # What happens after the answer is not told before it.
        faults = replace(faults, early=False)
    for report in reports:
        tell(state, report)
        if report.target:
            report = structs.replace(report, tells=message.state)
            state.outbox.owe(now_ms, report, faults, message.faults_rule, message.count_report())
        elif state.hooks[report.provider].told is not None:
            message.offered = message.state


def owe_all(
    state: SimulationState, reports: Sequence[Report], decision: WebhookDecision | None = None
) -> None:
    """
    Owe the integrator reports that no change of a message caused.

    *decision* is what rules do to them; without one the rules are asked about each.
    """
    now_ms = state.clock.now_ms
    for report in reports:
        tell(state, report)
        if not report.target:
            continue
        # A report about a message suffers what its message's reports suffer, whoever owes it.
        message = state.store.messages.get(report.key) if report.key is not None else None
        if message is None:
            faults, rule, key = _of_event(state, report) if decision is None else decision
            state.outbox.owe(now_ms, report, faults, rule, about=key)
        else:
            sequence = message.count_report()
            state.outbox.owe(now_ms, report, message.faults, message.faults_rule, sequence)


def _of_event(state: SimulationState, report: Report) -> WebhookDecision:
    """Return what rules do to a report that no message, or a refused one, has caused."""
    refused = state.store.refusals.get(report.key) if report.key is not None else None
    if refused is not None:
        return decide_webhooks(state, refused.submission, refused.key)
    if not any(rule.then.webhooks for rule in state.rules.of(report.provider, "").all):
        return WebhookDecision()
    submission = Submission(provider=report.provider, recipient=report.recipient, operation="")
    key = state.numbering.take_key(report.provider, f"({report.recipient} events)")
    return decide_webhooks(state, submission, key)


def tell(state: SimulationState, report: Report) -> None:
    """Let the account that keeps reports for pulling know of *report*."""
    take_note = state.hooks[report.provider].told
    if take_note is not None:
        take_note(report)


def attempted(state: SimulationState, webhook: Webhook, attempt: Attempt) -> None:
    """Record an attempt at a webhook, and what the account makes of the integrator's answer to it."""
    state.outbox.attempted(state.clock.now_ms, webhook, attempt)
    if not webhook.pending:
        for key, after_ms in state.outbox.take_heard(webhook):
            state.agenda.add(state.clock.now_ms + after_ms, Contradiction(key))
    heard = state.hooks[webhook.provider].heard
    if heard is not None:
        owe_all(state, heard(webhook, attempt))


def webhook_due(state: SimulationState, webhook: Webhook) -> None:
    """Send a webhook, unless one of its messages' calls has not been answered yet."""
    for report in webhook.reports:
        message = state.store.messages.get(report.key) if report.key is not None else None
        if message is not None and message.unanswered:
            state.outbox.due(webhook, message)
            return
    state.outbox.due(webhook, None)


def request_for(state: SimulationState, webhook: Webhook, attempt: int) -> WebhookRequest:
    """Return the request of a webhook's *attempt* (0: the next one), damaged if a rule wants it."""
    request = state.accounts[webhook.provider].render(webhook)
    damage = webhook.damage_of(attempt or len(webhook.attempts) + 1)
    return damaged(request, damage, state.chance.of("damage", webhook.id)) if damage else request
