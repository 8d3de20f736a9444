"""
Test suites for the plugin to run in.
"""

from __future__ import annotations

import pytest

import simulator.client
import simulator.scenario.yaml
import simulator.thread
from simulator.provider import discover

# Pytester unloads what its runs import, and C extensions do not survive being
# loaded twice: everything is loaded here, once.
__all__ = ["discover", "simulator"]
discover()

HELPERS = """
import json
import urllib.request

def send(url, to="41793026727", text="hello"):
    body = {"messages": [{"destinations": [{"to": to}], "text": text}]}
    request = urllib.request.Request(
        f"{url}/sms/2/text/advanced",
        json.dumps(body).encode(),
        {"Authorization": "App key", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["messages"]
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return an empty test suite with a helper to send."""
    # In CI pytest's summary has whole messages, which stand in the report as well.
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(helpers=HELPERS)
    pytester.makeini(
        "[pytest]\nfilterwarnings = error\n"
        "addopts = -p no:cacheprovider -p no:randomly -p no:asyncio -p no:aiohttp --strict-markers\n"
    )
    pytester.syspathinsert()
    return pytester
