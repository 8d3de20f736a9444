"""
Whom a request is for: Host names, prefixes, bare paths, and what is said when that is not clear.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import KEY, Bench, serving
from simulator.provider import Provider, Route, discover
from simulator.server.addressing import Addressing, AmbiguousPath
from toys.pigeon import PROVIDER as PIGEON

_BIRDS = {"Ring": "ring-1"}


# A second provider, with some paths of the pigeon post.
_RIVAL = replace(
    PIGEON,
    name="rival",
    hosts=("rival.example",),
    routes=(*PIGEON.routes[:1], Route("GET", "/birds/of/prey", PIGEON.routes[1].handler, "prey")),
    coverage=(),
)
_TWO: dict[str, Provider] = {"pigeon": PIGEON, "rival": _RIVAL}


async def _release(bench: Bench, path: str, host: str = "") -> int:
    headers = {**_BIRDS, **({"Host": host} if host else {})}
    url = f"{bench.url}{path}"
    async with bench.http.post(url, data=b"COO|+905550000001|hello\n", headers=headers) as answer:
        await answer.read()
        return answer.status


@pytest.mark.parametrize("name", sorted(discover()))
def test_own_paths_of_a_provider_lead_to_it_alone(name: str) -> None:
    """
    Every path that a provider serves, or is known to lack, finds it without prefix.
    """
    providers = discover()
    addressing = Addressing(providers)
    provider = providers[name]
    paths = {route.path for route in provider.routes} | {row.path for row in provider.coverage}

    owners = {address.provider.name for path in paths if (address := addressing.find("127.0.0.1:4010", path))}
    missed = [path for path in paths if addressing.find("127.0.0.1:4010", path) is None]

    assert (owners, missed) == ({name}, [])


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("api.infobip.com", "infobip"),
        ("xyz123.api.infobip.com:443", "infobip"),
        ("XYZ123.API.INFOBIP.COM", "infobip"),
        ("rcsbusinessmessaging.googleapis.com", "rbm"),
        ("europe-rcsbusinessmessaging.googleapis.com", "rbm"),
        ("businesscommunications.googleapis.com", "rbm"),
        ("tims.turkcell.com.tr", "bip"),
        ("tes.bip.com", "bip"),
        ("api.bitel.rest", "bitel"),
        ("infobip.com", None),
        ("a.b.api.infobip.com", None),
        ("127.0.0.1:4010", None),
        ("[::1]:4010", None),
    ],
)
def test_host_of_the_real_service_leads_to_its_provider(host: str, name: str | None) -> None:
    """
    A request that keeps the provider's Host is that provider's, whatever its path.
    """
    addressing = Addressing(discover())

    address = addressing.find(host, "/what/ever")

    assert (address.provider.name if address else None) == name


async def test_prefix_may_be_left_out() -> None:
    """
    A bare path, one behind a prefix, and one under the real Host name lead to the same work.
    """
    async with serving(providers={"pigeon": PIGEON}) as bench:
        statuses = [
            await _release(bench, "/release"),
            await _release(bench, "/pigeon/release"),
            await _release(bench, "/release", "north.loft.example"),
            await _release(bench, "/pigeon/release", "loft.example:443"),
        ]

        assert statuses == [207, 207, 207, 207]
        assert len(bench.space.simulation.messages) == 4


async def test_prefix_may_be_left_out__in_a_space() -> None:
    """
    The name of a space stands before a bare path, too.
    """
    async with serving(providers={"pigeon": PIGEON}) as bench:
        await bench.control("POST", "/spaces", {"name": "job-17"})

        statuses = [
            await _release(bench, "/s/job-17/release"),
            await _release(bench, "/s/job-17/release", "loft.example"),
            await _release(bench, "/s/nowhere/release"),
        ]

        assert statuses == [207, 207, 404]
        assert len(bench.server.registry.get("job-17").simulation.messages) == 2
        assert len(bench.space.simulation.messages) == 0


async def test_path_that_a_provider_lacks_is_refused_in_its_words__without_prefix() -> None:
    """
    A bare path that begins as a provider's do, and is not served, gets the provider's not-found body.
    """
    async with (
        serving(providers={"pigeon": PIGEON}) as bench,
        bench.http.get(f"{bench.url}/birds/1/feathers", headers=_BIRDS) as answer,
    ):
        assert (answer.status, await answer.text()) == (404, "LOST|/birds/1/feathers\n")


def test_path_of_two_providers_is_refused__with_the_prefixes_that_would_do() -> None:
    """
    What two providers serve belongs to neither without prefix or Host; the complaint names both.
    """
    addressing = Addressing(_TWO)

    with pytest.raises(AmbiguousPath) as refusal:
        addressing.find("127.0.0.1:4010", "/s/a/release")

    assert str(refusal.value) == (
        "several providers have paths like /release; expected /s/a/pigeon/release or /s/a/rival/release"
    )


def test_path_of_two_providers__is_whose_host_or_prefix_or_route_it_is() -> None:
    """
    Of two providers whose paths begin alike, Host, prefix, or being the only one that serves it decides.
    """
    addressing = Addressing(_TWO)

    addresses = [
        addressing.find("rival.example", "/release"),
        addressing.find("127.0.0.1", "/pigeon/release"),
        addressing.find("127.0.0.1", "/birds/of/prey"),
        addressing.find("127.0.0.1", "/birds/17"),
    ]

    assert [address.provider.name for address in addresses if address] == [
        "rival", "pigeon", "rival", "pigeon",
    ]  # fmt: skip


async def test_path_of_two_providers__answers_with_a_problem() -> None:
    """
    The complaint about a path that two providers have arrives as problem details.
    """
    async with serving(providers=_TWO) as bench:
        status, body = await bench.post("/release", {}, headers=KEY)

        assert (status, body["title"], body["status"]) == (400, "Whose path?", 400)
