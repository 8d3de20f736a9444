"""
Coverage as data: what is said to be imitated is what is served.
"""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from simulator.commands.codes import codes
from simulator.providers import infobip
from simulator.providers.infobip import PROVIDER

README = Path(infobip.__file__).with_name("README.md")


def test_coverage_is_what_is_served():
    """
    Every route is in the coverage, and whatever the coverage calls absent is not served.
    """
    served = {(route.method, route.path) for route in PROVIDER.routes}
    covered = {(row.method, row.path) for row in PROVIDER.coverage if row.state != "absent"}
    absent = {(row.method, row.path) for row in PROVIDER.coverage if row.state == "absent"}

    assert served == covered
    assert not served & absent
    assert {row.state for row in PROVIDER.coverage} <= {"supported", "partial", "absent"}
    assert len(PROVIDER.coverage) == len(covered | absent)


def test_partial_and_absent_say_why():
    """
    What is not fully there has a note.
    """
    assert [row for row in PROVIDER.coverage if row.state != "supported" and not row.note] == []


def test_readme_has_the_coverage():
    """
    The table in the provider's README is the coverage, row by row.
    """
    rows = [f"| `{row.method} {row.path}` | {row.state} | {row.note} |" for row in PROVIDER.coverage]

    assert "\n".join(rows) in README.read_text(encoding="utf-8")


def test_coverage_command():
    """
    `simulator codes infobip --coverage` prints it.
    """
    shown = CliRunner().invoke(codes, ["infobip", "--coverage"])

    assert shown.exit_code == 0
    assert len(shown.output.splitlines()) == len(PROVIDER.coverage) + 1
    assert "/ct/1/log/end/{messageId}" in shown.output


def test_readme_names_every_open_choice_and_setting():
    """
    Every open choice (OC-1 to OC-13) and every setting is explained.
    """
    text = README.read_text(encoding="utf-8")
    settings = PROVIDER.settings.schema({})["properties"]

    assert [number for number in range(1, 14) if f"OC-{number} " not in text] == []
    assert [name for name in settings if f"`{name}" not in text] == []
