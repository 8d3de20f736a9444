"""
Evidence over the control API, of a space that nobody ran.
"""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from harness import receiving, serving
from simulator.client import Simulator
from simulator.control import ControlError, HttpControl
from simulator.thread import ServerThread


async def test_report_of_a_space_in_every_form() -> None:
    """
    Each form has its content type and is a document of that kind.
    """
    async with receiving() as receiver, serving() as bench:
        await bench.configure(webhook={"url": receiver.url})
        await bench.send()
        await bench.space.driver.advance(None)
        told = {}
        for form in ("html", "junit", "jsonl", "har", "json"):
            async with bench.http.get(f"{bench.url}/_sim/v1/spaces/default/report?format={form}") as answer:
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                told[form] = (answer.status, answer.content_type, await answer.text())
        space = bench.space

    kinds = {form: told[form][:2] for form in told}
    assert kinds == {
        "html": (200, "text/html"),
        "junit": (200, "application/xml"),
        "jsonl": (200, "application/x-ndjson"),
        "har": (200, "application/json"),
        "json": (200, "application/json"),
    }
    assert told["html"][2].startswith("<!doctype html>")
    assert ElementTree.fromstring(told["junit"][2].encode()).get("tests") == "1"
    kinds_told = [json.loads(line)["kind"] for line in told["jsonl"][2].splitlines()]
    assert kinds_told == [entry.kind.value for entry in space.simulation.journal]
    entries = json.loads(told["har"][2])["log"]["entries"]
    assert [entry["time"] > 0 for entry in entries] == [True, True]
    assert "Content-Type" in {header["name"] for header in entries[0]["request"]["headers"]}
    assert json.loads(told["json"][2])["receiver"]["acknowledged"] == 1


async def test_report__unknown_format_is_refused() -> None:
    """
    The refusal says which forms there are.
    """
    async with serving() as bench:
        answer = await bench.control("GET", "/spaces/default/report?format=pdf")

    assert answer == (
        400,
        {
            "type": "about:blank",
            "title": "Bad query",
            "status": 400,
            "detail": "format: expected junit, html, jsonl, har, json, got 'pdf'",
        },
    )


def test_client_returns_the_same_report_near_and_far() -> None:
    """
    In the same process and over HTTP the document is the same text; refusals are ControlErrors.
    """
    with ServerThread() as server:
        near = Simulator.create(server.control, name="reported")
        far = Simulator(HttpControl(server.url), "reported")

        reports = [
            [one.report(form) for form in ("html", "junit", "jsonl", "har", "json")] for one in (near, far)
        ]
        with pytest.raises(ControlError, match="expected junit, html, jsonl, har, json, got 'pdf'"):
            near.report("pdf")
        with pytest.raises(ControlError, match="expected junit, html, jsonl, har, json, got 'pdf'"):
            far.report("pdf")

    assert reports[0] == reports[1]
