"""
Everything large that a user may write, by section: what `tests/soak/stalls.py` asks.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final, Protocol

__all__ = ["SECTIONS"]

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


def shapes(size: int) -> Iterator[tuple[str, bytes]]:
    """Yield JSON of about *size* bytes that is hard on whoever reads it."""
    yield "empty lists", b"[" + b"[]," * (size // 3 - 1) + b"[]]"
    yield "zeros", b"[" + b"0," * (size // 2 - 1) + b"0]"
    yield "keys", b"{" + b",".join(b'"%06x":0' % n for n in range(size // 11)) + b"}"
    yield "deep lists", b"[" * (size // 2) + b"]" * (size // 2)
    yield "a huge number", b"9" * size
    yield "escapes", b'"' + b"\\u00e9" * (size // 6) + b'"'
    yield "lenient lists", b"[" + b"'a'," * (size // 4) + b"]"


# -- calls ----------------------------------------------------------------------------------------


async def infobip(asks: Asks) -> None:
    """Sends to thousands, in each format."""
    await asks.fresh("calls", {"providers": {"infobip": {"coerce": True}}})
    url = f"{asks.url}/s/calls/infobip"
    for number in (10_000, 45_000):
        numbers = [{"to": to} for to in many(number, "4179")]
        body = {"messages": [{"text": "hello", "destinations": numbers}]}
        await asks.send(
            f"a send to {number:,} destinations", "POST", f"{url}/sms/2/text/advanced", body, *KEYS["infobip"]
        )
    nobody = {"messages": [{"text": "hello", "destinations": [{"tu": "1"}] * 20_000}]}
    await asks.send(
        "20,000 destinations without a number", "POST", f"{url}/sms/2/text/advanced", nobody, *KEYS["infobip"]
    )
    each = {"messages": [{"text": "é" * 20, "destinations": [{"to": to}]} for to in many(10_000, "4178")]}
    await asks.send("10,000 messages", "POST", f"{url}/sms/2/text/advanced", each, *KEYS["infobip"])
    wrong = {"messages": [{"text": 1, "destinations": [{"to": int(to)}]} for to in many(15_000, "4178")]}
    await asks.send(
        "15,000 messages of the wrong types", "POST", f"{url}/sms/2/text/advanced", wrong, *KEYS["infobip"]
    )
    long = {
        "messages": [
            {
                "text": "ğ{" * 400_000,
                "language": {"languageCode": "AUTODETECT"},
                "transliteration": "TURKISH",
                "destinations": [{"to": "41790000001"}],
            }
        ]
    }
    await asks.send(
        "a text of a million letters", "POST", f"{url}/sms/2/text/advanced", long, *KEYS["infobip"]
    )
    long["messages"][0]["destinations"] = [{"to": to} for to in many(3_000, "4177")]
    long["messages"][0]["text"] = "x" * 900_000
    await asks.send("the same to 3,000", "POST", f"{url}/sms/2/text/advanced", long, *KEYS["infobip"])
    await asks.ask("the logs of it", f"{url}/sms/1/logs?limit=1000", *KEYS["infobip"])
    await asks.ask(
        "the logs as XML", f"{url}/sms/1/logs?limit=1000", "-H", "Accept: application/xml", *KEYS["infobip"]
    )
    await asks.ask("reports", f"{url}/sms/1/reports?limit=1000", *KEYS["infobip"])
    xml = "".join(f"<destination><to>{to}</to></destination>" for to in many(20_000, "4176"))
    xml = f"<request><messages><message><text>x</text><destinations>{xml}</destinations></message></messages></request>"
    await asks.send(
        "20,000 destinations as XML",
        "POST",
        f"{url}/sms/2/text/advanced",
        xml.encode(),
        *XML,
        *KEYS["infobip"],
    )
    empty = b"<r>" + b"<a/>" * (MIB // 4 - 10) + b"</r>"
    await asks.send("260,000 elements", "POST", f"{url}/sms/2/text/advanced", empty, *XML, *KEYS["infobip"])
    preview = {"text": "ğ{" * 250_000, "languageCode": "AUTODETECT", "transliteration": "TURKISH"}
    await asks.send("a preview of 500,000 letters", "POST", f"{url}/sms/1/preview", preview, *KEYS["infobip"])
    later = {
        "bulkId": "bulk",
        "messages": [
            {
                "text": "x",
                "sendAt": "2026-02-01T00:00:00.000+0000",
                "destinations": [{"to": to} for to in many(20_000, "4175")],
            }
        ],
    }
    await asks.send("20,000 scheduled", "POST", f"{url}/sms/2/text/advanced", later, *KEYS["infobip"])
    moved = {"sendAt": "2026-02-02T00:00:00.000+0000"}
    await asks.send("rescheduled", "PUT", f"{url}/sms/1/bulks?bulkId=bulk", moved, *KEYS["infobip"])
    for status in ("PAUSED", "PENDING", "CANCELED"):
        await asks.send(
            f"{status}", "PUT", f"{url}/sms/1/bulks/status?bulkId=bulk", {"status": status}, *KEYS["infobip"]
        )


async def early(asks: Asks) -> None:
    """Reports before the answer, and refusals, of thousands."""
    rules = [{"name": "early", "when": {}, "then": {"webhooks": {"early": True}}}]
    settings = {"infobip": {"webhook": {"url": WEBHOOK}, "deliver_after": "0s"}}
    await asks.fresh("early-1", {"rules": rules, "providers": settings})
    path = "infobip/sms/2/text/advanced"
    body = {"messages": [{"text": "hello", "destinations": [{"to": to} for to in many(10_000, "4179")]}]}
    await asks.send(
        "10,000 reports before the answer", "POST", f"{asks.url}/s/early-1/{path}", body, *KEYS["infobip"]
    )
    rules = [
        {"name": f"r{n}", "when": {"provider": "infobip", "share": "1%"}, "then": {"fate": "silence"}}
        for n in range(9_000)
    ]
    await asks.fresh("early-2", {"rules": rules})
    body = {"messages": [{"text": "hello", "destinations": [{"to": to} for to in many(300, "4179")]}]}
    await asks.send(
        "300 destinations under 9,000 rules", "POST", f"{asks.url}/s/early-2/{path}", body, *KEYS["infobip"]
    )
    rules = [
        {
            "name": "no",
            "when": {"provider": "infobip"},
            "then": {"answer": {"refuse": {"status": "REJECTED_NOT_ENOUGH_CREDITS"}}},
        }
    ]
    await asks.fresh("early-3", {"rules": rules})
    body = {"messages": [{"text": "hello", "destinations": [{"to": to} for to in many(45_000, "4179")]}]}
    await asks.send(
        "45,000 refused by a rule", "POST", f"{asks.url}/s/early-3/{path}", body, *KEYS["infobip"]
    )


async def bip(asks: Asks) -> None:
    """Lists and broadcasts, and their reports."""
    followers = {f"+90532{n:07}": {"follower": True} for n in range(49_000)}
    settings = {"bip": {"webhook": {"url": WEBHOOK}, "deliver_after": "0s"}}
    api = await asks.fresh("bip", {"providers": settings, "recipients": followers})
    url = f"{asks.url}/s/bip/bip/tes/rest/spi"
    key = KEYS["bip"]
    text = {"list": [{"type": 0, "message": "hello"}]}

    async def worked_off(what: str) -> None:
        await asks.send(f"the work of {what}", "POST", f"{api}/clock/advance", {"by": "1m"})

    receivers = [{"type": 2, "address": to} for to in many(20_000, "90533")]
    body: dict[str, Any] = {"txnid": "t1", "receivers": receivers, "composition": text}
    await asks.send("a list of 20,000", "POST", f"{url}/sendmsgservlist", body, *key)
    await worked_off("a list of 20,000")
    contents = [
        {"receiver": receiver, "composition": {"list": [{"type": 0, "message": f"hello {n}"}]}}
        for n, receiver in enumerate(receivers)
    ]
    multi = {"txnid": "t2", "receivercontentlist": contents}
    await asks.send("20,000 compositions", "POST", f"{url}/sendmultiusermulticontent", multi, *key)
    await worked_off("20,000 compositions")
    everybody = {"txnid": "t3", "receiver": {"type": 1}, "composition": text}
    await asks.send("a broadcast to 49,000 followers", "POST", f"{url}/sendmsgserv", everybody, *key)
    await worked_off("the broadcast")
    one = {"txnid": "t4", "receiver": receivers[0], "composition": {"list": text["list"] * 20_000}}
    await asks.send("20,000 messages to one", "POST", f"{url}/sendmsgserv", one, *key)
    product = {"txnid": "t5", "receivers": receivers, "composition": {"list": text["list"] * 20_000}}
    await asks.send("20,000 messages to 20,000", "POST", f"{url}/sendmsgservlist", product, *key)
    await asks.send("the followers", "POST", f"{url}/listcontacts", {"txnid": "t6"}, *key)
    await asks.send("how many", "POST", f"{url}/followercount", {"txnid": "t7"}, *key)
    await asks.send("reports one by one", "PUT", f"{api}/providers/bip", {"report_list_max": 1})
    await asks.send(
        "a list of 20,000, reported one by one",
        "POST",
        f"{url}/sendmsgservlist",
        {**body, "txnid": "t8"},
        *key,
    )
    await worked_off("it")
    refusing = {
        "rules": [
            {"name": "no", "when": {"provider": "bip"}, "then": {"answer": {"refuse": {"result": 308}}}}
        ]
    }
    await asks.send("a rule that refuses", "PUT", f"{api}/scenario", refusing)
    await asks.send(
        "a list of 20,000, refused", "POST", f"{url}/sendmsgservlist", {**body, "txnid": "t9"}, *key
    )
    await worked_off("it")
    boundary = b'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n{"txnid":"1","fileType":"P"}\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    upload = boundary + b"\r\n--c" * (9 * MIB) + b"\r\n--b--\r\n"
    await asks.send(
        "an upload of 48 MiB",
        "POST",
        f"{asks.url}/s/bip/bip/fts/rest/file/upload",
        upload,
        "-H",
        "Content-Type: multipart/form-data; boundary=b",
        *key,
    )


async def bitel(asks: Asks) -> None:
    """Batches, and what is told of them."""
    settings = {
        "bitel": {"webhook": {"url": WEBHOOK}, "recipients_max": 100_000, "duplicate_numbers": "refuse"}
    }
    api = await asks.fresh("bitel", {"providers": settings})
    url = f"{asks.url}/s/bitel/bitel/api"
    key = KEYS["bitel"]
    numbers = many(60_000, "0912")
    texts = [f"hello {n}" for n in range(20_000)]
    await asks.send(
        "a batch of 60,000",
        "POST",
        f"{url}/v2/sms/batch",
        {"message": "hello", "phoneNumbers": numbers},
        *key,
    )
    await asks.send(
        "20,000 texts",
        "POST",
        f"{url}/v2/sms/batch/p2p",
        {"messages": texts, "phoneNumbers": numbers[:20_000]},
        *key,
    )
    await asks.send(
        "50,000 calls",
        "POST",
        f"{url}/v2/voice/batch/tts",
        {"text": "hello", "phoneNumbers": numbers[:50_000]},
        *key,
    )
    lenient = "{'message': 'hello', 'phoneNumbers': [" + ",".join(f"'{n}'" for n in numbers) + "]}"
    await asks.send("JSON that is none", "PUT", f"{api}/providers/bitel", {"json": "lenient"})
    await asks.send(
        "a batch of 60,000 in single quotes", "POST", f"{url}/v2/sms/batch", lenient.encode(), *key
    )
    await asks.send("what became of it", "POST", f"{api}/clock/advance", {"by": "1m"})


async def rbm(asks: Asks) -> None:
    """Batches of numbers."""
    rules = [
        {
            "name": f"r{n}",
            "when": {"provider": "rbm", "operation": "batch-get", "share": "1%"},
            "then": {"answer": {"stall": "1ms"}},
        }
        for n in range(1_000)
    ]
    await asks.fresh("rbm", {"rules": rules, "providers": {"rbm": {"json": "lenient"}}})
    url = f"{asks.url}/s/rbm/rbm"
    token = await token_of(asks)
    users = {"users": [f"+1555{n:07}" for n in range(10_000)], "agentId": "a"}
    await asks.send("10,000 users", "POST", f"{url}/v1/users:batchGet?agentId=a", users, *token)
    users = {"users": [f"+1555{n:07}" for n in range(60_000)], "agentId": "a"}
    await asks.send("60,000 users", "POST", f"{url}/v1/users:batchGet?agentId=a", users, *token)
    path = f"{url}/v1/phones/+15550000001/agentMessages?messageId=1&agentId=a"
    message = {
        "contentMessage": {
            "text": "x",
            "suggestions": [{"reply": {"text": "a", "postbackData": "b"}}] * 15_000,
        }
    }
    await asks.send("15,000 suggestions", "POST", path, message, *token)
    picture = b"\x89PNG" * (25 * MIB - 1)
    await asks.send(
        "an upload of 100 MB",
        "POST",
        f"{url}/upload/v1/files?agentId=a",
        picture,
        "-H",
        "Content-Type: image/png",
        *token,
    )
    related = (
        b"--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\nContent-Type: image/png\r\n\r\n"
        + picture[:-1024]
        + b"\r\n--b--"
    )
    await asks.send(
        "the same as multipart",
        "POST",
        f"{url}/upload/v1/files?agentId=a&uploadType=multipart",
        related,
        "-H",
        "Content-Type: multipart/related; boundary=b",
        *token,
    )


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


# -- scenarios ------------------------------------------------------------------------------------


async def scenarios(asks: Asks) -> None:
    """Scenarios of every kind of length, put in force over each other."""
    api = await asks.fresh("scenarios")
    rule = {"when": {"provider": "infobip"}, "then": {"fate": "silence"}}
    away = {"reachable": False}
    kinds: dict[str, dict[str, Any]] = {
        "10,000 rules": {"rules": [{"name": f"r{n}", **rule} for n in range(10_000)]},
        "10,000 rules about one recipient each": {
            "rules": [
                {"name": f"r{n}", "when": {"recipient": f"+4179{n:07}"}, "then": rule["then"]}
                for n in range(10_000)
            ]
        },
        "49,000 recipients": {"recipients": {f"+4179{n:07}": away for n in range(49_000)}},
        "100,000 recipients": {"recipients": {f"+4179{n:07}": away for n in range(100_000)}},
        "10,000 prefixes": {"recipients": {f"+41{n:05}*": away for n in range(10_000)}},
        "50,000 items of a timeline": {
            "timeline": [
                {"at": f"{n}s", "recipient": "+41790000001", "reachable": bool(n % 2)}
                for n in range(1, 50_000)
            ]
        },
        "50,000 items at one instant": {
            "timeline": [{"at": "1h", "recipient": f"+4179{n:07}", "reachable": False} for n in range(50_000)]
        },
        "a storm of a million": {
            "timeline": [
                {"at": "1s", "provider": "infobip", "storm": {"messages": 1_000_000, "rate": "1000000/s"}}
            ]
        },
    }
    for name, scenario in kinds.items():
        await asks.send(f"PUT {name}", "PUT", f"{api}/scenario", scenario)
    await asks.send("an empty scenario", "PUT", f"{api}/scenario", {})
    for name, scenario in kinds.items():
        await asks.send(
            f"a space with {name}",
            "POST",
            f"{asks.url}/_sim/v1/spaces",
            {"name": "new", "scenario": scenario},
        )
        await asks.ask("its rules", f"{asks.url}/_sim/v1/spaces/new/rules")
        await asks.ask("its recipients", f"{asks.url}/_sim/v1/spaces/new/recipients?limit=100000")
        await asks.ask("its page", f"{asks.url}/_ui/new/scenario")
        await asks.send(
            "years later", "POST", f"{asks.url}/_sim/v1/spaces/new/clock/advance", {"by": "1h"}, "-m", "20"
        )
        await asks.ask("and it is gone", "-X", "DELETE", f"{asks.url}/_sim/v1/spaces/new")
    text = "rules:\n" + "".join(
        f"  - {{name: r{n}, when: {{}}, then: {{fate: silence}}}}\n" for n in range(10_000)
    )
    await asks.send(
        "10,000 rules as YAML",
        "PUT",
        f"{api}/scenario",
        text.encode(),
        "-H",
        "Content-Type: application/yaml",
    )
    for name, more in (
        ("matches", {"text": {"matches": "(a|b|ab)*c{1,50}[a-z]{1,200}x"}}),
        ("contains", {"text": {"contains": "a" * 199 + "b"}}),
    ):
        rules = [{"name": f"r{n}", "when": more, "then": {"fate": "silence"}} for n in range(2_000)]
        while (
            await asks.send(f"{len(rules)} rules with {name}", "PUT", f"{api}/scenario", {"rules": rules})
            != "200"
            and len(rules) > 1
        ):
            rules = rules[: len(rules) // 2]
        body = {"messages": [{"text": "a" * 2_000, "destinations": [{"to": to} for to in many(40, "4179")]}]}
        await asks.send(
            f"40 texts for {name}",
            "POST",
            f"{asks.url}/s/scenarios/infobip/sms/2/text/advanced",
            body,
            *KEYS["infobip"],
        )


async def happenings(asks: Asks) -> None:
    """Storms, acts, outages and returns."""
    settings = {"infobip": {"webhook": {"url": WEBHOOK}, "deliver_after": "0s"}}
    rules = [
        {
            "name": f"r{n}",
            "when": {"provider": "infobip", "share": "1%"},
            "then": {"webhooks": {"duplicate": {"share": "1%"}}},
        }
        for n in range(1_000)
    ]
    acts = {"at": "1s", "provider": "infobip", "recipient": "+4178*", "writes": "hello", "count": 20_000}
    storm = {
        "at": "2s",
        "provider": "infobip",
        "storm": {"messages": 20_000, "rate": "1000000/s", "recipient": "+4177"},
    }
    api = await asks.fresh(
        "happenings", {"providers": settings, "timeline": [{"at": "0s", "webhooks": "hold"}, acts, storm]}
    )
    advance = f"{api}/clock/advance"
    await asks.send("20,000 acts and a storm of 20,000", "POST", advance, {"by": "10s"})
    await asks.ask("what is held", f"{api}/webhooks?limit=10")
    await asks.send("releasing 40,000 at a rate", "POST", f"{api}/webhooks/release", {"rate": "1000/s"})
    await asks.send("holding them again", "POST", f"{api}/webhooks/hold", {})
    await asks.send("until they are held", "POST", advance, {"by": "1m"})
    await asks.send("releasing 40,000 at once", "POST", f"{api}/webhooks/release", {})
    await asks.send("until they are lost", "POST", advance, {"by": "1s"})
    await asks.send("sending all that is lost again", "POST", f"{api}/webhooks/resend", {"state": "lost"})
    await asks.send("until they are lost again", "POST", advance, {"by": "1s"})
    await asks.send(
        "1,000 rules",
        "PUT",
        f"{api}/scenario",
        {
            "rules": rules,
            "timeline": [
                {**acts, "at": "0s", "count": 2_000},
                {
                    **storm,
                    "at": "0s",
                    "storm": {"messages": 2_000, "rate": "1000000/s", "recipient": "+4176"},
                },
            ],
        },
    )
    await asks.send("acts and a storm under 1,000 rules", "POST", advance, {"by": "1s"})
    outage = {"recipients": {"*": {"reachable": False}}, "providers": {"infobip": {"webhook": {"url": ""}}}}
    api = await asks.fresh(
        "outage-1",
        {
            **outage,
            "timeline": [
                {
                    "at": "0s",
                    "provider": "infobip",
                    "storm": {"messages": 50_000, "rate": "1000000/s", "recipient": "+4175"},
                }
            ],
        },
    )
    advance = f"{api}/clock/advance"
    await asks.send("50,000 wait", "POST", advance, {"by": "1m"})
    await asks.send("all are back", "PATCH", f"{api}/recipients/%2B41*", {"reachable": True})
    await asks.send("what waited is delivered", "POST", advance, {"by": "1s"})
    api = await asks.fresh(
        "outage-2",
        {
            **outage,
            "timeline": [
                {
                    "at": "0s",
                    "provider": "infobip",
                    "storm": {"messages": 50_000, "rate": "1000000/s", "recipient": "+4175"},
                },
                {"at": "1h", "recipient": "+41*", "reachable": True},
            ],
        },
    )
    advance = f"{api}/clock/advance"
    await asks.send("50,000 wait", "POST", advance, {"by": "1m"})
    await asks.send("all are back by the timeline", "POST", advance, {"by": "1h"})
    api = await asks.fresh(
        "outage-3",
        {
            "timeline": [
                {
                    "at": "0s",
                    "provider": "infobip",
                    "storm": {"messages": 50_000, "rate": "1000000/s", "recipient": "+4175"},
                }
            ],
            "recipients": {"+4175*": {"reachable": {"from": "0s", "until": "1h", "is": False}}},
        },
    )
    advance = f"{api}/clock/advance"
    await asks.send("50,000 wait", "POST", advance, {"by": "1m"})
    await asks.send("all are back by their windows", "POST", advance, {"by": "1h"})
    api = await asks.fresh(
        "outage-4",
        {
            **outage,
            "timeline": [
                {
                    "at": "0s",
                    "provider": "infobip",
                    "storm": {"messages": 50_000, "rate": "1000000/s", "recipient": "+4175"},
                }
            ],
        },
    )
    await asks.send("50,000 wait", "POST", f"{api}/clock/advance", {"by": "1m"})
    await asks.send("a scenario in which all are back", "PUT", f"{api}/scenario", {})
    await asks.send("what waited is delivered", "POST", f"{api}/clock/advance", {"by": "1s"})


# -- questions ------------------------------------------------------------------------------------

QUESTIONS: Final = (
    "",
    "/messages?limit=50",
    "/messages?limit=100000",
    "/messages?recipient=41790000017",
    "/messages?q=nothing-like-it",
    "/messages?name=nobody",
    "/messages/nobody",
    "/messages/nobody/explain",
    "/messages/infobip:+41790000005:1/explain",
    "/refusals?q=zzz",
    "/webhooks?limit=100000",
    "/rules",
    "/recipients?limit=100000",
    "/recipients/+41790000005",
    "/recipients/+41790000005/conversation",
    "/journal",
    "/journal?after=50000&limit=10",
    "/requests",
    "/wait?recipient=%2B41799999999&within=100ms",
    "/wait?for=webhooks&recipient=%2B41799999999&within=100ms",
    "/wait?name=nobody&within=100ms",
    *(f"/report?format={form}" for form in ("html", "junit", "jsonl", "har", "json")),
)
PAGES: Final = (
    "messages",
    "messages?q=zzz",
    "phones",
    "phone/+41790000005",
    "webhooks",
    "run",
    "spaces",
    "message/infobip:+41790000005:1",
)


async def questions(asks: Asks) -> None:
    """What is asked about a space with 100,000 messages, and its end."""
    settings = {"infobip": {"webhook": {"url": WEBHOOK}}}
    api = await asks.fresh(
        "questions", {"providers": settings, "timeline": [{"at": "0s", "webhooks": "hold"}]}
    )
    url = f"{asks.url}/s/questions/infobip/sms/2/text/advanced"
    for first in range(0, 100_000, 20_000):
        numbers = [{"to": f"4179{n:07}"} for n in range(first, first + 20_000)]
        body = {"messages": [{"text": "hello", "destinations": numbers}]}
        await asks.send("a send to 20,000 destinations", "POST", url, body, *KEYS["infobip"])
    await asks.send("an advance until settled", "POST", f"{api}/clock/advance", {"until": "settled"})
    for question in QUESTIONS:
        await asks.ask(f"GET {question}", f"{api}{question}")
    for page in PAGES:
        await asks.ask(f"page {page}", f"{asks.url}/_ui/questions/{page}")
    await asks.ask("metrics", f"{asks.url}/_sim/metrics")
    await asks.ask("the list of spaces", f"{asks.url}/_sim/v1/spaces")
    await asks.ask("the journal, followed", f"{api}/journal?follow=1", "-m", "3")
    await asks.ask("the stream", f"{asks.url}/_ui/stream", "-m", "2")
    move = {"move": "read"}
    await asks.send("a move", "POST", f"{api}/messages/infobip:+41790000005:1/move", move)
    rule = {"name": "one more", "when": {}, "then": {"fate": "silence"}}
    await asks.send("a rule", "POST", f"{api}/rules", rule)
    await asks.send("somebody goes", "PATCH", f"{api}/recipients/%2B41790000005", {"reachable": False})
    await asks.send("a scenario", "PUT", f"{api}/scenario", {})
    await asks.ask("the end of it all", "-X", "DELETE", api)
    await asks.watch("what it leaves behind", 6.0)


SECTIONS: Final[Mapping[str, Callable[[Any], Awaitable[None]]]] = {
    "infobip": infobip,
    "early": early,
    "bip": bip,
    "bitel": bitel,
    "rbm": rbm,
    "bodies": bodies,
    "scenarios": scenarios,
    "happenings": happenings,
    "questions": questions,
}
"""What is asked, by name."""
