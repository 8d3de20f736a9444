"""
Rules about a recipient, for calls that send nothing: the number in their path or body is whom they are about.
"""

from __future__ import annotations

from typing import Any

from harness import Bench, serving

TOKEN = {"Authorization": "Bearer token-1"}
PHONE, OTHER = "+15551234501", "+15551234502"
BUSY = {"answer": {"refuse": {"http": 503}}}


async def rule(bench: Bench, then: dict[str, Any] = BUSY, **when: Any) -> None:
    """Put one rule about RBM in force."""
    await bench.load({"rules": [{"name": "busy", "when": {"provider": "rbm", **when}, "then": then}]})


async def ask(bench: Bench, phone: str = PHONE) -> int:
    """Ask what a phone can do; return the status."""
    url = f"{bench.url}/rbm/v1/phones/{phone}/capabilities?requestId=r-1&agentId=bot"
    async with bench.http.get(url, headers=TOKEN) as answer:
        return answer.status


async def test_recipient_of_a_path() -> None:
    """
    A rule about one number refuses the calls about this number alone.
    """
    async with serving() as bench:
        await rule(bench, operation="capabilities", recipient=PHONE)

        assert [await ask(bench), await ask(bench, OTHER)] == [503, 200]


async def test_first_capability_check_of_each_number() -> None:
    """
    `nth` counts the calls of a kind about one number.
    """
    async with serving() as bench:
        await rule(bench, operation="capabilities", nth=1)

        answers = [await ask(bench, phone) for phone in (PHONE, OTHER, PHONE, OTHER)]

        assert answers == [503, 503, 200, 200]


async def test_revocation_and_testers_have_a_recipient() -> None:
    """
    Every operation with a number in its path is reached by rules about that number.
    """
    async with serving() as bench:
        await rule(bench, recipient=PHONE)
        base = f"{bench.url}/rbm/v1/phones"
        statuses = []
        for phone in (PHONE, OTHER):
            url = f"{base}/{phone}/agentMessages/m-1?agentId=bot"
            async with bench.http.delete(url, headers=TOKEN) as answer:
                statuses.append(answer.status)
            url = f"{base}/{phone}/testers?agentId=bot"
            async with bench.http.post(url, json={}, headers=TOKEN) as answer:
                statuses.append(answer.status)

        assert statuses == [503, 503, 404, 200]


async def test_entry_of_a_body_is_a_recipient() -> None:
    """
    A bulk check fails when a rule is about one of its numbers; broken bodies are about nobody.
    """
    async with serving() as bench:
        await rule(bench, operation="batch-get", recipient=PHONE)
        url = f"{bench.url}/rbm/v1/users:batchGet"
        statuses = []
        for body in (
            {"agentId": "bot", "users": [OTHER, PHONE]},
            {"agentId": "bot", "users": [OTHER]},
            {"agentId": "bot", "users": [7]},
            ["x"],
        ):
            async with bench.http.post(url, json=body, headers=TOKEN) as answer:
                statuses.append(answer.status)

        assert statuses == [503, 200, 400, 400]
