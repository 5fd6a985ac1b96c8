"""Pictures of findings: training runs, layers, convolution windows, use of data sets, calls.

Each module draws one kind from a finding's plain data and the evidence, and gives None where there is nothing
to draw: a picture is a help, and its absence never an error.
"""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from grader.grading.verdict import Finding
from grader.reporting.model import ReportInput
from grader.reporting.pictures import calls, convolution, data_use, layers, training_runs
from grader.rubric.model import Criterion

__all__ = ["pictures"]

Drawing = Callable[[ReportInput, Finding, Criterion | None], Markup | None]

_DRAWINGS: tuple[Drawing, ...] = (
    training_runs.draw,
    layers.draw,
    convolution.draw,
    data_use.draw,
    calls.draw,
)


def pictures(report: ReportInput, finding: Finding, criterion: Criterion | None) -> tuple[Markup, ...]:
    """All pictures that this finding's data and evidence allow, in a fixed order."""
    drawn = (draw(report, finding, criterion) for draw in _DRAWINGS)
    return tuple(picture for picture in drawn if picture is not None)
