"""
The edge: from an HTTP request to a provider's handler and back.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from time import perf_counter_ns
from typing import Final

from aiohttp import web
from msgspec import structs

from simulator.explain.narrative import decided_by
from simulator.kernel.engine.call_result import CallResult
from simulator.kernel.model.chance import Draws
from simulator.kernel.model.message import Refused
from simulator.kernel.model.rules import AnswerFault, Drop
from simulator.kernel.store.facts import Called, Failed
from simulator.kernel.webhooks.damage import garbled
from simulator.provider import (
    Answer,
    Call,
    CallCut,
    Credential,
    Provider,
    Refuse,
    Route,
    Router,
    header_text,
)
from simulator.runtime.space import Exchange, Space
from simulator.secrecy import harmless_query
from simulator.server.problems import UNREADABLE, Problem, problem_response
from simulator.server.spaces import DEFAULT_SPACE, SpaceRegistry, UnknownSpace

__all__ = ["SPACE_HEADER", "Edge"]

SPACE_HEADER: Final = "X-Simulator-Space"
REASON_HEADER: Final = "X-Simulator-Reason"
_EARLY_PATIENCE_REAL_S: Final = 2.0
_DRIPS: Final = 20
_REASONS_TOLD_MAX: Final = 10
_EXCHANGE_BYTES_MAX: Final = 65_536
"""So much of a body is kept for the reader; a thousand uploaded videos would fill the memory."""
_LOG = logging.getLogger("simulator")


class _TooLarge(Exception):
    """The body is larger than its route allows."""


# What a provider is handed for a body that broke off or could not be unpacked: it
# refuses that as it refuses any bytes that are not in its format.
_UNREADABLE: Final = b"\x00"


class Edge:
    """
    Serves every provider in every space.
    """

    def __init__(self, registry: SpaceRegistry) -> None:
        self._registry = registry
        self._routers = {name: Router(provider.routes) for name, provider in registry.providers.items()}
        self.calls = 0

    async def serve(
        self, request: web.Request, provider: Provider, space_name: str, path: str, prefix: str
    ) -> web.StreamResponse:
        """Answer *request* to *provider*; *path* is the provider's own, *prefix* what stood before it."""
        try:
            return await self._serve(request, provider, space_name, path, prefix)
        except UnknownSpace as unknown:
            return problem_response(Problem(404, "No such space", str(unknown)))
        except Exception:
            _LOG.exception("%s %s failed inside the simulator", request.method, request.path)
            detail = f"{request.method} {request.path} failed inside the simulator; its log has the details"
            return problem_response(Problem(500, "Failed", detail))

    async def _serve(
        self, request: web.Request, provider: Provider, space_name: str, path: str, prefix: str
    ) -> web.StreamResponse:
        self.calls += 1
        call = Call(
            method=request.method,
            path=path,
            query=list(request.rel_url.query.items()) if request.rel_url.raw_query_string else (),
            headers=request.headers,
            url=f"{request.scheme}://{request.host}{prefix}",
            gateway=self._registry.get(DEFAULT_SPACE).gateways[provider.name],
            began_real_ns=perf_counter_ns(),
        )
        route, call.path_values, allowed = self.find(call)
        credential = provider.credential_of(call)
        space = self._space_of(request, space_name, provider.name, credential)
        call.gateway = space.gateways[provider.name]
        call.credential = credential
        if route is None:
            methods = f"; {' and '.join(allowed)} is served there" if allowed else ""
            why = f"{provider.name} has no {call.method} {path[:200]}{methods}"
            return await self._reject(
                request, space, call, provider.not_found(call, allowed), why, sends=call.method != "GET"
            )
        if not route.open and (
            credential is None or not self._registry.accepts(space, provider.name, credential)
        ):
            return await self._reject(
                request,
                space,
                call,
                provider.unauthorized(call),
                _why_unauthorized(credential),
                sends=route.sends,
            )
        try:
            call.body = await _body(request, route.body_bytes_max)
        except UNREADABLE:
            if request.transport is None:
                # The client is gone, and with it what it might have wanted.
                return web.Response()
            request.protocol.close()
            call.body = _UNREADABLE
        except _TooLarge:
            refusal = provider.too_large(call, route.body_bytes_max)
            why = f"expected a body of at most {route.body_bytes_max} bytes"
            return await self._reject(request, space, call, refusal, why, close=True, sends=route.sends)
        return await self._handle(request, space, provider, route, call)

    def _space_of(
        self, request: web.Request, name: str, provider: str, credential: Credential | None
    ) -> Space:
        registry = self._registry
        if name:
            return registry.get(name)
        if credential is not None and (owner := registry.owner_of(provider, credential)) is not None:
            return owner
        return registry.get(request.headers.get(SPACE_HEADER) or DEFAULT_SPACE)

    async def _handle(
        self, request: web.Request, space: Space, provider: Provider, route: Route, call: Call
    ) -> web.StreamResponse:
        space.driver.enter()
        answer: Answer | None = None
        try:
            if space.tap is not None:
                space.tap.called(call, admitted=True)
            answer = await self.answer(space, provider, route, call)
            result = call.result
            if result.early:
                await space.send_early(_EARLY_PATIENCE_REAL_S)
            if result.stall_real_ms:
                await asyncio.sleep(result.stall_real_ms / 1000)
            if result.drop is not None:
                _note(request, space, call, None)
                return _cut(request)
            response = _response(answer)
            _tell_refusals(response, space, call)
            _note(request, space, call, answer, _why_refused(call), sends=route.sends)
            # A client that hung up first misses its answer, which is its own affair.
            with contextlib.suppress(ConnectionError):
                if result.damage is not None:
                    draws = space.simulation.chance.of("answer", *(result.damage_key or ()))
                    return await _damaged(request, response, answer.body, result.damage, draws)
                # Written here, so that webhooks of this call start after its answer.
                await response.prepare(request)
                await response.write_eof()
            return response
        finally:
            if space.tap is not None:
                space.tap.answered(call, answer)
            space.simulation.answered(call.result)
            space.driver.leave()

    def find(self, call: Call) -> tuple[Route | None, dict[str, str], tuple[str, ...]]:
        """Return the route of *call*, its path parameters, and which methods its path would allow."""
        provider = self._registry.providers[call.gateway.provider]
        return self._routers[provider.name].find(call.method, provider.normal_path(call.path))

    async def answer(self, space: Space, provider: Provider, route: Route, call: Call) -> Answer:
        """Return what *provider* answers, before anything is done to the answer on its way."""
        try:
            if not route.sends:
                credential = call.credential.text if call.credential else ""
                result = space.simulation.consult(provider.name, route.operation, credential)
                call.result = result
                if result.refusal is not None:
                    raise Refuse.as_decided(result.refusal)
                if result.drop is Drop.BEFORE:
                    raise CallCut
            answer = route.handler(call)
            if inspect.isawaitable(answer):
                return await answer
            return answer
        except Refuse as refuse:
            call.refused = refuse
            return provider.refused(call, refuse)
        except CallCut:
            # `_handle` asks the result, not the answer, whether to cut.
            return Answer(0)
        except Exception:
            _LOG.exception("%s %s failed inside the simulator", call.method, call.path)
            simulation = space.simulation
            fact = Failed(call.method, call.path)
            simulation.journal.add(simulation.clock.now_ms, fact, provider=provider.name)
            return provider.failed(call)

    async def _reject(
        self,
        request: web.Request,
        space: Space,
        call: Call,
        answer: Answer,
        why: str,
        *,
        close: bool = False,
        sends: bool = False,
    ) -> web.StreamResponse:
        """Answer a call that never reached the provider's work; *why* is told in a header and the journal."""
        space.driver.enter()
        try:
            if space.tap is not None:
                space.tap.called(call, admitted=False)
                space.tap.answered(call, answer)
            _note(request, space, call, answer, why, sends=sends)
            response = _response(answer)
            if REASON_HEADER not in response.headers:
                response.headers[REASON_HEADER] = header_text(why)
            if close:
                response.force_close()
            return response
        finally:
            space.driver.leave()


def _response(answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body)
    headers = response.headers
    if answer.content_type:
        headers["Content-Type"] = answer.content_type
    for name, value in answer.headers:
        headers.add(name, value)
    return response


def _why_refused(call: Call) -> str:
    """Return what the provider's own checks found; what rules decide is told of each submission."""
    refuse = call.refused
    return refuse.reason if refuse is not None and refuse.decided is None else ""


def _tell_refusals(response: web.Response, space: Space, call: Call) -> None:
    """Say in headers what the provider's body has no words for: how many were refused, and by what."""
    result = call.result
    if why := _why_refused(call):
        response.headers[REASON_HEADER] = header_text(why)
        return
    if result.refusal is not None:
        refusal = result.refusal
        reasons = [(refusal.code, refusal.rule, decided_by(refusal.rung, refusal.rule))]
    else:
        refused = [outcome for outcome in result.outcomes if isinstance(outcome, Refused)]
        if not refused:
            return
        response.headers["X-Simulator-Refused"] = f"{len(refused)} of {len(result.outcomes)}"
        reasons = [(one.code, one.rule, decided_by(one.rung, one.rule, one.why)) for one in refused]
        reasons = list(dict.fromkeys(reasons))[:_REASONS_TOLD_MAX]
    rules = list(dict.fromkeys(rule for _, rule, _ in reasons if rule))
    if rules:
        response.headers["X-Simulator-Rule"] = header_text(", ".join(rules))
    if REASON_HEADER not in response.headers:
        lines = space.simulation.state.rules.lines
        told = [
            f"{code}: {why} (line {lines[rule]})" if lines.get(rule) else f"{code}: {why}"
            for code, rule, why in reasons
        ]
        response.headers[REASON_HEADER] = header_text("; ".join(told))


def _why_unauthorized(credential: Credential | None) -> str:
    if credential is None:
        return "the credential is missing, or not of a form that the provider takes"
    if credential.always_refused:
        return "a credential that begins with invalid is always refused"
    return "the credential is none of those that the settings of this space list"


def _note(
    request: web.Request,
    space: Space,
    call: Call,
    answer: Answer | None,
    why: str = "",
    *,
    sends: bool = False,
) -> None:
    simulation = space.simulation
    provider = call.gateway.provider
    result = call.result
    status = answer.status if answer is not None else 0
    fact = Called(
        call.method,
        call.path,
        status,
        harmless_query(call.query) if call.query else (),
        code=call.refused.code if call.refused is not None and call.refused.decided is None else "",
        detail=why,
        invalid_send=sends and bool(why),
    )
    if result.about is not None:
        fact = _misbehaviour(fact, result)
    simulation.journal.add(simulation.clock.now_ms, fact, key=result.about, provider=provider)
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
            tuple(request.headers.items()),
            (perf_counter_ns() - call.began_real_ns) // 1_000 if call.began_real_ns else 0,
        )
    )


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


async def _damaged(
    request: web.Request, response: web.Response, body: bytes, damage: AnswerFault, draws: Draws
) -> web.StreamResponse:
    """Send an answer garbled, bit by bit, or broken off in the middle, as a rule wants it."""
    sent = garbled(body, draws) if damage.garble else body
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.headers.pop("Content-Length", None)
    stream.content_length = len(sent)
    await stream.prepare(request)
    if damage.truncate:
        sent = sent[: len(sent) // 2]
    length = max(1, -(-len(sent) // _DRIPS)) if damage.drip_real_ms else max(1, len(sent))
    pieces = -(-len(sent) // length)
    for place in range(0, len(sent), length):
        if damage.drip_real_ms:
            await asyncio.sleep(damage.drip_real_ms / pieces / 1000)
        await stream.write(sent[place : place + length])
    if damage.truncate:
        if request.transport is not None:
            # Let what was written leave before the connection is cut.
            request.transport.close()
        return stream
    await stream.write_eof()
    return stream


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _body(request: web.Request, bytes_max: int) -> bytes:
    if not request.body_exists:
        return b""
    if (request.content_length or 0) > bytes_max:
        raise _TooLarge
    content = request.content
    first = await content.readany()
    if content.at_eof():
        if len(first) > bytes_max:
            raise _TooLarge
        return first
    body = bytearray(first)
    while True:
        chunk = await content.readany()
        if not chunk:
            return bytes(body)
        body += chunk
        if len(body) > bytes_max:
            raise _TooLarge
