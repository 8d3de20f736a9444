"""
`simulator check` and `simulator schema`.
"""

from __future__ import annotations

import sys

import click

from simulator.commands.completion import complete_scenario
from simulator.commands.exits import INVALID
from simulator.commands.files import find_scenario, load_run_file
from simulator.commands.terminal import plain_json, say
from simulator.provider import discover
from simulator.scenario.loader import ScenarioError, editor_schema
from simulator.scenario.reference import reference

__all__ = ["check", "schema"]


@click.command()
@click.argument("files", nargs=-1, required=True, shell_complete=complete_scenario)
def check(files: tuple[str, ...]) -> None:
    """
    Check scenario FILES; every complaint is printed as file:line:column.
    """
    providers = discover()
    bad = False
    for name in files:
        try:
            scenario = load_run_file(find_scenario(name), providers, to_be_run=False).scenario
        except ScenarioError as trouble:
            bad = True
            for line in trouble.lines:
                say(line, err=True)
        else:
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
