"""
`make bench`: how fast the simulator is, as ratios within one run.

Machines differ and are noisy, so only ratios count: each measurement alternates
between a bare aiohttp counterpart and the simulator and compares the medians.
Everything stays on loopback and is bounded in count and time.
"""

from __future__ import annotations

import argparse
import asyncio
import compileall
import gc
import json
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
from aiohttp import ClientSession, TCPConnector, web

sys.path.insert(0, str(Path(__file__).resolve().parent))

_BODY = json.dumps(
    {
        "messages": [
            {
                "from": "InfoSMS",
                "destinations": [{"to": "41793026727"}],
                "text": "Your code is 123456. It is valid for ten minutes.",
            }
        ]
    }
).encode()
_CONNECTIONS = 8
_REAL_S_MAX = 60.0


# -- servers under test, each in a process of its own ---------------------------------------------


class _Destination(msgspec.Struct):
    to: str


class _Message(msgspec.Struct):
    destinations: list[_Destination]
    text: str


class _Request(msgspec.Struct):
    messages: list[_Message]


async def _bare(request: web.Request) -> web.Response:
    asked = msgspec.json.decode(await request.read(), type=_Request)
    status = {
        "groupId": 1,
        "groupName": "PENDING",
        "id": 7,
        "name": "PENDING_ENROUTE",
        "description": "Message sent to next instance",
    }
    entries = [
        {"to": d.to, "status": status, "smsCount": 1, "messageId": "2033247207850523791"}
        for m in asked.messages
        for d in m.destinations
    ]
    return web.Response(body=msgspec.json.encode({"messages": entries}), content_type="application/json")


def _serve_bare(pipe: Connection) -> None:
    async def run() -> None:
        app = web.Application()
        app.router.add_post("/infobip/sms/1/text/advanced", _bare)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


def _serve_simulator(pipe: Connection) -> None:
    from simulator.server.app import Server, ServerConfig

    async def run() -> None:
        server = Server(ServerConfig(port=0))
        await server.start()
        pipe.send(server.ports[""])
        await asyncio.Event().wait()

    asyncio.run(run())


class _Process:
    def __init__(self, target: Callable[[Connection], None]) -> None:
        mine, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=target, args=(theirs,), daemon=True
        )
        self._process.start()
        self.port: int = mine.recv()

    def end(self) -> None:
        self._process.terminate()
        self._process.join()


# -- (a) sends ------------------------------------------------------------------------------------


async def _load(port: int, count: int) -> float:
    """Return requests per second of *count* keep-alive sends over a few connections."""
    request = (
        b"POST /infobip/sms/1/text/advanced HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: App bench\r\n"
        b"Content-Type: application/json\r\nContent-Length: " + str(len(_BODY)).encode() + b"\r\n\r\n" + _BODY
    )

    async def one(share: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(share):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"the server answered {head[:80]!r}")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    started = time.perf_counter()
    async with asyncio.timeout(_REAL_S_MAX):
        await asyncio.gather(*(one(count // _CONNECTIONS) for _ in range(_CONNECTIONS)))
    return count / (time.perf_counter() - started)


def bench_sends(rounds: int, count: int) -> dict[str, float]:
    bare, ours = _Process(_serve_bare), _Process(_serve_simulator)
    try:
        rates: dict[str, list[float]] = {"bare": [], "ours": []}
        for port in (bare.port, ours.port):
            asyncio.run(_load(port, count // 4))
        for _ in range(rounds):
            rates["bare"].append(asyncio.run(_load(bare.port, count)))
            rates["ours"].append(asyncio.run(_load(ours.port, count)))
    finally:
        bare.end()
        ours.end()
    return {name: statistics.median(values) for name, values in rates.items()}


# -- (b) webhooks ---------------------------------------------------------------------------------


def _receive(pipe: Connection) -> None:
    async def receive(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/", receive)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


async def _bare_webhooks(url: str, count: int, body: bytes) -> float:
    left = count

    async def worker(client: ClientSession) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            headers = {"Content-Type": "application/json"}
            async with client.post(url, data=body, headers=headers) as answer:
                await answer.read()

    async with ClientSession(connector=TCPConnector(limit=512)) as client:
        started = time.perf_counter()
        async with asyncio.timeout(_REAL_S_MAX):
            await asyncio.gather(*(worker(client) for _ in range(32)))
        return count / (time.perf_counter() - started)


async def _our_webhooks(url: str, count: int) -> float:
    from simulator.provider import Call
    from simulator.server.app import Server, ServerConfig

    server = Server(ServerConfig(port=0))
    await server.start()
    try:
        space = server.registry.get("default")
        gateway = space.gateways["infobip"]
        space.configure("infobip", {"webhook": {"url": url}, "deliver_after": _soon()})
        destinations = [{"to": f"4179{number:07d}"} for number in range(count)]
        body = json.dumps({"messages": [{"destinations": destinations, "text": "hi"}]}).encode()
        route = next(r for r in gateway.provider.routes if r.path == "/sms/1/text/advanced")
        call = Call(
            method="POST",
            path=route.path,
            gateway=gateway,
            headers={"Content-Type": "application/json"},
            body=body,
        )
        route.handler(call)
        space.simulation.answered(call.result)
        await space.driver.advance(500)
        started = time.perf_counter()
        async with asyncio.timeout(_REAL_S_MAX):
            await space.driver.advance(None)
        elapsed = time.perf_counter() - started
        acknowledged = sum(len(w.attempts) for w in space.simulation.outbox.webhooks.values())
        if acknowledged != count:
            raise RuntimeError(f"expected {count} attempts, got {acknowledged}")
        return count / elapsed
    finally:
        await server.stop()


def _soon() -> object:
    from simulator.kernel.model.units import ConstantDelay

    return ConstantDelay(1_000)


def bench_webhooks(rounds: int, count: int) -> dict[str, float]:
    receiver = _Process(_receive)
    url = f"http://127.0.0.1:{receiver.port}/"
    body = b'{"results":[' + b"x" * 480 + b"]}"
    rates: dict[str, list[float]] = {"bare": [], "ours": []}
    try:
        asyncio.run(_bare_webhooks(url, count // 4, body))
        for _ in range(rounds):
            rates["bare"].append(asyncio.run(_bare_webhooks(url, count, body)))
            rates["ours"].append(asyncio.run(_our_webhooks(url, count)))
    finally:
        receiver.end()
    return {name: statistics.median(values) for name, values in rates.items()}


# -- (c) the kernel alone ---------------------------------------------------------------------------


def _simulation() -> tuple[object, Callable[[int], None]]:
    from simulator.kernel.engine.simulation import Simulation
    from simulator.kernel.model.submission import Submission
    from simulator.provider import Gateway, discover
    from simulator.providers.infobip.details import Details
    from simulator.providers.infobip.wire import Item

    simulation = Simulation(seed=1)
    gateway = Gateway("bench", discover()["infobip"], simulation)
    simulation.add_account("infobip", gateway.account)
    item = Item(sender="InfoSMS", text="Your code is 123456. It is valid for ten minutes.")

    def submit(number: int) -> None:
        recipient = f"+4179{number:07d}"
        details = Details(generation=1, to=recipient[1:], item=item, accepted_status=7)
        submission = Submission(provider="infobip", recipient=recipient, text=item.text, details=details)
        simulation.submit([submission])

    return simulation, submit


def bench_kernel(count: int) -> dict[str, float]:
    simulation, submit = _simulation()
    gc.collect()
    started = time.perf_counter()
    for number in range(count):
        submit(number)
    accepted = time.perf_counter()
    while (due_ms := simulation.next_due()) is not None:  # type: ignore[attr-defined]
        simulation.fire(due_ms)  # type: ignore[attr-defined]
    ended = time.perf_counter()
    assert len(simulation.messages) == count  # type: ignore[attr-defined]
    del simulation, submit
    gc.collect()
    tracemalloc.start()
    simulation, submit = _simulation()
    before = tracemalloc.get_traced_memory()[0]
    traced = count // 10
    for number in range(traced):
        submit(number)
    stored = (tracemalloc.get_traced_memory()[0] - before) / traced
    while (due_ms := simulation.next_due()) is not None:  # type: ignore[attr-defined]
        simulation.fire(due_ms)  # type: ignore[attr-defined]
    finished = (tracemalloc.get_traced_memory()[0] - before) / traced
    tracemalloc.stop()
    return {
        "accepted per s": count / (accepted - started),
        "whole lives per s": count / (ended - started),
        "bytes accepted": stored,
        "bytes finished": finished,
    }


# -- (d) start-up -----------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _first_answer(command: list[str], port: int) -> float:
    """Return the seconds from spawning *command* to its first answered send."""
    request = (
        b"POST /infobip/sms/1/text/advanced HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: App bench\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: "
        + str(len(_BODY)).encode()
        + b"\r\n\r\n"
        + _BODY
    )
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - started < 20:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                    connection.sendall(request)
                    if connection.recv(65_536).startswith(b"HTTP/1.1 200"):
                        return time.perf_counter() - started
            except ConnectionRefusedError:
                time.sleep(0.002)
        raise RuntimeError("the server did not answer in time")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def bench_start(rounds: int) -> dict[str, float]:
    here = Path(__file__).resolve()
    # As installed packages are; where bytecode may not be written, sources would be compiled anew each time.
    compileall.compile_dir(here.parents[1] / "simulator", quiet=1)
    times: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(rounds):
        port = _free_port()
        times["bare"].append(_first_answer([sys.executable, str(here), "--bare", str(port)], port))
        port = _free_port()
        command = [sys.executable, "-m", "simulator.cli", "serve", "--port", str(port)]
        times["ours"].append(_first_answer(command, port))
    return {name: statistics.median(values) for name, values in times.items()}


def _bare_forever(port: int) -> None:
    app = web.Application()
    app.router.add_post("/infobip/sms/1/text/advanced", _bare)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


# -- spaces -----------------------------------------------------------------------------------------


def bench_spaces(count: int) -> dict[str, float]:
    from simulator.provider import discover
    from simulator.server.spaces import SpaceRegistry

    async def run() -> dict[str, float]:
        registry = SpaceRegistry(discover(), lambda: None)  # type: ignore[arg-type, return-value]
        registry.create("warm")
        started = time.perf_counter()
        for number in range(count):
            registry.create(f"timed-{number}")
        elapsed = time.perf_counter() - started
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(count):
            registry.create(f"traced-{number}")
        stored = (tracemalloc.get_traced_memory()[0] - before) / count
        tracemalloc.stop()
        await registry.close()
        return {"ms": elapsed / count * 1000, "kB": stored / 1000}

    return asyncio.run(run())


# -- scenario files ---------------------------------------------------------------------------------


def scenario_file(recipients: int, rules: int) -> str:
    """Return a scenario file with so many recipients and so many rules about one of them each."""
    lines = ["name: large", "recipients:"]
    lines += [
        f'  "+4179{number:07d}": {{reachable: {{until: 1h, is: false}}}}' for number in range(recipients)
    ]
    lines += ["rules:"]
    lines += [
        f'  - {{name: rule {number}, when: {{recipient: "+4179{number:07d}"}}, then: {{fate: silence}}}}'
        for number in range(rules)
    ]
    return "\n".join(lines)


def bench_load(rounds: int) -> dict[str, float]:
    from simulator.provider import discover
    from simulator.scenario.loader import load

    providers = discover()
    times: dict[str, float] = {}
    for name, recipients, rules in (("recipients", 10_000, 1), ("rules", 1, 1_000)):
        text = scenario_file(recipients, rules)
        took = []
        for _ in range(rounds):
            started = time.perf_counter()
            load(text, "large.yaml", providers)
            took.append(time.perf_counter() - started)
        times[name] = statistics.median(took)
    return times


def bench_matching(rounds: int, count: int) -> dict[str, float]:
    from simulator.provider import discover
    from simulator.scenario.loader import load

    providers = discover()
    rates: dict[str, list[float]] = {"few": [], "many": []}
    for _ in range(rounds):
        for name, size in (("few", 5), ("many", 5_000)):
            simulation, submit = _simulation()
            simulation.load(load(scenario_file(size, size), "large.yaml", providers))  # type: ignore[attr-defined]
            gc.collect()
            # Time of the processor: what else the machine does is none of the matching's business.
            started = time.process_time()
            for number in range(10_000_000 - count, 10_000_000):
                submit(number)
            rates[name].append(count / (time.process_time() - started))
    return {name: statistics.median(values) for name, values in rates.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the simulator, as ratios within one run.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--bare", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=["sends", "webhooks", "kernel", "start", "spaces", "load"])
    asked = parser.parse_args()
    if asked.bare:
        _bare_forever(asked.bare)
        return
    rounds = 2 if asked.quick else 5
    print(
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; medians of {rounds} alternating rounds\n"
    )
    if asked.only in (None, "sends"):
        sends = bench_sends(rounds, 2_000 if asked.quick else 8_000)
        print(
            f"(a) Infobip v1 sends      {sends['ours']:8.0f}/s   bare aiohttp {sends['bare']:8.0f}/s"
            f"   ratio {sends['ours'] / sends['bare']:.2f}"
        )
    if asked.only in (None, "webhooks"):
        hooks = bench_webhooks(rounds, 1_000 if asked.quick else 4_000)
        print(
            f"(b) webhooks              {hooks['ours']:8.0f}/s   bare client  {hooks['bare']:8.0f}/s"
            f"   ratio {hooks['ours'] / hooks['bare']:.2f}"
        )
    if asked.only in (None, "kernel"):
        kernel = bench_kernel(20_000 if asked.quick else 100_000)
        print(
            f"(c) kernel alone          {kernel['accepted per s']:8.0f}/s accepted, "
            f"{kernel['whole lives per s']:.0f}/s from send to delivery;\n"
            f"    {kernel['bytes accepted']:.0f} B per accepted message, "
            f"{kernel['bytes finished']:.0f} B per finished one"
        )
    if asked.only in (None, "start"):
        start = bench_start(rounds)
        print(
            f"(d) spawn to first send   {start['ours'] * 1000:8.0f} ms "
            f" bare aiohttp {start['bare'] * 1000:8.0f} ms"
            f"  ratio {start['ours'] / start['bare']:.2f}"
        )
    if asked.only in (None, "spaces"):
        spaces = bench_spaces(200)
        print(f"(e) a space               {spaces['ms']:8.2f} ms to create, {spaces['kB']:.0f} kB empty")
    if asked.only in (None, "load"):
        load = bench_load(rounds)
        matching = bench_matching(rounds, 5_000 if asked.quick else 20_000)
        print(
            f"(f) loading a file        {load['recipients'] * 1000:8.0f} ms with 10,000 recipients, "
            f"{load['rules'] * 1000:.0f} ms with 1,000 rules;\n"
            f"    {matching['many']:.0f} sends/s under 5,000 recipients and rules about others, "
            f"{matching['few']:.0f}/s under 5, ratio {matching['many'] / matching['few']:.2f}"
        )


if __name__ == "__main__":
    main()
