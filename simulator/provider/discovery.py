"""
Which providers there are: those in our folder, and installed ones.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from typing import Final

from simulator.provider.definition import SEAM, Provider

__all__ = ["GROUP", "built_in", "discover"]

GROUP: Final = "simulator.providers"
"""The group of entry points under which packages bring providers."""

_RESERVED: Final = frozenset({"s", "_sim"})
"""Words that paths begin with that are no provider's."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_LOG: Final = logging.getLogger("simulator")


class BadProvider(ValueError):
    """
    A package brings something that is no provider we can use; the text says why.
    """


def built_in() -> dict[str, Provider]:
    """Return the providers of this package by name."""
    from simulator import providers

    providers_by_name: dict[str, Provider] = {}
    for module in iter_modules(providers.__path__):
        provider = getattr(import_module(f"{providers.__name__}.{module.name}"), "PROVIDER", None)
        if isinstance(provider, Provider):
            providers_by_name[provider.name] = provider
    return dict(sorted(providers_by_name.items()))


def discover() -> dict[str, Provider]:
    """
    Return every provider by name: ours, and installed ones (entry point `simulator.providers`).

    A package whose provider cannot be used is told of in one line of the log and
    left out.  Nothing is kept: the caller holds the result.
    """
    providers = built_in()
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        try:
            provider = _loaded(entry, providers)
        except BadProvider as bad:
            _LOG.warning("simulator: %s is left out: %s", _package_of(entry), bad)
        else:
            providers[provider.name] = provider
    return dict(sorted(providers.items()))


def _package_of(entry: EntryPoint) -> str:
    package = entry.dist.name if entry.dist is not None else entry.value.partition(":")[0]
    return f"provider {entry.name!r} of package {package}"


def _loaded(entry: EntryPoint, taken: Mapping[str, Provider]) -> Provider:
    """Return the provider of an entry point; raises BadProvider."""
    try:
        provider = entry.load()
    except Exception as failure:
        # Whatever somebody else's module does when it is imported, our own commands go on.
        raise BadProvider(f"{entry.value} failed to load: {_line(failure)}") from failure
    check(provider, taken)
    assert isinstance(provider, Provider)
    return provider


def _line(failure: Exception) -> str:
    text = " ".join(str(failure).split())
    return f"{type(failure).__name__}: {text[:300]}" if text else type(failure).__name__


def check(provider: object, taken: Mapping[str, Provider]) -> None:
    """Raise BadProvider unless *provider* is one that can stand beside those *taken*."""
    if not isinstance(provider, Provider):
        raise BadProvider(f"expected a simulator.provider.Provider, got {type(provider).__name__}")
    if provider.seam != SEAM:
        raise BadProvider(f"it was written for version {provider.seam} of the seam, this is version {SEAM}")
    name = provider.name
    if isinstance(name, str) and name in _RESERVED:
        raise BadProvider(f"name: {name!r} is reserved")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadProvider(f"name: expected small letters, digits and dashes, got {name!r}")
    if name in taken:
        raise BadProvider(f"name: there is a provider {name!r} already")
    for problem in _missing(provider):
        raise BadProvider(problem)


def _missing(provider: Provider) -> Iterator[str]:
    """Yield which parts are not what they should be."""
    if not provider.routes:
        yield "routes: expected at least one route"
    for part in ("settings", "refusal_shape", "failure_shape"):
        if not callable(getattr(getattr(provider, part), "read", None)):
            yield f"{part}: expected a shape, got {type(getattr(provider, part)).__name__}"
    for part in _FUNCTIONS:
        if not callable(getattr(provider, part)):
            yield f"{part}: expected a function, got {type(getattr(provider, part)).__name__}"


_FUNCTIONS: Final = (
    "open",
    "codes",
    "normal_path",
    "mint_credential",
    "example",
    "credential_of",
    "unauthorized",
    "not_found",
    "too_large",
    "failed",
    "refused",
)
