"""
Which mobile network a number was first given to, for the few ranges that examples use.
"""

from __future__ import annotations

from typing import Final

__all__ = ["operator_of"]

# Public numbering plans.  Numbers move between networks, so this says where a range began,
# which is all a simulation needs; `operator:` in a scenario says otherwise for a recipient.
_OPERATORS: Final = {
    "+4179": "22801",
    "+4178": "22803",
    "+4176": "22802",
    "+9053": "28601",
    "+9054": "28602",
    "+9050": "28603",
    "+9055": "28603",
    "+98911": "43211",
    "+98912": "43211",
    "+98919": "43211",
    "+98935": "43235",
    "+98936": "43235",
    "+38591": "21910",
    "+38598": "21901",
    "+38599": "21901",
}
_LENGTHS: Final = tuple(sorted({len(prefix) for prefix in _OPERATORS}, reverse=True))


def operator_of(address: str) -> str:
    """Return MCC and MNC of the range that *address* lies in, or an empty text."""
    for length in _LENGTHS:
        if (operator := _OPERATORS.get(address[:length])) is not None:
            return operator
    return ""
