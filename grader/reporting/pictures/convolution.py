"""One convolution or pooling in numbers: input, kernel, expected, got, and the first window that went wrong.

Reads the record that `grader.checks` leaves under ``data["picture"]``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from grader.grading.verdict import Finding
from grader.reporting.model import ReportInput
from grader.reporting.pages import fragment
from grader.reporting.pictures.heatmap import Box, Grid, Rows, largest, numbers_of
from grader.reporting.text import number, plain
from grader.rubric.model import Criterion

__all__ = ["draw"]

_WRITTEN_OUT = 9
_ROUNDING = 0.005


@dataclass(frozen=True)
class Panel:
    """One grid with its title."""

    title: str
    grid: Grid


def draw(report: ReportInput, finding: Finding, criterion: Criterion | None) -> Markup | None:
    record = finding.data.get("picture")
    if not isinstance(record, Mapping):
        return None
    shows_expected = report.shows_expected(finding)
    rows = [*_given(record, shows_expected), _outputs(record, shows_expected)]
    rows = [row for row in rows if row]
    if not rows:
        return None
    return fragment(
        "convolution.html.j2",
        rows=rows,
        how=_how(record, shows_expected),
        sentence=_first_wrong(record) if shows_expected else "",
    )


def _given(record: Mapping[str, Any], shows_expected: bool) -> list[list[Panel]]:
    """Input and kernel: side by side where each has one channel, else a row for each."""
    images = [rows for rows in map(numbers_of, record.get("input") or ()) if rows]
    kernels = [rows for rows in map(numbers_of, record.get("kernel") or ()) if rows]
    inputs, weights = _inputs(record, images, shows_expected), _kernels(kernels)
    return [inputs, weights] if len(images) > 1 else [inputs + weights]


def _inputs(record: Mapping[str, Any], images: Sequence[Rows], shows_expected: bool) -> list[Panel]:
    frame = _pair(record.get("padding"), 0)
    window = _window(record, frame) if shows_expected else None
    scale = largest(*images)
    return [
        Panel(title, Grid(title, _padded(rows, frame), scale, frame, window))
        for title, rows in zip(_titles("Input", len(images)), images, strict=True)
    ]


def _kernels(kernels: Sequence[Rows]) -> list[Panel]:
    scale = largest(*kernels)
    titles = _titles("Kernel", len(kernels))
    return [Panel(title, Grid(title, rows, scale)) for title, rows in zip(titles, kernels, strict=True)]


def _outputs(record: Mapping[str, Any], shows_expected: bool) -> list[Panel]:
    expected = numbers_of(record.get("expected")) if shows_expected else None
    got = numbers_of(record.get("got"))
    difference = numbers_of(record.get("difference")) if shows_expected else None
    wrong = record.get("first_wrong") if shows_expected else None
    spot = Box(wrong["row"], wrong["column"]) if wrong else None
    scale = largest(expected, got)
    panels = []
    if expected:
        panels.append(Panel("Expected", Grid("Expected", expected, scale, marked=spot)))
    if got:
        panels.append(Panel("Yours", Grid("Yours", got, scale, marked=spot)))
    if difference and largest(difference) and any(value for row in difference for value in row):
        grid = Grid("Difference", difference, largest(difference), marked=spot, differences=True)
        panels.append(Panel("Yours − expected", grid))
    return panels


def _titles(name: str, channels: int) -> list[str]:
    return [name] if channels == 1 else [f"{name}, channel {i}" for i in range(channels)]


def _padded(rows: Rows, frame: tuple[int, int]) -> Rows:
    down, right = frame
    width = len(rows[0]) + 2 * right
    empty = ((0.0,) * width,) * down
    sides = (0.0,) * right
    return (*empty, *((*sides, *row, *sides) for row in rows), *empty)


def _window(record: Mapping[str, Any], frame: tuple[int, int]) -> Box | None:
    wrong = record.get("first_wrong")
    if not wrong:
        return None
    window = wrong["window"]
    return Box(window["top"] + frame[0], window["left"] + frame[1], window["height"], window["width"])


def _pair(value: Any, default: int) -> tuple[int, int]:
    given: list[Any] = value if isinstance(value, list) and len(value) == 2 else [default, default]
    return int(given[0]), int(given[1])


def _how(record: Mapping[str, Any], shows_expected: bool) -> str:
    """Stride, padding and shapes in one line."""
    parts = []
    stride, padding = _pair(record.get("stride"), 1), _pair(record.get("padding"), 0)
    if stride != (1, 1):
        parts.append(f"stride {stride[0] if stride[0] == stride[1] else plain(list(stride))}")
    if padding != (0, 0):
        parts.append(f"padding {padding[0] if padding[0] == padding[1] else plain(list(padding))}")
    if shows_expected and record.get("expected_shape") is not None:
        parts.append(f"expected shape {plain(record['expected_shape'])}")
    if record.get("got_shape") is not None:
        parts.append(f"your shape {plain(record['got_shape'])}")
    plane = record.get("plane") or []
    if plane and record.get("got") is not None:
        parts.append(f"output channel {plane[-1]} is shown")
    return ", ".join(parts)


def _first_wrong(record: Mapping[str, Any]) -> str:
    """The first wrong number in words, with its sum written out where that is short."""
    wrong = record.get("first_wrong")
    if not wrong:
        return ""
    place = f"The first wrong number stands in row {wrong['row']}, column {wrong['column']} (counted from 0)"
    values = f"expected {_value(wrong['expected'])}, yours {_value(wrong['got'])}"
    written = _written_out(record)
    return f"{place}: {values}." + (f" Its window gives {written}." if written else "")


def _written_out(record: Mapping[str, Any]) -> str:
    images, kernels = list(record.get("input") or []), list(record.get("kernel") or [])
    if len(images) != 1 or len(kernels) != 1:
        return ""
    image, kernel = numbers_of(images[0]), numbers_of(kernels[0])
    frame = _pair(record.get("padding"), 0)
    window = _window(record, frame)
    if image is None or kernel is None or window is None or len(kernel) * len(kernel[0]) > _WRITTEN_OUT:
        return ""
    seen = [row[window.left : window.left + window.width] for row in _padded(image, frame)]
    seen = seen[window.top : window.top + window.height]
    if [len(row) for row in seen] != [len(row) for row in kernel]:
        return ""
    pairs = [pair for a, b in zip(seen, kernel, strict=True) for pair in zip(a, b, strict=True)]
    total = sum(a * b for a, b in pairs)
    # With a bias or a dilation the sum is another one, which would only confuse.
    if not math.isclose(total, record["first_wrong"]["expected"], rel_tol=_ROUNDING, abs_tol=_ROUNDING):
        return ""
    return " + ".join(f"{_factor(a)}·{_factor(b)}" for a, b in pairs) + f" = {_value(total)}"


def _factor(value: float) -> str:
    written = _value(value)
    return f"({written})" if written.startswith("-") else written


def _value(value: Any) -> str:
    return number(round(float(value), 3)) if isinstance(value, int | float) else plain(value)
