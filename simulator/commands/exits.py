"""
Exit codes of the command line, and the words for a port that cannot be had.
"""

from __future__ import annotations

import errno
from typing import Final

__all__ = [
    "COULD_NOT_START",
    "EXPECTATIONS_FAILED",
    "INTERRUPTED",
    "INVALID",
    "TOO_LITTLE",
    "UNREACHABLE",
    "could_not_bind",
]

EXPECTATIONS_FAILED: Final = 1
INVALID: Final = 2
COULD_NOT_START: Final = 3
UNREACHABLE: Final = 4
TOO_LITTLE: Final = 5
"""A search found nothing, and came to so little that this says nothing."""
INTERRUPTED: Final = 130


def could_not_bind(trouble: OSError) -> str:
    """Return why a port could not be bound, and what to do where that is known."""
    why = trouble.strerror or str(trouble)
    return f"{why}; choose another port (--port)" if trouble.errno == errno.EADDRINUSE else why
