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
    """Return the file that *name* means: a path, or the name of a shipped scenario."""
    path = Path(name)
    if path.exists() or path.suffix:
        return path
    below, _, stem = name.rpartition("/")
    for shipped in hardships() if below == _HARDSHIPS else () if below else library():
        if shipped.stem == stem:
            return shipped
    return path


def shipped_instead(path: Path) -> str:
    """Return which shipped scenario was meant, where *path* looks like the name of one; else nothing."""
    if path.suffix or len(path.parts) != 1:
        return ""
    names = [shipped.stem for shipped in library()]
    nearest = get_close_matches(str(path), names, n=1)
    return f'; did you mean "{nearest[0]}"?' if nearest else f"; shipped scenarios: {', '.join(names)}"
