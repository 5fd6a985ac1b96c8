"""One convolution or pooling in numbers: input, kernel, expected, got, the first window that went wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from grader.grading.verdict import Finding
from grader.judging.exhibits import FirstWrong, Plane, Window
from grader.reporting.model import ReportInput
from grader.reporting.pages import fragment
from grader.reporting.pictures.heatmap import Box, Grid, is_grid, largest
from grader.reporting.text import number, plain

__all__ = ["draw"]

_WRITTEN_OUT = 9
_ROUNDING = 0.005


@dataclass(frozen=True)
class Panel:
    """One grid with its title."""

    title: str
    grid: Grid


def draw(report: ReportInput, finding: Finding, exhibit: Window) -> Markup | None:
    shows_expected = report.shows_expected(finding)
    # What went in was drawn for this attempt: it is held back with what should have come out.
    rows = [*(_given(exhibit) if shows_expected else ()), _outputs(exhibit, shows_expected)]
    rows = [row for row in rows if row]
    if not rows:
        return None
    return fragment(
        "convolution.html.j2",
        rows=rows,
        how=_how(exhibit, shows_expected),
        sentence=_first_wrong(exhibit) if shows_expected else "",
    )


def _given(exhibit: Window) -> list[list[Panel]]:
    """Input and kernel: side by side where each has one channel, else a row for each."""
    images = [plane for plane in exhibit.input or () if is_grid(plane)]
    kernels = [plane for plane in exhibit.kernel or () if is_grid(plane)]
    inputs, weights = _inputs(exhibit, images), _kernels(kernels)
    return [inputs, weights] if len(images) > 1 else [inputs + weights]


def _inputs(exhibit: Window, images: Sequence[Plane]) -> list[Panel]:
    frame = exhibit.padding
    window = _box(exhibit.first_wrong, frame)
    scale = largest(*images)
    return [
        Panel(title, Grid(title, _padded(rows, frame), scale, frame, window))
        for title, rows in zip(_titles("Input", len(images)), images, strict=True)
    ]


def _kernels(kernels: Sequence[Plane]) -> list[Panel]:
    scale = largest(*kernels)
    titles = _titles("Kernel", len(kernels))
    return [Panel(title, Grid(title, rows, scale)) for title, rows in zip(titles, kernels, strict=True)]


def _outputs(exhibit: Window, shows_expected: bool) -> list[Panel]:
    expected = exhibit.expected if shows_expected else None
    got, difference = exhibit.got, exhibit.difference if shows_expected else None
    wrong = exhibit.first_wrong if shows_expected else None
    spot = Box(wrong.row, wrong.column) if wrong else None
    scale = largest(expected, got)
    panels = []
    if is_grid(expected):
        panels.append(Panel("Expected", Grid("Expected", expected, scale, marked=spot)))
    if is_grid(got):
        panels.append(Panel("Yours", Grid("Yours", got, scale, marked=spot)))
    if is_grid(difference) and any(value for row in difference for value in row):
        grid = Grid("Difference", difference, largest(difference), marked=spot, differences=True)
        panels.append(Panel("Yours − expected", grid))
    return panels


def _titles(name: str, channels: int) -> list[str]:
    return [name] if channels == 1 else [f"{name}, channel {i}" for i in range(channels)]


def _padded(rows: Plane, frame: tuple[int, int]) -> Plane:
    down, right = frame
    width = len(rows[0]) + 2 * right
    empty = ((0.0,) * width,) * down
    sides = (0.0,) * right
    return (*empty, *((*sides, *row, *sides) for row in rows), *empty)


def _box(wrong: FirstWrong | None, frame: tuple[int, int]) -> Box | None:
    if wrong is None:
        return None
    window = wrong.window
    return Box(window.top + frame[0], window.left + frame[1], window.height, window.width)


def _how(exhibit: Window, shows_expected: bool) -> str:
    """Stride, padding and shapes in one line."""
    parts = []
    stride, padding = exhibit.stride, exhibit.padding
    if stride != (1, 1):
        parts.append(f"stride {stride[0] if stride[0] == stride[1] else plain(list(stride))}")
    if padding != (0, 0):
        parts.append(f"padding {padding[0] if padding[0] == padding[1] else plain(list(padding))}")
    if shows_expected:
        parts.append(f"expected shape {plain(exhibit.expected_shape)}")
    if exhibit.got_shape is not None:
        parts.append(f"your shape {plain(exhibit.got_shape)}")
    if exhibit.plane and exhibit.got is not None:
        parts.append(f"output channel {exhibit.plane[-1]} is shown")
    return ", ".join(parts)


def _first_wrong(exhibit: Window) -> str:
    """The first wrong number in words, with its sum written out where that is short."""
    wrong = exhibit.first_wrong
    if wrong is None:
        return ""
    place = f"The first wrong number stands in row {wrong.row}, column {wrong.column} (counted from 0)"
    values = f"expected {_value(wrong.expected)}, yours {_value(wrong.got)}"
    written = _written_out(exhibit, wrong)
    return f"{place}: {values}." + (f" Its window gives {written}." if written else "")


def _written_out(exhibit: Window, wrong: FirstWrong) -> str:
    images, kernels, frame = exhibit.input or (), exhibit.kernel or (), exhibit.padding
    window = _box(wrong, frame)
    if len(images) != 1 or len(kernels) != 1 or window is None:
        return ""
    image, kernel = images[0], kernels[0]
    if not is_grid(image) or not is_grid(kernel) or len(kernel) * len(kernel[0]) > _WRITTEN_OUT:
        return ""
    seen = [row[window.left : window.left + window.width] for row in _padded(image, frame)]
    seen = seen[window.top : window.top + window.height]
    if [len(row) for row in seen] != [len(row) for row in kernel]:
        return ""
    pairs = [pair for a, b in zip(seen, kernel, strict=True) for pair in zip(a, b, strict=True)]
    total = sum(a * b for a, b in pairs)
    # With a bias or a dilation the sum is another one, which would only confuse.
    if not math.isclose(total, wrong.expected, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
        return ""
    return " + ".join(f"{_factor(a)}·{_factor(b)}" for a, b in pairs) + f" = {_value(total)}"


def _factor(value: float) -> str:
    written = _value(value)
    return f"({written})" if written.startswith("-") else written


def _value(value: float) -> str:
    return number(round(value, 3))
