"""
The catalogue of statuses and errors, and the recipients that trigger each.
"""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from providers.infobip.bench import bench, one
from simulator.commands.codes import codes
from simulator.providers.infobip import PROVIDER
from simulator.providers.infobip.codes import ERRORS, HTTP_REFUSALS, STATUSES
from simulator.providers.infobip.outcomes import REJECTED_AT_ONCE, error_for, status_for_error


def test_catalogue_is_complete_and_its_numbers_are_distinct():
    """
    Every status, error and refusal has a row, and each row a recipient of its own.
    """
    rows = PROVIDER.codes()

    assert {int(row.code) for row in rows if row.kind == "status"} == set(STATUSES)
    assert {int(row.code) for row in rows if row.kind == "error"} == set(ERRORS)
    assert {row.name for row in rows if row.kind == "http"} == set(HTTP_REFUSALS)
    assert len({row.recipient for row in rows}) == len(rows)
    assert (len(STATUSES), len(ERRORS)) == (39, 198)


async def test_every_status_is_reached_by_its_recipient():
    """
    Sending to the recipient of a status ends in exactly that status: in the answer, or by report.
    """
    body = {
        "messages": [
            {
                "destinations": [{"to": f"99910{status_id:05d}"} for status_id in STATUSES],
                "text": "x",
                "intermediateReport": True,
            }
        ]
    }

    async with bench() as run:
        answer = await run.send(body)
        await run.settle()
        reports = (await run.get("/sms/1/reports", ("limit", "1000")))["results"]

    for status_id, entry in zip(STATUSES, answer["messages"], strict=True):
        told = [entry["status"]] + [
            report["status"] for report in reversed(reports) if report["messageId"] == entry.get("messageId")
        ]
        assert told[-1]["id"] == status_id
        assert told[-1]["name"] == STATUSES[status_id].name
        assert told[-1]["groupName"] == STATUSES[status_id].group_name
        assert (len(told) == 1) == (status_id in REJECTED_AT_ONCE or status_id in (0, 1, 7, 26))


async def test_every_error_is_reached_by_its_recipient():
    """
    Sending to the recipient of an error ends in a report with exactly that error and its usual status.
    """
    body = {
        "messages": [{"destinations": [{"to": f"99911{error_id:05d}"} for error_id in ERRORS], "text": "x"}]
    }

    async with bench() as run:
        answer = await run.send(body)
        await run.settle()
        reports = (await run.get("/sms/1/reports", ("limit", "1000")))["results"]

    by_id = {report["messageId"]: report for report in reports}
    for error_id, entry in zip(ERRORS, answer["messages"], strict=True):
        report = by_id[entry["messageId"]]
        error = ERRORS[error_id]
        assert report["error"] == {
            "groupId": error.group_id,
            "groupName": error.group_name,
            "id": error_id,
            "name": error.name,
            "description": error.description,
            "permanent": error.permanent,
        }
        assert report["status"]["id"] == status_for_error(error_id)


def test_usual_pairs_go_both_ways_where_known():
    """
    Pairs seen in real traffic: handset 5/0, operator 4/1, trial account 18/579.
    """
    assert [error_for(status) for status in (5, 4, 3, 18, 8)] == [0, 1, 27, 579, 0]
    assert [status_for_error(error) for error in (0, 1, 579, 4101)] == [5, 4, 18, 15]


def test_error_group_zero_is_ok_in_capitals():
    """
    Success is `OK`, never `Ok`, on which typed clients fail.
    """
    assert {error.group_name for error in ERRORS.values() if error.group_id == 0} == {"OK"}


@pytest.mark.parametrize("form", ["text", "json"])
def test_codes_command(form):
    """
    `simulator codes infobip` prints each code with the number that triggers it.
    """
    shown = CliRunner().invoke(codes, ["infobip", "--format", form])

    assert shown.exit_code == 0
    if form == "json":
        rows = json.loads(shown.output)
        assert len(rows) == len(PROVIDER.codes())
        assert {
            "kind": "status",
            "code": "52",
            "name": "REJECTED_DESTINATION",
            "meaning": "REJECTED: Invalid destination address.",
            "recipient": "+9991000052",
            "source": "",
        } in rows
    else:
        assert "REJECTED_DESTINATION_BLOCKLISTED" in shown.output
        assert "+9991000014" in shown.output


async def test_magic_recipient__is_written_in_any_form():
    """
    A magic recipient works with `+`, with `00`, and bare.
    """
    async with bench() as run:
        statuses = [
            (await run.send(one(to)))["messages"][0]["status"]["id"]
            for to in ("+9991000014", "009991000014", "9991000014")
        ]

    assert statuses == [14, 14, 14]
