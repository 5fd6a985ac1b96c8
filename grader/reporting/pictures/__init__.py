"""Pictures of exhibits: training runs, layers, convolution windows, use of data sets, calls.

Each module draws one type of exhibit, with the evidence that it refers to, and gives None where there is
nothing to draw: a picture is a help, and its absence never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from grader.grading.verdict import Finding
from grader.judging.exhibits import (
    Calls,
    DataLanes,
    Names,
    NetworkTable,
    OtherEdition,
    Pair,
    Parts,
    PhotoNotes,
    Prompt,
    RunTimeline,
    Table,
    Window,
)
from grader.reporting.model import ReportInput
from grader.reporting.pictures import calls, convolution, data_use, layers, photos, training_runs

__all__ = ["DRAWERS", "NOT_DRAWN", "pictures"]

#: Who draws a type of exhibit, in the order in which pictures come on a page.
DRAWERS: Mapping[type[Any], Callable[[ReportInput, Finding, Any], Markup | None]] = {
    RunTimeline: training_runs.draw,
    NetworkTable: layers.draw,
    Window: convolution.draw,
    DataLanes: data_use.draw,
    Calls: calls.draw,
    PhotoNotes: photos.draw,
}

#: Types of which no picture is made, and why not.
NOT_DRAWN: Mapping[type[Any], str] = {
    Names: "the class summary counts them; the message and the marked lines say where they are",
    OtherEdition: "the message says it, and `grader run` how many notebooks have it",
    Pair: "stands on the page as text",
    Parts: "the message says which parts are not right",
    Prompt: "is for the TA",
    Table: "is for exports",
}


def pictures(report: ReportInput, finding: Finding) -> tuple[Markup, ...]:
    """All pictures that this finding's exhibits and the evidence allow, in a fixed order."""
    drawn = [
        draw(report, finding, exhibit)
        for kind, draw in DRAWERS.items()
        for exhibit in finding.exhibits
        if isinstance(exhibit, kind)
    ]
    return tuple(picture for picture in drawn if picture is not None)
