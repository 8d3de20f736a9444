"""
Event loops by name: Python's own, or a faster one where it is installed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from importlib import import_module

__all__ = ["FASTER", "loop_factory"]

FASTER = "winloop" if sys.platform == "win32" else "uvloop"
"""The package of the faster one here; the extra `speed` brings it."""


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """
    Return what makes the event loop called *name* (`asyncio`, `uvloop`, `auto`); None: Python's own.

    Raises ImportError when the faster one is asked for by its name and is not installed.
    """
    if name == "asyncio":
        return None
    try:
        loop: Callable[[], asyncio.AbstractEventLoop] = import_module(FASTER).new_event_loop
    except ImportError:
        if name == "auto":
            return None
        raise
    return loop
