"""
Prints the oldest version of each dependency that the package admits, as constraints for pip.

`make lowest` runs the tests with them.  Tools of the tests are not held down: they do not come with it.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
_LEAST = re.compile(r"([A-Za-z0-9_.-]+)(?:\[[^]]*\])?>=([0-9.]+)(?:,<[0-9.]+)?(;.*)?")


def lowest() -> list[str]:
    """Return `name==version`, with its marker, for every requirement of the package and of its extras."""
    project = tomllib.loads(_PYPROJECT.read_text("utf-8"))["project"]
    extras = [one for extra in project["optional-dependencies"].values() for one in extra]
    constraints = []
    for requirement in dict.fromkeys([*project["dependencies"], *extras]):
        bounds = _LEAST.fullmatch(requirement)
        if bounds is None:
            raise SystemExit(f"expected NAME>=VERSION, got {requirement!r}")
        name, version, marker = bounds.groups("")
        constraints.append(f"{name}=={version}{marker}")
    return constraints


if __name__ == "__main__":
    print("\n".join(lowest()))
