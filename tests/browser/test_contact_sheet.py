"""A contact sheet under somebody's fingers: keys choose, and the command at the top says what was chosen."""

from __future__ import annotations

import base64

from playwright.sync_api import Browser

from grader.reporting.contact_sheet import Sheet, Shot, render_contact_sheet
from tests.browser.conftest import Opener

PIXEL = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ"
    "EBAQEBAQEBAQH/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AKp//2Q=="
)


def sheet() -> str:
    shots = tuple(
        Shot(f"A{take}", f"{take}.jpg", PIXEL, "JPEG", hints=("it looks dark",) if take > 1 else ())
        for take in (1, 2, 3)
    )
    rows = (("Letter A", shots),)
    command = "grader photos decide photos s101"
    return render_contact_sheet(Sheet("s101", "", "Photos", "9 of 10", (), rows, (), command))


def test_keys_choose_and_the_command_says_so(open_page: Opener) -> None:
    opened = open_page(sheet())
    page = opened.page
    for key in ("n", "a", "d"):
        page.keyboard.press(key)
    assert (
        page.locator("#command").text_content() == "grader photos decide photos s101 --accept A2 --doubt A3"
    )
    page.keyboard.press("u")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("d")
    told = page.locator("#command").text_content()
    assert told == "grader photos decide photos s101 --accept A2 --doubt A1"
    assert opened.complaints == []
    assert opened.asked_for == []


def test_a_click_does_as_well(open_page: Opener) -> None:
    page = open_page(sheet()).page
    page.locator('input[name="A1"][value="accept"]').check()
    assert page.locator("#command").text_content() == "grader photos decide photos s101 --accept A1"


def test_without_scripts_everything_is_there(browser: Browser, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "sheet.html"
    path.write_text(sheet(), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    page.locator('input[name="A2"][value="doubt"]').check()
    assert page.locator('input[name="A2"][value="doubt"]').is_checked()
    assert page.get_by_text("Without scripts this line does not fill itself").is_visible()
    assert page.locator("img").count() == 3
    context.close()
