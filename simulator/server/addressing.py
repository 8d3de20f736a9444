"""
Whom a request is for: by the host that it names, by the prefix of its path, or by the path alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from simulator.provider import Provider, Router

__all__ = ["PROBES", "Address", "Addressing", "AmbiguousPath"]

PROBES: Final = frozenset({"/_sim/health", "/_sim/ready"})
"""Asked by who knows nothing but where this runs, by whatever name."""
_HOSTS_KEPT_MAX: Final = 1_024
"""Host headers come from anybody; so many answers are remembered."""


class Address(NamedTuple):
    """
    Where a request belongs.
    """

    provider: Provider
    space: str
    """Empty: the path does not name one."""
    path: str
    """The provider's own."""
    prefix: str
    """What stood before it."""


class AmbiguousPath(Exception):
    """
    A path without prefix that several providers have; the text says which prefixes would do.
    """


class Addressing:
    """
    Finds the provider and the space of a request.

    A Host name of the real service decides first, and then the path: behind the provider's
    name, or bare, for the providers' own paths begin differently.  `/s/<space>` may stand
    before all of them.
    """

    __slots__ = ("_hosts", "_kept", "_owners", "_providers", "_routers")

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers
        self._routers: dict[str, Router] = {}
        """Made when two providers have to be told apart; ours never have."""
        self._hosts = [(pattern, provider) for provider in providers.values() for pattern in provider.hosts]
        self._kept: dict[str, tuple[Provider, ...]] = {}
        self._owners: dict[str, tuple[Provider, ...]] = {}
        """By the first segment of a path: who has paths that begin so."""
        for provider in providers.values():
            for first in _first_segments(provider):
                self._owners[first] = (*self._owners.get(first, ()), provider)

    def find(self, host: str, path: str) -> Address | None:
        """Return where a request belongs; None: to no provider.  Raises AmbiguousPath."""
        if path in PROBES:
            return None
        first, rest = _split(path)
        named = self._at_host(host)
        prefix = ""
        space = ""
        if first == "s":
            space, path = _split(rest)
            prefix = f"/s/{space}"
            first, rest = _split(path)
        provider = self._providers.get(first)
        if provider is not None and (not named or provider in named):
            return Address(provider, space, rest, f"{prefix}/{first}")
        candidates = named or self._owners.get(first, ())
        if len(candidates) > 1:
            return Address(self._only_owner(candidates, path, prefix), space, path, prefix)
        return Address(candidates[0], space, path, prefix) if candidates else None

    def is_providers(self, host: str) -> bool:
        """Return True when a host is the real one of a provider."""
        return bool(self._at_host(host))

    def _at_host(self, host: str) -> tuple[Provider, ...]:
        """Return whose host this is; usually nobody's: the simulator's own."""
        kept = self._kept.get(host)
        if kept is None:
            name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
            name = name.lower().rstrip(".")
            matching = (provider for pattern, provider in self._hosts if _is_like(name, pattern))
            kept = tuple(dict.fromkeys(matching))
            if len(self._kept) >= _HOSTS_KEPT_MAX:
                self._kept.clear()
            self._kept[host] = kept
        return kept

    def _only_owner(self, candidates: tuple[Provider, ...], path: str, prefix: str) -> Provider:
        """Return the one of *candidates* that serves *path*, with any method; raises AmbiguousPath."""
        serving = []
        for provider in candidates:
            if provider.name not in self._routers:
                self._routers[provider.name] = Router(provider.routes)
            _, _, allowed = self._routers[provider.name].find("", provider.normal_path(path))
            if allowed:
                serving.append(provider)
        if len(serving) == 1:
            return serving[0]
        prefixes = " or ".join(f"{prefix}/{provider.name}{path[:200]}" for provider in serving or candidates)
        raise AmbiguousPath(f"several providers have paths like {path[:200]}; expected {prefixes}")


def _split(path: str) -> tuple[str, str]:
    """Return the first segment of a path, and the path behind it."""
    first, _, rest = path[1:].partition("/")
    return first, f"/{rest}"


def _first_segments(provider: Provider) -> Iterable[str]:
    paths = [route.path for route in provider.routes] + [row.path for row in provider.coverage]
    firsts = dict.fromkeys(_split(path)[0] for path in paths)
    return [first for first in firsts if first and "{" not in first]


def _is_like(name: str, pattern: str) -> bool:
    """Return True when a host name is *pattern*, in which a leading `*` stands for one label."""
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return name == pattern
