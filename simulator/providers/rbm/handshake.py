"""
The handshake of a new webhook: it must know the client token and give the secret back.
"""

from __future__ import annotations

from typing import Final

import msgspec

from simulator.providers.rbm.reporting import Reporter
from simulator.providers.rbm.settings import Target

__all__ = ["verify"]

_TIMEOUT_REAL_MS: Final = 10_000


async def verify(reporter: Reporter, target: Target) -> str:
    """
    Ask *target* for the secret; return what is wrong with its answer, or an empty text.

    The guide wants the bare secret; Google's own samples answer `secret: …` or
    `{"secret": "…"}`, so anything that contains it passes, with a note in the
    journal, unless the account is strict.
    """
    gateway = reporter.gateway
    secret = gateway.draws("rbm", "handshake", target.url, gateway.now_ms).digits("secret", 20)
    body = msgspec.json.encode({"clientToken": target.client_token, "secret": secret})
    headers = {"Content-Type": "application/json", "X-Goog-Webhook-Type": "verification"}
    fetched = await gateway.fetch("POST", target.url, headers, body, _TIMEOUT_REAL_MS)
    answered = fetched.body.decode("utf-8", "replace").strip()
    trouble = ""
    if fetched.error:
        trouble = f"{target.url} could not be verified: {fetched.error}"
    elif fetched.status != 200:
        trouble = f"{target.url} answered {fetched.status} to the verification, expected 200"
    elif answered != secret and (reporter.settings.handshake == "strict" or secret not in answered):
        trouble = f"{target.url} answered the verification with {answered[:80]!r}, expected the bare secret"
    what = trouble or f"{target.url} is verified"
    if not trouble and answered != secret:
        what += f", but answered {answered[:80]!r} where the guide wants the bare secret"
    gateway.note(what)
    return trouble
