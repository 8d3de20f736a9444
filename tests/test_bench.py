"""
`make bench` measures what there is, and not what there once was.
"""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """
    Return the benchmark, loaded from its file: others are called `bench`, too.
    """
    spec = spec_from_file_location("bench_of_all", Path(__file__).with_name("bench.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_bench_of_the_kernel__still_sends(bench: ModuleType) -> None:
    """
    Messages are accepted, live and are measured.
    """
    measured = bench.bench_kernel(20)

    assert all(value > 0 for value in measured.values())


def test_bench_of_spaces__still_creates_them(bench: ModuleType) -> None:
    """
    Spaces are created and measured.
    """
    measured = bench.bench_spaces(2)

    assert all(value > 0 for value in measured.values())
