"""
A bench for the kernel: a simulation, a clock to turn, and an integrator that takes webhooks or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulator.explain.narrative import narrative
from simulator.kernel.engine.call_result import CallResult
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.message import Message, Refused
from simulator.kernel.model.recipient import normal_address
from simulator.kernel.model.rules import Behaviour, Match, Rule
from simulator.kernel.model.scenario import Scenario
from simulator.kernel.model.submission import MessageKey, Submission
from simulator.kernel.model.units import parse_duration
from simulator.kernel.webhooks.webhook import Attempt, Webhook
from toys.pigeon import PigeonAccount

__all__ = ["LOFT", "Bench", "Received", "rule", "scenario"]

LOFT = "http://loft.test/reports"
_INSTANTS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Received:
    """
    One attempt that reached the integrator.
    """

    at_ms: int
    body: str
    status: int


class Bench:
    """
    The kernel with pigeons, and a dispatcher in memory that answers as it is told.
    """

    def __init__(self, seed: int = 7) -> None:
        self.simulation = Simulation(seed=seed)
        self.account = PigeonAccount(self.simulation.clock)
        self.account.configure({"webhook": {"url": LOFT}})
        self.simulation.add_account("pigeon", self.account)
        self.received: list[Received] = []
        self.answers: Callable[[Webhook], int] = lambda webhook: 200
        self.after_instant: Callable[[], None] = lambda: None

    # -- arranging ------------------------------------------------------------------------------

    def load(self, *rules: Rule, **rest: object) -> None:
        """Put a scenario of *rules* in force."""
        self.simulation.load(scenario(*rules, **rest))

    def recipient(self, address: str) -> RecipientHandle:
        """Return a handle on what is true of a recipient, or of a prefix."""
        return RecipientHandle(self.simulation, address)

    def refuse_webhooks(self, status: int = 500) -> None:
        """Let the integrator answer *status* from now on."""
        self.answers = lambda webhook: status

    def accept_webhooks(self) -> None:
        """Let the integrator accept everything from now on."""
        self.answers = lambda webhook: 200

    # -- acting ---------------------------------------------------------------------------------

    def submit(self, submission: Submission) -> Message:
        """Submit one and return its message."""
        outcome = self.call(submission).outcomes[0]
        assert isinstance(outcome, Message), outcome
        return outcome

    def call(self, *submissions: Submission) -> CallResult:
        """Submit several in one call that is answered at once."""
        result = self.simulation.submit(submissions)
        self.dispatch()
        return result

    def refused(self, submission: Submission) -> Refused:
        """Submit one that is refused alone."""
        outcome = self.call(submission).outcomes[0]
        assert isinstance(outcome, Refused), outcome
        return outcome

    def advance(self, by: str) -> None:
        """Let so much time pass, instant by instant, webhooks included."""
        self._drain(self.simulation.clock.now_ms + parse_duration(by))

    def settle(self) -> None:
        """Let time pass until nothing is due."""
        self._drain(None)

    def _drain(self, to_ms: int | None) -> None:
        simulation = self.simulation
        self.dispatch()
        for _ in range(_INSTANTS_MAX):
            due_ms = simulation.next_due()
            if due_ms is None or (to_ms is not None and due_ms > to_ms):
                break
            simulation.fire(max(due_ms, simulation.clock.now_ms))
            self.dispatch()
            self.after_instant()
        else:
            raise AssertionError(f"more than {_INSTANTS_MAX} instants: the agenda never ends")
        if to_ms is not None:
            simulation.clock.advance_to(to_ms)

    def dispatch(self) -> None:
        """Attempt everything that is ready."""
        outbox = self.simulation.outbox
        now_ms = self.simulation.clock.now_ms
        while outbox.ready:
            webhook = outbox.ready.popleft()
            status = self.answers(webhook)
            body = self.account.render(webhook).body.decode()
            self.received.append(Received(now_ms, body, status))
            attempt = Attempt(
                number=len(webhook.attempts) + 1,
                at_ms=now_ms,
                status=status,
                error="" if status else "connection refused",
                acknowledged=self.account.policy.acknowledges(status),
            )
            outbox.attempted(now_ms, webhook, attempt)

    # -- asking ---------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The space's time."""
        return self.simulation.clock.now_ms

    def message(self, key: MessageKey) -> Message:
        """Return a message by its key."""
        return self.simulation.messages[key]

    def narrative(self) -> list[str]:
        """Return the journal as lines for people."""
        return [narrative(entry) for entry in self.simulation.journal]

    def story(self, key: MessageKey) -> list[str]:
        """Return what the journal says of one message."""
        return [narrative(entry) for entry in self.simulation.journal if entry.key == key]

    def told(self) -> list[tuple[int, str]]:
        """Return what the integrator was told and took, and when, without the birds' numbers."""
        return [
            (received.at_ms, " ".join([line.split("|")[0], *line.split("|")[2:3]]))
            for received in self.received
            if received.status == 200
            for line in received.body.splitlines()
        ]

    def webhooks(self) -> Iterator[Webhook]:
        """Iterate over all webhooks, the oldest first."""
        return iter(self.simulation.outbox.webhooks.values())


class RecipientHandle:
    """
    A recipient's circumstances, in a test's words.
    """

    def __init__(self, simulation: Simulation, address: str) -> None:
        self._simulation = simulation
        self._address = address if address.endswith("*") else normal_address(address)

    def go_offline(self) -> None:
        """Switch the phone off."""
        self._simulation.change_recipient(self._address, {"reachable": False})

    def come_back(self) -> None:
        """Switch the phone on."""
        self._simulation.change_recipient(self._address, {"reachable": True})

    def change(self, **traits: bool | str) -> None:
        """Change any traits."""
        self._simulation.change_recipient(self._address, traits)


def rule(name: str, *, when: Match | None = None, **then: object) -> Rule:
    """Return a rule; what then is given as `answer`, `fate` and `webhooks`."""
    return Rule(name=name, when=when or Match(), then=Behaviour(**then))  # type: ignore[arg-type]


def scenario(*rules: Rule, **rest: object) -> Scenario:
    """Return a scenario of *rules*."""
    return Scenario(**{"name": "test", "rules": rules, **rest})  # type: ignore[arg-type]
