"""
The command line; every command is imported only when it is called.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from simulator import __version__

__all__ = ["main"]

_COMMANDS: Final = {
    "serve": ("simulator.commands.serve", "Serve the providers until interrupted."),
    "run": ("simulator.commands.run", "Carry a scenario out against your software; print a verdict."),
    "exam": ("simulator.commands.exam", "Put your software through a fixed set of hardships; print a score."),
    "replay": ("simulator.commands.replay", "Replay a recorded run: byte for byte, against, or as load."),
    "explore": ("simulator.commands.explore", "Search for the smallest scenario that breaks your software."),
    "open": ("simulator.commands.open", "Show a recorded run in the inspector; fork it."),
    "init": ("simulator.commands.init", "Write a commented starter scenario."),
    "check": ("simulator.commands.check", "Check scenario files; every complaint has its place."),
    "codes": ("simulator.commands.codes", "Print a provider's catalogue with its magic recipients."),
    "schema": ("simulator.commands.check", "Print the JSON Schema of scenario files."),
    "listen": ("simulator.commands.listen", "Print the webhooks that arrive on a local port."),
    "explain": ("simulator.commands.remote", "Tell a message's whole story, from a running server."),
    "evidence": ("simulator.commands.past", "Write evidence from a journal of `serve --journal`."),
    "messages": ("simulator.commands.looking", "List the messages of a running server."),
    "webhooks": ("simulator.commands.looking", "List its webhooks, and what was answered."),
    "advance": ("simulator.commands.looking", "Move its clock: 2h, an instant, or settled."),
    "spaces": ("simulator.commands.looking", "List its spaces."),
    "ready": ("simulator.commands.remote", "Tell whether a server is ready; --wait until it is."),
}


@cache
def _brought() -> dict[str, tuple[str, str]]:
    """
    Return the commands that providers bring: name, where it is, what it does.

    Those of our own folder are declared in small files, for importing a provider
    takes longer than `--help` may.
    """
    commands: dict[str, tuple[str, str]] = {}
    for path in sorted((Path(__file__).parent / "providers").glob("*/commands.json")):
        for name, declared in json.loads(path.read_text("utf-8")).items():
            commands[name] = (declared["place"], declared["help"])
    return commands


@cache
def _installed() -> dict[str, tuple[str, str]]:
    """Return the commands of installed providers, which have to be loaded to know them."""
    from importlib.metadata import entry_points

    if not entry_points(group="simulator.providers"):
        return {}
    from simulator.provider import discover

    commands = (command for provider in discover().values() for command in provider.commands)
    return {command.name: (command.place, command.help) for command in commands}


def _all_commands() -> dict[str, tuple[str, str]]:
    return {**_installed(), **_brought(), **_COMMANDS}


_PLAIN: Final = ("serve", "run")
"""Commands whose variables have no command in their names."""


@contextmanager
def _interrupted_alike() -> Iterator[None]:
    """
    Let a polite kill and a closed terminal end a command as Ctrl-C does: in order, with a word and code 130.

    Commands that have more to say of it listen themselves; what is ignored stays ignored.
    """
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    heard = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        heard = []
    for number in heard:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        from simulator.commands.exits import INTERRUPTED
        from simulator.commands.terminal import say

        say("simulator: interrupted", err=True)
        sys.exit(INTERRUPTED)
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _shown_plainly() -> Iterator[None]:
    """Let complaints about what was typed quote it in a way that cannot steer a terminal."""
    try:
        yield
    except click.ClickException as failure:
        from simulator.commands.terminal import shown

        # click writes its complaints itself, from this attribute.
        vars(failure)["message"] = shown(failure.message)
        raise


class _Commands(click.Group):
    """Commands that are imported when they are called, so that --help is quick."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with _shown_plainly():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _shown_plainly(), _interrupted_alike():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_all_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place_and_help = _COMMANDS.get(cmd_name) or _brought().get(cmd_name) or _installed().get(cmd_name)
        if place_and_help is None:
            nearest = get_close_matches(cmd_name, _all_commands(), n=1)
            if nearest:
                ctx.fail(f'there is no command "{cmd_name}"; did you mean "{nearest[0]}"?')
            return None
        module, _, name = place_and_help[0].partition(":")
        command = getattr(import_module(module), name or cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        _give_twins(command, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _all_commands().items()])


def _give_twins(command: click.Command, name: str) -> None:
    """Give every option an environment variable: SIMULATOR_PORT, and SIMULATOR_LISTEN_PORT for `listen`."""
    prefix = "SIMULATOR" if name in _PLAIN else f"SIMULATOR_{name.replace('-', '_').upper()}"
    for option in command.params:
        if isinstance(option, click.Option):
            if option.envvar is None:
                longest = max(option.opts, key=len).lstrip("-")
                option.envvar = f"{prefix}_{longest.replace('-', '_').upper()}"
            option.show_envvar = True


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="simulator")
def main() -> None:
    """
    A local stand-in for messaging providers: real wire formats, delivery reports,
    offline phones, expiry and webhook storms, on a clock you own.

    Every option has an environment variable, which its command's --help names:
    SIMULATOR_PORT for serve --port.  A flag wins over the variable.
    """


if __name__ == "__main__":
    sys.exit(main())
