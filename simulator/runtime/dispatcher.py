"""
The dispatcher: posts webhooks to the integrator and brings back each attempt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from time import perf_counter_ns

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.webhooks.outbox import Outbox
from simulator.kernel.webhooks.webhook import TIMED_OUT, Attempt, Webhook, WebhookPolicy, WebhookRequest
from simulator.provider import Fetch, Fetched
from simulator.runtime.guard import ForbiddenTarget, Guard
from simulator.runtime.tap import Tap

__all__ = ["Dispatcher", "open_client", "outgoing", "reason_of"]

_EXCERPT_BYTES_MAX = 512
_ANSWER_BYTES_MAX = 65_536
_SLOW_PIECES = 10
_UNRENDERED = "it could not be rendered inside the simulator; its log has the details"
_LOG = logging.getLogger("simulator")


def open_client(guard: Guard, connections_max: int = 512) -> ClientSession:
    """
    Return the one HTTP client of an application; its owner closes it.

    It keeps connections alive, keeps no cookies, follows no environment proxy,
    and dials only what *guard* allows.
    """
    connector = TCPConnector(
        limit=connections_max, socket_factory=guard.make_socket, ttl_dns_cache=10, keepalive_timeout=30
    )
    return ClientSession(
        connector=connector, trust_env=False, cookie_jar=DummyCookieJar(), auto_decompress=False
    )


def outgoing(client: Callable[[], ClientSession]) -> Fetch:
    """Return how providers make requests of their own: once, and failing without an exception."""

    async def fetch(
        method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_real_ms: int
    ) -> Fetched:
        try:
            async with client().request(
                method,
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=ClientTimeout(total=timeout_real_ms / 1000),
            ) as answer:
                return Fetched(answer.status, await answer.content.read(_ANSWER_BYTES_MAX))
        except TimeoutError:
            return Fetched(0, error=f"{TIMED_OUT} {timeout_real_ms / 1000:g} s")
        except InvalidURL as failure:
            return Fetched(0, error=f"{failure} is not a URL that can be called")
        except (ClientError, OSError, ValueError) as failure:
            return Fetched(0, error=reason_of(failure))

    return fetch


class _Lane:
    """What one provider has ready, and how many workers send it."""

    __slots__ = ("ready", "workers")

    def __init__(self) -> None:
        self.ready: deque[Webhook] = deque()
        self.workers = 0


class Dispatcher:
    """
    Sends what one space's outbox has ready, several at once, in order per recipient.

    There is no task per webhook: at most `in_flight_max` workers run for each
    provider, and they end when it has nothing ready.
    """

    def __init__(
        self, simulation: Simulation, client: Callable[[], ClientSession], after: Callable[[], None]
    ) -> None:
        self._simulation = simulation
        self._client = client
        self._after = after
        self._lanes: dict[str, _Lane] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._busy: dict[tuple[str, str], deque[Webhook]] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self.tap: Tap | None = None
        """Told of every attempt before and after it is made."""

    @property
    def _outbox(self) -> Outbox:
        return self._simulation.outbox

    @property
    def idle(self) -> bool:
        """True when nothing is being sent and nothing is ready."""
        return not self._workers and not self._outbox.ready

    def pump(self) -> None:
        """Start sending what is ready; returns at once."""
        ready = self._outbox.ready
        if self._closed:
            return
        while ready:
            webhook = ready.popleft()
            lane = self._lanes.get(webhook.provider)
            if lane is None:
                lane = self._lanes[webhook.provider] = _Lane()
            lane.ready.append(webhook)
        for provider, lane in self._lanes.items():
            free = self._simulation.accounts[provider].policy.in_flight_max - lane.workers
            for _ in range(min(free, len(lane.ready))):
                self._start(lane)

    def _start(self, lane: _Lane) -> None:
        task = asyncio.get_running_loop().create_task(self._work(lane))
        lane.workers += 1
        self._workers.add(task)
        self._idle.clear()
        task.add_done_callback(lambda done: self._done(done, lane))

    async def wait_idle(self) -> None:
        """Return when everything that was ready has been attempted."""
        await self._idle.wait()

    async def flush(self, patience_real_s: float) -> None:
        """Send what is ready and wait for the answers, at most *patience_real_s*."""
        self.pump()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), patience_real_s)

    async def close(self) -> None:
        """Stop sending; what is being sent is broken off."""
        self._closed = True
        self._outbox.clear()
        for lane in self._lanes.values():
            lane.ready.clear()
        workers = list(self._workers)
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def _done(self, task: asyncio.Task[None], lane: _Lane) -> None:
        self._workers.discard(task)
        lane.workers -= 1
        if not task.cancelled() and (failure := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a webhook worker failed", "exception": failure, "task": task}
            )
        if not self._closed:
            self.pump()
        if not self._workers:
            self._idle.set()
        self._after()

    async def _work(self, lane: _Lane) -> None:
        ready = lane.ready
        while ready:
            webhook = ready.popleft()
            recipient = (webhook.provider, webhook.recipient)
            queue = self._busy.get(recipient)
            if queue is not None:
                # Another one to the same recipient is on its way: keep their order.
                queue.append(webhook)
                continue
            self._busy[recipient] = queue = deque()
            try:
                await self._attempt(webhook)
                while queue:
                    await self._attempt(queue.popleft())
            finally:
                del self._busy[recipient]

    async def _attempt(self, webhook: Webhook) -> None:
        simulation = self._simulation
        policy = simulation.accounts[webhook.provider].policy
        number = len(webhook.attempts) + 1
        at_ms = simulation.clock.now_ms
        late_ms = max(0, at_ms - webhook.due_ms)
        started = perf_counter_ns()
        request = self._rendered(webhook)
        if self.tap is not None:
            self.tap.attempting(webhook, number, request)
        if request is None:
            status, excerpt, error = 0, "", _UNRENDERED
        else:
            status, excerpt, error = await self._send(request, policy)
        attempt = Attempt(
            number=number,
            at_ms=at_ms,
            late_ms=late_ms,
            status=status,
            error=error,
            acknowledged=policy.acknowledges(status),
            latency_real_us=(perf_counter_ns() - started) // 1000,
            excerpt=excerpt,
        )
        if self.tap is not None:
            self.tap.attempted(webhook, attempt)
        simulation.attempted(webhook, attempt)

    def _rendered(self, webhook: Webhook) -> WebhookRequest | None:
        try:
            return self._simulation.request_for(webhook)
        except Exception:
            _LOG.exception("%s could not be rendered", webhook.id)
            return None

    async def _send(self, request: WebhookRequest, policy: WebhookPolicy) -> tuple[int, str, str]:
        """Send one webhook; return status and beginning of the answer, or 0 and why there is none."""
        try:
            async with self._client().request(
                request.method,
                request.url,
                data=_slowly(request) if request.slow_real_ms else request.body,
                headers=request.headers,
                allow_redirects=False,
                ssl=policy.verify_tls,
                timeout=ClientTimeout(total=policy.timeout_real_ms / 1000),
            ) as answer:
                return answer.status, await _beginning(answer), ""
        except TimeoutError:
            return 0, "", f"{TIMED_OUT} {policy.timeout_real_ms / 1000:g} s"
        except InvalidURL as failure:
            return 0, "", f"{failure} is not a URL that can be called"
        except Exception as failure:
            # Targets come from outside, and an HTTP client fails over odd ones in many ways.
            return 0, "", reason_of(failure)


async def _slowly(request: WebhookRequest) -> AsyncIterator[bytes]:
    """Yield the body bit by bit, over the time it is to take."""
    body = request.body
    length = max(1, -(-len(body) // _SLOW_PIECES))
    for place in range(0, len(body), length):
        await asyncio.sleep(request.slow_real_ms / _SLOW_PIECES / 1000)
        yield body[place : place + length]


async def _beginning(answer: ClientResponse) -> str:
    """Return the first bytes of an answer; read it to its end, so that the connection is kept, or give up."""
    kept = b""
    length = 0
    async for chunk in answer.content.iter_any():
        length += len(chunk)
        if len(kept) < _EXCERPT_BYTES_MAX:
            kept += chunk[: _EXCERPT_BYTES_MAX - len(kept)]
        if length > _ANSWER_BYTES_MAX:
            # Reading on would keep the connection, but an endless answer must not keep us.
            answer.close()
            break
    return kept.decode("utf-8", "replace")


def reason_of(failure: BaseException) -> str:
    """Return why a request failed, in words for people."""
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, ForbiddenTarget):
            return str(cause)
        if isinstance(cause, ExceptionGroup):
            cause = cause.exceptions[0]
        else:
            cause = getattr(cause, "os_error", None) or cause.__cause__
    return f"{type(failure).__name__}: {failure}" if str(failure) else type(failure).__name__
