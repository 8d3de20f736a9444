"""
Bodies that are hard to read, to every provider and to the control API.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from tests.soak.asking import KEYS, MIB, PACKED, Asks, many, token_of

__all__ = ["bodies"]


def shapes(size: int) -> Iterator[tuple[str, bytes]]:
    """Yield JSON of about *size* bytes that is hard on whoever reads it."""
    yield "empty lists", b"[" + b"[]," * (size // 3 - 1) + b"[]]"
    yield "zeros", b"[" + b"0," * (size // 2 - 1) + b"0]"
    yield "keys", b"{" + b",".join(b'"%06x":0' % n for n in range(size // 11)) + b"}"
    yield "deep lists", b"[" * (size // 2) + b"]" * (size // 2)
    yield "a huge number", b"9" * size
    yield "escapes", b'"' + b"\\u00e9" * (size // 6) + b'"'
    yield "lenient lists", b"[" + b"'a'," * (size // 4) + b"]"


async def bodies(asks: Asks) -> None:
    """Bodies that are hard to read, to every provider and to the control API."""
    settings = {"infobip": {"coerce": True}, "bitel": {"json": "lenient"}, "rbm": {"json": "lenient"}}
    await asks.fresh("bodies", {"providers": settings})
    at = f"{asks.url}/s/bodies"
    keys = {**KEYS, "rbm": await token_of(asks)}
    places = {
        "infobip": f"{at}/infobip/sms/2/text/advanced",
        "bip": f"{at}/bip/tes/rest/spi/sendmsgservlist",
        "bitel": f"{at}/bitel/api/v2/sms/batch",
        "rbm": f"{at}/rbm/v1/phones/+15550000001/agentMessages?messageId=1&agentId=a",
    }
    for provider, place in places.items():
        size = 16 * MIB if provider == "bip" else MIB
        for name, body in shapes(size):
            await asks.send(f"{provider}: {name}", "POST", place, body[:size], *keys[provider])
    bomb = gzip.compress(b"\0" * 1_000_000_000, 1)
    full = gzip.compress(b"[" + b"0," * (8 * MIB - 2) + b"0]", 9)
    for provider, place in places.items():
        await asks.send(f"{provider}: 1 GB packed", "POST", place, bomb, *PACKED, *keys[provider])
    await asks.send("bip: 16 MiB packed", "POST", places["bip"], full, *PACKED, *KEYS["bip"])
    api = f"{asks.url}/_sim/v1/spaces"
    places = {
        "PUT scenario": ("PUT", f"{api}/bodies/scenario"),
        "POST spaces": ("POST", api),
        "PATCH recipient": ("PATCH", f"{api}/bodies/recipients/+41790000001"),
        "POST inbound": ("POST", f"{api}/bodies/recipients/+41790000001/inbound"),
        "PUT settings": ("PUT", f"{api}/bodies/providers/bitel"),
        "POST rules": ("POST", f"{api}/bodies/rules"),
        "POST resend": ("POST", f"{api}/bodies/webhooks/resend"),
        "POST advance": ("POST", f"{api}/bodies/clock/advance"),
    }
    for name, (method, place) in places.items():
        for shape, body in shapes(16 * MIB):
            await asks.send(f"{name}: {shape}", method, place, body[: 16 * MIB])
        await asks.send(f"{name}: 1 GB packed", method, place, bomb, *PACKED)
        await asks.send(f"{name}: 16 MiB packed", method, place, full, *PACKED)
    ids = {"ids": [f"wh_{n:016x}" for n in range(100_000)]}
    await asks.send("POST resend: 100,000 ids", *places["POST resend"], ids)
    named = {"name": "x", "when": {"recipient": many(10_000, "+4179")}, "then": {"fate": "silence"}}
    await asks.send("POST rules: 10,000 recipients", *places["POST rules"], named)
    templates = {"templates": {str(n): {"text": "hello %s", "approved": True} for n in range(10_000)}}
    await asks.send("PUT settings: 10,000 templates", *places["PUT settings"], templates)
    data = {"provider": "rbm", "does": "taps", "data": [0] * 100_000}
    await asks.send("POST inbound: data of 100,000", *places["POST inbound"], data)
