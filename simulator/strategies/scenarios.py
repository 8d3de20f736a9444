"""
Whole scenarios, as plain trees that `simulator run` takes when they are written as YAML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hypothesis import strategies as st

from simulator.provider import Provider
from simulator.schema.node import Json
from simulator.strategies.faults import answers, fates, webhook_faults
from simulator.strategies.times import instants, spans

__all__ = ["Timeline", "driven", "scenarios", "timelines"]

_SENDS_MAX: Final = 3
_TEXTS: Final = ("Your code is 1234", "ab " * 53 + "a", "ğ" * 71, "😀" * 36, "سلام")
"""The plainest; longer than a part by little, in GSM 7, UCS-2 and surrogate pairs; right to left."""

_AT_ONCE: Final = "0s"
_WRITES: Final = "writes"

Timeline = list[dict[str, Json]]


def timelines(
    provider: Provider, *, recipients: Sequence[str] = (), restart: str = ""
) -> st.SearchStrategy[Timeline]:
    """
    Return what happens at instants: nothing, an outage of the webhooks, a STOP, a restart.

    STOP is written by the first of *recipients*; *restart* is the call that restarts
    the software under test.
    """
    choices: list[st.SearchStrategy[Timeline]] = [st.just([]), st.builds(_outage, instants(), spans())]
    if recipients and _WRITES in provider.acts:
        stop: dict[str, Json] = {"provider": provider.name, "recipient": recipients[0]}
        texts = st.sampled_from(["STOP", " Stop "])
        choices.append(texts.map(lambda text: [{"at": "30m", **stop, "writes": text}]))
    if restart:
        choices.append(instants().map(lambda at: [{"at": at, "software": {"restart": restart}}]))
    return st.one_of(choices)


_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def _outage(at: str, lasts: str) -> Timeline:
    ends_s = sum(int(span[:-1]) * _UNITS_S[span[-1]] for span in (at, lasts))
    return [{"at": at, "webhooks": "hold"}, {"at": f"{ends_s}s", "webhooks": "release"}]


def scenarios(
    provider: Provider,
    *,
    drive: Mapping[str, Json] | None = None,
    restart: str = "",
) -> st.SearchStrategy[dict[str, Json]]:
    """
    Return scenarios of one provider: rules, circumstances, a timeline; without trouble at their plainest.

    With *drive*, an entry of `drive:` in which {text} and {recipient} may stand, each
    makes your software send up to three times, to two recipients; without {text}
    no recipient gets two, since what repeats itself is taken for a duplicate.
    """
    numbers = [provider.number(place) for place in range(_SENDS_MAX)]
    # Made once: what is made in each draw costs more than the draw.
    texts = st.sampled_from(_TEXTS)
    more = st.lists(st.tuples(st.booleans(), texts, instants()), max_size=_SENDS_MAX - 1)
    return st.builds(
        _scenario,
        _rules(provider),
        st.none() | spans().map(lambda until: {numbers[0]: {"reachable": {"until": until, "is": False}}}),
        timelines(provider, recipients=numbers[:1], restart=restart),
        st.just([]) if drive is None else st.builds(_driven(drive, numbers), texts, more),
    )


def _scenario(
    rules: list[Json], recipients: dict[str, Json] | None, timeline: Timeline, drive: list[Json]
) -> dict[str, Json]:
    tree: dict[str, Json] = {
        "rules": rules,
        "recipients": recipients,
        "timeline": [*timeline],
        "drive": drive,
    }
    return {name: part for name, part in tree.items() if part}


def _rules(provider: Provider) -> st.SearchStrategy[list[Json]]:
    return st.builds(
        _ruled,
        st.just(provider.name),
        st.none() | answers(provider),
        st.none() | fates(writes=_WRITES in provider.acts),
        st.none() | webhook_faults(),
    )


def _ruled(name: str, answer: Json, fate: Json, webhooks: Json) -> list[Json]:
    places = {"fate": fate, "webhooks": webhooks}
    then: dict[str, Json] = {place: what for place, what in places.items() if what is not None}
    rules: list[Json] = [{"then": then}] if then else []
    if answer is not None:
        when: dict[str, Json] = {"provider": name, "operation": "send", "nth": 1}
        rules.append({"when": when, "then": {"answer": answer}})
    return rules


def _driven(
    drive: Mapping[str, Json], numbers: Sequence[str]
) -> Callable[[str, list[tuple[bool, str, str]]], list[Json]]:
    speaks = "{text}" in str(drive)

    def sends(text: str, more: list[tuple[bool, str, str]]) -> list[Json]:
        entries: list[Json] = [driven(drive, numbers[0], text)]
        for place, (again, other, at) in enumerate(more, start=1):
            recipient = numbers[0 if again and speaks else place]
            # No text comes twice to anybody.
            entries.append(driven(drive, recipient, f"{other} #{place + 1}", at))
        return entries

    return sends


def driven(
    drive: Mapping[str, Json], recipient: str, text: str = _TEXTS[0], at: str = _AT_ONCE
) -> dict[str, Json]:
    """Return an entry of `drive:` that sends *text* to *recipient*."""
    filled = _filled(dict(drive), text)
    assert isinstance(filled, dict)
    when: dict[str, Json] = {} if at == _AT_ONCE else {"at": at}
    return {**filled, **when, "recipient": recipient}


def _filled(plain: Json, text: str) -> Json:
    if isinstance(plain, str):
        return plain.replace("{text}", text)
    if isinstance(plain, list):
        return [_filled(part, text) for part in plain]
    if isinstance(plain, dict):
        return {name: _filled(part, text) for name, part in plain.items()}
    return plain
