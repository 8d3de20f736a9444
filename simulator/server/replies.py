"""
Replies of the edge: their headers, what these tell of refusals, and what rules do to their bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple, Protocol

import msgspec

from simulator.explain.narrative import decided_by
from simulator.kernel.model.chance import Draws
from simulator.kernel.model.message import Refused
from simulator.kernel.model.rules import AnswerFault
from simulator.kernel.webhooks.damage import garbled
from simulator.provider import Answer, Call, Credential, Provider, header_text
from simulator.runtime.space import Space
from simulator.server.problems import Problem

__all__ = [
    "NOTE_HEADER",
    "Door",
    "HttpReply",
    "gateway_page",
    "headers_of",
    "headers_with_reason",
    "problem_reply",
    "send_damaged",
    "tell_refusals",
    "why_refused",
    "why_unauthorized",
]

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_MARK: Final = "the body begins with a byte-order mark; "
REASON_HEADER: Final = "X-Simulator-Reason"
NOTE_HEADER: Final = "X-Simulator-Note"
_DRIPS: Final = 20
_PIECE_BYTES: Final = 1_048_576
_REASONS_TOLD_MAX: Final = 10


class HttpReply(NamedTuple):
    """
    What is answered to a request.
    """

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]]
    close: bool = False
    """The connection ends with it."""

    @property
    def is_short(self) -> bool:
        """True when its body goes out in one piece."""
        return len(self.body) <= _PIECE_BYTES

    def pieces(self) -> Iterator[bytes]:
        """Yield its body in pieces, to be sent as fast as its client reads."""
        for place in range(0, len(self.body), _PIECE_BYTES):
            yield self.body[place : place + _PIECE_BYTES]


class Door(Protocol):
    """
    Where a call came in and its answer goes out: one request on one connection.

    Whatever a client that has hung up would have been told is dropped in silence,
    or with a ConnectionError.
    """

    def watch(self, unread: Callable[[], None]) -> None:
        """Call *unread* if the connection breaks before what is written next was read."""
        ...

    def write(self, reply: HttpReply) -> Awaitable[None] | None:
        """Send a whole reply; None: it is on its way already."""
        ...

    async def begin(self, reply: HttpReply, length: int) -> None:
        """Send the head of a reply whose body, of so many bytes, follows piece by piece."""
        ...

    async def push(self, piece: bytes) -> None:
        """Send a piece of the body."""
        ...

    async def end(self) -> None:
        """Say that the body is complete."""
        ...

    def close(self) -> None:
        """End the connection as soon as what was written has left."""
        ...

    def cut(self) -> None:
        """Break the connection off at once."""
        ...


def problem_reply(problem: Problem) -> HttpReply:
    """Return a problem of the simulator itself as a reply."""
    headers = (("Content-Type", "application/problem+json"),)
    return HttpReply(problem.status, msgspec.json.encode(problem.body), headers)


def headers_of(answer: Answer, provider: Provider) -> list[tuple[str, str]]:
    """Return the headers that the provider gives its answer."""
    headers = [("Server", provider.server_header)] if provider.server_header else []
    if answer.content_type:
        headers.append(("Content-Type", answer.content_type))
    headers.extend(answer.headers)
    return headers


def gateway_page(status: int) -> Answer:
    """Return what a proxy answers when it gets no answer from the provider behind it: a page, for people."""
    title = f"{status} {HTTPStatus(status).phrase}"
    page = f"<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n</body>\n</html>\n"
    return Answer(status, page.encode(), "text/html")


def headers_with_reason(answer: Answer, provider: Provider, why: str) -> list[tuple[str, str]]:
    """Return the same with the reason why the call was turned away, unless the provider gives one."""
    headers = headers_of(answer, provider)
    if not _has(headers, REASON_HEADER):
        headers.append((REASON_HEADER, header_text(why)))
    return headers


def _has(headers: Sequence[tuple[str, str]], name: str) -> bool:
    return any(present.lower() == name.lower() for present, _ in headers)


def why_refused(call: Call) -> str:
    """Return what the provider's own checks found; what rules decide is told of each submission."""
    refuse = call.refused
    if refuse is None or refuse.decided is not None:
        return ""
    # What a provider makes of a body that nobody could read is no help.
    mark = _MARK if call.body[:3] == _BYTE_ORDER_MARK else ""
    return call.unreadable or f"{mark}{refuse.reason}"


def why_unauthorized(credential: Credential | None, accepted_forms: str) -> str:
    """Return why a call without a credential that the space takes is turned away."""
    if credential is None:
        why = "the credential is missing, or not of a form that the provider takes"
        return f"{why}: expected {accepted_forms}" if accepted_forms else why
    if credential.always_refused:
        return "a credential that begins with invalid is always refused"
    return "the credential is none of those that the settings of this space list"


def tell_refusals(headers: list[tuple[str, str]], space: Space, call: Call, why: str) -> None:
    """
    Say in headers what the provider's body has no words for: how many were refused, and by what.

    *why* is what the provider's own checks found.
    """
    result = call.result
    if call.notes:
        headers.append((NOTE_HEADER, header_text("; ".join(call.notes))))
    if why:
        headers[:] = [header for header in headers if header[0].lower() != REASON_HEADER.lower()]
        headers.append((REASON_HEADER, header_text(why)))
        return
    if result.refusal is not None:
        refusal = result.refusal
        reasons = [(refusal.code, refusal.rule, decided_by(refusal.rung, refusal.rule, refusal.why))]
    else:
        refused = [outcome for outcome in result.outcomes if isinstance(outcome, Refused)]
        if not refused:
            return
        headers.append(("X-Simulator-Refused", f"{len(refused)} of {len(result.outcomes)}"))
        # Of thousands most are refused for one of a few reasons: each is put into words once.
        kinds = dict.fromkeys((r.code, r.rule, r.rung, r.why) for r in refused)
        reasons = [(code, rule, decided_by(rung, rule, why)) for code, rule, rung, why in kinds]
        reasons = list(dict.fromkeys(reasons))[:_REASONS_TOLD_MAX]
    rules = list(dict.fromkeys(rule for _, rule, _ in reasons if rule))
    if rules:
        headers.append(("X-Simulator-Rule", header_text(", ".join(rules))))
    if not _has(headers, REASON_HEADER):
        lines = space.simulation.state.rules.lines
        texts = [
            f"{code}: {why} (line {lines[rule]})" if lines.get(rule) else f"{code}: {why}"
            for code, rule, why in reasons
        ]
        headers.append((REASON_HEADER, header_text("; ".join(texts))))


async def send_damaged(door: Door, reply: HttpReply, damage: AnswerFault, draws: Draws) -> None:
    """Send an answer garbled, bit by bit, or broken off in the middle, as a rule wants it."""
    sent = garbled(reply.body, draws) if damage.garble else reply.body
    await door.begin(reply, len(sent))
    if damage.truncate:
        sent = sent[: len(sent) // 2]
    length = max(1, -(-len(sent) // _DRIPS)) if damage.drip_real_ms else max(1, len(sent))
    pieces = -(-len(sent) // length)
    for place in range(0, len(sent), length):
        if damage.drip_real_ms:
            await asyncio.sleep(damage.drip_real_ms / pieces / 1000)
        await door.push(sent[place : place + length])
    if damage.truncate:
        # What was written leaves before the connection is cut.
        door.close()
    else:
        await door.end()
