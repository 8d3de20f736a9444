"""
Scenario files on disk: where they are found, and what is said when they are not good.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from simulator.kernel.rule import Scenario
from simulator.scenario.loader import ScenarioError, Vocabulary, load

__all__ = ["find_scenario", "library", "load_file"]


def library() -> list[Path]:
    """Return the shipped scenario files, sorted by name."""
    package = Path(__file__).resolve().parent.parent
    # In an installed package the library lies inside it, in a checkout beside it.
    for folder in (package / "library", package.parent / "scenarios"):
        if folder.is_dir():
            return sorted(folder.glob("*.yaml"))
    return []


def find_scenario(name: str) -> Path:
    """Return the file that *name* means: a path, or the name of a shipped scenario."""
    path = Path(name)
    if path.exists() or path.suffix:
        return path
    for shipped in library():
        if shipped.stem == name:
            return shipped
    return path


def load_file(path: Path, providers: Mapping[str, Vocabulary]) -> Scenario:
    """Return the scenario in a file; raises ScenarioError, also when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as trouble:
        raise ScenarioError([f"{path}: expected UTF-8 text: {trouble}"]) from None
    except OSError as trouble:
        known = ", ".join(shipped.stem for shipped in library())
        said = trouble.strerror or trouble
        raise ScenarioError([f"{path}: cannot be read ({said}); shipped scenarios: {known}"]) from None
    return load(text, str(path), providers)
