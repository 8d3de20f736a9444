"""
What the control API shows of a space, as plain JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

from simulator.explain.acts import ActStory
from simulator.explain.idle_rules import idle_rules
from simulator.explain.story import Place, Story
from simulator.explain.upcoming import next_due
from simulator.explain.views import entry_view, instant
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.message import Message, Refused
from simulator.kernel.webhooks.webhook import Attempt, Webhook
from simulator.runtime.space import Exchange, Space
from simulator.secrecy import Withholding

__all__ = [
    "clock_view",
    "exchange_view",
    "listed",
    "message_view",
    "recipient_view",
    "refusal_view",
    "sent_view",
    "space_view",
    "story_view",
    "webhook_view",
]

# What the space itself lists is its own; what calls and stories say in passing may land in a log.
_SECRECY: Final = Withholding()


def space_view(space: Space, urls: Mapping[str, str], credentials: Mapping[str, str]) -> dict[str, object]:
    """Return the state of a space in one look."""
    simulation = space.simulation
    states: dict[str, int] = {}
    for message in simulation.messages.values():
        if message.submission.signal:
            continue
        states[message.state.value] = states.get(message.state.value, 0) + 1
    webhooks: dict[str, int] = {}
    for webhook in simulation.outbox.webhooks.values():
        webhooks[webhook.state.value] = webhooks.get(webhook.state.value, 0) + 1
    return {
        "name": space.name,
        "seed": space.seed,
        "scenario": {
            "name": simulation.scenario.name,
            "source": simulation.scenario.source,
            "never_applied": [
                {"rule": rule.name, "line": rule.line, "why": rule.why} for rule in idle_rules(simulation)
            ],
        },
        "clock": clock_view(space),
        "providers": {
            name: {
                "url": urls[name],
                "credential": credentials[name],
                "settings": gateway.account.describe(),
            }
            for name, gateway in space.gateways.items()
        },
        "messages": dict(sorted(states.items())),
        "webhooks": dict(sorted(webhooks.items())),
        "journal": {"entries": len(simulation.journal), "dropped": simulation.journal.dropped},
        "settled": simulation.settled,
    }


def clock_view(space: Space) -> dict[str, object]:
    """Return mode and time of a space's clock."""
    simulation = space.simulation
    due = next_due(simulation)
    return {
        "mode": space.driver.mode.value,
        "rate": space.driver.rate,
        "grace_ms": space.driver.grace_real_ms,
        "now_ms": simulation.clock.now_ms,
        "now": instant(simulation, simulation.clock.now_ms),
        "next_due_ms": due[0].at_ms if due is not None else None,
        "next_due": due[0].line() if due is not None else None,
        "advancing": space.driver.advancing,
        "webhooks_in_flight": simulation.outbox.in_flight,
        "calls_in_flight": space.driver.calls_in_flight,
    }


def message_view(simulation: Simulation, message: Message) -> dict[str, object]:
    """Return a message."""
    submission = message.submission
    return {
        "id": message.id,
        "names": dict(simulation.names_of(submission)),
        "provider": message.key.provider,
        "recipient": message.key.recipient,
        "ordinal": message.key.ordinal,
        "state": message.state.value,
        "code": message.code,
        "reason": message.reason.value,
        "sender": submission.sender,
        "text": submission.text,
        "parts": submission.parts,
        "accepted_ms": message.accepted_ms,
        "accepted_at": instant(simulation, message.accepted_ms),
        "changed_ms": message.changed_ms,
        "changed_at": instant(simulation, message.changed_ms),
        "expires_ms": message.expires_ms,
        "decided_by": {"rung": message.rung.value, "rule": message.rule},
    }


def _attempt_view(attempt: Attempt) -> dict[str, object]:
    return {
        "number": attempt.number,
        "at_ms": attempt.at_ms,
        "status": attempt.status,
        "error": attempt.error,
        "cause": attempt.cause.value if attempt.cause is not None else None,
        "note": attempt.note,
        "acknowledged": attempt.acknowledged,
        "latency_real_us": attempt.latency_real_us,
        "excerpt": attempt.excerpt,
        "headers": [list(pair) for pair in attempt.headers],
        "next_at_ms": attempt.next_at_ms,
    }


def webhook_view(simulation: Simulation, webhook: Webhook, *, body: bool = True) -> dict[str, object]:
    """Return a webhook with its attempts, and its body as it is sent."""
    view: dict[str, object] = {
        "id": webhook.id,
        "provider": webhook.provider,
        "recipient": webhook.recipient,
        "target": webhook.target,
        "state": webhook.state.value,
        "intended": ", ".join(webhook.intended),
        "purposes": [purpose.value for purpose in webhook.intended],
        "reports": [report.label for report in webhook.reports],
        "created_ms": webhook.created_ms,
        "due_ms": webhook.due_ms,
        "attempts": [_attempt_view(attempt) for attempt in webhook.attempts],
    }
    if body:
        request = simulation.request_for(webhook)
        view["body"] = request.body.decode("utf-8", "replace")
    return view


def sent_view(simulation: Simulation, webhook: Webhook, attempt: int) -> dict[str, object]:
    """Return the request of one attempt at a webhook, exactly as it was or will be sent."""
    request = simulation.request_for(webhook, attempt)
    return {
        "attempt": attempt,
        "method": request.method,
        "url": request.url,
        "headers": [list(pair) for pair in request.headers],
        "signed_by": list(request.signed_by),
        "body": request.body.decode("utf-8", "replace"),
    }


def recipient_view(simulation: Simulation, address: str) -> dict[str, object]:
    """Return who a recipient is, and the circumstances now."""
    circumstances = simulation.directory.at(address, simulation.clock.now_ms)
    capable = circumstances.capable
    person = simulation.people.of(address)
    return {
        "address": address,
        "name": person.name if person is not None else None,
        "reachable": circumstances.reachable,
        "blocked": circumstances.blocked,
        "blacklisted": circumstances.blacklisted,
        "known": circumstances.known,
        "capable": list(capable) if isinstance(capable, tuple) else capable,
        "follower": circumstances.follower,
        "session": circumstances.session,
        "tester": circumstances.tester,
        "operator": circumstances.operator,
    }


def exchange_view(simulation: Simulation, exchange: Exchange) -> dict[str, object]:
    """Return a call of the integrator and its answer."""
    return {
        "at_ms": exchange.at_ms,
        "at": instant(simulation, exchange.at_ms),
        "provider": exchange.provider,
        "method": exchange.method,
        "path": exchange.path,
        "query": _SECRECY.text(urlencode(exchange.query, quote_via=quote)),
        "headers": _SECRECY.headers(exchange.headers),
        "status": exchange.status,
        "turned_away": exchange.turned_away.value if exchange.turned_away is not None else None,
        "why": exchange.why,
        "request": exchange.request.decode("utf-8", "replace"),
        "answer": exchange.answer.decode("utf-8", "replace"),
    }


def story_view(simulation: Simulation, story: Story) -> dict[str, object]:
    """Return the story of a message."""
    message = story.message
    return {
        "message": message_view(simulation, message) if isinstance(message, Message) else None,
        "refusal": refusal_view(simulation, message) if isinstance(message, Refused) else None,
        "places": [_place_view(place) for place in story.places],
        "considered": [
            {"rule": name, "line": line, "applies": not misses, "misses": list(misses)}
            for name, line, misses in story.considered
        ],
        "entries": [entry_view(entry) for entry in story.entries],
        "webhooks": [webhook_view(simulation, webhook) for webhook in story.webhooks],
        "story": [_SECRECY.text(line) for line in story.lines()],
    }


def act_view(simulation: Simulation, story: ActStory) -> dict[str, object]:
    """Return the story of what a recipient did."""
    return {
        "act": entry_view(story.act),
        "places": [_place_view(story.place)] if story.place is not None else [],
        "entries": [entry_view(entry) for entry in story.entries],
        "webhooks": [webhook_view(simulation, webhook) for webhook in story.webhooks],
        "story": [_SECRECY.text(line) for line in story.lines()],
    }


def _place_view(place: Place) -> dict[str, object]:
    return {
        "place": place.name,
        "decided": place.decided,
        "missed": [
            {"rule": name, "line": line, "misses": list(misses)} for name, line, misses in place.missed
        ],
        "draws": list(place.draws),
    }


def refusal_view(simulation: Simulation, refused: Refused) -> dict[str, object]:
    """Return a submission that was refused."""
    return {
        "id": refused.id,
        "names": dict(simulation.names_of(refused.submission)),
        "provider": refused.key.provider,
        "recipient": refused.key.recipient,
        "ordinal": refused.key.ordinal,
        "code": refused.code,
        "at_ms": refused.at_ms,
        "decided_by": {"rung": refused.rung.value, "rule": refused.rule},
    }


def listed(views: Sequence[Mapping[str, object]], total: int) -> dict[str, object]:
    """Return a listing with how many there are in all."""
    return {"items": list(views), "total": total}
