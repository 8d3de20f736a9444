"""
`simulator serve`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from simulator import __version__
from simulator.commands.exits import COULD_NOT_START, INTERRUPTED, INVALID, could_not_bind
from simulator.explain.narrative import clock_words, narrative
from simulator.kernel.model.scenario import ClockMode, ClockSpec, Scenario
from simulator.kernel.store.journal import Entry
from simulator.provider import Provider, discover
from simulator.server.app import Server, ServerConfig
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["serve"]

_WATCH_REAL_S: Final = 0.5
_LOG = logging.getLogger("simulator")


if TYPE_CHECKING:
    _ClockType = click.ParamType[ClockSpec]
    _ListenType = click.ParamType[tuple[str, int]]
else:
    # Older releases of click have no types to be asked for.
    _ClockType = click.ParamType
    _ListenType = click.ParamType


class _Clock(_ClockType):
    """`frozen`, `live`, `live×60` (or `livex60`), `autojump`."""

    name = "clock"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> ClockSpec:
        if isinstance(value, ClockSpec):
            return value
        match = re.fullmatch(r"(frozen|autojump|live)(?:[×x*]([1-9][0-9]{0,5}))?", str(value))
        if match is None or (match[2] and match[1] != "live"):
            self.fail(f"expected frozen, live, live×60 or autojump, got {value!r}", param, ctx)
        return ClockSpec(mode=ClockMode(match[1]), rate=int(match[2] or 1))


class _Listen(_ListenType):
    """`infobip=8081`."""

    name = "provider=port"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        provider, equals, port = str(value).partition("=")
        if not equals or not port.isdigit() or int(port) > 65_535:
            self.fail(f"expected a provider and a port such as infobip=8081, got {value!r}", param, ctx)
        return provider, int(port)


class _JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "level": record.levelname.lower(),
            "at": self.formatTime(record),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option(
    "--port", default=4010, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0: any free one."
)
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the bound port to this file.")
@click.option("--scenario", help="A scenario file, or the name of a shipped one.")
@click.option(
    "--seed", type=click.IntRange(0, 2**53), help="Same seed, same story.  [default: the scenario's, or 0]"
)
@click.option(
    "--clock", type=_Clock(), help="frozen, live, live×60 or autojump.  [default: the scenario's, or live]"
)
@click.option("--watch", is_flag=True, help="Load the scenario again when its file changes.")
@click.option("--verbose", "-v", is_flag=True, help="Log everything that happens, a line each.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--listen", type=_Listen(), multiple=True, help="Serve a provider alone on a further port.")
@click.option(
    "--allow-target", multiple=True, metavar="NETWORK", help="Let webhooks go to this network, too."
)
@click.option("--allow-host", multiple=True, help="Serve the control API under this host name, too.")
def serve(
    host: str,
    port: int,
    port_file: Path | None,
    scenario: str | None,
    seed: int | None,
    clock: ClockSpec | None,
    watch: bool,
    verbose: bool,
    log_format: str,
    listen: tuple[tuple[str, int], ...],
    allow_target: tuple[str, ...],
    allow_host: tuple[str, ...],
) -> None:
    """
    Serve the providers until interrupted.
    """
    _log_to_stderr(log_format)
    providers = discover()
    unknown = [name for name, _ in listen if name not in providers]
    if unknown:
        _fail(f"--listen: there is no provider {unknown[0]!r}; known: {', '.join(providers)}", INVALID)
    path = _find(scenario)
    if watch and path is None:
        _fail("--watch needs a --scenario", INVALID)
    loaded = _load(path, providers)
    try:
        config = ServerConfig(
            host=host,
            port=port,
            seed=_seed(seed, loaded),
            clock=_clock(clock, loaded),
            scenario=loaded,
            allow_targets=allow_target,
            allow_hosts=frozenset(allow_host),
            listen=dict(listen),
            providers=providers,
            tell=_teller() if verbose else None,
        )
        server = Server(config)
    except ValueError as refusal:
        _fail(str(refusal), INVALID)
    if port_file is not None:
        # Who waits for it must not read the port of an earlier server.
        with suppress(OSError):
            port_file.unlink()
    code = asyncio.run(_run(server, providers, path if watch else None, port_file))
    if code:
        sys.exit(code)


def _teller() -> Callable[[str, Entry], None]:
    """Return what logs an entry of a space; texts come from outside and must not steer a terminal."""
    from simulator.evidence.words import printable
    from simulator.explain.views import entry_view

    def tell(space: str, entry: Entry) -> None:
        where = "" if space == DEFAULT_SPACE else f"[{space}] "
        facts = {"space": space, **entry_view(entry)}
        _LOG.info("%s%s", where, printable(narrative(entry)), extra={"facts": facts})

    return tell


def _seed(seed: int | None, scenario: Scenario | None) -> int:
    if seed is not None:
        return seed
    return scenario.seed if scenario is not None and scenario.seed is not None else 0


def _clock(clock: ClockSpec | None, scenario: Scenario | None) -> ClockSpec:
    said = scenario.clock if scenario is not None else None
    if clock is None:
        return said or ClockSpec(mode=ClockMode.LIVE)
    if said is None:
        return clock
    return replace(clock, start_unix_ms=said.start_unix_ms, grace_real_ms=said.grace_real_ms)


def _find(scenario: str | None) -> Path | None:
    if not scenario:
        return None
    from simulator.commands.files import find_scenario

    return find_scenario(scenario)


def _load(path: Path | None, providers: dict[str, Provider]) -> Scenario | None:
    if path is None:
        return None
    # Loaded with the first scenario: a server without one is ready sooner.
    from simulator.commands.files import load_file
    from simulator.scenario.loader import ScenarioError

    try:
        return load_file(path, providers)
    except ScenarioError as trouble:
        for line in trouble.lines:
            click.echo(line, err=True)
        sys.exit(INVALID)


def _fail(text: str, code: int) -> None:
    click.echo(f"simulator: {text}", err=True)
    sys.exit(code)


def _log_to_stderr(log_format: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if log_format == "json" else logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    _LOG.setLevel(logging.INFO)


async def _run(
    server: Server, providers: dict[str, Provider], watched: Path | None, port_file: Path | None
) -> int:
    try:
        await server.start()
    except OSError as trouble:
        _LOG.error("simulator: cannot listen on %s: %s", server.config.host, could_not_bind(trouble))
        return COULD_NOT_START
    stopped = asyncio.Event()
    code = 0

    def stop(number: int) -> None:
        nonlocal code
        code = INTERRUPTED if number == signal.SIGINT else 0
        stopped.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop, number)
        except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt in asyncio.run.
            break
    try:
        if port_file is not None:
            _write_port(port_file, server.ports[""])
    except OSError as trouble:
        _LOG.error("simulator: cannot write --port-file %s: %s", port_file, trouble.strerror or trouble)
        await server.stop()
        return COULD_NOT_START
    _say_hello(server, providers)
    watching = loop.create_task(_watch(server, providers, watched)) if watched is not None else None
    try:
        await stopped.wait()
    finally:
        if watching is not None:
            watching.cancel()
        await server.stop()
    return code


def _write_port(path: Path, port: int) -> None:
    # Written whole or not at all, for others poll it.
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(f"{port}\n")
    draft.replace(path)


def _say_hello(server: Server, providers: dict[str, Provider]) -> None:
    space = server.registry.get(DEFAULT_SPACE)
    scenario = space.simulation.scenario
    credentials = server.registry.credentials(DEFAULT_SPACE)
    source = scenario.source or "none: every message is delivered after a moment"
    lines = [
        f"simulator {__version__} is ready at {server.url}",
        "",
        f"  {'scenario':14} {source}",
        f"  {'clock, seed':14} {clock_words(space.driver.mode, space.driver.rate)}, {space.seed}",
        f"  {'inspector':14} {server.url}",
        f"  {'control API':14} {server.url}/_sim/openapi.json",
        "",
        "Any well-formed credential is accepted. A first message to each provider:",
    ]
    for name, provider in providers.items():
        lines += ["", f"  {provider.title}: {server.url}/{name}"]
        if name in server.ports:
            lines.append(f"  alone at http://{server.config.host}:{server.ports[name]}")
        example = provider.example(f"{server.url}/{name}", credentials[name])
        lines += [f"    {line}" for line in example.splitlines()]
    lines += ["", "`simulator listen` prints webhooks that arrive; Ctrl-C ends the simulator."]
    _LOG.info("%s", "\n".join(lines))


async def _watch(server: Server, providers: dict[str, Provider], path: Path) -> None:
    from simulator.commands.files import load_file
    from simulator.scenario.loader import ScenarioError

    seen = _stamp(path)
    while True:
        await asyncio.sleep(_WATCH_REAL_S)
        stamp = _stamp(path)
        if stamp == seen or stamp is None:
            continue
        seen = stamp
        try:
            scenario = load_file(path, providers)
            space = server.registry.get(DEFAULT_SPACE)
            space.load(scenario)
        except ScenarioError as trouble:
            _LOG.warning("%s\nthe scenario loaded before stays in force", "\n".join(trouble.lines))
        else:
            _LOG.info("%s is loaded again", path)
            if scenario.seed not in (None, space.seed):
                _LOG.warning(
                    "its seed counts from the next start; here everything is drawn from %d", space.seed
                )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
