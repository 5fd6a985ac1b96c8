"""What is asked of every page, whatever it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Opened

__all__ = ["assert_quiet_and_fitting", "barriers", "left_without_focus", "serious_barriers", "squeezed"]

PHONES_AND_DESKTOP = (360, 390, 1280)


def assert_quiet_and_fitting(opened: Opened) -> None:
    """Nothing fetched, nothing complained of, nothing run, and no width at which a page scrolls sideways."""
    for width in PHONES_AND_DESKTOP:
        opened.page.set_viewport_size({"width": width, "height": 900})
        too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert opened.page.evaluate(too_wide) <= 0, width
    assert opened.asked_for == []
    assert opened.complaints == []
    assert not opened.ran


def serious_barriers(opened: Opened, *, contrast: bool = True) -> list[tuple[str, list[str]]]:
    """Rules of axe that are broken badly, each with the first elements that do.

    Args:
        opened: The page.
        contrast: Whether colours are looked at as well, which takes longer than all the rest.
    """
    options = {"rules": {"color-contrast": {"enabled": contrast}}}
    return [_told(each) for each in _violations(opened, options) if each["impact"] in ("serious", "critical")]


def barriers(opened: Opened, *, only: Sequence[str] = ()) -> list[tuple[str, list[str]]]:
    """All rules of axe that are broken at all, headings out of order and the like included.

    Args:
        opened: The page.
        only: The rules to ask; all where none is named.
    """
    return [_told(each) for each in _violations(opened, {"runOnly": list(only)} if only else {})]


def _violations(opened: Opened, options: dict[str, Any]) -> list[dict[str, Any]]:
    answer = Axe().run(opened.page, options={**options, "resultTypes": ["violations"]})
    violations: list[dict[str, Any]] = answer.response["violations"]
    return violations


def _told(violation: dict[str, Any]) -> tuple[str, list[str]]:
    return violation["id"], [node["html"][:200] for node in violation["nodes"][:3]]


def squeezed(page: Page) -> list[str]:
    """Texts in so little room that they stand letter below letter."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('main :is(td, th, p, li, dd, dt, label, h1, h2, h3)')]
            .filter(each => each.offsetParent && !each.closest('.hidden') && each.innerText.trim().length > 6)
            .map(each => [each, parseFloat(getComputedStyle(each).fontSize)])
            .filter(([each, size]) => each.clientWidth && each.clientWidth < 3 * size)
            .filter(([each, size]) => each.clientHeight > 5 * size)
            .map(([each]) => `squeezed at ${innerWidth} px: ${each.innerText.slice(0, 60)}`)"""
    )
    return found


def left_without_focus(page: Page) -> list[str]:
    """What can have the keyboard's focus, and does not show that it has it."""
    found: list[str] = page.evaluate(
        """() => {
            const shows = style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
            const all = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
            return [...document.querySelectorAll(all)]
                .filter(each => each.offsetParent && each.type !== 'hidden' && !each.disabled)
                .filter(each => {
                    each.focus({focusVisible: true, preventScroll: true});
                    const around = each.closest('.editor') || each;
                    return document.activeElement === each && !shows(getComputedStyle(around));
                })
                .map(each => `no focus to be seen: ${each.outerHTML.slice(0, 120)}`);
        }"""
    )
    return found
