"""
The simulator's own HTTP client: plain HTTP/1.1 over kept connections, made for many small requests.

A request costs no task and no timer.  Each target has a pool of connections with
one request at a time on each and a queue behind them; one timer looks after
everything that takes too long.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple

from simulator.kernel.model.causes import Cause
from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.runtime.guard import AddressInfo, ForbiddenTarget, Guard
from simulator.runtime.transport.connection import Connection
from simulator.runtime.transport.seam import (
    CONNECTIONS_MAX,
    Done,
    Reply,
    TagT,
    Terms,
    broken_off,
    refused,
    timed_out,
    unresolved,
    unsendable,
)
from simulator.runtime.transport.target import Target, header_lines, target_of

__all__ = ["OwnTransport"]

_IDLE_REAL_S: Final = 30.0
"""How long a connection is kept that nothing is sent over."""
_ADDRESSES_REAL_S: Final = 10.0
"""How long the addresses of a name are remembered; each is judged again whenever it is dialled."""
_STREAM: Final = socket.SOCK_STREAM
_TCP: Final = socket.IPPROTO_TCP
_PREPARED_MAX: Final = 10_000
_BODILESS: Final = frozenset({"GET", "DELETE", "OPTIONS", "TRACE"})


class _Sending:
    """One request under way, in a queue or on a connection."""

    __slots__ = (
        "client",
        "connection",
        "deadline",
        "done",
        "ended",
        "head",
        "pool",
        "request",
        "tag",
        "terms",
    )

    def __init__(
        self, client: OwnTransport, request: WebhookRequest, terms: Terms, done: Done[Any], tag: object
    ) -> None:
        self.client = client
        self.request = request
        self.terms = terms
        self.done = done
        self.tag = tag
        self.head = b""
        self.pool: _Pool | None = None
        self.connection: Connection | None = None
        self.deadline = 0.0
        self.ended = False

    def cancel(self) -> None:
        """Break it off; nobody is told."""
        self.client.cancel(self)


class _Prepared:
    """What requests to one address have in common."""

    __slots__ = ("head", "headers", "pool", "target")

    def __init__(self, target: Target, pool: _Pool) -> None:
        self.target = target
        self.pool = pool
        self.headers: tuple[tuple[str, str], ...] | None = None
        self.head: bytes | None = None


class _Pool:
    """The connections to one target, and what waits for one."""

    __slots__ = (
        "answers",
        "client",
        "connecting",
        "host",
        "idle",
        "open",
        "port",
        "queue",
        "waiting",
        "where",
    )

    def __init__(self, client: OwnTransport, target: Target) -> None:
        self.client = client
        self.host = target.host
        self.port = target.port
        self.where = target.where
        self.answers: dict[tuple[bytes, int], Reply] = {}
        self.idle: list[Connection] = []
        self.open: set[Connection] = set()
        self.queue: deque[_Sending] = deque()
        self.waiting = 0
        """How many in the queue still want to be sent."""
        self.connecting: dict[asyncio.Task[None], _Sending | None] = {}
        """By its task: what alone a connection is made for; None: for whoever is first in the queue."""

    def take(self, sending: _Sending) -> None:
        """Send it over a free connection, or let it wait for one."""
        sending.pool = self
        if self.idle:
            connection = self.idle.pop()
            sending.connection = connection
            connection.carry(sending)
            return
        self.queue.append(sending)
        self.waiting += 1
        self._connect_for_queue()

    def _connect_for_queue(self) -> None:
        if self.client.closed:
            return
        limit = self.client.connections_max - len(self.open)
        while len(self.connecting) < limit and len(self.connecting) < self.waiting:
            self._connect(None)

    def _connect(self, sending: _Sending | None) -> None:
        task = asyncio.get_running_loop().create_task(self._open(sending))
        self.connecting[task] = sending
        task.add_done_callback(self._connected)

    def _connected(self, task: asyncio.Task[None]) -> None:
        self.connecting.pop(task, None)
        if not task.cancelled():
            task.result()
        self._connect_for_queue()

    async def _open(self, sending: _Sending | None) -> None:
        outcome = await self.client.dial(self)
        if isinstance(outcome, Connection):
            self.open.add(outcome)
            if sending is None or sending.ended:
                self._lend(outcome)
            else:
                sending.connection = outcome
                outcome.carry(sending)
            return
        failed = sending if sending is not None else self._next()
        if failed is not None and not failed.ended:
            self.client.end(failed, outcome)

    def _next(self) -> _Sending | None:
        while self.queue:
            sending = self.queue.popleft()
            if not sending.ended:
                self.waiting -= 1
                return sending
        return None

    def _lend(self, connection: Connection) -> None:
        sending = self._next() if self.queue else None
        if sending is not None:
            sending.connection = connection
            connection.carry(sending)
        else:
            connection.idle_since = self.client.now()
            self.idle.append(connection)
            self.client.look_by(connection.idle_since + _IDLE_REAL_S)

    def drop(self, sending: _Sending) -> None:
        """Forget one that is not to be sent any more."""
        connection = sending.connection
        if connection is not None:
            sending.connection = None
            connection.abort()
            self.lost(connection)
            return
        for task, awaited in self.connecting.items():
            if awaited is sending:
                task.cancel()
                return
        self.waiting -= 1
        spare = sum(awaited is None for awaited in self.connecting.values()) - self.waiting
        for task in [task for task, awaited in self.connecting.items() if awaited is None][: max(0, spare)]:
            task.cancel()
        if not self.waiting:
            self.queue.clear()

    # -- the connections' side --------------------------------------------------------------------

    def ended(self, connection: Connection, reply: Reply, reusable: bool) -> None:
        """Hand the reply over, and the connection to the next."""
        sending = connection.carried
        connection.carried = None
        assert isinstance(sending, _Sending)
        sending.connection = None
        if reusable:
            self._lend(connection)
        else:
            self.lost(connection)
        self.client.end(sending, reply)

    def lost(self, connection: Connection) -> None:
        """Forget a connection."""
        if connection in self.open:
            self.open.discard(connection)
            if connection in self.idle:
                self.idle.remove(connection)
            if self.waiting:
                self._connect_for_queue()

    def again(self, connection: Connection) -> None:
        """Send what it carried over a connection of its own: nothing of an answer had come."""
        sending = connection.carried
        assert isinstance(sending, _Sending)
        sending.connection = None
        self._connect(sending)


class _Addresses(NamedTuple):
    """The addresses of a name, and until when they are good."""

    infos: Sequence[AddressInfo]
    until: float


class OwnTransport:
    """
    A client for plain HTTP, and for POST and its like: what is answered without a body goes elsewhere.
    """

    def __init__(self, guard: Guard, connections_max: int = CONNECTIONS_MAX) -> None:
        self._guard = guard
        self.connections_max = connections_max
        """How many connections to one target are open at once."""
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        """What the event loop's watch says; the clock of a space has nothing to do with it."""
        self._pools: dict[tuple[str, int], _Pool] = {}
        self._prepared: dict[tuple[str, str], _Prepared] = {}
        self._addresses: dict[tuple[str, int], _Addresses] = {}
        self._under_way: dict[int, dict[_Sending, None]] = {}
        """By how long they may take: the requests under way, the oldest first."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self.closed = False
        """True once nothing is sent any more."""

    async def __aenter__(self) -> OwnTransport:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def send(self, request: WebhookRequest, terms: Terms, done: Done[TagT], tag: TagT) -> _Sending:
        """Send *request*; *done* is called once with *tag* and the reply, never before this returns."""
        sending = _Sending(self, request, terms, done, tag)
        prepared = self._prepared.get((request.method, request.url))
        if prepared is None:
            prepared = self._prepare(request.method, request.url)
        if prepared is None:
            return self._fail_soon(sending, unsendable(request.url))
        if prepared.headers is not request.headers and prepared.headers != request.headers:
            prepared.head = header_lines(prepared.target, request.headers)
            prepared.headers = request.headers
        if prepared.head is None:
            error = "a header cannot be sent: its name or its value is no text that HTTP carries"
            return self._fail_soon(sending, Reply(0, error=error, cause=Cause.UNSENDABLE))
        if request.body or request.method not in _BODILESS:
            sending.head = b"%sContent-Length: %d\r\n\r\n" % (prepared.head, len(request.body))
        else:
            sending.head = prepared.head + b"\r\n"
        self._expect(sending)
        prepared.pool.take(sending)
        return sending

    def _prepare(self, method: str, url: str) -> _Prepared | None:
        target = target_of(method, url)
        if target is None or self.closed:
            return None
        key = (target.host, target.port)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = _Pool(self, target)
        if len(self._prepared) >= _PREPARED_MAX:
            # Targets with a query of their own each: what is used is soon there again.
            self._prepared.clear()
        prepared = self._prepared[method, url] = _Prepared(target, pool)
        return prepared

    def _fail_soon(self, sending: _Sending, reply: Reply) -> _Sending:
        self._expect(sending)
        self._loop.call_soon(self._fail, sending, broken_off() if self.closed else reply)
        return sending

    def _fail(self, sending: _Sending, reply: Reply) -> None:
        if not sending.ended:
            self.end(sending, reply)

    # -- dialling -------------------------------------------------------------------------------

    async def dial(self, pool: _Pool) -> Connection | Reply:
        """Return a connection to a pool's target, or why there is none; the guard sees each address first."""
        try:
            infos = await self._resolve(pool)
        except (OSError, UnicodeError):
            return unresolved(pool.host)
        failure: Reply | None = None
        for info in infos:
            try:
                made = self._guard.make_socket(info)
            except ForbiddenTarget as forbidden:
                failure = failure or Reply(0, error=str(forbidden), cause=Cause.FORBIDDEN)
                continue
            except (OSError, ValueError) as trouble:
                failure = _unreachable(pool, trouble)
                continue
            try:
                made.setblocking(False)
                await self._loop.sock_connect(made, info[4])
                _, connection = await self._loop.create_connection(lambda: Connection(pool), sock=made)
            except OSError as trouble:
                made.close()
                failure = _unreachable(pool, trouble)
            except BaseException:
                made.close()
                raise
            else:
                return connection
        return failure or unresolved(pool.host)

    async def _resolve(self, pool: _Pool) -> Sequence[AddressInfo]:
        key = (pool.host, pool.port)
        cached = self._addresses.get(key)
        if cached is not None and cached.until > self.now():
            return cached.infos
        infos: Sequence[AddressInfo]
        try:
            # An address in figures needs nobody to be asked.
            infos = socket.getaddrinfo(*key, type=_STREAM, proto=_TCP, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            infos = await self._loop.getaddrinfo(*key, type=_STREAM, proto=_TCP)
        self._addresses[key] = _Addresses(infos, self.now() + _ADDRESSES_REAL_S)
        return infos

    # -- ending -----------------------------------------------------------------------------------

    def end(self, sending: _Sending, reply: Reply) -> None:
        """Tell whoever asked; a failure of theirs is the event loop's business, not the connection's."""
        self._strike(sending)
        try:
            sending.done(sending.tag, reply)
        except Exception as failure:
            self._loop.call_exception_handler(
                {"message": "what was to be told of a reply failed", "exception": failure}
            )

    def cancel(self, sending: _Sending) -> None:
        """Break a request off; nobody is told."""
        if not sending.ended:
            self._strike(sending)
            if sending.pool is not None:
                sending.pool.drop(sending)

    def _strike(self, sending: _Sending) -> None:
        sending.ended = True
        del self._under_way[sending.terms.timeout_real_ms][sending]

    async def close(self) -> None:
        """End everything that is under way; whoever waits is told so."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._prepared.clear()
        for sending in [each for sendings in self._under_way.values() for each in sendings]:
            if not sending.ended:
                if sending.pool is not None:
                    sending.pool.drop(sending)
                self.end(sending, broken_off())
        connecting = [task for pool in self._pools.values() for task in pool.connecting]
        for task in connecting:
            task.cancel()
        await asyncio.gather(*connecting, return_exceptions=True)
        for pool in self._pools.values():
            for connection in list(pool.open):
                connection.abort()
            pool.open.clear()
            pool.idle.clear()
        self._pools.clear()
        # What was aborted is closed in the next turn of the loop.
        await asyncio.sleep(0)

    # -- the one timer ----------------------------------------------------------------------------

    def _expect(self, sending: _Sending) -> None:
        timeout_ms = sending.terms.timeout_real_ms
        sendings = self._under_way.get(timeout_ms)
        if sendings is None:
            sendings = self._under_way[timeout_ms] = {}
        sendings[sending] = None
        sending.deadline = deadline = self.now() + timeout_ms / 1000
        if self._timer is None or deadline < self._timer_at:
            self.look_by(deadline)

    def look_by(self, at: float) -> None:
        """Look for what takes too long at *at*, on the event loop's watch, if not earlier."""
        if self.closed:
            return
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self.now()
        later: list[float] = []
        for timeout_ms, sendings in list(self._under_way.items()):
            over = []
            for sending in sendings:
                if sending.deadline > now:
                    later.append(sending.deadline)
                    break
                over.append(sending)
            if not sendings:
                del self._under_way[timeout_ms]
            for sending in over:
                if not sending.ended:
                    if sending.pool is not None:
                        sending.pool.drop(sending)
                    self.end(sending, timed_out(sending.terms))
        for key, pool in list(self._pools.items()):
            for connection in [each for each in pool.idle if each.idle_since + _IDLE_REAL_S <= now]:
                pool.lost(connection)
                connection.abort()
            if pool.idle:
                later.append(min(each.idle_since for each in pool.idle) + _IDLE_REAL_S)
            elif not pool.open and not pool.connecting and not pool.waiting:
                self._forget(key)
        if later:
            self.look_by(min(later))

    def _forget(self, key: tuple[str, int]) -> None:
        pool = self._pools.pop(key)
        for name in [name for name, prepared in self._prepared.items() if prepared.pool is pool]:
            del self._prepared[name]
        self._addresses.pop(key, None)


def _unreachable(pool: _Pool, trouble: OSError | ValueError) -> Reply:
    if isinstance(trouble, ConnectionRefusedError):
        return refused(pool.where)
    reason = getattr(trouble, "strerror", None) or str(trouble)
    return Reply(0, error=f"{pool.where} cannot be reached: {reason}", cause=Cause.UNREACHABLE)
