"""Two distributions in one picture, as long as there is a mark in either."""

from __future__ import annotations

import re

from grader.grading.what_if import Distribution
from grader.reporting.pictures.marks import before_and_after


def test_bars_stand_in_pairs_as_high_as_the_marks_they_count() -> None:
    drawn = before_and_after(Distribution((4, 0), 1.0, 5.0), Distribution((1, 3), 3.0, 5.0))
    assert drawn is not None
    bars = re.findall(r'<rect x="([\d.]+)"[^>]*?height="([\d.]+)" class="bar-(\w+)" data-bin="(\d)"', drawn)
    assert [(when, place) for _, _, when, place in bars] == [
        ("before", "0"), ("after", "0"), ("before", "1"), ("after", "1"),
    ]  # fmt: skip
    heights = [float(height) for _, height, _, _ in bars]
    assert heights[0] > 0 and heights[2] == 0
    assert [height / heights[0] for height in heights] == [1.0, 0.25, 0.0, 0.75]
    lefts = [float(left) for left, _, _, _ in bars]
    assert lefts == sorted(lefts)
    assert "0 to 50 %: 4 before, 1 after; 50 to 100 %: 0 before, 3 after" in drawn


def test_nothing_is_drawn_of_nobody() -> None:
    empty = Distribution((0, 0), 0.0, 0.0)
    assert before_and_after(empty, empty) is None
