"""
Each bad file beside the exact complaints it must produce.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from golden import check_golden
from simulator.provider import discover
from simulator.scenario.loader import ScenarioError, load

_BAD = Path(__file__).parent / "bad"
_FILES = sorted(_BAD.glob("*.yaml"))


@pytest.mark.golden
@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_complaints_name_every_mistake_and_its_place(path: Path) -> None:
    """
    All mistakes of a file are told at once, each with file, line and column.
    """
    with pytest.raises(ScenarioError) as caught:
        load(path.read_text(encoding="utf-8"), path.name, discover())

    check_golden(path.with_suffix(".txt"), "\n".join(caught.value.lines) + "\n")
