"""
A provider with its row, and what is asked of both over and over.
"""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from simulator.provider import Provider
from simulator.testing.door import Door, Heard, open_door
from simulator.testing.row import Row

__all__ = ["Case", "assert_nothing_left", "assert_provider_spoke", "assert_refused"]


class Case(NamedTuple):
    """
    A provider that is asked whether it keeps the contract.
    """

    provider: Provider
    row: Row

    def door(self, seed: int = 1) -> AbstractAsyncContextManager[Door]:
        """Run a server with this provider alone."""
        return open_door(self.provider, self.row, seed)


def assert_provider_spoke(heard: Heard) -> None:
    """Assert that an answer is the provider's own, and not a web server's page or a failure."""
    assert heard.status < 500, heard
    assert "html" not in heard.content_type, heard
    assert "octet-stream" not in heard.content_type, heard
    assert not heard.body.lstrip().startswith((b"<!", b"<html", b"404: ", b"405: ")), heard
    if heard.body and "json" in heard.content_type:
        assert isinstance(json.loads(heard.body), dict | list), heard


def assert_nothing_left(door: Door) -> None:
    """Assert that a call that was refused has left no message, and that nothing failed inside."""
    assert door.messages == []
    assert door.failures == []


def assert_refused(heard: Heard, door: Door) -> None:
    """Assert that the provider refused, in its own words, said why, and did nothing."""
    assert heard.status >= 400, heard
    assert heard.reason, f"X-Simulator-Reason says nothing: {heard}"
    if heard.status == 404 and "html" in heard.content_type:
        assert door.row.page, heard
        assert door.row.page in heard.body, heard
    else:
        assert_provider_spoke(heard)
    assert_nothing_left(door)
