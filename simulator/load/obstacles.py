"""
What of a scenario counts over all recipients, so that shards that do not talk would count it wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.kernel.engine.simulation import Simulation
from simulator.kernel.model.scenario import ClockMode, Scenario, TimelineItem
from simulator.provider import Provider, open_gateway
from simulator.scenario.goals import About, RunFile

__all__ = ["addressed_once", "obstacles"]

_DIGITS: Final = 7
"""An address of a storm is its prefix and so many digits."""


def obstacles(plan: RunFile, providers: Mapping[str, Provider], workers: int) -> list[str]:
    """Return what stands against running *plan* over *workers*, each with where it is; none: nothing does."""
    if workers < 2:
        return list(_calls(plan))
    shared = (*_rules(plan.scenario), *_releases(plan.scenario), *_accounts(plan, providers, workers))
    return list(dict.fromkeys((*_calls(plan), *shared)))


def _calls(plan: RunFile) -> Iterator[str]:
    scenario = plan.scenario
    if plan.reset is not None:
        yield "reset: it prepares software whose calls are answered, and none are"
    if plan.drive:
        yield "drive: calls of your software come to one port, and one process answers it"
    if not any(item.storm is not None or item.act is not None for item in scenario.timeline):
        yield "timeline: there is no storm, and nobody acts: without calls of your software nothing happens"
    for place, item in _places(scenario):
        if item.software:
            yield f"{place}: software: it is made to send, and one process answers its calls"
        if item.server is not None:
            yield f"{place}: server: no port of a provider's own is open"
    if plan.expect.sends is not None:
        yield "expect.sends: it judges calls of your software, and there are none"
    for ask in plan.expect.integrator:
        if ask.about is About.DRIVEN:
            yield f"expect.{ask.name}: it asks about messages that your software sent; say about: storm"
    if plan.expect.stays_below:
        yield "expect.stays_below: it is asked by one process alone"
    if scenario.clock is not None and scenario.clock.mode is ClockMode.AUTOJUMP:
        yield "clock: autojump: each shard would jump by itself; say frozen or live"


def _places(scenario: Scenario) -> Iterator[tuple[str, TimelineItem]]:
    """Yield the items of the timeline, each with where it is."""
    for number, item in enumerate(scenario.timeline):
        yield f"timeline[{number}]" + (f" (line {item.line})" if item.line else ""), item


def _rules(scenario: Scenario) -> Iterator[str]:
    for rule in scenario.rules:
        at = f'rule "{rule.name}"' + (f" (line {rule.line})" if rule.line else "")
        answer = rule.then.answer
        if answer is not None and answer.throttle is not None:
            yield f"{at}: throttle: it counts the calls about all recipients together"


def _releases(scenario: Scenario) -> Iterator[str]:
    for place, item in _places(scenario):
        if item.release is not None:
            why = "its rate goes through what is held for all recipients; say webhooks: release, at once"
            yield f"{place}: release: {why}"


def _accounts(plan: RunFile, providers: Mapping[str, Provider], workers: int) -> Iterator[str]:
    scenario = plan.scenario
    changes = [("providers", scenario.providers)]
    changes += [(f"{place}.providers", item.providers) for place, item in _places(scenario)]
    for at, settings in changes:
        for name, values in settings.items():
            for path, why in providers[name].counts_over_all.items():
                if _has(values, path.split(".")):
                    yield f"{at}.{name}.{path}: {why}"
    # What webhooks obey is asked of the accounts, for a default may be what counts.
    simulation = Simulation()
    for name in sorted({*scenario.providers, *_providers_of(scenario)}):
        open_gateway(providers[name], simulation)
        for _, settings in changes:
            if name in settings:
                simulation.configure(name, settings[name])
            policy = simulation.accounts[name].policy
            at = f"providers.{name}.webhook"
            if policy.batch_max > 1:
                yield f"{at}.batch: reports about several recipients share a webhook"
            if policy.pause_ms:
                why = (
                    "a failed attempt holds up the webhooks for all recipients; say 0s, if you can do without"
                )
                yield f"{at}.pause_on_failure: {why}"
            if policy.in_flight_max < workers:
                yield f"{at}.in_flight: {policy.in_flight_max} places are too few for {workers} workers"


def _providers_of(scenario: Scenario) -> Iterator[str]:
    for item in scenario.timeline:
        if item.storm is not None:
            yield item.storm.provider
        elif item.act is not None:
            yield item.provider


def _has(values: object, path: list[str]) -> bool:
    if not path:
        return True
    return isinstance(values, Mapping) and path[0] in values and _has(values[path[0]], path[1:])


def addressed_once(scenario: Scenario) -> bool:
    """Return True when nobody is addressed by two items of the timeline, so ordinals may be forgotten."""
    areas = [(item.storm.provider, item.storm.recipient) for item in scenario.timeline if item.storm]
    areas += [
        (item.provider, item.recipient.removesuffix("*"))
        for item in scenario.timeline
        if item.act is not None
    ]
    return not any(
        provider == other and (begin.startswith(end) or end.startswith(begin))
        for place, (provider, begin) in enumerate(areas)
        for other, end in areas[:place]
    )
