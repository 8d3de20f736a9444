"""
Exit codes of the command line.
"""

from __future__ import annotations

from typing import Final

__all__ = ["COULD_NOT_START", "EXPECTATIONS_FAILED", "INTERRUPTED", "INVALID", "UNREACHABLE"]

EXPECTATIONS_FAILED: Final = 1
INVALID: Final = 2
COULD_NOT_START: Final = 3
UNREACHABLE: Final = 4
INTERRUPTED: Final = 130
