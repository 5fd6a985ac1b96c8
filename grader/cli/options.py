"""Options that several commands share, each said in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "AnyAssignment",
    "Assignment",
    "Database",
    "Evidence",
    "OneStudent",
    "ReferenceFolder",
    "RubricName",
    "Students",
    "User",
]

Database = Annotated[
    str | None,
    typer.Option(
        "--db", metavar="FILE|URL", help="Database with the marks [default: grader.db; env: GRADER_DB]."
    ),
]
Evidence = Annotated[
    Path | None,
    typer.Option(
        "--evidence", metavar="DIR", help="Folder of stored evidence [default: beside the database]."
    ),
]
RubricName = Annotated[
    str | None,
    typer.Option(
        "--rubric",
        metavar="FILE|NAME",
        help="A rubric file, or the name of a known rubric such as lab2 [env: GRADER_RUBRIC].",
    ),
]
Assignment = Annotated[str, typer.Option("--assignment", "-a", metavar="A", help="The assignment, as lab2.")]
AnyAssignment = Annotated[
    str | None, typer.Option("--assignment", "-a", metavar="A", help="Only this assignment.")
]
Students = Annotated[
    list[str] | None, typer.Argument(metavar="[STUDENT]...", help="Students; all where none is named.")
]
OneStudent = Annotated[
    str, typer.Argument(metavar="STUDENT", help="The student, as `grader show` lists them.")
]
ReferenceFolder = Annotated[
    Path | None,
    typer.Option(
        "--reference", metavar="DIR", help="Folder of reference answers [default: ./reference, else ours]."
    ),
]
User = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Who acts, for the history [env: GRADER_USER; default: you]."),
]
