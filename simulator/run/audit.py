"""
The truth audit: what the integrator believes about each message, against what it was told.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from simulator.evidence.result import Check
from simulator.explain.narrative import narrative
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.faults import Purpose
from simulator.kernel.model.lifecycle import TERMINAL
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import format_offset
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.provider import Provider
from simulator.run.refusals import Refusal, refused_for_good
from simulator.run.stories import Stories
from simulator.run.told import Telling, Told, told_of
from simulator.run.truth import disagrees, says, truths
from simulator.runtime.transport.redirects import followed
from simulator.runtime.transport.seam import Terms, Transport
from simulator.scenario.goals import REFUSED, About, Ask

__all__ = ["Audit", "Finding", "audit_check", "believed_at", "merged_finding"]

_ASKED_AT_ONCE: Final = 32
_ANSWER_BYTES_MAX: Final = 1_048_576
_TERMS: Final = Terms(
    timeout_real_ms=10_000, keep_bytes_max=_ANSWER_BYTES_MAX, read_bytes_max=_ANSWER_BYTES_MAX
)
_NAMED_MAX: Final = 20
_AGAIN_REAL_S: Final = (0.02, 0.05, 0.1, 0.25)
_CAUSES: Final = {
    Purpose.CONTRADICTION: "contradicted",
    Purpose.DUPLICATE: "told more than once",
    Purpose.RESENT: "told more than once",
}
_ENDS: Final = frozenset(state.value for state in TERMINAL) | {REFUSED}


class _Subject(NamedTuple):
    """What the integrator is asked about: a message, or a send that was refused for good."""

    key: MessageKey
    id: str
    message: Message | None
    line: str = ""
    """What the journal says of a refused one."""


class _Complaint(NamedTuple):
    """What is wrong with a belief."""

    belief: str
    wanted: str
    text: str


class _Wrong(NamedTuple):
    """A subject about which the integrator is wrong, and why that may be."""

    subject: _Subject
    complaint: _Complaint
    told: Told | None


class Finding(NamedTuple):
    """What an audit found out."""

    wrong: Sequence[_Wrong]
    judged: int
    excused: int
    beyond: int
    left: Mapping[str, int]
    """How many it did not ask about, by what they are."""
    own: int
    """How many there were that it might have asked about."""


def merged_finding(findings: Sequence[Finding]) -> Finding:
    """Return what several audits of one question found out together, each about messages of its own."""
    left: Counter[str] = Counter()
    for finding in findings:
        left.update(finding.left)
    return Finding(
        sorted((error for finding in findings for error in finding.wrong), key=lambda e: e.subject.key),
        sum(finding.judged for finding in findings),
        sum(finding.excused for finding in findings),
        sum(finding.beyond for finding in findings),
        left,
        sum(finding.own for finding in findings),
    )


class Audit:
    """
    Asks the integrator about its messages, again and again until it is right or its time is over.
    """

    def __init__(
        self,
        ask: Ask,
        simulation: Simulation,
        client: Transport,
        providers: Mapping[str, Provider],
        stories: Stories,
    ) -> None:
        self._ask = ask
        self._simulation = simulation
        self._client = client
        self._providers = providers
        self._stories = stories
        self._outranks = {name: provider.outranks for name, provider in providers.items()}

    async def find(self, meanwhile: Callable[[], Awaitable[None]]) -> Finding:
        """
        Return what the integrator believes wrongly, after all the patience there is.

        Software may store, acknowledge and work later: *meanwhile* lets time in
        the simulation pass for what it does then, and that is no part of its patience.
        """
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + self._ask.within_real_ms / 1_000
        for number in range(1_000_000):
            finding = await self._round()
            wait_s = min(_AGAIN_REAL_S[min(number, len(_AGAIN_REAL_S) - 1)], ends_s - loop.time())
            # What was sent while the others were asked about is asked about as well.
            if wait_s <= 0 or (not finding.wrong and len(self._subjects()) == finding.own):
                break
            await asyncio.sleep(wait_s)
            began_s = loop.time()
            await meanwhile()
            ends_s += loop.time() - began_s
        return finding

    async def _round(self) -> Finding:
        subjects = self._subjects()
        messages = [subject.message for subject in subjects if subject.message is not None]
        history = told_of(self._simulation, messages, self._outranks)
        meant: list[_Subject] = []
        left: Counter[str] = Counter()
        for subject in subjects:
            if self._ask.fields or any(
                state in self._ask.means for state in _states(subject, history.get(subject.key))
            ):
                meant.append(subject)
            else:
                left[_state(subject, history.get(subject.key))] += 1
        asked = meant[: self._ask.limit]
        wrong: list[_Wrong] = []
        excused = 0
        waiting = iter(asked)

        async def worker() -> None:
            nonlocal excused
            for subject in waiting:
                complaint = await self._complaint(subject, history.get(subject.key))
                if complaint is None:
                    continue
                if not complaint.text:
                    excused += 1
                else:
                    wrong.append(_Wrong(subject, complaint, history.get(subject.key)))

        await asyncio.gather(*(worker() for _ in range(_ASKED_AT_ONCE)))
        wrong.sort(key=lambda error: error.subject.key)
        return Finding(wrong, len(asked) - excused, excused, len(meant) - len(asked), left, len(subjects))

    def _subjects(self) -> list[_Subject]:
        ask, simulation = self._ask, self._simulation
        subjects = [
            _Subject(message.key, message.id, message)
            for message in simulation.messages.values()
            if ask.about is About.ALL or message.injected == (ask.about is About.STORM)
            if not ask.rule or ask.rule in (message.rule, message.faults_rule)
        ]
        if ask.about is not About.STORM:
            by_id = "{id}" in ask.url
            subjects += [
                _Subject(refusal.key, refusal.id, None, narrative(refusal.entry))
                for refusal in refused_for_good(simulation, self._providers)
                if (refusal.id or not by_id) and (not ask.rule or ask.rule == _rule(refusal))
            ]
        return [subject for subject in subjects if ask.provider in ("", subject.key.provider)]

    async def _complaint(self, subject: _Subject, history: Told | None) -> _Complaint | None:
        """Return what is wrong; without a text where nobody can know better, None where nothing is."""
        ask, url = self._ask, self._ask.url
        filled = {
            "{id}": subject.id,
            "{recipient}": subject.key.recipient,
            "{provider}": subject.key.provider,
        }
        for name, value in filled.items():
            url = url.replace(name, quote(value, safe=""))
        reply = await followed(self._client, WebhookRequest(url=url, body=b"", method=ask.method), _TERMS)
        truth = _state(subject, history)
        if not 0 < reply.status < 400:
            what = f"answers {reply.status}" if reply.status else f"fails: {reply.error}"
            text = "" if _id_kept(subject, history) else f"it is {truth}, but {ask.method} {url} {what}"
            return _Complaint(what, truth, text)
        if ask.field:
            complaint = self._state_complaint(subject, history, believed_at(reply.body, ask.field))
            if complaint is not None:
                return complaint
        return self._field_complaint(subject, history, reply.body)

    def _state_complaint(self, subject: _Subject, history: Told | None, belief: str) -> _Complaint | None:
        ask = self._ask
        right = {word for state in _states(subject, history) for word in ask.means.get(state, ())}
        if belief in right:
            return None
        truth = _state(subject, history)
        if subject.message is not None and subject.message.id_unknown and not subject.message.submission.id:
            return _Complaint(belief, truth, "")
        if truth not in ask.means:
            # Told nothing that has a word: wrong only with a word that means another end.
            others = {word for state, words in ask.means.items() if state in _ENDS for word in words}
            if belief not in others:
                return None
        expected = " or ".join(ask.means.get(truth, tuple(sorted(right))))
        text = f"it is {truth}, so {ask.field} should be {expected}, but is {belief}"
        return _Complaint(f"{ask.field} is {belief}", truth, text)

    def _field_complaint(self, subject: _Subject, history: Told | None, body: bytes) -> _Complaint | None:
        message = subject.message
        if not self._ask.fields or message is None or history is None:
            return None
        if history.heard not in TERMINAL:
            return _Complaint("", "", "")
        figures = {name: self._figures(name) for name in self._providers}
        words = truths(self._simulation, message, history, figures)
        if not self._ask.field and not any(says(template, words) for template in self._ask.fields.values()):
            # Its provider tells none of it.
            return _Complaint("", "", "")
        for field, template in self._ask.fields.items():
            belief = believed_at(body, field)
            if (expected := disagrees(template, belief, words)) != "":
                text = f"it is {history.heard.value}, so {field} should be {expected}, but is {belief}"
                return _Complaint(f"{field} is wrong", history.heard.value, text)
        return None

    def _figures(self, name: str) -> Callable[[Message], Mapping[str, str]]:
        provider, account = self._providers[name], self._simulation.accounts[name]
        return lambda message: provider.figures(account, message)  # type: ignore[arg-type]

    def check(self, finding: Finding) -> Check:
        """Return the check of *finding*, with a line for each kind of error and the stories of some."""
        return audit_check(self._ask, finding, self._stories)


def audit_check(ask: Ask, finding: Finding, stories: Stories) -> Check:
    """Return the check of what *ask* found out, with a line for each kind of error and some stories."""
    wrong = finding.wrong
    kinds = _kinds(wrong)
    # One of each kind stands for those that are like it.
    shown = wrong if len(kinds) == len(wrong) else [members[0] for members in kinds]
    named = [f"{error.subject.key}: {error.complaint.text}{_since(ask, error)}" for error in shown]
    named = named[:_NAMED_MAX]
    if len(wrong) > len(named):
        named.append(f"… and {len(wrong) - len(named)} more; --json and --html name all {len(wrong)}")
    history = stories(error.subject.message for error in wrong if error.subject.message is not None)
    refusals = [error.subject.line for error in wrong[:_NAMED_MAX] if error.subject.line]
    groups = _groups(ask, kinds) if len(wrong) > 1 else []
    nothing = bool(finding.own) and not finding.judged and not finding.excused
    return Check(
        name=ask.name,
        # An audit that asks about nothing, though there is something, finds nothing out.
        passed=not wrong and not nothing,
        judged=bool(finding.judged) or nothing,
        detail=_detail(ask, finding),
        lines=(*groups, *named, *(["", *refusals, *history] if wrong else [])),
        blamed=tuple(error.subject.key for error in wrong),
    )


def _states(subject: _Subject, history: Told | None) -> Iterable[str]:
    """Return what the integrator may take *one* for, beginning with what it was told last."""
    if subject.message is None or history is None:
        return (REFUSED,)
    return dict.fromkeys([_state(subject, history), *sorted(history.possible)])


def _state(subject: _Subject, history: Told | None) -> str:
    """Return what *one* is by what was told; what nobody was told of is what its call was answered with."""
    if subject.message is None or history is None:
        return REFUSED
    if history.heard is not None:
        return history.heard.value
    return subject.message.state.value if subject.message.state not in TERMINAL else "accepted"


def _id_kept(subject: _Subject, history: Told | None) -> bool:
    """Return True when the integrator cannot know the id that it is asked by."""
    if subject.message is None or history is None or subject.message.submission.id:
        return False
    return subject.message.id_unknown or (history.heard is None and history.silenced)


def _rule(refusal: Refusal) -> str:
    return str(getattr(refusal.entry.fact, "rule", ""))


def _since(ask: Ask, error: _Wrong) -> str:
    """Return after which attempt a belief went wrong: the last one that told what is believed."""
    telling = _mistaken(ask, error)
    if telling is None:
        return ""
    label = next(r.label for r in telling.webhook.reports if r.key == error.subject.key)
    untrue = ", a contradiction on purpose" if telling.untrue else ""
    return (
        f"; wrong since attempt {telling.attempt.number} at [{label}] {telling.webhook.id}, "
        f"{format_offset(telling.at_ms)}{untrue}"
    )


def _mistaken(ask: Ask, error: _Wrong) -> Telling | None:
    belief = error.complaint.belief.removeprefix(f"{ask.field} is ")
    tellings = error.told.tellings if error.told is not None else ()
    return next(
        (telling for telling in reversed(tellings) if belief in ask.means.get(telling.state.value, ())), None
    )


def _kinds(wrong: Sequence[_Wrong]) -> list[list[_Wrong]]:
    """Return the errors by what is believed and what was told, the most frequent kind first."""
    kinds: dict[tuple[str, str], list[_Wrong]] = {}
    for error in wrong:
        kinds.setdefault((error.complaint.belief, error.complaint.wanted), []).append(error)
    return sorted(kinds.values(), key=lambda members: -len(members))


def _groups(ask: Ask, kinds: Sequence[Sequence[_Wrong]]) -> list[str]:
    """Return one line for each kind of error: `27 × state is FAILED, told delivered: all after …`."""
    lines = []
    for members in kinds:
        causes = Counter(cause for error in members for cause in _causes(ask, error))
        shared = [
            f"{'all' if count == len(members) else count} {cause}" for cause, count in causes.most_common(3)
        ]
        belief, truth = members[0].complaint.belief, members[0].complaint.wanted
        lines.append(
            f"{len(members)} × {belief}, told {truth}" + (f": {', '.join(shared)}" if shared else "")
        )
    return lines


def _causes(ask: Ask, error: _Wrong) -> list[str]:
    """Return what was done on purpose to the reports of a message, in words for a group of them."""
    if error.told is None:
        return []
    telling = _mistaken(ask, error)
    if telling is not None and telling.untrue:
        return ["after a contradiction"]
    purposes = {purpose for telling in error.told.tellings for purpose in telling.webhook.intended}
    if any(len(telling.webhook.reports) > 1 for telling in error.told.tellings):
        first = any(telling.webhook.reports[0].key == error.subject.key for telling in error.told.tellings)
        place = "first of several" if first else "behind others"
        return [f"told {place} in one webhook", *(f"told {word}" for word in sorted(purposes))]
    return [_CAUSES.get(purpose, f"told {purpose.value}") for purpose in sorted(purposes)]


def _detail(ask: Ask, finding: Finding) -> str:
    """Return what the audit found, and all that it did not look at."""
    if not finding.own:
        whose = {About.DRIVEN: "of its own, and about: driven asks about no other", About.STORM: "of a storm"}
        return f"nothing was asked: there are no messages {whose.get(ask.about, '')}".rstrip()
    parts = [
        f"the integrator is right about {finding.judged - len(finding.wrong)} of {finding.judged} messages"
    ]
    if finding.excused:
        parts.append(f"excused, for it was told nothing that would tell: {finding.excused}")
    if finding.beyond:
        parts.append(f"beyond the limit: {finding.beyond}")
    if finding.left:
        counts = ", ".join(f"{count} {truth}" for truth, count in sorted(finding.left.items()))
        parts.append(f"not asked about, for means: has no word for them: {counts}")
    return "; ".join(parts)


def believed_at(body: bytes, field: str) -> str:
    """Return what stands at *field*, names and numbers with dots between, of a JSON answer."""
    try:
        value = json.loads(body)
    except ValueError:
        return "no JSON"
    for name in field.split("."):
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return "missing"
    return value if isinstance(value, str) else json.dumps(value)
