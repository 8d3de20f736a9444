"""
A space with pigeons, driven without sockets: the same latencies each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from simulator.evidence.result import Check, RunResult
from simulator.evidence.scorecard import scorecard
from simulator.kernel.model.message import Message, Refused
from simulator.kernel.model.rules import Rule
from simulator.kernel.model.submission import Submission
from simulator.kernel.model.units import parse_duration
from simulator.kernel.store.facts import Called
from simulator.kernel.webhooks.webhook import Attempt, Webhook
from simulator.runtime.space import Exchange, Space
from simulator.runtime.transport.seam import Transport
from toys.bench import LOFT, scenario
from toys.pigeon import PROVIDER

__all__ = ["Loft"]

_INSTANTS_MAX = 100_000


def _no_client() -> Transport:
    raise AssertionError("nothing is to be dialled here")


class Loft:
    """
    A space, and an integrator that answers as it is told.
    """

    def __init__(self, *rules: Rule, seed: int = 7, **rest: object) -> None:
        self.space = Space("loft", {"pigeon": PROVIDER}, _no_client, seed=seed)
        self.simulation = self.space.simulation
        self.space.configure("pigeon", {"webhook": {"url": LOFT}})
        self.simulation.load(scenario(*rules, **rest))
        self.answers: Callable[[Webhook], int] = lambda webhook: 200
        self.excerpt = "thanks"
        self._attempts = 0

    def send(self, *submissions: Submission) -> list[Message | Refused]:
        """Make one call that submits these, as the server would."""
        outcomes = self.simulation.submit(submissions).outcomes
        now_ms = self.simulation.clock.now_ms
        self.simulation.journal.add(now_ms, Called("POST", "/release", 207), provider="pigeon")
        body = "".join(f"COO|{s.recipient}|{s.text}\n" for s in submissions).encode("utf-8", "replace")
        self.space.exchanges.append(Exchange(now_ms, "pigeon", "POST", "/release", 207, body, b"AYE\n"))
        self.space.exchange_count += 1
        self._dispatch()
        return outcomes

    def advance(self, by: str) -> None:
        """Let so much time pass."""
        self._drain(self.simulation.clock.now_ms + parse_duration(by))

    def settle(self) -> None:
        """Let time pass until nothing is due."""
        self._drain(None)

    def result(self, *checks: Check, name: str = "a test") -> RunResult:
        """Return what a run over this space would end with."""
        return RunResult(
            scenario=name,
            source="test.yaml",
            seed=self.space.seed,
            version="1.2.3",
            checks=checks,
            scorecard=scorecard(self.space),
            space=self.space,
        )

    @property
    def webhooks(self) -> Iterable[Webhook]:
        """All webhooks, the oldest first."""
        return self.simulation.outbox.webhooks.values()

    def _drain(self, to_ms: int | None) -> None:
        simulation = self.simulation
        for _ in range(_INSTANTS_MAX):
            due_ms = simulation.next_due()
            if due_ms is None or (to_ms is not None and due_ms > to_ms):
                break
            simulation.fire(max(due_ms, simulation.clock.now_ms))
            self._dispatch()
        else:
            raise AssertionError(f"more than {_INSTANTS_MAX} instants: the agenda never ends")
        if to_ms is not None:
            simulation.clock.advance_to(to_ms)

    def _dispatch(self) -> None:
        simulation = self.simulation
        ready = simulation.outbox.ready
        while ready:
            webhook = ready.popleft()
            status = self.answers(webhook)
            self._attempts += 1
            attempt = Attempt(
                number=len(webhook.attempts) + 1,
                at_ms=simulation.clock.now_ms,
                status=status,
                error="" if status else "connection refused",
                acknowledged=simulation.accounts["pigeon"].policy.acknowledges(status),
                latency_real_us=1_000 * self._attempts,
                excerpt=self.excerpt if status else "",
            )
            simulation.outbox.attempted(simulation.clock.now_ms, webhook, attempt)
