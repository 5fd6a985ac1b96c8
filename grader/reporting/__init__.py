"""Feedback for students, the class at a glance for the instructor: HTML and text, made from verdicts."""

from grader.reporting.model import RemarkNote, ReportInput, SummaryInput
from grader.reporting.report import render_report
from grader.reporting.summary import ClassSummary, summarise
from grader.reporting.summary_pages import render_slides, render_summary_html, render_summary_text

__all__ = [
    "ClassSummary",
    "RemarkNote",
    "ReportInput",
    "SummaryInput",
    "render_report",
    "render_slides",
    "render_summary_html",
    "render_summary_text",
    "summarise",
]
