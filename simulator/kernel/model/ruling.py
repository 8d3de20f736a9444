"""
What was decided about a message, kept once for all messages about which the same was decided.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from simulator.kernel.model.fates import Fate
from simulator.kernel.model.faults import WebhookFaults
from simulator.kernel.model.rung import Rung

__all__ = ["Ruling", "Rulings"]

_KEPT_MAX: Final = 4_096


class Ruling(Struct, frozen=True, kw_only=True):
    """
    What becomes of a message and of its webhooks, and who decided that.
    """

    fate: Fate
    faults: WebhookFaults | None = None
    rung: Rung = Rung.DEFAULT
    rule: str = ""
    """The rule that decided the fate, if one did."""
    faults_rule: str = ""


class Rulings:
    """
    The rulings of a space; those of late are found again.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[object, tuple[Ruling, object]] = {}

    def of(
        self,
        fate: Fate | None,
        default: Fate,
        faults: WebhookFaults | None,
        start_ms: int,
        rung: Rung,
        rule: str,
        faults_rule: str,
    ) -> Ruling:
        """Return the ruling of *fate*, completed by *default*, and of *faults*, counted from *start_ms*."""
        # What makes a fate is looked up by identity, since to compare it would cost more than to make it.
        key: object = id(default)
        if fate is not None or faults is not None:
            key = (id(fate), key, id(faults), start_ms, rung, rule, faults_rule)
        kept = self._kept.get(key)
        if kept is not None:
            return kept[0]
        ruling = Ruling(
            fate=fate.completed_by(default) if fate is not None else default,
            faults=faults.counted_from(start_ms) if faults is not None else None,
            rung=rung,
            rule=rule,
            faults_rule=faults_rule,
        )
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        # An identity is good for as long as its object is held.
        self._kept[key] = ruling, (fate, default, faults)
        return ruling
