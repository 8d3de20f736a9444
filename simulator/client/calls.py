"""
Calls to the control API of one space, from whatever the caller runs on.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from simulator.control import Control, ControlError, LocalControl

__all__ = ["SpaceCalls"]

_BUSY = 409

# Tests fail where they are wrong, not in here.
__tracebackhide__ = True


class SpaceCalls:
    """
    The operations of one space.
    """

    def __init__(self, control: Control, space: str) -> None:
        self.control = control
        self.space = space

    def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Run an operation, *path* counted from the space; raises ControlError."""
        return self.control.call(method, f"/spaces/{self.space}{path}", body, query)

    async def call_async(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Run an operation while the loop of the caller, asyncio's or trio's, goes on."""
        full = f"/spaces/{self.space}{path}"
        if _in_trio():
            run_sync = sys.modules["trio"].to_thread.run_sync
            return await run_sync(self.control.call, method, full, body, query)
        if isinstance(self.control, LocalControl):
            return await self.control.call_async(method, full, body, query)
        return await asyncio.to_thread(self.control.call, method, full, body, query)

    def drain(self) -> None:
        """Send what is due now; not on a running event loop, where it goes by itself."""
        if self.may_block():
            with _unless_busy():
                self.call("POST", "/clock/advance", {"by": "0s"})

    async def drain_async(self) -> None:
        """Send what is due now, while the running loop goes on."""
        with _unless_busy():
            await self.call_async("POST", "/clock/advance", {"by": "0s"})

    def may_block(self) -> bool:
        """Return False on a running event loop, whose receivers of webhooks could never answer."""
        return not (_in_asyncio() or _in_trio())

    def refuse_to_block(self, instead: str) -> None:
        """Raise RuntimeError that names *instead*, on a running event loop."""
        if not self.may_block():
            raise RuntimeError(
                "this would block the running event loop, and a webhook receiver on it could never answer; "
                f"await {instead}(…) instead"
            )


@contextmanager
def _unless_busy() -> Iterator[None]:
    """Let an advance be refused because another one is running: that one sends what is due, too."""
    try:
        yield
    except ControlError as refusal:
        if refusal.status != _BUSY:
            raise


def _in_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_trio() -> bool:
    # Who runs trio has imported it; nobody else is to pay for it.
    trio = sys.modules.get("trio")
    if trio is None:
        return False
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True
