"""
The inspector's pages without a browser: what is served, to whom, and that texts stay texts.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness import Bench, serving

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
