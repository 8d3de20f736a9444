"""
What one worker keeps of a storm: counts of everything, the messages themselves only while they are under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter_ns
from typing import Final, NamedTuple

from simulator.evidence.scorecard import order_violations
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.fates import drawn
from simulator.kernel.model.lifecycle import TERMINAL, State
from simulator.kernel.model.message import Message
from simulator.kernel.model.scenario import ClockMode
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.facts import Accepted, Attempted
from simulator.kernel.store.journal import Entry
from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookRequest
from simulator.load.measures import Measures
from simulator.load.outages import Outages
from simulator.provider import Answer, Call, Fetched
from simulator.provider.account import Forgets
from simulator.run.judged import Judged
from simulator.runtime.space import Space

__all__ = ["Keeper", "Kept", "Limits"]

_AT_A_TIME: Final = 16
"""After so many new messages the old ones are looked at, so that a look seldom finds none that is over."""
_PER_ACCEPTED: Final = 8
"""How many old ones are let go of at most for each new one."""
_UNNAMED_MAX: Final = 2_000


class Limits(NamedTuple):
    """
    How many messages are kept as examples, after they are over.
    """

    usual: int = 1_000
    unusual: int = 1_000
    """Those that did not arrive, or had to be told again; so many of each thing that is held against any."""


class Kept(NamedTuple):
    """
    A message that is over, and all there is about it.
    """

    message: Message
    webhooks: list[Webhook]
    entries: list[Entry]


class Keeper:
    """
    Counts each message when nothing can happen to it any more, and lets go of it but for some examples.

    It is a tap: told of every attempt, it measures those, too.
    """

    def __init__(
        self,
        space: Space,
        judged: Judged,
        limits: Limits = Limits(),
        *,
        claims: Callable[[Message], bool] = lambda _: False,
        recipients: Iterable[str] = (),
        once: bool = True,
    ) -> None:
        self.judged = judged
        self.measures = Measures()
        self.outages = Outages()
        self.journalled = 0
        """How many attempts the journal has told of."""
        self.order_violations = 0
        self.kept: list[Kept] = []
        self.unnamed: list[Entry] = []
        """Entries about no message: holds, releases, a change of the clock."""
        self.unmet = set(recipients)
        """Recipients of the scenario, and prefixes of theirs, to whom nothing has come."""
        self._space = space
        self._limits = limits
        self._claims = claims
        self._claimed: set[MessageKey] = set()
        """Messages that the integrator is going to be asked about, so they stay."""
        self._once = once
        space.simulation.state.numbering.remembers = not once
        self._accepted = 0
        self._usual = 0
        self._unusual = 0
        self._about: dict[MessageKey, list[Webhook]] = {}
        self._entries: dict[MessageKey, list[Entry]] = {}
        self._late_us: dict[str, int] = {}
        self._started_ns = perf_counter_ns()
        self._forgets = {
            name: account.forget
            for name, account in space.simulation.accounts.items()
            if isinstance(account, Forgets)
        }
        self._live = False
        space.tap = self
        space.simulation.outbox.tended = self._tend
        space.simulation.journal.tell = self._hear
        # What is told of messages that are still there is kept with them.
        space.simulation.journal.limit = _UNNAMED_MAX

    @property
    def _simulation(self) -> Simulation:
        return self._space.simulation

    def start(self) -> None:
        """Count real time from now; only on a live clock anything is late."""
        self._live = self._space.driver.mode is ClockMode.LIVE
        self._started_ns = perf_counter_ns()

    # -- the tap --------------------------------------------------------------------------------

    def attempting(self, webhook: Webhook, number: int, request: WebhookRequest | None) -> None:
        """Measure how late an attempt begins."""
        late_us = self._space.driver.late_real_us(webhook.due_ms)
        self._late_us[webhook.id] = late_us
        at_us = (perf_counter_ns() - self._started_ns) // 1_000
        self.measures.begin(webhook.due_ms, late_us if self._live else None, at_us, first=number == 1)
        if number == 1:
            self.measures.stamp(webhook, request)

    def attempted(self, webhook: Webhook, attempt: Attempt) -> None:
        """Measure how an attempt ended."""
        self.measures.end(self._late_us.pop(webhook.id, 0), attempt, timed=self._live)
        self.outages.take(webhook, attempt)

    def called(self, call: Call, *, admitted: bool) -> None:
        """Take no note of calls: there are none."""

    def answered(self, call: Call, answer: Answer | None) -> None:
        """Take no note of calls."""

    def commanded(self, method: str, path: str, content_type: str, body: bytes, base_url: str) -> None:
        """Take no note of commands."""

    def fetched(self, number: int, fetched: Fetched) -> None:
        """Take no note of what providers ask for themselves."""

    # -- what is let go of ----------------------------------------------------------------------

    def _tend(self, webhook: Webhook) -> None:
        key = webhook.reports[0].key
        if key is not None:
            self._about.setdefault(key, []).append(webhook)

    def _hear(self, entry: Entry) -> None:
        if isinstance(entry.fact, Attempted):
            self.journalled += 1
        elif self.unmet:
            self._meet(entry.key.recipient if entry.key is not None else entry.recipient)
        if entry.key is None:
            if len(self.unnamed) < _UNNAMED_MAX:
                self.unnamed.append(entry)
            return
        self._entries.setdefault(entry.key, []).append(entry)
        if isinstance(entry.fact, Accepted):
            if self._claims(self._simulation.messages[entry.key]):
                self._claimed.add(entry.key)
            self._accepted += 1
            if self._accepted % _AT_A_TIME == 0:
                self._let_go(_PER_ACCEPTED * _AT_A_TIME)

    def _meet(self, recipient: str) -> None:
        self.unmet.discard(recipient)
        self.unmet -= {p for p in self.unmet if p.endswith("*") and recipient.startswith(p[:-1])}

    def _let_go(self, most: int) -> None:
        store = self._simulation.state.store
        for _ in range(most):
            message = store.take_old(self._over)
            if message is None:
                return
            webhooks = self._about.pop(message.key, [])
            for webhook in webhooks:
                self._simulation.outbox.forget(webhook)
            entries = self._entries.pop(message.key, [])
            if self._count(message, webhooks):
                self.kept.append(Kept(message, webhooks, entries))
            forget = self._forgets.get(message.key.provider)
            if forget is not None:
                forget(message)
            if self._once:
                self._forget(message.key)

    def _forget(self, key: MessageKey) -> None:
        numbering = self._simulation.state.numbering
        numbering.forget(key.provider, f"({key.recipient} acts)")
        numbering.forget(key.provider, f"({key.recipient} events)")

    def _count(self, message: Message, webhooks: list[Webhook]) -> bool:
        """Count a message with its webhooks; return whether it is kept as an example."""
        blamed = self.judged.take(message, webhooks, self._simulation, self._space.driver.rate)
        self.order_violations += order_violations(each for each in webhooks if not each.intended)
        retried = any(len(webhook.attempts) > 1 for webhook in webhooks)
        if retried or message.state not in (State.DELIVERED, State.READ):
            self._unusual += 1
            return blamed or self._unusual <= self._limits.unusual
        self._usual += 1
        return blamed or self._usual <= self._limits.usual

    def _over(self, key: MessageKey) -> bool:
        """Return True when nothing can happen to a message any more, and nobody asks about it."""
        simulation = self._simulation
        message = simulation.messages[key]
        if message.state not in TERMINAL or message.unanswered or simulation.outbox.awaits_truth(key):
            return False
        if any(webhook.pending for webhook in self._about.get(key, ())) or key in self._claimed:
            return False
        faults, fate = message.faults, message.fate
        if faults is not None and faults.contradict is not None:
            return False
        if (message.state is not State.DELIVERED or fate.read is None) and not fate.replies:
            return True
        draws = simulation.chance.of(*key)
        unread = message.state is State.DELIVERED and fate.read is not None
        if unread and draws.hits("read.share", fate.read_share_bp):
            return False
        waits = (drawn(reply.after, draws, "reply.after", n) for n, reply in enumerate(fate.replies))
        return simulation.clock.now_ms > message.changed_ms + max(waits, default=-1)

    def finish(self) -> None:
        """Count what is left, as it is now; examples are kept of it, too."""
        simulation = self._simulation
        for message in list(simulation.messages.values()):
            webhooks = self._about.pop(message.key, [])
            entries = self._entries.pop(message.key, [])
            if self._count(message, webhooks):
                self.kept.append(Kept(message, webhooks, entries))
        about_none = [w for w in simulation.outbox.webhooks.values() if w.reports[0].key is None]
        orphans = [webhook for webhooks in self._about.values() for webhook in webhooks]
        self.judged.take(None, about_none + orphans, simulation, self._space.driver.rate)
