"""
The overview counts everything there is, whatever the journal has forgotten, each kind in its own colour.
"""

from __future__ import annotations

import re
from collections import Counter

from evidence.loft import Loft
from simulator.evidence.axis import Axis
from simulator.evidence.html import html
from simulator.evidence.overview import Chart, overview
from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.lifecycle import Move
from simulator.kernel.model.message import Message
from simulator.kernel.model.rules import AnswerFault, Drop, Match
from simulator.kernel.model.units import ConstantDelay
from toys.bench import rule
from toys.pigeon import pigeon

SOON = Fate(after=ConstantDelay(1_000), progress=())
READ = Fate(after=ConstantDelay(1_000), progress=(), read=ConstantDelay(60_000))
FAIL = Fate(ending=Ending.FAIL, after=ConstantDelay(1_000), progress=())
EXPIRE = Fate(ending=Ending.EXPIRE, progress=())


def charts(loft: Loft) -> dict[str, Chart]:
    """
    Return the charts of the overview by what they show.
    """
    axis = Axis([0, loft.simulation.clock.now_ms])
    return {chart.label: chart for chart in overview(loft.simulation, axis)}


def counted(chart: Chart) -> dict[tuple[str, str], int]:
    """
    Return how many a chart shows, by colour and by what they are.
    """
    amounts: Counter[tuple[str, str]] = Counter()
    for bar in chart.bars:
        amounts[bar.css, bar.what] += bar.amount
    return dict(amounts)


def places(chart: Chart, css: str) -> list[str]:
    """
    Return where the bars of a colour stand.
    """
    return [bar.x for bar in chart.bars if bar.css == css]


def many(journal_limit: int) -> Loft:
    """
    Return a loft with a journal of that size and a hundred calls: arrivals, endings of all kinds, refusals.
    """
    loft = Loft(
        rule("failing", when=Match(recipient=("+9051*",)), fate=FAIL),
        rule("expiring", when=Match(recipient=("+9052*",)), fate=EXPIRE),
        rule("read", when=Match(recipient=("+9053*",)), fate=READ),
        rule("soon", fate=SOON),
    )
    loft.simulation.journal.limit = journal_limit
    for number in range(100):
        loft.send(
            *(pigeon(to=f"+905{kind}0000{number:03d}", validity_ms=300_000) for kind in range(4)),
            pigeon(to=f"+9054000{number:03d}", refusal="NO_LOFT"),
        )
        loft.advance("1s")
    revoked = loft.send(pigeon(to="+905000000999"))[0]
    assert isinstance(revoked, Message)
    loft.simulation.move(revoked, Move.REVOKE)
    loft.settle()
    return loft


def test_overview_counts_what_the_journal_has_forgotten() -> None:
    """
    Messages, refusals and attempts are all there, though only the journal's last entries are.
    """
    loft = many(journal_limit=50)

    shown = {label: counted(chart) for label, chart in charts(loft).items()}

    attempts = sum(len(webhook.attempts) for webhook in loft.webhooks)
    assert loft.simulation.journal.dropped > 1_000
    assert shown == {
        "sent": {("c-blue", "sent"): 401},
        "refused": {("c-ink", "refused"): 100},
        "arrived, or not": {
            ("c-ok", "arrived"): 200,
            ("c-bad", "failed"): 100,
            ("c-late", "expired"): 100,
            ("c-grey", "revoked"): 1,
        },
        "attempts, failed below": {("c-ok", "acknowledged"): attempts},
    }


def test_overview_agrees_with_the_header_and_the_groups() -> None:
    """
    Sent is what the header says, and every message is in a group and has arrived or not.
    """
    loft = many(journal_limit=50)

    document = html(loft.result())

    numbers = dict(
        re.findall(r'<span class="who">([a-z, ]+)</span>.*?<span class="what num">([^<]*)', document)
    )
    grouped = sum(
        int(said.rpartition(" of ")[2].replace(",", ""))
        for said in re.findall(r"<h3>.*? <small>(.*?)</small></h3>", document)
    )
    assert "401 messages" in document
    assert (numbers["sent"], numbers["arrived, or not"], grouped) == ("401", "200 / 201", 401)


def test_messages_that_were_read_stand_where_they_arrived() -> None:
    """
    Reading comes later than arriving; the journal says when that was, while it can.
    """
    charted = []
    for journal_limit in (250_000, 1):
        loft = Loft(rule("read", fate=READ))
        loft.simulation.journal.limit = journal_limit
        loft.send(pigeon(to="+905550000001"))
        loft.settle()
        charted.append(places(charts(loft)["arrived, or not"], "c-ok"))

    assert charted == [["0.83%"], ["99.17%"]]


def test_outage_of_the_provider_is_seen_when_it_was() -> None:
    """
    Calls that were refused or cut off have a lane of their own, with bars at their instants.
    """
    answers = (AnswerFault(refuse="DOWN"), AnswerFault(drop=Drop.BEFORE))
    loft = Loft(
        *(
            rule(str(n), when=Match(during=(40_000, 60_000), recipient=(f"+9055500000{n}*",)), answer=answer)
            for n, answer in enumerate(answers)
        ),
        rule("soon", fate=SOON),
    )
    for second in range(100):
        loft.send(pigeon(to=f"+9055500000{second % 2}{second:02d}"))
        loft.advance("1s")

    chart = charts(loft)["refused"]

    bars = [float(place.rstrip("%")) for place in places(chart, "c-ink")]
    assert counted(chart) == {("c-ink", "refused"): 20}
    assert (min(bars), max(bars)) == (40.0, 58.33)


def test_without_refusals_there_is_no_lane_for_them() -> None:
    """
    A run in which all went through does not show an empty lane.
    """
    loft = Loft(rule("soon", fate=SOON))
    loft.send(pigeon(to="+905550000001"))
    loft.settle()

    assert list(charts(loft)) == ["sent", "arrived, or not", "attempts, failed below"]


def test_what_has_a_colour_in_the_overview_has_it_in_the_legend() -> None:
    """
    One colour, one meaning: the shape of the same name in the legend has the same colour.
    """
    document = html(many(journal_limit=250_000).result())

    legend = set(re.findall(r'<use href="#(\w+)" x="9" y="7"/>', document))
    shapes = re.findall(r'<(?:path|circle|rect) id="(\w+)" class="[cl]-(\w+)"', document)
    charted = re.findall(r'class="c-(\w+)" [^>]*><title>[\d,]+ (\w+)<', document)
    explained = {(name, colour) for name, colour in shapes if name in legend}
    named = {(what, colour) for colour, what in charted if what not in ("sent", "arrived", "acknowledged")}
    assert named == {("failed", "bad"), ("expired", "late"), ("revoked", "grey"), ("refused", "ink")}
    assert named <= explained
