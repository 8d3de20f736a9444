"""
Targets to which nothing will be sent are told when they are named: in a header and in the journal.
"""

from __future__ import annotations

from typing import Any

import pytest

from harness import KEY, Bench, serving, until

# The system reads a number as an address, without asking anybody: a name for 93.184.216.34.
NAME = "http://1572395042/reports"
REASON = (
    "1572395042 is 93.184.216.34: webhooks go to loopback and private networks only, not to 93.184.216.34; "
    "--allow-target permits more"
)
WEBHOOKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("infobip", {"webhook": {"url": NAME}}),
    ("bip", {"webhook": {"url": NAME}}),
    ("bitel", {"webhook": {"url": NAME}}),
    ("rbm", {"webhook": {"url": NAME}}),
)


def notes(bench: Bench, space: str = "default") -> list[str]:
    """Return why webhooks will be lost, as the journal has it."""
    journal = bench.server.registry.get(space).simulation.journal
    whole = [
        f"{entry.provider}: {entry.fact.text}: {entry.fact.detail}"  # type: ignore[union-attr]
        for entry in journal
        if entry.kind == "note"
    ]
    return [note for note in whole if "will be lost" in note]


@pytest.mark.parametrize(("provider", "settings"), WEBHOOKS)
async def test_name_that_is_set_and_will_be_refused_is_told(provider: str, settings: dict[str, Any]) -> None:
    """
    Every provider's target is looked at when it is set, by settings, with a space, or by a scenario.
    """
    expected = f"{provider}: webhooks will be lost: {REASON}"
    async with serving() as bench:
        headers = []
        for method, path, body in (
            ("PUT", f"/spaces/default/providers/{provider}", settings),
            ("POST", "/spaces", {"name": "new", "providers": {provider: settings}}),
            ("PUT", "/spaces/new/scenario", {"providers": {provider: settings}}),
        ):
            url = f"{bench.url}/_sim/v1{path}"
            async with bench.http.request(method, url, json=body) as answer:
                assert answer.status in (200, 201), await answer.text()
                headers.append(answer.headers["X-Simulator-Note"])

        assert headers == [f"webhooks will be lost: {REASON}"] * 3
        assert notes(bench) == [expected]
        assert notes(bench, "new") == [expected] * 2


async def test_name_in_the_settings_of_the_start_is_told() -> None:
    """
    What `serve --webhook` sets is looked at, too.
    """
    async with serving(settings={"infobip": {"webhook": {"url": NAME}}}) as bench:
        await until(lambda: bool(notes(bench)))

        assert notes(bench) == [f"infobip: webhooks will be lost: {REASON}"]


async def test_name_that_a_send_names_is_told() -> None:
    """
    The first send has it in the journal as soon as the name is known, later ones in their answers.
    """
    async with serving() as bench:
        first, _ = await bench.send("41793020001", notifyUrl=NAME)
        await until(lambda: bool(notes(bench)))
        body = {"messages": [{"text": "x", "destinations": [{"to": "41793020001"}], "notifyUrl": NAME}]}
        url = f"{bench.url}/infobip/sms/2/text/advanced"
        async with bench.http.post(url, json=body, headers=KEY) as answer:
            note = answer.headers["X-Simulator-Note"]

        assert first == answer.status == 200
        assert notes(bench)[0] == f"infobip: webhooks will be lost: {REASON}"
        assert note == f"reports will be lost: {REASON}"


@pytest.mark.parametrize("url", ["http://localhost:9/x", "http://127.0.0.1:9/x", "http://no.such.invalid/x"])
async def test_target_that_may_be_called_is_not_doubted(url: str) -> None:
    """
    Of what is allowed, or not known by anybody now, nothing is said.
    """
    async with serving() as bench:
        path = f"{bench.url}/_sim/v1/spaces/default/providers/infobip"
        async with bench.http.put(path, json={"webhook": {"url": url}}) as answer:
            assert answer.status == 200
            assert "X-Simulator-Note" not in answer.headers

        assert notes(bench) == []
