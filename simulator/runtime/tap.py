"""
Who is told of everything that comes into a space and goes out of it, in the order of its effects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Protocol

from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookRequest
from simulator.provider import Answer, Call, Fetch, Fetched

__all__ = ["Tap", "tapped"]


class Tap(Protocol):
    """
    A recorder.  Each method is called right before what it tells of has its effect on the space.
    """

    def called(self, call: Call, *, admitted: bool) -> None:
        """Take note of a call; one that is not admitted changes nothing."""
        ...

    def answered(self, call: Call, answer: Answer | None) -> None:
        """Take note of the answer to a call being out; None: the simulator itself failed."""
        ...

    def commanded(self, method: str, path: str, content_type: str, body: bytes, base_url: str) -> None:
        """Take note of a command of the control API; *path* is counted from the space's own."""
        ...

    def fetched(self, number: int, fetched: Fetched) -> None:
        """Take note of what came of the *number*-th request that a provider made itself."""
        ...

    def attempting(self, webhook: Webhook, number: int, request: WebhookRequest | None) -> None:
        """Take note of an attempt that begins; None: it could not be rendered."""
        ...

    def attempted(self, webhook: Webhook, attempt: Attempt) -> None:
        """Take note of how an attempt ended."""
        ...


def tapped(fetch: Fetch, tap: Callable[[], Tap | None]) -> Fetch:
    """Return *fetch* with its results told to whoever is *tap* then."""
    numbers = count()

    async def told(
        method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_real_ms: int
    ) -> Fetched:
        number = next(numbers)
        fetched = await fetch(method, url, headers, body, timeout_real_ms)
        present = tap()
        if present is not None:
            present.fetched(number, fetched)
        return fetched

    return told
