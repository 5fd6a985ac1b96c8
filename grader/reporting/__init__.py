"""Feedback for students, the class at a glance for the instructor: HTML and text, made from verdicts."""

from grader.reporting.model import Adjustment, Decision, ReportInput, SummaryInput
from grader.reporting.report import render_report, write_report

__all__ = ["Adjustment", "Decision", "ReportInput", "SummaryInput", "render_report", "write_report"]
