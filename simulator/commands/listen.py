"""
`simulator listen`: see webhooks arrive.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias

import click
from aiohttp import web

from simulator.commands.ending import when_asked_to_end
from simulator.commands.exits import COULD_NOT_START, INTERRUPTED, could_not_bind
from simulator.commands.terminal import say, stop_printing
from simulator.evidence import words
from simulator.evidence.laid_out import laid_out
from simulator.provider import discover
from simulator.server.catchall import listening
from simulator.server.packing import NotUnpacked, TooLarge, unpacked
from simulator.server.takeover import UNREADABLE

__all__ = ["listen"]

Describe: TypeAlias = Callable[[Mapping[str, str], bytes], str]
"""Takes headers and body of a webhook; empty: it is another provider's."""

_WHOLE_BYTES_MAX: Final = 1_048_576
_CUT_BYTES: Final = 10_000
"""So much is shown of a longer body."""
_LINE_MAX: Final = 200


@click.command()
@click.option(
    "--port", default=9000, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0: any free one."
)
@click.option(
    "--status", default=200, show_default=True, type=click.IntRange(200, 599), help="What to answer."
)
@click.option("--count", default=0, type=click.IntRange(0), help="End after so many webhooks; 0: never.")
def listen(port: int, status: int, count: int) -> None:
    """
    Print every webhook that arrives on a local port, and answer it.
    """
    code = asyncio.run(_run(port, status, count))
    if code:
        sys.exit(code)


async def _run(port: int, status: int, count: int) -> int:
    done = asyncio.Event()
    code = 0
    seen = 0

    async def receive(request: web.Request) -> web.Response:
        nonlocal seen
        arrival = await _read(request)
        seen += 1
        try:
            # In a storm, one is told from the next at a glance.
            say(f"\n#{seen}  {datetime.now(UTC).astimezone():%H:%M:%S.%f}"[:-3], colour="cyan")
            _show(request, arrival, describers)
        except BrokenPipeError:
            stop_printing()
            done.set()
        if seen == count:
            done.set()
        return web.Response(status=400 if arrival.broken_off else status)

    def stop(_: int) -> None:
        nonlocal code
        code = INTERRUPTED
        done.set()

    describers = _describers()
    try:
        async with listening(receive, "127.0.0.1", port, _tell_unreadable, _http_log()) as bound:
            when_asked_to_end(stop)
            with suppress(BrokenPipeError):
                say(f"listening at http://127.0.0.1:{bound}, answering {status}")
            await done.wait()
    except OSError as trouble:
        say(f"simulator: cannot listen on 127.0.0.1: {could_not_bind(trouble)}", err=True)
        return COULD_NOT_START
    if code:
        say(f"stopped: {words.count(seen, 'webhook')}")
    return code


def _tell_unreadable(why: str) -> None:
    say(f"something arrived that is no HTTP: {why}", err=True)


def _http_log() -> logging.Logger:
    """Return the log of aiohttp's server, which says in a line what could not be read as HTTP."""

    def tell(record: logging.LogRecord) -> bool:
        failure = record.exc_info[1] if record.exc_info else None
        if isinstance(failure, ConnectionError) or (failure is None and record.levelno < logging.WARNING):
            # What came was shown, or told when it could not be read.
            return False
        if failure is None:
            say(record.getMessage(), err=True)
        else:
            why = (str(getattr(failure, "message", "")) or str(failure)).partition("\n")[0]
            say(f"something arrived that is no HTTP; {type(failure).__name__}: {why[:_LINE_MAX]}", err=True)
        return False

    log = logging.getLogger("simulator.listen")
    # Of a first line that is none aiohttp speaks in a low voice.
    log.setLevel(logging.DEBUG)
    log.addFilter(tell)
    return log


def _describers() -> list[Describe]:
    """Return what the providers have for telling their webhooks in a line."""
    providers = discover().values()
    return [provider.describe_webhook for provider in providers if provider.describe_webhook is not None]


class _Arrival(NamedTuple):
    """What came behind a head."""

    body: bytes
    """Its beginning."""
    length: int
    """How long all of it was."""
    broken_off: bool = False


async def _read(request: web.Request) -> _Arrival:
    kept = bytearray()
    length = 0
    try:
        async for part in request.content.iter_chunked(65_536):
            length += len(part)
            kept += part[: _WHOLE_BYTES_MAX - len(kept)]
    except UNREADABLE:
        return _Arrival(bytes(kept), length, True)
    if length > _WHOLE_BYTES_MAX:
        return _Arrival(bytes(kept[:_CUT_BYTES]), length)
    try:
        body = unpacked(bytes(kept), request.headers.get("Content-Encoding", ""), _WHOLE_BYTES_MAX)
    except (NotUnpacked, TooLarge):
        return _Arrival(bytes(kept), length)
    return _Arrival(body, len(body))


def _show(request: web.Request, arrival: _Arrival, describers: Sequence[Describe]) -> None:
    body, length, broken_off = arrival
    say(f"{request.method} {request.path_qs}", as_sent=True)
    for describe in describers:
        if line := describe(request.headers, body):
            say(line, colour="green", as_sent=True)
            break
    for name, value in request.headers.items():
        if name.lower().startswith(("content-type", "x-", "authorization")):
            say(f"{name}: {value}", as_sent=True)
    if length > len(body):
        say(f"{length:,} bytes; the first {len(body):,} of them:")
    text = body.decode("utf-8", "replace")
    say(laid_out(text) or text, as_sent=True)
    if broken_off:
        say("the body broke off here", colour="red")
