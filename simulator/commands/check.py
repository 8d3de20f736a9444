"""
`simulator check` and `simulator schema`.
"""

from __future__ import annotations

import sys

import click

from simulator.commands.completion import complete_scenario
from simulator.commands.exits import INVALID
from simulator.commands.files import find_scenario, load_run_file
from simulator.commands.obstacles import tell_obstacles
from simulator.commands.terminal import plain_json, say
from simulator.provider import discover
from simulator.scenario.loader import ScenarioError, editor_schema
from simulator.scenario.reference import reference

__all__ = ["check", "schema"]


@click.command()
@click.argument("files", nargs=-1, required=True, shell_complete=complete_scenario)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Say as well what of them `run --workers N` cannot share among N processes.",
)
def check(files: tuple[str, ...], workers: int | None) -> None:
    """
    Check scenario FILES; every complaint is printed as file:line:column.
    """
    providers = discover()
    bad = False
    for name in files:
        try:
            plan = load_run_file(find_scenario(name), providers, to_be_run=False)
        except ScenarioError as trouble:
            bad = True
            for line in trouble.lines:
                say(line, err=True)
        else:
            if workers is not None and tell_obstacles(name, plan, providers, workers):
                bad = True
                continue
            scenario = plan.scenario
            recipients, rules = len(scenario.recipients), len(scenario.rules)
            items = len(scenario.timeline)
            say(f"{name}: good ({recipients} recipients, {rules} rules, {items} on the timeline)")
    if bad:
        sys.exit(INVALID)


@click.command()
@click.option("--format", "form", type=click.Choice(["json", "markdown"]), default="json", show_default=True)
def schema(form: str) -> None:
    """
    Print the JSON Schema of scenario files, for completion and hover texts in editors.
    """
    if form == "markdown":
        say(reference(discover()), nl=False)
        return
    say(plain_json(editor_schema(discover()), indent=2))
