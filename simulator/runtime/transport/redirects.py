"""
Redirects, for calls that follow them; webhooks never do.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urljoin

from simulator.kernel.webhooks.webhook import WebhookRequest
from simulator.runtime.transport.seam import Reply, Terms, Transport, answered

__all__ = ["followed"]

_REDIRECTS_MAX: Final = 10
_AS_BEFORE: Final = frozenset({307, 308})
_REDIRECTS: Final = frozenset({301, 302, 303, *_AS_BEFORE})
_SAFE: Final = frozenset({"GET", "HEAD"})
_ABOUT_BODY: Final = frozenset({"content-type", "content-encoding", "content-language"})


async def followed(transport: Transport, request: WebhookRequest, terms: Terms) -> Reply:
    """Send *request*, follow where the answers point to as browsers do, and return the last reply."""
    reply = await answered(transport, request, terms)
    for _ in range(_REDIRECTS_MAX):
        if reply.status not in _REDIRECTS or not reply.location:
            break
        try:
            url = urljoin(request.url, reply.location)
        except ValueError:
            break
        method, body, headers = request.method, request.body, request.headers
        if reply.status not in _AS_BEFORE and method not in _SAFE:
            method, body = "GET", b""
            headers = tuple((name, text) for name, text in headers if name.lower() not in _ABOUT_BODY)
        request = WebhookRequest(url=url, body=body, headers=headers, method=method)
        reply = await answered(transport, request, terms)
    return reply
