"""
The collector of cycles: it is not to hold up everybody by going through all that is kept.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["keep_short", "look_again"]

_ASKED_MAX: Final = 200
_asked = 0


def keep_short() -> None:
    """
    Look at what has outlived one full collection no more, in this process.

    Messages and webhooks are kept by the hundred thousand and form no cycles; what does is
    what a space is made of, and that is looked for again when a space is gone.
    """
    gc.freeze()
    if _freeze not in gc.callbacks:
        gc.callbacks.append(_freeze)


def look_again() -> None:
    """Look at everything the next time, if this was asked for often: something is gone."""
    global _asked
    _asked += 1
    if _asked >= _ASKED_MAX and _freeze in gc.callbacks:
        _asked = 0
        gc.unfreeze()


def _freeze(phase: str, facts: Mapping[str, Any]) -> None:
    if phase == "stop" and facts["generation"] == 2:
        gc.freeze()
