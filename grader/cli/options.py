"""Options that several commands share, each said in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Anonymous",
    "AnyAssignment",
    "Assignment",
    "Dask",
    "DaskCa",
    "DaskCert",
    "DaskKey",
    "DaskResources",
    "Data",
    "Database",
    "Evidence",
    "Gpus",
    "Isolation",
    "Jobs",
    "OneStudent",
    "ReferenceFolder",
    "RosterFile",
    "RubricName",
    "Runtime",
    "SandboxName",
    "Seen",
    "Students",
    "Training",
    "User",
]

Database = Annotated[
    str | None,
    typer.Option(
        "--db", metavar="FILE|URL", help="Database with the marks [default: grader.db; env: GRADER_DB]."
    ),
]
Evidence = Annotated[
    str | None,
    typer.Option(
        "--evidence",
        metavar="DIR|URL",
        help="Where evidence is kept: a folder, or s3://BUCKET/PREFIX; said once, the database names it"
        " [default: beside the database file].",
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
RosterFile = Annotated[
    Path | None,
    typer.Option("--roster", metavar="CSV", help="Who is who, in place of what `grader roster` keeps."),
]
User = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Who acts, for the history [env: GRADER_USER; default: you]."),
]
Seen = Annotated[
    str | None,
    typer.Option(
        "--seen",
        metavar="ROWS",
        help="What you had before you, as listings print it (12, or 12+34); refused where it changed.",
    ),
]
Anonymous = Annotated[
    bool, typer.Option("--anonymous", help="Show pseudonyms; commands take them in place of ids.")
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", metavar="N", help="Submissions at a time [default: by cores and memory]."),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Folder of data sets, mounted read-only [env: GRADER_DATA]."),
]
SandboxName = Annotated[
    str | None, typer.Option("--sandbox", metavar="auto|docker|bubblewrap", help="What to run notebooks in.")
]
Isolation = Annotated[
    str | None,
    typer.Option(
        "--isolation", metavar="fork|container", help="A fork, or a container, for each submission."
    ),
]
Training = Annotated[
    str | None,
    typer.Option("--training", metavar="budget|full", help="A few batches of each pass, or all of them."),
]
Runtime = Annotated[
    str | None,
    typer.Option(
        "--runtime", metavar="NAME", help="What the engine runs containers with, as runsc for gVisor."
    ),
]
Gpus = Annotated[str | None, typer.Option("--gpus", metavar="none|all|IDS", help="GPUs to use.")]
Dask = Annotated[
    str | None,
    typer.Option(
        "--dask", metavar="ADDRESS", help="Scheduler of a Dask pool to run notebooks in, as tls://HEAD:8786."
    ),
]
DaskCa = Annotated[
    Path | None, typer.Option("--dask-ca", metavar="FILE", help="For tls://: certificates of its authority.")
]
DaskCert = Annotated[
    Path | None, typer.Option("--dask-cert", metavar="FILE", help="For tls://: the certificate shown there.")
]
DaskKey = Annotated[
    Path | None, typer.Option("--dask-key", metavar="FILE", help="For tls://: the key to that certificate.")
]
DaskResources = Annotated[
    str | None,
    typer.Option(
        "--dask-resources",
        metavar="NAME=N,...",
        help="What a notebook takes of what Dask's workers declare [default: GPU=1 where it gets one].",
    ),
]
