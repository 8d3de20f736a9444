"""
From the run of a hardship to its grade: passed, failed, or not judged, and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simulator.evidence.result import Check, RunResult
from simulator.exam.hardships import Hardship
from simulator.exam.results import Grade, Outcome
from simulator.explain.idle_rules import idle_rules
from simulator.explain.story import explain
from simulator.kernel.model.lifecycle import TERMINAL, State
from simulator.kernel.store.facts import Acted
from simulator.kernel.webhooks.webhook import WebhookState
from simulator.scenario.goals import Ask, RunFile
from simulator.secrecy import Withholding

__all__ = ["grade"]

_DRIVEN: Final = "drive: every call succeeds"
_UNTESTED: Final = "scenario: something of it happens"
_ASKED: Final = "integrator: "
_KINDS: Final = {
    "acknowledged": "webhooks.acknowledged",
    "forged": "webhooks.forged_refused",
    "calls": "sends.",
}
_READ_OR_DELIVERED: Final = frozenset({State.DELIVERED, State.READ})


def grade(hardship: Hardship, plan: RunFile, result: RunResult, text: str) -> Grade:
    """Return how the software came through *hardship*, of which *plan* is what was run, as *text* has it."""
    result = result.withheld()
    failed = [check for check in result.checks if _counts_against(check)]
    outcome, reason = Outcome.PASSED, ""
    story: tuple[str, ...] = ()
    if refusal := _refused_by_itself(result):
        outcome, reason = refusal
    elif failed:
        check = next((check for check in failed if check.blamed), failed[0])
        outcome, reason, story = Outcome.FAILED, _reason(check), _story(result, check)
    elif reason := next(_unjudged(hardship, plan, result), ""):
        outcome = Outcome.NOT_JUDGED
    return Grade(
        name=hardship.name,
        title=hardship.title,
        promise=hardship.promise,
        outcome=outcome,
        reason=reason,
        story=story,
        seed=result.seed,
        text=text,
        elapsed_real_s=result.elapsed_real_s or 0.0,
    )


def _counts_against(check: Check) -> bool:
    """Return True for a failure of the software's: not for a question that none of its messages is about."""
    if check.passed or check.name in (_DRIVEN, _UNTESTED):
        return False
    return bool(check.blamed) or not check.name.startswith(_ASKED)


def _refused_by_itself(result: RunResult) -> tuple[Outcome, str] | None:
    """Return what is to be said of software that sent nothing, for it answered its own calls with errors."""
    drive = result.drive
    if drive is None or result.space.exchange_count or drive.succeeded:
        return None
    if any(status >= 500 for status in drive.statuses) or drive.failures:
        return Outcome.FAILED, f"your software fell over and sent nothing: {drive.first_failure}"
    return Outcome.NOT_JUDGED, f"your software refused the call and sent nothing: {drive.first_failure}"


def _reason(check: Check) -> str:
    """Return what was expected and what came, of the message whose story is told where there is one."""
    if check.blamed:
        begins = f"{check.blamed[0]}: "
        for line in check.lines:
            if line.startswith(begins):
                return line
    return f"{check.name}: {check.detail}"


def _story(result: RunResult, check: Check) -> tuple[str, ...]:
    simulation = result.space.simulation
    for key in check.blamed:
        outcome = simulation.messages.get(key) or simulation.refusals.get(key)
        if outcome is not None:
            secrecy = Withholding(result.space.secrets())
            return tuple(secrecy.text(line) for line in explain(simulation, outcome).lines())
    return check.lines


def _unjudged(hardship: Hardship, plan: RunFile, result: RunResult) -> Iterator[str]:
    """Yield every reason why a hardship without a failure does not count as passed."""
    judged = [check.name for check in result.checks if check.judged and check.passed]
    asks = [ask for ask in plan.expect.integrator if ask.name in judged]
    for word in hardship.judged_by:
        if word in _KINDS:
            if not any(name.startswith(_KINDS[word]) for name in judged):
                yield _detail(result, _KINDS[word]) or f"nothing said anything about {_KINDS[word]}"
        elif word == "inbound":
            if not _heard(result):
                yield "nothing that recipients do was told to your software; where does it go?"
        elif word == "state":
            yield from _states(asks, result)
        elif not any(word in ask.words for ask in asks):
            yield f"nothing happened that {{{word}}} could be asked for"
    idle = [rule for rule in idle_rules(result.space.simulation) if rule.name not in hardship.lures]
    if idle:
        yield f"it never came to it: {idle[0]}"
    yield from (
        check.name + ": " + check.detail
        for check in result.checks
        if check.name.startswith("recipient ") and not check.judged
    )


def _states(asks: list[Ask], result: RunResult) -> Iterator[str]:
    asked = [ask for ask in asks if ask.field]
    if not asked:
        yield "no message ended in a way that means: has a word for"
        return
    meant = {State(word) for ask in asked for word in ask.means if word in set(State)}
    if meant & _READ_OR_DELIVERED:
        meant |= _READ_OR_DELIVERED
    ends = {message.state for message in result.space.simulation.messages.values()} & TERMINAL
    for state in sorted(ends - meant):
        yield f"means: has no word for {state.value}, and messages ended so"


def _detail(result: RunResult, begins: str) -> str:
    return next(
        (f"{check.name}: {check.detail}" for check in result.checks if check.name.startswith(begins)), ""
    )


def _heard(result: RunResult) -> bool:
    simulation = result.space.simulation
    acted = any(isinstance(entry.fact, Acted) for entry in simulation.journal)
    return acted and any(
        webhook.state is WebhookState.ACKNOWLEDGED and any(report.tells is None for report in webhook.reports)
        for webhook in simulation.outbox.webhooks.values()
    )
