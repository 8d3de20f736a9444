"""
One integrator for all four providers, right by default: what runs are judged with.

    POST /send {to, channel?, text?, ttl?}   sends to a number, or to a list of them
    POST /revoke {to}                        pulls the last RBM message back
    POST /reset                              makes it forget everything
    POST /restart                            ends and starts it: only what is on disk survives
    GET  /messages/{id}                      what is believed, by any of a message's ids
    GET  /recipients/{to}                    the same of the last message to a number
    GET  /stats                              what was refused, and how much is kept

Webhooks come to /infobip/reports, /infobip/inbound, /rbm, /bip, /bip/report and /bitel.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from run.mutants.calls import Answer, Call, Row, provider_of, request_for
from run.mutants.ledger import FINAL, Ledger, Message, Told
from run.mutants.policy import Policy
from run.mutants.reading import UNREADABLE

__all__ = ["Integrator"]

_SECRETS = {"rbm": ("sim-client-token",)}
_TIMEOUT = ClientTimeout(total=10)


@dataclass
class Integrator:
    """
    Sends, takes webhooks, and says what it believes; *policy* is where it may be wrong.
    """

    policy: Policy = field(default_factory=Policy)
    channel: str = "infobip"
    text: str = "Your code is 1234"
    ttl: str = ""
    own_ids: bool = True
    """Whether it chooses the ids of its messages, where the provider lets it."""
    intermediate: bool = False
    """Whether it asks Infobip for reports on the way."""
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    speed: int = 1_000
    """How many times faster than real the simulator's clock runs; waits shrink by it."""
    tries_inside: int = 4
    """After so many tries `/send` is answered, and the rest goes on behind it."""
    works_after_real_s: float = 0.0
    """Webhooks are acknowledged when they are on disk, and worked off so much later."""
    down_for: int = 0
    """So many webhooks are answered 503 before it is up."""
    simulator: str = ""
    url: str = ""
    ledger: Ledger = field(default_factory=Ledger)
    stats: dict[str, int] = field(default_factory=dict)

    async def __aenter__(self) -> Integrator:
        app = web.Application()
        app.router.add_post("/send", self._send)
        app.router.add_post("/revoke", self._revoke)
        app.router.add_post("/restart", self._restart)
        app.router.add_post("/reset", self._reset)
        app.router.add_get("/messages/{id}", self._by_id)
        app.router.add_get("/recipients/{to}", self._by_recipient)
        app.router.add_get("/stats", self._show_stats)
        for path in ("/infobip/reports", "/infobip/inbound", "/rbm", "/bip", "/bip/report", "/bitel"):
            app.router.add_post(path, self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._client = ClientSession(timeout=_TIMEOUT)
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: dict[str, Call] = {}
        self._numbers = count()
        self._memory = bytearray()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_tasks()
        await self._client.close()
        await self._runner.cleanup()

    # -- sending --------------------------------------------------------------------------------

    async def _send(self, request: web.Request) -> web.Response:
        order = await request.json()
        numbers = order["to"] if isinstance(order["to"], list) else [order["to"]]
        if self.policy.respects_stop:
            numbers = [number for number in numbers if number.removeprefix("+") not in self.ledger.stopped]
        channel = order.get("channel", self.channel)
        if not numbers and channel != "bip-all":
            return web.json_response({"ids": []})
        call = self._call(channel, numbers, order.get("text", self.text), order.get("ttl", self.ttl))
        await self._carry(call)
        return web.json_response({"ids": [one.id for one in call.messages]})

    def _call(self, channel: str, numbers: list[str], text: str, ttl: str = "") -> Call:
        provider = provider_of(channel)
        messages = [
            Message(id=f"m{next(self._numbers)}-{number.removeprefix('+')}", to=number, provider=provider,
                    text=text)
            for number in numbers
        ]  # fmt: skip
        return Call(
            channel=channel,
            id=f"call-{next(self._numbers)}",
            messages=messages,
            text=text,
            own_ids=self.own_ids,
            ttl=ttl,
            report_url=f"{self.url}/infobip/reports",
            intermediate=self.intermediate,
        )

    async def _carry(self, call: Call) -> None:
        """Make a call until it is answered with yes or no: the first tries at once, the others behind."""
        if self.policy.registers_first:
            self._register(call)
        self._open[call.id] = call
        wait_s: float | None = 0.0
        while wait_s is not None:
            if call.tries >= self.tries_inside:
                self._spawn(self._carry_on(call, wait_s))
                break
            await asyncio.sleep(wait_s / self.speed)
            wait_s = await self._try(call)
        if not self.policy.registers_first:
            self._register(call)

    async def _carry_on(self, call: Call, wait_s: float | None) -> None:
        while wait_s is not None:
            await asyncio.sleep(wait_s / self.speed)
            wait_s = await self._try(call)

    def _register(self, call: Call) -> None:
        if call.channel == "bip-all":
            self.ledger.broadcasts.add(call.id)
        for message in call.messages:
            self.ledger.add(message)
            self.ledger.names[f"{call.id} {message.to.removeprefix('+')}"] = message.id

    async def _try(self, call: Call) -> float | None:
        """Make a call once; return how long to wait before the next try, None: it is over."""
        call.tries += 1
        for message in call.messages:
            message.sends += 1
        answer = await self._ask(call)
        rows = self.policy.judge(call, answer)
        if rows is None:
            wait_s = self.policy.wait_s(call.tries, answer.retry_after_s)
            if wait_s is not None:
                return wait_s
            for message in call.messages:
                message.state = self.policy.gives_up_as if message.state == "PENDING" else message.state
        for message, row in zip(call.messages, rows or (), strict=False):
            await self._answered(message, row)
        self._open.pop(call.id, None)
        return None

    async def _ask(self, call: Call) -> Answer:
        request = request_for(call, self.policy.spelt, lambda id: self.policy.id_of_try(id, call.tries))
        url = self.simulator + request.path
        try:
            async with self._client.request(
                request.method, url, json=request.body, headers=request.headers
            ) as answer:
                retry_after_s = float(answer.headers.get("Retry-After", "0"))
                return Answer(answer.status, await answer.read(), retry_after_s)
        except (ClientError, OSError, TimeoutError):
            return Answer(0)

    async def _answered(self, message: Message, row: Row) -> None:
        for id in row.ids:
            self.ledger.names[id] = message.id
            for told in self.ledger.parked.pop(id, ()):
                await self._hear(told)
        if row.refused and message.state == "PENDING":
            message.state, message.code = "REJECTED", row.code
            if message.provider == "rbm":
                await self._fall_back(message, row.code)

    async def _fall_back(self, message: Message, cause: str) -> None:
        """Send the SMS that are due in place of an RCS message."""
        for _ in range(self.policy.falls_back(message, cause)):
            message.fallbacks += 1
            call = self._call("infobip", [message.to], message.text)
            call.messages[0].id = f"{message.id}-sms{message.fallbacks}"
            await self._carry(call)

    async def _revoke(self, request: web.Request) -> web.Response:
        message = self.ledger.latest((await request.json())["to"])
        if message is None:
            return web.Response(status=404)
        path = f"/rbm/v1/phones/{message.to}/agentMessages/{message.id}?agentId=welcome-bot"
        headers = {"Authorization": "Bearer integrator"}
        async with self._client.delete(self.simulator + path, headers=headers) as answer:
            revoked = self.policy.revoked(answer.status)
        if revoked and message.state not in FINAL:
            message.state = "REVOKED"
            await self._fall_back(message, "revoked")
        return web.json_response({"revoked": revoked})

    # -- being told -----------------------------------------------------------------------------

    async def _receive(self, request: web.Request) -> web.Response:
        policy, provider = self.policy, request.path.split("/")[1]
        self._count("webhooks")
        if self.down_for > 0:
            self.down_for -= 1
            return web.Response(status=503)
        if (status := policy.refuses_type(request.content_type)) is not None:
            return web.Response(status=status)
        raw = await policy.body_of(request)
        if request.headers.get("X-Goog-Webhook-Type") == "verification":
            return web.Response(text=json.loads(raw)["secret"])
        try:
            if not policy.genuine(
                provider, raw, request.headers, {**_SECRETS, **self.secrets}.get(provider, ())
            ):
                self._count("forged")
                return web.Response(status=policy.forged)
            tolds = policy.rows(policy.read(provider, raw))
        except UNREADABLE:
            self._count("unreadable")
            return web.Response(status=policy.unreadable)
        if policy.keeps_bodies:
            self._memory += raw
        if policy.works_real_s:
            await asyncio.sleep(policy.works_real_s)
        known = all(self.ledger.find(policy.reference(one)) for one in tolds if one.kind == "report")
        self.ledger.inbox += [one for one in tolds if policy.stores(one)]
        if self.works_after_real_s:
            self._spawn(self._work_later())
        else:
            await self._work()
        return web.Response(status=policy.taken if known else policy.unknown(provider))

    async def _work_later(self) -> None:
        await asyncio.sleep(self.works_after_real_s)
        await self._work()

    async def _work(self) -> None:
        while self.ledger.inbox:
            await self._hear(self.ledger.inbox.pop(0))

    async def _hear(self, told: Told) -> None:
        event = self.policy.event_of(told)
        fresh = event not in self.ledger.seen
        if told.kind == "inbound":
            self.ledger.seen.add(event)
            self._inbound(told, fresh)
            return
        find = self.ledger.find
        message = await self._sent(told) if told.kind == "sent" else find(self.policy.reference(told))
        if message is None:
            if self.policy.keeps_unknown:
                self.ledger.parked.setdefault(told.id, []).append(told)
            return
        self.ledger.seen.add(event)
        message.events += fresh
        if told.kind == "report":
            await self._reported(message, told, fresh)

    def _inbound(self, told: Told, fresh: bool) -> None:
        number = told.number.removeprefix("+")
        if self.policy.is_stop(told.text):
            self.ledger.stopped.add(number)
        self.ledger.written[number] = self.ledger.written.get(number, 0) + fresh

    async def _sent(self, told: Told) -> Message | None:
        """Take one receiver's line of a sent report: only now is known who got it, and its report id."""
        message = self.ledger.find(f"{told.call} {told.number}")
        if message is None and told.call in self.ledger.broadcasts:
            message = Message(id=f"{told.call}-{told.number}", to=told.number, provider="bip", text=self.text)
            self.ledger.add(message)
            self.ledger.names[f"{told.call} {told.number}"] = message.id
        if message is not None:
            await self._answered(message, self.policy.sent_row(told))
        return message

    async def _reported(self, message: Message, told: Told, fresh: bool) -> None:
        policy = self.policy
        word = f"{told.provider} {told.word}"
        state = policy.states.get(word) or policy.states.get(f"{told.provider} {told.group}", "PENDING")
        at = policy.utc(told.at)
        # What was heard before changes nothing.
        believed = fresh and policy.believes(message, told, state, at)
        message.billed += policy.bills(message, told, state, fresh, believed)
        if believed:
            message.state, message.done_at, message.code = state, at, told.code
            message.parts = policy.parts(message, told)
            message.price = told.price or 0.0
        if told.provider == "rbm":
            await self._fall_back(message, told.word)

    # -- being asked, and restarted ---------------------------------------------------------------

    async def _restart(self, request: web.Request) -> web.Response:
        self._count("restarts")
        await self._stop_tasks()
        if not self.policy.inbox_on_disk:
            self.ledger.inbox.clear()
        if not self.policy.messages_on_disk:
            self.ledger.messages.clear()
        for call in list(self._open.values()):
            self._spawn(self._carry_on(call, 0.0))
        await self._work()
        return web.Response()

    async def _reset(self, request: web.Request) -> web.Response:
        await self._stop_tasks()
        self._open.clear()
        self.ledger = Ledger()
        return web.Response()

    async def _by_id(self, request: web.Request) -> web.Response:
        return self._facts(self.ledger.find(request.match_info["id"]))

    async def _by_recipient(self, request: web.Request) -> web.Response:
        return self._facts(self.ledger.latest(request.match_info["to"]))

    def _facts(self, message: Message | None) -> web.Response:
        if message is None:
            return web.Response(status=404)
        written = self.ledger.written.get(message.to.removeprefix("+"), 0)
        return web.json_response({**message.facts(), "written": written})

    async def _show_stats(self, request: web.Request) -> web.Response:
        return web.json_response({**self.stats, "kept_bytes": len(self._memory)})

    def _count(self, name: str) -> None:
        self.stats[name] = self.stats.get(name, 0) + 1

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stop_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
