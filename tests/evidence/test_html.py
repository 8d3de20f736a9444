"""
The HTML evidence is one harmless file that can be read with ten messages and with ten thousand.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.loft import Loft
from simulator.evidence.html import html
from simulator.evidence.result import Check
from simulator.kernel.model.fates import Fate
from simulator.kernel.model.recipient import Trait, Window
from simulator.kernel.model.rules import Match
from simulator.kernel.model.submission import MessageKey
from simulator.kernel.model.units import ConstantDelay, UniformDelay
from toys.bench import rule
from toys.pigeon import pigeon

SOON = Fate(after=UniformDelay(500, 4_000), progress=())
HOSTILE = "</p><script>alert(1)</script><img src=http://evil.test/x onerror=alert(2)>\x00\u202e'\""
_VOID = {"meta", "br", "wbr", "img", "link", "input", "hr"}
# What HTML lets stand only among blocks, and where only text and its like may stand.
_BLOCKS = {
    "p",
    "div",
    "section",
    "header",
    "nav",
    "table",
    "tr",
    "td",
    "th",
    "dl",
    "dt",
    "dd",
    "pre",
    "details",
    "summary",
    "h1",
    "h2",
    "h3",
    "ul",
    "li",
}
_NO_BLOCKS_IN = {"p", "span", "summary", "pre", "h1", "h2", "h3", "small", "code", "b", "a", "dt", "svg"}
_ONLY_IN = {
    "summary": {"details"},
    "tr": {"table"},
    "td": {"tr"},
    "th": {"tr"},
    "dt": {"div", "dl"},
    "dd": {"div", "dl"},
    "use": {"svg"},
    "li": {"ul"},
}


class Page(HTMLParser):
    """
    What is on a page: tags, attributes, texts; complains about tags that do not match or stand wrongly.
    """

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)

    def _note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self._open[-1] if self._open else ""
        assert parent in _ONLY_IN.get(tag, {parent}), f"<{tag}> in <{parent}>"
        if tag in _BLOCKS:
            assert not _NO_BLOCKS_IN.intersection(self._open), f"<{tag}> in {self._open}"
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def busy() -> Loft:
    """
    Return a loft with hostile texts and of everything a little.
    """
    off = {"reachable": Trait((Window(False, 0, 3_600_000),))}
    loft = Loft(rule("soon <b>", fate=SOON), recipients={"+905550000001": off})
    loft.answers = lambda webhook: 500 if len(webhook.attempts) < 1 else 200
    loft.excerpt = HOSTILE
    loft.send(
        pigeon(to="+905550000001", text=HOSTILE, id=HOSTILE, sender=HOSTILE),
        pigeon(to="+905550000002", text=HOSTILE),
        pigeon(to=HOSTILE, text="x"),
        pigeon(to="+905550000003", refusal=HOSTILE),
    )
    loft.settle()
    return loft


def assert_harmless(page: Page) -> None:
    """
    Nothing on the page runs, loads or leads away.
    """
    assert not {"script", "img", "iframe", "object", "embed", "link", "form", "base"} & set(page.tags)
    ids = [value for _, name, value in page.attributes if name == "id"]
    targets = {value for _, name, value in page.attributes if name in ("href", "src")}
    assert len(ids) == len(set(ids))
    assert targets <= {f"#{id}" for id in ids}
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]


def test_hostile_texts_stay_texts() -> None:
    """
    Markup in texts, ids, senders, recipients, codes, rules and answers is shown, not obeyed.
    """
    check = Check(name=HOSTILE, passed=False, detail=HOSTILE, lines=(HOSTILE,))

    page = Page(html(busy().result(check, name=HOSTILE)))

    assert_harmless(page)
    assert sum("<script>alert(1)</script>" in told for told in page.texts) >= 8
    assert not any("\x00" in told or "\u202e" in told for told in page.texts)


@settings(max_examples=25)
@given(words=st.text(st.characters(), max_size=60))
def test_page_is_well_formed_and_harmless_whatever_is_said(words: str) -> None:
    """
    No text of any characters opens or closes anything, and the file can be written as UTF-8.
    """
    loft = Loft(rule("soon", fate=SOON))
    loft.excerpt = words
    loft.send(pigeon(to="+905550000001", text=words, sender=words))
    loft.settle()

    document = html(loft.result(Check(name=words, passed=False, detail=words, lines=(words,)), name=words))

    assert_harmless(Page(document))
    assert document.encode().decode() == document


def test_policy_allows_the_pages_own_style_and_nothing_else() -> None:
    """
    The content security policy names the hash of the one style sheet.
    """
    document = html(busy().result())

    style = re.search(r"<style>(.*?)</style>", document, re.DOTALL)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    policies = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', document)
    assert policies == [
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    ]
    assert "url(http" not in style[1]
    assert "@import" not in style[1]


def test_same_space_gives_the_same_page() -> None:
    """
    Nothing of the machine or the moment gets in.
    """
    assert html(busy().result()) == html(busy().result())


def test_verdict_is_said() -> None:
    """
    Passed, failed, or nothing expected.
    """
    good, bad = Check(name="a", passed=True), Check(name="b", passed=False)
    loft = Loft()

    pages = [html(loft.result(*checks)) for checks in ((), (good,), (good, bad))]

    verdicts = [re.findall(r'class="verdict \w+">([A-Z ]+)<', page) for page in pages]
    assert verdicts == [["NO EXPECTATIONS"], ["PASSED"], ["FAILED"]]


def test_unreachable_time_is_shaded_in_the_lane() -> None:
    """
    The span in which the phone was off is in the lane of its message, and in no other.
    """
    document = html(busy().result())

    lanes = re.findall(r'<svg class="lane".*?</svg>', document)
    shaded = [lane for lane in lanes if "out of reach 0s to 1h" in lane]
    assert (len(lanes), len(shaded)) == (3, 1)


def test_ten_thousand_messages_make_a_small_page_that_says_what_it_leaves_out() -> None:
    """
    Unusual ones come first, each group says how many of how many are drawn, the file stays small.
    """
    lost = rule("lost", when=Match(share_bp=500), fate=Fate(after=ConstantDelay(9_000), progress=()))
    loft = Loft(lost, rule("soon", fate=SOON))
    loft.answers = lambda w: 500 if w.created_ms % 9_000 == 0 else 200
    for number in range(100):
        loft.send(*(pigeon(to=f"+90555{number:03d}{i:04d}", text="x" * 160) for i in range(100)))
        loft.advance("9s")
    loft.settle()

    document = html(loft.result())

    groups = re.findall(r"<h3>(.*?) <small>(.*?)</small></h3>", document)
    assert [title for title, _ in groups] == ["Webhooks lost", "Arrived"]
    counts = [re.fullmatch(r"the first (\d+) of ([\d,]+)", said) for _, said in groups]
    assert [found and found[1] for found in counts] == ["20", "10"]
    assert sum(int(found[2].replace(",", "")) for found in counts if found) == 10_000
    assert document.count('<details class="m" ') == 30
    assert len(document) < 200_000


def test_file_stays_small_when_every_message_is_huge() -> None:
    """
    Three hundred messages with long texts and hundreds of attempts each do not burst the file.
    """
    loft = Loft(rule("soon", fate=SOON))
    loft.space.configure("pigeon", {"credentials": []})
    loft.answers = lambda webhook: 500
    loft.excerpt = "<" * 512
    loft.send(*(pigeon(to=f"+90555000{n:04d}", text="&" * 100_000) for n in range(300)))
    loft.settle()
    for webhook in loft.webhooks:
        webhook.attempts = webhook.attempts * 100

    document = html(loft.result())

    assert len(document) < 5_000_000


def test_lane_begins_at_acceptance_though_the_journal_does_not() -> None:
    """
    When the journal has kept only how a message ended, its lane still begins where it was accepted.
    """
    loft = Loft(rule("soon", fate=Fate(after=ConstantDelay(60_000), progress=())))
    loft.advance("5s")
    loft.simulation.journal.limit = 3
    loft.send(pigeon(to="+905550000001"))
    loft.settle()

    lane = re.findall(r'<svg class="lane".*?</svg>', html(loft.result()))[0]

    assert re.findall(r"<title>((?:accepted|delivered) [^<,]*)</title>", lane) == [
        "accepted 5s to 1m 5s",
        "accepted 5s",
        "delivered 1m 5s",
    ]


def judged() -> tuple[Loft, list[MessageKey]]:
    """
    Return a loft with a thousand messages that arrived, and a few of them to blame.
    """
    loft = Loft(rule("soon", fate=SOON))
    loft.send(*(pigeon(to=f"+90555{number:07d}", id=f"m-{number}") for number in range(1_000)))
    loft.settle()
    keys = list(loft.simulation.messages)
    return loft, [keys[700], keys[30], keys[999]]


def test_blamed_messages_come_first_and_are_linked() -> None:
    """
    Whoever reads that an expectation is not met gets to the messages in one step.
    """
    loft, blamed = judged()
    check = Check(name="integrator: state", passed=False, detail="wrong about 3", blamed=tuple(blamed))
    good = Check(name="messages.final: 100%", passed=True, detail="fine", blamed=(blamed[0],))

    document = html(loft.result(good, check))

    rows = dict(re.findall(r'<details class="m" id="(m\d+)">.*?<span class="who">([^<]*)', document))
    links = re.findall(r'<a href="#(m\d+)">([^<]*)</a>', document)
    titles = re.findall(r"<h3>(.*?) <small>(.*?)</small></h3>", document)
    assert titles == [("Blamed by an expectation", "3"), ("Arrived", "the first 10 of 997")]
    assert [(rows[row], name) for row, name in links] == [(key.recipient, str(key)) for key in blamed]
    assert document.count("blamed by integrator: state") == 3


def test_more_blamed_messages_than_are_drawn_are_counted() -> None:
    """
    The links lead to rows that there are, and the page says how many have none.
    """
    loft, _ = judged()
    blamed = tuple(loft.simulation.messages)[:500]

    document = html(loft.result(Check(name="integrator: state", passed=False, blamed=blamed)))

    Page(document)
    assert "and 480 more not linked" in " ".join(document.split())


def test_every_message_is_found_though_only_some_are_drawn() -> None:
    """
    Number and id of each stand on the page, under the end that it came to, for the browser's search.
    """
    loft, _ = judged()

    document = html(loft.result())

    listed = re.search(r'(?s)<section class="index">(.*?)</section>', document)
    assert listed is not None
    assert all(f"+90555{number:07d} m-{number}" in listed[1] for number in range(1_000))
    assert "<b>Arrived (1,000)</b>" in listed[1]


def test_stories_keep_their_indentation() -> None:
    """
    What belongs to a line stands under it, as in the terminal.
    """
    check = Check(name="a", passed=False, lines=("fate: rule", "  not rule x: y", "", "next"))

    document = html(Loft().result(check))

    assert "<pre>fate: rule\n  not rule x: y\n\nnext\n</pre>" in document


def test_names_of_expectations_break_after_dots() -> None:
    """
    A long name is not torn inside a word.
    """
    document = html(Loft().result(Check(name="webhooks.latency.p99: 250ms", passed=True)))

    assert "<code>webhooks.<wbr>latency.<wbr>p99: 250ms</code>" in document


def test_figures_worth_a_look_come_first() -> None:
    """
    Reproaches lead; what is nothing or was not measured is named in a line and takes no room.
    """
    document = html(busy().result())

    tiles = re.findall(r"<dt>(.*?)</dt>", document)
    assert tiles[:4] == ["lost", "error answers", "no answer", "heard out of order"]
    assert "latency p99" in tiles[4:6]
    assert "since due p99" not in tiles
    assert re.search(r"not measured: [a-z0-9, ]*since due p99", document)


def test_what_was_not_judged_has_no_tick() -> None:
    """
    A dash stands before it, and the heading counts it apart from what was met.
    """
    good = Check(name="messages.final: 100%", passed=True)
    open_question = Check(name="webhooks.lost: 0", passed=True, judged=False, detail="none was owed")

    document = html(busy().result(good, open_question))

    assert re.findall(r'<td class="mark (\w+)">(.)</td>', document) == [("pass", "✓"), ("soft", "–")]
    assert "1 met, 1 not judged" in document
