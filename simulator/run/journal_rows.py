"""
The lines of a journal's file: each a fact, with what is needed to understand it without the process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from weakref import ref

import msgspec
from msgspec import Struct

from simulator import __version__
from simulator.explain.views import entry_view
from simulator.kernel.model.faults import Damage, Purpose
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.store.facts import Accepted, Attempted, Called, Dropped, Fact, SendRefused
from simulator.kernel.store.journal import Entry
from simulator.kernel.webhooks.webhook import Webhook, WebhookRequest
from simulator.provider import Bubble, Provider, plain_bubble
from simulator.runtime.space import Exchange, Space
from simulator.secrecy import Withholding

__all__ = [
    "CallRow",
    "Opened",
    "ReportRow",
    "RequestRow",
    "Row",
    "Secrets",
    "SubmissionRow",
    "WebhookRow",
    "line_of",
    "opened_of",
]


_CREDENTIALS_MAX: Final = 200
"""So many credentials that calls came with are looked for in whatever comes later."""


class Opened(Struct, frozen=True, omit_defaults=True):
    """
    What is true of a space from its beginning; repeated at the head of each file, and when it changes.
    """

    seed: int
    start_unix_ms: int
    scenario: str = ""
    source: str = ""
    version: str = ""


class SubmissionRow(Struct, frozen=True, omit_defaults=True):
    """
    What was sent, beside the fact that it was accepted or refused.
    """

    operation: str = "send"
    sender: str = ""
    text: str = ""
    parts: int = 1
    validity_ms: int = 0
    hold_until_ms: int = 0
    signal: bool = False
    injected: bool = False
    faults_rule: str = ""
    names: dict[str, str] = {}
    bubble: Bubble | None = None
    """How it looks on a phone; None: as its text alone."""


class RequestRow(Struct, frozen=True, omit_defaults=True):
    """
    A request as it would have been sent had no rule spoilt it.
    """

    method: str
    url: str
    headers: list[tuple[str, str]] = []
    body: str = ""
    signed_by: list[str] = []


class ReportRow(Struct, frozen=True, omit_defaults=True):
    """
    One thing that a webhook tells.
    """

    label: str
    at_ms: int
    key: MessageKey | None = None
    tells: State | None = None


class WebhookRow(Struct, frozen=True, omit_defaults=True):
    """
    The webhook that an attempt was made at, or that was dropped, and how the attempt went.
    """

    target: str
    reports: list[ReportRow]
    created_ms: int
    due_ms: int
    intended: list[Purpose] = []
    damage: list[Damage] = []
    sequence: int = 0
    request: RequestRow | None = None
    started_ms: int = 0
    acknowledged: bool = False
    note: str = ""
    late_ms: int = 0
    queued_real_us: int = 0
    latency_real_us: int = 0
    excerpt: str = ""
    headers: list[tuple[str, str]] = []
    next_at_ms: int | None = None


class CallRow(Struct, frozen=True, omit_defaults=True):
    """
    What the integrator sent and was answered.
    """

    request: str = ""
    answer: str = ""
    headers: list[tuple[str, str]] = []
    latency_real_us: int = 0


class Row(Struct, frozen=True):
    """
    One line, as it is read; a line that the control API or a run has written has fewer fields.
    """

    space: str = "default"
    seq: int = 0
    at_ms: int = 0
    provider: str = ""
    recipient: str = ""
    ordinal: int | None = None
    ref: str = ""
    wall_unix_ms: int = 0
    data: Fact | None = None
    opened: Opened | None = None
    submission: SubmissionRow | None = None
    webhook: WebhookRow | None = None
    call: CallRow | None = None

    @property
    def entry(self) -> Entry | None:
        """The entry that was written down; None: the line says something else."""
        if self.data is None:
            return None
        key = None if self.ordinal is None else MessageKey(self.provider, self.recipient, self.ordinal)
        provider, recipient = ("", "") if key is not None else (self.provider, self.recipient)
        return Entry(self.seq, self.at_ms, self.data, key, self.ref, provider, recipient, self.wall_unix_ms)


class Secrets:
    """
    What is to be withheld of a space in lines that are written as it goes.
    """

    __slots__ = ("_credentials", "_settings", "_space", "secrecy")

    def __init__(self, space: Space) -> None:
        # A weak one, for whoever keeps this by its space.
        self._space = ref(space)
        self._credentials: dict[str, None] = {}
        self._settings: tuple[str, ...] = ()
        self.secrecy = Withholding()

    def after(self, entry: Entry) -> Withholding:
        """Return what withholds everything that is known by now, the credential of *entry* included."""
        space = self._space()
        if space is None:
            return self.secrecy
        settings = tuple(space.settings_secrets())
        credential = _credential_of(space, entry)
        if settings != self._settings or (credential and credential not in self._credentials):
            self._settings = settings
            if credential:
                self._credentials[credential] = None
                while len(self._credentials) > _CREDENTIALS_MAX:
                    del self._credentials[next(iter(self._credentials))]
            self.secrecy = Withholding((*settings, *self._credentials))
        return self.secrecy


def _credential_of(space: Space, entry: Entry) -> str:
    if entry.key is None or not isinstance(entry.fact, Accepted | SendRefused):
        return ""
    simulation = space.simulation
    outcome = simulation.messages.get(entry.key) or simulation.refusals.get(entry.key)
    return outcome.submission.credential if outcome is not None else ""


def opened_of(space: Space) -> Opened:
    """Return what is true of *space* from its beginning."""
    clock, scenario = space.simulation.clock, space.simulation.scenario
    return Opened(space.seed, clock.epoch_ms, scenario.name, scenario.source, __version__)


def line_of(
    space: Space, entry: Entry | None, providers: Mapping[str, Provider], secrecy: Withholding
) -> bytes:
    """Return the line for an entry that was just made in *space*; without one, the line that opens it."""
    row: dict[str, Any] = {"space": space.name}
    if entry is None:
        row["kind"] = "space"
        row["opened"] = opened_of(space)
    else:
        row |= entry_view(entry)
        row |= _beside(space, entry, providers, secrecy)
    return secrecy.text(msgspec.json.encode(row).decode()).encode() + b"\n"


def _beside(
    space: Space, entry: Entry, providers: Mapping[str, Provider], secrecy: Withholding
) -> dict[str, object]:
    simulation, fact = space.simulation, entry.fact
    match fact:
        case Accepted() | SendRefused() if entry.key is not None:
            outcome = simulation.messages.get(entry.key) or simulation.refusals.get(entry.key)
            if outcome is None:
                return {}
            names = dict(simulation.names_of(outcome.submission))
            show = providers[entry.key.provider].show
            message = outcome if isinstance(outcome, Message) else None
            return {"submission": _submission(outcome.submission, message, names, show(outcome.submission))}
        case Attempted() | Dropped():
            webhook = simulation.outbox.webhooks.get(entry.ref)
            return {} if webhook is None else {"webhook": _webhook(space, webhook, fact, secrecy)}
        case Called() if space.exchanges and space.exchanges[-1].at_ms == entry.at_ms:
            return {"call": _call(space.exchanges[-1], secrecy)}
        case _:
            return {}


def _submission(
    submission: Submission, message: Message | None, names: dict[str, str], bubble: Bubble
) -> SubmissionRow:
    return SubmissionRow(
        operation=submission.operation,
        sender=submission.sender,
        text=submission.text,
        parts=submission.parts,
        validity_ms=submission.validity_ms,
        hold_until_ms=submission.hold_until_ms,
        signal=submission.signal,
        injected=message is not None and message.injected,
        faults_rule=message.faults_rule if message is not None else "",
        names=names,
        bubble=None if bubble == plain_bubble(submission) else bubble,
    )


def _webhook(space: Space, webhook: Webhook, fact: Attempted | Dropped, secrecy: Withholding) -> WebhookRow:
    row = WebhookRow(
        target=webhook.target,
        reports=[
            ReportRow(report.label, report.at_ms, report.key, report.tells) for report in webhook.reports
        ],
        created_ms=webhook.created_ms,
        due_ms=webhook.due_ms,
        intended=list(webhook.intended),
        damage=list(webhook.damage),
        sequence=webhook.sequence,
    )
    if not isinstance(fact, Attempted):
        return row
    attempt = webhook.attempts[-1]
    return msgspec.structs.replace(
        row,
        request=_request(space, webhook, secrecy) if fact.number == 1 else None,
        started_ms=attempt.at_ms,
        acknowledged=attempt.acknowledged,
        note=attempt.note,
        late_ms=attempt.late_ms,
        queued_real_us=attempt.queued_real_us,
        latency_real_us=attempt.latency_real_us,
        excerpt=secrecy.body(attempt.excerpt),
        headers=[(name, secrecy.header(name, value)) for name, value in attempt.headers],
        next_at_ms=attempt.next_at_ms,
    )


def _request(space: Space, webhook: Webhook, secrecy: Withholding) -> RequestRow:
    try:
        request = space.simulation.accounts[webhook.provider].render(webhook)
    except ValueError as trouble:
        # The attempt failed for the same reason, and its error says so, too.
        request = WebhookRequest(url=webhook.target, body=f"not rendered: {trouble}".encode())
    return RequestRow(
        request.method,
        secrecy.text(request.url),
        [(name, secrecy.header(name, value)) for name, value in request.headers],
        secrecy.body(_readable(request.body)),
        list(request.signed_by),
    )


def _call(exchange: Exchange, secrecy: Withholding) -> CallRow:
    return CallRow(
        secrecy.body(_readable(exchange.request)),
        secrecy.body(_readable(exchange.answer)),
        [(str(name), secrecy.header(name, value)) for name, value in exchange.headers],
        exchange.latency_real_us,
    )


def _readable(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")
