"""
Which of many numbers can be reached: regions, carriers, zeros.
"""

from __future__ import annotations

from typing import Any

import pytest

from providers.rbm.rig import Bench, bench

US, GERMAN, INDIAN = "+15551234567", "+4915112345678", "+919812345678"


async def ask(made: Bench, *users: str, host: str = "") -> tuple[int, Any]:
    """Ask about numbers."""
    headers = {"Host": host} if host else {}
    return await made.call("POST", "/v1/users:batchGet?agentId=a", {"users": list(users)}, headers=headers)


async def test_numbers_of_several_regions_are_refused() -> None:
    """
    A call asks about one region; which numbers are where is told in the reason.
    """
    async with bench() as made:
        status, body = await ask(made, US, GERMAN, INDIAN)
        alone = [(await ask(made, number))[0] for number in (US, GERMAN, INDIAN)]

    assert (status, body["error"]["message"]) == (400, "users: must be numbers of a single region")
    assert alone == [200, 200, 200]


@pytest.mark.parametrize(("region", "status"), [("europe", 200), ("us", 400), ("asia", 400)])
async def test_numbers_go_to_the_endpoint_of_their_region(region: str, status: int) -> None:
    """
    The host says whose endpoint it is; another region's numbers are refused there.
    """
    async with bench() as made:
        answered, _ = await ask(made, GERMAN, host=f"{region}-rcsbusinessmessaging.googleapis.com")

    assert answered == status


@pytest.mark.parametrize(
    "regions", [{}, {"+1": "us", "+49": "us", "+91": "us"}, {"+4": "asia", "+49": "us", "+1": "us"}]
)
async def test_regions_of_numbers_can_be_set(regions: dict[str, str]) -> None:
    """
    The setting says which number is where, the longest prefix first; without any, regions do not matter.
    """
    async with bench(number_regions=regions) as made:
        status, _ = await ask(made, US, GERMAN)

    assert status == 200


async def test_carriers_of_us_numbers_are_told() -> None:
    """
    Reachable numbers that are marked as ones of the United States stand by carrier, too.
    """
    async with bench() as made:
        simulation = made.space.simulation
        simulation.change_recipient("+15550000001", {"operator": "310260"})
        simulation.change_recipient("+15550000002", {"operator": "310260", "capable": False})
        simulation.change_recipient("+15550000003", {"operator": "311480"})
        status, body = await ask(made, *(f"+1555000000{n}" for n in range(1, 5)))

    assert (status, body) == (
        200,
        {
            "reachableUsers": ["+15550000001", "+15550000003", "+15550000004"],
            "totalRandomSampleUserCount": 0,
            "reachableRandomSampleUserCount": 0,
            "reachableUsersMap": {
                "310260": {"reachableUsers": ["+15550000001"]},
                "311480": {"reachableUsers": ["+15550000003"]},
            },
        },
    )


async def test_zeros_are_left_out_when_set() -> None:
    """
    With the setting, an answer about nobody is an empty one, which software must not trip over.
    """
    async with bench(batch_get_zeros="omitted") as made:
        made.space.simulation.change_recipient(US, {"capable": False})
        status, body = await ask(made, US)

    assert (status, body) == (200, {})
