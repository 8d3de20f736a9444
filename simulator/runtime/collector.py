"""
The garbage collector's pace in a process that is a server and nothing else.
"""

from __future__ import annotations

import gc

__all__ = ["calm_collector"]


def calm_collector() -> None:
    """
    Collect seldom, and never look at what start-up made.

    A server keeps messages by the hundred thousand, and every collection looks at
    all that may be in a cycle: with the default pace that took a third of the time
    of a send.  For commands that own their process; a test's process is its own.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
