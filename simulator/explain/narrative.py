"""
From facts to words: the only place that makes sentences of a journal, and nobody reads them back.
"""

from __future__ import annotations

from collections.abc import Iterable

from simulator.kernel.model.message import Rung
from simulator.kernel.model.recipient import Value
from simulator.kernel.model.scenario import ClockMode, ServerTurn
from simulator.kernel.model.units import format_duration, format_offset
from simulator.kernel.store.facts import (
    Accepted,
    Acted,
    ActImpossible,
    AnswerUnread,
    Attempted,
    Called,
    CircumstancesChanged,
    ClockChanged,
    Contradicted,
    Dropped,
    Duplicated,
    Fact,
    Failed,
    Held,
    Intended,
    Lapsed,
    Lost,
    Moved,
    NotContradicted,
    Note,
    RefusalLeftOut,
    Released,
    Rescheduled,
    Resent,
    ScenarioLoaded,
    Scope,
    SendRefused,
    ServerTurned,
    SettingsChanged,
    Suspended,
    Unsigned,
)
from simulator.kernel.store.journal import Entry

__all__ = ["clock_words", "decided_by", "names_in_words", "narrative", "what_of", "why_of", "words_of"]

_REFUSED = {
    Scope.RECIPIENT: "refused",
    Scope.CALL: "the call was refused",
    Scope.CONNECTION: "the connection was dropped before any work",
}


def narrative(entry: Entry) -> str:
    """
    Return an entry as one line for people.

    `+00:00:02.300 pigeon +905550000001 #1 delivered (rule "default")`
    """
    if entry.key is not None:
        subject = f"{entry.key} "
    else:
        subject = " ".join(part for part in (entry.provider, entry.recipient) if part)
        subject = f"{subject} " if subject else ""
    why = why_of(entry.fact)
    because = f" ({why})" if why else ""
    return _printable(f"{format_offset(entry.at_ms)} {subject}{words_of(entry)}{because}")


def words_of(entry: Entry) -> str:
    """Return what happened in a few words, with the provider's code."""
    code = entry.code
    words = what_of(entry.fact) or (entry.state or entry.kind).value
    return f"{words} [{code}]" if code else words


def what_of(fact: Fact) -> str:
    """Return a fact without time and subject; empty when its state or kind says it all."""
    return _sentence(fact)


def why_of(fact: Fact) -> str:
    """Return which rung of the ladder, which rule or who else caused a fact; empty: nobody asks."""
    return _cause(fact)


def decided_by(rung: Rung, rule: str, detail: str = "") -> str:
    """Return in words which rung of the ladder, or which rule, decided, and what exactly it was."""
    decided = f'rule "{rule}"' if rule else rung.value
    return f"{decided}: {detail}" if detail else decided


def clock_words(mode: ClockMode, rate: int) -> str:
    """Return how time passes: `frozen`, `live`, `live×60`, `autojump`."""
    return f"live×{rate}" if mode is ClockMode.LIVE and rate != 1 else mode.value


def _sentence(fact: Fact) -> str:
    match fact:
        case Accepted():
            return ""
        case Moved(state=state, reason=reason):
            return f"{state.value} ({reason.value})" if reason else ""
        case SendRefused(scope=scope):
            return _REFUSED[scope]
        case Lapsed(move=move, state=state):
            return f"{move.value} has lapsed, the message is {state.value}"
        case Rescheduled():
            return "rescheduled"
        case Suspended():
            return "suspended"
        case NotContradicted(provider=provider, arrived=arrived):
            opposite = "a failure" if arrived else "an arrival"
            return f"nothing contradicts it: {provider} has no report of {opposite} for this message"
        case Called():
            return _call(fact)
        case Failed(method=method, path=path):
            return f"{method} {path} failed inside the simulator; its log has the details"
        case RefusalLeftOut(operation=operation):
            return f"{operation} was not refused: the code is about one recipient, and this call has none"
        case CircumstancesChanged(traits=traits, until_ms=until_ms):
            until = f" until {format_offset(until_ms)}" if until_ms is not None else ""
            return ", ".join(f"{name} is now {_plain(value)}{until}" for name, value in traits.items())
        case Acted(act=act, text=text):
            return f"{act} {text!r}" if text else act
        case ActImpossible(act=act, detail=detail):
            return f"{act} was not possible: {detail}"
        case ScenarioLoaded(name=name, rule=rule):
            return (
                f'rule "{rule}" is in force, before all others' if rule else f'scenario "{name}" is in force'
            )
        case ClockChanged(mode=mode, rate=rate):
            return f"the clock is {clock_words(mode, rate)}"
        case ServerTurned(turn=ServerTurn.DOWN):
            return "server is down: its own port refuses connections, and those that were open are cut"
        case ServerTurned():
            return "server is up: its own port takes connections again"
        case SettingsChanged(names=names, text=text):
            return text or f"settings changed: {', '.join(names)}"
        case AnswerUnread():
            return "answer was not read: the caller's connection broke"
        case Note(text=text):
            return text
        case Held():
            return "webhooks are held back"
        case Released(count=count):
            return f"{count} held webhooks are released"
        case _:
            return f"{_webhook(fact)} [{fact.label}]"


def _webhook(
    fact: Intended | Dropped | Duplicated | Contradicted | Unsigned | Attempted | Lost | Resent,
) -> str:
    match fact:
        case Intended(purposes=purposes):
            return f"webhook {', '.join(purposes)} on purpose"
        case Dropped():
            return "webhook dropped on purpose"
        case Duplicated():
            return "webhook duplicated on purpose"
        case Contradicted(pulled=True):
            return "report contradicts the truth on purpose, for whoever pulls it"
        case Contradicted():
            return "webhook contradicts the truth on purpose"
        case Unsigned():
            return "webhook is not signed, so not wrongly either"
        case Attempted(number=number, status=status, error=error):
            return f"webhook attempt {number} " + (f"answered {status}" if status else f"failed: {error}")
        case Lost(attempts=attempts):
            return f"webhook is lost after {attempts} attempts"
        case Resent(original=original):
            return f"webhook {original} is sent again on request"


def names_in_words(names: Iterable[tuple[str, str]]) -> str:
    """Return what a submission or a call goes by besides its id: `txnid t-1`."""
    return ", ".join(f"{name} {value}" for name, value in names)


def _call(fact: Called) -> str:
    done = (
        (fact.stall_real_ms > 0, f"{format_duration(fact.stall_real_ms)} late"),
        (fact.garbled, "garbled"),
        (fact.truncated, "broken off in the middle"),
        (fact.dripped, "bit by bit"),
        (fact.work_done, "after doing the work"),
    )
    words = " and ".join(word for holds, word in done if holds)
    ended = f"answered {fact.status}" if fact.status else "was cut off"
    if fact.dropped:
        purpose = f" on purpose, {words}" if words else " on purpose"
    else:
        purpose = f", {words} on purpose" if words else ""
    names = f" ({names_in_words(fact.names)})" if fact.names else ""
    return f"{fact.method} {fact.path}{names} {ended}{purpose}"


def _cause(fact: Fact) -> str:
    match fact:
        case Moved(unreachable=True):
            return "the recipient is unreachable"
        case Accepted(rung=rung, rule=rule) | Moved(rung=rung, rule=rule):
            return decided_by(rung, rule)
        case SendRefused(rung=rung, rule=rule, detail=detail):
            return decided_by(rung, rule, detail)
        case RefusalLeftOut(rule=rule):
            return decided_by(Rung.RULE, rule)
        case Called(rule=rule, detail=detail):
            return f'rule "{rule}"' if rule and fact.misbehaved else detail
        case Note(detail=detail):
            return detail
        case CircumstancesChanged(by=by) | ActImpossible(by=by):
            return by
        case (
            Intended(rule=rule)
            | Dropped(rule=rule)
            | Duplicated(rule=rule)
            | Contradicted(rule=rule)
            | Unsigned(rule=rule)
            | NotContradicted(rule=rule)
            | Acted(rule=rule)
        ):
            return f'rule "{rule}"' if rule else ""
        case _:
            return ""


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _printable(text: str) -> str:
    # Addresses and texts come from outside: a control character must not reach a terminal.
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
