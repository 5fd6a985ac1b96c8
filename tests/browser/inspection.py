"""What is asked of every page, whatever it shows."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Opened

__all__ = ["assert_quiet_and_fitting", "serious_barriers"]

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
    options = {"rules": {"color-contrast": {"enabled": contrast}}, "resultTypes": ["violations"]}
    return [
        (each["id"], [node["html"][:200] for node in each["nodes"][:3]])
        for each in Axe().run(opened.page, options=options).response["violations"]
        if each["impact"] in ("serious", "critical")
    ]
