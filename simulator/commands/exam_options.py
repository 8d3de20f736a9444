"""
Options of `simulator exam` that belong together.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

__all__ = ["PORT", "Place", "Reach", "Written", "place_options", "reach_options", "written_options"]

PORT: Final = 4010
"""Where `run` and `exam` serve, unless they are told."""

_PATH: Final = click.Path(path_type=Path)


class Reach(NamedTuple):
    """
    How the software under test is reached.
    """

    software: Path | None
    drive: str
    ask: tuple[str, ...]
    webhook: str
    inbound: str
    reset: str


def reach_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* the options of how the software is reached; it takes them as `reach`."""

    @click.option(
        "--software",
        type=_PATH,
        metavar="FILE",
        help="How your software is reached, written once: drive, ask, providers, and what else there is.",
    )
    @click.option(
        "--drive", default="", metavar="CALL", help="The call that makes it send {text} to {recipient}."
    )
    @click.option(
        "--ask",
        multiple=True,
        metavar="QUESTION",
        help="What it is asked, as `integrator:` of a scenario; may be given several times.",
    )
    @click.option(
        "--webhook",
        default="",
        metavar="URL",
        help="Where webhooks go; {provider} stands for the provider's name.",
    )
    @click.option(
        "--inbound",
        default="",
        metavar="URL",
        help="Where inbound messages go, at a provider that has another place for them.",
    )
    @click.option(
        "--reset", default="", metavar="CALL", help="Makes it forget everything; called before each hardship."
    )
    @wraps(command)
    def with_reach(
        software: Path | None,
        drive: str,
        ask: tuple[str, ...],
        webhook: str,
        inbound: str,
        reset: str,
        **others: Any,
    ) -> None:
        command(reach=Reach(software, drive, ask, webhook, inbound, reset), **others)

    return with_reach


class Written(NamedTuple):
    """
    What is written, and where.
    """

    junit: Path | None
    html: Path | None
    badge: Path | None
    json: Path | None
    folder: Path


def written_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* the options of what it writes; it takes them as `written`."""

    @click.option("--junit", type=_PATH, help="Write JUnit XML: a test case per hardship.")
    @click.option("--html", type=_PATH, help="Write a self-contained page.")
    @click.option("--badge", type=_PATH, help="Write the score as SVG.")
    @click.option("--json", type=_PATH, help="Write the score and every grade as JSON.")
    @click.option(
        "--to",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        default="exam",
        show_default=True,
        help="Where the scenario files of what failed go.",
    )
    @wraps(command)
    def with_written(
        junit: Path | None,
        html: Path | None,
        badge: Path | None,
        json: Path | None,
        folder: Path,
        **others: Any,
    ) -> None:
        command(evidence=Written(junit, html, badge, json, folder), **others)

    return with_written


class Place(NamedTuple):
    """
    Where the simulator serves, and whom it begins or waits for.
    """

    host: str
    port: int
    port_file: Path | None
    allow_target: tuple[str, ...]
    start: str
    wait_for: str


def place_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* the options of where it serves; it takes them as `place`."""

    @click.option(
        "--start", default="", metavar="COMMAND", help="Begin your software so, and end it afterwards."
    )
    @click.option(
        "--wait-for", default="", metavar="URL", help="Begin when this URL of your software answers."
    )
    @click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
    @click.option(
        "--port", default=PORT, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0: any."
    )
    @click.option("--port-file", type=_PATH, help="Write the bound port to this file.")
    @click.option(
        "--allow-target", multiple=True, metavar="NETWORK", help="Let webhooks go to this network, too."
    )
    @wraps(command)
    def with_place(
        host: str,
        port: int,
        port_file: Path | None,
        allow_target: tuple[str, ...],
        start: str,
        wait_for: str,
        **others: Any,
    ) -> None:
        command(place=Place(host, port, port_file, allow_target, start, wait_for), **others)

    return with_place
