"""
Recording a run: everything that came in and went out, as a bundle that can be replayed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from simulator import __version__
from simulator.kernel.rule import Scenario
from simulator.kernel.webhook import Attempt, Webhook, WebhookRequest
from simulator.provider import Call
from simulator.runtime.space import Space

__all__ = ["Bundle", "BundleError", "Recorder", "Sent", "read_bundle"]

_FORMAT = 1
# What a provider reads besides the path; the credential is replaced, for bundles travel.
_HEADERS = ("content-type", "accept", "x-upload-content-type", "x-goog-upload-protocol")
_TIMELESS = ("clock/advance",)


class BundleError(ValueError):
    """
    A folder is not a bundle; the text says what is missing or wrong.
    """


class Sent(NamedTuple):
    """
    One attempt at a webhook, with its bytes and the integrator's answer.
    """

    at_ms: int
    id: str
    number: int
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    error: str

    def told(self) -> tuple[object, ...]:
        """Return what must be the same in a replay: all but the integrator's part."""
        return (self.at_ms, self.id, self.number, self.url, self.headers, self.body)


class Bundle(NamedTuple):
    """
    A recorded run.
    """

    seed: int
    start_unix_ms: int
    version: str
    scenario_text: str
    source: str
    inputs: list[dict[str, Any]]
    webhooks: list[Sent]


class Recorder:
    """
    Keeps what comes into a space and what goes out of it, from now on.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._inputs: list[dict[str, object]] = []
        self._webhooks: list[Sent] = []
        space.on_call = self._call
        space.on_command = self._command
        space.dispatcher.watch = self._attempt

    def _call(self, call: Call, status: int) -> None:
        kept = {name: value for name, value in call.headers.items() if name.lower() in _HEADERS}
        self._inputs.append(
            {
                "kind": "call",
                "at_ms": self._space.simulation.clock.now_ms,
                "provider": call.gateway.provider.name,
                "method": call.method,
                "path": call.path,
                "query": [list(pair) for pair in call.query],
                "headers": kept,
                "scheme": call.credential.scheme if call.credential is not None else "",
                "body": base64.b64encode(call.body).decode(),
                "status": status,
            }
        )

    def _command(self, method: str, path: str, body: bytes) -> None:
        if path.strip("/") in _TIMELESS:
            return
        self._inputs.append(
            {
                "kind": "command",
                "at_ms": self._space.simulation.clock.now_ms,
                "method": method,
                "path": path,
                "body": base64.b64encode(body).decode(),
            }
        )

    def _attempt(self, webhook: Webhook, request: WebhookRequest, attempt: Attempt) -> None:
        self._webhooks.append(
            Sent(
                attempt.at_ms,
                webhook.id,
                attempt.number,
                request.url,
                request.headers,
                request.body,
                attempt.status,
                attempt.error,
            )
        )

    @property
    def webhooks(self) -> list[Sent]:
        """Return every attempt so far, in the order of virtual time."""
        return sorted(self._webhooks, key=lambda sent: sent[:3])

    @property
    def inputs(self) -> list[dict[str, object]]:
        """Return every call and command so far."""
        return self._inputs

    def write(self, folder: Path, scenario_text: str, scenario: Scenario) -> None:
        """Write the bundle into *folder*, which is made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        about = {
            "format": _FORMAT,
            "version": __version__,
            "seed": self._space.seed,
            "start_unix_ms": self._space.simulation.clock.epoch_ms,
            "scenario": Path(scenario.source).name or "scenario.yaml",
        }
        (folder / "bundle.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        (folder / "scenario.yaml").write_text(scenario_text, encoding="utf-8")
        _write_lines(folder / "inputs.ndjson", self._inputs)
        _write_lines(folder / "webhooks.ndjson", (_plain(sent) for sent in self.webhooks))


def _plain(sent: Sent) -> dict[str, object]:
    return {
        "at_ms": sent.at_ms,
        "id": sent.id,
        "number": sent.number,
        "url": sent.url,
        "headers": [list(pair) for pair in sent.headers],
        "body": base64.b64encode(sent.body).decode(),
        "status": sent.status,
        "error": sent.error,
    }


def _write_lines(path: Path, rows: Iterable[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_bundle(folder: Path) -> Bundle:
    """Return the bundle in *folder*; raises BundleError when it is none."""
    try:
        about = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
        scenario_text = (folder / "scenario.yaml").read_text(encoding="utf-8")
        inputs = _read_lines(folder / "inputs.ndjson")
        webhooks = [
            Sent(
                row["at_ms"],
                row["id"],
                row["number"],
                row["url"],
                tuple((name, value) for name, value in row["headers"]),
                base64.b64decode(row["body"]),
                row["status"],
                row["error"],
            )
            for row in _read_lines(folder / "webhooks.ndjson")
        ]
        if about["format"] != _FORMAT:
            raise BundleError(f"{folder}: expected a bundle of format {_FORMAT}, got {about['format']}")
        return Bundle(
            about["seed"],
            about["start_unix_ms"],
            about["version"],
            scenario_text,
            about["scenario"],
            inputs,
            webhooks,
        )
    except OSError as trouble:
        raise BundleError(f"{trouble.filename}: cannot be read ({trouble.strerror})") from None
    except (ValueError, KeyError, TypeError) as trouble:
        if isinstance(trouble, BundleError):
            raise
        raise BundleError(f"{folder}: is no bundle of `simulator run --record`: {trouble!r}") from None


def _read_lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
