"""
How an account has dates, prices and networks written.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Raw

from simulator.providers.infobip.dates import format_date

__all__ = ["Style"]


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

    def price(self, amount: int | float, currency: str) -> dict[str, object]:
        """Return the price of one message."""
        shown = Raw(f"{amount:.{self.price_decimals}f}".encode()) if self.price_decimals else amount
        return {"pricePerMessage": shown, "currency": currency}

    def mcc_mnc(self, operator: str) -> str:
        """
        Return a recipient's network; empty: the key is left out.

        Real reports have the text `null` there, delivered ones as well.
        """
        if self.network == "known":
            return operator
        return "null" if self.network == "only_null" else operator or "null"
