"""Every page of the route table fits a phone, a tablet and a desktop, and has no barrier."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Opened as Shown
from tests.browser.inspection import barriers, left_without_focus, squeezed
from tests.browser.sights import Fair, Guest, Sight, fair, sights

#: Narrow, between and wide; at the first of them colours are looked at as well.
WIDTHS = (320, 768, 1280)
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
#: Who comes, so that what one of them has is one browser's.
GUESTS = ("staff", "a TA", "students", "others")


@pytest.fixture(scope="module")
def shown(browser: Browser) -> Iterator[Fair]:
    with fair(browser) as shown:
        yield shown


@pytest.mark.parametrize("whose", GUESTS)
def test_pages_fit_have_no_barrier_and_say_nothing_amiss(shown: Fair, whose: str) -> None:
    guests: dict[str, Guest] = {}
    found: list[object] = []
    looked = 0
    for sight in sights(shown.desk.courses):
        if whose == _group(sight.who):
            guest = guests[sight.who] = guests.get(sight.who) or shown.guest(sight.who)
            found += [(sight.name, each) for each in _look(shown, guest, sight)]
            looked += 1
    assert found == [], "\n".join(map(str, found))
    assert looked >= 2


def test_everybody_who_looks_is_of_one_group(shown: Fair) -> None:
    everybody = list(sights(shown.desk.courses))
    assert {_group(each.who) for each in everybody} == set(GUESTS)
    assert len({each.name for each in everybody}) == len(everybody) > 60


def _group(who: str) -> str:
    if who in ("ben", "dan"):
        return "a TA"
    return who if who == "staff" else "students" if re.fullmatch(r"s\d+", who) else "others"


def _look(shown: Fair, guest: Guest, sight: Sight) -> Iterator[object]:
    """What is wrong with a page."""
    page = guest.page
    guest.see(shown.address(sight.path), sight.status)
    if sight.do:
        sight.do(page)
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    for width in reversed(WIDTHS):
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate(TOO_WIDE) > 0:
            yield f"scrolls sideways at {width} px"
        yield from squeezed(page)
    # What a student handed in is shown as it is, in a frame without scripts: axe could not look.
    if "/untrusted/" not in sight.path:
        yield from barriers(Shown(page))
        page.emulate_media(color_scheme="dark")
        yield from (f"in the dark: {each}" for each in barriers(Shown(page), only=["color-contrast"]))
        page.emulate_media(color_scheme="light")
        yield from left_without_focus(page)
    page.set_viewport_size({"width": WIDTHS[-1], "height": 900})
    refused = sight.refuses or sight.status != 200
    yield from (said for said in guest.complaints if not (refused and re.search("a status of 4", said)))
    yield from guest.asked_for
    guest.complaints.clear()
    guest.asked_for.clear()


def test_what_is_looked_for_would_be_noticed(shown: Fair) -> None:
    page: Page = shown.guest().open("/c/course")
    page.evaluate(
        """() => {
            const main = document.querySelector('main');
            main.innerHTML = '<h1>x</h1><h4>y</h4><p>several words in a row</p>' +
                '<a href="/">there</a><p>pale</p>';
            // What a `style` in the text says is refused by the page's own rules.
            const [narrow, pale] = main.querySelectorAll('p');
            narrow.style.cssText = 'width: 12px; overflow-wrap: anywhere';
            main.querySelector('a').style.outline = '0';
            pale.style.cssText = 'color: #999; background: #fff';
        }"""
    )
    assert any("several words" in each for each in squeezed(page))
    assert any("there" in each for each in left_without_focus(page))
    assert {each[0] for each in barriers(Shown(page))} >= {"heading-order", "color-contrast"}
