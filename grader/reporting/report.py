"""The feedback report of one student: one HTML file that needs nothing else."""

from __future__ import annotations

from grader.reporting.advice import advice
from grader.reporting.appendix import appendix
from grader.reporting.findings import view
from grader.reporting.headline import headline
from grader.reporting.model import ReportInput
from grader.reporting.pages import page
from grader.reporting.pictures.score import bar

__all__ = ["render_report"]


def render_report(report: ReportInput) -> str:
    """The report as HTML: no scripts, nothing fetched, everything of the student's escaped.

    Pure: equal inputs give equal text. Where the file could not be taken, five lines say how to hand it in.
    """
    if report.mark.held:
        return page("held.html.j2", report=report, lines=advice(report))
    mark = report.mark
    views = tuple(view(report, item) for item in mark.criteria)
    cells = report.bundle.evidence.cells if report.bundle is not None and report.appendix else ()
    return page(
        "report.html.j2",
        report=report,
        mark=mark,
        bar=bar(mark.points, mark.pending, mark.out_of),
        headline=headline(report, views),
        views=views,
        notebook=appendix(cells) if cells else None,
    )
