"""
The yardsticks: the plainest aiohttp handler that takes a send, and a loop of `ClientSession.post`.

`bare.py serve PORT` prints its port; `bare.py post URL COUNT IN_FLIGHT BYTES` ends when everything is posted.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from importlib import import_module

import msgspec
from aiohttp import ClientSession, TCPConnector, web

_STATUS = {
    "groupId": 1,
    "groupName": "PENDING",
    "id": 7,
    "name": "PENDING_ENROUTE",
    "description": "Message sent to next instance",
}


class _Destination(msgspec.Struct):
    to: str


class _Message(msgspec.Struct):
    destinations: list[_Destination]
    text: str = ""


class _Request(msgspec.Struct):
    messages: list[_Message]


async def _serve(port: int) -> None:
    decode = msgspec.json.Decoder(_Request).decode
    encode = msgspec.json.Encoder().encode
    ids = itertools.count(2033247207850523791)

    async def send(request: web.Request) -> web.Response:
        asked = decode(await request.read())
        entries = [
            {"to": destination.to, "status": _STATUS, "smsCount": 1, "messageId": str(next(ids))}
            for message in asked.messages
            for destination in message.destinations
        ]
        return web.Response(body=encode({"messages": entries}), content_type="application/json")

    app = web.Application()
    app.router.add_post("/infobip/sms/1/text/advanced", send)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


async def _post(url: str, count: int, in_flight: int, body_bytes: int) -> None:
    left = count
    body = b'{"results":["' + b"x" * (body_bytes - 16) + b'"]}'

    async def work(client: ClientSession) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            headers = {"Content-Type": "application/json"}
            async with client.post(url, data=body, headers=headers) as answer:
                await answer.read()

    async with ClientSession(connector=TCPConnector(limit=512)) as client, asyncio.timeout(120):
        await asyncio.gather(*(work(client) for _ in range(in_flight)))


if __name__ == "__main__":
    loop = import_module(os.environ["SIMULATOR_BENCH_LOOP"])
    with asyncio.Runner(loop_factory=loop.new_event_loop) as runner:
        if sys.argv[1] == "serve":
            runner.run(_serve(int(sys.argv[2])))
        else:
            runner.run(_post(sys.argv[2], *map(int, sys.argv[3:6])))
