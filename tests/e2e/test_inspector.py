"""
The inspector in a real browser: pages stay live, phones are used, hostile texts stay texts.
"""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from e2e.desk import Desk, address_told, simulator

SECOND = 1_000
WATCH = """(what) => {
  window.watched = [];
  const look = () => {
    const text = document.querySelector(what)?.querySelector("small")?.textContent ?? "";
    if (/\\d/.test(text) && text !== window.watched.at(-1)) window.watched.push(text);
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
"""Notes every text that a place has from now on."""
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
    desk.excuse("ERR_")


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
    _tab_to(page, "+1 min")
    page.keyboard.press("Enter")
    expect(page.locator("#screen").get_by_role("button", name="Zürich")).to_be_visible(timeout=PATIENCE)

    _tab_to(page, "Zürich")
    page.keyboard.press("Enter")
    expect(page.locator("#screen .bubble.mine")).to_contain_text("Zürich", timeout=PATIENCE)
    desk.control("POST", "/clock/advance", {"until": "settled"})

    assert "to_zrh" in str(desk.integrator.postbacks())


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the button of that name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"no Tab leads to {name!r}")


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
    Five hundred webhooks that are held leave at the rate asked for, and the histogram moves with them.
    """
    page = desk.open("/_ui/default/webhooks")
    page.get_by_role("button", name="Hold").click()
    expect(page.locator(".ledgerctl").get_by_text("holding")).to_be_visible(timeout=PATIENCE)
    desk.fill(500)
    desk.control("POST", "/clock/advance", {"by": "1h"})
    expect(page.locator(".ledgerctl")).to_contain_text("500 held back", timeout=PATIENCE)
    page.evaluate(WATCH, ".hist h2")

    page.get_by_role("combobox", name="Rate, such as 100/s").fill("100/s")
    page.get_by_role("button", name="Release").click()
    expect(page.locator(".ledgerctl").get_by_text("flowing")).to_be_visible(timeout=PATIENCE)
    desk.control("POST", "/clock/advance", {"by": "2s"})
    expect(page.locator(".hist h2")).to_contain_text("201 attempts", timeout=PATIENCE)
    bars = page.locator(".histogram .c-ok")
    before = [bars.nth(number).get_attribute("height") for number in range(bars.count())]
    page.get_by_label("How time passes").select_option("live")

    expect(page.locator(".hist h2")).to_contain_text("500 attempts", timeout=4 * PATIENCE)
    seen = page.evaluate("window.watched")
    counts = [int(re.sub(r"\D", "", text)) for text in seen]
    assert counts == sorted(counts)
    assert len([count for count in counts if 201 < count < 500]) >= 3
    assert before != [None] * len(before)
    assert len(desk.integrator.received) == 500


def test_webhooks__all_that_failed_since_are_sent_again(desk: Desk) -> None:
    """
    What was lost lately is sent once more with one press; what was lost before that is not.
    """
    desk.integrator.status = 500
    desk.send("long ago", "41793026001")
    desk.control("POST", "/clock/advance", {"until": "settled"})
    desk.control("POST", "/clock/advance", {"by": "10d"})
    desk.send("lately", "41793026002")
    desk.control("POST", "/clock/advance", {"until": "settled"})
    desk.integrator.status = 200
    page = desk.open("/_ui/default/webhooks")
    lost = page.get_by_label("Lost webhooks owed since")
    expect(lost.locator("option").first).to_have_text("ever: 2")

    lost.select_option(label="in the last 7d: 1")
    page.get_by_role("button", name="Resend the lost").click()
    desk.control("POST", "/clock/advance", {"until": "settled"})

    expect(page.locator("tbody tr")).to_have_count(3, timeout=PATIENCE)
    assert desk.integrator.received[-1][1]["results"][0]["to"] == "41793026002"


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
    The debugger's step walks through the life of a message that expires after 72 hours.
    """
    desk.scenario({"rules": [{"name": "silent", "when": {}, "then": {"fate": "expire"}}]})
    desk.send_rich({"text": "72 hours"}, ttl="259200s")
    page = desk.open()
    page.locator("a.open").first.click()
    page.wait_for_selector("#stream[data-state=live]")
    expect(page.locator(".head .pill")).to_have_text("accepted")

    while not page.locator(".due .none").count():
        before = page.locator(".day small").inner_text()
        page.keyboard.press("n")
        expect(page.locator(".day small")).not_to_have_text(before, timeout=PATIENCE)

    expect(page.locator(".head .pill")).to_have_text("expired", timeout=PATIENCE)
    expect(page.locator(".day small")).to_contain_text("+3d 00:00:00", timeout=PATIENCE)
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


def test_question_mark__lists_the_keys_and_switches_them_off(desk: Desk) -> None:
    """
    `?` shows what keys do; where single keys are in the way they are switched off, and stay so.
    """
    page = desk.open()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("back to the list, to the same row")

    dialog.get_by_label("single keys are shortcuts").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("p")

    expect(page.locator("#stream")).to_have_attribute("data-state", "live")
    page.reload()
    page.keyboard.press("3")
    expect(page.get_by_role("heading", level=1)).to_have_text("Messages")


def test_filters_and_selection_are_in_the_address(desk: Desk) -> None:
    """
    What is filtered, pinned and begun from is there again for whoever opens the same address.
    """
    desk.send("alpha", "41793026701")
    desk.send("beta", "41793026702")
    page = desk.open()
    page.get_by_role("link", name="accepted 2").click()
    page.wait_for_selector("#stream[data-state=live]")
    page.get_by_role("link", name="Pin the message to +41793026701").click()
    page.wait_for_selector("#stream[data-state=live]")
    address = page.url.removeprefix(desk.url)

    other = desk.open(address)

    expect(other.get_by_role("searchbox")).to_have_value("state:accepted")
    expect(other.locator("tbody tr").first).to_contain_text("alpha")
    expect(other.locator("tbody tr.pinned")).to_have_count(1)


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
    desk.excuse("422")


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


def test_text_of_a_megabyte_is_cut_and_inert(desk: Desk) -> None:
    """
    A text of a megabyte, full of tags, neither widens a page nor is written out whole.
    """
    desk.fill(1, "<b onclick=alert(1)>\u202e" * 45_000 + "{:d}")
    desk.control("POST", "/clock/advance", {"until": "settled"})
    page = desk.open()
    for path in ("messages", "message/infobip:+41790000000:1", "phone/+41790000000", "phones", "webhooks"):
        page.goto(f"{desk.url}/_ui/default/{path}")
        page.wait_for_selector("#stream[data-state=live]")

        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert len(page.content()) < 300_000
        assert page.locator("main b[onclick]").count() == 0


def test_advance_under_way__is_told_in_the_clock_bar(desk: Desk) -> None:
    """
    While an advance waits for the integrator, every page says for whom, and the page stays alive.
    """
    desk.send("slow")
    gate = desk.integrator.close_gate()
    page = desk.open()
    page.get_by_role("button", name="Settle").click()

    expect(page.locator(".due")).to_contain_text(
        "draining: 1 webhook and 0 calls in flight", timeout=PATIENCE
    )
    expect(page.locator(".due")).to_contain_text("waits for", timeout=PATIENCE)
    gate.set()
    expect(page.locator(".due")).to_contain_text("nothing is due", timeout=PATIENCE)


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


STORM = """
name: a little storm
providers: {{infobip: {{webhook: {{url: {url}/reports}}}}}}
timeline: [{{at: 1s, provider: infobip, storm: {{messages: 40, rate: 20/s}}}}]
expect: {{messages: {{final: 100%}}, webhooks: {{lost: 0, acknowledged: 100%}}}}
"""


def test_run__is_shown_while_it_lasts_and_when_it_is_over(desk: Desk, tmp_path: Path) -> None:
    """
    The page of a run has its verdict and plots while it lasts; `--inspect` and the record keep them.
    """
    scenario, record = tmp_path / "storm.yaml", tmp_path / "record"
    scenario.write_text(STORM.format(url=desk.integrator.url))
    arguments = ["run", str(scenario), "--record", str(record), "--inspect"]
    with simulator(*arguments, "--live", "1") as (url, process):
        page = desk.open("/_ui/default/run", url)
        expect(page.locator(".head .pill")).to_have_text("running")
        expect(page.locator(".verdict")).to_contain_text("SO FAR")
        assert address_told(process) == url
        expect(page.locator(".verdict")).to_have_text("PASSED", timeout=PATIENCE)
        expect(page.locator(".head .pill")).to_have_text("over")
        for row, number in (("came, against the plan", "40 / 40"), ("webhooks owed", "0 now")):
            expect(page.locator(".lanes .row").filter(has_text=row)).to_contain_text(number)
        assert page.locator(".chart[aria-label^='latency of answers'] rect").count() > 0
        page.close()

    with simulator("open", str(record)) as (url, _):
        page = desk.open("/_ui/recording/run", url)
        expect(page.locator(".verdict")).to_have_text("PASSED")
        page.get_by_role("button", name="The moment before").click()
        expect(page.locator(".head .pill")).to_have_text("running", timeout=PATIENCE)
        page.close()
    # A server that goes away is no fault of the page.
    desk.excuse("ERR_")


def test_journal__is_scrubbed_and_cannot_be_forked(desk: Desk, tmp_path: Path) -> None:
    """
    What a server wrote into its journal is looked at like a record, read-only, though it cannot go on.
    """
    journal = tmp_path / "journal.ndjson"
    with simulator("serve", "--journal", str(journal), "--clock", "frozen") as (url, process):
        desk.send("told", "41793026001", base=url)
        desk.call("POST", "/_sim/v1/spaces/default/clock/advance", {"by": "1m"}, base=url)
        process.terminate()
        process.wait()

    with simulator("open", str(journal)) as (url, _):
        page = desk.open("/_ui/default/phone/+41793026001", url)
        expect(page.locator("#screen .bubble")).to_have_text(["told"])
        expect(page.get_by_role("switch", name="Power on")).to_be_disabled()
        assert page.get_by_role("button", name="Fork here").count() == 0
        page.get_by_role("button", name="The moment before").click()
        expect(page.locator("#screen .bubble")).to_have_count(0, timeout=PATIENCE)
        page.close()
    desk.excuse("ERR_")
