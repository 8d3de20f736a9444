"""
The truth about a message in words that an answer can be compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.message import Message
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.facts import Acted
from simulator.run.told import Told
from simulator.scenario.goals import BLANK, TRUTHS, Wanted

__all__ = ["Figures", "disagrees", "says", "truths"]

Figures = Callable[[Message], Mapping[str, str]]
"""What a provider tells of a message beside its state."""

_WRITES: Final = "writes"
_NUMBER_OFF_MAX: Final = 1e-6
_YEAR_2000_S: Final = 946_684_800
_MS_FROM: Final = 100_000_000_000
"""A number above is an instant in milliseconds since 1970, one below in seconds."""


def truths(
    simulation: Simulation, message: Message, history: Told, figures: Mapping[str, Figures]
) -> dict[str, str]:
    """Return every word of `fields:` with what it stands for; words that mean nothing here are left out."""
    key = message.key
    state = history.heard or message.state
    ended_ms = next(
        (
            report.at_ms
            for telling in reversed(history.tellings)
            if telling.state is state
            for report in telling.webhook.reports
            if report.key == key and report.tells is state
        ),
        message.changed_ms,
    )
    words = {
        "id": message.id,
        "recipient": key.recipient,
        "provider": key.provider,
        "state": state.value,
        "ended": _iso(simulation.clock.unix_ms(ended_ms)),
        "sends": str(key.ordinal - _accepted_before(simulation, key)),
        "fallbacks": str(_elsewhere(simulation, message)),
        "arrived": str(int(state in (State.DELIVERED, State.READ))),
        "written": _written(simulation, key),
    }
    # Where it is said to be read and is not, or the other way round, what was heard is true as well.
    heard = {state, message.state} <= {State.DELIVERED, State.READ}
    words |= figures[key.provider](replace(message, state=state) if heard else message)
    if state is not message.state and not heard:
        # The provider has no word of its own for what did not happen.
        words.pop("code", None)
    return {name: words[name] for name in TRUTHS if words.get(name, "")}


def _accepted_before(simulation: Simulation, key: MessageKey) -> int:
    """Return the ordinal of the message before *key* to the same recipient; 0: there was none."""
    ordinals = range(key.ordinal - 1, 0, -1)
    return next((n for n in ordinals if replace(key, ordinal=n) in simulation.messages), 0)


def _elsewhere(simulation: Simulation, message: Message) -> int:
    """Return how many messages went to the same recipient by other providers, from *message* on."""
    key = message.key
    count = 0
    for provider in simulation.accounts:
        last = simulation.state.numbering.last(provider, key.recipient) if provider != key.provider else 0
        for ordinal in range(1, last + 1):
            other = simulation.messages.get(MessageKey(provider, key.recipient, ordinal))
            count += other is not None and other.accepted_ms >= message.accepted_ms
    return count


def _written(simulation: Simulation, key: MessageKey) -> str:
    """Return how often the recipient wrote by this provider; empty where it did anything else, too."""
    acts = [
        entry.fact.act
        for entry in simulation.journal
        if isinstance(entry.fact, Acted)
        and (entry.provider, entry.recipient) == (key.provider, key.recipient)
    ]
    return str(len(acts)) if set(acts) <= {_WRITES} else ""


def _iso(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms / 1_000, UTC).isoformat(timespec="milliseconds")


def says(template: Wanted, words: Mapping[str, str]) -> bool:
    """Return True when the truth has a word for everything in *template*."""
    return all(name in words for name in BLANK.findall(template.template))


def disagrees(template: Wanted, belief: str, words: Mapping[str, str]) -> str:
    """Return what *belief* should be, or an empty text: it is, or the truth has no word for it here."""
    if not says(template, words):
        return ""
    names = BLANK.findall(template.template)
    expected = BLANK.sub(lambda match: words[match[1]], template.template)
    if belief == expected:
        return ""
    if names == ["ended"] and template.template == "{ended}":
        first, other = _instant_ms(belief), _instant_ms(expected)
        near = first is not None and other is not None and abs(first - other) <= template.tolerance_ms
        return "" if near else f"{expected} (within {template.tolerance_ms} ms)"
    return "" if _same_number(belief, expected) else expected


def _same_number(first: str, other: str) -> bool:
    try:
        return abs(float(first) - float(other)) <= _NUMBER_OFF_MAX
    except ValueError:
        return False


def _instant_ms(text: str) -> int | None:
    """Return the instant that *text* names, as ISO 8601 with its offset or as a number since 1970."""
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        return int(number if number >= _MS_FROM else number * 1_000) if number >= _YEAR_2000_S else None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1_000)
