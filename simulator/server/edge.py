"""
The edge: the way of a call from its request to its answer, whichever door it came through.

A door reads the request; `admit` finds out whose it is and turns away what has no
business here; `handle` lets the rules and the provider's handler decide; the reply
goes out through the door; then the call's webhooks may go and the clock may go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from time import perf_counter_ns
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct, structs

from simulator.kernel.engine.call_result import CallResult
from simulator.kernel.model.rules import AnswerFault
from simulator.kernel.model.turns import SLICE, at_once
from simulator.kernel.store.facts import Called, Failed, Note
from simulator.kernel.store.shared_facts import called
from simulator.provider import (
    Answer,
    Call,
    CallCut,
    Credential,
    Gateway,
    Provider,
    Refuse,
    Route,
    Router,
    header_text,
)
from simulator.runtime.space import Exchange, Space, TurnedAway
from simulator.runtime.turns import taking_turns
from simulator.secrecy import harmless_query
from simulator.server.guests import Guests
from simulator.server.notes import note_of
from simulator.server.problems import Problem
from simulator.server.replies import (
    NOTE_HEADER,
    Door,
    HttpReply,
    gateway_page,
    headers_of,
    headers_with_reason,
    problem_reply,
    send_damaged,
    tell_refusals,
    why_refused,
    why_unauthorized,
)
from simulator.server.spaces import DEFAULT_SPACE, SpaceRegistry, UnknownSpace

__all__ = ["SPACE_HEADER", "UNREADABLE_BODY", "Admitted", "Edge", "HttpRequest"]

SPACE_HEADER: Final = "X-Simulator-Space"
UNREADABLE_BODY: Final = b"\x00"
"""
What a provider is handed for a body that broke off or could not be unpacked.

It refuses that as it refuses any bytes that are not in its format.
"""
_EARLY_PATIENCE_REAL_S: Final = 2.0
_EXCHANGE_BYTES_MAX: Final = 65_536
"""So much of a body is kept for the reader; a thousand uploaded videos would fill the memory."""
_KEPT_CHARS_MAX: Final = 1_000
"""So much of a path, and of each value of a query, stays in the journal."""
_WAYS_MAX: Final = 512
_LOG = logging.getLogger("simulator")


class HttpRequest(Struct, eq=False, gc=False):
    """
    The head of a request to a provider, as a door has read it.
    """

    method: str
    path: str
    """The provider's own."""
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    """By name, in any letters."""
    url: str
    """Scheme, host and what stood before the path."""
    provider: Provider
    space: str
    """Empty: the path does not name one."""
    kept: bool = False
    """The door keeps it, and will come with the same one when the same head comes again."""


class _Way(NamedTuple):
    """How a head finds its way in, as long as the spaces stay as they are."""

    space: Space
    gateway: Gateway
    route: Route
    path_values: Mapping[str, str]
    credential: Credential | None


class Admitted(NamedTuple):
    """
    A call that has found its way in, all but its body.
    """

    space: Space
    provider: Provider
    route: Route
    call: Call


class Edge:
    """
    Serves every provider in every space.
    """

    def __init__(self, registry: SpaceRegistry, guests: Guests | None = None) -> None:
        self._registry = registry
        self._guests = guests
        self._routers = {name: Router(provider.routes) for name, provider in registry.providers.items()}
        self.calls = 0
        self._ways: dict[HttpRequest, _Way] = {}
        self._version = registry.version
        """Of the registry, for which these are good."""
        self._noting: set[asyncio.Task[None]] = set()
        """What is being noted of thousands whose answer nobody read."""

    # -- in -------------------------------------------------------------------------------------

    def admit(self, request: HttpRequest) -> Admitted | HttpReply:
        """Return the call that *request* is, or the reply to one that is turned away."""
        self.calls += 1
        provider, registry = request.provider, self._registry
        if self._version != registry.version:
            self._ways.clear()
            self._version = registry.version
        if (way := self._ways.get(request)) is not None:
            call = _call_of(request, way.gateway)
            call.path_values, call.credential = way.path_values, way.credential
            return Admitted(way.space, provider, way.route, call)
        call = _call_of(request, registry.get(DEFAULT_SPACE).gateways[provider.name])
        if self._guests is not None and (why := self._guests.why_not(request.headers)):
            problem = Problem(403, "Forbidden", why)
            answer = Answer(403, msgspec.json.encode(problem.body), "application/problem+json")
            return self._turn_away(registry.get(DEFAULT_SPACE), call, answer, TurnedAway.GUEST, why)
        route, call.path_values, allowed = self.find(call)
        credential = provider.credential_of(call)
        space = self._space_of(request, credential)
        call.gateway = space.gateways[provider.name]
        call.credential = credential
        if route is None:
            methods = f"; {' and '.join(allowed)} is served there" if allowed else ""
            why = f"{provider.name} has no {request.method} {request.path[:200]}{methods}"
            answer = provider.not_found(call, allowed)
            return self._turn_away(
                space, call, answer, TurnedAway.NO_ROUTE, why, sends=request.method != "GET"
            )
        if not route.open:
            if credential is None or not registry.accepts(space, provider.name, credential):
                why = why_unauthorized(credential, provider.credential_wanted(call))
                answer = provider.unauthorized(call)
                return self._turn_away(space, call, answer, TurnedAway.CREDENTIAL, why, sends=route.sends)
            # A late call of one test would be a riddle in the space of all others.
            if space.name == DEFAULT_SPACE and not request.space:
                deleted = registry.deleted_owner_of(provider.name, credential)
                if deleted:
                    why = f"the credential belongs to the space {deleted!r}, which was deleted"
                    answer = provider.unauthorized(call)
                    return self._turn_away(space, call, answer, TurnedAway.CREDENTIAL, why)
        if request.kept:
            if len(self._ways) >= _WAYS_MAX:
                self._ways.clear()
            self._ways[request] = _Way(space, call.gateway, route, call.path_values, credential)
        return Admitted(space, provider, route, call)

    def find(self, call: Call) -> tuple[Route | None, dict[str, str], tuple[str, ...]]:
        """Return the route of *call*, its path parameters, and which methods its path would allow."""
        provider = self._registry.providers[call.gateway.provider]
        return self._routers[provider.name].find(call.method, provider.normal_path(call.path))

    def _space_of(self, request: HttpRequest, credential: Credential | None) -> Space:
        registry = self._registry
        if request.space:
            return registry.get(request.space)
        if credential is not None:
            owner = registry.owner_of(request.provider.name, credential)
            if owner is not None:
                return owner
        return registry.get(request.headers.get(SPACE_HEADER) or DEFAULT_SPACE)

    def note_unreadable(self, why: str) -> None:
        """Take note of a request that could not be read, of which nobody knows whose it was."""
        simulation = self._registry.get(DEFAULT_SPACE).simulation
        simulation.journal.add(simulation.clock.now_ms, Note("a request was no HTTP/1.1", why))

    def note_unserved(self, method: str, path: str, why: str) -> None:
        """Take note of a request that could be read, and was for nobody."""
        simulation = self._registry.get(DEFAULT_SPACE).simulation
        text = f"a call was for nobody: {method[:50]} {_short(path)}"
        simulation.journal.add(simulation.clock.now_ms, Note(text, why))

    def too_large(self, admitted: Admitted) -> HttpReply:
        """Return the reply to a call whose body is larger than its route allows."""
        space, provider, route, call = admitted
        why = f"expected a body of at most {route.body_bytes_max} bytes"
        answer = provider.too_large(call, route.body_bytes_max)
        reply = self._turn_away(space, call, answer, TurnedAway.TOO_LARGE, why, sends=route.sends)
        return reply._replace(close=True)

    def failed(self, method: str, path: str, failure: Exception) -> HttpReply:
        """Return the reply to a request that names no space there is, or for which the edge itself failed."""
        if isinstance(failure, UnknownSpace):
            self.note_unserved(method, path, str(failure))
            return problem_reply(Problem(404, "No such space", str(failure)))
        _LOG.error("%s %s failed inside the simulator", method, path, exc_info=failure)
        detail = f"{method} {path} failed inside the simulator; its log has the details"
        return problem_reply(Problem(500, "Failed", detail))

    def _turn_away(
        self, space: Space, call: Call, answer: Answer, kind: TurnedAway, why: str, *, sends: bool = False
    ) -> HttpReply:
        """Answer a call that never reaches the provider's work; *why* is told in a header and the journal."""
        space.driver.enter()
        try:
            if space.dispatcher.tap is not None:
                space.dispatcher.tap.called(call, admitted=False)
                space.dispatcher.tap.answered(call, answer)
            _note(space, call, answer, why, sends=sends, turned_away=kind)
            provider = self._registry.providers[call.gateway.provider]
            return HttpReply(answer.status, answer.body, headers_with_reason(answer, provider, why))
        finally:
            space.driver.leave()

    # -- and out again --------------------------------------------------------------------------

    def handle(self, admitted: Admitted, body: bytes, door: Door) -> Awaitable[None] | None:
        """
        Do what a call with this body asks for, and answer it through *door*.

        Returns None when all of that is done, as it is for nearly every call; else
        what remains, to be awaited.
        """
        space, provider, route, call = admitted
        call.body = body
        space.driver.enter()
        try:
            if space.dispatcher.tap is not None:
                space.dispatcher.tap.called(call, admitted=True)
                call.at_once = True
            answer = self._ask(space, provider, route, call)
            if not isinstance(answer, Answer) or call.result.delays_answer:
                return self._answer_later(admitted, answer, door)
            # Written here, so that webhooks of this call start after its answer.
            reply = self._reply(space, route, call, answer)
            self._watch(space, call, door)
            written = door.write(reply)
            if written is not None:
                return self._leave_after(written, space, call, answer)
        except BaseException:
            self._leave(space, call, None)
            raise
        self._leave(space, call, answer)
        return None

    async def answer(self, space: Space, provider: Provider, route: Route, call: Call) -> Answer:
        """Return what *provider* answers, before anything is done to the answer on its way."""
        answer = self._ask(space, provider, route, call)
        return answer if isinstance(answer, Answer) else await self._awaited(space, provider, call, answer)

    def _ask(self, space: Space, provider: Provider, route: Route, call: Call) -> Answer | Awaitable[Answer]:
        try:
            if not route.sends:
                credential = call.credential.text if call.credential else ""
                if route.recipients is not None:
                    about = partial(route.recipients, call)
                    consulting = space.simulation.consulting(
                        provider.name, route.operation, credential, about
                    )
                    return call.when_decided(consulting, route.handler)
                call.decided(space.simulation.consult(provider.name, route.operation, credential))
            return route.handler(call)
        except Exception as failure:
            return _excused(space, provider, call, failure)

    async def _awaited(
        self, space: Space, provider: Provider, call: Call, answer: Awaitable[Answer]
    ) -> Answer:
        try:
            return await answer
        except Exception as failure:
            return _excused(space, provider, call, failure)

    async def _answer_later(self, admitted: Admitted, asked: Answer | Awaitable[Answer], door: Door) -> None:
        """Answer a call whose handler takes its time, or to whose answer a rule does something."""
        space, provider, route, call = admitted
        answer: Answer | None = None
        try:
            with space.driver.taking_time(_named(provider, call)) as answered:
                if isinstance(asked, Answer):
                    answer = asked
                else:
                    answer = await self._awaited(space, provider, call, asked)
                result = call.result
                if result.early:
                    await space.send_early(_EARLY_PATIENCE_REAL_S)
                if result.stall_real_ms:
                    await asyncio.sleep(result.stall_real_ms / 1000)
                if result.drop is not None:
                    _note(space, call, None)
                    door.cut()
                    return
                reply = self._reply(space, route, call, answer)
                self._watch(space, call, door)
                if result.damage is None or not result.damage.drip_real_ms:
                    answered()
                # A client that hung up first misses its answer, which is its own affair.
                with contextlib.suppress(ConnectionError):
                    if result.damage is not None:
                        draws = space.simulation.chance.of("answer", *(result.damage_key or ()))
                        await send_damaged(door, reply, result.damage, draws)
                    else:
                        written = door.write(reply)
                        if written is not None:
                            await written
        finally:
            await self._leave_in_turns(space, call, answer)

    async def _leave_after(self, written: Awaitable[None], space: Space, call: Call, answer: Answer) -> None:
        provider = self._registry.providers[call.gateway.provider]
        try:
            with space.driver.taking_time(_named(provider, call)) as answered:
                answered()
                with contextlib.suppress(ConnectionError):
                    await written
        finally:
            await self._leave_in_turns(space, call, answer)

    def _leave(self, space: Space, call: Call, answer: Answer | None) -> None:
        """Let the webhooks of a call go, for its answer is out; and the clock."""
        if space.dispatcher.tap is not None:
            space.dispatcher.tap.answered(call, answer)
        space.simulation.answered(call.result)
        space.driver.leave()

    async def _leave_in_turns(self, space: Space, call: Call, answer: Answer | None) -> None:
        """Do the same for a call that may have asked for thousands; what is recorded goes in one piece."""
        if space.dispatcher.tap is not None:
            self._leave(space, call, answer)
            return
        try:
            await taking_turns(space.simulation.answering(call.result))
        finally:
            space.driver.leave()

    def _watch(self, space: Space, call: Call, door: Door) -> None:
        """Have it noted when nobody is left to read what became of a send."""
        if call.result.outcomes or call.result.deferred is not None:
            door.watch(partial(self._unread, space, call))

    def _unread(self, space: Space, call: Call) -> None:
        noting = space.simulation.unread(call.result)
        many = len(call.result.outcomes) + len(call.result.later) > SLICE
        if not many or space.dispatcher.tap is not None:
            at_once(noting)
            return
        space.driver.enter()
        task = asyncio.get_running_loop().create_task(taking_turns(noting))
        self._noting.add(task)
        task.add_done_callback(partial(self._noted, space))

    def _noted(self, space: Space, task: asyncio.Task[None]) -> None:
        self._noting.discard(task)
        space.driver.leave()

    def _reply(self, space: Space, route: Route, call: Call, answer: Answer) -> HttpReply:
        """Return the reply that *answer* is, having taken note of the call."""
        headers = headers_of(answer, self._registry.providers[call.gateway.provider])
        if call.result.refused and (wait_s := dict(headers).get("Retry-After", "")).isdecimal():
            space.simulation.told_to_wait(call.result, int(wait_s))
        why = why_refused(call)
        tell_refusals(headers, space, call, why)
        if note := note_of(space, call):
            headers.append((NOTE_HEADER, header_text(note)))
        _note(space, call, answer, why, sends=route.sends)
        return HttpReply(answer.status, answer.body, headers)


def _call_of(request: HttpRequest, gateway: Gateway) -> Call:
    return Call(
        method=request.method,
        path=request.path,
        query=request.query,
        headers=request.headers,
        url=request.url,
        gateway=gateway,
        began_real_ns=perf_counter_ns(),
    )


def _excused(space: Space, provider: Provider, call: Call, failure: Exception) -> Answer:
    """Return the answer to a call that was refused, cut off, or failed inside the simulator."""
    if isinstance(failure, Refuse):
        call.refused = failure
        if failure.decided is not None and failure.decided.gateway:
            return gateway_page(failure.decided.gateway)
        return provider.refused(call, failure)
    if isinstance(failure, CallCut):
        # `_answer_later` asks the result, not the answer, whether to cut.
        return Answer(0)
    _LOG.error("%s %s failed inside the simulator", call.method, call.path, exc_info=failure)
    simulation = space.simulation
    fact = Failed(call.method, call.path)
    simulation.journal.add(simulation.clock.now_ms, fact, provider=provider.name)
    return provider.failed(call)


def _named(provider: Provider, call: Call) -> str:
    return f"{call.method} /{provider.name}{call.path[:200]}"


def _note(
    space: Space,
    call: Call,
    answer: Answer | None,
    why: str = "",
    *,
    sends: bool = False,
    turned_away: TurnedAway | None = None,
) -> None:
    simulation = space.simulation
    provider = call.gateway.provider
    result = call.result
    status = answer.status if answer is not None else 0
    path = _short(call.path)
    if why or call.query or call.names:
        fact = Called(
            call.method,
            path,
            status,
            tuple((_short(name), _short(value)) for name, value in harmless_query(call.query)),
            code=call.refused.code if call.refused is not None and call.refused.decided is None else "",
            detail=_short(why),
            invalid_send=sends and bool(why),
            names=tuple(call.names.items()) if call.names else (),
        )
    else:
        fact = called(call.method, path, status)
    if result.about is not None:
        fact = _misbehaviour(fact, result)
    space.exchange_count += 1
    space.exchanges.append(
        Exchange(
            simulation.clock.now_ms,
            provider,
            call.method,
            call.path,
            status,
            call.body[:_EXCHANGE_BYTES_MAX],
            answer.body[:_EXCHANGE_BYTES_MAX] if answer is not None else b"",
            call.query,
            call.headers.items(),
            (perf_counter_ns() - call.began_real_ns) // 1_000,
            turned_away,
            why,
        )
    )
    # Last, for whoever is told of the entry writes down the exchange with it.
    simulation.journal.add(simulation.clock.now_ms, fact, key=result.about, provider=provider)


def _short(text: str) -> str:
    """Return what the journal keeps of a text of a call; its last entries would weigh gigabytes otherwise."""
    if len(text) <= _KEPT_CHARS_MAX:
        return text
    return f"{text[:_KEPT_CHARS_MAX]}… ({len(text)} characters)"


def _misbehaviour(fact: Called, result: CallResult) -> Called:
    """Return a call with what was done to its answer on purpose."""
    damage = result.damage or AnswerFault()
    return structs.replace(
        fact,
        stall_real_ms=result.stall_real_ms,
        garbled=damage.garble,
        truncated=damage.truncate,
        dripped=damage.drip_real_ms > 0,
        work_done=result.refusal is not None and bool(result.outcomes),
        dropped=result.drop is not None,
        rule=result.fault_rule,
    )
