"""Finds and validates what students handed in, without running or unpacking any of it."""

from grader.intake.find import AssignmentOf, find_submissions, format_names
from grader.intake.model import Intake, Submission
from grader.intake.notebook import normalise_notebook, parse_notebook

__all__ = [
    "AssignmentOf",
    "Intake",
    "Submission",
    "find_submissions",
    "format_names",
    "normalise_notebook",
    "parse_notebook",
]
