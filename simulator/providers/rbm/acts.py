"""
What a recipient can do: write, tap, share, send a file, type, read, subscribe, answer an invitation.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from simulator.provider import Act, Draws, ImpossibleAct, Message, Move, Report, Rung, State
from simulator.providers.rbm.agents import Agent
from simulator.providers.rbm.content import classification, suggestions_of
from simulator.providers.rbm.envelope import agent_address

if TYPE_CHECKING:
    from simulator.providers.rbm.account import Account

__all__ = ["ACTS", "is_marked_us", "perform"]

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

    account: Account
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
        return self._told("message", word, {"messageId": message_id}, content, message_id)

    def event(self, word: str, content: Mapping[str, object]) -> Sequence[Report]:
        """Return the report of a user event."""
        digits = self.draws.hex(f"inbound.event.{word}")
        event_id = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"
        return self._told("event", word, {"eventId": event_id}, content, event_id)

    def _told(
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
        data |= {"sendTime": self.account.now_text(), "agentId": agent_address(self.agent.id)}
        data |= content
        if kind == "message":
            data |= self._us_extras(content)
        return self.account.report(
            agent=self.agent.id, recipient=self.recipient, kind=kind, word=word, unique=unique, data=data
        )

    def _us_extras(self, content: Mapping[str, object]) -> dict[str, object]:
        carrier = is_marked_us(self.account, self.recipient)
        if not carrier:
            return {}
        words = content.get("text", "" if "suggestionResponse" in content else None)
        plain = {"text": words} if words is not None else {}
        return {"richMessageClassification": classification(plain), "carrier": carrier}


def is_marked_us(account: Account, phone: str) -> str:
    """Return the operator of a +1 number that is marked as one of the United States, or an empty text."""
    if account.settings.us_extras == "never" or not phone.startswith("+1"):
        return ""
    gateway = account.gateway
    operator = gateway.circumstances(phone).operator or ""
    return operator if operator[:3] in ("310", "311", "312", "313", "314", "316") else ""


def perform(account: Account, recipient: str, act: Act, draws: Draws) -> Sequence[Report]:
    """Return what the integrator is owed for *act*; raises ImpossibleAct."""
    run = ACTS.get(act.kind.replace(" ", "-").replace("_", "-"))
    if run is None:
        raise ImpossibleAct(f"RBM recipients cannot do {act.kind!r}; they can: {', '.join(ACTS)}")
    return run(_Scene(account, _agent(account, recipient, act), recipient, act, draws))


def _agent(account: Account, recipient: str, act: Act) -> Agent:
    thread = account.threads.get(recipient)
    name = act.sender or (thread[-1].submission.sender if thread else "")
    agent = account.agents.find(name) if name else account.agents.only()
    if agent is None:
        known = ", ".join(agent.id for agent in account.agents.all()) or "none"
        raise ImpossibleAct(f"expected to which agent (to: welcome-bot), got {name!r}; known: {known}")
    return agent


def _delivered(scene: _Scene) -> list[Message]:
    thread = scene.account.threads.get(scene.recipient, [])
    mine = [message for message in thread if message.submission.sender == scene.agent.id]
    return [message for message in mine if message.state in (State.DELIVERED, State.READ)]


def _writes(scene: _Scene) -> Sequence[Report]:
    return scene.message("TEXT", {"text": scene.act.text})


def _types(scene: _Scene) -> Sequence[Report]:
    return scene.event("IS_TYPING", {"eventType": "IS_TYPING"})


def _reads(scene: _Scene) -> Sequence[Report]:
    """The conversation is opened: every delivered message is read, or the one that data names."""
    wanted = scene.data.get("messageId")
    unread = [
        message
        for message in _delivered(scene)
        if message.state is State.DELIVERED and wanted in (None, message.id)
    ]
    if not unread:
        raise ImpossibleAct(f"{scene.recipient} has no delivered, unread message of {scene.agent.id}")
    for message in unread:
        scene.account.gateway.move(message, Move.READ, by=Rung.RECIPIENT)
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
    offered = [
        (kind, said)
        for message in reversed(_delivered(scene))
        for one in suggestions_of(message.submission.details.resource["contentMessage"])  # type: ignore[attr-defined]
        for kind, said in one.items()
    ]
    postback = scene.data.get("postbackData")
    words = scene.act.text or scene.data.get("text")
    for kind, said in offered:
        if postback in (None, said.get("postbackData")) and words in (None, "", said.get("text")):
            return _tapped(scene, kind, said)
    named = " and ".join(
        f"{name} {value!r}" for name, value in (("postbackData", postback), ("text", words)) if value
    )
    there = ", ".join(
        f"{said.get('text')!r} (postbackData {said.get('postbackData')!r})"
        for _, said in offered[:_SHOWN_MAX]
    )
    raise ImpossibleAct(
        f"no delivered message of {scene.agent.id} to {scene.recipient} offered "
        f"{f'a suggestion with {named}' if named else 'any suggestion'}; offered: {there or 'nothing'}"
    )


def _tapped(scene: _Scene, kind: str, said: Mapping[str, Any]) -> Sequence[Report]:
    postback = str(said.get("postbackData", ""))
    if scene.account.settings.taps[kind] == "message":
        response = {"postbackData": postback, "text": said.get("text", ""), "type": kind.upper()}
        reports = scene.message("SUGGESTION_RESPONSE", {"suggestionResponse": response})
    else:
        reports = scene.event("SUGGESTION_RESPONSE", {"suggestionResponse": {"postbackData": postback}})
    if "shareLocationAction" in said:
        return [*reports, *scene.message("LOCATION", {"location": _place(scene)}, ".location")]
    return reports


def _place(scene: _Scene) -> Mapping[str, object]:
    given = {name: scene.data[name] for name in ("latitude", "longitude") if name in scene.data}
    for name, value in given.items():
        most = 90 if name == "latitude" else 180
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > most:
            raise ImpossibleAct(f"{name}: expected a number from -{most} to {most}, got {value!r}")
    return {**_PLACE, **given}


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
        if scene.account.testers.status(scene.agent.id, scene.recipient) is None:
            raise ImpossibleAct(f"{scene.recipient} was not invited to test {scene.agent.id}")
        # No webhook tells of it; the management API must be polled.
        scene.account.testers.set(scene.agent.id, scene.recipient, status)
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
