"""
What a recipient can do: write, tap, share, send a file, type, read, subscribe, answer an invitation.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from simulator.provider import Act, Draws, ImpossibleAct, Message, Move, Report, Rung, State
from simulator.providers.rbm.agents import Agent, Testers
from simulator.providers.rbm.content import classification, suggestions_of
from simulator.providers.rbm.envelope import agent_address
from simulator.providers.rbm.reporting import Reporter, details_of, uuid_of

__all__ = ["ACTS", "perform"]

# Source: "Receive events", unsubscribe and subscribe keywords by country.
_STOP: Final = (
    ("+34", "BAJA"), ("+52", "BAJA"), ("+55", "parar"),
    ("+1", "STOP"), ("+91", "STOP"), ("+44", "STOP"), ("+49", "STOP"), ("+33", "STOP"),
)  # fmt: skip
_START: Final = (
    ("+34", "ALTA"), ("+52", "ALTA"), ("+33", "Démarrer"), ("+55", "começar"),
    ("+1", "START"), ("+91", "START"), ("+44", "START"), ("+49", "START"),
)  # fmt: skip

_PLACE: Final = {"latitude": 37.422, "longitude": -122.084056}
_FILE: Final = {
    "mimeType": "image/jpeg",
    "fileSizeBytes": 127_806,
    "fileUri": "https://rbm.example/files/photo.jpeg",
    "fileName": "photo.jpeg",
}
_SHOWN_MAX: Final = 10


class _Scene(NamedTuple):
    """Who does what to whom."""

    reporter: Reporter
    thread: Sequence[Message]
    """The last messages to the recipient."""
    testers: Testers
    agent: Agent
    recipient: str
    act: Act
    draws: Draws

    @property
    def data(self) -> Mapping[str, Any]:
        """What the act was given beyond a text."""
        data = self.act.data
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            raise ImpossibleAct(f"expected data as a mapping, got {data!r}")
        return data

    def message(self, word: str, content: Mapping[str, object], part: str = "") -> Sequence[Report]:
        """Return the report of a user message with this content."""
        raw = bytes.fromhex(self.draws.hex(f"inbound.id{part}"))
        message_id = f"Mx{base64.urlsafe_b64encode(raw).decode().rstrip('=')}"
        return self._report("message", word, {"messageId": message_id}, content, message_id)

    def event(self, word: str, content: Mapping[str, object]) -> Sequence[Report]:
        """Return the report of a user event."""
        event_id = uuid_of(self.draws.hex(f"inbound.event.{word}"))
        return self._report("event", word, {"eventId": event_id}, content, event_id)

    def _report(
        self,
        kind: str,
        word: str,
        identity: Mapping[str, str],
        content: Mapping[str, object],
        unique: str,
    ) -> Sequence[Report]:
        data: dict[str, object] = {"senderPhoneNumber": self.recipient}
        data |= content if kind == "event" and "eventType" in content else {}
        data |= identity
        data |= {"sendTime": self.reporter.now_text(), "agentId": agent_address(self.agent.id)}
        data |= content
        if kind == "message":
            data |= self._us_extras(content)
        return self.reporter.report(
            agent=self.agent.id, recipient=self.recipient, kind=kind, word=word, unique=unique, data=data
        )

    def _us_extras(self, content: Mapping[str, object]) -> dict[str, object]:
        carrier = self.reporter.us_carrier(self.recipient)
        if not carrier:
            return {}
        words = content.get("text", "" if "suggestionResponse" in content else None)
        plain = {"text": words} if words is not None else {}
        return {"richMessageClassification": classification(plain), "carrier": carrier}


def perform(
    reporter: Reporter,
    threads: Mapping[str, Sequence[Message]],
    testers: Testers,
    recipient: str,
    act: Act,
    draws: Draws,
) -> Sequence[Report]:
    """Return what the integrator is owed for *act*; raises ImpossibleAct."""
    run = ACTS.get(act.kind.replace(" ", "-").replace("_", "-"))
    if run is None:
        raise ImpossibleAct(f"RBM recipients cannot do {act.kind!r}; they can: {', '.join(ACTS)}")
    thread = threads.get(recipient, ())
    agent = _agent(reporter, thread, act)
    return run(_Scene(reporter, thread, testers, agent, recipient, act, draws))


def _agent(reporter: Reporter, thread: Sequence[Message], act: Act) -> Agent:
    agents = reporter.agents
    name = act.sender or (thread[-1].submission.sender if thread else "")
    agent = agents.find(name) if name else agents.only()
    if agent is None:
        raise ImpossibleAct(
            f"expected to which agent (to: welcome-bot), got {name!r}; there are {agents.names}"
        )
    return agent


def _delivered(scene: _Scene) -> list[Message]:
    return [
        message
        for message in scene.thread
        if message.submission.sender == scene.agent.id and message.state in (State.DELIVERED, State.READ)
    ]


def _writes(scene: _Scene) -> Sequence[Report]:
    return scene.message("TEXT", {"text": scene.act.text})


def _types(scene: _Scene) -> Sequence[Report]:
    return scene.event("IS_TYPING", {"eventType": "IS_TYPING"})


def _reads(scene: _Scene) -> Sequence[Report]:
    """The conversation is opened: every delivered message is read, or the one that data names."""
    message_id = scene.data.get("messageId")
    unread = [
        message
        for message in _delivered(scene)
        if message.state is State.DELIVERED and message_id in (None, message.id)
    ]
    if not unread:
        raise ImpossibleAct(f"{scene.recipient} has no delivered, unread message of {scene.agent.id}")
    for message in unread:
        scene.reporter.gateway.move(message, Move.READ, by=Rung.RECIPIENT)
    return ()


def _keyword(recipient: str, table: tuple[tuple[str, str], ...], default: str) -> str:
    return next((word for prefix, word in table if recipient.startswith(prefix)), default)


def _unsubscribes(scene: _Scene) -> Sequence[Report]:
    word = _keyword(scene.recipient, _STOP, "STOP")
    return [
        *scene.message("TEXT", {"text": word}),
        *scene.event("UNSUBSCRIBE", {"eventType": "UNSUBSCRIBE"}),
    ]


def _subscribes(scene: _Scene) -> Sequence[Report]:
    word = _keyword(scene.recipient, _START, "START")
    return [*scene.message("TEXT", {"text": word}), *scene.event("SUBSCRIBE", {"eventType": "SUBSCRIBE"})]


def _taps(scene: _Scene) -> Sequence[Report]:
    offers = [
        (kind, offer)
        for message in reversed(_delivered(scene))
        for suggestion in suggestions_of(details_of(message.submission).resource["contentMessage"])
        for kind, offer in suggestion.items()
    ]
    postback = scene.data.get("postbackData")
    label = scene.act.text or scene.data.get("text")
    for kind, offer in offers:
        if postback in (None, offer.get("postbackData")) and label in (None, "", offer.get("text")):
            return _tapped(scene, kind, offer)
    named = " and ".join(
        f"{name} {value!r}" for name, value in (("postbackData", postback), ("text", label)) if value
    )
    there = ", ".join(
        f"{offer.get('text')!r} (postbackData {offer.get('postbackData')!r})"
        for _, offer in offers[:_SHOWN_MAX]
    )
    raise ImpossibleAct(
        f"no delivered message of {scene.agent.id} to {scene.recipient} offered "
        f"{f'a suggestion with {named}' if named else 'any suggestion'}; offered: {there or 'nothing'}"
    )


def _tapped(scene: _Scene, kind: str, offer: Mapping[str, Any]) -> Sequence[Report]:
    postback = str(offer.get("postbackData", ""))
    if scene.reporter.settings.taps[kind] == "message":
        response = {"postbackData": postback, "text": offer.get("text", ""), "type": kind.upper()}
        reports = scene.message("SUGGESTION_RESPONSE", {"suggestionResponse": response})
    else:
        reports = scene.event("SUGGESTION_RESPONSE", {"suggestionResponse": {"postbackData": postback}})
    if "shareLocationAction" in offer:
        return [*reports, *scene.message("LOCATION", {"location": _place(scene)}, ".location")]
    return reports


def _place(scene: _Scene) -> Mapping[str, object]:
    place = {name: scene.data[name] for name in ("latitude", "longitude") if name in scene.data}
    for name, value in place.items():
        most = 90 if name == "latitude" else 180
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > most:
            raise ImpossibleAct(f"{name}: expected a number from -{most} to {most}, got {value!r}")
    return {**_PLACE, **place}


def _shares_location(scene: _Scene) -> Sequence[Report]:
    return scene.message("LOCATION", {"location": _place(scene)})


def _sends_file(scene: _Scene) -> Sequence[Report]:
    payload = {name: scene.data.get(name, value) for name, value in _FILE.items()}
    file: dict[str, object] = {"payload": payload}
    thumbnail = scene.data.get("thumbnail")
    if isinstance(thumbnail, Mapping):
        file["thumbnail"] = dict(thumbnail)
    return scene.message("USER_FILE", {"userFile": file})


def _answers(status: str) -> Callable[[_Scene], Sequence[Report]]:
    def run(scene: _Scene) -> Sequence[Report]:
        if scene.testers.status(scene.agent.id, scene.recipient) is None:
            raise ImpossibleAct(f"{scene.recipient} was not invited to test {scene.agent.id}")
        # No webhook tells of it; the management API must be polled.
        scene.testers.set(scene.agent.id, scene.recipient, status)
        return ()

    return run


ACTS: Final[Mapping[str, Callable[[_Scene], Sequence[Report]]]] = {
    "writes": _writes,
    "taps": _taps,
    "types": _types,
    "reads": _reads,
    "subscribes": _subscribes,
    "unsubscribes": _unsubscribes,
    "shares-location": _shares_location,
    "sends-file": _sends_file,
    "accepts": _answers("ACCEPTED"),
    "declines": _answers("DECLINED"),
}
"""Everything a recipient can do, by the word for `does:`."""
