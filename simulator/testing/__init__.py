"""
The contract that every provider keeps, as tests for yours.

    import pytest
    from simulator.testing import contract
    from pigeon import PROVIDER
    from pigeon_row import ROW

    @pytest.mark.parametrize("question", contract(PROVIDER, ROW), ids=str)
    def test_contract(question):
        question()

A `Row` says what nobody can guess: how a client sends, proves who it is, and what
numbers look like.  Requests are raw, so forms, XML and line protocols are asked the
same questions as JSON.  Each question runs a server of its own on a free port of
loopback, on a frozen clock, and raises AssertionError where the provider fails it.
"""

from __future__ import annotations

from simulator.testing.contract import Question, contract
from simulator.testing.door import Door, Heard, open_door
from simulator.testing.row import Ended, Request, Row

__all__ = ["Door", "Ended", "Heard", "Question", "Request", "Row", "contract", "open_door"]
