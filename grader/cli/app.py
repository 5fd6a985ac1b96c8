"""All commands of `grader`."""

from __future__ import annotations

from typing import Annotated

import typer

import grader
from grader.cli.account import account
from grader.cli.alike import alike, undo
from grader.cli.api import api
from grader.cli.audit import audit
from grader.cli.check import check
from grader.cli.console import print_line
from grader.cli.data import data, demo
from grader.cli.dates import dates, excuse, extend
from grader.cli.db import db
from grader.cli.drop import drop
from grader.cli.export import export
from grader.cli.groups import groups
from grader.cli.hand_in import hand_in
from grader.cli.handout import handout
from grader.cli.image import doctor, image
from grader.cli.intake import intake
from grader.cli.listing import list_all
from grader.cli.lti import lti
from grader.cli.mail import mail
from grader.cli.mark import mark
from grader.cli.marks import show
from grader.cli.pending import pending
from grader.cli.person import person
from grader.cli.photos import photos
from grader.cli.precheck import precheck
from grader.cli.queue import queue
from grader.cli.receipt import receipt
from grader.cli.regrade import regrade
from grader.cli.release import release
from grader.cli.remark import remark
from grader.cli.report import report
from grader.cli.retention import retention
from grader.cli.roster import roster
from grader.cli.rubric import rubric
from grader.cli.run import run
from grader.cli.serve import serve
from grader.cli.share import share
from grader.cli.similar import similar
from grader.cli.summary import summary
from grader.cli.unsteady import unsteady
from grader.cli.worker import worker

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
    intake, run, show, mark, pending, drop, dates, extend, excuse, regrade, report, summary, export, similar,
    audit, check, data, handout, precheck, serve, doctor, demo, roster, alike, undo, unsteady,
):  # fmt: skip
    app.command()(_command)
app.command("list")(list_all)
app.add_typer(account, name="account")
app.add_typer(api, name="api")
app.add_typer(lti, name="lti")
app.add_typer(mail, name="mail")
app.add_typer(person, name="person")
app.add_typer(photos, name="photos")
app.add_typer(release, name="release")
app.add_typer(hand_in, name="hand-in")
app.add_typer(queue, name="queue")
app.add_typer(receipt, name="receipt")
app.add_typer(remark, name="remark")
app.add_typer(retention, name="retention")
app.add_typer(rubric, name="rubric")
app.add_typer(share, name="share")
app.add_typer(groups, name="groups")
app.add_typer(db, name="db")
app.add_typer(image, name="image")
app.add_typer(worker, name="worker")
