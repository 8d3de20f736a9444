"""
What pipelines use: the script of the GitHub action, and the pre-commit hook.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.commands.init import init

_ROOT = Path(__file__).parents[2]


def _action() -> Any:
    return yaml.safe_load((_ROOT / "action.yml").read_text(encoding="utf-8"))


def _carry_out(folder: Path, **inputs: str) -> dict[str, str]:
    """Run the script of the action as a runner would; return its outputs."""
    action = _action()
    step = action["runs"]["steps"][0]
    output = folder / "outputs"
    output.write_text("")
    values = {name: str(about.get("default", "")) for name, about in action["inputs"].items()} | inputs
    environment = {
        name: re.sub(r"\$\{\{ inputs\.(\w+).*?\}\}", lambda match: values[match[1]], text)
        for name, text in step["env"].items()
    }
    environment |= {
        "STATE": str(folder / "state"),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_ENV": str(folder / "environment"),
    }
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=folder, env={**os.environ, **environment}, text=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(line.split("=", 1) for line in output.read_text().splitlines())


def _prepare(folder: Path) -> None:
    """Put an environment where the action makes one; installing is tried by `make release-check`."""
    programs = folder / "state" / "venv" / "bin"
    programs.mkdir(parents=True)
    simulator = shutil.which("simulator", path=str(Path(sys.executable).parent))
    assert simulator is not None
    (programs / "simulator").symlink_to(simulator)
    python = programs / "python"
    python.write_text(f'#!/bin/sh\n[ "$2" = pip ] || exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (folder / "python3").write_text("#!/bin/sh\n")
    (folder / "python3").chmod(0o755)


@pytest.mark.skipif(not shutil.which("bash"), reason="the action's script is for bash")
def test_action__starts_a_space_and_collects_its_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The first step leaves a running server with a space of its own, the last one its evidence and no server.
    """
    _prepare(tmp_path)
    # The environment is there: making it is left out.
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "mine.simulator.yaml").write_text("name: mine\nseed: 3\n")

    outputs = _carry_out(tmp_path, seed="42", scenario="mine.simulator.yaml")
    _carry_out(tmp_path, mode="collect")

    assert outputs["base-url"] == f"{outputs['url']}/s/job"
    assert f"SIMULATOR_URL={outputs['url']}" in (tmp_path / "environment").read_text()
    evidence = tmp_path / "simulator-evidence"
    assert sorted(path.name for path in evidence.iterdir()) == [
        "evidence.har", "evidence.html", "evidence.jsonl", "junit.xml", "server.log",
    ]  # fmt: skip
    assert "<html" in (evidence / "evidence.html").read_text()


def test_action__declares_what_its_script_reads() -> None:
    """
    Every input that the script's environment names is declared, and every output is set.
    """
    action = _action()
    step = action["runs"]["steps"][0]

    read = {name for text in step["env"].values() for name in re.findall(r"inputs\.(\w+)", text)}
    set_by_script = set(re.findall(r'echo "([\w-]+)=\$', step["run"])) - {"SIMULATOR_URL", "SIMULATOR_SPACE"}

    assert read == set(action["inputs"])
    assert set_by_script == set(action["outputs"])


def test_hook__is_about_the_files_that_init_writes() -> None:
    """
    The pre-commit hook looks at the name that `simulator init` gives, and at no other YAML.
    """
    hook = yaml.safe_load((_ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))[0]
    written = str(next(parameter.default for parameter in init.params if parameter.name == "file"))

    assert re.search(hook["files"], written)
    assert not re.search(hook["files"], "docker-compose.yaml")
    assert hook["entry"] == "simulator check"
