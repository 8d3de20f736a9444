"""
The scenario files that come with the simulator, found by name.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Final

__all__ = ["find_scenario", "hardships", "library", "shipped_instead"]

_HARDSHIPS: Final = "exam"
"""Where those of the exam lie: under the others, so that they do not crowd their list."""


def library() -> list[Path]:
    """Return the shipped scenario files, sorted by name."""
    return _shipped(".")


def hardships() -> list[Path]:
    """Return the files of the exam, sorted by name."""
    return _shipped(_HARDSHIPS)


def _shipped(below: str) -> list[Path]:
    package = Path(__file__).resolve().parent.parent
    # In an installed package the library lies inside it, in a checkout beside it.
    for folder in (package / "library", package.parent / "scenarios"):
        if folder.is_dir():
            return sorted((folder / below).glob("*.yaml"), key=lambda path: path.stem)
    return []


def find_scenario(name: str) -> Path:
    """Return the file that *name* means: a path, or a shipped scenario, by its name or its file's."""
    path = Path(name)
    if path.exists():
        return path
    below, _, file = name.rpartition("/")
    for shipped in hardships() if below == _HARDSHIPS else () if below else library():
        if file in (shipped.stem, shipped.name):
            return shipped
    return path


def shipped_instead(path: Path) -> str:
    """Return which shipped scenario was meant, where *path* looks like the name of one; else nothing."""
    if len(path.parts) != 1:
        return ""
    names = [shipped.stem for shipped in library()]
    if nearest := get_close_matches(path.stem, names, n=1):
        return f'; did you mean "{nearest[0]}"?'
    return "" if path.suffix else f"; shipped scenarios: {', '.join(names)}"
