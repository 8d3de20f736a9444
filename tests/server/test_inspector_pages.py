"""
The inspector's pages without a browser: what is served, to whom, and that texts stay texts.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import Environment, meta, nodes

from harness import Bench, serving
from simulator.server import inspector

PAGES = ("messages", "phones", "phone/+41793026727", "webhooks", "scenario", "run", "spaces")


async def get(bench: Bench, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    """Return status, text and headers of a page."""
    wanted = {"Accept": "text/html", **headers}
    async with bench.http.get(f"{bench.url}{path}", headers=wanted, allow_redirects=False) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


@pytest.mark.parametrize("page", PAGES)
async def test_page__may_run_and_fetch_nothing_but_its_own(page: str) -> None:
    """
    Each page is served empty and full, with a policy that leaves no room for what a text brings along.
    """
    async with serving() as bench:
        empty, _, headers = await get(bench, f"/_ui/default/{page}")
        await bench.send(text="<script>alert(1)</script>")

        full, text, _ = await get(bench, f"/_ui/default/{page}")

        assert (empty, full) == (200, 200)
        assert headers["Content-Security-Policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        assert "<script>alert" not in text
        assert " style=" not in text


async def test_front__leads_browsers_to_the_first_page() -> None:
    """
    A browser is led to the messages by a relative address, so that a prefix works; others get the list.
    """
    async with serving() as bench:
        status, _, headers = await get(bench, "/")
        plain, text, _ = await get(bench, "/", Accept="*/*")

        assert (status, headers["Location"], plain) == (302, "_ui/default/messages", 200)
        assert ["inspector", f"{bench.url}/_ui/"] in [line.rsplit(maxsplit=1) for line in text.splitlines()]


async def test_pages__are_not_served_to_other_origins_and_hosts() -> None:
    """
    Neither a page of somebody else nor a name that was made to point here gets anything.
    """
    async with serving() as bench:
        foreign, _, _ = await get(bench, "/_ui/default/messages", Origin="http://evil.example")
        rebound, _, _ = await get(bench, "/_ui/default/messages", Host="evil.example")

        assert (foreign, rebound) == (403, 403)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/_ui/none/messages", 404),
        ("/_ui/default/nothing", 404),
        ("/_ui/default/message/infobip:+41793026727:9", 404),
        ("/_ui/default/webhook/wh_none", 404),
        ("/_ui/static/nothing.js", 404),
        ("/_ui/static/..%2Froom.py", 404),
        ("/_ui/", 302),
        ("/_ui/default/", 302),
        ("/_ui/default/messages?q=stat:x", 200),
        ("/_ui/default/messages?from=x&pin=a:b:c,::,1", 200),
        ("/_ui/default/phone/%00%2F..%2F", 200),
    ],
)
async def test_path__that_leads_nowhere_says_so(path: str, status: int) -> None:
    """
    What is not there is told; a query that cannot be read is told on its page.
    """
    async with serving() as bench:
        answered, _, _ = await get(bench, path)

        assert answered == status


async def test_links__are_relative() -> None:
    """
    No page names the host or the root of the server, so that it works behind a proxy's prefix.
    """
    async with serving() as bench:
        await bench.send()
        for page in PAGES:
            _, text, _ = await get(bench, f"/_ui/default/{page}")

            assert 'href="/' not in text
            assert 'src="/' not in text


def test_server__starts_without_the_pages() -> None:
    """
    Neither templates nor pages are imported until somebody asks for one.
    """
    code = (
        "import sys, simulator.server.app;"
        "print([name for name in sys.modules if 'inspector' in name or name == 'jinja2'])"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout == "[]\n"


def test_templates__use_all_that_their_pages_hand_them_and_no_more() -> None:
    """
    A name that is changed on one side only would show on the one page that nobody opened.
    """
    folder = Path(inspector.__file__).parent
    environment = Environment()
    for name in ("upto", "lines", "breakable", "number"):
        environment.filters[name] = str
    everywhere = {
        keyword.arg
        for call in calls_in(folder / "frame.py", "render")
        for keyword in call.keywords
        if keyword.arg not in (None, "package")
    } | {"secrecy"}
    differences = {}
    for path in sorted(folder.glob("*_page.py")):
        for call in calls_in(path, "page"):
            template = ast.literal_eval(call.args[0])
            source = folder.joinpath("templates", template).read_text("utf-8")
            parsed = environment.parse(source)
            used = meta.find_undeclared_variables(parsed) - everywhere - declared(parsed)
            handed = {keyword.arg for keyword in call.keywords}
            if used != handed:
                differences[template] = sorted(map(str, used ^ handed))

    assert differences == {}


def declared(template: nodes.Template) -> set[str]:
    """Return the macros that a template brings or imports."""
    names = {macro.name for macro in template.find_all(nodes.Macro)}
    names |= {one.target for one in template.find_all(nodes.Import)}
    for imported in template.find_all(nodes.FromImport):
        names |= {name if isinstance(name, str) else name[1] for name in imported.names}
    return names


def calls_in(path: Path, function: str) -> list[ast.Call]:
    """Return the calls of a function in a file."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return [n for n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func) == function]
