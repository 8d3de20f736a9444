"""
Who decides: the rungs of the outcome ladder.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Rung"]


class Rung(StrEnum):
    """
    Which rung of the outcome ladder decided.
    """

    PROVIDER = "the provider's own checks"
    CONTROL = "control"
    CLIENT = "the client's own call"
    RECIPIENT = "the recipient"
    MAGIC = "magic recipient"
    RULE = "rule"
    CIRCUMSTANCES = "circumstances"
    DEFAULT = "default"
