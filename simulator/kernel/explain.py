"""
The story of one message: who decided what, why others did not, and all that followed.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.kernel.journal import Entry, EntryKind, narrative
from simulator.kernel.message import Message
from simulator.kernel.simulation import Simulation
from simulator.kernel.webhook import Webhook

__all__ = ["Story", "explain"]


class Story(NamedTuple):
    """
    What `explain` tells; `considered` is empty when the scenario was replaced since.
    """

    message: Message
    considered: tuple[tuple[str, int, tuple[str, ...]], ...]
    """Each rule in order: its name, its line, and why it did not apply (nothing: it did)."""
    entries: tuple[Entry, ...]
    webhooks: tuple[Webhook, ...]

    def lines(self) -> list[str]:
        """Return the story as lines for people."""
        message = self.message
        told = [f"{message.key} is {message.state.value} (id {message.id})"]
        decided = f'rule "{message.rule}"' if message.rule else message.rung.value
        told.append(f"its fate was decided by: {decided}")
        for name, line, misses in self.considered:
            place = f" (line {line})" if line else ""
            verdict = "applies" if not misses else "; ".join(misses)
            told.append(f'  rule "{name}"{place}: {verdict}')
        told += [narrative(entry) for entry in self.entries]
        for webhook in self.webhooks:
            intended = f", {webhook.intended} on purpose" if webhook.intended else ""
            told.append(f"webhook {webhook.id} to {webhook.target} is {webhook.state.value}{intended}")
            for attempt in webhook.attempts:
                outcome = attempt.status or attempt.error
                told.append(
                    f"  attempt {attempt.number}: {outcome} after {attempt.latency_real_us / 1000:.1f} ms"
                )
        return told


def explain(simulation: Simulation, message: Message) -> Story:
    """Return the story of *message*; the rules are weighed again, which gives the same verdicts."""
    considered: tuple[tuple[str, int, tuple[str, ...]], ...] = ()
    entries = tuple(entry for entry in simulation.journal if entry.key == message.key)
    # On a frozen clock a scenario is often replaced in the instant of a send, so instants do not tell.
    if entries and entries[0].kind is EntryKind.ACCEPTED and entries[0].seq > simulation.scenario_seq:
        considered = tuple(
            (rule.name, rule.line, tuple(str(miss) for miss in misses))
            for rule, misses in simulation.judge.considered(
                message.submission, message.key, message.accepted_ms
            )
        )
    return Story(
        message=message,
        considered=considered,
        entries=entries,
        webhooks=tuple(
            webhook
            for webhook in simulation.outbox.webhooks.values()
            if any(report.key == message.key for report in webhook.reports)
        ),
    )
