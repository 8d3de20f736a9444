"""
What is missing when the extra `load` is not installed.
"""

from __future__ import annotations

__all__ = ["MissingExtra"]


class MissingExtra(ImportError):
    """
    A package of the extra `load` is needed and not installed; says what for, and how to get it.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} needs the extra load: pip install 'messaging-provider-simulator[load]'")
