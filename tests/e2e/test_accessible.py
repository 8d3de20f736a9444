"""
Every page, light and dark, wide and narrow: axe finds nothing, and nothing is wider than the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from e2e.desk import AXE, Desk, Integrator

PAGES = (
    "messages",
    "messages?q=nothing:fits",
    "message/infobip:+41793026727:1",
    "message/rbm:+41793026727:1",
    "phones",
    "phone/+41793026727",
    "phone/+41793026728",
    "webhooks",
    "scenario",
    "run",
    "spaces",
    "../recording/messages",
    "../recording/phone/+41793020000",
    "../recording/run",
)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module", params=["light", "dark"])
def furnished(
    browser: Browser, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """A desk with something of everything, in both schemes."""
    integrator = Integrator()
    desk = Desk(browser, integrator, request.param)
    desk.scenario(
        {
            "rules": [
                {"name": "bounce", "when": {"recipient": "+41793026729"}, "then": {"fate": "expire"}},
                {"name": "never", "when": {"sender": "Nobody"}, "then": {"fate": "expire"}},
            ]
        }
    )
    suggestions = [{"reply": {"text": "Yes", "postbackData": "y"}}]
    card = {"title": "A card", "description": "About it", "suggestions": suggestions}
    desk.send("hello")
    desk.send_rich({"text": "Where to?", "suggestions": suggestions})
    desk.send_rich(
        {"richCard": {"standaloneCard": {"cardOrientation": "VERTICAL", "cardContent": card}}}, name="m2"
    )
    desk.control("POST", "/clock/advance", {"by": "1m"})
    desk.control("POST", "/recipients/+41793026727/inbound", {"provider": "infobip", "writes": "thanks"})
    desk.control("PATCH", "/recipients/+41793026728", {"reachable": False})
    desk.send("waits", "41793026728")
    integrator.status = 500
    desk.send("fails", "41793026729")
    desk.control("POST", "/clock/advance", {"by": "2m"})
    desk.show_record(tmp_path_factory.mktemp("record"))
    yield desk
    desk.close()
    integrator.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible_and_fits(furnished: Desk, path: str, width: int) -> None:
    """
    WCAG 2.2 AA as far as a machine can tell, and no scrolling sideways.
    """
    page = furnished.open(f"/_ui/default/{path}")
    page.set_viewport_size({"width": width, "height": 860})
    # Fading in is no state to judge colours in.
    page.emulate_media(reduced_motion="reduce")

    page.evaluate(AXE.read_text("utf-8"))
    options = {"runOnly": {"type": "tag", "values": TAGS}}
    found: list[dict[str, Any]] = page.evaluate(
        "(options) => axe.run(options).then(r => r.violations)", options
    )
    too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.close()

    assert [_complaint(one) for one in found] == []
    assert too_wide <= 0


def test_long_rule_leaves_room_for_the_number_on_a_phone(desk: Desk) -> None:
    """
    Who a message went to stands beside why it went wrong, however long the name of the rule is.
    """
    desk.control("PUT", "/scenario", {"rules": [{"name": "a_rule_" * 20, "then": {"fate": "silence"}}]})
    desk.send("waits", "41793026727")
    page = desk.context.new_page()
    page.goto(f"{desk.url}/_sim/v1/spaces/default/report?format=html")
    page.set_viewport_size({"width": 390, "height": 860})

    who = page.locator(".m .who").first.bounding_box()
    too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.close()

    assert who is not None
    assert who["width"] >= 140
    assert too_wide <= 0


def _complaint(violation: dict[str, Any]) -> str:
    nodes = [f"{node['html'][:160]} ({node['failureSummary'][:200]})" for node in violation["nodes"][:3]]
    return f"{violation['id']}: {violation['help']}: {nodes}"
