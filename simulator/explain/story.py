"""
The story of one submission: who decided what, why others did not, and all that followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Reversible, Sequence
from typing import NamedTuple, TypeVar

from simulator.explain.draws import contradiction_draws, fate_draws, share_draw, webhook_draws
from simulator.explain.narrative import names_in_words, narrative
from simulator.kernel.engine.decide import Considered
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.faults import Purpose, WebhookFaults
from simulator.kernel.model.lifecycle import TERMINAL
from simulator.kernel.model.message import Message, Refused, Rung
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import format_offset
from simulator.kernel.store.facts import Accepted, SendRefused, ServerTurned
from simulator.kernel.store.journal import Entry
from simulator.kernel.webhooks.webhook import Webhook, WebhookState

__all__ = ["Place", "Story", "explain", "find_submission", "keys_in", "place_of", "webhook_lines"]


class Place(NamedTuple):
    """
    One of the three places in which a rule acts, and how it was decided there.
    """

    name: str
    """`answer`, `fate` or `webhooks`."""
    decided: str
    """The rung, and the rule with its line if it was one."""
    missed: tuple[tuple[str, int, tuple[str, ...]], ...] = ()
    """Earlier rules that have something to say about this place: name, line, and why they did not apply."""
    draws: tuple[str, ...] = ()
    """What was drawn here."""

    def lines(self) -> Iterator[str]:
        """Yield it as lines for people."""
        yield f"{self.name}: {self.decided}"
        for name, line, misses in self.missed:
            yield f"  not {_rule(name, line)}: {'; '.join(misses)}"
        for draw in self.draws:
            yield f"  {draw}"


class Story(NamedTuple):
    """
    What `explain` tells; `considered` and `places` are empty when the scenario of then is gone.
    """

    message: Message | Refused
    considered: tuple[tuple[str, int, tuple[str, ...]], ...]
    """Each rule in order: its name, its line, and why it did not apply (nothing: it did)."""
    places: tuple[Place, ...]
    entries: tuple[Entry, ...]
    webhooks: tuple[Webhook, ...]
    names: Mapping[str, str] = {}
    """What else it goes by, such as the id of its call, in the provider's words."""

    def lines(self) -> list[str]:
        """Return the story as lines for people."""
        message = self.message
        ids = names_in_words((("id", message.id), *self.names.items()) if message.id else self.names.items())
        named = f" ({ids})" if ids else ""
        if isinstance(message, Message):
            lines = [f"{message.key} is {message.state.value}{named}"]
        else:
            code = f" with {message.code}" if message.code else ""
            lines = [f"{message.key} was refused{code}{named}"]
        for place in self.places:
            lines += place.lines()
        if not self.places:
            decided = f'rule "{message.rule}"' if message.rule else message.rung.value
            lines.append(f"decided by: {decided}; the scenario of then is gone, so the rules are not told")
        lines += [narrative(entry) for entry in self.entries]
        for webhook in self.webhooks:
            lines += webhook_lines(webhook)
        return lines


def webhook_lines(webhook: Webhook) -> Iterator[str]:
    """Yield a webhook and its attempts as lines for people."""
    labels = ", ".join(report.label for report in webhook.reports[:5])
    more = f" and {len(webhook.reports) - 5} more" if len(webhook.reports) > 5 else ""
    intended = f", {', '.join(webhook.intended)} on purpose" if webhook.intended else ""
    state = webhook.state.value
    if webhook.state is WebhookState.SCHEDULED:
        state += f" for {format_offset(webhook.due_ms)}"
    yield f"webhook {webhook.id} [{labels}{more}] to {webhook.target or 'nowhere'} is {state}{intended}"
    for attempt in webhook.attempts:
        outcome = attempt.status or attempt.error
        next_try = f", next at {format_offset(attempt.next_at_ms)}" if attempt.next_at_ms is not None else ""
        yield (
            f"  attempt {attempt.number} at {format_offset(attempt.at_ms)}: {outcome} "
            f"after {attempt.latency_real_us / 1000:.1f} ms{next_try}"
        )


def explain(simulation: Simulation, outcome: Message | Refused) -> Story:
    """Return the story of a submission; the rules are weighed again, which gives the same verdicts."""
    entries = _entries_of(simulation, outcome.key)
    webhooks = tuple(
        webhook
        for webhook in simulation.outbox.webhooks.values()
        if any(report.key == outcome.key for report in webhook.reports)
    )
    weighed: list[Considered] = []
    places: tuple[Place, ...] = ()
    # On a frozen clock a scenario is often replaced in the instant of a send, so instants do not tell.
    if (
        (first := next((entry for entry in entries if entry.key is not None), None)) is not None
        and isinstance(first.fact, Accepted | SendRefused)
        and first.seq > simulation.state.scenario_seq
    ):
        at_ms = outcome.accepted_ms if isinstance(outcome, Message) else outcome.at_ms
        weighed = list(simulation.considered(outcome.submission, outcome.key, at_ms))
        places = (_answer_place(simulation, weighed, outcome),)
        if isinstance(outcome, Message):
            places += (
                _fate_place(simulation, weighed, outcome),
                _webhooks_place(simulation, weighed, outcome, webhooks),
            )
    names = simulation.names_of(outcome.submission)
    return Story(outcome, _plain(weighed), places, entries, webhooks, names)


def _entries_of(simulation: Simulation, key: MessageKey) -> tuple[Entry, ...]:
    """Return what happened to the submission, and when its provider's server was down before or meanwhile."""
    entries = [
        entry
        for entry in simulation.journal
        if entry.key == key or (isinstance(entry.fact, ServerTurned) and entry.provider == key.provider)
    ]
    while entries and entries[-1].key is None:
        del entries[-1]
    return tuple(entries)


def find_submission(
    simulation: Simulation,
    name: str,
    provider: str = "",
    address_of: Callable[[str, str], str] | None = None,
) -> Message | Refused | None:
    """
    Return the message or refusal called *name*, of *provider* if one is given.

    Its name is its id, that of a webhook about it, or `provider/recipient/ordinal`,
    or else a name of its call, such as a `txnid`, which finds the latest submission
    that goes by it.
    Colons may stand for the slashes, for paths in which those mean something.
    *address_of* turns a provider and its spelling of a recipient into ours.
    """
    for candidate in [provider] if provider else simulation.accounts:
        message = simulation.message(candidate, name)
        if message is not None:
            return message
    return (
        _by_key(simulation, name, provider, address_of)
        or _by_webhook(simulation, name)
        or _latest(simulation.refusals.values(), provider, lambda refused: refused.id == name)
        or _by_other_name(simulation, name, provider)
    )


def keys_in(name: str) -> Iterator[MessageKey]:
    """Yield the keys that *name* may spell: `provider/recipient/ordinal`, or with colons."""
    for separator in "/:":
        provider, _, rest = name.partition(separator)
        recipient, _, ordinal = rest.rpartition(separator)
        if recipient and ordinal.isascii() and ordinal.isdigit() and len(ordinal) < 16:
            yield MessageKey(provider, recipient, int(ordinal))


def _by_webhook(simulation: Simulation, name: str) -> Message | None:
    webhook = simulation.outbox.webhooks.get(name)
    key = webhook.reports[0].key if webhook is not None else None
    return simulation.messages.get(key) if key is not None else None


def _by_key(
    simulation: Simulation, name: str, provider: str, address_of: Callable[[str, str], str] | None
) -> Message | Refused | None:
    for spelt in keys_in(name):
        first, recipient = spelt.provider, spelt.recipient
        if first not in simulation.accounts or provider not in ("", first):
            continue
        spellings = [recipient] if address_of is None else [recipient, address_of(first, recipient)]
        for address in spellings:
            key = MessageKey(first, address, spelt.ordinal)
            submission = simulation.messages.get(key) or simulation.refusals.get(key)
            if submission is not None:
                return submission
    return None


def _by_other_name(simulation: Simulation, name: str, provider: str) -> Message | Refused | None:
    def goes_by(submission: Message | Refused) -> bool:
        return name in simulation.found_by(submission.submission)

    message = _latest(simulation.messages.values(), provider, goes_by)
    refused = _latest(simulation.refusals.values(), provider, goes_by)
    if message is not None and refused is not None:
        return message if message.accepted_ms >= refused.at_ms else refused
    return message or refused


S = TypeVar("S", Message, Refused)


def _latest(submissions: Reversible[S], provider: str, fits: Callable[[S], bool]) -> S | None:
    """Return the submission of *provider*, if one is given, that came last of those that fit."""
    for submission in reversed(submissions):
        if provider in ("", submission.key.provider) and fits(submission):
            return submission
    return None


def _plain(weighed: Sequence[Considered]) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    return tuple(
        (considered.rule.name, considered.rule.line, tuple(map(str, considered.misses)))
        for considered in weighed
    )


def _rule(name: str, line: int) -> str:
    return f'rule "{name}" (line {line})' if line else f'rule "{name}"'


def _until(weighed: Sequence[Considered], place: str, rule: str) -> list[Considered]:
    """Return the rules about *place* that were asked before *rule* decided it; empty: all of them."""
    asked: list[Considered] = []
    for considered in weighed:
        if getattr(considered.rule.then, place) is None:
            continue
        if considered.rule.name == rule:
            break
        asked.append(considered)
    return asked


def place_of(
    simulation: Simulation,
    weighed: Sequence[Considered],
    key: MessageKey,
    name: str,
    rung: str,
    rule: str,
    draws: Sequence[str] = (),
) -> Place:
    decided = rung
    shares: list[str] = []
    for considered in weighed:
        if rule and considered.rule.name == rule:
            decided = _rule(rule, considered.rule.line)
            shares = list(share_draw(considered.rule, simulation.chance.of(*key)))
    missed = tuple(
        (considered.rule.name, considered.rule.line, tuple(map(str, considered.misses)))
        for considered in _until(weighed, name, rule)
        if considered.misses
    )
    return Place(name, decided, missed, (*shares, *draws))


def _answer_place(simulation: Simulation, weighed: Sequence[Considered], outcome: Message | Refused) -> Place:
    if isinstance(outcome, Refused):
        if outcome.rung is Rung.RULE:
            return place_of(simulation, weighed, outcome.key, "answer", outcome.rung.value, outcome.rule)
        # What comes before the rules on the ladder does not ask them.
        asked = weighed if outcome.rung is Rung.CIRCUMSTANCES else ()
        return place_of(simulation, asked, outcome.key, "answer", outcome.rung.value, "")
    applying = (
        considered.rule
        for considered in weighed
        if considered.rule.then.answer is not None and not considered.misses
    )
    rule = next(applying, None)
    sentence = "accepted, as nothing stands against it"
    name = rule.name if rule is not None else ""
    return place_of(simulation, weighed, outcome.key, "answer", sentence, name)


def _fate_place(simulation: Simulation, weighed: Sequence[Considered], message: Message) -> Place:
    draws = list(fate_draws(message.fate, simulation.chance.of(*message.key)))
    asked = weighed if message.rung in (Rung.RULE, Rung.CIRCUMSTANCES, Rung.DEFAULT) else ()
    if message.rung in (Rung.CONTROL, Rung.CLIENT, Rung.RECIPIENT):
        draws = []
    elif message.faults is not None and message.faults.early:
        draws = ["early: all of it at once, before the answer"]
    decided = message.rung.value
    if message.rung is Rung.RULE and message.rule:
        # A storm's mix is no rule of the file.
        decided = f'rule "{message.rule}"'
    return place_of(simulation, asked, message.key, "fate", decided, message.rule, draws)


def _webhooks_place(
    simulation: Simulation, weighed: Sequence[Considered], message: Message, webhooks: Sequence[Webhook]
) -> Place:
    draws: list[str] = []
    faults = message.faults
    if faults is not None:
        for label in _labels_with_faults(message, faults, webhooks):
            lines = webhook_draws(faults, simulation.chance.of("webhook", *message.key, label))
            draws += [f"[{label}] {line}" for line in lines]
        if (
            faults.contradict is not None
            and message.state in TERMINAL
            and faults.holds(_ended_ms(message, webhooks))
        ):
            draws += contradiction_draws(faults.contradict, simulation.chance.of(*message.key))
    decided = "as the provider sends them" if faults is None else Rung.MAGIC.value
    if not webhooks and message.state in TERMINAL:
        decided = "none was owed: neither the call nor the account says where reports go, or there are none"
    return place_of(simulation, weighed, message.key, "webhooks", decided, message.faults_rule, draws)


def _ended_ms(message: Message, webhooks: Sequence[Webhook]) -> int:
    """Return when *message* came to its end, which it may have been read after."""
    ends = (report.at_ms for webhook in webhooks for report in webhook.reports if report.tells in TERMINAL)
    return min(ends, default=message.changed_ms)


def _labels_with_faults(
    message: Message, faults: WebhookFaults, webhooks: Sequence[Webhook]
) -> Iterable[str]:
    """Return the reports of *message* that faults were drawn for: what contradicts it goes out whole."""
    return dict.fromkeys(
        report.label
        for webhook in webhooks
        for report in webhook.reports
        if report.key == message.key
        and Purpose.CONTRADICTION not in webhook.intended
        and faults.holds(webhook.created_ms)
    )
