"""The feedback report of one student: one HTML file that needs nothing else, or part of a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from grader.reporting.advice import advice
from grader.reporting.appendix import appendix
from grader.reporting.findings import view
from grader.reporting.headline import headline
from grader.reporting.model import ReportInput
from grader.reporting.pages import page
from grader.reporting.pictures.score import bar

__all__ = ["ReportFrame", "render_report", "report_parts"]


@dataclass(frozen=True)
class ReportFrame:
    """What differs where a report is shown.

    Attributes:
        notebook: Address of the page with the notebook as it ran, empty for this one; None for none.
        notebook_words: What that page is called in a sentence.
        as_text: Whether prose of the student's is shown as it was written, and not drawn.
        asks: By criterion the address at which a remark can be asked for.
        how_to_ask: In place of the sentence that says whom to turn to; empty to leave that.
    """

    notebook: str | None = None
    notebook_words: str = "notebook at the end"
    as_text: bool = False
    asks: Mapping[str, str] = field(default_factory=dict)
    how_to_ask: str = ""


def render_report(report: ReportInput) -> str:
    """The report as HTML: no scripts, nothing fetched, everything of the student's escaped.

    Pure: equal inputs give equal text. Where the file could not be taken, five lines say how to hand it in.
    """
    if report.mark.held:
        return page("held.html.j2", report=report, lines=advice(report))
    cells = report.bundle.evidence.cells if report.bundle is not None and report.appendix else ()
    frame = ReportFrame(notebook="" if cells else None)
    notebook = appendix(cells) if cells else None
    return page("report.html.j2", notebook=notebook, **report_parts(report, frame))


def report_parts(report: ReportInput, frame: ReportFrame) -> dict[str, Any]:
    """What ``report_body.html.j2`` needs, which all pages with a report share."""
    mark = report.mark
    views = tuple(view(report, item) for item in mark.criteria)
    return {
        "report": report,
        "mark": mark,
        "bar": bar(mark.points, mark.pending, mark.out_of),
        "headline": headline(report, views),
        "views": views,
        "lines": advice(report) if mark.held else (),
        "frame": frame,
    }
