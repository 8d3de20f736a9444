"""
What the door of a server knows of its control API and its pages before it loads them.
"""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from simulator.server.asked import ControlCalls

__all__ = ["ControlPages", "InspectorPages"]


class InspectorPages(Protocol):
    """
    The pages for people; their modules are loaded when the first one is asked for.
    """

    async def serve(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer a request for a page."""
        ...


class ControlPages(ControlCalls, Protocol):
    """
    The control API of a server, over HTTP as well; its module is loaded when it is first asked.
    """

    @property
    def inspector(self) -> InspectorPages:
        """The pages over the same spaces."""
        ...

    async def serve(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer a request of the control API."""
        ...
