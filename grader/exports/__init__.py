"""Marks in the formats of course systems: marks in, text or bytes out, nothing else touched.

One module for each format; a new one is a module with a `Format` and a line in `FORMATS`.
"""

from grader.exports.canvas import CANVAS
from grader.exports.gradescope import GRADESCOPE
from grader.exports.markus import MARKUS
from grader.exports.model import (
    Course,
    CriterionLine,
    Export,
    Format,
    Gradebook,
    LeftOut,
    Person,
    StudentMark,
)
from grader.exports.moodle import MOODLE
from grader.exports.nbgrader import NBGRADER
from grader.exports.selection import select

__all__ = [
    "FORMATS",
    "Course",
    "CriterionLine",
    "Export",
    "Format",
    "Gradebook",
    "LeftOut",
    "Person",
    "StudentMark",
    "select",
]

FORMATS: dict[str, Format] = {form.name: form for form in (CANVAS, MARKUS, GRADESCOPE, MOODLE, NBGRADER)}
