"""The style sheet: readable in both colour schemes and in print, and without anything to fetch."""

from __future__ import annotations

import re
from importlib import resources

import pytest

SHEET = resources.files("grader.reporting").joinpath("templates/page.css").read_text(encoding="utf-8")

#: Text colours and the grounds that they stand on.
PAIRS = [
    *((text, ground) for text in ("ink", "quiet", "link") for ground in ("paper", "wash")),
    *((tone, f"{tone}-wash") for tone in ("good", "part", "bad", "wait")),
    *((tone, "paper") for tone in ("good", "part", "bad", "wait")),
    *((token, ground) for token in "kscnf" for ground in ("paper", "mark")),
    ("ink", "mark"),
    ("ink", "part-wash"),
    ("quiet", "part-wash"),
]
AA = 4.5


def variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def schemes() -> dict[str, dict[str, str]]:
    light, dark = (variables(block) for block in re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)[:2])
    return {"light": light, "dark": {**light, **dark}}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_guideline() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_is_readable_on_its_ground(scheme: str, text: str, ground: str) -> None:
    colours = schemes()[scheme]
    assert contrast(colours[text], colours[ground]) >= AA


def test_both_schemes_name_the_same_colours() -> None:
    light, dark = (set(variables(block)) for block in re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)[:2])
    assert light == dark
    assert set(re.findall(r"var\(--([\w-]+)\)", SHEET)) <= light


def test_nothing_is_fetched() -> None:
    assert not re.search(r"url\(|@import|@font-face|expression\(|javascript:", SHEET)
