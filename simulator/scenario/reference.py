"""
The scenario reference, written from the same declarations that read the files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

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
"""

_WINDOWS = """
Each may be a constant (`reachable: false`), hold for a time (`reachable: {from: 10m, until: 2h, is: false}`),
or be a list of such windows; where windows overlap, the last one holds.
"""


def reference(providers: Mapping[str, Vocabulary]) -> str:
    """Return the reference as Markdown."""
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
    lines = [_HEAD]
    for title, part in sections:
        lines += _section(title, part, definitions, depth=0 if title == "recipients" else 2)
        if title == "recipients":
            lines.append(_WINDOWS)
    for name, provider in providers.items():
        lines += _section(f"providers: {name}", definitions["providers"]["properties"][name], definitions)
        for variant in properties["rules"]["items"]["anyOf"]:
            if variant["properties"]["when"]["properties"]["provider"].get("enum") == [name]:
                words = variant["properties"]["then"]["properties"]
                lines += _section(f"refuse, for {name}", words["answer"]["properties"]["refuse"], definitions)
                fail = _choice(words["fate"], "fail")
                lines += _section(f"fail, for {name}", fail, definitions)
                break
        words = ", ".join(f"`{act}`" for act in provider.acts) or "nothing"
        lines += [f"\n## does, for {name}\n", f"{words}\n"]
    return "\n".join(lines).rstrip() + "\n"


def _choice(fate: Any, name: str) -> Any:
    for variant in fate["anyOf"]:
        if name in variant.get("properties", {}):
            return variant["properties"][name]
    raise LookupError(name)


def _section(title: str, schema: Any, definitions: Mapping[str, Any], depth: int = 2) -> Iterator[str]:
    yield f"\n## {title}\n"
    if "properties" not in schema:
        yield _form(schema, definitions) + "\n"
    rows = list(_rows(schema, "", definitions, depth))
    if rows:
        yield "| key | form | meaning |"
        yield "|---|---|---|"
        yield from rows


def _rows(schema: Any, prefix: str, definitions: Mapping[str, Any], depth: int) -> Iterator[str]:
    for variant in [schema, *schema.get("anyOf", [])]:
        required = variant.get("required", [])
        for name, part in variant.get("properties", {}).items():
            shown = f"`{prefix}{name}`" + (" (required)" if name in required else "")
            meaning = part.get("description", "")
            default = _default(part.get("default"))
            yield f"| {shown} | {_form(part, definitions)} | {_cell(meaning + default)} |"
            if depth > 0 and not (prefix == "" and name in _TOP):
                yield from _rows(part, f"{prefix}{name}.", definitions, depth - 1)


def _default(value: Any) -> str:
    """Return which value applies when none is written; of nothing and of no entries the meaning tells."""
    if value is None or value in ("", [], {}):
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f" Default: `{text}`."


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
        words = part["enum"]
        shown = ", ".join(f"`{word}`" for word in words[:14])
        return shown if len(words) <= 14 else f"one of {len(words)} names: {shown} …"
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
