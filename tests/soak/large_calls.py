"""
Calls to providers that ask for very much.
"""

from __future__ import annotations

from typing import Any

from tests.soak.asking import KEYS, MIB, WEBHOOK, XML, Asks, many, token_of

__all__ = ["bip", "bitel", "early", "infobip", "rbm"]


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
    xml = f"<message><text>x</text><destinations>{xml}</destinations></message>"
    xml = f"<request><messages>{xml}</messages></request>"
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
    data = b'Content-Disposition: form-data; name="data"\r\n\r\n{"txnid":"1","fileType":"P"}'
    file = b'Content-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    boundary = b"--b\r\n" + data + b"\r\n--b\r\n" + file
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
