"""`grader report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import errors, print_line, print_note, print_path
from grader.cli.options import Assignment, Database, Evidence, ReferenceFolder, RosterFile, Students

if TYPE_CHECKING:
    from grader.workflows.views.report import NotWritten

__all__ = ["report"]


def report(
    assignment: Assignment,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the reports.")],
    students: Students = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Print each one to PDF too, by Chromium or the like.")
    ] = False,
    appendix: Annotated[
        bool, typer.Option("--appendix/--no-appendix", help="End with the notebook as it ran, or not.")
    ] = True,
    roster: RosterFile = None,
    db: Database = None,
    evidence: Evidence = None,
    reference: ReferenceFolder = None,
) -> int:
    """Write a feedback report for each student: one HTML file that needs nothing else.

    Example: grader report --assignment lab2 --out reports/
    """
    from grader.files.pdf import find_browser, print_pdf
    from grader.intake.roster import read_roster
    from grader.workflows.views.report import NotWritten, Written, write_reports
    from grader.workflows.views.show import find_results

    options = setup.settings(db=db, evidence=evidence, reference=reference)
    browser = find_browser() if pdf else ""
    answers = setup.reference(options)
    people = read_roster(roster) if roster else None
    with setup.store(options) as store:
        found = find_results(store, assignment, students or ())
        made = write_reports(
            store, found, out, reference=answers, appendix=appendix, roster=people, contact=options.contact
        )
        made_all = list(made)
    written = [item for item in made_all if isinstance(item, Written)]
    missing = [item for item in made_all if isinstance(item, NotWritten)]
    printed = [print_pdf(browser, item.path) for item in written] if pdf else []
    if students or len(written) == 1:
        for path in [*(item.path for item in written), *printed]:
            print_path(path)
    print_line(f"1 report is in {out}" if len(written) == 1 else f"{len(written)} reports are in {out}")
    _tell_missing(missing)
    _tell_outdated(assignment, sum(item.outdated for item in written))
    return 1 if missing else 0


def _tell_missing(missing: Sequence[NotWritten]) -> None:
    """One note for each reason, with all whom it concerns."""
    by_reason: dict[str, list[str]] = {}
    for item in missing:
        by_reason.setdefault(item.why, []).append(item.student)
    for why, students in by_reason.items():
        print_note(f"no report for {', '.join(students)}: {why}")


def _tell_outdated(assignment: str, outdated: int) -> None:
    if outdated:
        errors().print(
            f"{outdated} of these were judged by older reference answers, so none are shown there; "
            f"`grader regrade --assignment {assignment}` judges again",
            markup=False,
        )
