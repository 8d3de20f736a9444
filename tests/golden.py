"""
Golden files: what was written once must stay, unless `make golden` rewrites it.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["check_golden"]


def check_golden(path: Path, actual: str) -> None:
    """Compare *actual* with the golden file, or rewrite it when SIMULATOR_GOLDEN=write."""
    if os.environ.get("SIMULATOR_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(actual, encoding="utf-8")
    assert path.exists(), f"there is no {path.name}; `make golden` writes it"
    assert actual == path.read_text(encoding="utf-8")
