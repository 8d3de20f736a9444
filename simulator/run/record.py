"""
Recording a run: everything that comes in and goes out, written to disk as it happens.
"""

from __future__ import annotations

import errno
import json
import re
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from simulator import __version__
from simulator.evidence.result import RunResult
from simulator.evidence.words import cut
from simulator.kernel.webhooks.webhook import Attempt, Webhook, WebhookRequest
from simulator.provider import Answer, Call
from simulator.provider import Fetched as FetchResult
from simulator.run.bundle import (
    ABOUT,
    FORMAT,
    SCENARIO,
    TRACE,
    About,
    Answered,
    Attempted,
    Attempting,
    Body,
    Called,
    Commanded,
    Ended,
    Fetched,
    Judgement,
    Row,
)
from simulator.runtime.space import Space
from simulator.scenario.yaml import YamlError, parse
from simulator.schema.node import Json
from simulator.secrecy import Renaming, secrets_in

__all__ = ["Recorder", "attempting_row", "renaming_of"]

# Time is in the rows; how it was made to pass is not asked again.
_ABOUT_TIME: Final = frozenset({"clock", "clock/advance"})
_DRAFT: Final = f"{ABOUT}.part"
# `bundle.json` is read whole, so what it says of the verdict has an end.
_CHECKS_MAX: Final = 200
_LINES_MAX: Final = 4
_TEXT_MAX: Final = 200
_ISSUED: Final = re.compile(rb'"(?:access_)?token"\s*:\s*"([^"\\]{1,4000})"')


class Recorder:
    """
    Writes what comes into a space and what goes out of it into a folder, from now on.

    Every row is on its way to the disk before its effect, and `bundle.json` says from the
    beginning what a replay needs, so that a killed run leaves a record that breaks off.
    Raises OSError when the folder cannot be written, or holds anything but an earlier record.
    """

    def __init__(self, space: Space, folder: Path, scenario_text: str, scenario_name: str = SCENARIO) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_others(folder)
        # A record that is half the earlier one would be worse than none.
        (folder / ABOUT).unlink(missing_ok=True)
        (folder / SCENARIO).write_text(scenario_text, encoding="utf-8")
        self._file = (folder / TRACE).open("wb", buffering=0)
        self._space = space
        self._folder = folder
        self._scenario_name = scenario_name
        self._renaming = renaming_of(space, scenario_text)
        self._encoder = msgspec.json.Encoder()
        self._numbers: dict[int, int] = {}
        self._calls = 0
        self._trouble: OSError | None = None
        self._about = self._present(complete=False)
        try:
            self._write_about(self._about)
        except OSError:
            self._file.close()
            raise
        space.tap = self

    def _write(self, row: Row) -> None:
        if self._trouble is not None:
            return
        line = self._encoder.encode(row) + b"\n"
        try:
            about = self._present(complete=False)
            if about != self._about:
                self._about = about
                self._write_about(about)
            while line:
                line = line[self._file.write(line) :]
        except OSError as trouble:
            # The run goes on; that it is not recorded is said at its end.
            self._trouble = trouble

    @property
    def _now(self) -> tuple[int, int]:
        simulation = self._space.simulation
        return simulation.clock.now_ms, simulation.state.steps_done

    def called(self, call: Call, *, admitted: bool) -> None:
        """Write down a call."""
        self._calls += 1
        self._numbers[id(call)] = self._calls
        renaming = self._renaming
        at_ms, steps = self._now
        self._write(
            Called(
                at_ms=at_ms,
                steps=steps,
                number=self._calls,
                provider=call.gateway.provider,
                method=call.method,
                path=renaming.text(call.path),
                query=renaming.query(call.query),
                headers=renaming.headers(call.headers.items()),
                url=call.url,
                body=Body.of(renaming.body(call.body)),
                admitted=admitted,
            )
        )

    def answered(self, call: Call, answer: Answer | None) -> None:
        """Write down that a call is answered."""
        if call.credential is None and answer is not None and answer.status == 200:
            # Nobody had to prove anything, so what is handed out is the simulator's own.
            for issued in _ISSUED.findall(answer.body):
                self._renaming.keep(issued.decode("latin-1"))
        number = self._numbers.pop(id(call), None)
        if number is not None:
            at_ms, steps = self._now
            status = answer.status if answer is not None else 0
            self._write(Answered(at_ms=at_ms, steps=steps, number=number, status=status))

    def commanded(self, method: str, path: str, content_type: str, body: bytes, base_url: str) -> None:
        """Write down a command."""
        if path.strip("/") in _ABOUT_TIME:
            return
        at_ms, steps = self._now
        content_type, body = _command(self._renaming, content_type, body)
        self._write(
            Commanded(
                at_ms=at_ms,
                steps=steps,
                method=method,
                path=path,
                content_type=content_type,
                base_url=base_url,
                body=Body.of(body),
            )
        )

    def fetched(self, number: int, fetched: FetchResult) -> None:
        """Write down what a provider's own request brought."""
        at_ms, steps = self._now
        body = Body.of(self._renaming.webhook_body(fetched.body))
        self._write(
            Fetched(
                at_ms=at_ms, steps=steps, number=number, status=fetched.status, body=body, error=fetched.error
            )
        )

    def attempting(self, webhook: Webhook, number: int, request: WebhookRequest | None) -> None:
        """Write down that an attempt begins."""
        self._write(attempting_row(self._space, self._renaming, webhook, number, request))

    def attempted(self, webhook: Webhook, attempt: Attempt) -> None:
        """Write down how an attempt ended."""
        at_ms, steps = self._now
        self._write(
            Attempted(
                at_ms=at_ms,
                steps=steps,
                id=webhook.id,
                number=attempt.number,
                status=attempt.status,
                error=attempt.error,
                cause=attempt.cause,
                latency_real_us=attempt.latency_real_us,
                note=attempt.note,
                excerpt=self._renaming.body(attempt.excerpt.encode()).decode("utf-8", "replace"),
                headers=self._renaming.headers(attempt.headers),
            )
        )

    def close(self, result: RunResult | None = None, *, complete: bool = True) -> None:
        """
        End the record, with the verdict if there is one; raises OSError when it could not be written.

        It is not *complete* when the run did not come to its own end.
        """
        space = self._space
        space.tap = None
        at_ms, steps = self._now
        self._write(
            Ended(
                at_ms=at_ms,
                steps=steps,
                messages=states_of(space),
                webhooks=len(space.simulation.outbox.webhooks),
            )
        )
        try:
            self._file.close()
        except OSError as trouble:
            self._trouble = self._trouble or trouble
        if self._trouble is not None:
            # What breaks off for want of room is no story to be told again.
            (self._folder / ABOUT).unlink(missing_ok=True)
            raise self._trouble
        self._write_about(self._present(result, complete=complete))

    def _present(self, result: RunResult | None = None, *, complete: bool) -> About:
        space = self._space
        return About(
            format=FORMAT,
            version=__version__,
            seed=space.seed,
            start_unix_ms=space.simulation.clock.epoch_ms,
            mode=space.driver.mode,
            rate=space.driver.rate,
            scenario=self._scenario_name,
            withheld=self._renaming.withheld,
            complete=complete,
            checks=_judgements(result) if result is not None else None,
        )

    def _write_about(self, about: About) -> None:
        """Write `bundle.json`, whole or not at all."""
        plain = json.dumps(msgspec.to_builtins(about), indent=2, ensure_ascii=False) + "\n"
        draft = self._folder / _DRAFT
        draft.write_text(plain, encoding="utf-8")
        draft.replace(self._folder / ABOUT)

    def abandon(self) -> None:
        """Leave nothing behind: there was no run."""
        self._space.tap = None
        self._file.close()
        for name in (ABOUT, TRACE, SCENARIO):
            (self._folder / name).unlink(missing_ok=True)
        if not any(self._folder.iterdir()):
            self._folder.rmdir()


def _judgements(result: RunResult) -> list[Judgement]:
    return [
        Judgement(
            name=cut(check.name, _TEXT_MAX),
            passed=check.passed,
            judged=check.judged,
            detail=cut(check.detail, _TEXT_MAX),
            lines=tuple(cut(line, _TEXT_MAX) for line in check.lines[:_LINES_MAX]),
        )
        for check in result.withheld().checks[:_CHECKS_MAX]
    ]


def _refuse_others(folder: Path) -> None:
    """Raise FileExistsError where a record would overwrite something that is none."""
    held = {path.name for path in folder.iterdir()}
    # A record that broke off has a trace and no `bundle.json`; the next run may take its place.
    if held and ABOUT not in held and not (TRACE in held and held <= {TRACE, SCENARIO, _DRAFT}):
        why = "it holds other files and is no bundle; name a new folder, an empty one or a bundle"
        raise FileExistsError(errno.EEXIST, why, str(folder))
    for name in (ABOUT, TRACE, SCENARIO, _DRAFT):
        path = folder / name
        # A link or a pipe of this name leads elsewhere, where a record is not to be written.
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise FileExistsError(errno.EEXIST, "it is no regular file", str(path))


def renaming_of(space: Space, scenario_text: str) -> Renaming:
    """Return what keeps the credentials of a space out of its record."""
    given = list(dict.fromkeys(secrets_in(_yaml(scenario_text))))
    return Renaming(given, [gateway.credential for gateway in space.gateways.values()])


def _command(renaming: Renaming, content_type: str, body: bytes) -> tuple[str, bytes]:
    """Return content type and body of a command as the record has them."""
    try:
        plain = json.loads(body) if body.strip() else None
    except ValueError:
        plain = None
    if plain is None:
        plain = _yaml(body.decode("utf-8", "replace"))
        if not isinstance(plain, dict):
            return content_type, renaming.body(body)
    if isinstance(plain, str):
        plain = _yaml(plain)
    # YAML is a way to write the same values; without its comments, which may tell anything.
    return "application/json", json.dumps(renaming.hidden(plain), ensure_ascii=False).encode()


def _yaml(text: str) -> Json:
    try:
        return parse(text).plain()
    except YamlError:
        return None


def states_of(space: Space) -> dict[str, int]:
    """Return how many messages are in each state."""
    return dict(
        sorted(Counter(message.state.value for message in space.simulation.messages.values()).items())
    )


def attempting_row(
    space: Space, renaming: Renaming, webhook: Webhook, number: int, request: WebhookRequest | None
) -> Attempting:
    """Return an attempt that begins now, as a record has it."""
    simulation = space.simulation
    request = request or WebhookRequest(url="", body=b"")
    return Attempting(
        at_ms=simulation.clock.now_ms,
        steps=simulation.state.steps_done,
        id=webhook.id,
        number=number,
        method=request.method,
        url=renaming.webhook_url(request.url),
        headers=renaming.webhook_headers(request.headers, request.signed_by),
        signed_by=list(request.signed_by),
        body=Body.of(renaming.webhook_body(request.body)),
    )
