"""
The outcome ladder: which rung decides what happens to a submission, and why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from msgspec import Struct

from simulator.kernel.engine.state import SimulationState
from simulator.kernel.engine.throttle import Bucket
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.faults import WebhookFaults
from simulator.kernel.model.message import Rung
from simulator.kernel.model.rules import AnswerFault, Behaviour, Miss, Rule, Throttle
from simulator.kernel.model.submission import MessageKey, Submission

__all__ = [
    "Considered",
    "Decision",
    "WebhookDecision",
    "acts_on_calls",
    "considered",
    "decide",
    "decide_call",
    "decide_webhooks",
    "throttled_ms",
]


class Decision(Struct, kw_only=True, gc=False):
    """
    What was decided about one submission, place by place.
    """

    submission: Submission
    key: MessageKey
    answer: AnswerFault | None = None
    answer_rung: Rung = Rung.DEFAULT
    answer_rule: str = ""
    fate: Fate | None = None
    fate_rung: Rung = Rung.DEFAULT
    fate_rule: str = ""
    webhooks: WebhookFaults | None = None
    webhooks_rule: str = ""

    def take(self, behaviour: Behaviour, rung: Rung, rule: str = "") -> None:
        """Fill the places that nobody has filled yet from *behaviour*."""
        if behaviour.answer is not None and self.answer is None:
            self.answer, self.answer_rung, self.answer_rule = behaviour.answer, rung, rule
        if behaviour.fate is not None and self.fate is None:
            self.fate, self.fate_rung, self.fate_rule = behaviour.fate, rung, rule
        if behaviour.webhooks is not None and self.webhooks is None:
            self.webhooks, self.webhooks_rule = behaviour.webhooks, rule

    def refuse_too(self, refusal: AnswerFault, rung: Rung) -> None:
        """Refuse as *refusal* does when what fills the answer only slows it down or cuts it off."""
        if self.answer is not None and not self.answer.refuse:
            self.answer = replace(self.answer, refuse=refusal.refuse, why=refusal.why)
            self.answer_rung = rung

    @property
    def refusing_rule(self) -> str:
        """The rule that refuses, if a rule does."""
        return self.answer_rule if self.answer_rung is Rung.RULE else ""


class Considered(NamedTuple):
    """
    A rule as it was weighed: what it acts on, and why it did not apply (nothing: it did).
    """

    rule: Rule
    misses: tuple[Miss, ...]


def decide(state: SimulationState, submission: Submission, key: MessageKey) -> Decision:
    """
    Return what happens to *submission*, with the rung that decided each place.

    The rungs are: magic recipient, rules, circumstances; the default is the
    caller's.  Each of the three places (answer, fate, webhooks) is filled by the
    first that has something to say about it, so a rule about webhooks does not
    hide a later rule about fates.
    """
    decision = Decision(submission=submission, key=key)
    if submission.refusal:
        return decision
    account = state.accounts[submission.provider]
    magic = account.magic(submission)
    if magic is not None:
        decision.take(magic, Rung.MAGIC)
    rules = state.rules.of(submission.provider, submission.operation).of(submission.recipient)
    if rules:
        _apply_rules(state, decision, rules)
    if decision.fate is None and (decision.answer is None or not decision.answer.refuses):
        circumstances = state.directory.at(submission.recipient, state.clock.now_ms)
        behaviour = account.by_circumstances(submission, circumstances)
        reserve = state.hooks[submission.provider].reserve
        if reserve is not None:
            reserve(submission, behaviour)
        if behaviour is not None:
            decision.take(behaviour, Rung.CIRCUMSTANCES)
            if behaviour.answer is not None:
                decision.refuse_too(behaviour.answer, Rung.CIRCUMSTANCES)
    return decision


def decide_call(state: SimulationState, submission: Submission, key: MessageKey) -> Decision:
    """Return what rules do to a call that sends nothing."""
    decision = Decision(submission=submission, key=key)
    candidates = state.rules.of(submission.provider, submission.operation)
    _apply_rules(state, decision, candidates.of(submission.recipient))
    return decision


class WebhookDecision(NamedTuple):
    """
    What is done to the webhooks of what no message caused, and what draws it.
    """

    faults: WebhookFaults | None = None
    rule: str = ""
    key: MessageKey | None = None


def decide_webhooks(state: SimulationState, submission: Submission, key: MessageKey) -> WebhookDecision:
    """
    Return what rules do to the webhooks of an act or of an event, told as a submission.

    Nothing of it comes before an answer, since there is none, nor has it an end to contradict.
    """
    rules = [
        rule
        for rule in state.rules.of(submission.provider, submission.operation).of(submission.recipient)
        if rule.then.webhooks is not None
    ]
    if not rules:
        return WebhookDecision(key=key)
    decision = Decision(submission=submission, key=key)
    _apply_rules(state, decision, rules)
    faults = decision.webhooks
    if faults is None:
        return WebhookDecision(key=key)
    faults = replace(faults.counted_from(state.scenario_start_ms), early=False)
    return WebhookDecision(faults, decision.webhooks_rule, key)


def acts_on_calls(state: SimulationState, provider: str, operation: str) -> bool:
    """Return True when any rule may act on the answer of such a call."""
    return any(rule.then.answer is not None for rule in state.rules.of(provider, operation).all)


def considered(
    state: SimulationState, submission: Submission, key: MessageKey, at_ms: int
) -> Iterator[Considered]:
    """Yield every rule with the reasons why it did not apply to *submission* at *at_ms*."""
    draws = state.chance.of_message(key)
    since_ms = at_ms - state.scenario_start_ms
    for rule in state.scenario.rules:
        yield Considered(rule, tuple(rule.when.misses(submission, key, draws, since_ms, rule.name)))


def throttled_ms(state: SimulationState, rule: str, throttle: Throttle) -> int:
    """Count a call against the throttle of *rule*; return 0, or how long to wait for room."""
    now_ms = state.clock.now_ms
    bucket = state.buckets.get(rule)
    if bucket is None:
        bucket = state.buckets[rule] = Bucket(throttle, now_ms)
    return bucket.take(throttle, now_ms)


def _apply_rules(state: SimulationState, decision: Decision, rules: Sequence[Rule]) -> None:
    submission, key = decision.submission, decision.key
    draws = state.chance.of_message(key)
    since_ms = state.clock.now_ms - state.scenario_start_ms
    for rule in rules:
        if not _adds(decision, rule.then):
            continue
        if next(rule.when.misses(submission, key, draws, since_ms, rule.name), None) is None:
            decision.take(rule.then, Rung.RULE, rule.name)
            state.applied[rule.name] = state.applied.get(rule.name, 0) + 1


def _adds(decision: Decision, then: Behaviour) -> bool:
    return (
        (then.answer is not None and decision.answer is None)
        or (then.fate is not None and decision.fate is None)
        or (then.webhooks is not None and decision.webhooks is None)
    )
