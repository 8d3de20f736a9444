"""
Commands that look at a running server, and turn its clock: what else takes a line of curl.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import click

from simulator.commands.completion import complete_provider
from simulator.commands.terminal import plain_json, say
from simulator.commands.where import Where, asking, where_options
from simulator.secrecy import Withholding

__all__ = ["advance", "messages", "spaces", "webhooks"]

_TEXT_MAX = 40
_ATTEMPTS_SHOWN = 5
_SECRECY = Withholding()
_as_json = click.option("--json", "as_json", is_flag=True, help="Print what the control API answers.")
_limit = click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="The last so many."
)


@click.command()
@_as_json
@where_options
def spaces(where: Where, as_json: bool) -> None:
    """
    List the spaces of a running server with their clocks.
    """
    listed = where.call("GET", "/spaces")
    if as_json:
        say(plain_json(listed, 2), as_sent=True)
        return
    _table([(space["name"], _mode(space["clock"]), space["clock"]["now"]) for space in listed["items"]])


@click.command()
@click.option("--provider", help="At this provider only.", shell_complete=complete_provider)
@click.option("--recipient", help="To this recipient only.")
@click.option("--state", help="In this state only: waiting, delivered, failed …")
@click.option("--name", help="With this id, or of the call with it: a txnid, a bulkId, a batchId.")
@_limit
@_as_json
@asking
def messages(
    where: Where,
    space: str,
    provider: str | None,
    recipient: str | None,
    state: str | None,
    name: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """
    List messages, the oldest first: where they are, and the ids that `explain` takes.
    """
    conditions = _given(provider=provider, recipient=recipient, state=state, name=name)
    listed = _last(where, f"/spaces/{space}/messages", conditions, limit)
    if as_json:
        say(plain_json(listed, 2), as_sent=True)
        return
    rows = [
        (
            f"{row['provider']} {row['recipient']} #{row['ordinal']}",
            f"{row['state']} {row['code']}".rstrip(),
            row["changed_at"],
            row["id"],
            _short(_SECRECY.text(row["text"])),
        )
        for row in listed["items"]
    ]
    _table(rows)
    _say_rest(len(rows), listed["total"], "messages")


@click.command()
@click.option("--provider", help="Of this provider only.", shell_complete=complete_provider)
@click.option("--recipient", help="About this recipient only.")
@click.option("--state", help="In this state only: scheduled, acknowledged, lost …")
@_limit
@_as_json
@asking
def webhooks(
    where: Where,
    space: str,
    provider: str | None,
    recipient: str | None,
    state: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """
    List webhooks, the oldest first: what they tell, where they go, and what was answered.
    """
    conditions = _given(provider=provider, recipient=recipient, state=state)
    listed = _last(where, f"/spaces/{space}/webhooks", conditions, limit)
    if as_json:
        say(plain_json(listed, 2), as_sent=True)
        return
    rows = [
        (
            row["id"],
            f"{row['provider']} {row['recipient']}".rstrip(),
            ", ".join(row["reports"]),
            row["state"],
            _attempts(row["attempts"]),
            _SECRECY.text(row["target"]),
        )
        for row in listed["items"]
    ]
    _table(rows)
    _say_rest(len(rows), listed["total"], "webhooks")


@click.command()
@click.argument("how_far", metavar="DURATION|INSTANT|settled")
@asking
def advance(where: Where, space: str, how_far: str) -> None:
    """
    Move the clock of a space and let everything happen that is due until then.

    By a duration (2h), to an instant (2026-01-05T12:00:00Z), or until nothing is due
    any more (settled).
    """
    form = "until" if how_far == "settled" else "to" if re.match(r"[0-9]{4}-", how_far) else "by"
    answer = where.call("POST", f"/spaces/{space}/clock/advance", {form: how_far})
    fired, in_flight = answer["fired"], answer["in_flight"]
    owed = f", {in_flight:,} webhook{'s' * (in_flight != 1)} in flight" if in_flight else ""
    say(f"it is {answer['now']}; {fired:,} thing{'s' * (fired != 1)} happened{owed}")


def _given(**conditions: str | None) -> dict[str, str]:
    return {name: value for name, value in conditions.items() if value}


def _last(where: Where, path: str, conditions: dict[str, str], limit: int) -> Any:
    """Return the listing at *path* with its last *limit* rows."""
    total = where.call("GET", path, query={**conditions, "limit": "0"})["total"]
    offset = str(max(0, total - limit))
    return where.call("GET", path, query={**conditions, "limit": str(limit), "offset": offset})


def _mode(clock: Mapping[str, Any]) -> str:
    rate = f"×{clock['rate']}" if clock["mode"] == "live" and clock["rate"] != 1 else ""
    return f"{clock['mode']}{rate}"


def _attempts(attempts: Sequence[Mapping[str, Any]]) -> str:
    """Return how often it was tried, and how the last few ended."""
    last = " ".join(str(attempt["status"] or attempt["cause"]) for attempt in attempts[-_ATTEMPTS_SHOWN:])
    return last if len(attempts) <= _ATTEMPTS_SHOWN else f"{len(attempts)} × … {last}"


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else f"{text[: _TEXT_MAX - 1]}…"


def _table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print *rows* in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _say_rest(shown: int, total: int, what: str) -> None:
    if shown < total:
        say(f"the last {shown} of {total} {what}; --limit shows more", err=True)
    elif not total:
        say(f"there are no {what}", err=True)
