"""
The seam between the simulator and a provider: calls, answers, routes, and what a provider must say.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from simulator.kernel.engine.account import Account
from simulator.kernel.engine.call_result import CallRefusal, CallResult
from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.chance import Chance
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.message import Message, Refused
from simulator.kernel.model.rules import Drop
from simulator.kernel.model.submission import Submission
from simulator.kernel.webhooks.webhook import Report
from simulator.schema.node import Json
from simulator.schema.shapes import Shape

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

__all__ = [
    "BODY_BYTES_MAX",
    "Answer",
    "Call",
    "CallCut",
    "CallRefused",
    "Code",
    "Coverage",
    "Credential",
    "Fetch",
    "Fetched",
    "Gateway",
    "Provider",
    "ProviderAccount",
    "Route",
    "Router",
    "discover",
    "header_text",
    "space_credential",
]

BODY_BYTES_MAX = 1_048_576
"""How large the body of a call may be, unless its route says otherwise."""


class Answer(NamedTuple):
    """
    What a provider answers to a call.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Credential(NamedTuple):
    """
    What a client presented to prove who it is.
    """

    scheme: str
    secret: str
    user: str = ""

    @property
    def text(self) -> str:
        """The credential as settings list it: the secret, or `user:secret`."""
        return f"{self.user}:{self.secret}" if self.user else self.secret

    @property
    def always_refused(self) -> bool:
        """True for the ones that every space refuses, so that refusal can be tested."""
        return self.secret.startswith("invalid") or self.user.startswith("invalid")


class CallRefused(Exception):
    """
    A rule refused the whole call; the provider words the answer.
    """

    def __init__(self, refusal: CallRefusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class CallCut(Exception):
    """
    A rule drops the connection before any work; there is no answer.
    """


class ProviderAccount(Account, Protocol):
    """
    What the server asks a provider about one space, beyond what the kernel asks.
    """

    @property
    def credentials(self) -> Sequence[str]:
        """The only credentials accepted; empty: any well-formed one."""
        ...

    @property
    def actions(self) -> Mapping[str, Callable[[Json], Json | Awaitable[Json]]]:
        """What can be done through the control API that only this provider has, by name."""
        ...

    def configure(self, settings: Mapping[str, object]) -> None:
        """Change settings from now on, as `Provider.settings` read them."""
        ...

    def describe(self) -> Mapping[str, object]:
        """Return the settings in force as plain JSON, without secrets."""
        ...


class Fetched(NamedTuple):
    """
    What came of a request that a provider made itself.
    """

    status: int
    """0 when there was no answer; `error` says why."""
    body: bytes = b""
    error: str = ""


class Fetch(Protocol):
    """
    Makes an HTTP request to the integrator, through the same guard as webhooks.
    """

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_real_ms: int
    ) -> Awaitable[Fetched]: ...


async def _unreachable(
    method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_real_ms: int
) -> Fetched:
    return Fetched(0, error="this space has no way out")


class Gateway:
    """
    A provider's door into one space, and from there to the integrator.
    """

    __slots__ = ("account", "base_url", "fetch", "provider", "simulation", "space")

    def __init__(
        self, space: str, provider: Provider, simulation: Simulation, fetch: Fetch = _unreachable
    ) -> None:
        self.space = space
        self.provider = provider
        self.simulation = simulation
        self.fetch = fetch
        """Makes a request of the provider's own, such as the handshake of a new webhook."""
        self.base_url = ""
        """Where clients reach this provider in this space, as far as anybody has told."""
        self.account: ProviderAccount = provider.open(self)

    @property
    def credential(self) -> str:
        """The credential that leads to this space, whatever the URL."""
        return space_credential(self.provider, self.space)

    @property
    def now_ms(self) -> int:
        """The space's time, in milliseconds since it began."""
        return self.simulation.clock.now_ms


class Call:
    """
    One HTTP call to a provider, read completely.
    """

    __slots__ = (
        "body",
        "credential",
        "gateway",
        "headers",
        "method",
        "parameters",
        "path",
        "query",
        "result",
        "url",
    )

    def __init__(
        self,
        *,
        method: str,
        path: str,
        gateway: Gateway,
        query: Sequence[tuple[str, str]] = (),
        headers: CIMultiDictProxy[str] | Mapping[str, str] | None = None,
        body: bytes = b"",
        credential: Credential | None = None,
        parameters: Mapping[str, str] | None = None,
        url: str = "",
    ) -> None:
        self.method = method
        self.path = path
        self.gateway = gateway
        self.query = query
        self.headers: Mapping[str, str] = headers if headers is not None else {}
        self.body = body
        self.credential = credential
        self.parameters = parameters or {}
        self.url = url
        """Scheme, host and prefix under which the client reached this provider."""
        self.result = CallResult()

    def submit(self, submissions: Sequence[Submission]) -> list[Message | Refused]:
        """
        Submit everything this call asks to send; return one outcome per submission, in order.

        Raises CallRefused when a rule refuses the whole call, CallCut when one cuts it off.
        """
        result = self.gateway.simulation.submit(submissions, unanswered=True)
        self.result = result
        if result.refusal is not None:
            raise CallRefused(result.refusal)
        if result.drop is Drop.BEFORE:
            raise CallCut
        return result.outcomes

    def submit_later(
        self,
        submissions: Sequence[Submission],
        *,
        after_ms: int,
        name: str = "",
        prepare: Callable[[Sequence[Submission]], Sequence[Submission]],
        done: Callable[[Sequence[Message | Refused]], Sequence[Report]],
    ) -> None:
        """
        Do what this call asks for *after_ms* from now, for providers that answer before they work.

        See `Simulation.submit_later`.  Raises CallRefused when a rule refuses the whole call,
        CallCut when one cuts it off.
        """
        result = self.gateway.simulation.submit_later(
            submissions,
            provider=self.gateway.provider.name,
            at_ms=self.gateway.now_ms + after_ms,
            name=name,
            prepare=prepare,
            done=done,
        )
        self.result = result
        if result.refusal is not None:
            raise CallRefused(result.refusal)
        if result.drop is Drop.BEFORE:
            raise CallCut

    def parameter(self, name: str) -> str | None:
        """Return the last query parameter of this name, or None."""
        found = None
        for key, value in self.query:
            if key == name:
                found = value
        return found


_HEADER_LENGTH_MAX: Final = 1_000


def header_text(text: str) -> str:
    """Return *text*, which may come from anywhere, as one that fits into a header that clients still read."""
    plain = text if text.isascii() and text.isprintable() else ascii(text[: _HEADER_LENGTH_MAX + 1])[1:-1]
    return plain if len(plain) <= _HEADER_LENGTH_MAX else f"{plain[: _HEADER_LENGTH_MAX - 3]}..."


def space_credential(provider: Provider, space: str) -> str:
    """Return the credential of *provider* that belongs to *space* alone; the same on every server."""
    return provider.mint_credential(Chance(0).of("credential", space, provider.name).hex("token"))


Handler = Callable[[Call], "Answer | Awaitable[Answer]"]


class Route(NamedTuple):
    """
    A method and path that a provider serves.

    A path segment in braces (`{id}`) is a parameter; `{rest*}` takes everything
    that follows.  `operation` is the word scenario files use for it.
    """

    method: str
    path: str
    handler: Handler
    operation: str
    sends: bool = False
    """True when the handler submits messages; rules then act on those, not on the call."""
    body_bytes_max: int = BODY_BYTES_MAX
    open: bool = False
    """True when no credential is asked for."""


class Router:
    """
    Finds the route of a call: a dictionary for plain paths, patterns for the others.
    """

    __slots__ = ("_exact", "_patterns")

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        patterns: dict[str, dict[str, Route]] = {}
        for route in routes:
            table = patterns if "{" in route.path else self._exact
            table.setdefault(route.path, {})[route.method] = route
        self._patterns = [(_pattern(path), methods) for path, methods in patterns.items()]

    def find(self, method: str, path: str) -> tuple[Route | None, dict[str, str], tuple[str, ...]]:
        """
        Return the route, its path parameters, and which methods the path would allow.

        No route and no methods: nothing is served at this path.
        """
        methods = self._exact.get(path)
        if methods is not None and (route := methods.get(method)) is not None:
            return route, {}, ()
        allowed = tuple(methods) if methods else ()
        for pattern, pattern_methods in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                if (route := pattern_methods.get(method)) is not None:
                    return route, match.groupdict(), ()
                allowed += tuple(pattern_methods)
        return None, {}, tuple(sorted(set(allowed)))


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\*?\})", path)
    return re.compile(
        "".join(
            f"(?P<{p[1:-2]}>.+)"
            if p.endswith("*}")
            else f"(?P<{p[1:-1]}>[^/]+)"
            if p.startswith("{")
            else re.escape(p)
            for p in parts
        )
    )


class Code(NamedTuple):
    """
    One row of a provider's catalogue, as `simulator codes` prints it.
    """

    kind: str
    code: str
    name: str
    meaning: str
    recipient: str
    """The magic recipient that triggers it; empty: there is none."""
    source: str = ""


class Coverage(NamedTuple):
    """
    One endpoint that the provider has, and how much of it is imitated.
    """

    method: str
    path: str
    state: str
    """`supported`, `partial` or `absent`."""
    note: str = ""


class Provider(Protocol):
    """
    A messaging provider: tables and pure functions, nothing that changes.
    """

    @property
    def name(self) -> str:
        """The word for it in paths and scenario files."""
        ...

    @property
    def title(self) -> str:
        """Its name for people."""
        ...

    @property
    def routes(self) -> Sequence[Route]:
        """What it serves."""
        ...

    @property
    def coverage(self) -> Sequence[Coverage]:
        """What the real one serves, and how much of it this one does."""
        ...

    @property
    def settings(self) -> Shape[Mapping[str, object]]:
        """How its part of `providers:` in a scenario file looks."""
        ...

    @property
    def refusal_shape(self) -> Shape[str]:
        """How `refuse:` is written for it; reads a code for `AnswerFault.refuse`."""
        ...

    @property
    def failure_shape(self) -> Shape[Fate]:
        """How `fail:` is written for it, its delay apart; reads a failing fate."""
        ...

    @property
    def acts(self) -> Sequence[str]:
        """What its recipients can do, in the words of `does:`; writing is one of them."""
        ...

    @property
    def numbers(self) -> str:
        """Where numbers of its recipients begin; seven digits make one that it takes."""
        ...

    def open(self, gateway: Gateway) -> ProviderAccount:
        """Return a fresh account of a space."""
        ...

    def normal_path(self, path: str) -> str:
        """Return *path* as `routes` spells it."""
        ...

    def mint_credential(self, token: str) -> str:
        """Return a credential, in the form settings list it, made of 32 hexadecimal digits."""
        ...

    def example(self, base_url: str, credential: str) -> str:
        """Return a shell command that sends a first message."""
        ...

    def credential_of(self, call: Call) -> Credential | None:
        """Return the credential of a call; None when it is missing or malformed."""
        ...

    def unauthorized(self, call: Call) -> Answer:
        """Answer a call without a good credential."""
        ...

    def not_found(self, call: Call, allowed: Sequence[str]) -> Answer:
        """Answer a call to a path, or with a method (*allowed* says which), that is not served."""
        ...

    def too_large(self, call: Call, bytes_max: int) -> Answer:
        """Answer a call whose body is larger than *bytes_max*."""
        ...

    def failed(self, call: Call) -> Answer:
        """Answer a call in which the simulator itself failed."""
        ...

    def refused(self, call: Call, refusal: CallRefusal) -> Answer:
        """Answer a call that a rule refuses."""
        ...

    def codes(self) -> Sequence[Code]:
        """Return the whole catalogue of statuses and errors, with magic recipients."""
        ...


def discover() -> dict[str, Provider]:
    """
    Return every provider by name: ours, and installed ones (entry point `simulator.providers`).

    Nothing is kept: the caller holds the result.
    """
    from simulator import providers

    found: list[Provider] = []
    for module in iter_modules(providers.__path__):
        loaded = getattr(import_module(f"simulator.providers.{module.name}"), "PROVIDER", None)
        if loaded is not None:
            found.append(loaded)
    found.extend(entry.load() for entry in entry_points(group="simulator.providers"))
    return {provider.name: provider for provider in sorted(found, key=lambda provider: provider.name)}
