"""What was drawn with matplotlib while a notebook ran: figures, their axes, and what is in these.

Told by the student's interpreter, as all that is recorded there. What another library draws is not here.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from grader.evidence.base import Record

__all__ = [
    "MOST_AXES",
    "MOST_IMAGES",
    "MOST_LINES",
    "MOST_PLOTS",
    "MOST_TEXT",
    "DrawnAxes",
    "DrawnLine",
    "Plot",
]

#: Figures that are kept of one cell, axes of a figure, lines and images of one axes, characters of a text.
MOST_PLOTS = 200
MOST_AXES = 64
MOST_LINES = 32
MOST_IMAGES = 8
MOST_TEXT = 120


class DrawnLine(Record):
    """A line in axes.

    Attributes:
        points: Finite numbers along it; none where it goes across the axes, as one of `axhline`.
        label: As a legend would show it; empty where it was given none.
        digest: Of its heights, equal for lines of equal ones; None where they could not be read.
    """

    points: int
    label: str = ""
    digest: str | None = None


class DrawnAxes(Record):
    """One coordinate system of a figure.

    Attributes:
        images: Shapes of the images in it, as (height, width) or (height, width, channels).
        others: Bars, points, areas, pie slices and the like.
        texts: Texts that stand in it, beside title, labels and legend.
        legend: Its entries; empty where it has none.
        cut: It holds more lines or images than are kept.
    """

    title: str = ""
    x_label: str = ""
    y_label: str = ""
    lines: tuple[DrawnLine, ...] = Field(default=(), max_length=2 * MOST_LINES)
    images: tuple[tuple[int, ...], ...] = Field(default=(), max_length=2 * MOST_IMAGES)
    others: int = 0
    texts: int = 0
    legend: tuple[str, ...] = Field(default=(), max_length=2 * MOST_LINES)
    cut: bool = False


class Plot(Record):
    """A figure of matplotlib as it was when it was shown, written to a file, or left.

    Attributes:
        how: ``shown`` below the cell; ``saved`` to a file or into memory; ``left``: drawn in the cell, and
            neither shown nor saved when it ended.
        title: Of the whole figure.
        texts: Texts of the figure itself, its common labels among them.
        cut: It has more axes than are kept.
    """

    cell: int
    how: Literal["shown", "saved", "left"]
    title: str = ""
    axes: tuple[DrawnAxes, ...] = Field(default=(), max_length=2 * MOST_AXES)
    texts: int = 0
    cut: bool = False
