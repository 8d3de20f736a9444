"""
Addresses as people write them: read into the kernel's spelling, or refused with the one that works.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from simulator.kernel.model.recipient import normal_address
from simulator.kernel.model.units import shown
from simulator.schema.node import Node, describe
from simulator.schema.shapes import Scalar

__all__ = ["WRITTEN", "Spelling", "address_shape", "read_address"]

_EXPECTED: Final = 'an address such as "+41793026727", or a prefix such as "+4179*"'
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_PREFIX: Final = re.compile(r"\+?|\+[1-9][0-9]{0,14}", re.ASCII)
_ORNAMENT: Final = re.compile(r"^tel:|[\s().\-/_\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Spelling(Protocol):
    """
    How a provider writes addresses of its recipients.
    """

    @property
    def country_code(self) -> str:
        """What a leading zero stands for in its numbers; empty: they have none."""
        ...

    @property
    def numbers(self) -> str:
        """Where numbers of its recipients begin: `+98912`."""
        ...

    def address_of(self, text: str, /) -> str:
        """Return the kernel's spelling of an address as the provider's clients write it."""
        ...

    def opaque(self, text: str, /) -> str:
        """Return the address that *text*, which is no number, stands for; empty: it is none."""
        ...


def read_address(text: str, spellings: Mapping[str, Spelling], provider: str = "") -> str:
    """
    Return an address, or a prefix with `*`, in the kernel's spelling; raises ValueError.

    With a *provider*, its own spelling is understood, too.  What no message can ever have
    as its recipient is refused: a rule or a circumstance about it would never apply.
    """
    written = text.strip()
    prefixed = written.endswith("*")
    body = written.removesuffix("*")
    home = spellings.get(provider)
    address = normal_address(body)
    if home is not None:
        address = _with_country(address, home.country_code) if prefixed else home.address_of(body)
    if (_PREFIX if prefixed else _NUMBER).fullmatch(address):
        return f"{address}*" if prefixed else address
    for name, spelling in spellings.items():
        if provider in ("", name) and not prefixed and (opaque := spelling.opaque(written)):
            return opaque
    suggestion = _nearest(body, spellings.values())
    if suggestion and (prefixed or not _NUMBER.fullmatch(suggestion)):
        suggestion += "*"
    hint = f'; did you mean "{suggestion}"?' if suggestion else ""
    raise ValueError(f"expected {_EXPECTED}, got {shown(text)}{hint}")


def _with_country(address: str, country_code: str) -> str:
    national = address.removeprefix("+")
    if country_code and national.startswith("0"):
        return f"+{country_code}{national[1:]}"
    return address


def _nearest(body: str, spellings: Iterable[Spelling]) -> str:
    """Return the number, or where it is short the beginning of numbers, that was probably meant."""
    plain = "".join(str(int(c)) if c.isdecimal() else c for c in _ORNAMENT.sub("", body))
    address = normal_address(plain)
    if address.startswith("+0"):
        codes = (each.country_code for each in spellings if _may_be_of(each, address))
        address = _with_country(address, next(codes, ""))
    return address if _PREFIX.fullmatch(address) and len(address) > 1 else ""


def _may_be_of(spelling: Spelling, address: str) -> bool:
    """Tell whether a number after its leading zero begins as the provider's do: elsewhere zeros lead, too."""
    code = spelling.country_code
    return bool(code) and spelling.numbers.removeprefix(f"+{code}")[:1] == address[2:3]


def _text_of(node: Node) -> str:
    if isinstance(node.value, bool) or not isinstance(node.value, str | int) or not str(node.value):
        raise ValueError(f"expected {_EXPECTED}, got {describe(node)}")
    return node.letters


def address_shape(spellings: Mapping[str, Spelling], provider: str = "") -> Scalar[str]:
    """Return how an address is written where *provider* is known, or (empty) where it is not."""
    return Scalar[str](
        expected="an address or a prefix with *",
        convert=lambda node: read_address(_text_of(node), spellings, provider),
        json_schema={"type": ["string", "integer"], "examples": ["+41793026727", "+4179*"]},
    )


WRITTEN: Final = Scalar[str](
    expected="an address or a prefix with *",
    convert=_text_of,
    json_schema={"type": ["string", "integer"], "examples": ["+41793026727", "+4179*"]},
)
"""An address as it is written, for whoever also sees at which provider and calls `read_address`."""
