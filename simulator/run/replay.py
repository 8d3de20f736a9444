"""
Replaying a recorded run: byte for byte, against another integrator, or as load.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from simulator.kernel.rule import ClockMode, ClockSpec, Scenario
from simulator.kernel.webhook import Webhook, WebhookPolicy, WebhookRequest
from simulator.provider import Provider
from simulator.run.record import Bundle, Recorder, Sent
from simulator.runtime.dispatcher import open_client
from simulator.runtime.guard import Guard
from simulator.scenario.loader import load
from simulator.server.app import Server, ServerConfig
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["Divergence", "LoadReport", "first_divergence", "first_input_divergence", "refire", "replay"]

_CREDENTIAL = "recorded"
_TIMEOUT_REAL_S = 30.0


class Divergence(NamedTuple):
    """
    The first place at which a replay differs from the record.
    """

    number: int
    recorded: str
    replayed: str

    def lines(self) -> list[str]:
        """Return it as lines for people."""
        return [
            f"the replay differs from the record at number {self.number}",
            f"  recorded: {self.recorded}",
            f"  replayed: {self.replayed}",
        ]


def scenario_of(bundle: Bundle, providers: Mapping[str, Provider]) -> Scenario:
    """Return the bundle's scenario with a clock that starts when the record's did, and stands still."""
    scenario = load(bundle.scenario_text, bundle.source, providers)
    return replace(scenario, clock=ClockSpec(mode=ClockMode.FROZEN, start_unix_ms=bundle.start_unix_ms))


async def replay(bundle: Bundle, providers: Mapping[str, Provider]) -> list[Sent]:
    """
    Feed the recorded inputs at their virtual instants and return the webhooks that result.

    Nothing leaves the process: the integrator's answers are those of the record.
    """
    scenario = scenario_of(bundle, providers)
    server = Server(
        ServerConfig(
            port=0,
            seed=bundle.seed,
            clock=scenario.clock or ClockSpec(),
            scenario=scenario,
            providers=providers,
        )
    )
    await server.start()
    try:
        space = server.registry.get(DEFAULT_SPACE)
        recorder = Recorder(space)
        answers = {(sent.id, sent.number): (sent.status, "", sent.error) for sent in bundle.webhooks}

        async def answer(webhook: Webhook, _: WebhookRequest, __: WebhookPolicy) -> tuple[int, str, str]:
            number = len(webhook.attempts) + 1
            return answers.get((webhook.id, number), (0, "", "the record has no such attempt"))

        space.dispatcher.transport = answer
        async with open_client(Guard()) as client:
            for row in bundle.inputs:
                if row["at_ms"] > space.simulation.clock.now_ms:
                    await space.driver.advance(row["at_ms"])
                await _feed(row, server.url, client)
            last_ms = max((sent.at_ms for sent in bundle.webhooks), default=0)
            if last_ms > space.simulation.clock.now_ms:
                await space.driver.advance(last_ms)
        return recorder.webhooks
    finally:
        await server.stop()


async def _feed(row: Mapping[str, Any], url: str, client: ClientSession) -> None:
    body = base64.b64decode(row["body"])
    if row["kind"] == "command":
        path = f"/_sim/v1/spaces/{DEFAULT_SPACE}{row['path']}"
        async with client.request(row["method"], URL(f"{url}{path}", encoded=True), data=body):
            return
    headers = {**row["headers"], "Authorization": _authorization(row)}
    target = URL(f"{url}/{row['provider']}{row['path']}").with_query([tuple(pair) for pair in row["query"]])
    try:
        timeout = ClientTimeout(total=_TIMEOUT_REAL_S)
        async with client.request(
            row["method"], target, data=body, headers=headers, timeout=timeout
        ) as answer:
            await answer.read()
    except (ClientError, OSError):
        # The record may hold calls that were cut off on purpose.
        if row["status"]:
            raise


def _authorization(row: Mapping[str, Any]) -> str:
    scheme = row.get("scheme", "")
    if scheme == "basic":
        return f"Basic {base64.b64encode(f'{_CREDENTIAL}:{_CREDENTIAL}'.encode()).decode()}"
    return f"{scheme or 'Bearer'} {_CREDENTIAL}"


def first_divergence(recorded: list[Sent], replayed: list[Sent]) -> Divergence | None:
    """Return where the webhooks of a replay first differ from the record, or None."""
    for number in range(max(len(recorded), len(replayed))):
        old = recorded[number] if number < len(recorded) else None
        new = replayed[number] if number < len(replayed) else None
        if old is None or new is None or old.told() != new.told():
            return Divergence(number + 1, _said(old), _said(new))
    return None


def _said(sent: Sent | None) -> str:
    if sent is None:
        return "nothing more"
    body = sent.body.decode("utf-8", "replace")
    return f"+{sent.at_ms} ms {sent.id} attempt {sent.number} to {sent.url}: {body}"


def first_input_divergence(
    recorded: list[dict[str, Any]], replayed: list[dict[str, Any]]
) -> Divergence | None:
    """Return where an integrator's calls first differ from the recorded ones, or None."""
    old_calls = [_call_of(row) for row in recorded if row["kind"] == "call"]
    new_calls = [_call_of(row) for row in replayed if row["kind"] == "call"]
    for number in range(max(len(old_calls), len(new_calls))):
        old = old_calls[number] if number < len(old_calls) else "nothing more"
        new = new_calls[number] if number < len(new_calls) else "nothing more"
        if old != new:
            return Divergence(number + 1, old, new)
    return None


def _call_of(row: Mapping[str, Any]) -> str:
    body = base64.b64decode(row["body"]).decode("utf-8", "replace")
    return f"+{row['at_ms']} ms {row['provider']} {row['method']} {row['path']} {body}"


class LoadReport(NamedTuple):
    """
    How a receiver took re-fired webhooks.
    """

    sent: int
    statuses: dict[int, int]
    failures: dict[str, int]
    latencies_us: list[int]
    lag_max_ms: int

    def lines(self) -> list[str]:
        """Return it as lines for people."""
        said = [f"{count} × {status}" for status, count in sorted(self.statuses.items())]
        said += [f"{count} × {name}" for name, count in sorted(self.failures.items())]
        lines = [f"{self.sent} webhooks sent: {', '.join(said) or 'none'}"]
        if self.latencies_us:
            ranked = sorted(self.latencies_us)
            shown = [(name, ranked[min(len(ranked) - 1, len(ranked) * at // 100)]) for name, at in _RANKS]
            lines.append("  ".join(f"{name} {value / 1000:.1f} ms" for name, value in shown))
        lines.append(f"at worst {self.lag_max_ms} ms behind schedule")
        return lines


_RANKS = (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100))


async def refire(bundle: Bundle, to: str, rate: int, allow_targets: tuple[str, ...] = ()) -> LoadReport:
    """
    Send the recorded webhooks to *to*, *rate* times as fast as they were, on schedule.

    An open model: a late one is sent at once, latency counts from when it was
    due, and the schedule never slows down for a slow receiver.
    """
    loop = asyncio.get_running_loop()
    statuses: dict[int, int] = {}
    failures: dict[str, int] = {}
    latencies: list[int] = []
    lag_max_ms = 0
    base = to.rstrip("/")

    async def fire(sent: Sent, due: float) -> None:
        parts = urlsplit(sent.url)
        target = f"{base}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        try:
            async with client.post(
                URL(target, encoded=True),
                data=sent.body,
                headers=list(sent.headers),
                allow_redirects=False,
                timeout=ClientTimeout(total=_TIMEOUT_REAL_S),
            ) as answer:
                await answer.read()
                statuses[answer.status] = statuses.get(answer.status, 0) + 1
                latencies.append(int((loop.time() - due) * 1_000_000))
        except (ClientError, OSError, TimeoutError) as trouble:
            name = type(trouble).__name__
            failures[name] = failures.get(name, 0) + 1

    async with open_client(Guard(allow_targets)) as client:
        first_ms = bundle.webhooks[0].at_ms if bundle.webhooks else 0
        started = loop.time()
        under_way: set[asyncio.Task[None]] = set()
        for sent in bundle.webhooks:
            due = started + (sent.at_ms - first_ms) / 1000 / rate
            wait_s = due - loop.time()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            else:
                lag_max_ms = max(lag_max_ms, int(-wait_s * 1000))
                await asyncio.sleep(0)
            task = loop.create_task(fire(sent, due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
    return LoadReport(len(bundle.webhooks), statuses, failures, latencies, lag_max_ms)
