"""`grader summary`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_path, print_text
from grader.cli.options import Assignment, Database, Evidence, RosterFile

__all__ = ["summary"]


def summary(
    assignment: Assignment,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="A page (.html) or text (.txt) to write."),
    ] = None,
    slides: Annotated[
        Path | None,
        typer.Option("--slides", metavar="FILE", help="Write the common issues as Markdown slides."),
    ] = None,
    threshold: Annotated[
        list[float] | None,
        typer.Option(
            "--threshold",
            metavar="PERCENT",
            min=0,
            max=100,
            help="Name marks near this part of the points, 50 unless given; can be repeated.",
        ),
    ] = None,
    roster: RosterFile = None,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Show the class at a glance: marks, what went wrong most, what waits for a TA.

    Its examples show no student's id; with --roster, no name either.

    Example: grader summary --assignment lab2 --out summary.html
    """
    from grader.files.named import write_text
    from grader.reporting import render_slides, render_summary_html, render_summary_text
    from grader.workflows.views.show import find_results
    from grader.workflows.views.summary import class_summary

    options = setup.settings(db=db, evidence=evidence)
    with setup.store(options) as store:
        people = setup.people(store, roster)
        made = class_summary(
            store,
            assignment,
            find_results(store, assignment),
            roster=people,
            thresholds=[percent / 100 for percent in threshold or (50,)],
        )
    if out is not None:
        page = out.suffix.lower() in (".html", ".htm")
        write_text(out, render_summary_html(made) if page else render_summary_text(made))
        print_path(out)
    if slides is not None:
        write_text(slides, render_slides(made))
        print_path(slides)
    if out is None and slides is None:
        print_text(render_summary_text(made))
    return 0
