"""
What a provider is: a record of tables and functions, most of them with a default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.chance import Chance
from simulator.kernel.model.fates import Ending, Fate
from simulator.kernel.model.lifecycle import State
from simulator.kernel.model.message import Message
from simulator.kernel.model.recipient import normal_address
from simulator.kernel.model.submission import Submission
from simulator.provider.account import ProviderAccount
from simulator.provider.calls import Answer, Call, Credential
from simulator.provider.client_side import ClientSide
from simulator.provider.gateway import Fetch, Gateway, no_way_out
from simulator.provider.helpers import (
    bearer_credential,
    json_failed,
    json_not_found,
    json_refused,
    json_too_large,
    json_unauthorized,
)
from simulator.provider.refusing import Refuse
from simulator.provider.routing import Route
from simulator.provider.showing import Bubble, plain_bubble
from simulator.schema.node import Json, Problems, node_of
from simulator.schema.shapes import Field, Invalid, Record, Shape, Text

__all__ = [
    "SEAM",
    "Code",
    "Command",
    "Coverage",
    "Provider",
    "SampleCall",
    "SampleRefusal",
    "open_gateway",
    "space_credential",
]

SEAM: Final = 1
"""The version of the seam; it grows when a provider written for the one before would not work any more."""


class Code(NamedTuple):
    """
    One row of a provider's catalogue, as `simulator codes` prints it.
    """

    kind: str
    """What the code is about, in the provider's own word, such as `status`; rows are grouped by it."""
    code: str
    """The code as scenario files write it and answers or reports carry it."""
    name: str
    """The provider's name for it; the code again where it has none."""
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


class Command(NamedTuple):
    """
    A command of the command line that a provider brings, such as one that prints a key.

    The same is declared in the file `commands.json` of a built-in provider's
    folder, so that `simulator --help` can list it without importing anything.
    """

    name: str
    help: str
    place: str
    """Where its click command is, imported when it is called: `package.module:name`."""


class SampleCall(NamedTuple):
    """
    A call that sends one text to one recipient, as the provider's clients make it.
    """

    method: str
    path: str
    """Below the provider's base URL, percent-encoded, with its query."""
    headers: Mapping[str, str]
    """With a credential that any space accepts."""
    body: Json


class SampleRefusal(NamedTuple):
    """
    A refusal of a send, as `refuse:` writes it.
    """

    refuse: Json
    for_good: bool
    """False: the same call may be taken later."""


def _same_path(path: str) -> str:
    return path


def _token(token: str) -> str:
    return token


def _no_address(text: str) -> str:
    return ""


def _no_credential_words(call: Call) -> str:
    return ""


def _no_codes() -> Sequence[Code]:
    return ()


def _first_end_counts(earlier: State, later: State) -> bool:
    return False


def _no_figures(account: ProviderAccount, message: Message) -> Mapping[str, str]:
    return {}


def _no_example(base_url: str, credential: str) -> str:
    return ""


_ANY_CODE: Final = Text(1, 100, what="a code", examples=("REJECTED",))
_ANY_FAILURE: Final[Shape[Fate]] = Record(
    lambda code: Fate(ending=Ending.FAIL, code=code),
    [Field("code", _ANY_CODE, "The provider's code.", required=True)],
    doc="It fails.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Provider:
    """
    A messaging provider: tables and functions, nothing that changes.

    Whatever changes is in the account that `open` makes for each space.
    """

    seam: int = 1
    """The version of the seam it was written for; `discover` leaves out those of another."""

    name: str
    """The word for it in paths and scenario files: small letters, digits and dashes."""
    title: str
    """Its name for people."""
    routes: Sequence[Route]
    """What it serves."""
    settings: Shape[Mapping[str, object]]
    """How its part of `providers:` in a scenario file looks."""
    open: Callable[[Gateway], ProviderAccount]
    """Makes a fresh account of a space."""

    hosts: Sequence[str] = ()
    """Host names of the real service, which lead here on any path; a leading `*` is one label."""
    codes: Callable[[], Sequence[Code]] = _no_codes
    """Returns the whole catalogue of statuses and errors, with magic recipients."""
    coverage: Sequence[Coverage] = ()
    """What the real one serves, and how much of it this one does."""
    refusal_shape: Shape[str] = _ANY_CODE
    """How `refuse:` is written for it; reads a code."""
    failure_shape: Shape[Fate] = _ANY_FAILURE
    """How `fail:` is written for it, `after:` apart, which every mapping may have; reads a failing fate."""
    acts: Sequence[str] = ()
    """What its recipients can do, in the words of `does:`; writing is one of them."""
    country_code: str = ""
    """What a leading zero stands for in numbers as it writes them; empty: they have no leading zero."""
    opaque: Callable[[str], str] = _no_address
    """Returns the address that a text which is no number stands for, such as a hash; empty: it is none."""
    numbers: str = "+1555"
    """Where numbers of its recipients begin; seven digits make one that it takes."""
    commands: Sequence[Command] = ()
    """Commands that it brings."""
    server_header: str = ""
    """The header Server of its answers; empty: they have none."""
    user_agent: str = ""
    """The header User-Agent of its webhooks; empty: one that names nobody."""
    address_of: Callable[[str], str] = normal_address
    """Returns the kernel's spelling of a recipient as the provider's clients write it."""
    normal_path: Callable[[str], str] = _same_path
    """Returns a path as `routes` spells it."""
    mint_credential: Callable[[str], str] = _token
    """Returns a credential made of 32 hexadecimal digits, as settings list it: `user:secret` for Basic."""
    example: Callable[[str, str], str] = _no_example
    """Returns a shell command, for a base URL and a credential, that sends a first message."""
    sample: Callable[[str, str], SampleCall] | None = None
    """Returns a call that sends a text (the second argument) to a number; None: it gives no sample."""
    refusals: Sequence[SampleRefusal] = ()
    """Some of each kind, for those who search what software makes of them."""
    client: ClientSide | None = None
    """How a client sends and asks, for load tests that play one; None: nobody does."""
    credential_of: Callable[[Call], Credential | None] = bearer_credential
    """
    Returns the credential of a call; None when it is missing or malformed.

    It goes by the call's head alone: what it returned for one head is good for the next call with the same.
    """
    credential_wanted: Callable[[Call], str] = _no_credential_words
    """Returns what the credential of a call should look like, for people whose call has none."""
    unauthorized: Callable[[Call], Answer] = json_unauthorized
    """Answers a call without a good credential."""
    not_found: Callable[[Call, Sequence[str]], Answer] = json_not_found
    """Answers a call to a path, or with a method (the second argument says which), that is not served."""
    too_large: Callable[[Call, int], Answer] = json_too_large
    """Answers a call whose body has more bytes than the second argument."""
    failed: Callable[[Call], Answer] = json_failed
    """Answers a call in which the simulator itself failed."""
    refused: Callable[[Call, Refuse], Answer] = json_refused
    """Answers a call that is refused, whoever refuses it."""
    outranks: Callable[[State, State], bool] = _first_end_counts
    """
    Whether a report of the second state counts after one of the first, both of them ends.

    The default: the first end that is told is the truth, whatever is told later.
    """
    names_refused: bool = False
    """Whether its answers name ids of its own for recipients that they refuse; clients' own ids are known."""
    figures: Callable[[ProviderAccount, Message], Mapping[str, str]] = _no_figures
    """Returns what it tells of a message in its state, as text, by names of `figures_told`."""
    figures_told: Sequence[str] = ()
    """What `figures` has: `price`, `parts` and `code`, the provider's own word for the state."""
    counts_over_all: Mapping[str, str] = field(default_factory=dict)
    """
    Settings that count over all recipients together, such as a balance, by their path; with what they count.

    A storm that is shared among processes is refused where a scenario gives one of them.
    """
    describe_webhook: Callable[[Mapping[str, str], bytes], str] | None = None
    """Returns what a webhook of its tells in one line, from headers and body; empty: it is none of its."""
    show: Callable[[Submission], Bubble] = plain_bubble
    """Returns what a recipient sees of a message, for people who look on."""

    def number(self, place: int) -> str:
        """Return the number that ends in *place*, of at most seven digits."""
        return f"{self.numbers}{place:07}"

    def read_settings(self, plain: Json) -> Mapping[str, object]:
        """Return settings as `open`'s account takes them; raises ValueError with the first complaint."""
        problems = Problems()
        values = self.settings.read(node_of(plain), "", problems)
        if isinstance(values, Invalid):
            raise ValueError(problems.render("")[0])
        return values


def space_credential(provider: Provider, space: str) -> str:
    """Return the credential of *provider* that belongs to *space* alone; the same on every server."""
    return provider.mint_credential(Chance(0).of("credential", space, provider.name).hex("token"))


def open_gateway(
    provider: Provider, simulation: Simulation, space: str = "default", fetch: Fetch = no_way_out
) -> Gateway:
    """Return a gateway to *space* with a fresh account of *provider*, entered in *simulation*."""
    gateway = Gateway(
        space=space,
        provider=provider.name,
        simulation=simulation,
        credential=space_credential(provider, space),
        fetch=fetch,
    )
    gateway.account = provider.open(gateway)
    simulation.add_account(provider.name, gateway.account)
    return gateway
