"""
An exam of the integrator of `run.mutants`, right or wrong.
"""

from __future__ import annotations

from typing import Any, Final

from run.mutants.integrator import Integrator
from run.mutants.policy import Policy
from run.mutants.stage import webhooks_at
from simulator.exam.examine import examine
from simulator.exam.hardships import chosen, hardships_of
from simulator.exam.results import ExamResult
from simulator.exam.software import Software, read_software
from simulator.provider import discover
from simulator.schema.node import Json
from simulator.server.app import Server, ServerConfig

__all__ = ["PROVIDERS", "sit", "software_at"]

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


def software_at(url: str, provider: str, **changes: Json) -> Software:
    """Return how the integrator at *url* is reached."""
    question: dict[str, Json] = {"ask": f"GET {url}/messages/{{id}}", "provider": provider, "within": "300ms"}
    fields: dict[str, Json] = {"billed": "{arrived}", "fallbacks": "{fallbacks}", "written": "{written}"}
    if provider in ("infobip", "bitel"):
        fields |= {"parts": "{parts}", "price": "{price}"}
    if provider != "bitel":
        fields["done_at"] = "{ended}"
    parts: dict[str, Json] = {
        "drive": {
            "call": f"POST {url}/send",
            "body": {"to": "{recipient}", "channel": provider, "text": "{text}", "ttl": "{ttl}"},
        },
        "bulk": {
            "call": f"POST {url}/send",
            "body": {"to": "{recipients}", "channel": _BULK.get(provider, provider)},
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
        "providers": webhooks_at(url),
    }
    parts["providers"]["infobip"]["webhook"] |= {"hmac": {"secret": SECRET}, "secure": "all"}
    return read_software("", "stage", discover(), {**parts, **changes})


async def sit(
    provider: str, policy: Policy | None = None, *only: str, seed: int = 1, **setup: Any
) -> ExamResult:
    """Return what comes of the exam of an integrator with *policy*, the right one if none is given."""
    providers = discover()
    server = Server(ServerConfig(port=0, providers=providers))
    await server.start()
    try:
        async with Integrator(
            policy=policy or Policy(), channel=provider, **{"secrets": {"infobip": (SECRET,)}, **setup}
        ) as integrator:
            integrator.simulator = server.url
            return await examine(
                server,
                providers[provider],
                chosen(hardships_of(provider, providers), only, ()),
                software_at(integrator.url, provider),
                seed=seed,
            )
    finally:
        await server.stop()
