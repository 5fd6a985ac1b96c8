"""`grader audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_lines
from grader.cli.options import Database, Evidence
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.store.audit import AuditReport

__all__ = ["audit"]


def audit(
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="ROW:SEAL",
            help="A seal noted down after an earlier audit; without one, cut-off newest rows are not seen.",
        ),
    ] = None,
    no_evidence: Annotated[
        bool, typer.Option("--no-evidence", help="Leave the stored evidence unread.")
    ] = False,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Prove that no mark was changed behind the history's back, or name the first row that was.

    Example: grader audit --db grader.db
    """
    from grader.store.audit import audit as prove

    seal = _seal(expect)
    options = setup.settings(db=db, evidence=evidence)
    with setup.store(options) as store:
        report = prove(store, evidence=not no_evidence, expected=seal)
    for line in _lines(report):
        print_lines(line)
    return 0 if report.sound else 1


def _seal(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    row, _, digest = text.partition(":")
    if not row.isdecimal() or not digest:
        raise UsageError("this is no seal", expected="ROW:SEAL, as `grader audit` prints it", found=text)
    return int(row), digest


def _lines(report: AuditReport) -> list[str]:
    lines = [*report.damaged, *report.unguarded]
    lines += [f"the database file is damaged: {problem}" for problem in report.corrupt]
    if report.broken is not None:
        lines.append(f"broken at row {report.broken.seq} ({report.broken.kind}): {report.broken.what}")
    if report.head_differs:
        lines.append("the history is not the one that was noted down: rows were changed or are gone")
    if report.sound:
        lines.append(f"unbroken: {report.rows} rows, seal {report.rows}:{report.head}")
    return lines
