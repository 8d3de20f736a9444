"""
The plugin in projects that have a module of their own called `simulator`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_OWN = "speed = 3\n"
_TESTS = """
import simulator

def test_own_module():
    assert simulator.speed == 3
"""
_WANTS_OURS = """
def test_wants_it(simulator):
    pass
"""


def _pytest(folder: Path, *arguments: str) -> str:
    """Run pytest as in that project, which knows nothing of this checkout but what is installed."""
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, *arguments, "-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:faker"],
        cwd=folder, capture_output=True, text=True, timeout=60, env=bare,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.fixture(params=["module", "package"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a project with its own `simulator`, as a module or as a package, and a test of it."""
    if request.param == "module":
        (tmp_path / "simulator.py").write_text(_OWN)
    else:
        (tmp_path / "simulator").mkdir()
        (tmp_path / "simulator" / "__init__.py").write_text(_OWN)
    (tmp_path / "test_own.py").write_text(_TESTS)
    return tmp_path


def test_project_with_its_own_simulator__runs_its_tests(project: Path) -> None:
    """
    Both ways of starting pytest work; the plugin says in one line that it stands aside.
    """
    as_module = _pytest(project, "-m", "pytest")
    as_script = _pytest(project, "-c", "import sys, pytest; sys.path.pop(0); sys.exit(pytest.main())")

    assert "1 passed" in as_module
    assert "1 passed" in as_script
    told = [line for line in as_module.splitlines() if line.startswith("messaging-provider-simulator:")]
    assert len(told) == 1
    assert told[0].startswith(
        f"messaging-provider-simulator: stands aside, for `simulator` is {project / 'simulator'}"
    )


def test_project_with_its_own_simulator__is_told_when_it_wants_ours(project: Path) -> None:
    """
    A test that asks for the fixture fails with a sentence, not with a trace of imports.
    """
    (project / "test_own.py").write_text(_WANTS_OURS)

    told = _pytest(project, "-m", "pytest", "-q")

    assert "is " + str(project / "simulator") in told
    assert "not the messaging-provider simulator: rename that module" in told
    assert "Traceback" not in told
    assert "ModuleNotFoundError" not in told


def test_project_without_one__gets_the_fixture(tmp_path: Path) -> None:
    """
    Everywhere else the fixture is there and the header has no line about it.
    """
    (tmp_path / "test_own.py").write_text(_WANTS_OURS)

    told = _pytest(tmp_path, "-m", "pytest")

    assert "1 passed" in told
    assert "stands aside" not in told
