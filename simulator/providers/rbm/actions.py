"""
What the control API can do that only RBM has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from simulator.provider import Choice, Field, Invalid, Json, Problems, Record, Shape, Text, node_of
from simulator.providers.rbm.agents import Agent
from simulator.providers.rbm.envelope import agent_address
from simulator.providers.rbm.handshake import verify
from simulator.providers.rbm.tokens import mint_key

if TYPE_CHECKING:
    from simulator.providers.rbm.account import Account

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
_LAUNCH: Shape[Any] = Record(
    dict,
    [
        _AGENT,
        Field("state", Choice({word: word for word in _STATES}), "The new launch state.", required=True),
        Field("comment", Text(0, 1_000), "What the carrier says about it."),
        Field("acting_party", Text(1, 200), "Who did it."),
    ],
    what="a change of an agent's launch state",
)
_VERIFY: Shape[Any] = Record(
    dict,
    [Field("agent", Text(1, 200), "Whose webhook; the partner's, if not given.")],
    what="which webhook to verify",
)
_NOTHING: Shape[Any] = Record(dict, [], what="nothing")


def actions_of(account: Account) -> Mapping[str, Callable[[Json], Json | Awaitable[Json]]]:
    """Return the actions by name."""
    return {
        "mint_key": lambda given: _mint(account, given),
        "expire_tokens": lambda given: _expire(account, given),
        "launch_agent": lambda given: _launch(account, given),
        "verify_webhook": lambda given: _verify(account, given),
    }


def _read(shape: Shape[Any], given: Json) -> dict[str, Any]:
    problems = Problems()
    value = shape.read(node_of(given), "", problems)
    if isinstance(value, Invalid):
        raise ValueError("; ".join(problems.render("")))
    assert isinstance(value, dict)
    return value


def _agent(account: Account, name: str) -> Agent:
    agent = account.agents.find(name)
    if agent is None:
        known = ", ".join(agent.id for agent in account.agents.all())
        raise ValueError(f"agent: there is no agent {name!r}; known: {known}")
    return agent


def _mint(account: Account, given: Json) -> Json:
    """Return a service-account file for this space."""
    _read(_NOTHING, given)
    return dict(mint_key(account.gateway.credential, account.gateway.base_url))


def _expire(account: Account, given: Json) -> Json:
    """Let every access token that /token has issued so far be refused."""
    _read(_NOTHING, given)
    account.tokens_void = account.tokens_issued
    return {}


def _launch(account: Account, given: Json) -> Json:
    """Change an agent's launch state and tell the webhook."""
    values = _read(_LAUNCH, given)
    agent = _agent(account, values["agent"])
    old, new = agent.launch_state.latest, values["state"]
    if new not in LAUNCH_MOVES[old]:
        allowed = " or ".join(LAUNCH_MOVES[old])
        raise ValueError(f"state: an agent that is {old} can become {allowed}, not {new}")
    now_ms = account.gateway.now_ms
    agent.launch_state.change(new, now_ms + account.settings.propagation_ms, now_ms)
    gateway = account.gateway
    draws = gateway.draws("rbm", "launch", agent.id, now_ms, old, new)
    event_id = f"{agent.id}/{draws.hex('event')}"
    data = {
        "eventId": event_id,
        "agentId": agent_address(agent.id),
        "botDisplayName": agent.said.display_name or agent.id,
        "brandId": agent.said.brand,
        "brandDisplayName": agent.said.brand,
        "regionId": f"/v1/regions/{agent.said.region}",
        "oldLaunchState": old,
        "newLaunchState": new,
        "actingParty": values.get("acting_party", "carrier"),
        "comment": values.get("comment", ""),
        "sendTime": account.now_text(),
    }
    for report in account.report(
        agent=agent.id, recipient="", kind="launch", word=new, unique=event_id, data=data
    ):
        gateway.owe(report)
    return {"agent": agent.id, "oldLaunchState": old, "newLaunchState": new}


async def _verify(account: Account, given: Json) -> Json:
    """Do the verification handshake with a webhook."""
    values = _read(_VERIFY, given)
    now_ms = account.gateway.now_ms
    target = _agent(account, values["agent"]).webhook.at(now_ms) if "agent" in values else None
    trouble = await verify(account, target or account.settings.webhook)
    if trouble:
        raise ValueError(trouble)
    return {"verified": True}
