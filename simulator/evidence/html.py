"""
The run as one HTML file that needs nothing else: verdict, scorecard, and a timeline of messages.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from importlib.resources import files

from simulator.evidence.axis import Axis, Tick
from simulator.evidence.lanes import DEFINITIONS, axis_svg, grid_svg, lane_svg, webhook_lane_svg
from simulator.evidence.lives import Group, Life, groups, tell
from simulator.evidence.overview import overview_rows
from simulator.evidence.reachability import Reachability
from simulator.evidence.result import Check, RunResult, Scorecard
from simulator.evidence.tables import calls_table, incidents_table, refusals_table, story_html
from simulator.evidence.text import ROWS, shown
from simulator.evidence.words import count, html_text, span
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.webhooks.webhook import Webhook, WebhookState

__all__ = ["html"]

_DRAW_ALL_MAX = 300
_UNUSUAL_DRAWN_MAX = 60
_USUAL_DRAWN_MAX = 20
_WEBHOOKS_DRAWN_MAX = 40
_ROWS_CHARACTERS_MAX = 3_000_000
_STORY_LINES_MAX = 200


def html(result: RunResult) -> str:
    """
    Return the evidence of a run as one file without scripts, whatever the number of messages.

    Up to 300 messages are all drawn.  Of more, the unusual ones come first and of
    each group only some; the page says how many it leaves out, and every count,
    chart and check on it is about all of them.
    """
    simulation = result.space.simulation
    axis = Axis(_instants(simulation))
    ticks = axis.ticks()
    style = files("simulator.evidence").joinpath("style.css").read_text(encoding="utf-8")
    parts = [
        _head(f"{result.scenario} · simulator", style),
        DEFINITIONS,
        _header(result, axis),
        _checks(result.checks),
        _scorecard(result.scorecard),
        "<h2>Timeline <small>virtual time; dotted stretches are quiet and shortened</small></h2>",
        _legend(),
        f'<div class="row time"><span></span>{axis_svg(axis, ticks)}<span></span></div>',
        *(_chart_row(row, ticks) for row in overview_rows(simulation, axis)),
        *_messages(simulation, axis, ticks),
        refusals_table(simulation),
        *_other_webhooks(simulation, axis, ticks),
        calls_table(simulation),
        incidents_table(simulation),
        "</body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _head(title: str, style: str) -> str:
    # The page may not fetch or run anything, whatever a message's text tries.
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{html_text(title)}</title><style>{style}</style></head><body>"
    )


def _instants(simulation: Simulation) -> Iterator[int]:
    yield 0
    yield simulation.clock.now_ms
    for entry in simulation.journal:
        yield entry.at_ms
    for message in simulation.messages.values():
        yield message.accepted_ms
        yield message.changed_ms
    for refused in simulation.refusals.values():
        yield refused.at_ms
    for webhook in simulation.outbox.webhooks.values():
        for attempt in webhook.attempts:
            yield attempt.at_ms


def _header(result: RunResult, axis: Axis) -> str:
    simulation = result.space.simulation
    kind, word = "none", "NO EXPECTATIONS"
    if result.checks:
        kind, word = ("pass", "PASSED") if result.passed else ("fail", "FAILED")
    start = f"{simulation.clock.datetime(0):%Y-%m-%d %H:%M:%SZ}"
    facts = [
        count(len(simulation.messages), "message"),
        count(result.scorecard.webhooks, "webhook"),
        f"{span(axis.to_ms - axis.from_ms)} of virtual time from {start}",
        f"seed {result.seed}",
        f"space {result.space.name}",
        f"simulator {result.version}",
    ]
    if result.source:
        facts.append(result.source)
    dropped = simulation.journal.dropped
    forgotten = (
        f"<p class=soft>The journal has let go of its oldest {count(dropped, 'entry', 'entries')}: "
        "stories, calls and what befell the space are told from there on; "
        "messages and webhooks are counted from the beginning, refusals as far back as they are known.</p>"
    )
    return (
        f"<header><div><h1>{html_text(result.scenario)}</h1>"
        f"<p class=soft>{html_text(' · '.join(facts), 1_000)}</p>{forgotten if dropped else ''}</div>"
        f'<span class="verdict {kind}">{word}</span></header>'
    )


def _checks(checks: Sequence[Check]) -> str:
    if not checks:
        return ""
    failed = sum(not check.passed for check in checks)
    said = f"{failed} of {len(checks)} not met" if failed else f"all {len(checks)} met"
    rows = "".join(_check_row(check) for check in sorted(checks, key=lambda check: check.passed))
    return f'<h2>Expectations <small>{said}</small></h2><div class="card"><table>{rows}</table></div>'


def _check_row(check: Check) -> str:
    mark = '<td class="mark pass">✓</td>' if check.passed else '<td class="mark fail">✕</td>'
    lines = check.lines[:_STORY_LINES_MAX]
    more = ""
    if lines:
        told = "<br>".join(html_text(line, 400) for line in lines)
        left = len(check.lines) - len(lines)
        left_out = f"<br>… {count(left, 'more line')}" if left else ""
        more = (
            f'<details class="more"{"" if check.passed else " open"}><summary>stories</summary>'
            f'<p class="mono">{told}{left_out}</p></details>'
        )
    return (
        f"<tr>{mark}<td><code>{html_text(check.name, 1_000)}</code></td>"
        f"<td>{html_text(check.detail, 2_000)}{more}</td></tr>"
    )


def _scorecard(card: Scorecard) -> str:
    tiles = "".join(
        f"<div{' class=warn' if row.blame and getattr(card, row.field) else ''}>"
        f"<dt>{row.label}</dt><dd>{shown(row, card)}</dd></div>"
        for row in ROWS
    )
    return f'<h2>The receiver</h2><dl class="tiles">{tiles}</dl>'


def _chart_row(row: tuple[str, str, str], ticks: Sequence[Tick]) -> str:
    label, chart, number = row
    return (
        f'<div class="row"><span class="who">{label}</span>'
        f'<div class="cell">{grid_svg(ticks)}{chart}</div><span class="what num">{number}</span></div>'
    )


_LEGEND = (
    ("accepted", "accepted"),
    ("delivered", "delivered"),
    ("read", "read"),
    ("failed", "failed"),
    ("expired", "expired"),
    ("revoked", "revoked"),
    ("refused", "refused"),
    ("ok", "webhook acknowledged"),
    ("no", "attempt failed"),
    ("gone", "dropped on purpose"),
    ("damaged", "sent damaged or slowly on purpose"),
    ("answer_lost", "failed, but damaged on purpose"),
    ("copy", "copy on purpose"),
    ("untrue", "contradiction on purpose"),
    ("late", "delayed on purpose"),
    ("open", "still to come"),
)


def _legend() -> str:
    """Return what shapes and colours mean, in the overview and in the lanes alike."""
    legend = "".join(
        f'<span><svg><use href="#{shape}" x="9" y="7"/></svg>{label}</span>' for shape, label in _LEGEND
    )
    band = '<svg><rect class="band" width="18" height="14"/></svg>'
    return (
        f'<div class="legend">{legend}<span>{band}recipient out of reach, or webhooks held back</span></div>'
    )


def _messages(simulation: Simulation, axis: Axis, ticks: Sequence[Tick]) -> Iterator[str]:
    found = groups(simulation)
    drawn = [_drawn(group, len(simulation.messages)) for group in found]
    tell(simulation, (life for lives in drawn for life in lives))
    reachability = Reachability(simulation)
    grid = grid_svg(ticks)
    yield "<h2>Messages</h2>"
    if not found:
        yield "<p class=soft>Nothing was accepted.</p>"
    room = _ROWS_CHARACTERS_MAX
    for group, lives in zip(found, drawn, strict=True):
        rows: list[str] = []
        for life in lives:
            absent = reachability.spans(life.message.key.recipient, axis.from_ms, axis.to_ms)
            row = _message_row(simulation, life, lane_svg(life, absent, axis), grid)
            room -= len(row)
            if room < 0:
                break
            rows.append(row)
        total = len(group.lives)
        note = f"{total:,}" if len(rows) == total else f"the first {len(rows):,} of {total:,}"
        yield f"<section><h3>{group.title} <small>{note}</small></h3>{''.join(rows)}</section>"


def _drawn(group: Group, total: int) -> Sequence[Life]:
    if total <= _DRAW_ALL_MAX:
        return group.lives
    return group.lives[: _UNUSUAL_DRAWN_MAX if group.unusual else _USUAL_DRAWN_MAX]


def _message_row(simulation: Simulation, life: Life, lane: str, grid: str) -> str:
    message = life.message
    key = message.key
    ending = message.state.value
    if message.changed_ms > message.accepted_ms:
        ending = f"{ending} after {span(message.changed_ms - message.accepted_ms)}"
    why = message.code or message.reason.value or (message.rule and f"rule {message.rule}")
    return (
        f'<details class="m"><summary class="row">'
        f'<span class="who">{html_text(key.recipient, 60)}'
        f"<small>{html_text(key.provider)} #{key.ordinal}</small></span>"
        f'<div class="cell">{grid}{lane}</div>'
        f'<span class="what">{html_text(ending)}<small>{html_text(why, 80)}</small></span></summary>'
        f"{story_html(simulation, life)}</details>"
    )


def _other_webhooks(simulation: Simulation, axis: Axis, ticks: Sequence[Tick]) -> Iterator[str]:
    others = [
        webhook
        for webhook in simulation.outbox.webhooks.values()
        if all(report.key is None for report in webhook.reports)
    ]
    if not others:
        return
    others.sort(key=lambda webhook: webhook.state is not WebhookState.LOST)
    shown_ones = others[:_WEBHOOKS_DRAWN_MAX]
    note = f"{len(others):,}"
    if len(shown_ones) < len(others):
        note = f"the first {len(shown_ones):,} of {len(others):,}"
    yield f"<h2>Webhooks about no message <small>{note}</small></h2>"
    yield from _webhook_rows(shown_ones, axis, grid_svg(ticks))


def _webhook_rows(webhooks: Iterable[Webhook], axis: Axis, grid: str) -> Iterator[str]:
    for webhook in webhooks:
        yield (
            f'<div class="row"><span class="who">{html_text(webhook.recipient, 60)}'
            f"<small>{html_text(webhook.provider)} {html_text(webhook.reports[0].label, 60)}</small></span>"
            f'<div class="cell">{grid}{webhook_lane_svg(webhook, axis)}</div>'
            f'<span class="what">{webhook.state.value}</span></div>'
        )
