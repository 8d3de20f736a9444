"""
A real browser; without one, all of this is skipped, loudly.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from e2e.desk import Desk, Integrator

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def missing() -> str:
    """Return why there is no browser, or an empty text."""
    if browser_path() is None:
        return "no Chromium was found; apt-get install chromium, or name one with CHROMIUM=/path"
    return ""


def browser_path() -> str | None:
    """Return where the system's browser is."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip everything here when there is no browser."""
    reason = missing()
    if reason:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Say last and loud that nothing was tested in a browser."""
    reason = missing()
    if reason:
        print(f"\n!!! NO PAGE WAS TESTED IN A BROWSER: {reason} !!!\n")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with sync_playwright() as driver:
        # As root, which CI is, Chromium has no sandbox.
        opened = driver.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def desk(browser: Browser) -> Iterator[Desk]:
    """A desk whose pages must not complain, nor ask any host but the simulator."""
    integrator = Integrator()
    opened = Desk(browser, integrator)
    yield opened
    opened.close()
    integrator.close()
    assert opened.complaints == []
    assert opened.hosts <= opened.servers
