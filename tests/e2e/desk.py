"""
A server with somebody who sends and somebody who receives, and pages that look on.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from recording import recording
from simulator.provider import discover
from simulator.run.bundle import read_bundle
from simulator.run.recording import Recording
from simulator.thread import ServerThread

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = files("axe_playwright_python") / "axe.min.js"
"""The accessibility checker, as its Python package ships it."""

RCS = {"Authorization": "Bearer ya29.token"}


async def _recorded(folder: Path) -> None:
    scenario = "providers: {infobip: {webhook: {url: RECEIVER/reports}}}"
    async with recording(folder, scenario) as run:
        await run.send("41793020000", "recorded")
        await run.settle()


@contextmanager
def simulator(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a command that serves; give the address that it names, and the process until it is ended."""
    command = [sys.executable, "-m", "simulator", *arguments, "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield address_told(process), process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def address_told(process: subprocess.Popen[str]) -> str:
    """Read what a process says until it names an address, and return that."""
    assert process.stdout is not None
    for line in process.stdout:
        if told := re.search(r"http://127\.0\.0\.1:\d+", line):
            return told.group()
    raise AssertionError(f"it ended with {process.wait()} and named no address")


class Integrator:
    """
    The software under test: it keeps what it receives, and answers as told.
    """

    def __init__(self) -> None:
        self.received: list[tuple[str, Any]] = []
        self.status = 200
        self._gate = threading.Event()
        self._gate.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.received.append((self.path, json.loads(body or b"null")))
                outer._gate.wait(60)
                self.send_response(outer.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close_gate(self) -> threading.Event:
        """Answer nothing until the event that is returned is set."""
        self._gate.clear()
        return self._gate

    def postbacks(self) -> list[str]:
        """Return what RBM pushed, out of its envelopes."""
        envelopes = [body for path, body in self.received if path == "/rbm" and body]
        return [b64decode(one["message"]["data"]).decode() for one in envelopes if "message" in one]

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


class Desk:
    """
    A server, the integrator's two sides, and pages that look on.
    """

    def __init__(self, browser: Browser, integrator: Integrator, scheme: str = "light") -> None:
        self.integrator = integrator
        self.server = ServerThread(seed=7).start()
        self.context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 860})
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        """Who was asked for anything."""
        self.servers: set[str] = set()
        """Who may be: the servers of the pages."""
        self.scenario(
            {
                "providers": {
                    "infobip": {"webhook": {"url": f"{integrator.url}/infobip"}},
                    "rbm": {"webhook": {"url": f"{integrator.url}/rbm", "client_token": "t"}},
                    "bip": {"webhook": {"url": f"{integrator.url}/bip"}},
                }
            }
        )

    @property
    def url(self) -> str:
        return self.server.url

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        base: str = "",
    ) -> tuple[int, Any]:
        """Make a call; return status and JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{base or self.url}{path}", data, method=method)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            request.add_header(name, value)
        with urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Run a control operation on the default space."""
        return self.call(method, f"/_sim/v1/spaces/default{path}", body)[1]

    def scenario(self, scenario: dict[str, Any]) -> None:
        self.control("PUT", "/scenario", scenario)

    def send(self, text: str = "hello", to: str = "41793026727", base: str = "") -> None:
        """Send a short message."""
        message = {"destinations": [{"to": to}], "from": "InfoSMS", "text": text}
        headers = {"Authorization": "App key"}
        self.call("POST", "/infobip/sms/2/text/advanced", {"messages": [message]}, headers, base)

    def send_rich(
        self, content: dict[str, Any], to: str = "+41793026727", name: str = "m1", **more: object
    ) -> None:
        """Send an RCS message."""
        path = f"/rbm/v1/phones/{to}/agentMessages?messageId={name}&agentId=welcome-bot"
        self.call("POST", path, {"contentMessage": content, **more}, RCS)

    def open(self, path: str = "/_ui/default/messages", base: str = "") -> Page:
        """Open a page in a tab of its own, at *base* or at the desk's server, and wait until it is live."""
        page = self.context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda trouble: self.complaints.append(str(trouble)))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.servers.add((base or self.url).split("/")[2])
        page.goto(f"{base or self.url}{path}")
        page.wait_for_selector("#stream[data-state=live]")
        return page

    def send_bip(self, to: str, name: str) -> int:
        """Send a BiP message; return its result code."""
        body = {
            "txnid": name,
            "receiver": {"type": 2, "address": to},
            "composition": {"list": [{"type": 0, "message": "hello"}]},
        }
        headers = {"Authorization": "Basic dXNlcjpwYXNz"}
        return int(self.call("POST", "/bip/tes/rest/spi/sendmsgserv", body, headers)[1]["resultcode"])

    def fill(self, count: int, text: str = "Your code is {:06d}") -> None:
        """Put so many messages into the default space, without a call for each."""
        server = self.server.server
        assert server is not None
        simulation = server.registry.get("default").simulation
        compose = simulation.accounts["infobip"].compose
        for first in range(0, count, 1_000):
            numbers = range(first, min(count, first + 1_000))
            batch = [compose(f"+4179{number:07d}", text.format(number)) for number in numbers]
            done = threading.Event()
            self.server._loop.call_soon_threadsafe(lambda b=batch, d=done: (simulation.submit(b), d.set()))
            done.wait(60)

    def show_record(self, folder: Path) -> None:
        """Record a run of one message, and show it as the space `recording`."""
        failures: list[BaseException] = []

        def record() -> None:
            try:
                asyncio.run(_recorded(folder))
            except BaseException as failure:
                failures.append(failure)

        # The browser's driver has a loop running in this thread.
        thread = threading.Thread(target=record)
        thread.start()
        thread.join()
        assert failures == []
        server = self.server.server
        assert server is not None
        shown = Recording(read_bundle(folder), discover(), server.registry)

        async def show() -> None:
            await shown.seek(len(shown.moments) - 1)
            server.registry.recordings["recording"] = shown

        asyncio.run_coroutine_threadsafe(show(), self.server._loop).result(30)

    def excuse(self, words: str) -> None:
        """Take no offence at complaints with *words*."""
        self.complaints[:] = [text for text in self.complaints if words not in text]

    def restart(self) -> None:
        """Stop the server and start another one at the same address."""
        port = int(self.url.rpartition(":")[2])
        self.server.stop()
        self.server = ServerThread(seed=8, port=port).start()

    def close(self) -> None:
        self.context.close()
        self.server.stop()
