"""
Refusals name their rule in a header and in the journal, and nowhere in the provider's body.
"""

from __future__ import annotations

from typing import Any

import pytest

from harness import KEY, Bench, serving
from simulator.explain.narrative import why_of

RULE = "no shops on Sundays"


async def _post(bench: Bench, *numbers: str) -> tuple[int, dict[str, str], str]:
    """Send to *numbers* in one call; return status, our headers and the body."""
    body = {"messages": [{"destinations": [{"to": number} for number in numbers], "text": "hello"}]}
    url = f"{bench.url}/infobip/sms/2/text/advanced"
    async with bench.http.post(url, json=body, headers=KEY) as answer:
        ours = {name: value for name, value in answer.headers.items() if name.startswith("X-Simulator-")}
        return answer.status, ours, await answer.text()


SEND = "/sms/1/text/advanced"
STRANGER = (
    "the credential is missing, or not of a form that the provider takes: expected Authorization: App <key>, "
    "Basic <user:password in base64>, IBSSO <token> or Bearer <token>"
)


def _journal(bench: Bench) -> list[str]:
    return [why_of(entry.fact) for entry in bench.space.simulation.journal if entry.kind == "refused"]


async def test_refused_call_names_its_rule_beside_the_answer() -> None:
    """
    A whole call that a rule refuses has the rule in a header; the body is the provider's own.
    """
    async with serving() as bench:
        refuse: dict[str, Any] = {"throttle": {"rate": "1/h", "burst": 1}}
        await bench.load({"rules": [{"name": RULE, "then": {"answer": refuse}}]})
        await _post(bench, "41793020001")

        status, ours, body = await _post(bench, "41793020001")

        assert status == 429
        assert ours == {
            "X-Simulator-Rule": RULE,
            "X-Simulator-Reason": f'TOO_MANY_REQUESTS: rule "{RULE}"',
        }
        assert RULE not in body
        assert _journal(bench) == [f'rule "{RULE}"']


@pytest.mark.parametrize(
    ("method", "path", "credential", "status", "reason"),
    [
        ("POST", SEND, None, 401, STRANGER),
        ("POST", SEND, "Digest x", 401, STRANGER),
        ("POST", SEND, "App invalid", 401, "a credential that begins with invalid is always refused"),
        ("POST", SEND, "App x", 401, "the credential is none of those that the settings of this space list"),
        ("POST", "/sms/1/txt", "App mine", 404, "infobip has no POST /sms/1/txt"),
        ("GET", SEND, "App mine", 404, f"infobip has no GET {SEND}; POST is served there"),
    ],
)
async def test_call_that_reaches_no_work_says_why(
    method: str, path: str, credential: str | None, status: int, reason: str
) -> None:
    """
    What the provider answers to a stranger or at a wrong address is its own; why stands beside it.
    """
    async with serving() as bench:
        await bench.configure(credentials=["mine"])
        headers = {"Authorization": credential} if credential else {}
        async with bench.http.request(method, f"{bench.url}/infobip{path}", headers=headers) as answer:
            got = answer.status, answer.headers["X-Simulator-Reason"]
        told = [why_of(entry.fact) for entry in bench.space.simulation.journal if entry.kind == "call"]

    assert got == (status, reason)
    assert told == [reason]


async def test_refused_recipients_are_counted_beside_the_answer() -> None:
    """
    Recipients refused inside an answer of 200 are counted in a header, with the rules that refused them.
    """
    async with serving() as bench:
        then = {"answer": {"refuse": {"status": "REJECTED_NETWORK"}}}
        rules = [
            {"name": RULE, "when": {"provider": "infobip", "recipient": "+41793020002"}, "then": then},
            {"name": "Ünïcode", "when": {"provider": "infobip", "recipient": "+41793020003"}, "then": then},
        ]
        await bench.load({"rules": rules})
        await bench.configure(webhook={"url": "http://127.0.0.1:9"})

        status, ours, body = await _post(bench, "41793020001", "41793020002", "41793020003")
        plain = await _post(bench, "41793020001")

        assert status == 200
        assert ours == {
            "X-Simulator-Refused": "2 of 3",
            "X-Simulator-Rule": f"{RULE}, \\xdcn\\xefcode",
            "X-Simulator-Reason": f'6: rule "{RULE}"; 6: rule "\\xdcn\\xefcode"',
        }
        assert RULE not in body
        assert plain[1] == {}
        assert _journal(bench) == [f'rule "{RULE}"', 'rule "Ünïcode"']


@pytest.mark.parametrize("name", ["infobip:+41793020002:1", None])
async def test_refused_recipient_explains_itself(name: str | None) -> None:
    """
    The control API tells the story of a refusal, by its key and by its id.
    """
    async with serving() as bench:
        then = {"answer": {"refuse": {"status": "REJECTED_NETWORK"}}}
        await bench.load({"rules": [{"name": RULE, "when": {"provider": "infobip"}, "then": then}]})
        _, sent = await bench.send("41793020002")
        name = name or sent["messages"][0]["messageId"]

        status, story = await bench.control("GET", f"/spaces/default/messages/{name}/explain")
        missing, problem = await bench.control("GET", "/spaces/default/messages/nobody/explain")

        assert status == 200
        assert story["message"] is None
        assert story["refusal"]["decided_by"] == {"rung": "rule", "rule": RULE}
        assert story["story"][1] == f'answer: rule "{RULE}"'
        assert (missing, problem["title"]) == (404, "No such message")
