"""
Names of fields that hold secrets, wherever they turn up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["NAMES", "SECRET_NAME", "WITHHELD", "harmless_query"]

WITHHELD: Final = "(withheld)"
NAMES: Final = "passw(?:or)?d|pwd|secret|token|assertion|api[-_]?key|authorization|credential"
SECRET_NAME: Final = re.compile(NAMES, re.IGNORECASE)
_IN_QUERY: Final = re.compile(rf"{NAMES}|user[-_]?name", re.IGNORECASE)


def harmless_query(query: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a query without what proves who calls: names stay, values are withheld."""
    return tuple((name, WITHHELD if _IN_QUERY.search(name) else value) for name, value in query)
