"""
The inspector in a real browser: pages stay live, phones are used, hostile texts stay texts.
"""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from e2e.desk import Desk

SECOND = 1_000
PATIENCE = 5 * SECOND
"""Machines that do something else besides are slow; what is expected within a second is asked for so long."""


def test_send_appears_live_in_nine_tabs_over_one_stream(desk: Desk) -> None:
    """
    Nine tabs of one browser show a new message at once, though it has six connections for a host.
    """
    tabs = [desk.open() for _ in range(9)]

    desk.send("the ninth tab sees it, too")

    for tab in tabs:
        expect(tab.get_by_text("the ninth tab sees it, too")).to_be_visible(timeout=PATIENCE)


def test_tab_that_led_may_close(desk: Desk) -> None:
    """
    When the tab that listens for all is closed, another one listens.
    """
    first, second = desk.open(), desk.open()
    first.close()

    desk.send("still here")

    expect(second.get_by_text("still here")).to_be_visible(timeout=PATIENCE)


def test_restart__loses_and_doubles_no_row(desk: Desk) -> None:
    """
    After a restart the page shows what the server has, each message once.
    """
    page = desk.open()
    desk.send("before")
    expect(page.get_by_text("before", exact=True)).to_be_visible(timeout=PATIENCE)

    desk.restart()
    for number in range(3):
        desk.send(f"after {number}")

    expect(page.locator("tbody tr")).to_have_count(3, timeout=2 * PATIENCE)
    expect(page.get_by_text("before", exact=True)).to_have_count(0)
    # What the browser says of a server that is away is no fault of the page.
    desk.complaints[:] = [said for said in desk.complaints if "ERR_" not in said]


def test_pause__keeps_the_page_as_it_is(desk: Desk) -> None:
    """
    A paused page does not move under the reader's eyes, and catches up when it goes on.
    """
    page = desk.open()
    page.get_by_role("button", name="Pause").click()
    other = desk.open()

    desk.send("meanwhile")

    expect(other.get_by_text("meanwhile")).to_be_visible(timeout=PATIENCE)
    assert page.get_by_text("meanwhile").count() == 0
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("meanwhile")).to_be_visible(timeout=PATIENCE)


def test_query__finds_and_complains(desk: Desk) -> None:
    """
    The search box speaks the query language, keeps it in the address, and says what it does not know.
    """
    desk.send("alpha", "41793026701")
    desk.send("beta", "41793026702")
    page = desk.open()

    page.get_by_role("searchbox").fill("text:alpha state:accepted")
    expect(page.locator("tbody tr")).to_have_count(1, timeout=PATIENCE)
    address = page.url
    page.get_by_role("searchbox").fill("stat:failed")

    expect(page.get_by_role("alert").first).to_contain_text('did you mean "state"?', timeout=PATIENCE)
    assert address.endswith("?q=text%3Aalpha+state%3Aaccepted")


def test_phone__off_then_on_delivers_in_order(desk: Desk) -> None:
    """
    What is sent to a phone that is switched off waits, and arrives in order when it is switched on.
    """
    page = desk.open("/_ui/default/phone/+41793026727")
    page.get_by_role("switch", name="Power on").click()
    expect(page.get_by_text("The phone is off")).to_be_visible(timeout=PATIENCE)
    for text in ("first", "second", "third"):
        desk.send(text)
    page.get_by_role("button", name="+1 min").click()
    expect(page.get_by_role("heading", name="3 messages wait in the network")).to_be_visible(timeout=PATIENCE)

    page.get_by_role("switch", name="Power off").click()
    page.get_by_role("button", name="+1 min").click()

    expect(page.locator("#screen .bubble")).to_have_text(["first", "second", "third"], timeout=PATIENCE)


def test_suggestion__is_tapped_by_keyboard_alone(desk: Desk) -> None:
    """
    A suggestion that is tapped with the keyboard reaches the integrator as its postback.
    """
    desk.send_rich(
        {"text": "Where to?", "suggestions": [{"reply": {"text": "Zürich", "postbackData": "to_zrh"}}]}
    )
    page = desk.open("/_ui/default/phone/+41793026727")
    page.get_by_role("button", name="+1 min").press("Enter")
    suggestion = page.locator("#screen").get_by_role("button", name="Zürich")
    expect(suggestion).to_be_visible(timeout=PATIENCE)

    suggestion.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#screen .bubble.mine")).to_contain_text("Zürich", timeout=PATIENCE)
    desk.control("POST", "/clock/advance", {"until": "settled"})

    assert "to_zrh" in str(desk.integrator.postbacks())


def test_bip__following_opens_a_session(desk: Desk) -> None:
    """
    A service may send to a user once that one follows it.
    """
    desk.control("PUT", "/providers/bip", {"session": {"required": True}})
    page = desk.open("/_ui/default/phone/+905321234567")
    refused = desk.send_bip("905321234567", "t-1")
    page.locator("summary", has_text="Turkcell BiP").click()

    page.get_by_role("button", name="follows", exact=True).click()
    expect(page.locator("#screen .bubble.mine")).to_contain_text("follows", timeout=PATIENCE)
    accepted = desk.send_bip("905321234567", "t-2")

    assert (refused == 0, accepted == 0) == (False, True)


def test_webhooks__held_then_released_at_a_rate(desk: Desk) -> None:
    """
    Webhooks that are held leave at the rate that is asked for, and the histogram counts their answers.
    """
    page = desk.open("/_ui/default/webhooks")
    page.get_by_role("button", name="Hold").click()
    expect(page.locator(".ledgerctl").get_by_text("holding")).to_be_visible(timeout=PATIENCE)
    for number in range(50):
        desk.send("held", f"4179302{6000 + number}")
    desk.control("POST", "/clock/advance", {"by": "1h"})
    expect(page.locator(".ledgerctl")).to_contain_text("50 held back", timeout=PATIENCE)

    page.get_by_role("combobox", name="Rate, such as 100/s").fill("10/s")
    page.get_by_role("button", name="Release").click()
    expect(page.locator(".ledgerctl").get_by_text("flowing")).to_be_visible(timeout=PATIENCE)
    desk.control("POST", "/clock/advance", {"by": "2s"})
    expect(page.locator(".hist h2")).to_contain_text("21 attempts", timeout=PATIENCE)
    desk.control("POST", "/clock/advance", {"until": "settled"})

    expect(page.locator(".hist h2")).to_contain_text("50 attempts", timeout=PATIENCE)


def test_webhooks__those_selected_are_sent_again(desk: Desk) -> None:
    """
    Rows that are selected are sent once more.
    """
    for number in range(3):
        desk.send("again", f"4179302{6000 + number}")
    desk.control("POST", "/clock/advance", {"until": "settled"})
    page = desk.open("/_ui/default/webhooks")
    boxes = page.locator("[data-pick]")
    expect(boxes).to_have_count(3)

    boxes.nth(0).check()
    boxes.nth(2).check()
    page.get_by_role("button", name="Resend selected").click()

    expect(page.locator("tbody tr")).to_have_count(5, timeout=PATIENCE)


def test_next_event__steps_through_three_days(desk: Desk) -> None:
    """
    The debugger's step walks through the life of a message that expires after days.
    """
    desk.scenario({"rules": [{"name": "silent", "when": {}, "then": {"fate": "expire"}}]})
    desk.send("72 hours")
    page = desk.open()
    page.locator("a.open").first.click()
    page.wait_for_selector("#stream[data-state=live]")
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()

    for _ in range(12):
        if page.locator(".due .none").count():
            break
        page.keyboard.press("n")
        page.wait_for_timeout(150)

    expect(page.locator(".head .pill")).to_have_text("expired", timeout=PATIENCE)
    expect(page.locator(".tl .gaps text").first).to_contain_text("⋯")


def test_escape__returns_to_the_same_row(desk: Desk) -> None:
    """
    From a message, Escape leads back to its row in the list.
    """
    for number in range(5):
        desk.send(f"row {number}", f"4179302{6000 + number}")
    page = desk.open()
    for _ in range(3):
        page.keyboard.press("j")
    row = page.locator("tr.here")
    name = row.get_attribute("id")

    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Do it again")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("Escape")

    expect(page.locator("tr.here")).to_have_attribute("id", name or "", timeout=PATIENCE)


def test_scenario__complaints_stand_at_their_lines(desk: Desk) -> None:
    """
    A scenario that is not good is complained about, and a complaint leads to its line.
    """
    page = desk.open("/_ui/default/scenario")
    page.locator("#text").fill("name: bad\nrules:\n  - name: x\n    wenn: {}\n    then: {fate: expire}\n")

    page.get_by_role("button", name="Put in force").click()
    complaint = page.locator("#complaints button").first
    expect(complaint).to_contain_text("scenario:4", timeout=PATIENCE)
    complaint.click()
    selected = page.evaluate("text.value.slice(text.selectionStart, text.selectionEnd)")
    page.locator("#text").fill("name: good\nrules: [{name: r1, when: {}, then: {fate: deliver}}]\n")
    page.get_by_role("button", name="Put in force").click()

    expect(page.locator("h1")).to_have_text("good", timeout=PATIENCE)
    assert selected == "    wenn: {}"
    # The refusal itself is what the browser tells of.
    desk.complaints[:] = [said for said in desk.complaints if "422" not in said]


def test_spaces__are_created_and_deleted(desk: Desk) -> None:
    """
    A space is made with a form, has pages of its own, and is deleted from the list.
    """
    page = desk.open("/_ui/default/spaces")
    page.get_by_label("name", exact=True).last.fill("checkout")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(re.compile("/_ui/checkout/messages"))

    page.goto(f"{desk.url}/_ui/default/spaces")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()

    expect(page.locator("tbody tr")).to_have_count(1, timeout=PATIENCE)


HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script>",
    "\u202egnp.exe\u202c \u0000\u001b[31m",
    "'\"><svg/onload=alert(3)>",
    "{{ 7 * 7 }} {% raw %}",
)


def test_hostile_texts_are_inert_and_visible(desk: Desk) -> None:
    """
    Tags, marks that turn a line round and control characters are shown as what they are, on every page.
    """
    for number, text in enumerate(HOSTILE):
        desk.send(text, f"4179302{6000 + number}")
        card = {"title": text[:100], "description": text}
        rich = {"richCard": {"standaloneCard": {"cardOrientation": "VERTICAL", "cardContent": card}}}
        desk.send_rich(rich, f"+4179302{6000 + number}", f"m{number}")
    desk.send("x" * 1_000, "41793027000")
    desk.control("POST", "/clock/advance", {"until": "settled"})
    page = desk.open()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))

    for number in range(len(HOSTILE)):
        _walk(page, desk, f"+4179302{6000 + number}")

    assert dialogs == []
    assert page.locator("main img, main script, main svg[onload]").count() == 0
    page.goto(f"{desk.url}/_ui/default/phone/+41793026001")
    expect(page.locator("#screen").get_by_text("\\u202egnp.exe").first).to_be_visible()


def _walk(page: Page, desk: Desk, address: str) -> None:
    for path in (f"phone/{address}", f"message/infobip:{address}:1", f"message/rbm:{address}:1", "webhooks"):
        page.goto(f"{desk.url}/_ui/default/{path}")
        page.wait_for_selector("main h1")


def test_many_messages__the_page_has_two_hundred_rows(desk: Desk) -> None:
    """
    Of a hundred thousand messages a page has two hundred rows, and a query finds the one.
    """
    desk.fill(100_000)
    page = desk.open()
    expect(page.locator("#count")).to_have_text("the newest 200 of 100,000")

    page.get_by_role("searchbox").fill("text:77777")

    expect(page.locator("#count")).to_have_text("1 message", timeout=2 * PATIENCE)
    expect(page.locator("tbody tr")).to_have_count(1)


def test_record__is_scrubbed_and_forked(desk: Desk, tmp_path: Path) -> None:
    """
    A recorded run is moved along with the keyboard, and goes on from a moment in a space of its own.
    """
    desk.show_record(tmp_path)
    page = desk.open("/_ui/recording/messages")
    expect(page.locator(".pill.p-delivered")).to_have_count(1, timeout=PATIENCE)
    assert page.get_by_role("button", name="Next event").count() == 0

    page.get_by_role("button", name="The moment before").press("Enter")
    page.get_by_role("button", name="The moment before").press("Enter")
    expect(page.locator(".state .p-open")).to_have_count(1, timeout=PATIENCE)
    page.get_by_role("button", name="Fork here").click()
    page.wait_for_url(re.compile("/_ui/space-1/messages"))
    page.get_by_role("button", name="+1 h").click()

    expect(page.locator(".state .p-delivered")).to_have_count(1, timeout=PATIENCE)
