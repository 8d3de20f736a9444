"""
BiP addresses: plain numbers, and the hashes that stand for them.
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import blake2b
from typing import Final

from simulator.provider import normal_address

__all__ = ["address_of", "hash_of", "is_hash", "is_msisdn", "number_of", "opaque"]

_MSISDN: Final = re.compile(r"905[0-9]{9}", re.ASCII)
_HALF: Final = 8
_NUMBER_MAX: Final = 10**15


def is_msisdn(text: str) -> bool:
    """Return True for `905XXXXXXXXX`, the one form of number that BiP takes."""
    return _MSISDN.fullmatch(text) is not None


def hash_of(address: str, form: str = "base64") -> str:
    """
    Return the hash of a number (`+905…`): 24 characters of base64, or 32 hexadecimal digits.

    The same number has the same hash in every space.  The first half is a check
    on the number, the second the number itself, masked by the first: so a hash
    leads back to its number without a table of all that were ever issued.  The
    real platform's algorithm is not known.
    """
    number = int(address.removeprefix("+"))
    check = blake2b(b"bip address %d" % number, digest_size=_HALF).digest()
    masked = number ^ int.from_bytes(_mask(check), "big")
    raw = check + masked.to_bytes(_HALF, "big")
    return raw.hex() if form == "hex" else base64.b64encode(raw).decode()


def is_hash(text: str) -> bool:
    """Return True for what has one of the two forms of a hash, whoever issued it."""
    return _bytes_of(text) is not None


def _bytes_of(text: str) -> bytes | None:
    try:
        raw = bytes.fromhex(text) if len(text) == 4 * _HALF else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return raw if len(raw) == 2 * _HALF else None


def number_of(text: str) -> str:
    """Return the number (`+905…`) that a hash of either form stands for, or an empty text."""
    raw = _bytes_of(text)
    if raw is None:
        return ""
    check = raw[:_HALF]
    number = int.from_bytes(raw[_HALF:], "big") ^ int.from_bytes(_mask(check), "big")
    if number >= _NUMBER_MAX or blake2b(b"bip address %d" % number, digest_size=_HALF).digest() != check:
        return ""
    return f"+{number}"


def address_of(text: str) -> str:
    """Return the kernel's spelling of a user that is named by number or by hash."""
    return number_of(text) or normal_address(text)


def opaque(text: str) -> str:
    """Return whom a hash stands for: its number, the hash itself when nobody issued it, else nothing."""
    return address_of(text) if is_hash(text) else ""


def _mask(check: bytes) -> bytes:
    return blake2b(b"bip mask " + check, digest_size=_HALF).digest()
