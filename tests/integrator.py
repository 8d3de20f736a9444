"""
A small integrator: it sends through the simulator, takes reports, and says what it believes.

Well-behaved by default; each flag breaks it in a way that real ones are broken.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import TracebackType

from aiohttp import ClientError, ClientSession, web

__all__ = ["Integrator"]

_TRIES_MAX = 40
_FINAL = frozenset({"DELIVERED", "UNDELIVERABLE", "EXPIRED", "REJECTED"})


@dataclass
class _Belief:
    """What the integrator knows of one message."""

    state: str = "PENDING"
    count: int = 0


@dataclass
class Integrator:
    """
    Sends through Infobip; `POST /send {"to"}`, `GET /messages/{id}`, reports at `/reports`.
    """

    simulator: str = ""
    speed: int = 1
    """How many times faster than real the simulator's clock runs; waits shrink by it."""
    overwrites: bool = False
    """Believes the last report, even after a final one."""
    counts_twice: bool = False
    """Counts a report that comes again."""
    never_retries: bool = False
    """Gives up on 429 and 5xx."""
    stores_late: bool = False
    """Stores a message only when the send call has returned; an earlier report is lost."""
    refuses_reports: int = 0
    """Answers so many reports with 503 before it recovers."""
    messages: dict[str, _Belief] = field(default_factory=dict)
    url: str = ""

    async def __aenter__(self) -> Integrator:
        app = web.Application()
        app.router.add_post("/send", self._send)
        app.router.add_post("/reports", self._reports)
        app.router.add_get("/messages/{id}", self._message)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._client = ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()
        await self._runner.cleanup()

    async def _send(self, request: web.Request) -> web.Response:
        to = (await request.json())["to"]
        message_id = f"m-{to.removeprefix('+')}"
        if not self.stores_late:
            self.messages[message_id] = _Belief()
        body = {
            "messages": [
                {
                    "text": "Your code is 1234",
                    "destinations": [{"to": to, "messageId": message_id}],
                    "notifyUrl": f"{self.url}/reports",
                }
            ]
        }
        entry = await self._post(body)
        if self.stores_late:
            self.messages[message_id] = _Belief()
        if entry is not None and entry["status"]["groupName"] == "REJECTED":
            self.messages[message_id].state = "REJECTED"
        return web.json_response({"id": message_id})

    async def _post(self, body: dict[str, object]) -> dict[str, dict[str, str]] | None:
        for _ in range(_TRIES_MAX):
            wait_s = 1.0
            try:
                async with self._client.post(
                    f"{self.simulator}/infobip/sms/1/text/advanced",
                    json=body,
                    headers={"Authorization": "App integrator"},
                ) as answer:
                    if answer.status < 400:
                        entry: dict[str, dict[str, str]] = (await answer.json())["messages"][0]
                        return entry
                    wait_s = float(answer.headers.get("Retry-After", "1"))
            except ClientError:
                pass
            if self.never_retries:
                return None
            await asyncio.sleep(wait_s / self.speed)
        return None

    async def _reports(self, request: web.Request) -> web.Response:
        if self.refuses_reports > 0:
            self.refuses_reports -= 1
            return web.Response(status=503)
        try:
            results = (await request.json())["results"]
        except (ValueError, KeyError):
            return web.Response(status=400)
        for result in results:
            belief = self.messages.get(result["messageId"])
            if belief is None:
                continue
            state = result["status"]["groupName"]
            if belief.state in _FINAL and not self.overwrites:
                belief.count += self.counts_twice
                continue
            belief.state = state
            belief.count += 1
        return web.Response()

    async def _message(self, request: web.Request) -> web.Response:
        belief = self.messages.get(request.match_info["id"])
        if belief is None:
            return web.Response(status=404)
        return web.json_response({"state": belief.state, "count": str(belief.count)})
