"""
The story of what a recipient did of its own accord.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.explain.narrative import narrative
from simulator.explain.story import Place, keys_in, place_of, webhook_lines
from simulator.kernel.engine.acts import as_submission, key_of_acts
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.facts import Acted
from simulator.kernel.store.journal import Entry
from simulator.kernel.webhooks.webhook import Webhook

__all__ = ["ActStory", "explain_act"]


class ActStory(NamedTuple):
    """
    What a recipient did of its own accord, and what became of the webhooks that tell of it.
    """

    key: MessageKey
    act: Entry
    place: Place | None
    """How rules decided about its webhooks; None: the scenario was replaced since."""
    entries: tuple[Entry, ...]
    webhooks: tuple[Webhook, ...]

    def lines(self) -> list[str]:
        """Return the story as lines for people."""
        lines = [narrative(self.act)]
        if self.place is not None:
            lines += self.place.lines()
        lines += [narrative(entry) for entry in self.entries]
        for webhook in self.webhooks:
            lines += webhook_lines(webhook)
        return lines


def explain_act(simulation: Simulation, name: str) -> ActStory | None:
    """Return the story of an act by the id of one of its webhooks, or by its own key; None: there is none."""
    ledger = simulation.outbox.webhooks
    webhook = ledger.get(name)
    keys = {webhook.about} if webhook is not None else set(keys_in(name))
    keys.discard(None)
    act = next((entry for entry in simulation.journal if _key_of(entry) in keys), None)
    key = _key_of(act) if act is not None else None
    if act is None or key is None or not isinstance(act.fact, Acted):
        return None
    webhooks = tuple(webhook for webhook in ledger.values() if webhook.about == key)
    ids = {webhook.id for webhook in webhooks}
    entries = tuple(entry for entry in simulation.journal if entry.ref in ids)
    place = None
    if act.seq > simulation.state.scenario_seq:
        fact = act.fact
        submission = as_submission(act.provider, act.recipient, fact.act, fact.text, fact.to)
        weighed = list(simulation.considered(submission, key, act.at_ms))
        decided = f'rule "{fact.rule}"' if fact.rule else "as the provider sends them"
        place = place_of(simulation, weighed, key, "webhooks", decided, fact.rule)
    return ActStory(key, act, place, entries, webhooks)


def _key_of(entry: Entry) -> MessageKey | None:
    fact = entry.fact
    return key_of_acts(entry.provider, entry.recipient, fact.number) if isinstance(fact, Acted) else None
