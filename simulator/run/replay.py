"""
Replaying a recorded run: every input at its place again, every webhook compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.scenario import ClockMode, ClockSpec
from simulator.kernel.store.facts import Called as CalledFact
from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookRequest
from simulator.provider import Answer, Call, Fetched, Gateway, Provider
from simulator.run import bundle as rows
from simulator.run.bundle import Bundle, BundleError, Row
from simulator.run.record import attempting_row, renaming_of, states_of
from simulator.runtime.space import Exchange, Space
from simulator.runtime.transport.seam import Transport
from simulator.scenario.goals import RunFile
from simulator.scenario.loader import load_run
from simulator.secrecy import harmless_query
from simulator.server.edge import Edge
from simulator.server.http import ControlFace
from simulator.server.operations.base import Asked, Controller
from simulator.server.spaces import DEFAULT_SPACE, SpaceRegistry

__all__ = ["Diverged", "Divergence", "Replayed", "Stage", "plan_of", "replay"]

_ROUND_MAX: Final = 5_000
_PATIENCE_REAL_S: Final = 10.0


class Divergence(NamedTuple):
    """
    The first place at which a replay differs from the record.
    """

    where: str
    """What it is, and which: `webhook 3`."""
    recorded: str
    replayed: str

    def lines(self) -> list[str]:
        """Return it as lines for people."""
        return [
            f"the replay differs from the record at {self.where}",
            f"  recorded: {self.recorded}",
            f"  replayed: {self.replayed}",
        ]


class Replayed(NamedTuple):
    """
    What a replay showed.
    """

    calls: int
    webhooks: int
    """How many attempts were compared."""
    divergence: Divergence | None = None


class Diverged(Exception):
    """
    The replay cannot go on as recorded.
    """

    def __init__(self, where: str, recorded: str, replayed: str) -> None:
        super().__init__(where)
        self.divergence = Divergence(where, recorded, replayed)


def plan_of(bundle: Bundle, providers: Mapping[str, Provider]) -> RunFile:
    """Return what the bundle's file says, with a clock that starts and runs as the record's did."""
    about = bundle.about
    clock = ClockSpec(mode=about.mode, rate=about.rate, start_unix_ms=about.start_unix_ms)
    plan = load_run(bundle.scenario_text, about.scenario, providers)
    return replace(plan, scenario=replace(plan.scenario, clock=clock))


async def replay(
    bundle: Bundle, providers: Mapping[str, Provider], look: Callable[[Simulation], None] = lambda _: None
) -> Replayed:
    """
    Let everything happen again as recorded and compare the webhooks, byte for byte.

    *look* gets to see how it ended, or how far it came.

    Nothing leaves the process, and no real time is waited for: the integrator's
    calls and answers are those of the record, each at its place among the steps
    of the simulation.  That makes it exact whatever clock the record ran on.
    """
    stage = Stage(bundle, providers)
    divergence = None
    try:
        for row in bundle.rows():
            await stage.play(row)
    except Diverged as diverged:
        divergence = diverged.divergence
    finally:
        look(stage.simulation)
        await stage.close()
    return Replayed(stage.calls, stage.attempts, divergence)


def _no_client() -> Transport:
    raise RuntimeError("a replay sends nothing")


class Stage:
    """
    A space that moves only as the record says.

    It is alone in a registry of its own unless it is given one, in which it has *name*.
    """

    def __init__(
        self,
        bundle: Bundle,
        providers: Mapping[str, Provider],
        registry: SpaceRegistry | None = None,
        name: str = DEFAULT_SPACE,
    ) -> None:
        about = bundle.about
        self._alone = registry is None
        self._registry = SpaceRegistry(providers, _no_client) if registry is None else registry
        scenario = plan_of(bundle, providers).scenario
        clock = ClockSpec(mode=ClockMode.FROZEN, start_unix_ms=about.start_unix_ms)
        self._space = self._registry.create(name, seed=about.seed, clock=clock, scenario=scenario)
        self._space.driver.close()
        self._ways_out = {name: gateway.fetch for name, gateway in self._space.gateways.items()}
        for gateway in self._space.gateways.values():
            gateway.fetch = self._fetch
        self._edge = Edge(self._registry)
        self._control = ControlFace(Controller(self._registry, waits=False))
        self._space.scenario_text = bundle.scenario_text
        self._renaming = renaming_of(self._space, bundle.scenario_text)
        self._signed = not about.withheld
        self._fetches: list[asyncio.Future[Fetched]] = []
        self._open: dict[int, tuple[Call, asyncio.Task[Answer]]] = {}
        self._commands: set[asyncio.Task[object]] = set()
        self._owed: dict[str, Webhook] = {}
        self._begun: dict[str, int] = {}
        self.calls = 0
        self.attempts = 0

    @property
    def space(self) -> Space:
        """The space in which it is played."""
        return self._space

    @property
    def simulation(self) -> Simulation:
        """What is played."""
        return self._space.simulation

    def reach(self, at_ms: int, steps: int | None) -> None:
        """Let fall due what is due by *at_ms*, at most until so many steps have (None: all of it)."""
        simulation = self._space.simulation
        clock = simulation.clock
        while steps is None or simulation.state.steps_done < steps:
            due_ms = simulation.next_due()
            if due_ms is None or due_ms > at_ms:
                break
            left = _ROUND_MAX if steps is None else min(_ROUND_MAX, steps - simulation.state.steps_done)
            simulation.fire(max(due_ms, clock.now_ms), left)
        clock.advance_to(max(at_ms, clock.now_ms))

    def go_live(self) -> None:
        """
        Let the space go on by itself, with a frozen clock.

        What was under way is done again: calls without an answer count as answered,
        attempts without an outcome are made once more.
        """
        simulation = self._space.simulation
        self._take_ready()
        simulation.outbox.ready.extend(self._owed.values())
        self._owed.clear()
        for call, task in self._open.values():
            task.cancel()
            simulation.answered(call.result)
        self._open.clear()
        for name, gateway in self._space.gateways.items():
            gateway.fetch = self._ways_out[name]
        self._space.driver.reopen()

    async def play(self, row: Row) -> None:
        """Let one row happen; raises Diverged when it cannot, or happens otherwise."""
        self._reach(row)
        match row:
            case rows.Called() if row.admitted:
                await self._call(row)
            case rows.Answered() if row.number in self._open:
                await self._answer(row)
            case rows.Commanded():
                await self._command(row)
            case rows.Fetched():
                await self._fetched(row)
            case rows.Attempting():
                self._attempt(row)
            case rows.Attempted():
                self._outcome(row)
            case rows.Ended():
                self._end(row)
            case _:
                pass

    def _reach(self, row: Row) -> None:
        """Let fall due what had fallen due before *row*."""
        simulation = self._space.simulation
        clock = simulation.clock
        while simulation.state.steps_done < row.steps:
            due_ms = simulation.next_due()
            if due_ms is None or due_ms > row.at_ms:
                missing = row.steps - simulation.state.steps_done
                now = f"+{clock.now_ms} ms"
                raise Diverged(
                    f"step {row.steps}", f"{missing} more steps by +{row.at_ms} ms", f"none after {now}"
                )
            simulation.fire(
                max(due_ms, clock.now_ms), min(_ROUND_MAX, row.steps - simulation.state.steps_done)
            )
        if row.at_ms > clock.now_ms:
            clock.advance_to(row.at_ms)

    async def _call(self, row: rows.Called) -> None:
        gateway = self._gateway(row.provider)
        headers = [(name, self._renaming.restored_header(name, value)) for name, value in row.headers]
        call = Call(
            method=row.method,
            path=self._renaming.restored(row.path),
            gateway=gateway,
            query=[(name, self._renaming.restored(value)) for name, value in row.query],
            headers=CIMultiDictProxy(CIMultiDict(headers)),
            body=self._renaming.restored_body(row.body.raw),
            url=row.url,
        )
        provider = self._registry.providers[row.provider]
        route, call.path_values, _ = self._edge.find(call)
        call.at_once = True
        self.calls += 1
        if route is None:
            raise Diverged(
                f"call {row.number}", f"{row.method} {row.path} was served", "there is no such path"
            )
        call.credential = provider.credential_of(call)
        answer = self._edge.answer(self._space, provider, route, call)
        self._open[row.number] = (call, asyncio.create_task(answer))
        await _turn()

    def _gateway(self, provider: str) -> Gateway:
        gateway = self._space.gateways.get(provider)
        if gateway is None:
            raise BundleError(f"the record holds calls to {provider!r}, a provider that is not installed")
        return gateway

    async def _answer(self, row: rows.Answered) -> None:
        call, task = self._open.pop(row.number)
        async with asyncio.timeout(_PATIENCE_REAL_S):
            answer = await task
        if row.status and answer.status != row.status:
            excerpt = answer.body.decode("utf-8", "replace")[:500]
            raise Diverged(f"the answer to call {row.number}", str(row.status), f"{answer.status} {excerpt}")
        self._keep(call, answer, row.status)
        self._space.simulation.answered(call.result)

    def _keep(self, call: Call, answer: Answer, status: int) -> None:
        """Let the space know of a call as if it had come by the door."""
        space, simulation = self._space, self._space.simulation
        at_ms, provider = simulation.clock.now_ms, call.gateway.provider
        query = harmless_query(call.query)
        simulation.journal.add(at_ms, CalledFact(call.method, call.path, status, query), provider=provider)
        space.exchange_count += 1
        exchange = Exchange(at_ms, provider, call.method, call.path, status, call.body, answer.body, query)
        space.exchanges.append(exchange)

    async def _command(self, row: rows.Commanded) -> None:
        asked = Asked(
            parameters={},
            query={},
            body=self._renaming.restored_body(row.body.raw),
            content_type=row.content_type,
            base_url=row.base_url,
        )
        path = f"/_sim/v1/spaces/{self._space.name}{row.path}"
        task: asyncio.Task[object] = asyncio.create_task(self._control.call(row.method, path, asked))
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)
        await _turn()

    async def _fetch(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_real_ms: int
    ) -> Fetched:
        future: asyncio.Future[Fetched] = asyncio.get_running_loop().create_future()
        self._fetches.append(future)
        return await future

    async def _fetched(self, row: rows.Fetched) -> None:
        if row.number >= len(self._fetches):
            raise Diverged(f"request {row.number + 1} of a provider", f"answered {row.status}", "not made")
        self._fetches[row.number].set_result(Fetched(row.status, row.body.raw, row.error))
        await _turn()

    def _take_ready(self) -> None:
        ready = self._space.simulation.outbox.ready
        while ready:
            webhook = ready.popleft()
            self._owed[webhook.id] = webhook

    def _attempt(self, row: rows.Attempting) -> None:
        self._take_ready()
        self.attempts += 1
        where = f"webhook {self.attempts}"
        webhook = self._owed.get(row.id)
        if webhook is None or row.id in self._begun:
            raise Diverged(where, _said(row), self._instead())
        simulation = self._space.simulation
        request: WebhookRequest | None
        try:
            request = simulation.request_for(webhook)
        except Exception:
            # That it could not be rendered is part of the record.
            request = None
        number = len(webhook.attempts) + 1
        now = attempting_row(self._space, self._renaming, webhook, number, request)
        if now.told(signed=self._signed) != row.told(signed=self._signed):
            raise Diverged(where, _said(row), _said(now))
        self._begun[row.id] = row.at_ms

    def _instead(self) -> str:
        left = [webhook for webhook_id, webhook in self._owed.items() if webhook_id not in self._begun]
        if not left:
            return "nothing is owed now"
        webhook = left[0]
        row = attempting_row(
            self._space,
            self._renaming,
            webhook,
            len(webhook.attempts) + 1,
            self._space.simulation.request_for(webhook),
        )
        return _said(row)

    def _outcome(self, row: rows.Attempted) -> None:
        webhook = self._owed.pop(row.id, None)
        at_ms = self._begun.pop(row.id, None)
        if webhook is None or at_ms is None:
            raise Diverged(f"the outcome of {row.id}", f"{row.status} {row.error}", "not under way")
        policy = self._space.simulation.accounts[webhook.provider].policy
        attempt = Attempt(
            number=row.number,
            at_ms=at_ms,
            status=row.status,
            error=row.error,
            cause=row.cause,
            acknowledged=policy.acknowledges(row.status),
            latency_real_us=row.latency_real_us,
            note=row.note,
            excerpt=row.excerpt,
            headers=tuple(row.headers),
        )
        self._space.simulation.attempted(webhook, attempt)

    def _end(self, row: rows.Ended) -> None:
        simulation = self._space.simulation
        recorded = f"{row.webhooks} webhooks, messages by state: {row.messages}"
        replayed = f"{len(simulation.outbox.webhooks)} webhooks, messages by state: {states_of(self._space)}"
        if recorded != replayed:
            raise Diverged("the end", recorded, replayed)

    async def close(self) -> None:
        """Leave nothing running."""
        tasks = [task for _, task in self._open.values()] + list(self._commands)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._alone:
            await self._registry.close()


async def _turn() -> None:
    """Let a task that was started or woken run until it waits for something else."""
    for _ in range(3):
        await asyncio.sleep(0)


def _said(row: rows.Attempting) -> str:
    body = row.body.text or repr(row.body.base64)
    headers = ", ".join(f"{name}: {value}" for name, value in row.headers)
    return f"+{row.at_ms} ms {row.id} attempt {row.number} to {row.url} [{headers}] {body}"
