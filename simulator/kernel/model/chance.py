"""
Randomness as a function of names: no stream, hence no order.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from simulator.kernel.model.submission import MessageKey

__all__ = ["Chance", "Draws"]

_UNIT_BITS: Final = 32


class Draws:
    """
    The draws of one key, each a hash of seed, key and label.

    Asking twice for the same label gives the same value; asking for another
    label changes nothing.  A label is a promise to users: renaming it changes
    their fates.
    """

    __slots__ = ("_prefix", "_root")

    def __init__(self, root: blake2b, prefix: str) -> None:
        self._root = root
        self._prefix = prefix

    def _digest(self, label: str) -> bytes:
        # Nothing is hashed before something is drawn: for most keys that is once, or never.
        digest = self._root.copy()
        digest.update(f"{self._prefix}{label}".encode("utf-8", "surrogatepass"))
        return digest.digest()

    def _bits(self, label: str) -> int:
        return int.from_bytes(self._digest(label), "big")

    def unit(self, label: str) -> int:
        """Return an integer in [0, 2**32), as `Delay.draw` takes it."""
        return self._bits(label) >> (128 - _UNIT_BITS)

    def integer(self, label: str, low: int, high: int) -> int:
        """Return an integer from *low* to *high*, both included."""
        return low + self._bits(label) % (high - low + 1)

    def place_bp(self, label: str) -> int:
        """Return a place among 10,000; a share is hit by the places below it."""
        return self._bits(label) % 10_000

    def hits(self, label: str, share_bp: int) -> bool:
        """Return True for *share_bp* of 10,000 keys."""
        return self._bits(label) % 10_000 < share_bp

    def digits(self, label: str, length: int) -> str:
        """Return *length* decimal digits, the first of them not zero; at most 38."""
        low = 10 ** (length - 1)
        return str(low + self._bits(label) % (9 * low))

    def hex(self, label: str) -> str:
        """Return 32 lower-case hexadecimal digits."""
        return self._digest(label).hex()


class Chance:
    """
    All the randomness of one space, which is its seed.
    """

    __slots__ = ("_root", "seed")

    def __init__(self, seed: int) -> None:
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Draw everything from another seed; for a space in which nothing was drawn yet."""
        self.seed = seed
        self._root = blake2b(str(seed).encode(), digest_size=16)

    def of(self, *key: str | int) -> Draws:
        """Return the draws of *key*, for example (provider, recipient, ordinal)."""
        return Draws(self._root, ("\x1f%s" * len(key) + "\x1f") % key)

    def of_message(self, key: MessageKey) -> Draws:
        """Return the draws of a message: the same as of provider, recipient and ordinal, and sooner."""
        return Draws(self._root, f"\x1f{key.provider}\x1f{key.recipient}\x1f{key.ordinal}\x1f")
