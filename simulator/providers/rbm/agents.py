"""
The partner's agents: webhooks, launch states and testers, each with the time it takes to be in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Generic, TypeVar

from simulator.providers.rbm.settings import USE_CASES, AgentSettings, Target, bare_id

__all__ = ["INVITES_IN_ALL", "INVITES_PER_DAY", "Agent", "Agents", "Slow", "Testers"]

T = TypeVar("T")

_DAY_MS: Final = 86_400_000
INVITES_PER_DAY: Final = 20
INVITES_IN_ALL: Final = 200


class Slow(Generic[T]):
    """
    A value whose changes take a while to be in force.
    """

    __slots__ = ("_changes",)

    def __init__(self, value: T) -> None:
        self._changes: list[tuple[int, T]] = [(0, value)]

    def at(self, now_ms: int) -> T:
        """Return the value in force at *now_ms*."""
        value = self._changes[0][1]
        for from_ms, later in self._changes:
            if from_ms <= now_ms:
                value = later
        return value

    @property
    def latest(self) -> T:
        """The last value set, in force or not."""
        return self._changes[-1][1]

    def change(self, value: T, from_ms: int, now_ms: int) -> None:
        """Set the value, in force from *from_ms* on."""
        self._changes = [(0, self.at(now_ms)), *(c for c in self._changes if c[0] > now_ms)]
        self._changes.append((from_ms, value))


class Agent:
    """
    An agent of the partner.
    """

    __slots__ = ("id", "integration", "launch_state", "settings", "webhook")

    def __init__(self, agent_id: str, settings: AgentSettings) -> None:
        self.id = agent_id
        self.settings = settings
        self.webhook: Slow[Target | None] = Slow(settings.webhook)
        self.launch_state: Slow[str] = Slow("LAUNCHED" if settings.launched else "UNLAUNCHED")
        self.integration = ""
        """The id of the integration made through the management API, if there is one."""

    @property
    def needs_traffic_type(self) -> bool:
        """True for agents with several use cases, whose messages have no default type."""
        return self.settings.use_case is not None and not USE_CASES[self.settings.use_case]

    def launched(self, now_ms: int) -> bool:
        """Return True when everybody may be reached, not testers alone."""
        return self.launch_state.at(now_ms) == "LAUNCHED"


class Agents:
    """
    Every agent that is listed, or, when none is, any that somebody names.
    """

    __slots__ = ("_agents", "_listed")

    def __init__(self) -> None:
        self._agents: dict[str, Agent] = {}
        self._listed = False

    def configure(self, listed: Mapping[str, AgentSettings]) -> None:
        """Replace the agents by those *listed*."""
        self._agents = {bare_id(name): Agent(bare_id(name), settings) for name, settings in listed.items()}
        self._listed = bool(listed)

    def find(self, agent_id: str) -> Agent | None:
        """Return the agent of this id, in either form, or None when others are listed."""
        name = bare_id(agent_id)
        agent = self._agents.get(name)
        if agent is None and name and not self._listed:
            agent = self._agents[name] = Agent(name, AgentSettings())
        return agent

    def only(self) -> Agent | None:
        """Return the only agent that is known, or None when there are none or several."""
        return next(iter(self._agents.values())) if len(self._agents) == 1 else None

    def all(self) -> list[Agent]:
        """Return every agent known, sorted by id."""
        return [self._agents[name] for name in sorted(self._agents)]

    @property
    def names(self) -> str:
        """The ids of every agent known, for people."""
        return ", ".join(sorted(self._agents)) or "none"


class Testers:
    """
    Who was invited to test which agent, and what came of it.
    """

    __slots__ = ("_invited", "_statuses")

    def __init__(self) -> None:
        self._statuses: dict[tuple[str, str], str] = {}
        self._invited: dict[str, list[int]] = {}

    def status(self, agent: str, phone: str) -> str | None:
        """Return the status of an invitation, or None when there is none."""
        return self._statuses.get((agent, phone))

    def within_limits(self, agent: str, now_ms: int) -> bool:
        """Return True when one more invitation is allowed today, and in all."""
        invited = self._invited.get(agent, [])
        today = [at_ms for at_ms in invited if at_ms > now_ms - _DAY_MS]
        return len(invited) < INVITES_IN_ALL and len(today) < INVITES_PER_DAY

    def invite(self, agent: str, phone: str, now_ms: int) -> None:
        """Count an invitation; it is pending."""
        self._invited.setdefault(agent, []).append(now_ms)
        self._statuses[agent, phone] = "PENDING"

    def set(self, agent: str, phone: str, status: str) -> None:
        """Set what the recipient answered."""
        self._statuses[agent, phone] = status

    def remove(self, agent: str, phone: str) -> bool:
        """Forget an invitation; return whether there was one."""
        return self._statuses.pop((agent, phone), None) is not None

    def of(self, agent: str) -> list[tuple[str, str]]:
        """Return number and status of every tester of an agent, sorted."""
        return sorted((phone, status) for (name, phone), status in self._statuses.items() if name == agent)
