"""All commands of `grader`."""

from __future__ import annotations

from typing import Annotated

import typer

import grader
from grader.cli.audit import audit
from grader.cli.check import check
from grader.cli.console import print_line
from grader.cli.data import data, demo
from grader.cli.db import db
from grader.cli.drop import drop
from grader.cli.export import export
from grader.cli.handout import handout
from grader.cli.image import doctor, image
from grader.cli.intake import intake
from grader.cli.mark import mark, pending
from grader.cli.marks import show
from grader.cli.photos import photos
from grader.cli.regrade import regrade
from grader.cli.remark import remark
from grader.cli.report import report
from grader.cli.rubric import rubric
from grader.cli.run import run
from grader.cli.similar import similar
from grader.cli.summary import summary

__all__ = ["app"]

app = typer.Typer(
    name="grader",
    help="Grades notebooks of CNN labs: runs them in a sandbox, judges what was recorded, keeps the marks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        print_line(f"grader {grader.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Options that stand before the command."""


for _command in (
    intake, run, show, mark, pending, drop, regrade, report, summary, export, similar, audit, check, data,
    handout, doctor, demo,
):  # fmt: skip
    app.command()(_command)
app.add_typer(photos, name="photos")
app.add_typer(remark, name="remark")
app.add_typer(rubric, name="rubric")
app.add_typer(db, name="db")
app.add_typer(image, name="image")
