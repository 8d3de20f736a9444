"""
What recipients do, and how the integrator is told.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.rbm.rig import PHONE, Bench, bench
from simulator.explain.narrative import what_of
from simulator.kernel.store.facts import ActImpossible

AGENT = "welcome-bot@rbm.goog"
OFFER = {
    "text": "Coming?",
    "suggestions": [
        {"reply": {"text": "Yes", "postbackData": "yes-1"}},
        {"action": {"text": "Call", "postbackData": "call-1", "dialAction": {"phoneNumber": "1011"}}},
        {"action": {"text": "Here", "postbackData": "here-1", "shareLocationAction": {}}},
    ],
}


def _content(data: dict[str, Any]) -> dict[str, Any]:
    """Return what was told without the ids that are drawn."""
    return {name: value for name, value in data.items() if name not in ("messageId", "eventId")}


async def _offer(made: Bench) -> None:
    await made.send("m1", contentMessage=OFFER)
    await made.advance(None)
    made.integrator.told.clear()


async def test_recipient_writes() -> None:
    """
    A text comes as a user message without an event type, with an id of the phone's own.
    """
    async with bench() as made:
        status, _ = await made.act("", writes="STOP", to="welcome-bot")
        await made.advance(None)

        told = made.integrator.told[0]
        assert status == 202
        assert _content(told.data) == {
            "senderPhoneNumber": PHONE,
            "sendTime": "2026-01-05T09:00:00Z",
            "agentId": AGENT,
            "text": "STOP",
        }
        assert len(told.data["messageId"]) == 24
        assert told.envelope["message"]["attributes"]["type"] == "message"
        assert told.envelope["message"]["attributes"]["message_type"] == "TEXT"


async def test_tapped_reply_is_a_message_and_tapped_action_an_event() -> None:
    """
    Replies carry messageId and text, actions eventId and postback data alone.
    """
    async with bench() as made:
        await _offer(made)
        await made.act("taps", data={"postbackData": "yes-1"})
        await made.act("taps", data={"text": "Call"})
        await made.advance(None)

        reply, action = (told.data for told in made.integrator.told)
        assert reply["suggestionResponse"] == {"postbackData": "yes-1", "text": "Yes", "type": "REPLY"}
        assert "messageId" in reply
        assert action["suggestionResponse"] == {"postbackData": "call-1"}
        assert "eventId" in action
        assert "messageId" not in action


async def test_taps_take_the_form_that_is_set() -> None:
    """
    Both forms are seen in the wild; a setting swaps them.
    """
    async with bench(taps={"action": "message", "reply": "event"}) as made:
        await _offer(made)
        await made.act("taps", data={"postbackData": "yes-1"})
        await made.act("taps", data={"postbackData": "call-1"})
        await made.advance(None)

        reply, action = (told.data["suggestionResponse"] for told in made.integrator.told)
        assert reply == {"postbackData": "yes-1"}
        assert action == {"postbackData": "call-1", "text": "Call", "type": "ACTION"}


async def test_tapping_what_was_never_offered_is_refused() -> None:
    """
    The refusal lists what delivered messages offered.
    """
    async with bench() as made:
        nothing, why_nothing = await made.act("taps", to="welcome-bot")
        await _offer(made)
        unknown, why_unknown = await made.act("taps", data={"postbackData": "no-1"})

        assert (nothing, unknown) == (409, 409)
        assert why_nothing["detail"] == (
            "no delivered message of welcome-bot to +15551234567 offered any suggestion; offered: nothing"
        )
        assert why_unknown["detail"] == (
            "no delivered message of welcome-bot to +15551234567 offered a suggestion with postbackData "
            "'no-1'; offered: 'Yes' (postbackData 'yes-1'), 'Call' (postbackData 'call-1'), "
            "'Here' (postbackData 'here-1')"
        )


async def test_suggestion_of_a_waiting_message_cannot_be_tapped() -> None:
    """
    Only what has arrived can be tapped.
    """
    async with bench() as made:
        made.space.simulation.change_recipient(PHONE, {"reachable": False})
        await made.send("m1", contentMessage=OFFER)
        await made.advance(60_000)

        status, _ = await made.act("taps", data={"postbackData": "yes-1"})

        assert status == 409


async def test_share_location_is_an_event_and_then_a_message() -> None:
    """
    Tapping "share location" tells the tap first, then the place.
    """
    async with bench() as made:
        await _offer(made)
        await made.act("taps", data={"postbackData": "here-1", "latitude": 41.0, "longitude": 29.0})
        await made.act("shares-location")
        await made.advance(None)

        contents = [_content(told.data) for told in made.integrator.told]
        common = {key: contents[0][key] for key in ("senderPhoneNumber", "sendTime", "agentId")}
        assert contents == [
            {**common, "suggestionResponse": {"postbackData": "here-1"}},
            {**common, "location": {"latitude": 41.0, "longitude": 29.0}},
            {**common, "location": {"latitude": 37.422, "longitude": -122.084056}},
        ]


async def test_file_typing_and_reading_are_told() -> None:
    """
    A file is a message, typing an event; opening the conversation reads what was delivered.
    """
    async with bench() as made:
        await _offer(made)
        await made.act("types")
        await made.act("sends-file", data={"fileName": "a.gif", "mimeType": "image/gif"})
        read, _ = await made.act("reads")
        again, _ = await made.act("reads")
        await made.advance(None)

        typing, file, reading = sorted((told.data for told in made.integrator.told), key=_kind)
        assert _content(typing) == {
            "senderPhoneNumber": PHONE,
            "eventType": "IS_TYPING",
            "sendTime": typing["sendTime"],
            "agentId": AGENT,
        }
        assert file["userFile"]["payload"]["fileName"] == "a.gif"
        assert (reading["eventType"], reading["messageId"]) == ("READ", "m1")
        assert (read, again) == (202, 409)
        assert made.states() == ["read"]


def _kind(data: dict[str, Any]) -> int:
    return 0 if data.get("eventType") == "IS_TYPING" else 1 if "userFile" in data else 2


@pytest.mark.parametrize(
    ("phone", "stop", "start"),
    [
        ("+15551234567", "STOP", "START"),
        ("+34612345678", "BAJA", "ALTA"),
        ("+5511912345678", "parar", "começar"),
        ("+33612345678", "STOP", "Démarrer"),
    ],
)
async def test_unsubscribing_tells_the_countrys_keyword_and_an_event(
    phone: str, stop: str, start: str
) -> None:
    """
    Two things reach the webhook, a text and an event; later sends are not blocked.
    """
    async with bench() as made:
        await made.act("unsubscribes", phone=phone, to="welcome-bot")
        await made.advance(None)
        first = [told.data.get("text") or told.data["eventType"] for told in made.integrator.told]
        made.integrator.told.clear()
        await made.act("subscribes", phone=phone, to="welcome-bot")
        await made.advance(None)
        second = [told.data.get("text") or told.data["eventType"] for told in made.integrator.told]
        sent, _ = await made.send("m1", phone=phone, messageTrafficType="ACKNOWLEDGEMENT")

        assert first == [stop, "UNSUBSCRIBE"]
        assert second == [start, "SUBSCRIBE"]
        assert sent == 200


async def test_unknown_act_is_refused_with_what_there_is() -> None:
    """
    An act that RBM does not know is refused with all it does.
    """
    async with bench() as made:
        status, body = await made.act("dances", to="welcome-bot")

        assert status == 409
        assert body["detail"] == (
            "RBM recipients cannot do 'dances'; they can: writes, taps, types, reads, subscribes, "
            "unsubscribes, shares-location, sends-file, accepts, declines"
        )


async def test_acts_can_be_scripted_on_the_timeline_and_as_replies() -> None:
    """
    A scenario lets recipients tap and type at an instant, or after a delivery; what is impossible is noted.
    """
    scenario = """
name: a lively recipient
rules:
  - when: {provider: rbm}
    then: {fate: {deliver: {after: 1s, reply: {does: taps, data: {postbackData: yes-1}, after: 2s}}}}
timeline:
  - {at: 10s, provider: rbm, recipient: "+15551234567", does: types}
  - {at: 20s, provider: rbm, recipient: "+15551234567", does: taps, data: {postbackData: never-offered}}
"""
    async with bench() as made:
        url = f"{made.server.url}/_sim/v1/spaces/test/scenario"
        async with made.session.put(url, data=scenario, headers={"Content-Type": "text/yaml"}) as answer:
            assert answer.status == 200, await answer.text()
        await made.send("m1", contentMessage=OFFER)
        await made.advance(None)

        told = [t.data.get("eventType") or t.data["suggestionResponse"]["text"] for t in made.integrator.told]
        journal = made.space.simulation.journal
        notes = [what_of(entry.fact) for entry in journal if isinstance(entry.fact, ActImpossible)]
        assert told == ["DELIVERED", "Yes", "IS_TYPING"]
        assert len(notes) == 1
        assert notes[0].startswith("taps was not possible: no delivered message of welcome-bot")


async def test_read_never_comes_before_delivery() -> None:
    """
    A scripted reading waits for the phone: DELIVERED is told first.
    """
    async with bench() as made:
        made.space.simulation.change_recipient("+99921*", {"reachable": False})
        await made.send("m1", phone="+9992100002")
        await made.advance(60_000)
        silent = list(made.integrator.events)
        made.space.simulation.change_recipient("+99921*", {"reachable": True})
        await made.advance(None)

        assert silent == []
        assert made.integrator.events == ["DELIVERED", "READ"]
