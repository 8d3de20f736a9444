"""
A small integrator of Infobip on aiohttp, right or not, as a process of its own: `plain_receiver.py [wrong]`.

Prints its address.  POST /send {to, text, simulator} sends to the simulator that is named, POST /reports
takes webhooks, GET /messages/{id} says what is believed.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import ClientError, ClientSession, web

_REPEATED = "REJECTED_DUPLICATE_MESSAGE_ID"
_FINAL = ("DELIVERED", "EXPIRED", "UNDELIVERABLE", "REJECTED")


class Receiver:
    """
    Keeps the first end that it hears of; a wrong one keeps the last.
    """

    def __init__(self, client: ClientSession, *, wrong: bool) -> None:
        self._client = client
        self._wrong = wrong
        self._states: dict[str, str] = {}
        self._count = 0

    async def send(self, request: web.Request) -> web.Response:
        """Send a text, again and again until it is answered with success."""
        order = await request.json()
        self._count += 1
        id = f"m{self._count}-{order['to']}"
        message = {
            "from": "Bank",
            "destinations": [{"to": order["to"], "messageId": id}],
            "text": order["text"],
        }
        self._states[id] = "PENDING"
        url = f"{order['simulator']}/infobip/sms/1/text/advanced"
        for tries in range(5):
            try:
                async with self._client.post(
                    url, json={"messages": [message]}, headers={"Authorization": "App key"}
                ) as answer:
                    if answer.status >= 500 or answer.status == 429:
                        continue
                    status = (await answer.json())["messages"][0]["status"]
                    group, name = status["groupName"], status["name"]
            except (ClientError, OSError, ValueError, LookupError, TypeError):
                continue
            # Refused because an earlier try had done the work: that is no refusal.
            if group == "REJECTED" and not (tries and name == _REPEATED):
                self._states[id] = "REJECTED"
            break
        return web.json_response({"id": id})

    async def hear(self, request: web.Request) -> web.Response:
        """Take reports, or refuse what cannot be read."""
        try:
            for row in (await request.json())["results"]:
                state = row["status"]["groupName"]
                if self._wrong or self._states.get(row["messageId"]) not in _FINAL:
                    self._states[row["messageId"]] = state
        except (ValueError, LookupError, TypeError):
            return web.Response(status=400)
        return web.Response()

    async def tell(self, request: web.Request) -> web.Response:
        """Say what is believed."""
        return web.json_response({"state": self._states.get(request.match_info["id"], "UNKNOWN")})


async def main() -> None:
    """
    Serve until the process is ended.
    """
    async with ClientSession() as client:
        receiver = Receiver(client, wrong="wrong" in sys.argv)
        app = web.Application()
        app.router.add_post("/send", receiver.send)
        app.router.add_post("/reports", receiver.hear)
        app.router.add_get("/messages/{id}", receiver.tell)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
