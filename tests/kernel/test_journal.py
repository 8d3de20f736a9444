"""
The journal keeps every fact in order, forgets the oldest and says so, and reads like a story.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.explain.narrative import narrative
from simulator.kernel.model.lifecycle import Move, State
from simulator.kernel.model.message import Rung
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.facts import (
    Accepted,
    ActImpossible,
    Held,
    Lapsed,
    Moved,
    Note,
    Scope,
    SendRefused,
)
from simulator.kernel.store.journal import Entry, Journal, replay

KEY = MessageKey("pigeon", "+905550000001", 1)


def journal(count: int, limit: int = 250_000) -> Journal:
    """
    Return a journal in which so many notes were made.
    """
    notes = Journal(limit)
    for number in range(1, count + 1):
        notes.add(number, Note(f"note {number}"))
    return notes


def test_entry_has_the_golden_line() -> None:
    """
    Time, subject, fact and cause, as the documentation shows it.
    """
    notes = Journal()
    notes.add(2_300, Moved(State.DELIVERED, Rung.RULE, "default"), key=KEY)
    (entry,) = notes

    assert narrative(entry) == '+00:00:02.300 pigeon +905550000001 #1 delivered (rule "default")'


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (Entry(1, 0, Note("")), "+00:00:00.000 note"),
        (
            Entry(1, 5, Held(), provider="pigeon"),
            "+00:00:00.005 pigeon webhooks are held back",
        ),
        (
            Entry(1, 90_061_001, ActImpossible("writes", "no", "reply"), recipient="+1"),
            "+1d 01:01:01.001 +1 writes was not possible: no (reply)",
        ),
        (
            Entry(1, 0, Moved(State.FAILED, Rung.DEFAULT, code="HAWK"), key=KEY),
            "+00:00:00.000 pigeon +905550000001 #1 failed [HAWK] (default)",
        ),
    ],
)
def test_line_leaves_out_what_does_not_apply(entry: Entry, line: str) -> None:
    """
    No empty brackets, no double spaces.
    """
    assert narrative(entry) == line


def test_control_characters_never_reach_a_terminal() -> None:
    """
    Escape sequences, line breaks and lone surrogates from outside are printed as escapes.
    """
    key = MessageKey("pigeon", "+1\x1b[2J", 1)

    line = narrative(Entry(1, 0, Note("a\nb\u202e\ud800"), key))

    assert line == "+00:00:00.000 pigeon +1\\u001b[2J #1 a\\u000ab\\u202e\\ud800"


@given(st.text())
def test_any_text_is_one_printable_line(text: str) -> None:
    """
    Whatever comes from outside, the line prints as one line.
    """
    entry = Entry(1, 0, SendRefused(Scope.RECIPIENT, text, Rung.RULE, text, text), recipient=text)

    line = narrative(entry)

    assert line.isprintable()
    assert line.encode().decode() == line


def test_oldest_entries_give_way_and_are_counted() -> None:
    """
    Past its limit the journal forgets from the front, and the numbers go on.
    """
    notes = journal(5, limit=3)

    assert ([entry.seq for entry in notes], len(notes), notes.dropped, notes.seq) == ([3, 4, 5], 3, 2, 5)


@given(st.integers(0, 12), st.integers(1, 8), st.integers(-2, 15), st.integers(0, 15))
def test_after_gives_what_is_later_and_still_there(count: int, limit: int, seq: int, most: int) -> None:
    """
    Reading on from a number gives every kept entry later than it, oldest first, up to the limit.
    """
    notes = journal(count, limit)

    found = notes.after(seq, most)

    assert found == [entry for entry in notes if entry.seq > seq][:most]


@given(st.integers(0, 12), st.integers(1, 8), st.integers(1, 4))
def test_reader_who_goes_on_misses_only_what_was_dropped(count: int, limit: int, page: int) -> None:
    """
    Page after page, each kept entry is read once.
    """
    notes = journal(count, limit)

    read: list[int] = []
    while found := notes.after(read[-1] if read else 0, page):
        read += [entry.seq for entry in found]

    assert read == [entry.seq for entry in notes]


def test_reading_changes_nothing() -> None:
    """
    Looking at the journal leaves no trace in it.
    """
    notes = journal(3)

    before = list(notes)
    notes.after(1)
    replay(notes)

    assert list(notes) == before


def test_replay_tells_the_last_state_of_each_message() -> None:
    """
    States are told from entries alone; facts that are no states do not count.
    """
    other = MessageKey("pigeon", "+2", 1)
    notes = Journal()
    notes.add(0, Accepted(State.ACCEPTED, Rung.DEFAULT), key=KEY)
    notes.add(0, Accepted(State.ACCEPTED, Rung.DEFAULT), key=other)
    notes.add(1, Moved(State.DELIVERED, Rung.DEFAULT), key=KEY)
    notes.add(2, Lapsed(Move.EXPIRE, State.DELIVERED), key=KEY)
    notes.add(3, SendRefused(Scope.RECIPIENT, "HAWK", Rung.RULE), key=MessageKey("pigeon", "+3", 1))

    assert replay(notes) == {KEY: State.DELIVERED, other: State.ACCEPTED}


def test_machine_time_stands_beside_and_is_not_told() -> None:
    """
    The machine's own time is recorded for the reader and never part of the story.
    """
    notes = Journal(wall=lambda: 1_234)

    notes.add(0, Note("x"))

    (entry,) = notes
    assert (entry.wall_unix_ms, narrative(entry)) == (1_234, "+00:00:00.000 x")


@given(
    count=st.integers(0, 60),
    limit=st.integers(1, 50),
    seq=st.integers(0, 70),
    most=st.integers(0, 60),
)
def test_entries_after_a_number__are_the_oldest_later_ones(
    count: int, limit: int, seq: int, most: int
) -> None:
    """
    From whichever end they are looked up, it is the entries later than the number, the oldest first.
    """
    notes = journal(count, limit)

    found = notes.after(seq, most)

    assert found == [entry for entry in notes if entry.seq > seq][:most]


@pytest.mark.parametrize("limit", [100, 256, 700, 5_000])
def test_entries_are_what_was_entered__however_many_there_are(limit: int) -> None:
    """
    Whatever an entry is about, and however long ago it was made, it reads as it was written.
    """
    notes = Journal(limit, wall=lambda: 1_700_000_000_000)
    other = MessageKey("owl", "+1", 2)
    subjects: list[dict[str, object]] = [
        {},
        {"key": KEY},
        {"key": KEY, "ref": "m1"},
        {"key": KEY, "ref": "w1", "provider": KEY.provider, "recipient": KEY.recipient},
        {"key": other, "provider": "pigeon", "recipient": "+2"},
        {"provider": "owl"},
        {"recipient": "+3*"},
    ]
    entered = []
    for number in range(1, 2_000):
        fact, subject = Note(f"note {number}"), subjects[number % len(subjects)]
        notes.add(number * 1_000, fact, **subject)  # type: ignore[arg-type]
        entered.append(Entry(number, number * 1_000, fact, wall_unix_ms=1_700_000_000_000, **subject))  # type: ignore[arg-type]

    assert list(notes) == entered[-limit:]
    assert (len(notes), notes.dropped) == (min(limit, 1_999), max(0, 1_999 - limit))
    assert notes.after(1_990) == entered[1_990:]
    assert notes.after(1_000, 5) == (entered[max(1_000, 1_999 - limit) :])[:5]


def test_earlier_journal_is_held_whole_and_as_it_was() -> None:
    """
    Entries of an earlier journal keep their numbers, gaps and all, even where they are more than the limit.
    """
    entries = [Entry(number, number, Note("x"), key=KEY) for number in range(11, 900) if number != 300]
    notes = Journal(limit=50)

    for entry in entries:
        notes.keep(entry)

    assert list(notes) == entries
    assert (notes.dropped, notes.seq) == (10, 899)


def test_journal_that_stands_still_does_not_grow() -> None:
    """
    A copy stays as it was while the journal goes on and its oldest entries give way.
    """
    notes = journal(600, limit=400)
    entries = list(notes)

    still = notes.still()
    for number in range(1_000):
        notes.add(number, Note("more"))

    assert list(still) == entries
