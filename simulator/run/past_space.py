"""
A space of a process that is gone, rebuilt from the lines of its journal.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast

from msgspec import structs

from simulator.kernel.engine.account import Account, Hooks
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.message import INJECTED, OWN_ID, Message, Refused
from simulator.kernel.model.ruling import Ruling
from simulator.kernel.model.scenario import ClockMode, ClockSpec, Scenario
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.store.facts import (
    Accepted,
    Attempted,
    Called,
    CircumstancesChanged,
    ClockChanged,
    Dropped,
    Lost,
    Moved,
    Rescheduled,
    ScenarioLoaded,
    SendRefused,
)
from simulator.kernel.store.journal import Entry
from simulator.kernel.webhooks.webhook import Attempt, Report, Webhook, WebhookRequest, WebhookState
from simulator.provider import Bubble, Provider, plain_bubble
from simulator.run.journal_rows import CallRow, Opened, ReportRow, Row, SubmissionRow, WebhookRow
from simulator.runtime.space import Exchange, Space
from simulator.runtime.transport.seam import Transport

__all__ = ["PastSpace", "providers_of_the_past"]

_NO_HOOKS: Final = Hooks(*(None for _ in Hooks._fields))


class _Details(NamedTuple):
    """What a line keeps of a submission's details, which are its provider's own."""

    names: Mapping[str, str]
    bubble: Bubble | None


class PastSpace:
    """
    A space that is gone, as it was at one of its moments: to look at, not to go on from.
    """

    def __init__(self, name: str, rows: Sequence[Row], providers: Mapping[str, Provider]) -> None:
        self.name = name
        """Its own, and a number behind it where a later one had the same."""
        self._rows = rows
        self._providers = providers
        self._moments = sorted({row.at_ms for row in rows})
        self._moment = len(self._moments) - 1
        self._played = 0
        self._space = self._fresh()
        self._play(self._moments[self._moment])
        self.note = ""
        """Always empty: whatever can be read can be shown."""

    @property
    def space(self) -> Space:
        """The space as it was at this moment; it moves no further."""
        return self._space

    @property
    def moments(self) -> Sequence[int]:
        """Every instant at which anything happened, on the space's clock."""
        return self._moments

    @property
    def moment(self) -> int:
        """Which of the moments it stands at; the last one to begin with."""
        return self._moment

    @property
    def forkable(self) -> bool:
        """Never: facts tell what happened, not what was still to come."""
        return False

    async def seek(self, moment: int) -> None:
        """Stand at another moment."""
        if moment < self._moment:
            self._space, self._played = self._fresh(), 0
        self._play(self._moments[moment])
        self._moment = moment

    async def fork(self, name: str) -> Space:
        """Raise ValueError: facts tell what happened, not what was still to come."""
        raise ValueError("a journal holds what happened, not what was to come; `run --record` keeps both")

    async def close(self) -> None:
        """Do nothing: it never ran."""

    def _fresh(self) -> Space:
        opened = self._rows[0].opened
        start = opened.start_unix_ms if opened is not None else None
        spec = ClockSpec(mode=ClockMode.FROZEN, start_unix_ms=start)
        space = Space(self.name, self._providers, _no_client, clock=spec)
        space.driver.close()
        state = space.simulation.state
        # The rules of then are not in its lines, so they are not weighed again.
        state.scenario_seq = sys.maxsize
        state.journal.clear()
        state.journal.limit = max(state.journal.limit, len(self._rows))
        for provider, account in state.accounts.items():
            state.accounts[provider] = cast(Account, _PastAccount(account))
            state.hooks[provider] = _NO_HOOKS._replace(names_of=_names_of)
        return space

    def _play(self, until_ms: int) -> None:
        last = bisect_right(self._rows, until_ms, lo=self._played, key=lambda row: row.at_ms)
        for row in self._rows[self._played : last]:
            _apply(self._space, row)
        self._played = last


def providers_of_the_past(providers: Mapping[str, Provider]) -> dict[str, Provider]:
    """Return the same providers, able to show messages of which a journal tells."""
    return {name: replace(provider, show=_showing(provider)) for name, provider in providers.items()}


# -- from lines to records --------------------------------------------------------------------------


def _apply(space: Space, row: Row) -> None:
    """Let *space* be as it was after what *row* tells."""
    simulation = space.simulation
    clock = simulation.clock
    if row.at_ms > clock.now_ms:
        clock.advance_to(row.at_ms)
    if row.opened is not None:
        _open(space, row.opened)
    entry = row.entry
    if entry is None:
        return
    simulation.journal.keep(entry)
    match entry.fact:
        case Accepted() as fact if entry.key is not None:
            simulation.state.store.add(_message(entry, entry.key, fact, row.submission or SubmissionRow()))
        case SendRefused() as fact if entry.key is not None:
            simulation.state.store.note_refusal(_refused(entry, entry.key, fact, row.submission))
        case Moved() | Rescheduled() if entry.key in simulation.messages:
            _move(simulation.messages[entry.key], entry)
        case Attempted() | Dropped() | Lost():
            _tell_webhook(space, entry, row.webhook)
        case Called() as fact:
            _call(space, entry, fact, row.call or CallRow())
        case CircumstancesChanged() as fact:
            simulation.directory.change(entry.recipient, fact.traits, entry.at_ms, fact.until_ms)
        case ScenarioLoaded() as fact if fact.name != simulation.scenario.name:
            simulation.state.scenario = Scenario(name=fact.name)
        case ClockChanged() as fact:
            space.driver.mode, space.driver.rate = fact.mode, fact.rate
        case _:
            pass


def _open(space: Space, opened: Opened) -> None:
    simulation = space.simulation
    simulation.clock.epoch_ms = opened.start_unix_ms
    simulation.chance.reseed(opened.seed)
    if opened.scenario:
        simulation.state.scenario = Scenario(name=opened.scenario, source=opened.source)


def _submission(key: MessageKey, ref: str, row: SubmissionRow) -> Submission:
    return Submission(
        provider=key.provider,
        recipient=key.recipient,
        operation=row.operation,
        sender=row.sender,
        text=row.text,
        id=ref,
        validity_ms=row.validity_ms,
        hold_until_ms=row.hold_until_ms,
        parts=row.parts,
        signal=row.signal,
        details=_Details(row.names, row.bubble),
    )


def _message(entry: Entry, key: MessageKey, fact: Accepted, row: SubmissionRow) -> Message:
    submission = _submission(key, entry.ref, row)
    return Message(
        key=key,
        id=entry.ref,
        mould=submission,
        text=submission.text,
        hold_until_ms=submission.hold_until_ms,
        state=fact.state,
        accepted_ms=entry.at_ms,
        changed_ms=entry.at_ms,
        valid_ms=row.validity_ms,
        ruling=Ruling(fate=Fate(), rung=fact.rung, rule=fact.rule, faults_rule=row.faults_rule),
        marks=OWN_ID | INJECTED if row.injected else OWN_ID,
    )


def _refused(entry: Entry, key: MessageKey, fact: SendRefused, row: SubmissionRow | None) -> Refused:
    return Refused(
        key=key,
        submission=_submission(key, entry.ref, row or SubmissionRow()),
        code=fact.code,
        id=entry.ref,
        rung=fact.rung,
        rule=fact.rule,
        why=fact.detail,
        at_ms=entry.at_ms,
    )


def _move(message: Message, entry: Entry) -> None:
    fact = entry.fact
    if isinstance(fact, Moved):
        message.state, message.changed_ms = fact.state, entry.at_ms
        message.code, message.reason = fact.code, fact.reason
        message.ruling = structs.replace(message.ruling, rung=fact.rung, rule=fact.rule)
    elif isinstance(fact, Rescheduled):
        message.hold_back(fact.to_ms)


def _tell_webhook(space: Space, entry: Entry, row: WebhookRow | None) -> None:
    webhooks = space.simulation.outbox.webhooks
    webhook = webhooks.get(entry.ref)
    if webhook is None:
        webhook = webhooks[entry.ref] = _webhook(entry, row)
    fact = entry.fact
    if isinstance(fact, Dropped):
        webhook.state = WebhookState.DROPPED
    elif isinstance(fact, Lost):
        webhook.state = WebhookState.LOST
    elif isinstance(fact, Attempted):
        attempt = _attempt(space, entry, fact, row)
        webhook.attempts.append(attempt)
        webhook.state = WebhookState.ACKNOWLEDGED if attempt.acknowledged else WebhookState.SCHEDULED
        if attempt.next_at_ms is not None:
            webhook.due_ms = attempt.next_at_ms


def _webhook(entry: Entry, row: WebhookRow | None) -> Webhook:
    fact = entry.fact
    label = fact.label if isinstance(fact, Attempted | Dropped | Lost) else ""
    # Lines of other writers say no more than that there was an attempt.
    row = row or WebhookRow("", [ReportRow(label, entry.at_ms, entry.key)], entry.at_ms, entry.at_ms)
    provider, recipient = _subject(entry)
    payload = _sent(row)
    reports = [
        Report(
            provider=provider,
            recipient=recipient,
            label=report.label,
            target=row.target,
            at_ms=report.at_ms,
            key=report.key,
            payload=payload,
            tells=report.tells,
        )
        for report in row.reports
    ]
    return Webhook(
        id=entry.ref,
        provider=provider,
        recipient=recipient,
        target=row.target,
        reports=reports,
        created_ms=row.created_ms,
        due_ms=row.due_ms,
        attempts=[],
        damage=tuple(row.damage),
        intended=tuple(row.intended),
        sequence=row.sequence,
    )


def _subject(entry: Entry) -> tuple[str, str]:
    subject = entry.key or entry
    return subject.provider, subject.recipient


def _sent(row: WebhookRow) -> WebhookRequest:
    request = row.request
    if request is None:
        return WebhookRequest(url=row.target, body=b"")
    return WebhookRequest(
        url=request.url,
        body=request.body.encode(),
        headers=tuple(request.headers),
        method=request.method,
        signed_by=tuple(request.signed_by),
    )


def _attempt(space: Space, entry: Entry, fact: Attempted, row: WebhookRow | None) -> Attempt:
    if row is None:
        policy = space.simulation.accounts[_subject(entry)[0]].policy
        row = WebhookRow("", [], 0, 0, started_ms=entry.at_ms, acknowledged=policy.acknowledges(fact.status))
    return Attempt(
        number=fact.number,
        at_ms=row.started_ms,
        status=fact.status,
        error=fact.error,
        cause=fact.cause,
        note=row.note,
        acknowledged=row.acknowledged,
        late_ms=row.late_ms,
        queued_real_us=row.queued_real_us,
        latency_real_us=row.latency_real_us,
        excerpt=row.excerpt,
        headers=tuple(row.headers),
        next_at_ms=row.next_at_ms,
    )


def _call(space: Space, entry: Entry, fact: Called, row: CallRow) -> None:
    space.exchange_count += 1
    space.exchanges.append(
        Exchange(
            entry.at_ms,
            _subject(entry)[0],
            fact.method,
            fact.path,
            fact.status,
            row.request.encode(),
            row.answer.encode(),
            fact.query,
            row.headers,
            row.latency_real_us,
        )
    )


# -- what accounts and providers are asked ----------------------------------------------------------


class _PastAccount:
    """
    An account that is asked for the webhooks of then, which are in the lines.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def __getattr__(self, name: str) -> Any:
        return getattr(self._account, name)

    def render(self, webhook: Webhook) -> WebhookRequest:
        """Return what was sent."""
        payload = webhook.reports[0].payload
        assert isinstance(payload, WebhookRequest)
        return payload


def _names_of(submission: Submission) -> Mapping[str, str]:
    return submission.details.names if isinstance(submission.details, _Details) else {}


def _showing(provider: Provider) -> Callable[[Submission], Bubble]:
    def show(submission: Submission) -> Bubble:
        details = submission.details
        if not isinstance(details, _Details):
            return provider.show(submission)
        return details.bubble or plain_bubble(submission)

    return show


def _no_client() -> Transport:
    raise RuntimeError("what is past sends nothing")
