"""
A recorded run on disk: `bundle.json` about it, `scenario.yaml`, and `trace.ndjson` with all that happened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from simulator.evidence.result import Check, RunResult
from simulator.evidence.scorecard import scorecard
from simulator.files.inputs import read_bounded, rows_of
from simulator.kernel.model.causes import Cause
from simulator.kernel.model.scenario import ClockMode
from simulator.runtime.space import Space
from simulator.scenario.yaml import SIZE_MAX_BYTES

__all__ = [
    "ABOUT",
    "FORMAT",
    "SCENARIO",
    "TRACE",
    "About",
    "Answered",
    "Attempted",
    "Attempting",
    "Body",
    "Bundle",
    "BundleError",
    "Called",
    "Commanded",
    "Ended",
    "Fetched",
    "Judgement",
    "Row",
    "read_bundle",
]

FORMAT: Final = 2
ABOUT: Final = "bundle.json"
SCENARIO: Final = "scenario.yaml"
TRACE: Final = "trace.ndjson"
_ABOUT_BYTES_MAX: Final = 1_000_000
# The largest file that a provider takes is 100 MB, which Base64 makes longer by a third.
_ROW_BYTES_MAX: Final = 256_000_000


class BundleError(ValueError):
    """
    A folder is not a bundle; the text says what is wrong, and in which file and line.
    """


class Body(Struct, frozen=True, omit_defaults=True, gc=False):
    """
    Bytes as people can read them where they are UTF-8, in Base64 where they are not.
    """

    text: str = ""
    base64: bytes = b""

    @classmethod
    def of(cls, raw: bytes) -> Body:
        """Return *raw* as the record has it."""
        try:
            return cls(text=raw.decode())
        except UnicodeDecodeError:
            return cls(base64=raw)

    @property
    def raw(self) -> bytes:
        """The bytes."""
        return self.base64 or self.text.encode()


class Called(Struct, frozen=True, kw_only=True, tag="call", gc=False):
    """
    A call of the integrator, as it reached the provider.

    `steps` is, here and below, how many steps had fallen due by then: together
    with `at_ms` it says when exactly, also among things of one instant.
    """

    at_ms: int
    steps: int
    number: int
    provider: str
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    url: str
    body: Body
    admitted: bool
    """False: refused before it reached the provider's work, so a replay has nothing to do for it."""


class Answered(Struct, frozen=True, kw_only=True, tag="answer", gc=False):
    """
    The answer to a call is out; status 0: there was none.
    """

    at_ms: int
    steps: int
    number: int
    status: int


class Commanded(Struct, frozen=True, kw_only=True, tag="command", gc=False):
    """
    A command of the control API.
    """

    at_ms: int
    steps: int
    method: str
    path: str
    content_type: str
    base_url: str
    body: Body


class Fetched(Struct, frozen=True, kw_only=True, tag="fetch", gc=False):
    """
    What came of a request that a provider made itself.
    """

    at_ms: int
    steps: int
    number: int
    status: int
    body: Body
    error: str


class Attempting(Struct, frozen=True, kw_only=True, tag="webhook", gc=False):
    """
    An attempt at a webhook begins.  No URL: it could not be rendered.
    """

    at_ms: int
    steps: int
    id: str
    number: int
    method: str
    url: str
    headers: list[tuple[str, str]]
    signed_by: list[str]
    body: Body

    def told(self, *, signed: bool = True) -> tuple[object, ...]:
        """Return what must be the same in a replay; signatures only if *signed*."""
        signatures = () if signed else {name.lower() for name in self.signed_by}
        headers = [(name, value if name.lower() not in signatures else "") for name, value in self.headers]
        return (self.at_ms, self.id, self.number, self.method, self.url, headers, self.body)


class Attempted(Struct, frozen=True, kw_only=True, tag="outcome", gc=False):
    """
    How an attempt ended: the integrator's status, or 0 and why there is none.
    """

    at_ms: int
    steps: int
    id: str
    number: int
    status: int
    error: str
    latency_real_us: int
    cause: Cause | None = None
    note: str = ""
    excerpt: str = ""
    """How the integrator's answer begins."""
    headers: list[tuple[str, str]] = []


class Ended(Struct, frozen=True, kw_only=True, tag="end", gc=False):
    """
    The last row: what there was in all.
    """

    at_ms: int
    steps: int
    messages: dict[str, int]
    """How many by state."""
    webhooks: int


Row: TypeAlias = Called | Answered | Commanded | Fetched | Attempting | Attempted | Ended


class Judgement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    An expectation and what came of it in the run.
    """

    name: str
    passed: bool
    judged: bool = True
    detail: str = ""
    lines: tuple[str, ...] = ()


class About(Struct, frozen=True, kw_only=True):
    """
    What `bundle.json` says.
    """

    format: int
    version: str
    seed: int
    start_unix_ms: int
    mode: ClockMode
    rate: int
    scenario: str
    """The name of the scenario's file when it was run."""
    withheld: bool
    """Something that webhooks are signed with is not in the bundle, so signatures cannot be compared."""
    complete: bool = True
    """False: the run was ended before its own end, by a signal or a crash."""
    checks: list[Judgement] | None = None
    """The run's verdict; None: it was interrupted, or recorded before verdicts were."""


class Bundle:
    """
    A recorded run; its rows are read from disk as they are asked for.
    """

    def __init__(self, folder: Path, about: About, scenario_text: str) -> None:
        self.folder = folder
        self.about = about
        self.scenario_text = scenario_text

    @property
    def incomplete(self) -> str:
        """What to say of a record that breaks off; empty: it is whole."""
        if self.about.complete:
            return ""
        return f"{self.folder} is incomplete: its run was ended before its end, and counts until then"

    def rows(self) -> Iterator[Row]:
        """
        Yield every row; raises BundleError at the first that is none, or when the end is missing.

        A record that breaks off has no end, and may have half a row as its last.
        """
        decoder: msgspec.json.Decoder[Row] = msgspec.json.Decoder(Row)
        path = self.folder / TRACE
        row: Row | None = None
        number = 0
        try:
            with path.open("rb") as file:
                for number, line in enumerate(rows_of(file, _ROW_BYTES_MAX), 1):
                    if isinstance(row, Ended):
                        raise BundleError(f"{path}:{number}: expected nothing after the end, got another row")
                    if not self.about.complete and not line.endswith(b"\n"):
                        return
                    try:
                        row = decoder.decode(line)
                    except (msgspec.MsgspecError, UnicodeDecodeError) as trouble:
                        raise BundleError(f"{path}:{number}: is no row of a trace: {trouble}") from None
                    yield row
        except OSError as trouble:
            raise BundleError(f"{path}: cannot be read ({trouble.strerror})") from None
        if self.about.complete and not isinstance(row, Ended):
            raise BundleError(f"{path}:{number + 1}: expected more: the record breaks off before its end")

    def result(self, space: Space) -> RunResult | None:
        """Return how the run ended, of which *space* is a replay; None: its verdict is not in the record."""
        about = self.about
        if about.checks is None:
            return None
        scenario = space.simulation.scenario
        return RunResult(
            scenario=scenario.name,
            source=about.scenario,
            seed=about.seed,
            version=about.version,
            checks=tuple(Check(**msgspec.structs.asdict(check)) for check in about.checks),
            scorecard=scorecard(space),
            space=space,
        )

    def attempts(self) -> Iterator[Attempting]:
        """Yield the beginning of every attempt that was sent."""
        return (row for row in self.rows() if isinstance(row, Attempting) and row.url)


def read_bundle(folder: Path) -> Bundle:
    """Return the bundle in *folder*, every row of it checked; raises BundleError when it is none."""
    path = folder / ABOUT
    try:
        first_line: Any = json.loads(read_bounded(path, _ABOUT_BYTES_MAX))
        if isinstance(first_line, dict) and first_line.get("format") != FORMAT:
            raise BundleError(
                f"{path}:2: expected a bundle of format {FORMAT}, got {first_line.get('format')!r}"
            )
        about = msgspec.convert(first_line, About)
        path = folder / SCENARIO
        bundle = Bundle(folder, about, read_bounded(path, SIZE_MAX_BYTES).decode())
    except OSError as trouble:
        raise BundleError(f"{path}: cannot be read ({trouble.strerror}); `run --record` writes it") from None
    except json.JSONDecodeError as trouble:
        raise BundleError(f"{path}:{trouble.lineno}: is no JSON: {trouble.msg}") from None
    except (msgspec.ValidationError, UnicodeDecodeError) as trouble:
        raise BundleError(f"{path}:1: is not what `run --record` writes: {trouble}") from None
    if sum(1 for _ in bundle.rows()) == 0:
        raise BundleError(f"{folder / TRACE}:1: expected a row: the run was ended before anything happened")
    return bundle
