"""`grader report`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli import setup
from grader.cli.console import errors, print_line, print_note, print_path
from grader.cli.options import Assignment, Database, Evidence, ReferenceFolder, RosterFile, Students
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.workflows.upkeep.settings import Settings
    from grader.workflows.views.report import NotWritten

__all__ = ["report"]


def report(
    assignment: Assignment,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR|ZIP", help="Folder for the reports.")],
    students: Students = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Print each one to PDF too, by Chromium or the like.")
    ] = False,
    appendix: Annotated[
        bool, typer.Option("--appendix/--no-appendix", help="End with the notebook as it ran, or not.")
    ] = True,
    form: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="canvas|moodle|markus|mail",
            help="As that system takes them back: --out is a zip archive, for mail a folder of drafts.",
        ),
    ] = None,
    unreleased: Annotated[
        bool, typer.Option("--unreleased", help="With --for: marks as they stand, released or not.")
    ] = False,
    mail_from: Annotated[
        str, typer.Option("--mail-from", metavar="ADDRESS", help="With --for mail: who sends them.")
    ] = "",
    roster: RosterFile = None,
    db: Database = None,
    evidence: Evidence = None,
    reference: ReferenceFolder = None,
) -> int:
    """Write a feedback report for each student: one HTML file that needs nothing else.

    Example: grader report --assignment lab2 --out reports/
    """
    if form is not None:
        options = setup.settings(db=db, evidence=evidence, reference=reference)
        back = {"form": form, "assignment": assignment, "out": out, "students": tuple(students or ())}
        more = {"unreleased": unreleased, "appendix": appendix, "sender": mail_from}
        return _send_back(options, roster, {**back, **more})
    if unreleased or mail_from:
        raise UsageError("--unreleased and --mail-from go with --for", todo="say --for canvas, say")
    from grader.files.pdf import find_browser, print_pdf
    from grader.workflows.views.report import NotWritten, Written, write_reports
    from grader.workflows.views.show import find_results

    options = setup.settings(db=db, evidence=evidence, reference=reference)
    browser = find_browser() if pdf else ""
    answers = setup.reference(options)
    with setup.store(options) as store:
        people = setup.people(store, roster)
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


def _send_back(options: Settings, roster: Path | None, asked: Mapping[str, Any]) -> int:
    from grader.workflows.sending.feedback import Back, send_back

    back = Back(**asked, contact=options.contact or "")
    with setup.store(options) as store:
        people = setup.people(store, roster)
        sent = send_back(store, back, setup.reference(options), people)
    print_line(f"feedback of {sent.count} {'student' if sent.count == 1 else 'students'} is in {back.out}")
    if sent.pending:
        print_note(f"points still wait for a TA: {', '.join(sent.pending)}")
    _tell_missing(sent.left_out)
    _tell_outdated(back.assignment, sent.outdated)
    return 1 if sent.left_out else 0


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
