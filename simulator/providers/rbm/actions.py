"""
What the control API can do that only RBM has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.provider import Action, Choice, Field, Invalid, Json, Problems, Record, Shape, Text, node_of
from simulator.providers.rbm.agents import Agent
from simulator.providers.rbm.envelope import agent_address
from simulator.providers.rbm.handshake import verify
from simulator.providers.rbm.reporting import Reporter
from simulator.providers.rbm.tokens import IssuedTokens, mint_key

__all__ = ["LAUNCH_MOVES", "actions_of"]

LAUNCH_MOVES: Mapping[str, tuple[str, ...]] = {
    "UNLAUNCHED": ("PENDING",),
    "REJECTED": ("PENDING",),
    "PENDING": ("LAUNCHED", "REJECTED"),
    "LAUNCHED": ("SUSPENDED",),
    "SUSPENDED": ("LAUNCHED", "UNLAUNCHED"),
}
"""From which launch state to which.  Source: "Receive events", agent launch events."""

_STATES = ("UNLAUNCHED", "PENDING", "LAUNCHED", "REJECTED", "SUSPENDED")

_AGENT = Field("agent", Text(1, 200), "The agent's id.", required=True)
_LAUNCH: Shape[dict[str, Any]] = Record(
    dict,
    [
        _AGENT,
        Field("state", Choice({word: word for word in _STATES}), "The new launch state.", required=True),
        Field("comment", Text(0, 1_000), "What the carrier says about it."),
        Field("acting_party", Text(1, 200), "Who did it."),
    ],
    what="a change of an agent's launch state",
)
_VERIFY: Shape[dict[str, Any]] = Record(
    dict,
    [Field("agent", Text(1, 200), "Whose webhook; the partner's, if not given.")],
    what="which webhook to verify",
)
_NOTHING: Shape[dict[str, Any]] = Record(dict, [], what="nothing")


def actions_of(reporter: Reporter, tokens: IssuedTokens) -> Mapping[str, Action]:
    """Return the actions by name."""
    return {
        "mint_key": lambda body: _mint(reporter, body),
        "expire_tokens": lambda body: _expire(tokens, body),
        "launch_agent": lambda body: _launch(reporter, body),
        "verify_webhook": lambda body: _verify(reporter, body),
    }


def _read(shape: Shape[dict[str, Any]], body: Json) -> dict[str, Any]:
    problems = Problems()
    values = shape.read(node_of(body), "", problems)
    if isinstance(values, Invalid):
        raise ValueError("; ".join(problems.render("")))
    return values


def _agent(reporter: Reporter, name: str) -> Agent:
    agent = reporter.agents.find(name)
    if agent is None:
        raise ValueError(f"agent: there is no agent {name!r}; there are {reporter.agents.names}")
    return agent


def _mint(reporter: Reporter, body: Json) -> Json:
    """Return a service-account file for this space."""
    _read(_NOTHING, body)
    return dict(mint_key(reporter.gateway.credential, reporter.gateway.base_url))


def _expire(tokens: IssuedTokens, body: Json) -> Json:
    """Let every access token that /token has issued so far be refused."""
    _read(_NOTHING, body)
    tokens.expire()
    return {}


def _launch(reporter: Reporter, body: Json) -> Json:
    """Change an agent's launch state and tell the webhook."""
    values = _read(_LAUNCH, body)
    agent = _agent(reporter, values["agent"])
    old, new = agent.launch_state.latest, values["state"]
    if new not in LAUNCH_MOVES[old]:
        allowed = " or ".join(LAUNCH_MOVES[old])
        raise ValueError(f"state: an agent that is {old} can become {allowed}, not {new}")
    gateway = reporter.gateway
    now_ms = gateway.now_ms
    agent.launch_state.change(new, now_ms + reporter.settings.propagation_ms, now_ms)
    draws = gateway.draws("rbm", "launch", agent.id, now_ms, old, new)
    event_id = f"{agent.id}/{draws.hex('event')}"
    data = {
        "eventId": event_id,
        "agentId": agent_address(agent.id),
        "botDisplayName": agent.settings.display_name or agent.id,
        "brandId": agent.settings.brand,
        "brandDisplayName": agent.settings.brand,
        "regionId": f"/v1/regions/{agent.settings.region}",
        "oldLaunchState": old,
        "newLaunchState": new,
        "actingParty": values.get("acting_party", "carrier"),
        "comment": values.get("comment", ""),
        "sendTime": reporter.now_text(),
    }
    for report in reporter.report(
        agent=agent.id, recipient="", kind="launch", word=new, unique=event_id, data=data
    ):
        gateway.owe(report)
    return {"agent": agent.id, "oldLaunchState": old, "newLaunchState": new}


async def _verify(reporter: Reporter, body: Json) -> Json:
    """Do the verification handshake with a webhook."""
    values = _read(_VERIFY, body)
    now_ms = reporter.gateway.now_ms
    own = _agent(reporter, values["agent"]).webhook.at(now_ms) if "agent" in values else None
    trouble = await verify(reporter, own or reporter.settings.target)
    if trouble:
        raise ValueError(trouble)
    return {"verified": True}
