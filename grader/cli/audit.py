"""`grader audit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_lines
from grader.cli.options import Database, Evidence
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.store import Store

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
    mend: Annotated[
        bool, typer.Option("--repair", help="Bring damaged evidence back where it can be had again.")
    ] = False,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="SUBMISSIONS", help="With --repair: where the files handed in lie."),
    ] = None,
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Prove that no mark was changed behind the history's back, or name the first row that was.

    Example: grader audit --db grader.db
    """
    from grader.workflows.views.audited import audited, read_seal

    if expect == "":
        raise UsageError("--expect names no seal", expected="ROW:SEAL, as `grader audit` prints it")
    if expect is not None:
        read_seal(expect)
    options = setup.settings(db=db, evidence=evidence)
    if source is not None and not mend:
        raise UsageError("--from goes with --repair")
    with setup.store(options) as store:
        if mend:
            _repair(store, source)
        found = audited(store, evidence=not no_evidence, expect=expect or "")
    for line in found.problems:
        print_lines(line)
    for line in found.notes:
        print_lines(line)
    if found.sound:
        print_lines(f"unbroken: {found.rows} rows, seal {found.seal}")
    return 0 if found.sound else 1


def _repair(store: Store, source: Path | None) -> None:
    from grader.workflows.running.repair import repair

    made = repair(store, source)
    for line in (*made.done, *made.left):
        print_lines(line)
