"""
Addresses of files at BiP; there are no files behind them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from simulator.provider import Draws

__all__ = ["file_address"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ISTANBUL_MS: Final = 3 * 3_600_000
_DIGITS: Final = 68
"""As seen since 2022; in 2016 to 2018 there were 65."""


def file_address(base_url: str, draws: Draws, unix_ms: int, ending: str, service: str = "") -> str:
    """
    Return an address such as `…/p2p/08112022/16/P<68 digits>.png`: day, hour, and what is drawn.

    What a *service* uploads may go by its name instead: `…/v2p/<service>/…`.
    Source: addresses in seven public samples of 2016 to 2023.
    """
    moment = _EPOCH + timedelta(milliseconds=unix_ms + _ISTANBUL_MS)
    digits = "".join(draws.hex(f"file.{part}") for part in range(3))[:_DIGITS]
    folder = f"v2p/{service}" if service else "p2p"
    return f"{base_url.rstrip('/')}/{folder}/{moment:%d%m}{moment.year:04d}/{moment:%H}/P{digits}.{ending}"
