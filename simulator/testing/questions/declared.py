"""
What a provider says of itself.
"""

from __future__ import annotations

import json
from typing import Any, Final

from simulator.provider import Invalid, Problems, Shape, node_of
from simulator.schema.shapes import json_schema
from simulator.testing.case import Case

__all__ = ["QUESTIONS"]

_MINTED = 100


async def coverage_is_what_is_served(case: Case) -> None:
    """
    What coverage calls supported or partial is served, what it calls absent is not, and no row is double.

    A provider may have no coverage at all.
    """
    if not case.provider.coverage:
        return
    covered = [(row.method, row.path) for row in case.provider.coverage]
    served = {(route.method, route.path) for route in case.provider.routes}

    assert {row.state for row in case.provider.coverage} <= {"supported", "partial", "absent"}
    assert len(set(covered)) == len(covered)
    assert {(row.method, row.path) for row in case.provider.coverage if row.state != "absent"} == served


async def page_lists_every_row_of_the_coverage(case: Case) -> None:
    """
    The provider's page, if it has one, names each endpoint with its method.
    """
    if case.row.readme:
        rows = case.provider.coverage
        missing = [f"{row.method} {row.path}" for row in rows]
        assert [text for text in missing if f"`{text}`" not in case.row.readme] == []


async def settings_have_a_schema_and_refuse_unknown_keys(case: Case) -> None:
    """
    Settings, refusals and failures can be described to an editor; a key that nobody knows is named.
    """
    provider = case.provider
    shapes: list[Shape[Any]] = [provider.settings, provider.refusal_shape, provider.failure_shape]
    schemas = [json_schema(shape, "part of a scenario") for shape in shapes]
    problems = Problems()

    settings = provider.settings.read(node_of({"no_such_setting": 1}), "", problems)

    assert json.loads(json.dumps(schemas)) == schemas
    assert schemas[0]["additionalProperties"] is False
    assert isinstance(settings, Invalid)
    assert "no_such_setting" in problems.render("")[0]


async def settings_in_force_are_plain_json(case: Case) -> None:
    """
    What the control API shows of an account can be shown.
    """
    async with case.door() as door:
        shown = dict(door.account.describe())

    try:
        text = json.dumps(shown)
    except TypeError as trouble:
        raise AssertionError(f"describe: expected plain JSON, got {shown}") from trouble
    assert json.loads(text) == shown


async def credentials_are_minted_one_for_each_token(case: Case) -> None:
    """
    Two spaces never get the same credential, and a minted one is not always refused.
    """
    minted = {case.provider.mint_credential(f"{number:032x}") for number in range(_MINTED)}

    assert len(minted) == _MINTED
    assert all(":" in credential or not credential.startswith("invalid") for credential in minted)


async def magic_recipients_are_unique(case: Case) -> None:
    """
    A magic recipient names one row of the catalogue.
    """
    recipients = [code.recipient for code in case.provider.codes() if code.recipient]

    assert len(set(recipients)) == len(recipients)


QUESTIONS: Final = (
    coverage_is_what_is_served,
    page_lists_every_row_of_the_coverage,
    settings_have_a_schema_and_refuse_unknown_keys,
    settings_in_force_are_plain_json,
    credentials_are_minted_one_for_each_token,
    magic_recipients_are_unique,
)
