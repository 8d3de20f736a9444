"""
An exam of the integrator of `run.mutants`, right or wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    parts: dict[str, Json] = {
        "drive": {
            "call": f"POST {url}/send",
            "body": {"to": "{recipient}", "channel": provider, "text": "{text}", "ttl": "{ttl}"},
        },
        "ask": [
            {
                "ask": f"GET {url}/{'recipients/{recipient}' if provider == 'bip' else 'messages/{id}'}",
                "field": "state",
                "means": _MEANS,
                "within": "200ms",
                "provider": provider,
                "fields": {"billed": "{arrived}"},
            },
        ],
        "reset": f"POST {url}/reset",
        "providers": {provider: webhooks_at(url)[provider]},
    }
    return read_software(None, "options", discover(), {**parts, **changes})


async def sit(
    provider: str, policy: Policy | None = None, *only: str, seed: int = 1, **setup: Any
) -> ExamResult:
    """Return what comes of the exam of an integrator with *policy*, the right one if none is given."""
    providers = discover()
    server = Server(ServerConfig(port=0, providers=providers))
    await server.start()
    try:
        async with Integrator(policy=policy or Policy(), channel=provider, **setup) as integrator:
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
