"""
Rules and circumstances that are put in force while a space goes on.
"""

from __future__ import annotations

from harness import serving

SPACE = "/spaces/default"
NUMBER = "+41790000001"


async def test_added_rule__decides_before_those_there_are() -> None:
    """
    A rule added later wins, and stands first in the list; the timeline of the scenario goes on.
    """
    scenario = {
        "rules": [{"then": {"fate": "silence"}}],
        "timeline": [{"at": "1h", "recipient": NUMBER, "reachable": False}],
    }
    async with serving() as bench:
        await bench.control("PUT", f"{SPACE}/scenario", scenario)
        await bench.control("POST", f"{SPACE}/clock/advance", {"by": "30m"})

        status, rule = await bench.control(
            "POST", f"{SPACE}/rules", {"when": {"nth": 1}, "then": {"fate": {"fail": {"reason": "absent"}}}}
        )
        await bench.send(NUMBER)
        await bench.send(NUMBER)
        await bench.control("POST", f"{SPACE}/clock/advance", {"by": "30m"})

        _, rules = await bench.control("GET", f"{SPACE}/rules")
        _, messages = await bench.control("GET", f"{SPACE}/messages")
        _, recipient = await bench.control("GET", f"{SPACE}/recipients/{NUMBER}")
        assert (status, rule["name"]) == (201, "rule 2")
        assert [(use["name"], use["fates"]) for use in rules["items"]] == [("rule 2", 1), ("rule 1", 1)]
        assert [message["state"] for message in messages["items"]] == ["failed", "sent"]
        assert recipient["reachable"] is False


async def test_added_rule__is_refused_as_in_a_file() -> None:
    """
    A typo is named with the word that was meant; a name that is taken is a conflict.
    """
    async with serving() as bench:
        typo = await bench.control("POST", f"{SPACE}/rules", {"wen": {}, "then": {"fate": "silence"}})
        rule = {"name": "mine", "then": {"fate": "silence"}}
        await bench.control("POST", f"{SPACE}/rules", rule)
        twice = await bench.control("POST", f"{SPACE}/rules", rule)

        assert typo[0] == 422
        assert typo[1]["detail"] == 'unknown key "wen"; did you mean "when"?'
        assert twice[0] == 409
        assert twice[1]["detail"] == (
            "name: there is a rule 'mine' already; draws and stories go by the name"
        )


async def test_circumstances_for_a_time__end_by_themselves() -> None:
    """
    What waits is delivered when the time is over; a second change is not undone by the end of the first.
    """
    async with serving() as bench:
        away = await bench.control("PATCH", f"{SPACE}/recipients/{NUMBER}", {"reachable": False, "for": "2h"})
        await bench.send(NUMBER)
        await bench.control("POST", f"{SPACE}/clock/advance", {"by": "1h"})
        _, waiting = await bench.control("GET", f"{SPACE}/messages")
        await bench.control("PATCH", f"{SPACE}/recipients/{NUMBER}", {"reachable": False, "for": "3h"})
        await bench.control("POST", f"{SPACE}/clock/advance", {"by": "2h"})
        _, still = await bench.control("GET", f"{SPACE}/messages")
        await bench.control("POST", f"{SPACE}/clock/advance", {"until": "settled"})
        _, arrived = await bench.control("GET", f"{SPACE}/messages")
        nothing = await bench.control("PATCH", f"{SPACE}/recipients/{NUMBER}", {"for": "1h"})
        _, entries = await bench.control("GET", f"{SPACE}/clock")

        assert away[1]["reachable"] is False
        states = [listing["items"][0]["state"] for listing in (waiting, still, arrived)]
        assert states == ["waiting", "waiting", "delivered"]
        assert entries["now_ms"] == 4 * 3_600_000
        assert nothing[0] == 422


async def test_requests__tell_what_was_turned_away() -> None:
    """
    A call without a route and one without a credential say so, with headers, and without secrets.
    """
    async with serving() as bench:
        await bench.send(NUMBER)
        async with bench.http.get(f"{bench.server.url}/infobip/sms/9/nothing?apiKey=s3cret") as answer:
            assert answer.status == 404
        async with bench.http.post(f"{bench.server.url}/infobip/sms/2/text/advanced") as answer:
            assert answer.status == 401

        _, calls = await bench.control("GET", f"{SPACE}/requests")

        assert [call["turned_away"] for call in calls["items"]] == [None, "no route", "credential"]
        assert calls["items"][1]["why"] == "infobip has no GET /sms/9/nothing"
        headers = {name.lower(): value for name, value in calls["items"][0]["headers"]}
        assert headers["authorization"] == "(withheld)"
        assert headers["content-type"] == "application/json"
        assert "s3cret" not in str(calls)
