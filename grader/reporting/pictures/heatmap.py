"""A grid of numbers, coloured by value: below zero blue, above orange, the number written in every cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeGuard

from markupsafe import Markup

from grader.judging.exhibits import Plane
from grader.reporting.pictures.svg import element, image
from grader.reporting.text import plain

__all__ = ["Box", "Grid", "is_grid", "largest"]

_CELL_WIDTH, _CELL_HEIGHT = 38, 26
_MOST = 8
_LOW, _HIGH = (9, 105, 218), (225, 111, 36)
_WRONG = (207, 34, 46)


@dataclass(frozen=True)
class Box:
    """A rectangle of cells to mark, in rows and columns of the grid."""

    top: int
    left: int
    height: int = 1
    width: int = 1


@dataclass(frozen=True)
class Grid:
    """Numbers in rows.

    Attributes:
        label: What it is, for those who do not see it.
        scale: The absolute value that gets the full colour.
        frame: Rows and columns at each side that are padding.
        marked: Cells to look at.
        differences: Whether every number but zero is wrong.
    """

    label: str
    rows: Plane
    scale: float
    frame: tuple[int, int] = (0, 0)
    marked: Box | None = None
    differences: bool = False

    @property
    def part(self) -> Box:
        """What is shown of it: all of a small grid, else a part that holds the marked cells."""
        height, width = len(self.rows), len(self.rows[0])
        box = self.marked or Box(0, 0)
        return Box(
            top=_start(box.top, box.height, height),
            left=_start(box.left, box.width, width),
            height=min(height, _MOST),
            width=min(width, _MOST),
        )

    @property
    def caption(self) -> str:
        """Which rows and columns are shown; nothing of those that are all there."""
        part = self.part
        return ", ".join(
            f"{what} {first} to {first + shown - 1} of {size}"
            for what, first, shown, size in (
                ("rows", part.top, part.height, len(self.rows)),
                ("columns", part.left, part.width, len(self.rows[0])),
            )
            if shown < size
        )

    def draw(self) -> Markup:
        part = self.part
        cells = [
            self._cell(row, column, part)
            for row in range(part.top, part.top + part.height)
            for column in range(part.left, part.left + part.width)
        ]
        if self.marked is not None:
            cells.append(_outline(self.marked, part))
        width, height = part.width * _CELL_WIDTH + 2, part.height * _CELL_HEIGHT + 2
        return image(self._description(), width, height, *cells, class_="heat")

    def _cell(self, row: int, column: int, part: Box) -> Markup:
        value = self.rows[row][column]
        x, y = 1 + (column - part.left) * _CELL_WIDTH, 1 + (row - part.top) * _CELL_HEIGHT
        around = self._in_frame(row, column)
        tile = element(
            "rect",
            x=x,
            y=y,
            width=_CELL_WIDTH,
            height=_CELL_HEIGHT,
            fill="#f6f8fa" if around else _colour(value, self.scale, wrong=self.differences),
            class_="tile around" if around else "tile",
        )
        middle = {"x": x + _CELL_WIDTH / 2, "y": y + _CELL_HEIGHT / 2 + 4}
        return tile + element("text", _short(value), class_="around" if around else None, **middle)

    def _in_frame(self, row: int, column: int) -> bool:
        down, right = self.frame
        height, width = len(self.rows), len(self.rows[0])
        return not (down <= row < height - down and right <= column < width - right)

    def _description(self) -> str:
        part = self.part
        shown = [
            row[part.left : part.left + part.width] for row in self.rows[part.top : part.top + part.height]
        ]
        return f"{self.label}: " + "; ".join(" ".join(_short(value) for value in row) for row in shown)


def is_grid(rows: Plane | None) -> TypeGuard[Plane]:
    """Whether there is a rectangle of numbers to draw."""
    if not rows or not rows[0]:
        return False
    return all(len(row) == len(rows[0]) for row in rows)


def largest(*grids: Plane | None) -> float:
    """The largest absolute value among grids that share a scale."""
    values = [abs(value) for rows in grids if rows for row in rows for value in row if math.isfinite(value)]
    return max(values, default=0.0) or 1.0


def _start(first: int, length: int, size: int) -> int:
    """Where a part of at most `_MOST` begins, so that the marked stretch lies in its middle."""
    return max(0, min(first - (_MOST - length) // 2, size - _MOST))


def _outline(box: Box, part: Box) -> Markup:
    return element(
        "rect",
        x=1 + (box.left - part.left) * _CELL_WIDTH,
        y=1 + (box.top - part.top) * _CELL_HEIGHT,
        width=box.width * _CELL_WIDTH,
        height=box.height * _CELL_HEIGHT,
        class_="window",
    )


def _colour(value: float, scale: float, *, wrong: bool) -> str:
    """From white to the full colour; light enough throughout for dark text on it."""
    if not math.isfinite(value):
        return "#ffffff"
    strength = 0.55 * min(1.0, abs(value) / scale)
    end = (_WRONG if value else _HIGH) if wrong else (_HIGH if value > 0 else _LOW)
    red, green, blue = (round(255 + (part - 255) * strength) for part in end)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _short(value: float) -> str:
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf"
    if value == int(value) and abs(value) < 10_000:
        return str(int(value))
    return f"{value:.2f}" if abs(value) < 100 else plain(float(f"{value:.3g}"))
