"""
The spaces of a server, and which of them a call belongs to.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from simulator.kernel.model.scenario import ClockSpec, Scenario
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.store.journal import Entry
from simulator.kernel.store.messages import MESSAGES_MAX
from simulator.provider import Credential, Gateway, Provider
from simulator.runtime.doubts import Doubts
from simulator.runtime.space import Space
from simulator.runtime.transport.seam import Transport
from simulator.server.doors import Doors

__all__ = ["DEFAULT_SPACE", "Judged", "Recorded", "RunCourse", "SpaceRegistry", "UnknownSpace"]

DEFAULT_SPACE = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_SPACES_MAX = 10_000
_DELETED_CREDENTIALS_MAX = 100_000
"""The credentials of so many deleted spaces are remembered, one for each provider."""


class UnknownSpace(KeyError):
    """
    There is no space of this name.
    """

    def __str__(self) -> str:
        return f"there is no space {self.args[0]!r}"


class Judged(Protocol):
    """
    An expectation of a run and how it stands; servers start without what makes these.
    """

    @property
    def name(self) -> str:
        """What is expected, in the scenario's words."""
        ...

    @property
    def passed(self) -> bool:
        """Whether it is met."""
        ...

    @property
    def judged(self) -> bool:
        """False: there was nothing to judge it by."""
        ...

    @property
    def blamed(self) -> tuple[MessageKey, ...]:
        """The messages because of which it is not met."""
        ...

    @property
    def detail(self) -> str:
        """What came instead, in one line."""
        ...

    @property
    def lines(self) -> tuple[str, ...]:
        """Stories that explain a failure, as lines for people."""
        ...


class RunCourse(Protocol):
    """
    A run in a space: what was to come, what is expected, and how it ended.
    """

    @property
    def result(self) -> object | None:
        """The RunResult, once the run is over; servers start without what makes one."""
        ...

    def planned_ms(self, space: Space) -> Sequence[int]:
        """Return when calls and messages are to come, on the clock of *space*."""
        ...

    def checks(self, space: Space) -> Sequence[Judged]:
        """Return what is expected, and how it stands."""
        ...

    def scorecard(self, space: Space) -> object:
        """Return the Scorecard so far, with rates that only the run measures."""
        ...


class Recorded(Protocol):
    """
    A recorded run, as it was at one of its moments.
    """

    @property
    def space(self) -> Space:
        """The space as it was then."""
        ...

    @property
    def moments(self) -> Sequence[int]:
        """Every instant at which anything came in or went out, on the space's clock."""
        ...

    @property
    def moment(self) -> int:
        """Which of the moments it stands at."""
        ...

    @property
    def note(self) -> str:
        """Why it cannot be shown further; empty: it can."""
        ...

    @property
    def forkable(self) -> bool:
        """True: it can go on from there; False: it is only known what happened."""
        ...

    async def seek(self, moment: int) -> None:
        """Stand at another moment."""
        ...

    async def fork(self, name: str) -> Space:
        """Return a new space that was played up to this moment and goes on by itself from here."""
        ...


def _tell_doubt(gateway: Gateway, why: str) -> None:
    gateway.note("webhooks will be lost", why=why)


class SpaceRegistry:
    """
    All spaces of one server.
    """

    def __init__(self, providers: Mapping[str, Provider], client: Callable[[], Transport]) -> None:
        self.providers = providers
        self._client = client
        self._spaces: dict[str, Space] = {}
        self._claims: dict[tuple[str, str], list[str]] = {}
        """By provider and credential: the spaces it leads to; the first of them has it."""
        self._claimed: dict[str, list[tuple[str, str]]] = {}
        self._minted: dict[str, dict[str, str]] = {}
        self._deleted: dict[tuple[str, str], str] = {}
        """By provider and credential: the deleted space to which it belonged, and to nobody since."""
        self._count = 0
        self.version = 0
        """Another one whenever a call might find its way to another space, or not in any more."""
        self.closing = False
        """The server is being stopped, and every space ends."""
        self.recordings: dict[str, Recorded] = {}
        """Recorded runs that can be looked at, by the names of spaces that no call leads to."""
        self.courses: dict[str, RunCourse] = {}
        """The runs in spaces, by the names of these."""
        self.messages_max = MESSAGES_MAX
        """How many messages each space that is created from now on keeps; those on their way always stay."""
        self.doubts: Doubts | None = None
        """Says why nothing will ever be sent to a target; None: nothing is sent anywhere."""
        self.doors = Doors(())
        """The ports that providers have for themselves."""
        self.tell: Callable[[Space, Entry], None] | None = None
        """Told of every entry of any space that is created from now on."""

    def __len__(self) -> int:
        return len(self._spaces)

    def all(self) -> list[Space]:
        """Return every space, sorted by name."""
        return [self._spaces[name] for name in sorted(self._spaces)]

    def get(self, name: str) -> Space:
        """Return the space called *name*; raises UnknownSpace."""
        space = self._spaces.get(name)
        if space is None:
            raise UnknownSpace(name)
        return space

    def look(self, name: str) -> Space:
        """Return the space or the recorded run called *name*, to look at it; raises UnknownSpace."""
        recorded = self.recordings.get(name)
        return recorded.space if recorded is not None else self.get(name)

    def create(
        self,
        name: str = "",
        *,
        seed: int | None = None,
        clock: ClockSpec | None = None,
        scenario: Scenario | None = None,
    ) -> Space:
        """
        Create a space; raises ValueError when the name is taken or not a name.

        Without a *seed* it is drawn from the name, so that two spaces do not mint the same ids.
        """
        if not name:
            name = self._free_name()
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"expected a name of up to 100 letters, digits, dots, dashes and underscores, got {name!r}"
            )
        if name in self._spaces or name in self.recordings:
            raise ValueError(f"there is a space {name!r} already")
        if len(self._spaces) >= _SPACES_MAX:
            raise ValueError(f"there are {_SPACES_MAX} spaces already; delete some")
        if seed is None:
            seed = zlib.crc32(name.encode())
        space = Space(
            name, self.providers, self._client, seed=seed, clock=clock, messages_max=self.messages_max
        )
        for gateway in space.gateways.values():
            if self.doubts is not None:
                gateway.why_not = partial(self.doubts.why_not, tell=partial(_tell_doubt, gateway))
        if self.tell is not None:
            space.simulation.journal.tell = partial(self.tell, space)
        space.simulation.state.server_turned = partial(self.doors.turn, name)
        if scenario is not None:
            space.load(scenario)
        self._spaces[name] = space
        space.simulation.state.configured = lambda: self._note_credentials(space)
        self._note_credentials(space)
        return space

    def _free_name(self) -> str:
        while True:
            self._count += 1
            name = f"space-{self._count}"
            if name not in self._spaces and name not in self.recordings:
                return name

    def credentials(self, name: str) -> Mapping[str, str]:
        """Return a credential per provider that belongs to this space alone."""
        minted = self._minted.get(name)
        if minted is None:
            gateways = self.look(name).gateways
            minted = {provider: gateway.credential for provider, gateway in gateways.items()}
            self._minted[name] = minted
        return minted

    def _note_credentials(self, space: Space) -> None:
        """Let the credentials that are a space's by now lead to it, and no others."""
        self.version += 1
        self._unclaim(space.name)
        claimed = [
            (provider, credential)
            for provider, gateway in space.gateways.items()
            for credential in dict.fromkeys(gateway.account.credentials)
        ]
        if space.name != DEFAULT_SPACE:
            claimed += self.credentials(space.name).items()
        self._claimed[space.name] = claimed
        for claim in claimed:
            self._claims.setdefault(claim, []).append(space.name)
            self._deleted.pop(claim, None)

    def _unclaim(self, name: str) -> None:
        for claim in self._claimed.pop(name, ()):
            claimants = self._claims[claim]
            claimants.remove(name)
            if not claimants:
                del self._claims[claim]

    def owner_of(self, provider: str, credential: Credential) -> Space | None:
        """Return the space that owns *credential* at *provider*, if one does."""
        claimants = self._claims.get((provider, credential.text))
        return self._spaces[claimants[0]] if claimants is not None else None

    def deleted_owner_of(self, provider: str, credential: Credential) -> str:
        """Return the deleted space to which alone *credential* belonged; empty: to none."""
        return self._deleted.get((provider, credential.text), "")

    def accepts(self, space: Space, provider: str, credential: Credential) -> bool:
        """Return True when *space* lets this credential in."""
        if credential.always_refused:
            return False
        listed = space.gateways[provider].account.credentials
        return (
            not listed
            or credential.text in listed
            or credential.text in self.credentials(space.name).values()
        )

    async def delete(self, name: str) -> None:
        """End a space and forget it; raises UnknownSpace."""
        space = self.get(name)
        self.version += 1
        del self._spaces[name]
        self.courses.pop(name, None)
        self.doors.forget(name)
        minted = self._minted.pop(name, {})
        self._unclaim(name)
        for claim in minted.items():
            if claim not in self._claims:
                self._deleted[claim] = name
        while len(self._deleted) > _DELETED_CREDENTIALS_MAX:
            del self._deleted[next(iter(self._deleted))]
        await space.close()

    async def close(self) -> None:
        """End every space."""
        self.closing = True
        await asyncio.gather(*(space.close() for space in self._spaces.values()))
        self._spaces.clear()
