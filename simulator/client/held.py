"""
Webhooks held back while a test goes on.
"""

from __future__ import annotations

from types import TracebackType

from simulator.client.calls import SpaceCalls
from simulator.client.lists import given

__all__ = ["HeldWebhooks"]

__tracebackhide__ = True


class HeldWebhooks:
    """
    Holds webhooks back while it is entered, and sends them when it is left.

    With `async with`, the running loop goes on while they are sent; a plain `with` on a
    running loop only lets them go.
    """

    def __init__(self, calls: SpaceCalls, provider: str | None, rate: str) -> None:
        self._calls = calls
        self._of = given(provider=provider)
        self._rate = given(rate=rate)

    def __enter__(self) -> None:
        self._calls.call("POST", "/webhooks/hold", self._of)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._calls.call("POST", "/webhooks/release", {**self._of, **self._rate})
        if failure is None:
            self._calls.drain()

    async def __aenter__(self) -> None:
        await self._calls.call_async("POST", "/webhooks/hold", self._of)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._calls.call_async("POST", "/webhooks/release", {**self._of, **self._rate})
        if failure is None:
            await self._calls.drain_async()
