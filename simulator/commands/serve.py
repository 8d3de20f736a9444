"""
`simulator serve`.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn, TypeAlias

import click

from simulator.commands.banner import hello
from simulator.commands.completion import complete_scenario
from simulator.commands.ending import finish, last_words, when_asked_to_end
from simulator.commands.exits import COULD_NOT_START, INTERRUPTED, INVALID, could_not_bind
from simulator.commands.option_types import SpanType, listen_option, ports_of
from simulator.commands.setup import Beginning, Setup, beginning_options
from simulator.commands.terminal import PlainLines, plain_json, say
from simulator.commands.tls import Tls, TlsOptions, tls_options
from simulator.explain.narrative import narrative
from simulator.files.outputs import forget, write_whole
from simulator.kernel.model.scenario import Scenario
from simulator.kernel.store.journal import Entry
from simulator.provider import Provider, discover
from simulator.runtime.collector import keep_short
from simulator.runtime.loops import FASTER, loop_factory
from simulator.runtime.space import Space
from simulator.secrecy import harmless_text
from simulator.server.app import Server, ServerConfig
from simulator.server.spaces import DEFAULT_SPACE

__all__ = ["serve"]

_WATCH_REAL_S: Final = 0.5
_QUIET_REAL_S: Final = 0.5
"""How soon after the start, and how often from then on, to look whether nobody is there."""
_RESTS_REAL_S: Final = 1.0
"""To load the rest takes less."""
_REST: Final = ("simulator.server.all_http", "simulator.server.http")
"""What a server starts without, and loads at the latest when it is asked for."""
_LOG = logging.getLogger("simulator")

Teller: TypeAlias = Callable[[Space, Entry], None]
"""Takes the name of a space and what happened there."""


class _JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "level": record.levelname.lower(),
            "at": self.formatTime(record),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return harmless_text(plain_json(fields))


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option(
    "--port", default=4010, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0: any free one."
)
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the bound port to this file.")
@click.option(
    "--scenario", help="A scenario file, or the name of a shipped one.", shell_complete=complete_scenario
)
@beginning_options
@click.option(
    "--keep-messages",
    "messages_max",
    type=click.IntRange(1_000, 10_000_000),
    default=100_000,
    show_default=True,
    help="In each space, so many messages and webhooks stay to be looked at; what is not over always stays.",
)
@click.option("--watch", is_flag=True, help="Load the scenario again when its file changes.")
@click.option("--verbose", "-v", is_flag=True, help="Log everything that happens, a line each.")
@click.option(
    "--loop",
    "loop_name",
    type=click.Choice(["asyncio", "uvloop", "auto"]),
    default="asyncio",
    show_default=True,
    help="Event loop: uvloop is winloop on Windows (extra `speed`); auto takes it where it is installed.",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@listen_option
@tls_options
@click.option(
    "--allow-target",
    multiple=True,
    metavar="NETWORK",
    help="Let webhooks go to this network, too: 192.0.2.0/24, 0.0.0.0/0.",
)
@click.option(
    "--drain",
    "drain_real_ms",
    type=SpanType(),
    default=0,
    metavar="DURATION",
    help="When ended, finish what is under way first (calls, webhooks, an advance), for so long at most.",
)
@click.option(
    "--journal",
    type=click.Path(path_type=Path),
    help="Append every fact of every space to this file as it happens, a line of JSON each.",
)
@click.option(
    "--journal-mb",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    help="Size at which --journal begins a new file; nine earlier ones stay, as FILE.1 to FILE.9.",
)
@click.option(
    "--patience",
    "patience_real_ms",
    type=SpanType(),
    default="30s",
    show_default=True,
    metavar="DURATION",
    help="How long a request may take to arrive: its head, then each part of its body; 0s: for ever.",
)
@click.option(
    "--http",
    type=click.Choice(["own", "aiohttp"]),
    default="own",
    show_default=True,
    help="Who serves plain calls: the simulator's own server, or aiohttp's.",
)
@click.option(
    "--allow-host",
    multiple=True,
    help="Serve the control API under this host name, too, and name it in the certificate of --tls.",
)
def serve(
    host: str,
    port: int,
    port_file: Path | None,
    scenario: str | None,
    beginning: Beginning,
    messages_max: int,
    watch: bool,
    verbose: bool,
    loop_name: str,
    log_format: str,
    listen: tuple[tuple[str, int], ...],
    tls: TlsOptions,
    allow_target: tuple[str, ...],
    allow_host: tuple[str, ...],
    drain_real_ms: int,
    patience_real_ms: int,
    journal: Path | None,
    journal_mb: int,
    http: str,
) -> None:
    """
    Serve the providers until interrupted.
    """
    _log_to_stderr(log_format)
    providers = discover()
    path = _find(scenario, watch)
    loaded = _load(path, providers)
    with _telling(verbose, journal, journal_mb * 1_000_000, providers) as tell:
        try:
            space = Setup.of(beginning, loaded, providers)
            https = Tls.of(tls, host=host, port=port, names=[*allow_host, *_hosts(providers)])
            config = ServerConfig(
                host=host,
                port=port,
                seed=space.seed.value,
                clock=space.clock,
                settings=space.webhooks,
                scenario=loaded,
                allow_targets=allow_target,
                allow_hosts=frozenset(allow_host),
                listen=ports_of(listen, providers),
                tls=https.context if https is not None else None,
                tls_port=https.port if https is not None else 0,
                providers=providers,
                http=http,
                patience_real_s=patience_real_ms / 1_000,
                tell=tell,
                messages_max=messages_max,
            )
            server = Server(config)
        except ValueError as refusal:
            _fail(str(refusal), INVALID)
        with asyncio.Runner(loop_factory=_loop(loop_name)) as runner:
            watched = path if watch else None
            code = runner.run(
                _run(server, providers, watched, port_file, drain_real_ms / 1_000, https, space.seed.drawn)
            )
    sys.exit(code)


@contextmanager
def _telling(
    verbose: bool, journal: Path | None, journal_bytes: int, providers: Mapping[str, Provider]
) -> Iterator[Teller | None]:
    """Give what is told of everything that happens: the log, the journal's file, both or nobody."""
    written = None
    if journal is not None:
        # Loaded when it is asked for: other servers are ready sooner.
        from simulator.commands.journal_file import JournalFile

        try:
            written = JournalFile(journal, journal_bytes, providers)
        except OSError as trouble:
            _fail(f"--journal {journal}: cannot be written ({trouble.strerror or trouble})", INVALID)
    tellers = [*([_teller()] if verbose else []), *([written.tell] if written is not None else [])]
    try:
        yield _all_of(tellers)
    finally:
        if written is not None:
            written.close()


def _hosts(providers: Mapping[str, Provider]) -> list[str]:
    return [pattern for provider in providers.values() for pattern in provider.hosts]


def _loop(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the event loop called *name*; None: Python's own."""
    try:
        return loop_factory(name)
    except ImportError:
        _fail(f'--loop {name} needs {FASTER}: pip install "messaging-provider-simulator[speed]"', INVALID)


def _teller() -> Teller:
    """Return what logs an entry of a space; texts come from outside and must not steer a terminal."""
    from simulator.explain.views import entry_view

    def tell(space: Space, entry: Entry) -> None:
        where = "" if space.name == DEFAULT_SPACE else f"[{space.name}] "
        facts = {"space": space.name, **entry_view(entry)}
        _LOG.info("%s%s", where, narrative(entry), extra={"facts": facts})

    return tell


def _all_of(tellers: Sequence[Teller]) -> Teller | None:
    if len(tellers) < 2:
        return tellers[0] if tellers else None

    def tell(space: Space, entry: Entry) -> None:
        for each in tellers:
            each(space, entry)

    return tell


def _find(scenario: str | None, watch: bool) -> Path | None:
    if not scenario:
        if watch:
            _fail("--watch needs a --scenario", INVALID)
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
            say(line, err=True)
        sys.exit(INVALID)


def _fail(text: str, code: int) -> NoReturn:
    say(f"simulator: {text}", err=True)
    sys.exit(code)


def _log_to_stderr(log_format: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if log_format == "json" else PlainLines("%(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    _LOG.setLevel(logging.INFO)


async def _run(
    server: Server,
    providers: dict[str, Provider],
    watched: Path | None,
    port_file: Path | None,
    drain_real_s: float,
    https: Tls | None,
    drawn: bool,
) -> int:
    if port_file is not None:
        # Who waits for it must not read the port of an earlier server.
        forget(port_file)
    try:
        await server.start()
    except OSError as trouble:
        _LOG.error("simulator: cannot listen on %s: %s", server.config.host, could_not_bind(trouble))
        return COULD_NOT_START
    keep_short()
    stopped, hurry = asyncio.Event(), asyncio.Event()
    code = 0

    def stop(number: int) -> None:
        nonlocal code
        if stopped.is_set():
            # Who asks twice does not want to wait.
            hurry.set()
            return
        code = INTERRUPTED if number == signal.SIGINT else 0
        stopped.set()

    loop = asyncio.get_running_loop()
    when_asked_to_end(stop)
    try:
        if port_file is not None:
            # Written whole or not at all, for others poll it.
            write_whole(port_file, f"{server.ports['']}\n".encode())
    except OSError as trouble:
        _LOG.error("simulator: cannot write --port-file %s: %s", port_file, trouble.strerror or trouble)
        await server.stop()
        return COULD_NOT_START
    _LOG.info("%s", "\n".join(hello(server, https, drawn=drawn)))
    tasks = [loop.create_task(_load_rest(server))]
    if watched is not None:
        tasks.append(loop.create_task(_watch(server, providers, watched)))
    try:
        await stopped.wait()
        await finish(server.registry.all(), drain_real_s, hurry)
    finally:
        for task in tasks:
            task.cancel()
        lines = last_words(server.registry.all())
        await server.stop()
        _LOG.info("%s", "\n".join(lines))
    return code


async def _load_rest(server: Server) -> None:
    """Load the rest of the server while there is nothing to do, so that nobody waits for that later."""
    while True:
        await asyncio.sleep(_QUIET_REAL_S)
        spaces = server.registry.all()
        if not any(front.count for front in server.fronts) and all(
            space.driver.rests(_RESTS_REAL_S) for space in spaces
        ):
            break
    for module in _REST:
        await asyncio.to_thread(import_module, module)


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
            # A large file takes seconds to read, in which others want to be served.
            scenario = await asyncio.to_thread(load_file, path, providers)
            space = server.registry.get(DEFAULT_SPACE)
            if why_not := server.registry.doors.why_not(scenario):
                _LOG.warning("%s\nthe scenario loaded before stays in force", why_not)
                continue
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
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
