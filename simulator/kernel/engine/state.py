"""
The state of one space's simulation: a plain record, changed by the functions of this room alone.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.kernel.engine.account import Account, Hooks
from simulator.kernel.engine.rule_index import RuleIndex
from simulator.kernel.engine.steps import TimelineStep
from simulator.kernel.engine.throttle import Bucket
from simulator.kernel.model.chance import Chance
from simulator.kernel.model.clock import Clock
from simulator.kernel.model.moulds import Moulds
from simulator.kernel.model.people import People
from simulator.kernel.model.recipient import Directory
from simulator.kernel.model.ruling import Rulings
from simulator.kernel.model.scenario import Scenario
from simulator.kernel.model.shard import Shard
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.agenda import Agenda
from simulator.kernel.store.journal import Journal
from simulator.kernel.store.messages import MessageStore
from simulator.kernel.store.waiting import WaitingRoom
from simulator.kernel.webhooks.outbox import Outbox

__all__ = ["SimulationState"]


class SimulationState:
    """
    Everything that one simulation knows.
    """

    __slots__ = (
        "accounts",
        "agenda",
        "applied",
        "buckets",
        "chance",
        "clock",
        "configured",
        "directory",
        "hooks",
        "impossible_acts",
        "journal",
        "moulds",
        "numbering",
        "outbox",
        "people",
        "rules",
        "rulings",
        "scenario",
        "scenario_seq",
        "scenario_start_ms",
        "server_turned",
        "servers_down",
        "servers_up_at_ms",
        "shard",
        "steps_done",
        "store",
        "suspended",
        "timeline",
        "waiting",
    )

    def __init__(self, *, seed: int, clock: Clock, journal: Journal, messages_max: int) -> None:
        self.clock = clock
        self.chance = Chance(seed)
        self.journal = journal
        self.agenda = Agenda()
        self.directory = Directory()
        self.store = MessageStore(messages_max)
        self.accounts: dict[str, Account] = {}
        self.hooks: dict[str, Hooks] = {}
        """What accounts do beyond what all must, by provider."""
        self.outbox = Outbox(self.agenda, journal, self.chance, self.accounts, messages_max)
        self.waiting = WaitingRoom()
        self.numbering = self.store.numbering
        self.scenario = Scenario()
        self.rules = RuleIndex()
        self.moulds = Moulds()
        self.rulings = Rulings()
        self.applied: dict[str, int] = {}
        """How often each rule in force has applied, by name; those that never did are not there."""
        self.buckets: dict[str, Bucket] = {}
        """The throttles in use, by rule."""
        self.scenario_start_ms = 0
        self.scenario_seq = 0
        """Number of the journal's entry about the scenario in force."""
        self.timeline: list[tuple[int, TimelineStep]] = []
        self.people = People((), self.chance)
        self.impossible_acts: list[str] = []
        """What the scenario wanted recipients to do and they could not; the first few."""
        self.steps_done = 0
        """How many steps have fallen due so far; with the clock, it tells a moment from all others."""
        self.servers_down: dict[str, None] = {}
        """The providers on whose own ports nobody listens for now."""
        self.servers_up_at_ms = 0
        """When the last of those ports that were closed was opened again; 0: none was."""
        self.suspended: set[MessageKey] = set()
        """Scheduled messages whose sending is off the agenda until they are rescheduled."""
        self.server_turned: Callable[[str, bool], None] = lambda _provider, _up: None
        """Called with a provider when its own port is to close (False) or to open (True)."""
        self.shard: Shard | None = None
        """Which arrivals of the timeline are this simulation's; None: all."""
        self.configured: Callable[[], None] = lambda: None
        """Called when settings of an account have changed."""
