"""`grader db`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_line, print_lines, print_path
from grader.cli.options import Database, Evidence

__all__ = ["db"]

db = typer.Typer(
    help="Back up the database, upgrade it, name its course and zone, say where its evidence lies.",
    no_args_is_help=True,
)


@db.command()
def upgrade(location: Database = None) -> int:
    """Bring a database that an older version wrote to this version's schema, after a backup.

    Example: grader db upgrade --db grader.db
    """
    from grader.store.schema import REVISIONS, in_words
    from grader.store.schema import upgrade as bring_up

    options = setup.settings(db=location)
    before, after, kept = bring_up(options.db)
    if kept is not None:
        print_path(kept)
    if before == after:
        print_line(f"{in_words(after)}, nothing to do")
    elif before in REVISIONS:
        steps = REVISIONS.index(after) - REVISIONS.index(before)
        number = "1 step" if steps == 1 else f"{steps} steps"
        print_line(f"{number}: {in_words(before)} -> {in_words(after)}")
    else:
        print_line(f"made, with {in_words(after)}")
    return 0


@db.command()
def reproject(location: Database = None, evidence: Evidence = None) -> int:
    """Write the standing of everybody again from the history: what listings and pages show at once.

    No mark changes by it: marks are in the history, and `grader audit` tells where the standing differs.

    Example: grader db reproject --db grader.db
    """
    options = setup.settings(db=location, evidence=evidence)
    with setup.store(options) as store:
        number = store.reproject()
    print_line(f"the standing of {number} submissions is written again from the history")
    return 0


@db.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; a new file.")],
    no_evidence: Annotated[
        bool, typer.Option("--no-evidence", help="Only the database, as a file that --db takes.")
    ] = False,
    location: Database = None,
    evidence: Evidence = None,
) -> int:
    """Copy the marks and all that they stand on into one file, while others may be writing to them.

    Example: grader db backup marks-2026-03-01.backup
    """
    from grader.store.backup import back_up
    from grader.store.schema import backup as copy

    options = setup.settings(db=location, evidence=evidence)
    if no_evidence:
        print_path(copy(options.db, target))
        return 0
    with setup.store(options) as store:
        made = back_up(store, target)
    print_path(target)
    for line in made.lacking:
        print_line(f"not in it: {line}")
    print_line(f"{made.evidence} pieces of evidence; seal {made.seal or 'none'}: note it down elsewhere")
    return 1 if made.lacking else 0


@db.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="As `grader db backup` wrote it.")],
    location: Database = None,
    evidence: Evidence = None,
) -> int:
    """Bring a backup back as a new database with its evidence, prove it, and say its seal.

    What came from a file may go to an empty database on a server, and back: so a course moves.

    Example: grader db restore marks-2026-03-01.backup --db grader.db
    """
    from grader.store.backup import restore as bring_back
    from grader.store.engine import shown
    from grader.workflows.views.audited import audited

    options = setup.settings(db=location, evidence=evidence)
    back = bring_back(source, options.db, evidence=options.evidence)
    print_line(f"the marks are in {shown(options.db)}")
    with setup.store(options) as store:
        found = audited(store, expect=back.seal)
        place = store.blobs.place
    for line in found.problems:
        print_lines(line)
    print_line(f"{back.evidence} pieces of evidence are in {place}")
    if found.sound:
        print_line(f"unbroken: {found.rows} rows, seal {found.seal}")
    return 0 if found.sound else 1


@db.command()
def evidence(
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="[PLACE]", help="A folder, or s3://BUCKET/PREFIX, where the evidence lies now."
        ),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also where the place lacks what the history has.")
    ] = False,
    location: Database = None,
) -> int:
    """Show where evidence is kept, or say that it was moved; moving it is for you to do.

    Example: grader db evidence s3://grader-evidence/2026 --db postgresql+psycopg://grader@db/marks
    """
    with setup.store(setup.settings(db=location)) as store:
        if place is not None:
            store.move_evidence(place, anyway=anyway)
        store.blobs.check()
        print_line(f"evidence is kept in {store.blobs.place}")
    return 0


@db.command()
def course(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A short name for addresses, as dl-2026.")
    ] = None,
    title: Annotated[str, typer.Option("--title", metavar="T", help="What pages call it.")] = "",
    home: Annotated[
        str | None,
        typer.Option("--home", metavar="DB", help="The server's first database, whose accounts go along."),
    ] = None,
    location: Database = None,
) -> int:
    """Show which course this database is about, or say it: one course is one database.

    The desk shows it below /c/NAME. Whoever had the old address has to be told the new one. A server of
    several courses keeps all accounts in its first database: name it with --home when another course's name
    changes, or whoever is in that course is in it no longer.

    Example: grader db course dl-2026 --title "Deep Learning 2026"
    """
    options = setup.settings(db=location)
    with setup.store(options) as store:
        if name is not None:
            if home is not None:
                with setup.store(setup.settings(db=home)) as first:
                    # First: whoever is stopped here runs the same command again.
                    moved = first.rename_course(store.course.name, name)
                print_line(f"{moved} enrolments of {home} go along")
            store.name_course(name, title)
        found = store.course
    print_line(f"{found.name}: {found.title}")
    return 0


@db.command()
def zone(
    name: Annotated[
        str | None, typer.Argument(metavar="[ZONE]", help="Its IANA name, as Europe/Berlin.")
    ] = None,
    none: Annotated[
        bool, typer.Option("--none", help="Tell times in UTC, and read none without one.")
    ] = False,
    location: Database = None,
) -> int:
    """Show or name the course's time zone, in which times are told and a rubric's dates are read.

    Example: grader db zone Europe/Berlin
    """
    from grader.grading.times import in_words

    with setup.store(setup.settings(db=location)) as store:
        if none or name is not None:
            store.keep_zone(None if none else name)
        kept = store.zone
        print_line(f"times are told in {kept or 'UTC'}: it is {in_words(store.clock(), kept)}")
    return 0


@db.command()
def prechecks(
    a_day: Annotated[
        int | None,
        typer.Argument(metavar="[N]", help="To a student and assignment within 24 hours; 0 for none."),
    ] = None,
    assignment: Annotated[
        str, typer.Option("--assignment", metavar="A", help="For this one alone, not for the course.")
    ] = "",
    hide_rest: Annotated[
        bool, typer.Option("--hide-rest", help="Tell nobody how many other criteria there are.")
    ] = False,
    usual: Annotated[bool, typer.Option("--usual", help="Take back what was set.")] = False,
    location: Database = None,
) -> int:
    """Show or set how many pre-checks students have on the pages of `grader serve`.

    Example: grader db prechecks 3 --assignment lab2
    """
    from grader.workflows.prechecking.online import A_DAY, set_pre_check_rule

    with setup.store(setup.settings(db=location)) as store:
        if usual or a_day is not None:
            set_pre_check_rule(store, assignment, None if usual else a_day, tells_rest=not hide_rest)
        rule = store.pre_checks.rule(assignment)
    where = assignment or "every assignment that has no number of its own"
    number = A_DAY if rule is None else rule.a_day
    rest = "is told" if rule is None or rule.tells_rest else "is not told"
    print_line(f"{where}: {number} within 24 hours; how many other criteria there are {rest}")
    return 0
