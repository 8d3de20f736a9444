"""
Whatever `check --workers` lets pass tells the same story over any number of workers: scenarios at random.
"""

from __future__ import annotations

import asyncio
import json
from hashlib import blake2b
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import receiving
from load.bench import in_this_process
from simulator.evidence.result import RunResult
from simulator.load.obstacles import obstacles
from simulator.provider import discover
from simulator.scenario.loader import load_run
from simulator.strategies.faults import answers, fates, webhook_faults

pytest.importorskip("hdrh", reason="the extra `load` is not installed")

_PROVIDERS = discover()
_FIGURES = (
    "webhooks", "attempts", "acknowledged", "lost", "dropped_on_purpose", "copies_on_purpose", "excused",
    "non_2xx", "no_answer", "retries", "order_violations",
)  # fmt: skip
"""What is counted for each message by itself; a recovery is one of a target, as each worker meets it."""

Tree = dict[str, Any]

_SOON = st.sampled_from(["0s", "1s", "3s", "6s"])
_ARRIVALS: st.SearchStrategy[Tree] = st.sampled_from(
    [
        {"rate": "20/s"},
        {"rate": "20/s", "arrivals": "poisson"},
        {"arrivals": {"ramp": {"from": "5/s", "to": "50/s"}}},
        {"arrivals": {"steps": [{"rate": "5/s", "for": "2s"}, {"rate": "50/s"}]}},
    ]
)
_WHEN: st.SearchStrategy[Tree] = st.fixed_dictionaries(
    {},
    optional={
        "nth": st.sampled_from([1, "2..5", "3..", "every 2"]),
        "share": st.sampled_from(["15%", "50%"]),
        "during": st.sampled_from(["1s..5s", "2s..", "10m..1h"]),
        "text": st.sampled_from(["Storm", "hello"]),
    },
)


def _account(name: str) -> st.SearchStrategy[Tree]:
    more: dict[str, st.SearchStrategy[Any]] = {
        "deliver_after": st.sampled_from(["0s", "0s..4s", "lognormal(median=2s, p99=30s)"])
    }
    if name == "bip":
        more["quotas"] = st.sampled_from([{"filtered": {"day": 2}}, {"all_followers": {"day": 2}}])
        more["session"] = st.just({"required": True})
    if name in ("bitel", "infobip"):
        money = {"amount": 50, "code": "TooLittle", "http": 402}
        more["balance"] = st.just(money if name == "bitel" else 5)
    webhook = st.fixed_dictionaries(
        {"url": st.just(f"RECEIVER/{name}"), "pause_on_failure": st.sampled_from(["0s", "0s", "0s", "5s"])},
        optional={
            "retry": st.sampled_from([["1s", "5s"], "none", "documented"]),
            "in_flight": st.sampled_from([1, 3, 8, 64]),
        },
    )
    return st.fixed_dictionaries({"webhook": webhook}, optional=more)


def _begins(name: str) -> st.SearchStrategy[str]:
    numbers = _PROVIDERS[name].numbers
    return st.sampled_from([numbers, f"{numbers}1", f"{numbers}2"])


def _rule(name: str) -> st.SearchStrategy[Tree]:
    provider = _PROVIDERS[name]
    webhooks = st.none() | webhook_faults() | st.sampled_from([{"drop": "20%"}, {"respell": "50%"}])
    answer = st.none() | st.none() | answers(provider) | st.just({"throttle": {"rate": "5/s"}})
    parts = {
        "answer": answer,
        "fate": st.none() | fates(writes="writes" in provider.acts),
        "webhooks": webhooks,
    }
    then = st.fixed_dictionaries(parts).map(
        lambda then: {place: what for place, what in then.items() if what is not None}
    )
    return st.builds(lambda when, then: {"when": {"provider": name, **when}, "then": then}, _WHEN, then)


def _storm(name: str) -> st.SearchStrategy[Tree]:
    storm = st.fixed_dictionaries(
        {"messages": st.integers(1, 40), "recipient": _begins(name)},
        optional={
            "mix": st.just({"deliver": "60%", "fail": "20%", "expire": "10%"}),
            "text": st.just("hello {name}"),
        },
    )
    return st.builds(
        lambda at, storm, arrivals: {"at": at, "provider": name, "storm": {**storm, **arrivals}},
        _SOON,
        storm,
        _ARRIVALS,
    )


def _acts(name: str) -> st.SearchStrategy[Tree]:
    does = [{"writes": "STOP"} if act == "writes" else {"does": act} for act in _PROVIDERS[name].acts]
    if not does:
        return _storm(name)
    return st.builds(
        lambda at, begin, count, pace, act: {
            "at": at, "provider": name, "recipient": f"{begin}*", "count": count, **pace, **act,
        },
        _SOON,
        _begins(name),
        st.integers(1, 20),
        st.fixed_dictionaries({}, optional={"rate": st.just("10/s"), "after": st.just("1s..9s")}),
        st.sampled_from(does),
    )  # fmt: skip


def _turn(name: str) -> st.SearchStrategy[Tree]:
    traits = ["reachable", "blocked", "blacklisted", "known", "follower", "session"]
    whom = st.builds(lambda begin, rest: begin + rest, _begins(name), st.sampled_from(["*", "0000001"]))
    return st.one_of(
        st.builds(lambda at: {"at": at, "webhooks": "hold"}, _SOON),
        st.builds(
            lambda at, how: {"at": at, "webhooks": how},
            st.sampled_from(["7s", "20s", "1h"]),
            st.sampled_from(["release", "release", {"release": {"rate": "5/s"}}]),
        ),
        st.builds(
            lambda at, whom, trait, holds: {"at": at, "recipient": whom, trait: holds},
            _SOON,
            whom,
            st.sampled_from(traits),
            st.booleans(),
        ),
        st.builds(lambda at, account: {"at": at, "providers": {name: account}}, _SOON, _account(name)),
    )


@st.composite
def _scenarios(draw: st.DrawFn) -> Tree:
    names = draw(st.lists(st.sampled_from(sorted(_PROVIDERS)), min_size=1, max_size=2, unique=True))
    several = {
        "rules": (_rule, 0, 3),
        "storms": (_storm, 1, 3),
        "turns": (_turn, 0, 2),
        "acts": (_acts, 0, 2),
    }
    parts = {
        part: draw(st.lists(st.one_of([of(name) for name in names]), min_size=least, max_size=most))
        for part, (of, least, most) in several.items()
    }
    tree: Tree = {
        "providers": {name: draw(_account(name)) for name in names},
        "rules": [rule for rule in parts["rules"] if rule["then"]],
        "timeline": [*parts["storms"], *parts["turns"], *parts["acts"]],
    }
    if draw(st.booleans()):
        window = {"reachable": {"from": "1s", "until": "2h", "is": False}}
        circumstances = st.sampled_from([window, {"reachable": False}, {"blocked": True}, {"known": False}])
        tree["recipients"] = {f"{draw(_begins(names[0]))}*": draw(circumstances)}
    if draw(st.booleans()):
        tree["people"] = {"locale": "tr_TR"}
    return tree


def _story(result: RunResult) -> dict[str, object]:
    assert result.storm is not None
    figures = {name: getattr(result.scorecard, name) for name in _FIGURES}
    checks = [(check.name, check.passed) for check in result.checks]
    return {**figures, "digest": result.storm.digest, "states": dict(result.storm.states), "checks": checks}


async def _stories(text: str, *, moody: bool) -> list[dict[str, object]]:
    """Return what a scenario comes to over one, two and three workers; a moody receiver refuses some."""

    async def answer(request: web.Request) -> web.StreamResponse:
        refused = blake2b(await request.read(), digest_size=1).digest()[0] < 80
        return web.Response(status=500 if moody and refused else 200)

    async with receiving() as receiver:
        receiver.answer = answer
        return [_story(await in_this_process(receiver, text, workers)) for workers in (1, 2, 3)]


@settings(deadline=None)
@given(_scenarios(), st.booleans())
def test_what_is_let_pass_tells_one_story(tree: Tree, moody: bool) -> None:
    """
    A scenario is refused with a reason, or its webhooks, figures and states do not depend on the workers.
    """
    text = json.dumps(tree)
    plan = load_run(text.replace("RECEIVER", "http://127.0.0.1:9"), "drawn.yaml", _PROVIDERS)
    if obstacles(plan, _PROVIDERS, 3):
        return

    one, two, three = asyncio.run(_stories(text, moody=moody))

    assert one == two == three
