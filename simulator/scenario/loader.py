"""
From the text of a scenario file to a Scenario, or to everything that is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Final

from simulator.kernel.model.scenario import NOW, ClockMode, ClockSpec, Scenario
from simulator.scenario.addresses import address_shape
from simulator.scenario.affordable import Affordable
from simulator.scenario.audits import check_audits
from simulator.scenario.calls import COMMAND
from simulator.scenario.expect import DRIVE, expect_shape
from simulator.scenario.goals import RunFile
from simulator.scenario.hardship import hardship_shape
from simulator.scenario.names import Named
from simulator.scenario.recipients import recipient_shape
from simulator.scenario.rules import Vocabulary, rule_shape
from simulator.scenario.timeline import timeline_shape
from simulator.schema.node import Json, Node, Problems, node_of
from simulator.schema.shapes import (
    Choice,
    Duration,
    Either,
    Field,
    Instant,
    Integer,
    Invalid,
    Lazy,
    ListOf,
    MapOf,
    Mapped,
    Record,
    Schema,
    Shape,
    Text,
    Word,
    json_schema,
)

__all__ = [
    "CLOCK",
    "CLOCK_FIELDS",
    "START",
    "ScenarioError",
    "Vocabulary",
    "editor_schema",
    "load",
    "load_run",
    "read",
    "read_run",
    "scenario_schema",
    "scenario_shape",
    "start_instant",
]

_RULES_MAX = 10_000
_TIMELINE_MAX = 100_000
_DRIVES_MAX = 1_000


class ScenarioError(ValueError):
    """
    A scenario that cannot be used; `lines` holds every complaint as `file:line:column: what`.
    """

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


_NO_FAKER: Final = 'names come from Faker: pip install "messaging-provider-simulator[people]"'


def load(text: str, file: str, providers: Mapping[str, Vocabulary]) -> Scenario:
    """Return the scenario in *text*; raises ScenarioError with every complaint about it."""
    return load_run(text, file, providers).scenario


def load_run(text: str, file: str, providers: Mapping[str, Vocabulary], *, to_be_run: bool = True) -> RunFile:
    """
    Return all that *text* says, drive and expectations too; raises ScenarioError as `load` does.

    A file that is only checked needs nothing installed; one *to_be_run* needs the extras it uses.
    """
    # A server without a scenario file starts without the parser.
    from simulator.scenario.yaml import YamlError, parse

    problems = Problems()
    try:
        node = parse(text, file)
    except YamlError as trouble:
        problems = trouble.problems
        if trouble.root is None:
            raise ScenarioError(problems.render(file)) from None
        # A repeated key does not hide what else is wrong.
        node = trouble.root
    return _read(node, file, providers, problems, to_be_run)


def read(node: Node, file: str, providers: Mapping[str, Vocabulary]) -> Scenario:
    """Return the scenario in *node*; raises ScenarioError with every complaint about it."""
    return _read(node, file, providers, Problems()).scenario


def read_run(tree: Json, file: str, providers: Mapping[str, Vocabulary], shape: Shape[RunFile]) -> RunFile:
    """
    Return all that the plain *tree* says, as `load_run` does with a text; raises ScenarioError.

    *shape* is that of `scenario_shape` for *providers*: making it takes longer than reading by it.
    """
    return _shaped(node_of(tree), file, providers, shape, Problems())


def _read(
    node: Node,
    file: str,
    providers: Mapping[str, Vocabulary],
    problems: Problems,
    to_be_run: bool = True,
) -> RunFile:
    return _shaped(node, file, providers, scenario_shape(providers), problems, to_be_run)


def _shaped(
    node: Node,
    file: str,
    providers: Mapping[str, Vocabulary],
    shape: Shape[RunFile],
    problems: Problems,
    to_be_run: bool = True,
) -> RunFile:
    scenario = shape.read(node, "", problems)
    if to_be_run and isinstance(node.value, dict) and "people" in node.value and find_spec("faker") is None:
        problems.add(node.value["people"][0], "people", _NO_FAKER)
    if not isinstance(scenario, Invalid):
        check_audits(node, scenario, providers, problems)
    if isinstance(scenario, Invalid) or problems:
        raise ScenarioError(problems.render(file))
    return replace(
        scenario, scenario=replace(scenario.scenario, name=scenario.scenario.name or file, source=file)
    )


def scenario_schema(providers: Mapping[str, Vocabulary]) -> Schema:
    """Return the JSON Schema of scenario files, for editors."""
    return json_schema(scenario_shape(providers), "simulator scenario")


SCHEMA_ID: Final = "urn:messaging-provider-simulator:scenario"
"""Names the schema, and is no address: providers that are installed here have their words in it."""


def editor_schema(providers: Mapping[str, Vocabulary]) -> Schema:
    """Return the same schema as editors need it, whose YAML takes `50_000` for a text, under a name."""
    return {"$id": SCHEMA_ID, **_with_thousands(scenario_schema(providers))}  # type: ignore[dict-item]


def _with_thousands(part: object) -> object:
    if isinstance(part, list):
        return [_with_thousands(item) for item in part]
    if not isinstance(part, dict):
        return part
    plain = {name: _with_thousands(item) for name, item in part.items()}
    if plain.get("type") == "integer":
        plain |= {"type": ["integer", "string"], "pattern": "^-?[1-9][0-9]{0,2}(_[0-9]{3})+$"}
    return plain


CLOCK_FIELDS: Final = (
    Field("rate", Integer(1, 1_000_000), "A live clock's milliseconds per real one."),
    Field(
        "grace",
        Duration(0, 60_000),
        "How long, in real time, an advance or a jump waits for calls that your software makes only after it "
        "has answered an instant's webhooks.",
        argument="grace_real_ms",
    ),
)
"""What may be said of a clock's mode, in a scenario and later."""

_START_INSTANT: Final[Shape[int]] = Either[int](Mapped(Word("now"), lambda _: NOW), Instant())
START: Final = Field(
    "start",
    _START_INSTANT,
    "The instant at which the space begins, or `now`: the machine's own time.  If not given, a live clock "
    "begins now, the others at 2026-01-05T09:00:00Z.",
    argument="start_unix_ms",
)

_CLOCK: Final[Shape[ClockSpec]] = Record(
    ClockSpec,
    [
        Field("mode", Choice(ClockMode), "frozen: moves by advance only; live: by itself; autojump: jumps."),
        *CLOCK_FIELDS,
        START,
    ],
    doc="How time passes.",
)
CLOCK: Final = Either[ClockSpec](Mapped(Choice(ClockMode), lambda mode: ClockSpec(mode=mode)), _CLOCK)
"""A mode alone, or a mapping."""


def start_instant(text: str) -> int:
    """Return the start of a clock as `start:` reads it; raises ValueError."""
    problems = Problems()
    start = _START_INSTANT.read(node_of(text), "", problems)
    if isinstance(start, Invalid):
        raise ValueError(problems.render("")[0])
    return start


LOCALES: Final = (
    "de_DE", "en_GB", "en_US", "es_ES", "fa_IR", "fr_FR", "it_IT", "nl_NL", "pl_PL", "pt_BR", "tr_TR",
    "uk_UA",
)  # fmt: skip

PEOPLE: Final[Shape[str]] = Record(
    lambda locale: locale,
    [
        Field(
            "locale",
            Choice({locale: locale for locale in LOCALES}),
            "Where their names come from.  {name}, {first_name} and {last_name} stand for them in what "
            "recipients write and do, and in storm and drive.",
            required=True,
        )
    ],
    doc="People who do not exist.",
)
"""Locales are listed here, not asked of Faker, since checking a file must not load it."""


def scenario_shape(providers: Mapping[str, Vocabulary]) -> Shape[RunFile]:
    """Return how a scenario file looks, with the words of *providers*."""
    of_each = [
        Field(name, provider.settings, f"Settings of the {name} account.")
        for name, provider in providers.items()
    ]
    # Named, since it stands in two places and is most of the schema.
    settings = Lazy[Mapping[str, Mapping[str, object]]](lambda: Record(dict, of_each), "providers")
    return Record(
        _run_file,
        [
            Field("name", Text(1, 200), "What happens, in one line."),
            Field(
                "hardship",
                hardship_shape(tuple(providers)),
                "The promise that it tests; what `simulator exam` is made of.",
            ),
            Field("seed", Integer(0, 2**53), "Same seed, same story."),
            Field("clock", CLOCK, "How time passes; flags of `serve` win."),
            Field("providers", settings, "Accounts: webhook targets and settings."),
            Field(
                "recipients",
                MapOf(recipient_shape(), address_shape(providers)),
                "Circumstances of recipients, by address or by prefix (+4179*).",
            ),
            Field("people", PEOPLE, "People behind the numbers, made up; for demonstrations."),
            Field(
                "rules",
                Affordable(Named(ListOf(rule_shape(providers), max_items=_RULES_MAX))),
                "When, and what then; in each place the first rule that applies decides.",
            ),
            Field(
                "timeline",
                ListOf(timeline_shape(providers, settings), max_items=_TIMELINE_MAX),
                "What happens at an instant, whoever sends what.",
            ),
            Field(
                "reset",
                COMMAND,
                "A call by which the integrator forgets what it has, made by `run` before anything else.",
            ),
            Field("drive", ListOf(DRIVE, max_items=_DRIVES_MAX), "Calls to the integrator, made by `run`."),
            Field("expect", expect_shape(providers), "What `run` expects; its verdict."),
        ],
        doc="What goes wrong, for whom, and when.",
        what="a scenario",
    )


def _run_file(**values: object) -> RunFile:
    goals = {name: values.pop(name) for name in ("hardship", "reset", "drive", "expect") if name in values}
    return RunFile(scenario=Scenario(**{"name": "", **values}), **goals)  # type: ignore[arg-type]
