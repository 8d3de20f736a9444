"""
Calls and webhook attempts as an HTTP archive (HAR 1.2), for browsers' network panels and their like.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from simulator.evidence.purpose import on_purpose
from simulator.evidence.result import RunResult
from simulator.explain.views import instant
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookRequest
from simulator.runtime.space import Exchange
from simulator.secrecy import Withholding

__all__ = ["har"]

_ATTEMPTS_MAX = 10_000
_VERSION: Final = "HTTP/1.1"


def har(result: RunResult) -> str:
    """
    Return the last calls of the integrator, and its webhooks' attempts, in order of virtual time.

    `startedDateTime` is of the space's clock, `time` the real latency.  Credentials are
    withheld, and so is every header but a few harmless ones.
    Hosts of calls are not kept: the archive says `simulator`.
    """
    space = result.space
    simulation = space.simulation
    secrecy = Withholding(space.secrets())
    tries = [(a.at_ms, w, a) for w in simulation.outbox.webhooks.values() for a in w.attempts]
    left_out = max(0, len(tries) - _ATTEMPTS_MAX)
    if left_out:
        # The first ones tell what went wrong, the last ones how it ended.
        tries.sort(key=lambda timed: timed[0])
        tries = tries[: _ATTEMPTS_MAX // 2] + tries[-_ATTEMPTS_MAX // 2 :]
    entries = [
        (exchange.at_ms, 0, number, _call(simulation, exchange, space.name, secrecy))
        for number, exchange in enumerate(space.exchanges)
    ]
    entries += [
        (at_ms, 1, number, _attempt(simulation, webhook, attempt, secrecy))
        for number, (at_ms, webhook, attempt) in enumerate(tries)
    ]
    entries.sort(key=lambda entry: entry[:3])
    missing = [
        (space.exchange_count - len(space.exchanges), "earlier calls are not kept"),
        (left_out, "webhook attempts in the middle are left out"),
    ]
    log = {
        "version": "1.2",
        "creator": {"name": "messaging-provider-simulator", "version": result.version},
        "comment": "; ".join(f"{number} {what}" for number, what in missing if number),
        "entries": [entry for *_, entry in entries],
    }
    return msgspec.json.encode({"log": log}).decode()


def _call(simulation: Simulation, exchange: Exchange, space: str, secrecy: Withholding) -> dict[str, object]:
    prefix = "" if space == "default" else f"/s/{quote(space)}"
    url = f"http://simulator{prefix}/{exchange.provider}{quote(exchange.path, safe=_PATH_SAFE)}"
    if exchange.query:
        url += f"?{urlencode(exchange.query, quote_via=quote)}"
    comment = (
        "a call of the integrator" if exchange.status else "a call of the integrator, cut off on purpose"
    )
    headers = tuple((str(name), secrecy.header(name, value)) for name, value in exchange.headers)
    return {
        "startedDateTime": instant(simulation, exchange.at_ms),
        "time": exchange.latency_real_us / 1_000,
        "request": _request(exchange.method, secrecy.text(url), headers, exchange.request, secrecy),
        "response": _response(exchange.status, _content(exchange.answer, secrecy)),
        "cache": {},
        "timings": _timings(exchange.latency_real_us / 1_000),
        "comment": comment,
    }


def _attempt(
    simulation: Simulation, webhook: Webhook, attempt: Attempt, secrecy: Withholding
) -> dict[str, object]:
    request = _rendered(simulation, webhook, attempt.number)
    time_ms = attempt.latency_real_us / 1_000
    meant = on_purpose(webhook, attempt.number)
    headers = tuple((name, secrecy.header(name, value)) for name, value in request.headers)
    return {
        "startedDateTime": instant(simulation, attempt.at_ms),
        "time": time_ms,
        "request": _request(request.method, secrecy.text(request.url), headers, request.body, secrecy),
        "response": _response(attempt.status, _content(attempt.excerpt.encode(), secrecy), attempt.error),
        "cache": {},
        "timings": _timings(time_ms),
        "comment": ", ".join(filter(None, (f"webhook {webhook.id}", f"attempt {attempt.number}", meant))),
    }


def _rendered(simulation: Simulation, webhook: Webhook, attempt: int) -> WebhookRequest:
    try:
        return simulation.request_for(webhook, attempt)
    except ValueError as trouble:
        # The attempt failed for the same reason, and the journal tells of it.
        return WebhookRequest(url=webhook.target, body=f"not rendered: {trouble}".encode())


_PATH_SAFE: Final = "/:@!$&'()*+,;=~-._"


def _request(
    method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes, secrecy: Withholding
) -> dict[str, object]:
    fields: dict[str, object] = {
        "method": method,
        "url": url,
        "httpVersion": _VERSION,
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in headers],
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(body),
    }
    if body:
        kind = next((value for name, value in headers if name.lower() == "content-type"), _kind(body))
        try:
            post = {"mimeType": kind, "text": secrecy.body(body.decode())}
        except UnicodeDecodeError:
            post = {
                "mimeType": kind,
                "text": secrecy.body(body.decode("utf-8", "backslashreplace")),
                "comment": "not UTF-8; other bytes are written as \\xNN",
            }
        fields["postData"] = post
    return fields


def _response(status: int, content: Mapping[str, object], error: str = "") -> dict[str, object]:
    fields: dict[str, object] = {
        "status": status,
        "statusText": HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "",
        "httpVersion": _VERSION,
        "cookies": [],
        "headers": [],
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    }
    if error:
        # Where browsers say why there was no answer.
        fields["_error"] = error
    return fields


def _content(body: bytes, secrecy: Withholding) -> dict[str, object]:
    fields: dict[str, object] = {"size": len(body), "mimeType": _kind(body)}
    try:
        fields["text"] = secrecy.body(body.decode())
    except UnicodeDecodeError:
        # One character for each byte, so that nothing is lost but what is withheld.
        fields["text"] = b64encode(secrecy.body(body.decode("latin-1")).encode("latin-1")).decode()
        fields["encoding"] = "base64"
    return fields


def _kind(body: bytes) -> str:
    """Return the content type that a body looks like; calls are kept without their headers."""
    start = body.lstrip()[:1]
    if not start:
        return "x-unknown"
    return "application/json" if start in b"{[" else "application/xml" if start == b"<" else "text/plain"


def _timings(time_ms: float) -> dict[str, float]:
    return {"send": 0, "wait": time_ms, "receive": 0}
