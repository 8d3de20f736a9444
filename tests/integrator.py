"""
A small integrator: it sends through the simulator, takes reports, and says what it believes.

Well-behaved by default; each flag breaks it in a way that real ones are broken.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession, web

__all__ = ["Integrator"]

_TRIES_MAX = 200
_FINAL = frozenset({"DELIVERED", "UNDELIVERABLE", "EXPIRED", "REJECTED"})
_KNOWN = _FINAL | {"PENDING"}
_REPEATED = "REJECTED_DUPLICATE_MESSAGE_ID"


class _Unclear(Exception):
    """The answer says neither yes nor no: try again."""

    def __init__(self, wait_s: float = 1.0) -> None:
        super().__init__()
        self.wait_s = wait_s


@dataclass
class _Belief:
    """What the integrator knows of one message."""

    state: str = "PENDING"
    count: int = 0


@dataclass
class Integrator:
    """
    `POST /send {"to"}` sends, `GET /messages/{id}` says what is believed.

    Webhooks are taken at `/reports` and `/inbound` (Infobip), `/rbm` and `/bip`.
    """

    simulator: str = ""
    channel: str = "infobip"
    """Which provider it sends through: infobip, rbm or bip."""
    speed: int = 1
    """How many times faster than real the simulator's clock runs; waits shrink by it."""
    secret: str = ""
    """With which webhooks are signed: Infobip's HMAC, or RBM's client token."""
    next_secret: str = ""
    """Accepted as well, while the one is exchanged for the other."""
    overwrites: bool = False
    """Believes the last report, even after a final one."""
    counts_twice: bool = False
    """Counts a report that comes again."""
    never_retries: bool = False
    """Gives up on 429 and 5xx, on a cut connection and on an answer that makes no sense."""
    stores_late: bool = False
    """Stores a message only when the send call has returned; an earlier report is lost."""
    unsigned: bool = False
    """Does not look at signatures."""
    trusts_200: bool = False
    """Takes a send for accepted because it was answered 200, whatever the body says."""
    new_ids: bool = False
    """Gives each try of a send an id of its own."""
    ignores_stop: bool = False
    """Goes on sending to who wrote STOP."""
    refuses_unknown: bool = False
    """Refuses reports about messages that it does not know."""
    refuses_reports: int = 0
    """Answers so many reports with 503 before it recovers."""
    swallows_reports: int = 0
    """Answers so many reports with 200 and forgets them."""
    messages: dict[str, _Belief] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    forged: int = 0
    """How many webhooks it refused for their signature."""
    url: str = ""

    async def __aenter__(self) -> Integrator:
        app = web.Application()
        app.router.add_post("/send", self._send)
        app.router.add_post("/reports", self._reports)
        app.router.add_post("/inbound", self._inbound)
        app.router.add_post("/rbm", self._rbm_told)
        app.router.add_post("/bip", self._bip_told)
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

    # -- sending --------------------------------------------------------------------------------

    async def _send(self, request: web.Request) -> web.Response:
        to = (await request.json())["to"]
        if to.removeprefix("+") in self.stopped and not self.ignores_stop:
            return web.json_response({"id": None})
        message_id = f"m-{to.removeprefix('+')}"
        if message_id in self.messages:
            message_id = f"{message_id}-{len(self.messages)}"
        belief = _Belief()
        if not self.stores_late:
            self.messages[message_id] = belief
        state = await self._try(to, message_id, belief)
        if self.stores_late:
            self.messages[message_id] = belief
        if state == "REJECTED" and not self.trusts_200:
            belief.state = "REJECTED"
        return web.json_response({"id": message_id})

    async def _try(self, to: str, message_id: str, belief: _Belief) -> str:
        """Return PENDING when the message was accepted, REJECTED when not, UNKNOWN when nobody knows."""
        post = {"infobip": self._post_infobip, "rbm": self._post_rbm, "bip": self._post_bip}[self.channel]
        for number in range(_TRIES_MAX):
            id = f"{message_id}-{number}" if self.new_ids and number else message_id
            if not self.stores_late:
                self.messages.setdefault(id, belief)
            wait_s = 1.0
            try:
                return await post(to, id)
            except _Unclear as unclear:
                wait_s = unclear.wait_s
            except (ClientError, ValueError):
                pass
            if self.never_retries:
                break
            await asyncio.sleep(wait_s / self.speed)
        return "UNKNOWN"

    async def _post_infobip(self, to: str, id: str) -> str:
        message = {
            "text": "Your code is 1234",
            "destinations": [{"to": to, "messageId": id}],
            "notifyUrl": f"{self.url}/reports",
        }
        async with self._client.post(
            f"{self.simulator}/infobip/sms/1/text/advanced",
            json={"messages": [message]},
            headers={"Authorization": "App integrator"},
        ) as answer:
            _raise_unclear(answer)
            body = json.loads(await answer.read())
        try:
            entry = body["messages"][0]
            group, name = entry["status"]["groupName"], entry["status"]["name"]
            if group not in _KNOWN or entry.get("messageId", id) != id:
                raise _Unclear
        except (LookupError, TypeError, AttributeError):
            raise _Unclear from None
        # Refused because it was there before: an earlier try had done the work.
        return "REJECTED" if group == "REJECTED" and name != _REPEATED else "PENDING"

    async def _post_rbm(self, to: str, id: str) -> str:
        async with self._client.post(
            f"{self.simulator}/rbm/v1/phones/{to}/agentMessages?messageId={id}&agentId=welcome-bot",
            json={"contentMessage": {"text": "Your code is 1234"}},
            headers={"Authorization": "Bearer integrator"},
        ) as answer:
            if answer.status == 404:
                return "REJECTED"
            _raise_unclear(answer)
            return "PENDING"

    async def _post_bip(self, to: str, id: str) -> str:
        body = {
            "txnid": id,
            "receiver": {"type": 2, "address": to.removeprefix("+")},
            "composition": {"list": [{"type": 0, "message": "Merhaba"}]},
        }
        async with self._client.post(
            f"{self.simulator}/bip/tes/rest/spi/sendmsgserv",
            json=body,
            headers={"Authorization": f"Basic {base64.b64encode(b'service:secret').decode()}"},
        ) as answer:
            _raise_unclear(answer)
            said = json.loads(await answer.read())
        belief = self.messages[id]
        for entry in said.get("list", ()):
            if entry["resultcode"] == 0:
                self.messages[entry["reportid"]] = belief
        return "PENDING" if said["resultcode"] == 0 else "REJECTED"

    # -- being told -------------------------------------------------------------------------------

    async def _reports(self, request: web.Request) -> web.Response:
        if self.refuses_reports > 0:
            self.refuses_reports -= 1
            return web.Response(status=503)
        if self.swallows_reports > 0:
            self.swallows_reports -= 1
            return web.Response()
        raw = await request.read()
        if self.secret and not self.unsigned:
            shown = request.headers.get("X-Signature", "")
            secrets = [secret.encode() for secret in (self.secret, self.next_secret) if secret]
            good = [hmac.new(secret, raw, hashlib.sha256).hexdigest() for secret in secrets]
            if not any(hmac.compare_digest(shown, one) for one in good):
                self.forged += 1
                return web.Response(status=403)
        try:
            told = [(row["messageId"], row["status"]["groupName"]) for row in json.loads(raw)["results"]]
        except (ValueError, LookupError, TypeError):
            return web.Response(status=200 if self.unsigned else 400)
        unknown = [id for id, _ in told if id not in self.messages]
        for id, state in told:
            self._believe(id, state)
        return web.Response(status=404 if unknown and self.refuses_unknown else 200)

    def _believe(self, id: str, state: str) -> None:
        belief = self.messages.get(id)
        if belief is None:
            return
        if belief.state in _FINAL and not self.overwrites:
            belief.count += self.counts_twice
            return
        belief.state = state
        belief.count += 1

    async def _inbound(self, request: web.Request) -> web.Response:
        for row in (await request.json())["results"]:
            if row["text"].strip().upper() == "STOP":
                self.stopped.add(row["from"])
        return web.Response()

    async def _rbm_told(self, request: web.Request) -> web.Response:
        envelope: dict[str, Any] = json.loads(await request.read())
        data = base64.b64decode(envelope["message"]["data"])
        if not self.unsigned:
            digest = hmac.new(self.secret.encode(), data, hashlib.sha512).digest()
            if request.headers.get("X-Goog-Signature", "") != base64.b64encode(digest).decode():
                self.forged += 1
                return web.Response(status=403)
        event = json.loads(data)
        if event.get("eventType") in ("DELIVERED", "READ"):
            self._believe(event["messageId"], "DELIVERED")
        return web.Response()

    async def _bip_told(self, request: web.Request) -> web.Response:
        said = await request.json()
        if said.get("type") == "R":
            self._believe(said["report"]["reportid"], "DELIVERED")
        return web.Response()

    # -- being asked ------------------------------------------------------------------------------

    async def _message(self, request: web.Request) -> web.Response:
        belief = self.messages.get(request.match_info["id"])
        if belief is None:
            return web.Response(status=404)
        return web.json_response({"state": belief.state, "count": str(belief.count)})


def _raise_unclear(answer: ClientResponse) -> None:
    if answer.status >= 400:
        raise _Unclear(float(answer.headers.get("Retry-After", "1")))
