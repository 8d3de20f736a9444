"""
One hardship as a scenario file for one provider and one piece of software: what is run, and what repeats it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from simulator.exam.hardships import Hardship
from simulator.exam.software import Call, Software
from simulator.kernel.model.units import format_duration
from simulator.provider import Provider
from simulator.scenario.goals import JUDGED_BY_ITSELF
from simulator.scenario.yaml import dump
from simulator.schema.node import Json

__all__ = ["NUMBERS", "Paper", "paper"]

NUMBERS: Final = "+41790000"
"""Where the numbers of every hardship's file begin; each exam has its own in their place."""

_BLOCKS: Final = 10_000
_SEEDS: Final = 1_000_000
_TEXT: Final = "Your code is 1234"
_ORDER: Final = (
    "name", "seed", "clock", "providers", "recipients", "rules", "timeline", "reset", "drive", "expect",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """
    What is run; or why it cannot be.
    """

    text: str = ""
    why_not: str = ""


class _Lacking(Exception):
    """The software has no call that the hardship needs."""


def paper(
    hardship: Hardship,
    provider: Provider,
    software: Software,
    *,
    seed: int,
    place: int,
    retry: Sequence[int] = (),
) -> Paper:
    """
    Return the file that puts *software* through *hardship* at *provider*.

    Seeds and numbers differ from hardship to hardship and from seed to seed, so
    that software which keeps its data does not take the next one for a repetition;
    *place* is which hardship it is of this provider; *retry* are the waits between attempts
    at a webhook where neither of both says another, none: the provider's own.
    """
    for word in hardship.judged_by:
        if word not in JUDGED_BY_ITSELF and not any(word in ask.words for ask in software.ask):
            what = "what it believes (ask:)" if word == "state" else f"for {{{word}}} (fields: of ask:)"
            return Paper(why_not=f"your software is not asked {what}")
    own_seed = zlib.crc32(f"{seed} {provider.name} {hardship.name}".encode()) % _SEEDS
    block = (zlib.crc32(f"{seed} {provider.name}".encode()) + place) % _BLOCKS
    numbers = f"{provider.numbers}{block:04}"
    tree = _renumbered(dict(hardship.tree), numbers)
    assert isinstance(tree, dict)
    tree = _of_provider(tree, provider.name)
    tree.pop("hardship")
    try:
        tree["drive"] = [_driven(drive, software) for drive in _mappings(tree.get("drive"))]
        timeline = [_item(item, software) for item in _mappings(tree.get("timeline"))]
    except _Lacking as lack:
        return Paper(why_not=str(lack))
    if timeline:
        tree["timeline"] = timeline
    theirs = {name: part for name, part in _mapping(tree.get("providers")).items() if name == provider.name}
    ladder: dict[str, Json] = {}
    if retry:
        ladder = {provider.name: {"webhook": {"retry": [format_duration(wait_ms) for wait_ms in retry]}}}
    tree["providers"] = _over(ladder, _over(_mapping(software.tree.get("providers")), theirs))
    tree["seed"] = own_seed
    if "reset" in software.tree:
        tree["reset"] = software.tree["reset"]
    expect = _mapping(tree.get("expect"))
    if "ask" in software.tree:
        expect["integrator"] = software.tree["ask"]
    tree["expect"] = expect
    ordered = {name: tree[name] for name in _ORDER if tree.get(name)}
    return Paper(text=_comment(hardship, provider, seed) + dump(ordered))


def _comment(hardship: Hardship, provider: Provider, seed: int) -> str:
    return (
        f"# {hardship.promise}\n"
        f"#\n"
        f"# The hardship {hardship.name} of `simulator exam {provider.name} --seed {seed}`, alone:\n"
        f"# `simulator run` with this file repeats it.\n"
    )


def _mapping(value: Json) -> dict[str, Json]:
    return dict(value) if isinstance(value, dict) else {}


def _mappings(value: Json) -> list[dict[str, Json]]:
    return [dict(item) for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _renumbered(value: Json, numbers: str) -> Json:
    if isinstance(value, str):
        return value.replace(NUMBERS, numbers)
    if isinstance(value, list):
        return [_renumbered(part, numbers) for part in value]
    if isinstance(value, dict):
        return {name.replace(NUMBERS, numbers): _renumbered(part, numbers) for name, part in value.items()}
    return value


def _of_provider(tree: dict[str, Json], provider: str) -> dict[str, Json]:
    """Return what of a file is about one provider: all but the rules, settings and acts of others."""
    tree = dict(tree)
    for part, whose in (("rules", _rule_of), ("timeline", _item_of)):
        if part in tree:
            tree[part] = [item for item in _mappings(tree[part]) if whose(item) in ("", provider)]
    return tree


def _rule_of(rule: Mapping[str, Json]) -> str:
    return str(_mapping(rule.get("when")).get("provider", ""))


def _item_of(item: Mapping[str, Json]) -> str:
    settings = list(_mapping(item.get("providers")))
    return str(item.get("provider", settings[0] if settings else ""))


def _over(below: Mapping[str, Json], above: Mapping[str, Json]) -> dict[str, Json]:
    """Return the settings of *below* with those of *above* in their place, group by group."""
    both = dict(below)
    for name, value in above.items():
        lower = both.get(name)
        both[name] = _over(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return both


def _item(item: dict[str, Json], software: Software) -> Json:
    if "software" not in item:
        return item
    if software.restart is None:
        raise _Lacking("it restarts your software, and nobody said how (restart:)")
    return {**item, "software": {"restart": " ".join(software.restart)}}


def _driven(drive: dict[str, Json], software: Software) -> Json:
    """Return a call of the hardship's in the words of the software's own API."""
    body = _mapping(drive.get("body"))
    call = _call_for(drive, body, software)
    method, url = call.call
    words: dict[str, Json] = {
        "text": _TEXT,
        "recipients": [body["to"]] if isinstance(body["to"], str) else body["to"],
    }
    for word, what in (("text", "a text of its own"), ("ttl", "to say how long a message is of use")):
        if word in body:
            if not call.has(word):
                raise _Lacking(f"it needs {what}, and your drive has no {{{word}}}")
            words[word] = body[word]
    own: dict[str, Json] = {
        name: drive[name] for name in ("at", "count", "rate", "recipient") if name in drive
    }
    for word in ("text", "ttl"):
        url = url.replace(f"{{{word}}}", quote(str(words.get(word, "")), safe=""))
    result: dict[str, Json] = {"call": f"{method} {url}", **own}
    if call.headers:
        result["headers"] = dict(call.headers)
    if call.body is not None:
        result["body"] = _filled(call.body, words)
    return result


def _call_for(drive: Mapping[str, Json], body: Mapping[str, Json], software: Software) -> Call:
    what = str(drive["call"]).rpartition("/")[2]
    if what == "revoke":
        if software.revoke is None:
            raise _Lacking("it pulls a message back, and nobody said how (revoke:)")
        return software.revoke
    if isinstance(body["to"], str):
        return software.drive
    if software.bulk is None and not software.drive.has("recipients"):
        raise _Lacking("it sends to several at once, and nobody said how (bulk:, or {recipients} in drive:)")
    return software.bulk or software.drive


def _filled(template: Json, words: Mapping[str, Json]) -> Json:
    """Return *template* with its blanks filled in; a field that is `{ttl}` alone goes where there is none."""
    if isinstance(template, dict):
        return {
            name: _filled(part, words) for name, part in template.items() if part != "{ttl}" or "ttl" in words
        }
    if isinstance(template, list):
        return [_filled(part, words) for part in template]
    if not isinstance(template, str):
        return template
    if template[1:-1] in words and template == f"{{{template[1:-1]}}}":
        return words[template[1:-1]]
    for word, value in words.items():
        template = template.replace(f"{{{word}}}", str(value))
    return template
