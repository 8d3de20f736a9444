"""
The part of the management API that integrators need: webhooks of agents, and testers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from simulator.provider import Answer, Call, Refuse
from simulator.providers.rbm.agents import Agent
from simulator.providers.rbm.calls import account_of, agent_of, body_of, phone_of, texts_in_body
from simulator.providers.rbm.errors import json_answer, refuse
from simulator.providers.rbm.handshake import verify
from simulator.providers.rbm.people import invite
from simulator.providers.rbm.reporting import uuid_of
from simulator.providers.rbm.settings import Target
from simulator.providers.rbm.wire import Violation, bad_request

__all__ = [
    "create_integration",
    "delete_integration",
    "delete_tester",
    "get_integration",
    "get_tester",
    "invite_tester",
    "list_integrations",
    "list_testers",
    "patch_integration",
    "phone_in_body",
]

_HOOK: Final = "agent_webhook_integration"


def _agent(call: Call) -> Agent:
    agents = account_of(call).agents
    name = call.path_values["agent"]
    agent = agents.find(name)
    if agent is None:
        raise refuse("ENTITY_NOT_FOUND", hint=f"there is no agent {name[:100]!r}; there are {agents.names}")
    return agent


def _view(call: Call, agent: Agent) -> dict[str, Any]:
    target = agent.webhook.latest
    brand = call.path_values["brand"]
    return {
        "name": f"brands/{brand}/agents/{agent.id}/integrations/{agent.integration}",
        "status": "ENABLED",
        "agentWebhookIntegration": {"webhookUri": target.url if target is not None else ""},
    }


def _read_target(call: Call, earlier: Target | None) -> Target:
    body = body_of(call, "Integration", "integration")
    hook = body.get("agentWebhookIntegration", {})
    url = hook.get("webhookUri") or (earlier.url if earlier is not None else "")
    token = hook.get("verificationToken") or (earlier.client_token if earlier is not None else "")
    wrong = [
        Violation(f"integration.{_HOOK}.{name}", f"integration.{_HOOK}.{name}: must not be empty")
        for name, value in (("webhook_uri", url), ("verification_token", token))
        if not value
    ]
    if wrong:
        raise bad_request(wrong)
    return Target(url=url, client_token=token)


async def _put_in_force(call: Call, agent: Agent, target: Target) -> None:
    account = account_of(call)
    trouble = await verify(account.reporter, target)
    if trouble:
        path = f"integration.{_HOOK}.webhook_uri"
        raise bad_request([Violation(path, f"{path}: {trouble}")])
    _change(call, agent, target)


def _change(call: Call, agent: Agent, target: Target | None) -> None:
    now_ms = call.gateway.now_ms
    delay_ms = account_of(call).settings.propagation_ms
    agent.webhook.change(target, now_ms + delay_ms, now_ms)
    when = f" in {delay_ms} ms" if delay_ms else ""
    call.gateway.note(f"the webhook of {agent.id} is {target.url if target else 'gone'}{when}")


async def create_integration(call: Call) -> Answer:
    """Give an agent a webhook of its own, once it has answered the handshake."""
    agent = _agent(call)
    if agent.integration:
        raise refuse("ALREADY_EXISTS", f"{agent.id} has an integration already")
    await _put_in_force(call, agent, _read_target(call, None))
    draws = call.gateway.draws("rbm", "integration", agent.id, call.gateway.now_ms)
    agent.integration = uuid_of(draws.hex("id"))
    return json_answer(call, _view(call, agent))


def _integrated(call: Call) -> Agent:
    agent = _agent(call)
    name = call.path_values["integration"]
    if not agent.integration or agent.integration != name:
        there = f"there is {agent.integration}" if agent.integration else "it has none"
        raise refuse("ENTITY_NOT_FOUND", hint=f"{agent.id} has no integration {name[:100]!r}; {there}")
    return agent


def list_integrations(call: Call) -> Answer:
    """Answer an agent's integrations: one, or none."""
    agent = _agent(call)
    return json_answer(call, {"integrations": [_view(call, agent)]} if agent.integration else {})


def get_integration(call: Call) -> Answer:
    """Answer one integration."""
    return json_answer(call, _view(call, _integrated(call)))


async def patch_integration(call: Call) -> Answer:
    """Change the webhook of an agent, once the new one has answered the handshake."""
    agent = _integrated(call)
    await _put_in_force(call, agent, _read_target(call, agent.webhook.latest))
    return json_answer(call, _view(call, agent))


def delete_integration(call: Call) -> Answer:
    """Take an agent's webhook away; the partner's is used from then on."""
    agent = _integrated(call)
    _change(call, agent, None)
    agent.integration = ""
    return json_answer(call, {})


# -- testers --------------------------------------------------------------------------------------


def _tester_view(agent: Agent, phone: str, status: str) -> dict[str, str]:
    return {"phoneNumber": phone, "agentId": agent.id, "inviteStatus": status}


def invite_tester(call: Call) -> Answer:
    """Invite a number to test an agent."""
    body = body_of(call, "ManagedTester", "tester")
    agent = agent_of(call, body.get("agentId", ""))
    call.path_values = {**call.path_values, "phone": body.get("phoneNumber", "")}
    phone = phone_of(call)
    return json_answer(call, _tester_view(agent, phone, invite(call, agent, phone)))


def phone_in_body(call: Call) -> Sequence[str]:
    """Return the number that an invitation is about."""
    return texts_in_body(call, "phoneNumber")


def list_testers(call: Call) -> Answer:
    """Answer every tester of an agent."""
    agent = agent_of(call)
    rows = [_tester_view(agent, phone, status) for phone, status in account_of(call).testers.of(agent.id)]
    return json_answer(call, {"testers": rows} if rows else {})


def get_tester(call: Call) -> Answer:
    """Answer what came of an invitation: the only way to learn it."""
    agent, phone = agent_of(call), phone_of(call)
    gateway = call.gateway
    circumstances = gateway.circumstances(phone)
    status = account_of(call).tester_status(agent, phone, circumstances)
    if status is None:
        raise _no_tester(call, agent, phone)
    return json_answer(call, _tester_view(agent, phone, status))


def delete_tester(call: Call) -> Answer:
    """Remove a tester, who may be invited again."""
    agent, phone = agent_of(call), phone_of(call)
    if not account_of(call).testers.remove(agent.id, phone):
        raise _no_tester(call, agent, phone)
    return json_answer(call, {})


def _no_tester(call: Call, agent: Agent, phone: str) -> Refuse:
    invited = ", ".join(tester for tester, _ in account_of(call).testers.of(agent.id)[:10]) or "nobody"
    return refuse("ENTITY_NOT_FOUND", hint=f"{phone} is no tester of {agent.id}; invited: {invited}")
