"""
Long JSON, read a piece at a time.
"""

from __future__ import annotations

from typing import Final

import msgspec

from simulator.schema.node import Json

__all__ = ["TooManyValues", "decode_long"]

_PIECE_BYTES: Final = 65_536
_COLONS_MAX: Final = 210_000
_COMMAS_MAX: Final = 300_000
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_MAPPING: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class TooManyValues(ValueError):
    """
    A body has more values than anybody means to send; the text says how many are taken.
    """


def decode_long(body: bytes) -> Json:
    """
    Return the JSON in *body*; raises what msgspec raises, and TooManyValues.

    A decoder lets no other thread run before it is done.  Here it is done soon, again and
    again: lists and mappings are split first, and their parts read one by one.
    """
    if len(body) > _PIECE_BYTES and (body.count(b":") > _COLONS_MAX or body.count(b",") > _COMMAS_MAX):
        raise TooManyValues(
            f"expected at most {_COLONS_MAX:,} colons and {_COMMAS_MAX:,} commas, wherever they stand"
        )
    return _decoded(body)


def _decoded(body: bytes) -> Json:
    begins = body[:64].lstrip()[:1] if len(body) > _PIECE_BYTES else b""
    plain: Json
    if begins == b"[":
        plain = [_decoded(bytes(part)) for part in _LIST.decode(body)]
    elif begins == b"{":
        plain = {name: _decoded(bytes(part)) for name, part in _MAPPING.decode(body).items()}
    else:
        plain = msgspec.json.decode(body)
    return plain
