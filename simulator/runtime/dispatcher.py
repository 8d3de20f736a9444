"""
The dispatcher: posts webhooks to the integrator and brings back each attempt.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from time import perf_counter_ns

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, InvalidURL, TCPConnector

from simulator.kernel.outbox import Outbox
from simulator.kernel.simulation import Simulation
from simulator.kernel.webhook import Attempt, Webhook
from simulator.provider import Fetch, Fetched
from simulator.runtime.guard import ForbiddenTarget, Guard

__all__ = ["Dispatcher", "open_client", "outgoing"]

_EXCERPT_BYTES_MAX = 512
_ANSWER_BYTES_MAX = 65_536


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
            return Fetched(0, error=f"timed out after {timeout_real_ms / 1000:g} s")
        except InvalidURL as failure:
            return Fetched(0, error=f"{failure} is not a URL that can be called")
        except (ClientError, OSError, ValueError) as failure:
            return Fetched(0, error=_reason(failure))

    return fetch


class Dispatcher:
    """
    Sends what one space's outbox has ready, several at once, in order per recipient.

    There is no task per webhook: at most `in_flight_max` workers run, and they
    end when nothing is ready.
    """

    def __init__(
        self, simulation: Simulation, client: Callable[[], ClientSession], after: Callable[[], None]
    ) -> None:
        self._simulation = simulation
        self._client = client
        self._after = after
        self._workers: set[asyncio.Task[None]] = set()
        self._busy: dict[tuple[str, str], deque[Webhook]] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

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
        if not ready or self._closed:
            return
        limit = self._simulation.accounts[ready[0].provider].policy.in_flight_max
        for _ in range(min(limit - len(self._workers), len(ready))):
            task = asyncio.get_running_loop().create_task(self._work())
            self._workers.add(task)
            task.add_done_callback(self._done)
        if self._workers:
            self._idle.clear()

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
        workers = list(self._workers)
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._workers.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a webhook worker failed", "exception": failure, "task": task}
            )
        if not self._closed:
            self.pump()
        if not self._workers:
            self._idle.set()
        self._after()

    async def _work(self) -> None:
        ready = self._outbox.ready
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
        account = simulation.accounts[webhook.provider]
        policy = account.policy
        number = len(webhook.attempts) + 1
        at_ms = simulation.clock.now_ms
        status, error, excerpt = 0, "", ""
        started = perf_counter_ns()
        try:
            request = account.render(webhook)
            async with self._client().request(
                request.method,
                request.url,
                data=request.body,
                headers=request.headers,
                allow_redirects=False,
                ssl=policy.verify_tls,
                timeout=ClientTimeout(total=policy.timeout_real_ms / 1000),
            ) as answer:
                status = answer.status
                excerpt = _excerpt(await answer.content.read(_EXCERPT_BYTES_MAX))
                if not answer.content.at_eof():
                    # Reading on would keep the connection, but an endless answer must not keep us.
                    answer.close()
        except TimeoutError:
            error = f"timed out after {policy.timeout_real_ms / 1000:g} s"
        except InvalidURL as failure:
            error = f"{failure} is not a URL that can be called"
        except (ClientError, OSError, ValueError) as failure:
            error = _reason(failure)
        attempt = Attempt(
            number=number,
            at_ms=at_ms,
            status=status,
            error=error,
            acknowledged=policy.acknowledges(status),
            latency_real_us=(perf_counter_ns() - started) // 1000,
            excerpt=excerpt,
        )
        self._outbox.attempted(simulation.clock.now_ms, webhook, attempt)


def _excerpt(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _reason(failure: BaseException) -> str:
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, ForbiddenTarget):
            return str(cause)
        if isinstance(cause, ExceptionGroup):
            cause = cause.exceptions[0]
        else:
            cause = getattr(cause, "os_error", None) or cause.__cause__
    return f"{type(failure).__name__}: {failure}" if str(failure) else type(failure).__name__
