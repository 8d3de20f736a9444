"""
The limits that docs/limits.md states hold, whatever is sent; counted, not timed.
"""

from __future__ import annotations

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.arrivals import Constant
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.scenario import Storm, TimelineItem
from simulator.kernel.model.units import ConstantDelay, Rate
from simulator.kernel.store.facts import EntryKind
from simulator.kernel.webhooks.webhook import WebhookState
from simulator.provider import open_gateway
from toys.bench import LOFT, Bench, scenario
from toys.pigeon import PROVIDER, pigeon

SOON = ((10_000, Fate(after=ConstantDelay(1_000), progress=())),)


class Counting(Bench):
    """
    A bench with small limits that watches how large everything ever was.
    """

    def __init__(self, *, messages: int, webhooks: int, entries: int) -> None:
        super().__init__()
        self.simulation = Simulation(seed=7, messages_max=messages)
        self.simulation.journal.limit = entries
        self.simulation.outbox.limit = webhooks
        self.account = open_gateway(PROVIDER, self.simulation).account
        self.account.configure({"webhook": {"url": LOFT}})
        self.largest = {"messages": 0, "webhooks": 0, "entries": 0, "agenda": 0}
        self.after_instant = self._watch

    def _watch(self) -> None:
        simulation = self.simulation
        sizes = {
            "messages": len(simulation.messages),
            "webhooks": len(simulation.outbox.webhooks),
            "entries": len(simulation.journal),
            "agenda": len(simulation.agenda),
        }
        self.largest = {name: max(size, self.largest[name]) for name, size in sizes.items()}


def storm(messages: int, rate: Rate) -> TimelineItem:
    """
    Return a storm from the start.
    """
    what = Storm(provider="pigeon", messages=messages, arrivals=Constant(rate), recipient="+9055", mix=SOON)
    return TimelineItem(at_ms=0, storm=what, provider="pigeon")


def test_hundred_thousand_messages_in_one_run_stay_within_the_limits() -> None:
    """
    All arrive, all are reported, and nothing that is kept outgrows its limit, nor the agenda the traffic.
    """
    bench = Counting(messages=20_000, webhooks=20_000, entries=50_000)
    bench.simulation.load(scenario(timeline=(storm(100_000, Rate(5, 1)),)))

    bench.settle()

    counts = (len(bench.received), bench.simulation.journal.seq - bench.simulation.journal.dropped)
    assert counts == (100_000, 50_000)
    # One second of the storm is on its way at any time: a step for each message or its webhook.
    assert bench.largest["agenda"] <= 5_100
    assert {name: size for name, size in bench.largest.items() if name != "agenda"} == {
        "messages": 20_000,
        "webhooks": 20_000,
        "entries": 50_000,
    }
    assert {m.state for m in bench.simulation.messages.values()} == {State.DELIVERED}
    assert bench.simulation.settled


def test_what_is_not_over_is_never_forgotten() -> None:
    """
    Finished messages and settled webhooks give way first; those on their way stay, beyond the limit.
    """
    bench = Counting(messages=10, webhooks=10, entries=1_000)
    bench.recipient("+1*").go_offline()

    waiting = [bench.submit(pigeon(to=f"+1555000{number:04d}")) for number in range(30)]
    for number in range(30):
        bench.submit(pigeon(to=f"+9055000{number:04d}"))
        bench.advance("10s")

    kept = bench.simulation.messages
    finished = [key for key in kept if key.recipient.startswith("+9055")]
    assert [message.key in kept for message in waiting] == [True] * 30
    # A few are looked at for each new one, so what may go is gone a little later.
    assert len(finished) < 20
    assert finished == [key for key in finished if key.recipient >= "+90550000010"]


def test_what_piled_up_goes_when_it_is_over() -> None:
    """
    Messages beyond the limit, kept because they waited, give way to later ones once they have an end.
    """
    bench = Counting(messages=10, webhooks=10, entries=1_000)
    bench.recipient("+1*").go_offline()
    for number in range(50):
        bench.submit(pigeon(to=f"+1555000{number:04d}"))
    bench.recipient("+1*").come_back()
    bench.settle()

    for number in range(50):
        bench.submit(pigeon(to=f"+9055000{number:04d}"))
        bench.advance("10s")

    assert len(bench.simulation.messages) == 10


def test_webhooks_that_are_owed_are_never_forgotten() -> None:
    """
    While the receiver is down every webhook stays, beyond the limit, and is paid in the end.
    """
    bench = Counting(messages=1_000, webhooks=10, entries=1_000)
    bench.refuse_webhooks()
    for number in range(50):
        bench.submit(pigeon(to=f"+9055000{number:04d}"))
    bench.advance("30s")
    owed = len(bench.simulation.outbox.webhooks)

    bench.accept_webhooks()
    bench.settle()

    assert owed == 50
    taken = [r for r in bench.received if r.status == 200]
    assert len(taken) == 50
    assert {w.state for w in bench.webhooks()} == {WebhookState.ACKNOWLEDGED}


def test_journal_says_how_much_it_forgot() -> None:
    """
    The oldest entries give way, in order, and are counted.
    """
    bench = Counting(messages=1_000, webhooks=1_000, entries=100)

    bench.simulation.load(scenario(timeline=(storm(200, Rate(1, 1)),)))
    bench.settle()

    journal = bench.simulation.journal
    assert len(journal) == 100
    assert [entry.seq for entry in journal] == list(range(journal.dropped + 1, journal.seq + 1))
    assert next(iter(journal)).kind is not EntryKind.SCENARIO
