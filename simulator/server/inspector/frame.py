"""
What every page has: who asks for it, the way to the others, and the clock bar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from simulator import __version__
from simulator.evidence.pages import render
from simulator.evidence.words import count, cut, span
from simulator.explain.narrative import clock_words
from simulator.explain.upcoming import next_due
from simulator.explain.views import instant
from simulator.kernel.model.lifecycle import TERMINAL, State
from simulator.kernel.model.message import Message, Refused
from simulator.kernel.model.scenario import ClockMode
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import format_offset
from simulator.runtime.space import Space
from simulator.server.operations.base import Controller
from simulator.server.spaces import Recorded

__all__ = [
    "ClockBar",
    "Visit",
    "clock_bar",
    "dom_id",
    "link_to_message",
    "link_to_phone",
    "one_line",
    "page",
    "pill",
    "words_of_message",
]

_PACKAGE: Final = "simulator.server.inspector"
_SECTIONS: Final = (
    ("messages", "Messages"),
    ("phones", "Phones"),
    ("webhooks", "Webhooks"),
    ("scenario", "Scenario"),
    ("run", "Run"),
    ("spaces", "Spaces"),
)


class _Nothing:
    """
    Withholds nothing: who may look at these pages may ask the control API, which says the same.
    """

    def body(self, text: str) -> str:
        """Return *text* as it is."""
        return text


class Visit(NamedTuple):
    """
    What a page is asked.
    """

    controller: Controller
    space: Space
    rest: str
    """What stands behind the page's name in the path."""
    query: Mapping[str, str]
    root: str
    """The way from the page back to where the server's paths begin, such as `../../`."""
    base_url: str


class ClockBar(NamedTuple):
    """
    The clock of a space as every page shows it.
    """

    mode: str
    words: str
    live: bool
    rate: int
    now: str
    date: str
    offset: str
    unix_ms: int
    next_what: str
    next_in: str
    next_at: str
    next_more: int
    next_href: str
    busy: str
    """What an advance under way waits for; empty: none is under way."""


class RecordBar(NamedTuple):
    """
    Where a recorded run stands.
    """

    moment: int
    last: int
    before: int
    after: int
    note: str
    forkable: bool


class Section(NamedTuple):
    """
    One of the pages in the navigation.
    """

    name: str
    title: str
    href: str
    here: bool


class Pill(NamedTuple):
    """
    A word with a colour of its own.
    """

    css: str
    word: str


def clock_bar(visit: Visit) -> ClockBar:
    """Return how the clock of a space stands, and what is due next."""
    space = visit.space
    simulation, driver = space.simulation, space.driver
    now_ms = simulation.clock.now_ms
    date, _, time = instant(simulation, now_ms).removesuffix("Z").partition("T")
    due, more = next_due(simulation) or (None, 0)
    return ClockBar(
        mode=driver.mode.value,
        words=clock_words(driver.mode, driver.rate),
        live=driver.mode is ClockMode.LIVE,
        rate=driver.rate,
        now=time,
        date=date,
        offset=format_offset(now_ms),
        unix_ms=simulation.clock.unix_ms(now_ms),
        next_what=due.line() if due is not None else "",
        next_in=span(max(0, due.at_ms - now_ms)) if due is not None else "",
        next_at=format_offset(due.at_ms) if due is not None else "",
        next_more=more,
        next_href=link_to_message(visit, due.key) if due is not None and due.key is not None else "",
        busy=_busy(space) if driver.advancing else "",
    )


def _busy(space: Space) -> str:
    """Return what an advance under way waits for."""
    webhooks, calls = space.simulation.outbox.in_flight, space.driver.calls_in_flight
    flying = f"{count(webhooks, 'webhook')} and {count(calls, 'call')} in flight"
    slow = space.driver.waited_for
    return f"draining: {flying}" + (f"; waits for {', '.join(slow)}" if slow else "")


def page(template: str, visit: Visit, section: str, title: str, **data: object) -> str:
    """Return the page that *template* makes of *data*."""
    sections = [
        Section(name, words, f"{visit.root}_ui/{visit.space.name}/{name}", name == section)
        for name, words in _SECTIONS
    ]
    recorded = visit.controller.registry.recordings.get(visit.space.name)
    return render(
        template,
        _Nothing(),
        package=_PACKAGE,
        title=title,
        root=visit.root,
        space=visit.space.name,
        seed=visit.space.seed,
        sections=sections,
        spaces=_space_names(visit),
        section=section,
        clock=clock_bar(visit),
        version=__version__,
        read_only=recorded is not None,
        record=_record_bar(recorded) if recorded is not None else None,
        **data,
    )


def _record_bar(recorded: Recorded) -> RecordBar:
    moment, last = recorded.moment, len(recorded.moments) - 1
    return RecordBar(
        moment=moment,
        last=last,
        before=max(0, moment - 1),
        after=min(last, moment + 1),
        note=recorded.note,
        forkable=recorded.forkable,
    )


def _space_names(visit: Visit) -> Sequence[str]:
    registry = visit.controller.registry
    names = [*registry.recordings, *(space.name for space in registry.all()[:200])]
    # A journal has spaces of names that the server's own have as well.
    return list(dict.fromkeys([*names, visit.space.name]))


def link_to_message(visit: Visit, key: MessageKey) -> str:
    """Return where the page of a message is."""
    return f"{visit.root}_ui/{visit.space.name}/message/{quote(_name(key), safe=':+')}"


def link_to_phone(visit: Visit, address: str) -> str:
    """Return where the page of a phone is."""
    return f"{visit.root}_ui/{visit.space.name}/phone/{quote(address, safe='+')}"


def _name(key: MessageKey) -> str:
    return f"{key.provider}:{key.recipient}:{key.ordinal}"


def dom_id(key: MessageKey) -> str:
    """Return a name for a message within a page."""
    return f"m-{quote(_name(key), safe='')}"


def one_line(text: str, limit: int) -> str:
    """Return the beginning of a text on one line, with a sign for each end of a line."""
    return cut(text[: limit + 1].replace("\r\n", "\n").replace("\n", " ⏎ "), limit)


def words_of_message(visit: Visit, submitted: Message | Refused) -> str:
    """Return the text of a message, or what stands for one that has none."""
    if submitted.submission.text:
        return submitted.submission.text
    bubble = visit.controller.providers[submitted.key.provider].show(submitted.submission)
    parts = [
        *(picture.name or picture.kind for picture in bubble.pictures),
        *(card.title or card.text for card in bubble.cards),
        *(f"[{suggestion.label}]" for suggestion in bubble.suggestions),
    ]
    return " ".join(part for part in parts if part)


def pill(state: State) -> Pill:
    """Return a message's state with the colour it has on all pages."""
    return Pill(state.value if state in TERMINAL or state is State.WAITING else "open", state.value)
