"""
Bitel's wire format: what clients send, read strictly, whatever the case of its keys.
"""

from __future__ import annotations

import re
from typing import Any, Final

from simulator.provider import NotJson, Refuse, decode_json

__all__ = ["Body", "local_number", "network_address", "otp_text"]

_MOBILE: Final = re.compile(r"(?:\+98|0098|98|0)(9[0-9]{9})", re.ASCII)
_ANY_NUMBER: Final = re.compile(r"(?:\+|00)?([1-9][0-9]{6,14})", re.ASCII)
_ANY_LOCAL: Final = re.compile(r"0([1-9][0-9]{4,12})", re.ASCII)
"""An Iranian number with its trunk prefix, of 7 to 15 digits once 98 stands in place of the zero."""


class Body:
    """
    The JSON object of a request.

    Two pages print keys in Pascal case and sample them in camel case, so case
    does not matter.  An explicit null means absent.
    """

    __slots__ = ("_values",)

    def __init__(self, raw: bytes, *, strict: bool = True) -> None:
        try:
            decoded = decode_json(raw, strict=strict)
        except NotJson as trouble:
            raise Refuse("InvalidRequest", f"expected a JSON object, got something else: {trouble}") from None
        if not isinstance(decoded, dict):
            raise Refuse("InvalidRequest", f"expected a JSON object, got {_kind(decoded)}")
        self._values: dict[str, Any] = {
            key.lower(): value for key, value in decoded.items() if value is not None
        }

    def text(self, name: str) -> str:
        """Return a text that must be there."""
        return str(self._typed(name, self._required(name), (str,), "a string"))

    def text_or(self, name: str, default: str) -> str:
        """Return a text, or *default* when there is none."""
        value = self._values.get(name.lower())
        return default if value is None else self.text(name)

    def word(self, name: str) -> str:
        """Return an identifier or code that must be there; the pages do not say whether it is a number."""
        return str(self._typed(name, self._required(name), (str, int), "a string or a whole number"))

    def word_or(self, name: str, default: str) -> str:
        """Return an identifier, or *default* when there is none."""
        return default if self._values.get(name.lower()) is None else self.word(name)

    def texts(self, name: str) -> list[str]:
        """Return an array of texts that must be there."""
        values: list[Any] = self._typed(name, self._required(name), (list,), "an array of strings")
        for place, value in enumerate(values):
            if type(value) is not str:
                self._typed(f"{name}[{place}]", value, (str,), "a string")
        return values

    def words(self, name: str) -> list[str]:
        """Return an array of texts or whole numbers that must be there, as texts."""
        values = self._typed(name, self._required(name), (list,), "an array of strings")
        return [
            str(self._typed(f"{name}[{place}]", value, (str, int), "a string or a whole number"))
            for place, value in enumerate(values)
        ]

    def words_or(self, name: str) -> list[str]:
        """Return an array of texts or whole numbers, as texts; empty when there is none."""
        return [] if self._values.get(name.lower()) is None else self.words(name)

    def whole(self, name: str) -> int:
        """Return a whole number that must be there."""
        value: int = self._typed(name, self._required(name), (int,), "a whole number")
        return value

    def count_or(self, name: str, default: int, most: int) -> int:
        """Return a small number, or *default*; one of these is typed string, so digits in a string do."""
        value = self._values.get(name.lower())
        if value is None:
            return default
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value, re.ASCII):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise Refuse("InvalidRequest", f"{name}: expected a whole number from 0 to {most}")
        return value

    def _required(self, name: str) -> Any:
        value = self._values.get(name.lower())
        if value is None:
            raise Refuse("InvalidRequest", f"{name}: expected a value, it is missing")
        return value

    def _typed(self, name: str, value: Any, kinds: tuple[type, ...], expected: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise Refuse("InvalidRequest", f"{name}: expected {expected}, got {_kind(value)}")
        return value


_KINDS: Final = {
    dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "a number",
    float: "a number", type(None): "null",
}  # fmt: skip


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), type(value).__name__)


def network_address(number: str, forms: str) -> str | None:
    """
    Return the kernel's spelling of a number as Bitel's clients write it, or None when it is malformed.

    Accepted are 09 and nine digits, and the same with +98, 0098 or 98 in place of
    the zero; only the first form is documented, the others are chosen (OC-7).
    Where *forms* is any, other numbers are read alike: international ones, or
    Iranian ones that begin with a single zero.
    """
    if (match := _MOBILE.fullmatch(number)) is not None:
        return f"+98{match[1]}"
    if forms != "any":
        return None
    if (match := _ANY_LOCAL.fullmatch(number)) is not None:
        return f"+98{match[1]}"
    if (match := _ANY_NUMBER.fullmatch(number)) is not None:
        return f"+{match[1]}"
    return None


def local_number(address: str) -> str:
    """Return Bitel's spelling of an address: a zero for +98, or as it is when it is not Iranian."""
    # After +980 a single zero would read as 00, the prefix of another country.
    return f"0{address[3:]}" if address.startswith("+98") and address[3:4] != "0" else address


def otp_text(app_name: str, code: str) -> str:
    """
    Return the fixed text of an OTP message, spaces as on the page.

    Source: "OTP SMS"; one rendered copy of the page shows the spaces collapsed.
    """
    return f"به {app_name} خوش آمدید\n کد یکبار مصرف  شما: {code}"
