"""
The door that aiohttp's server keeps: its requests to the edge, and replies back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import StreamReader, web
from multidict import CIMultiDict

from simulator.server.addressing import Address
from simulator.server.edge import UNREADABLE_BODY, Edge, HttpRequest
from simulator.server.packing import NotUnpacked, TooLarge, unpacked
from simulator.server.replies import HttpReply
from simulator.server.takeover import UNREADABLE, connection_of, waiting_for_body

__all__ = ["read_body", "response_of", "serve"]

_JOINED_AT_ONCE_BYTES_MAX: Final = 4_194_304
_UNPACKED_AT_ONCE_BYTES_MAX: Final = 2_048
"""A thousand times as much may come of it, in a few milliseconds."""


class _Door:
    """One request that aiohttp has read the head of."""

    __slots__ = ("_request", "response")

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.response: web.StreamResponse = web.Response(status=500)
        """What was sent, for aiohttp to know."""

    def watch(self, unread: Callable[[], None]) -> None:
        connection = connection_of(self._request)
        if self._request.transport is None:
            unread()
        elif connection is not None:
            connection.when_unread = unread

    async def write(self, reply: HttpReply) -> None:
        self.response = response = response_of(reply)
        await response.prepare(self._request)
        await response.write_eof()

    async def begin(self, reply: HttpReply, length: int) -> None:
        self.response = web.StreamResponse(status=reply.status, headers=CIMultiDict(reply.headers))
        self.response.content_length = length
        await self.response.prepare(self._request)

    async def push(self, piece: bytes) -> None:
        await self.response.write(piece)

    async def end(self) -> None:
        await self.response.write_eof()

    def close(self) -> None:
        if self._request.transport is not None:
            self._request.transport.close()

    def cut(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()


async def serve(edge: Edge, request: web.Request, address: Address) -> web.StreamResponse:
    """Answer a request to a provider."""
    provider, space, path, prefix = address
    asked = HttpRequest(
        method=request.method,
        path=path,
        query=list(request.rel_url.query.items()) if request.rel_url.raw_query_string else (),
        headers=request.headers,
        url=f"{request.scheme}://{request.host}{prefix}",
        provider=provider,
        space=space,
    )
    try:
        admitted = edge.admit(asked)
        if isinstance(admitted, HttpReply):
            return response_of(admitted)
        try:
            body = await _body(request, admitted.route.body_bytes_max)
        except NotUnpacked as trouble:
            admitted.call.unreadable = str(trouble)
            body = UNREADABLE_BODY
        except UNREADABLE:
            if request.transport is None:
                # The client is gone, and with it what it might have wanted.
                return web.Response()
            request.protocol.close()
            body = UNREADABLE_BODY
        except TooLarge:
            return response_of(edge.too_large(admitted))
        door = _Door(request)
        remaining = edge.handle(admitted, body, door)
        if remaining is not None:
            await remaining
        return door.response
    except Exception as failure:
        return response_of(edge.failed(asked.method, f"/{provider.name}{path}", failure))


def response_of(reply: HttpReply) -> web.Response:
    """Return a whole reply as aiohttp's response."""
    response = web.Response(status=reply.status, body=reply.body, headers=CIMultiDict(reply.headers))
    if reply.close:
        response.force_close()
    return response


async def _body(request: web.Request, bytes_max: int) -> bytes:
    if not request.body_exists:
        return b""
    return await read_body(request, bytes_max)


async def read_body(request: web.Request, bytes_max: int) -> bytes:
    """
    Return a body, unpacked.

    Raises TooLarge and NotUnpacked, and UNREADABLE when the body breaks off.
    """
    if (request.content_length or 0) > bytes_max:
        raise TooLarge
    with waiting_for_body(request):
        body = await _read(request.content, bytes_max)
    encoding = request.headers.get("Content-Encoding", "")
    if not encoding:
        return body
    if len(body) <= _UNPACKED_AT_ONCE_BYTES_MAX:
        return unpacked(body, encoding, bytes_max)
    return await asyncio.to_thread(unpacked, body, encoding, bytes_max)


async def _read(content: StreamReader, bytes_max: int) -> bytes:
    first = await content.readany()
    if content.at_eof():
        if len(first) > bytes_max:
            raise TooLarge
        return first
    chunks, size = [first], len(first)
    while chunk := await content.readany():
        chunks.append(chunk)
        size += len(chunk)
        if size > bytes_max:
            raise TooLarge
    if size <= _JOINED_AT_ONCE_BYTES_MAX:
        return b"".join(chunks)
    return await asyncio.to_thread(b"".join, chunks)
