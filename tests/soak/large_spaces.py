"""
Long scenarios, what happens to thousands, and questions about large spaces.
"""

from __future__ import annotations

from typing import Any, Final

from tests.soak.asking import KEYS, WEBHOOK, Asks, many, storm

__all__ = ["happenings", "questions", "scenarios"]


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
    api = await asks.fresh(
        "happenings",
        {
            "providers": settings,
            "timeline": [{"at": "0s", "webhooks": "hold"}, acts, storm("+4177", 20_000, at="2s")],
        },
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
                storm("+4176", 2_000),
            ],
        },
    )
    await asks.send("acts and a storm under 1,000 rules", "POST", advance, {"by": "1s"})
    outage = {"recipients": {"*": {"reachable": False}}, "providers": {"infobip": {"webhook": {"url": ""}}}}
    api = await asks.fresh(
        "outage-1",
        {
            **outage,
            "timeline": [storm("+4175", 50_000, at="0s")],
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
                storm("+4175", 50_000, at="0s"),
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
            "timeline": [storm("+4175", 50_000, at="0s")],
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
            "timeline": [storm("+4175", 50_000, at="0s")],
        },
    )
    await asks.send("50,000 wait", "POST", f"{api}/clock/advance", {"by": "1m"})
    await asks.send("a scenario in which all are back", "PUT", f"{api}/scenario", {})
    await asks.send("what waited is delivered", "POST", f"{api}/clock/advance", {"by": "1s"})


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
