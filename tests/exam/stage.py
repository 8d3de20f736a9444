"""
An exam of the integrator of `run.mutants`, right or wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from run.mutants.integrator import Integrator
from run.mutants.policy import Policy
from run.mutants.stage import webhooks_at
from simulator.exam.examine import examine
from simulator.exam.hardships import Hardship, library
from simulator.exam.results import ExamResult, Grade
from simulator.exam.software import read_software
from simulator.provider import discover
from simulator.schema.node import Json
from simulator.server.app import Server, ServerConfig

__all__ = ["PROVIDERS", "SECRET", "grades", "hurried", "parts_at", "sit"]

PROVIDERS: Final = ("infobip", "rbm", "bip", "bitel")
SECRET: Final = "infobips-secret"
_BULK: Final = {"bip": "bip-list"}
_MEANS: Final[Json] = {
    "accepted": "PENDING",
    "delivered": "DELIVERED",
    "read": "READ",
    "failed": ["UNDELIVERABLE", "BLACKLIST"],
    "expired": "EXPIRED",
    "revoked": "REVOKED",
    "refused": "REJECTED",
}


def parts_at(url: str, provider: str, channel: str = "", *, signed: bool = True) -> dict[str, Any]:
    """Return how the integrator at *url* is reached, in the words of a file."""
    channel = channel or provider
    question: dict[str, Json] = {"ask": f"GET {url}/messages/{{id}}", "provider": provider, "within": "150ms"}
    fields: dict[str, Json] = {"billed": "{arrived}", "fallbacks": "{fallbacks}", "written": "{written}"}
    if provider in ("infobip", "bitel"):
        fields |= {"parts": "{parts}", "price": "{price}"}
    if provider != "bitel":
        fields["done_at"] = "{ended}"
    webhooks = webhooks_at(url)
    if signed:
        webhooks["infobip"]["webhook"] |= {"hmac": {"secret": SECRET}, "secure": "all"}
    return {
        "drive": {
            "call": f"POST {url}/send",
            "body": {"to": "{recipient}", "channel": channel, "text": "{text}", "ttl": "{ttl}"},
        },
        "bulk": {
            "call": f"POST {url}/send",
            "body": {"to": "{recipients}", "channel": _BULK.get(channel, channel)},
        },
        "revoke": {"call": f"POST {url}/revoke", "body": {"to": "{recipient}"}},
        "restart": f"POST {url}/restart",
        "reset": f"POST {url}/reset",
        "ask": [
            {**question, "field": "state", "means": _MEANS},
            {**question, "fields": fields},
            # What BiP refuses has no id.
            {
                **question,
                "ask": f"GET {url}/recipients/{{recipient}}",
                "field": "state",
                "means": {"refused": "REJECTED"},
            },
        ],
        "providers": webhooks,
    }


def hurried(hardship: Hardship) -> Hardship:
    """Return *hardship* for software that tries again within milliseconds: it is not waited for as long."""
    tree = dict(hardship.tree)
    expect = dict(tree.get("expect") or {})  # type: ignore[arg-type]
    if "sends" in expect:
        tree["expect"] = {**expect, "sends": {**expect["sends"], "within": "10s"}}  # type: ignore[dict-item]
    return replace(hardship, tree=tree)


async def sit(
    provider: str,
    policy: Policy | None = None,
    only: Sequence[str] = (),
    *,
    seed: int = 1,
    channel: str = "",
    signed: bool = True,
    without: Sequence[str] = (),
    change: Callable[[dict[str, Any]], None] = lambda parts: None,
    **setup: Any,
) -> ExamResult:
    """
    Return what comes of the exam of an integrator with *policy*, the right one if none is given.

    *without* are parts that nobody told the exam; *change* tells others otherwise.
    """
    providers = discover()
    server = Server(ServerConfig(port=0, providers=providers))
    await server.start()
    setup = {"secrets": {"infobip": (SECRET,)} if signed else {}, **setup}
    try:
        async with Integrator(policy=policy or Policy(), channel=provider, **setup) as integrator:
            integrator.simulator = server.url
            parts = parts_at(integrator.url, provider, channel, signed=signed)
            change(parts)
            parts = {name: part for name, part in parts.items() if name not in without}
            return await examine(
                server,
                providers[provider],
                [hurried(each) for each in library(providers, only=only) if provider in each.providers],
                read_software("", "stage", providers, parts),
                seed=seed,
            )
    finally:
        await server.stop()


def grades(result: ExamResult) -> dict[str, Grade]:
    """Return the grades by the names of their hardships."""
    return {grade.name: grade for grade in result.grades}
