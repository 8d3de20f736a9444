"""
How everything large is asked: what asks, with which credentials, about which numbers.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

__all__ = ["KEYS", "MIB", "PACKED", "WEBHOOK", "XML", "Asks", "many", "storm", "token_of"]

MIB: Final = 1_048_576
PACKED: Final = ("-H", "Content-Encoding: gzip")
XML: Final = ("-H", "Content-Type: application/xml")
WEBHOOK: Final = "http://127.0.0.1:9/dlr"


class Asks(Protocol):
    """
    What asks, and measures.
    """

    url: str
    space: str

    async def ask(self, name: str, *arguments: str) -> str: ...

    async def send(self, name: str, method: str, url: str, body: object, *more: str) -> str: ...

    async def watch(self, name: str, real_s: float) -> None: ...

    async def fresh(self, name: str, scenario: Mapping[str, object] | None = None) -> str: ...


def basic(text: str) -> tuple[str, str]:
    """Return Basic credentials as arguments of curl."""
    return ("-H", f"Authorization: Basic {base64.b64encode(text.encode()).decode()}")


KEYS: Final = {
    "infobip": ("-H", "Authorization: App key"),
    "bip": basic("service:secret"),
    "bitel": ("-H", "Authorization: Bearer token"),
    "rbm": ("-H", "Authorization: Bearer ya29.simulated"),
}


def many(number: int, prefix: str) -> list[str]:
    """Return so many numbers."""
    return [f"{prefix}{n:07}" for n in range(number)]


def storm(prefix: str, messages: int, at: str = "0s") -> dict[str, Any]:
    """Return an item of a timeline: so many messages at once."""
    made = {"messages": messages, "rate": "1000000/s", "recipient": prefix}
    return {"at": at, "provider": "infobip", "storm": made}


async def token_of(asks: Asks) -> tuple[str, str]:
    """Return the bearer token of a service account, as arguments of curl."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {
        "iss": "robot@example.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/rcsbusinessmessaging",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": 0,
        "exp": 3600,
    }
    assertion = f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.c2lnbmF0dXJl"
    client = await asyncio.create_subprocess_exec(
        *(
            "curl",
            "-s",
            f"{asks.url}/rbm/token",
            "--data-urlencode",
            "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer",
            "--data-urlencode",
            f"assertion={assertion}",
        ),
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await client.communicate()
    return ("-H", f"Authorization: Bearer {json.loads(answer)['access_token']}")
