"""A real Chromium, in which pages are opened as a student opens them: from a file, without a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from tests.unit.reporting.test_hostile_reports import CANARY


@dataclass
class Opened:
    """A page in the browser, and what it tried.

    Attributes:
        asked_for: Addresses beyond the file itself; each was refused.
        complaints: Errors that the browser's console showed.
    """

    page: Page
    asked_for: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def ran(self) -> bool:
        """Whether anything of a hostile notebook came to run."""
        return bool(self.page.evaluate("window.ran === true")) or self.page.title() == CANARY

    def unfold(self) -> Opened:
        """Opens what is folded, so that it counts as well."""
        self.page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        return self


Opener = Callable[..., Opened]


def _executable() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def chromium() -> tuple[str, list[str]]:
    """Where Chromium is, and with what to start it.

    Skips without it, but fails where the test command promised one (GRADER_REQUIRE_BROWSER=1).
    """
    executable = _executable()
    if executable is None and os.environ.get("GRADER_REQUIRE_BROWSER") == "1":
        pytest.fail("Chromium is not installed, and this run must not go without: scripts/browser.sh")
    if executable is None:
        pytest.skip("Chromium is not installed; `make test` installs it")
    return executable, ["--no-sandbox"] if os.geteuid() == 0 else []


# Not for the whole session: while Playwright runs, no other test could start an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable, arguments = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Iterator[dict[bool, BrowserContext]]:
    """For the light and the dark colour scheme; making one takes as long as showing a page."""
    made = {dark: browser.new_context(color_scheme="dark" if dark else "light") for dark in (False, True)}
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def open_page(contexts: dict[bool, BrowserContext], tmp_path: Path) -> Iterator[Opener]:
    """Opens HTML from a file of its own, at a width and in a colour scheme."""
    pages: list[Page] = []

    def open_page(html: str, *, width: int = 1280, dark: bool = False) -> Opened:
        path = tmp_path / f"page-{len(pages)}.html"
        path.write_text(html, encoding="utf-8")
        pages.append(contexts[dark].new_page())
        opened = Opened(pages[-1])
        opened.page.set_viewport_size({"width": width, "height": 900})
        _watch(opened, path.as_uri())
        opened.page.goto(path.as_uri())
        return opened

    yield open_page
    for page in pages:
        page.close()


def _watch(opened: Opened, address: str) -> None:
    def decide(route: Route) -> None:
        if route.request.url == address:
            route.continue_()
        else:
            opened.asked_for.append(route.request.url)
            route.abort()

    opened.page.route("**/*", decide)
    opened.page.on(
        "console", lambda said: opened.complaints.append(said.text) if said.type == "error" else None
    )
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.add_init_script(f"window.{CANARY} = () => {{ window.ran = true }}")
