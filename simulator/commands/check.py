"""
`simulator check` and `simulator schema`.
"""

from __future__ import annotations

import json
import sys

import click

from simulator.commands.exits import INVALID
from simulator.commands.files import find_scenario, load_run_file
from simulator.provider import discover
from simulator.scenario.loader import ScenarioError, editor_schema
from simulator.scenario.reference import reference

__all__ = ["check", "schema"]


@click.command()
@click.argument("files", nargs=-1, required=True)
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
                click.echo(line, err=True)
        else:
            recipients, rules = len(scenario.recipients), len(scenario.rules)
            items = len(scenario.timeline)
            click.echo(f"{name}: good ({recipients} recipients, {rules} rules, {items} on the timeline)")
    if bad:
        sys.exit(INVALID)


@click.command()
@click.option("--format", "form", type=click.Choice(["json", "markdown"]), default="json", show_default=True)
def schema(form: str) -> None:
    """
    Print the JSON Schema of scenario files, for completion and hover texts in editors.
    """
    if form == "markdown":
        click.echo(reference(discover()), nl=False)
        return
    click.echo(json.dumps(editor_schema(discover()), indent=2, ensure_ascii=False))
