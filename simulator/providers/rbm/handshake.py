"""
The handshake of a new webhook: it must know the client token and give the secret back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from simulator.kernel.store.facts import Note
from simulator.providers.rbm.settings import Target

if TYPE_CHECKING:
    from simulator.providers.rbm.account import Account

__all__ = ["verify"]

_TIMEOUT_REAL_MS: Final = 10_000


async def verify(account: Account, target: Target) -> str:
    """
    Ask *target* for the secret; return what is wrong with its answer, or an empty text.

    The guide wants the bare secret; Google's own samples answer `secret: …` or
    `{"secret": "…"}`, so anything that contains it passes, with a note in the
    journal, unless the account is strict.
    """
    gateway = account.gateway
    simulation = gateway.simulation
    secret = simulation.chance.of("rbm", "handshake", target.url, gateway.now_ms).digits("secret", 20)
    body = msgspec.json.encode({"clientToken": target.client_token, "secret": secret})
    headers = {"Content-Type": "application/json", "X-Goog-Webhook-Type": "verification"}
    fetched = await gateway.fetch("POST", target.url, headers, body, _TIMEOUT_REAL_MS)
    answered = fetched.body.decode("utf-8", "replace").strip()
    trouble = ""
    if fetched.error:
        trouble = f"{target.url} could not be verified: {fetched.error}"
    elif fetched.status != 200:
        trouble = f"{target.url} answered {fetched.status} to the verification, expected 200"
    elif answered != secret and (account.settings.handshake == "strict" or secret not in answered):
        trouble = f"{target.url} answered the verification with {answered[:80]!r}, expected the bare secret"
    what = trouble or f"{target.url} is verified"
    if not trouble and answered != secret:
        what += f", but answered {answered[:80]!r} where the guide wants the bare secret"
    simulation.journal.add(gateway.now_ms, Note(what), provider=gateway.provider.name)
    return trouble
