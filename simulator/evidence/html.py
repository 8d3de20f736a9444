"""
The run as one HTML file that needs nothing else: verdict, scorecard, and a timeline of messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from simulator.evidence.axis import Axis
from simulator.evidence.index import Index, index
from simulator.evidence.lanes import LEGEND, AxisRow, Lane, axis_row, lane, webhook_lane
from simulator.evidence.lives import Group, Life, groups, tell
from simulator.evidence.overview import Chart, overview
from simulator.evidence.pages import render, style, style_policy
from simulator.evidence.plots import plots
from simulator.evidence.reachability import Reachability
from simulator.evidence.result import RunResult
from simulator.evidence.tables import (
    BRIEF,
    FULL,
    Calls,
    Depth,
    Incidents,
    Refusals,
    Story,
    calls,
    first_of,
    incidents,
    refused,
    story,
)
from simulator.evidence.verdict import (
    CheckRow,
    Receiver,
    Verdict,
    blame,
    check_rows,
    checks_note,
    receiver,
    verdict,
)
from simulator.evidence.words import count, span
from simulator.explain.idle_rules import idle_rules
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.webhooks.webhook import WebhookState
from simulator.secrecy import Withholding

__all__ = ["html", "instants"]

_DRAW_ALL_MAX = 300
_BLAMED_DRAWN_MAX = 40
_UNUSUAL_DRAWN_MAX = 20
_USUAL_DRAWN_MAX = 10
_BLAMED = "Blamed by an expectation"
_WEBHOOKS_DRAWN_MAX = 40
_IDLE_MAX = 100
_ROWS_CHARACTERS_MAX = 3_000_000


class MessageRow(NamedTuple):
    """
    A message on the timeline, and its story below it.
    """

    id: str
    who: str
    about: str
    lane: Lane
    ending: str
    why: str
    story: Story


class GroupSection(NamedTuple):
    """
    Messages that ended alike, or that an expectation blames.
    """

    id: str
    title: str
    note: str
    total: int
    rows: Sequence[MessageRow]


class WebhookRow(NamedTuple):
    """
    A webhook that is about no message.
    """

    who: str
    about: str
    lane: Lane
    state: str


class WebhookRows(NamedTuple):
    """
    Webhooks that are about no message, the lost ones first.
    """

    note: str
    rows: Sequence[WebhookRow]


class RunPage(NamedTuple):
    """
    Everything on the page, in its order.
    """

    name: str
    facts: Sequence[str]
    forgotten: str
    verdict: Verdict
    checks: Sequence[CheckRow]
    checks_note: str
    receiver: Receiver
    legend: Sequence[tuple[str, str]]
    axis: AxisRow
    overview: Sequence[Chart]
    groups: Sequence[GroupSection]
    every_message: Index | None
    refusals: Refusals | None
    webhooks: WebhookRows
    calls: Calls | None
    incidents: Incidents | None
    idle_rules: Sequence[str]


def html(result: RunResult) -> str:
    """
    Return the evidence of a run as one file without scripts, whatever the number of messages.

    Up to 300 messages are all drawn.  Of more, those that an expectation blames come
    first, then the unusual ones, and of each group only some; the page says how many
    it leaves out, lists them by their ends, and every count, chart and check on it
    is about all of them.
    """
    secrecy = Withholding(result.space.secrets())
    return render("run.html", secrecy, page=_page(result), style=style(), style_policy=style_policy())


def _page(result: RunResult) -> RunPage:
    simulation = result.space.simulation
    axis = Axis(instants(simulation))
    blamed = blame(result.checks)
    every_group = groups(simulation)
    sections = _sections(simulation, axis, _blamed_first(every_group, blamed), blamed)
    drawn = {
        key: f"#{row.id}" for section, keys in sections for key, row in zip(keys, section.rows, strict=True)
    }
    dropped = simulation.journal.dropped
    return RunPage(
        name=result.scenario,
        facts=_facts(result, axis),
        forgotten=count(dropped, "entry", "entries") if dropped else "",
        verdict=verdict(result.checks),
        checks=check_rows(result.checks, drawn),
        checks_note=checks_note(result.checks),
        receiver=receiver(result.scorecard),
        legend=LEGEND,
        axis=axis_row(axis),
        overview=[*overview(simulation, axis), *plots(simulation, axis, result.planned_ms)],
        groups=[section for section, _ in sections],
        every_message=index(every_group) if len(drawn) < len(simulation.messages) else None,
        refusals=refused(simulation),
        webhooks=_other_webhooks(simulation, axis),
        calls=calls(simulation),
        incidents=incidents(simulation),
        idle_rules=[str(rule) for rule in idle_rules(simulation)[:_IDLE_MAX]],
    )


def instants(simulation: Simulation) -> Iterator[int]:
    """Yield when anything happened in a space, in no order."""
    yield 0
    yield simulation.clock.now_ms
    for entry in simulation.journal:
        yield entry.at_ms
    for message in simulation.messages.values():
        yield message.accepted_ms
        yield message.changed_ms
    for refusal in simulation.refusals.values():
        yield refusal.at_ms
    for webhook in simulation.outbox.webhooks.values():
        for attempt in webhook.attempts:
            yield attempt.at_ms


def _facts(result: RunResult, axis: Axis) -> list[str]:
    simulation = result.space.simulation
    start = f"{simulation.clock.datetime(0):%Y-%m-%d %H:%M:%SZ}"
    facts = [
        count(len(simulation.messages), "message"),
        count(result.scorecard.webhooks, "webhook"),
        f"{span(axis.to_ms - axis.from_ms)} of virtual time from {start}",
        f"seed {result.seed}",
        f"space {result.space.name}",
        f"simulator {result.version}",
    ]
    return [*facts, result.source] if result.source else facts


def _blamed_first(every_group: Sequence[Group], blamed: Mapping[MessageKey, object]) -> list[Group]:
    """Return the groups without the blamed messages, after a group of those, in the order of the blame."""
    if not blamed:
        return list(every_group)
    lives = {life.message.key: life for group in every_group for life in group.lives}
    taken = tuple(lives[key] for key in blamed if key in lives)
    rest = [
        replace(group, lives=tuple(life for life in group.lives if life.message.key not in blamed))
        for group in every_group
    ]
    first = [Group(_BLAMED, True, taken)] if taken else []
    return [*first, *(group for group in rest if group.lives)]


def _sections(
    simulation: Simulation,
    axis: Axis,
    ordered: Sequence[Group],
    blamed: Mapping[MessageKey, Sequence[str]],
) -> list[tuple[GroupSection, Sequence[MessageKey]]]:
    """Return the groups with the messages that are drawn, and the keys of those."""
    total = len(simulation.messages)
    drawn = [_drawn(group, total) for group in ordered]
    tell(simulation, (life for lives in drawn for life in lives))
    depth = FULL if total <= _DRAW_ALL_MAX else BRIEF
    reachability = Reachability(simulation)
    sections: list[tuple[GroupSection, Sequence[MessageKey]]] = []
    room = _ROWS_CHARACTERS_MAX
    number = 0
    for group, lives in zip(ordered, drawn, strict=True):
        rows: list[MessageRow] = []
        for life in lives:
            key = life.message.key
            absent = reachability.spans(key.recipient, axis.from_ms, axis.to_ms)
            row = _message_row(life, lane(life, absent, axis), f"m{number}", blamed.get(key, ()), depth)
            room -= _size(row)
            if room < 0:
                break
            rows.append(row)
            number += 1
        note = first_of(len(rows), len(group.lives))
        section = GroupSection(f"g{len(sections)}", group.title, note, len(group.lives), rows)
        sections.append((section, [life.message.key for life in lives[: len(rows)]]))
    return sections


def _drawn(group: Group, total: int) -> Sequence[Life]:
    if total <= _DRAW_ALL_MAX:
        return group.lives
    if group.title == _BLAMED:
        return group.lives[:_BLAMED_DRAWN_MAX]
    return group.lives[: _UNUSUAL_DRAWN_MAX if group.unusual else _USUAL_DRAWN_MAX]


def _message_row(life: Life, drawn: Lane, id: str, blamed: Sequence[str], depth: Depth) -> MessageRow:
    message = life.message
    key = message.key
    ending = message.state.value
    if message.changed_ms > message.accepted_ms:
        ending = f"{ending} after {span(message.changed_ms - message.accepted_ms)}"
    why = message.code or message.reason.value or (f"rule {message.rule}" if message.rule else "")
    about = f"{key.provider} #{key.ordinal}"
    return MessageRow(id, key.recipient, about, drawn, ending, why, story(life, blamed, depth))


def _size(row: MessageRow) -> int:
    """Return about how many characters a row takes on the page."""
    texts = 600 + 120 * len(row.story.attempts.rows) + 300 * len(row.story.entries.rows)
    shapes = 120 * (len(row.lane.marks) + len(row.lane.lines) + len(row.lane.bands))
    return texts + shapes + 250 * len(row.story.attempts.rows)


def _other_webhooks(simulation: Simulation, axis: Axis) -> WebhookRows:
    others = [
        webhook
        for webhook in simulation.outbox.webhooks.values()
        if all(report.key is None for report in webhook.reports)
    ]
    others.sort(key=lambda webhook: webhook.state is not WebhookState.LOST)
    rows = [
        WebhookRow(
            webhook.recipient,
            f"{webhook.provider} {webhook.reports[0].label}",
            webhook_lane(webhook, axis),
            webhook.state.value,
        )
        for webhook in others[:_WEBHOOKS_DRAWN_MAX]
    ]
    return WebhookRows(first_of(len(rows), len(others)), rows)
