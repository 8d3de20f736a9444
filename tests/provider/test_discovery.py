"""
Which providers are found, and what is said of those that cannot be used.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

import simulator.providers
from simulator.provider import Command, built_in, discover
from simulator.provider import discovery as module
from toys.pigeon import PROVIDER

BROKEN = """
raise RuntimeError("no such dove")
"""


def installed(monkeypatch: pytest.MonkeyPatch, **entries: str) -> None:
    """Let packages with these entry points be installed."""
    points = [EntryPoint(name, value, module.GROUP) for name, value in entries.items()]
    monkeypatch.setattr(module, "entry_points", lambda group: EntryPoints(points).select(group=group))


def test_installed_provider_stands_beside_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An entry point that names a provider adds it, in alphabetical order.
    """
    installed(monkeypatch, pigeon="toys.pigeon:PROVIDER")

    found = discover()

    assert list(found) == sorted([*built_in(), "pigeon"])
    assert found["pigeon"] is PROVIDER


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"seam": 2}, "it was written for version 2 of the seam, this is version 1"),
        ({"name": "infobip"}, "name: there is a provider 'infobip' already"),
        ({"name": "s"}, "name: 's' is reserved"),
        ({"name": "_sim"}, "name: '_sim' is reserved"),
        ({"name": "Carrier Pigeon"}, "name: expected small letters, digits and dashes, got 'Carrier Pigeon'"),
        ({"routes": ()}, "routes: expected at least one route"),
        ({"settings": None}, "settings: expected a shape, got NoneType"),
        ({"open": None}, "open: expected a function, got NoneType"),
    ],
    ids=["seam", "taken", "reserved", "the control API's", "name", "routes", "settings", "open"],
)
def test_bad_provider_is_left_out_with_the_reason(
    changes: dict[str, object],
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    One line names the package and what is wrong; the other providers are there as ever.
    """
    monkeypatch.setattr("toys.pigeon.PROVIDER", replace(PROVIDER, **changes))  # type: ignore[arg-type]
    installed(monkeypatch, odd="toys.pigeon:PROVIDER")

    with caplog.at_level(logging.WARNING):
        found = discover()

    assert found == built_in()
    assert caplog.messages == [f"simulator: provider 'odd' of package toys.pigeon is left out: {complaint}"]


def test_package_that_fails_to_load_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Whatever a package does when it is imported, our own providers and commands go on.
    """
    (tmp_path / "broken_dove.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    installed(monkeypatch, dove="broken_dove:PROVIDER", lost="no_such_dove:PROVIDER")

    with caplog.at_level(logging.WARNING):
        found = discover()

    assert found == built_in()
    assert caplog.messages == [
        "simulator: provider 'dove' of package broken_dove is left out: "
        "broken_dove:PROVIDER failed to load: RuntimeError: no such dove",
        "simulator: provider 'lost' of package no_such_dove is left out: "
        "no_such_dove:PROVIDER failed to load: ModuleNotFoundError: No module named 'no_such_dove'",
    ]


def test_commands_of_built_in_providers_are_declared_twice_alike() -> None:
    """
    The file that `--help` reads says what the provider itself says.
    """
    declared = {
        path.parent.name: json.loads(path.read_text("utf-8"))
        for folder in simulator.providers.__path__
        for path in Path(folder).glob("*/commands.json")
    }

    brought = {
        name: {command.name: {"help": command.help, "place": command.place} for command in provider.commands}
        for name, provider in built_in().items()
        if provider.commands
    }

    assert all(isinstance(command, Command) for p in built_in().values() for command in p.commands)
    assert brought == declared


def test_what_is_no_provider_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    An entry point that names something else says what was expected.
    """
    installed(monkeypatch, pigeon="toys.pigeon", name="toys.pigeon:PigeonAccount")

    with caplog.at_level(logging.WARNING):
        providers = discover()

    assert providers == built_in()
    assert caplog.messages == [
        "simulator: provider 'name' of package toys.pigeon is left out: "
        "expected a simulator.provider.Provider, got type",
        "simulator: provider 'pigeon' of package toys.pigeon is left out: "
        "expected a simulator.provider.Provider, got module",
    ]


INCOMPLETE = """
from simulator.provider import Provider

PROVIDER = Provider(name="dove", title="Dove post")
"""


@pytest.mark.parametrize(
    ("source", "complaint", "command"),
    [
        (
            BROKEN,
            "broken_dove:PROVIDER failed to load: RuntimeError: no such dove",
            ["check", "scenarios/healthy.yaml"],
        ),
        (
            INCOMPLETE,
            "broken_dove:PROVIDER failed to load: TypeError: Provider.__init__() missing 3 required "
            "keyword-only arguments: 'routes', 'settings', and 'open'",
            ["codes", "infobip"],
        ),
    ],
    ids=["import error", "missing parts"],
)
def test_commands_work_beside_a_package_that_does_not(
    source: str, complaint: str, command: list[str], tmp_path: Path
) -> None:
    """
    A bad package costs one line on the standard error; what a command prints is what it always prints.
    """
    root = Path(simulator.__path__[0]).parent
    (tmp_path / "broken_dove.py").write_text(source)
    info = tmp_path / "simulator_dove-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: simulator-dove\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{module.GROUP}]\ndove = broken_dove:PROVIDER\n")

    plain, beside = (
        subprocess.run(
            [sys.executable, "-m", "simulator", *command],
            cwd=root,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        for path in ([str(root)], [str(tmp_path), str(root)])
    )

    assert beside.stdout == plain.stdout != ""
    assert beside.stderr.splitlines() == [
        *plain.stderr.splitlines(),
        f"simulator: provider 'dove' of package simulator-dove is left out: {complaint}",
    ]
