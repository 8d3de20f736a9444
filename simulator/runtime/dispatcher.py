"""
The dispatcher: posts webhooks to the integrator and brings back each attempt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Final
from urllib.parse import urlsplit

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.causes import Cause
from simulator.kernel.webhooks.outbox import Outbox
from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookPolicy, WebhookRequest
from simulator.provider import Fetch, Fetched
from simulator.runtime.tap import Tap
from simulator.runtime.transport.seam import Reply, Sending, Terms, Transport, answered

__all__ = ["Dispatcher", "outgoing"]

_FETCHED_BYTES_MAX: Final = 65_536
_UNRENDERED: Final = Reply(
    0,
    error="it could not be rendered inside the simulator; its log has the details",
    cause=Cause.UNRENDERED,
)
_LOG = logging.getLogger("simulator")
_HEADERS_MAX: Final = 30


def outgoing(client: Callable[[], Transport]) -> Fetch:
    """Return how providers make requests of their own: once, and failing without an exception."""

    async def fetch(
        method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_real_ms: int
    ) -> Fetched:
        request = WebhookRequest(url=url, body=body, headers=tuple(headers.items()), method=method)
        terms = Terms(timeout_real_ms=timeout_real_ms, keep_bytes_max=_FETCHED_BYTES_MAX)
        reply = await answered(client(), request, terms)
        return Fetched(reply.status, reply.body, reply.error)

    return fetch


class _Lane:
    """What one provider has ready, and how many of its webhooks are on their way."""

    __slots__ = ("in_flight", "policy", "provider", "ready", "terms")

    def __init__(self, provider: str, policy: WebhookPolicy) -> None:
        self.provider = provider
        self.ready: deque[Webhook] = deque()
        self.in_flight = 0
        self.obey(policy)

    def obey(self, policy: WebhookPolicy) -> None:
        """Follow *policy* from now on."""
        self.policy = policy
        self.terms = Terms(timeout_real_ms=policy.timeout_real_ms, verify_tls=policy.verify_tls)


class _Flight:
    """A webhook on its way."""

    __slots__ = (
        "at_ms",
        "lane",
        "late_ms",
        "number",
        "policy",
        "queued_ns",
        "sending",
        "started_ns",
        "url",
        "webhook",
    )

    def __init__(self, lane: _Lane, webhook: Webhook, at_ms: int, ready_ns: int) -> None:
        self.lane = lane
        self.policy = lane.policy
        self.webhook = webhook
        self.number = len(webhook.attempts) + 1
        self.at_ms = at_ms
        self.late_ms = max(0, at_ms - webhook.due_ms)
        self.started_ns = perf_counter_ns()
        self.queued_ns = self.started_ns - ready_ns if ready_ns else 0
        self.sending: Sending | None = None
        self.url = ""


class Dispatcher:
    """
    Sends what one space's outbox has ready, several at once, in order per recipient.

    There is no task per webhook: at most `in_flight_max` of each provider are on
    their way, and the end of one is the beginning of the next.
    """

    def __init__(
        self,
        simulation: Simulation,
        client: Callable[[], Transport],
        after: Callable[[], None],
        agents: Mapping[str, str] | None = None,
    ) -> None:
        self._simulation = simulation
        self._agents = agents or {}
        """How webhooks of a provider name who sends them, by its name; the others name nobody."""
        self._client = client
        self._after = after
        self._lanes: dict[str, _Lane] = {}
        self._flights: set[_Flight] = set()
        self._busy: dict[tuple[str, str], deque[Webhook] | None] = {}
        """Recipients that something is on its way to, and what is to follow."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._ready_ns: dict[str, int] = {}
        """When webhooks that have to wait for their turn were ready."""
        self._closed = False
        self.attempts = 0
        """How many were made so far."""
        self.tap: Tap | None = None
        """Told of every attempt before and after it is made."""

    @property
    def _outbox(self) -> Outbox:
        return self._simulation.outbox

    @property
    def idle(self) -> bool:
        """True when nothing is being sent and nothing is ready."""
        return not self._flights and not self._outbox.ready

    def pump(self) -> None:
        """Start sending what is ready; returns at once."""
        ready = self._outbox.ready
        if self._closed:
            return
        while ready:
            webhook = ready.popleft()
            lane = self._lanes.get(webhook.provider)
            if lane is None:
                policy = self._simulation.accounts[webhook.provider].policy
                lane = self._lanes[webhook.provider] = _Lane(webhook.provider, policy)
            lane.ready.append(webhook)
            if lane.in_flight >= lane.policy.in_flight_max or self._busy:
                self._ready_ns[webhook.id] = perf_counter_ns()
        for lane in self._lanes.values():
            if lane.ready:
                policy = self._simulation.accounts[lane.provider].policy
                if policy is not lane.policy:
                    lane.obey(policy)
                while lane.in_flight < policy.in_flight_max and (following := self._next(lane)) is not None:
                    lane.in_flight += 1
                    self._begin(lane, following)

    def _next(self, lane: _Lane) -> Webhook | None:
        """Return the first webhook whose recipient nothing else is on its way to."""
        ready, busy = lane.ready, self._busy
        while ready:
            webhook = ready.popleft()
            recipient = (webhook.provider, webhook.recipient)
            if recipient not in busy:
                busy[recipient] = None
                return webhook
            # Another one to the same recipient is on its way: keep their order.
            queue = busy[recipient]
            if queue is None:
                queue = busy[recipient] = deque()
            queue.append(webhook)
        return None

    def _following(self, flight: _Flight) -> Webhook | None:
        """Return what takes the place of one that has ended: to the same recipient first."""
        lane = flight.lane
        recipient = (flight.webhook.provider, flight.webhook.recipient)
        queue = self._busy[recipient]
        if queue:
            return queue.popleft()
        del self._busy[recipient]
        policy = self._simulation.accounts[lane.provider].policy
        if policy is not lane.policy:
            lane.obey(policy)
        return self._next(lane) if lane.in_flight <= policy.in_flight_max else None

    def targets(self) -> list[str]:
        """Return which hosts webhooks are on their way to, without what else their addresses say."""
        hosts = {urlsplit(flight.url).netloc.rpartition("@")[2] for flight in self._flights}
        return [f"a webhook to {host}" for host in sorted(hosts)]

    async def wait_idle(self) -> None:
        """Return when everything that was ready has been attempted."""
        await self._idle.wait()

    async def flush(self, patience_real_s: float) -> None:
        """Send what is ready and wait for the answers, at most *patience_real_s*."""
        self.pump()
        if self._flights:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), patience_real_s)

    async def close(self) -> None:
        """Stop sending; what is being sent is broken off."""
        self._closed = True
        self._outbox.clear()
        self._busy.clear()
        self._ready_ns.clear()
        for lane in self._lanes.values():
            lane.ready.clear()
            lane.in_flight = 0
        for flight in self._flights:
            if flight.sending is not None:
                flight.sending.cancel()
        self._flights.clear()
        self._idle.set()

    def _begin(self, lane: _Lane, webhook: Webhook) -> None:
        flight = _Flight(lane, webhook, self._simulation.clock.now_ms, self._ready_ns.pop(webhook.id, 0))
        if not self._flights:
            self._idle.clear()
        self._flights.add(flight)
        request = self._rendered(webhook)
        if self.tap is not None:
            self.tap.attempting(webhook, flight.number, request)
        if request is None:
            asyncio.get_running_loop().call_soon(self._ended, flight, _UNRENDERED)
        else:
            flight.url = request.url
            flight.sending = self._client().send(request, lane.terms, self._ended, flight)

    def _rendered(self, webhook: Webhook) -> WebhookRequest | None:
        try:
            request = self._simulation.request_for(webhook)
        except Exception:
            _LOG.exception("%s could not be rendered", webhook.id)
            return None
        agent = self._agents.get(webhook.provider)
        return request.named(agent) if agent else request

    def _ended(self, flight: _Flight, reply: Reply) -> None:
        """Record one attempt, and let the next webhook take its place."""
        if self._closed:
            return
        lane = flight.lane
        try:
            self._record(flight, reply)
        finally:
            following = self._following(flight)
            self._flights.discard(flight)
            if following is not None:
                self._begin(lane, following)
            else:
                lane.in_flight -= 1
                self.pump()
                if not self._flights:
                    self._idle.set()
                self._after()

    def _record(self, flight: _Flight, reply: Reply) -> None:
        status = reply.status
        webhook = flight.webhook
        acknowledged = flight.policy.acknowledges(status)
        attempt = Attempt(
            number=flight.number,
            at_ms=flight.at_ms,
            late_ms=flight.late_ms,
            status=status,
            error=reply.error,
            cause=reply.cause,
            note=reply.note,
            acknowledged=acknowledged,
            queued_real_us=flight.queued_ns // 1000,
            latency_real_us=(perf_counter_ns() - flight.started_ns) // 1000,
            excerpt=reply.body.decode("utf-8", "replace"),
            # Of those that are taken, which are nearly all, nobody asks.
            headers=() if acknowledged else tuple(reply.headers[:_HEADERS_MAX]),
        )
        if self.tap is not None:
            self.tap.attempted(webhook, attempt)
        self.attempts += 1
        self._simulation.attempted(webhook, attempt)
