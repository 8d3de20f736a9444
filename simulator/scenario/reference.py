"""
The scenario reference, written from the same declarations that read the files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from simulator.scenario.examples import EXAMPLES
from simulator.scenario.loader import Vocabulary, scenario_schema

__all__ = ["reference"]

_HEAD = """\
# Scenario reference

Everything a scenario file may say.  This page is written by `simulator schema --format markdown`; a test
keeps it true.

A file is YAML in UTF-8, read strictly: units stand in the text (`3s`, `1h30m`, `15%`, `200/s`), thousands
may stand apart (`50_000`, `2_000/s`), `on` and `no` are words, a key may stand once, unknown keys are refused
with the nearest known one.  Delays are a constant (`3s`), a uniform range (`1s..4s`) or
`"lognormal(median=2s, p99=30s)"`.

Each of the three places of `then` (answer, fate, webhooks) is decided by the first rule that applies and
says something about it, so a rule about webhooks does not hide a later one about fates.  Before the rules
comes a move through the control API, then a magic recipient; after them the recipient's circumstances, then
the provider's default.

Each YAML block below is a whole file that works as it stands.

"""

_OF_EACH_PROVIDER: Final = {
    "then: answer": ("refuse", "Refuse with the provider's code."),
    "then: fate": ("fail", "It fails with the provider's code, `after` a delay."),
}
_OPERATIONS: Final = """\
`operation:` names a kind of calls; `inbound` stands for what recipients do of their own accord, whose
webhooks a rule may change.  `sender`, `text`, `fate` and `webhooks` belong to operations that send,
`recipient` to those and to the ones that are about a number in their path or body; a rule that asks an
operation for what it has not is refused.

"""
_WINDOWS = """
Each may be a constant (`reachable: false`), hold for a time (`reachable: {from: 10m, until: 2h, is: false}`),
or be a list of such windows; where windows overlap, the last one holds.
"""


def reference(providers: Mapping[str, Vocabulary]) -> str:
    """Return the reference as Markdown."""
    lines = list(_sections_of(providers))
    titles = [line.strip().removeprefix("## ") for line in lines if line.startswith("\n## ")]
    contents = [f"* [{title}](#{_anchor(title)})" for title in titles]
    return "\n".join([_HEAD, *contents, *lines]).rstrip() + "\n"


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def _sections_of(providers: Mapping[str, Vocabulary]) -> Iterator[str]:
    schema: Any = scenario_schema(providers)
    definitions = schema.get("$defs", {})
    properties = schema["properties"]
    rule = properties["rules"]["items"]["anyOf"][-1]
    then = rule["properties"]["then"]["properties"]
    sections: list[tuple[str, Any]] = [
        ("Top level", {**schema, "properties": {**properties}}),
        ("clock", properties["clock"]),
        ("recipients", properties["recipients"]["additionalProperties"]),
        ("A rule", rule),
        ("when", rule["properties"]["when"]),
        ("then: answer", then["answer"]),
        ("then: fate", then["fate"]),
        ("then: webhooks", then["webhooks"]),
        ("timeline", properties["timeline"]["items"]),
        ("drive", properties["drive"]["items"]),
        ("expect", properties["expect"]),
    ]
    for title, part in sections:
        more = _row_of_each_provider(title, providers)
        yield from _section(title, part, definitions, 0 if title == "recipients" else 2, more)
        if title == "recipients":
            yield _WINDOWS
        yield from _example(title)
        if title == "when":
            yield from _operations(providers)
    for name, provider in providers.items():
        yield from _section(f"providers: {name}", definitions["providers"]["properties"][name], definitions)
        yield from _example(f"providers: {name}")
        for variant in properties["rules"]["items"]["anyOf"]:
            if variant["properties"]["when"]["properties"]["provider"].get("enum") == [name]:
                words = variant["properties"]["then"]["properties"]
                yield from _section(
                    f"refuse, for {name}", words["answer"]["properties"]["refuse"], definitions
                )
                yield from _example(f"refuse, for {name}")
                yield from _section(f"fail, for {name}", _choice(words["fate"], "fail"), definitions)
                yield from _example(f"fail, for {name}")
                break
        words = ", ".join(f"`{act}`" for act in provider.acts) or "nothing"
        yield f"\n## does, for {name}\n"
        about = f"; what `data` they take stands in its [README](../simulator/providers/{name}/README.md)"
        yield f"{words}{about if provider.acts else ''}\n"
        yield from _example(f"does, for {name}")


def _example(title: str) -> Iterator[str]:
    if title in EXAMPLES:
        yield f"\n```yaml\n{EXAMPLES[title]}```\n"


def _row_of_each_provider(title: str, providers: Iterable[str]) -> list[str]:
    if title not in _OF_EACH_PROVIDER:
        return []
    key, meaning = _OF_EACH_PROVIDER[title]
    links = ", ".join(f"[{name}](#{key}-for-{name})" for name in providers)
    return [f"| `{key}` | the words of the provider in `when`: {links} | {meaning} |"]


def _operations(providers: Mapping[str, Vocabulary]) -> Iterator[str]:
    yield "\n## operations\n"
    yield _OPERATIONS
    yield "| provider | sends | is about a recipient | neither |"
    yield "|---|---|---|---|"
    for name, provider in providers.items():
        sending = sorted({route.operation for route in provider.routes if route.sends})
        about = sorted({route.operation for route in provider.routes if route.recipients is not None})
        about = [word for word in about if word not in sending]
        others = sorted({route.operation for route in provider.routes} - {*sending, *about})
        cells = (", ".join(f"`{word}`" for word in words) for words in (sending, about, others))
        yield f"| {name} | {' | '.join(cells)} |"


def _choice(fate: Any, name: str) -> Any:
    for variant in fate["anyOf"]:
        if name in variant.get("properties", {}):
            return variant["properties"][name]
    raise LookupError(name)


def _section(
    title: str, schema: Any, definitions: Mapping[str, Any], depth: int = 2, more: Sequence[str] = ()
) -> Iterator[str]:
    yield f"\n## {title}\n"
    lists: dict[str, str] = {}
    if "properties" not in schema:
        yield _form(schema, definitions) + "\n"
        if names := _long_list(schema):
            lists["A name"] = names
    rows = [*_rows(schema, "", definitions, depth, lists), *more]
    if rows:
        yield "| key | form | meaning |"
        yield "|---|---|---|"
        yield from rows
    for key, words in lists.items():
        yield f"\n{key} is one of: {words}.\n"


def _rows(
    schema: Any, prefix: str, definitions: Mapping[str, Any], depth: int, lists: dict[str, str]
) -> Iterator[str]:
    """Yield a row for each key; names that are too many for one go into *lists*, by key."""
    for variant in [schema, *schema.get("anyOf", [])]:
        required = variant.get("required", [])
        for name, part in variant.get("properties", {}).items():
            shown = f"`{prefix}{name}`" + (" (required)" if name in required else "")
            meaning = part.get("description", "")
            default = _default(part.get("default"))
            yield f"| {shown} | {_form(part, definitions)} | {_cell(meaning + default)} |"
            if words := _long_list(part):
                lists[f"`{prefix}{name}`"] = words
            if depth > 0 and not (prefix == "" and name in _TOP):
                yield from _rows(part, f"{prefix}{name}.", definitions, depth - 1, lists)


def _long_list(part: Any) -> str:
    """Return every name that *part*, or what it lists, may be, where these are too many for a cell."""
    for variant in [part, part.get("items", {}), *part.get("anyOf", [])]:
        words = _apart(variant.get("enum", []))
        if len(words) > _WORDS_IN_CELL_MAX:
            return ", ".join(f"`{word}`" for word in words)
    return ""


def _apart(words: Iterable[str]) -> list[str]:
    """Return *words* without those that differ from an earlier one in a dash or an underscore for a blank."""
    first: dict[str, str] = {}
    for word in words:
        first.setdefault(re.sub("[-_]", " ", word), word)
    return list(first.values())


def _default(value: Any) -> str:
    """Return which value applies when none is written; of nothing and of no entries the meaning tells."""
    if value is None or value in ("", [], {}):
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f" Default: `{text}`."


_WORDS_IN_CELL_MAX: Final = 14
_KINDS = {"boolean": "`true` or `false`", "integer": "whole number", "string": "text"}
_TOP = {"clock", "providers", "recipients", "rules", "timeline", "when", "then", "drive", "expect"}


def _form(part: Any, definitions: Mapping[str, Any]) -> str:
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        examples = _examples(definitions[name])
        return f"{name}: {examples}" if examples else _form(definitions[name], definitions)
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(_form(variant, definitions) for variant in part["anyOf"]))
    if "enum" in part:
        words = _apart(part["enum"])
        if len(words) > _WORDS_IN_CELL_MAX:
            return f"one of {len(words)} names, listed below"
        return ", ".join(f"`{word}`" for word in words)
    if part.get("examples"):
        return _examples(part)
    kind = part.get("type", "anything")
    if kind == "array":
        return f"list of {_form(part['items'], definitions)}"
    if kind == "object":
        return "mapping"
    if isinstance(kind, list):
        return "text"
    return _KINDS.get(kind, str(kind))


def _examples(part: Any) -> str:
    return ", ".join(f"`{example}`" for example in part.get("examples", []))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
