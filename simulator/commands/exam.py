"""
`simulator exam`.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from simulator.commands.exits import COULD_NOT_START, EXPECTATIONS_FAILED, INVALID, UNREACHABLE, could_not_bind
from simulator.commands.terminal import say
from simulator.exam.examine import examine
from simulator.exam.hardships import Hardship, chosen, hardships_of
from simulator.exam.results import ExamResult, Grade
from simulator.exam.software import Software, read_part, read_software
from simulator.exam.text import scorecard, told_at_once
from simulator.provider import Provider, discover
from simulator.run.runner import IntegratorUnreachable, RunOptions
from simulator.scenario.loader import ScenarioError
from simulator.schema.node import Json
from simulator.server.app import Server, ServerConfig

__all__ = ["exam"]

_DRAWN_SEEDS: Final = 1_000_000


@click.command()
@click.argument("provider")
@click.option("--software", type=click.Path(path_type=Path), metavar="FILE", help="How your software is reached.")
@click.option("--drive", metavar="CALL", help="The call that makes it send {text} to {recipient}.")
@click.option("--ask", multiple=True, metavar="QUESTION", help="What it is asked, as `integrator:` has it.")
@click.option("--webhook", metavar="URL", help="Where webhooks go; {provider} stands for the provider's name.")
@click.option("--reset", metavar="CALL", help="The call that makes it forget everything, before each hardship.")
@click.option("--only", multiple=True, metavar="NAME", help="These hardships alone; * stands for anything.")
@click.option("--skip", multiple=True, metavar="NAME", help="Not these hardships.")
@click.option("--list", "listed", is_flag=True, help="List the hardships, and examine nobody.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", default=4010, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0: any.")
@click.option("--seed", type=click.IntRange(0, 2**53), help="Same seed, same exam.  [default: drawn and told]")
def exam(
    provider: str,
    software: Path | None,
    drive: str | None,
    ask: tuple[str, ...],
    webhook: str | None,
    reset: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    listed: bool,
    host: str,
    port: int,
    seed: int | None,
) -> None:
    """
    Put your software through every hardship that PROVIDER has for a receiver.
    """
    providers = discover()
    if provider not in providers:
        raise click.UsageError(f"unknown provider {provider!r}; known: {', '.join(sorted(providers))}")
    hardships = chosen(hardships_of(provider, providers), only, skip)
    if listed:
        width = max((len(hardship.name) for hardship in hardships), default=0)
        for hardship in hardships:
            say(f"{hardship.name:<{width}}  {hardship.promise}")
        return
    parts: dict[str, Json] = {}
    try:
        if drive:
            parts["drive"] = read_part(drive, "--drive")
        if ask:
            parts["ask"] = [read_part(question, "--ask") for question in ask]
        if reset:
            parts["reset"] = reset
        if webhook:
            parts["providers"] = {provider: {"webhook": {"url": webhook.replace("{provider}", provider)}}}
        reached = read_software(
            software.read_text("utf-8") if software else None, str(software or "options"), providers, parts
        )
    except ScenarioError as trouble:
        for line in trouble.lines:
            say(line, err=True)
        sys.exit(INVALID)
    seed = seed if seed is not None else secrets.randbelow(_DRAWN_SEEDS)
    server = Server(ServerConfig(host=host, port=port, providers=providers))
    result = asyncio.run(_examine(server, providers[provider], hardships, reached, seed))
    for line in scorecard(result):
        say(line.text, colour=line.colour)
    if not result.passed:
        sys.exit(EXPECTATIONS_FAILED)


async def _examine(
    server: Server, provider: Provider, hardships: list[Hardship], software: Software, seed: int
) -> ExamResult:
    await server.start()
    width = max(len(hardship.name) for hardship in hardships)

    def show(_: int, grade: Grade) -> None:
        line = told_at_once(grade, width)
        say(line.text, colour=line.colour)

    try:
        say(f"{provider.title}: serving at {server.url}", err=True)
        return await examine(server, provider, hardships, software, seed=seed, progress=show)
    finally:
        await server.stop()
