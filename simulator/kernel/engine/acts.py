"""
Acts: what recipients do of their own accord.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.kernel.engine.account import ImpossibleAct
from simulator.kernel.engine.decide import WebhookDecision, decide_webhooks
from simulator.kernel.engine.owing import owe_all
from simulator.kernel.engine.state import SimulationState
from simulator.kernel.model.rules import Act
from simulator.kernel.model.submission import INBOUND, MessageKey, Submission
from simulator.kernel.store.facts import Acted, ActImpossible
from simulator.kernel.webhooks.webhook import Report

__all__ = ["act_of", "as_submission", "key_of_acts", "try_act"]

_IMPOSSIBLE_MAX: Final = 100


def key_of_acts(provider: str, recipient: str, number: int) -> MessageKey:
    """Return the key of what a recipient did as the *number*-th thing of its own accord."""
    return MessageKey(provider, f"({recipient} acts)", number)


def as_submission(provider: str, recipient: str, kind: str, text: str, to: str) -> Submission:
    """Return an act as rules see it: the operation `inbound`, the text that is written, whom it is to."""
    return Submission(provider=provider, recipient=recipient, operation=INBOUND, text=text, sender=to)


def act_of(
    state: SimulationState, provider: str, recipient: str, act: Act, about: MessageKey | None = None
) -> Sequence[Report]:
    """
    Let a recipient do something; return what the integrator is owed for it.

    Its webhooks suffer what the first rule for them says; those of a reply what the
    webhooks of the message it is *about* suffer, where a rule says so.  Raises
    ImpossibleAct when this recipient cannot do that at *provider*.
    """
    acts = key_of_acts(provider, recipient, 0)
    key = state.numbering.take_key(acts.provider, acts.recipient)
    reports = state.accounts[provider].act(recipient, act, state.chance.of_message(key))
    message = state.store.messages.get(about) if about is not None else None
    if message is not None and message.faults is not None:
        decision = WebhookDecision(message.faults, message.faults_rule, key)
    else:
        submission = as_submission(provider, recipient, act.kind, act.text, act.sender)
        decision = decide_webhooks(state, submission, key)
    fact = Acted(act.kind, act.text, act.sender, key.ordinal, decision.rule)
    state.journal.add(state.clock.now_ms, fact, provider=provider, recipient=recipient)
    owe_all(state, reports, decision)
    return reports


def try_act(
    state: SimulationState,
    provider: str,
    recipient: str,
    act: Act,
    by: str,
    about: MessageKey | None = None,
) -> None:
    """Let a recipient do what the scenario wants, with names filled in; journal it when impossible."""
    # Nobody is there to be refused, and the other steps of this instant are not to blame.
    try:
        act_of(state, provider, recipient, state.people.act(act, recipient), about)
    except ImpossibleAct as refusal:
        if len(state.impossible_acts) < _IMPOSSIBLE_MAX:
            state.impossible_acts.append(f"{provider} {recipient}: {refusal}")
        fact = ActImpossible(act.kind, str(refusal), by)
        state.journal.add(state.clock.now_ms, fact, provider=provider, recipient=recipient)
