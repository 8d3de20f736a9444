"""
The outcome ladder: which rung decides what happens to a submission, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from simulator.kernel.model.fates import Fate
from simulator.kernel.model.faults import WebhookFaults
from simulator.kernel.model.message import Rung
from simulator.kernel.model.rules import AnswerFault, Behaviour, Miss, Rule, Throttle
from simulator.kernel.model.submission import MessageKey, Submission

if TYPE_CHECKING:
    from simulator.kernel.engine.simulation import Simulation

__all__ = ["Considered", "Decision", "Ladder"]


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


class _Bucket:
    """A token bucket in whole numbers; a token is `per_ms` units."""

    __slots__ = ("at_ms", "level")

    def __init__(self, throttle: Throttle, at_ms: int) -> None:
        self.level = throttle.burst * throttle.rate.per_ms
        self.at_ms = at_ms

    def take(self, throttle: Throttle, at_ms: int) -> int:
        """Take a token and return 0, or return how long to wait for one."""
        count, per_ms = throttle.rate.count, throttle.rate.per_ms
        self.level = min(throttle.burst * per_ms, self.level + (at_ms - self.at_ms) * count)
        self.at_ms = at_ms
        if self.level >= per_ms:
            self.level -= per_ms
            return 0
        return -(-(per_ms - self.level) // count)


class _Candidates:
    """
    The rules that may apply to one operation, found without trying those about other recipients.

    A thousand rules about one recipient or one prefix each cost a few look-ups,
    not a thousand comparisons.
    """

    __slots__ = ("_anybody", "_lengths", "_named", "all")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.all = tuple(rules)
        self._anybody: dict[int, Rule] = {}
        self._named: dict[str, dict[int, Rule]] = {}
        lengths: set[int] = set()
        for place, rule in enumerate(self.all):
            if not rule.when.recipient:
                self._anybody[place] = rule
            for pattern in rule.when.recipient:
                self._named.setdefault(pattern, {})[place] = rule
                if pattern.endswith("*"):
                    lengths.add(len(pattern) - 1)
        self._lengths = tuple(sorted(lengths))

    def of(self, recipient: str) -> Sequence[Rule]:
        """Return the rules that may be about *recipient*, in the order of the scenario."""
        if not self._named:
            return self.all
        found = dict(self._named.get(recipient, _NONE))
        for length in self._lengths:
            found.update(self._named.get(f"{recipient[:length]}*", _NONE))
        if not found:
            return tuple(self._anybody.values())
        found.update(self._anybody)
        return [found[place] for place in sorted(found)]


_NONE: Final[Mapping[int, Rule]] = MappingProxyType({})


class Ladder:
    """
    The ladder of one scenario: magic recipient, rules, circumstances; the default is the caller's.

    Each of the three places (answer, fate, webhooks) is filled by the first that
    has something to say about it, so a rule about webhooks does not hide a later
    rule about fates.
    """

    __slots__ = ("_buckets", "_candidates", "_simulation")

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._candidates: dict[tuple[str, str], _Candidates] = {}
        self._buckets: dict[str, _Bucket] = {}

    def _rules_for(self, provider: str, operation: str) -> _Candidates:
        found = self._candidates.get((provider, operation))
        if found is None:
            found = _Candidates(
                rule
                for rule in self._simulation.scenario.rules
                if rule.when.provider in ("", provider) and rule.when.operation in ("", operation)
            )
            self._candidates[provider, operation] = found
        return found

    def decide(self, submission: Submission, key: MessageKey) -> Decision:
        """Return what happens to *submission*, with the rung that decided each place."""
        simulation = self._simulation
        decision = Decision(submission=submission, key=key)
        if submission.refusal:
            return decision
        account = simulation.accounts[submission.provider]
        magic = account.magic(submission)
        if magic is not None:
            decision.take(magic, Rung.MAGIC)
        rules = self._rules_for(submission.provider, submission.operation).of(submission.recipient)
        if rules:
            self._apply_rules(decision, rules)
        if decision.fate is None and (decision.answer is None or not decision.answer.refuse):
            circumstances = simulation.directory.at(submission.recipient, simulation.clock.now_ms)
            behaviour = account.by_circumstances(submission, circumstances)
            reserve = simulation.hooks[submission.provider].reserve
            if reserve is not None:
                reserve(submission, behaviour)
            if behaviour is not None:
                decision.take(behaviour, Rung.CIRCUMSTANCES)
                if behaviour.answer is not None:
                    decision.refuse_too(behaviour.answer, Rung.CIRCUMSTANCES)
        return decision

    def decide_call(self, submission: Submission, key: MessageKey) -> Decision:
        """Return what rules do to a call that sends nothing."""
        decision = Decision(submission=submission, key=key)
        candidates = self._rules_for(submission.provider, submission.operation)
        self._apply_rules(decision, candidates.of(submission.recipient))
        return decision

    def acts_on_calls(self, provider: str, operation: str) -> bool:
        """Return True when any rule may act on the answer of such a call."""
        return any(rule.then.answer is not None for rule in self._rules_for(provider, operation).all)

    def _apply_rules(self, decision: Decision, rules: Sequence[Rule]) -> None:
        simulation = self._simulation
        submission, key = decision.submission, decision.key
        draws = simulation.chance.of(*key)
        since_ms = simulation.clock.now_ms - simulation.scenario_start_ms
        for rule in rules:
            if not _adds(decision, rule.then):
                continue
            if next(rule.when.misses(submission, key, draws, since_ms, rule.name), None) is None:
                decision.take(rule.then, Rung.RULE, rule.name)

    def considered(self, submission: Submission, key: MessageKey, at_ms: int) -> Iterator[Considered]:
        """Yield every rule with the reasons why it did not apply to *submission* at *at_ms*."""
        simulation = self._simulation
        draws = simulation.chance.of(*key)
        since_ms = at_ms - simulation.scenario_start_ms
        for rule in simulation.scenario.rules:
            yield Considered(rule, tuple(rule.when.misses(submission, key, draws, since_ms, rule.name)))

    def throttle(self, rule: str, throttle: Throttle, at_ms: int) -> int:
        """Count a call against the throttle of *rule*; return 0, or how long to wait for room."""
        bucket = self._buckets.get(rule)
        if bucket is None:
            bucket = self._buckets[rule] = _Bucket(throttle, at_ms)
        return bucket.take(throttle, at_ms)


def _adds(decision: Decision, then: Behaviour) -> bool:
    return (
        (then.answer is not None and decision.answer is None)
        or (then.fate is not None and decision.fate is None)
        or (then.webhooks is not None and decision.webhooks is None)
    )
