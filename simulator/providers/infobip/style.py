"""
How an account has dates, prices and networks written.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import Raw

from simulator.providers.infobip.dates import format_date

__all__ = ["Style"]


# Whole and other amounts that are equal are written differently.
@lru_cache(maxsize=1_024, typed=True)
def _price(amount: int | float, currency: str, decimals: int) -> Raw:
    shown = Raw(f"{amount:.{decimals}f}".encode()) if decimals else amount
    return Raw(msgspec.json.encode({"pricePerMessage": shown, "currency": currency}))


class Style(NamedTuple):
    """
    How one account's reports, logs and inbound messages are written.
    """

    epoch_ms: int
    """When the space began, in milliseconds since 1970."""
    zone: str = "+0000"
    price_decimals: int = 0
    """How many decimals a price has; 0: as few as it needs."""
    network: str = "known"
    log_texts: bool = True

    def date(self, at_ms: int) -> str:
        """Return an instant of the space's clock as a date."""
        return format_date(self.epoch_ms + at_ms, self.zone)

    def price(self, amount: int | float, currency: str) -> Raw:
        """Return the price of one message, as JSON."""
        return _price(amount, currency, self.price_decimals)

    def mcc_mnc(self, operator: str) -> str:
        """
        Return a recipient's network; empty: the key is left out.

        Real reports have the text `null` there, delivered ones as well.
        """
        if self.network == "known":
            return operator
        return "null" if self.network == "only_null" else operator or "null"
