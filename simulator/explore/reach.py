"""
How the software under test is reached, and from a sketch of trouble to a whole scenario for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from simulator.provider import Provider
from simulator.schema.node import Json

__all__ = ["BLOCKS", "Reach", "renumbered", "whole"]

_PLACES: Final = 10
"""So many numbers each run has to itself."""
BLOCKS: Final = 10**7 // _PLACES
"""So many runs see no number again."""
_ORDER: Final = (
    "name", "seed", "clock", "providers", "people", "recipients", "rules", "timeline", "reset", "drive",
    "expect",
)  # fmt: skip
_EXPECTED: Final[Mapping[str, Json]] = {
    "webhooks": {"acknowledged": "100%", "lost": 0, "forged_refused": True},
    "sends": {"retried": "100%", "duplicated": 0, "after_stop": 0, "in_order": True, "calls": 40},
}
"""What holds of all software that does right, whatever happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """
    Calls of the software's own API, and where its webhooks go.
    """

    providers: tuple[str, ...]
    """Whose troubles are searched."""
    base: Mapping[str, Json] = field(default_factory=dict)
    """The scenario that the search begins with; empty: a healthy one."""
    drive: Mapping[str, Json] | None = None
    """The call that makes it send {text} to {recipient}; None: the scenario says."""
    asks: tuple[Json, ...] = ()
    settings: Mapping[str, Json] = field(default_factory=dict)
    """Accounts, as in a scenario."""
    reset: str = ""
    restart: str = ""

    def at(self, simulator: str, worker: int) -> Reach:
        """Return the same with {simulator} and {worker} filled in: each worker has software of its own."""
        blanks = {"{simulator}": simulator, "{worker}": str(worker)}

        def fill(plain: Json) -> Json:
            for blank, text in blanks.items():
                plain = _replaced(plain, blank, text)
            return plain

        base, settings = fill(dict(self.base)), fill(dict(self.settings))
        drive = fill(dict(self.drive)) if self.drive is not None else None
        assert isinstance(base, dict)
        assert isinstance(settings, dict)
        assert drive is None or isinstance(drive, dict)
        return replace(
            self,
            base=base,
            settings=settings,
            drive=drive,
            asks=tuple(fill(ask) for ask in self.asks),
            reset=str(fill(self.reset)),
            restart=str(fill(self.restart)),
        )

    @property
    def shareable(self) -> bool:
        """True when several workers can use it at once: something in it says which one a call is for."""
        return "{simulator}" in str(self.drive) or "{worker}" in str(self.drive)

    def drive_for(self, provider: str) -> Mapping[str, Json] | None:
        """Return the call with {provider} filled in."""
        if self.drive is None:
            return None
        filled = _filled(dict(self.drive), provider)
        assert isinstance(filled, dict)
        return filled


def _filled(plain: Json, provider: str) -> Json:
    return _replaced(plain, "{provider}", provider)


def _replaced(plain: Json, old: str, new: str) -> Json:
    if isinstance(plain, str):
        return plain.replace(old, new)
    if isinstance(plain, list):
        return [_replaced(part, old, new) for part in plain]
    if isinstance(plain, dict):
        return {name.replace(old, new): _replaced(part, old, new) for name, part in plain.items()}
    return plain


def whole(reach: Reach, sketch: Mapping[str, Json], provider: Provider, *, seed: int) -> dict[str, Json]:
    """Return the scenario that is run: the base with the trouble of *sketch* in front of its own."""
    base = reach.base
    own = _mapping(base.get("expect"))
    expect: dict[str, Json] = {**own}
    for part, goals in _EXPECTED.items():
        expect[part] = {**_mapping(goals), **_mapping(own.get(part))}
    if _refused_for_good(sketch, provider):
        # Who takes a no for a no sends nothing again.
        expect["sends"] = {
            name: goal for name, goal in _mapping(expect["sends"]).items() if name != "retried"
        }
    if reach.asks:
        expect["integrator"] = list(reach.asks)
    tree: dict[str, Json] = {
        "name": str(base.get("name", "found by explore")),
        "seed": seed,
        **{word: base[word] for word in ("clock", "people") if word in base},
        "providers": {**_mapping(base.get("providers")), **reach.settings},
        "recipients": {**_mapping(base.get("recipients")), **_mapping(sketch.get("recipients"))},
        "rules": [*_list(sketch.get("rules")), *_list(base.get("rules"))],
        "timeline": [*_list(base.get("timeline")), *_list(sketch.get("timeline"))],
        "reset": reach.reset or base.get("reset"),
        "drive": _list(sketch.get("drive")) or _list(base.get("drive")),
        "expect": expect,
    }
    return {word: tree[word] for word in _ORDER if tree.get(word)}


def _refused_for_good(sketch: Mapping[str, Json], provider: Provider) -> bool:
    answers = [
        _mapping(_mapping(_mapping(rule).get("then")).get("answer")) for rule in _list(sketch.get("rules"))
    ]
    noes = [refusal.refuse for refusal in provider.refusals if refusal.for_good]
    return any(answer.get("refuse") in noes for answer in answers if "refuse" in answer)


def renumbered(tree: Mapping[str, Json], provider: Provider, place: int) -> dict[str, Json]:
    """
    Return a scenario with numbers that are its own: software that keeps its data sees new people.

    *place* is which run it is.
    """
    old = provider.number(0)[: -len(str(_PLACES - 1))]
    new = provider.number(place % BLOCKS * _PLACES)[: -len(str(_PLACES - 1))]
    moved = _replaced(dict(tree), old, new)
    assert isinstance(moved, dict)
    return moved


def _mapping(value: Json) -> dict[str, Json]:
    return dict(value) if isinstance(value, dict) else {}


def _list(value: Json | Sequence[Json]) -> list[Json]:
    return list(value) if isinstance(value, list) else []
