"""Several commands at once on one database."""

from __future__ import annotations

import signal

from tests.functional.faults.lab import HELD_BY_A_TA, Lab

__all__ = [
    "at_once",
    "backup_in_the_middle",
    "beside_marks",
    "beside_regrades",
    "beside_reports",
    "one_of_four_killed",
    "reprojected_in_the_middle",
]


def at_once(lab: Lab, count: int) -> None:
    """So many runs; each is at a notebook when the others begin."""
    runs = [lab.grade(at="Answer", then="hold") for _ in range(count)]
    for run in runs:
        run.until_held()
    lab.go_on()
    for run in runs:
        run.ends_with(HELD_BY_A_TA)


def one_of_four_killed(lab: Lab) -> None:
    killed = lab.grade(at="Answer", then="hold").until_held()
    runs = [lab.grade() for _ in range(3)]
    killed.send(signal.SIGKILL)
    killed.is_killed()
    for run in runs:
        run.ends_with(HELD_BY_A_TA)


def beside_regrades(lab: Lab) -> None:
    """What is there is judged by a stricter rubric, and back, while the run goes on."""
    lab.judged_again = True
    run = lab.grade(at="Answer", count=3, then="hold").until_held()
    stricter = ("regrade", "-a", "mini", "--rubric", str(lab.stricter))
    lab.start(*stricter).ends_with(0)
    beside = lab.start(*stricter)
    lab.go_on()
    beside.ends_with(0)
    run.ends_with(HELD_BY_A_TA)
    lab.start("regrade", "-a", "mini", "--rubric", str(lab.rubric)).ends_with(0)


def beside_marks(lab: Lab) -> None:
    """Marks given while the run goes on are there once, and by whom they were given."""
    run = lab.grade(at="Answer", count=3, then="hold").until_held()
    lab.start("mark", "s1", "-a", "mini", "-c", "why", "-p", "2", user="ann").ends_with(0)
    beside = lab.start("mark", "s2", "-a", "mini", "-c", "why", "-p", "1", user="ben")
    lab.go_on()
    beside.ends_with(0)
    run.ends_with(HELD_BY_A_TA)
    with lab.store() as store, store.reading() as history:
        results = list(history.results(assignment="mini"))
    given = [(result.student, each.by, each.points) for result in results for each in result.decisions]
    assert given == [("s1", "ann", 2.0), ("s2", "ben", 1.0)]


def beside_reports(lab: Lab) -> None:
    """Reports and exports of a class half graded name who is missing; those after the run are whole."""
    out = lab.folder / "reports"
    report = ("report", "-a", "mini", "--out", str(out))
    run = lab.grade(at="Answer", count=3, then="hold").until_held()
    assert "no report for" in lab.start(*report).ends_with(1).said
    lab.start("export", "csv", "-a", "mini", "--out", str(lab.folder / "marks.csv")).ends_with(0)
    beside = lab.start(*report)
    lab.go_on()
    beside.ends_with_one_of(0, 1)  # As far as the run had come.
    run.ends_with(HELD_BY_A_TA)
    lab.start(*report).ends_with(0)
    assert len(list(out.iterdir())) == 5


def backup_in_the_middle(lab: Lab) -> None:
    """Taken while a run goes on, and brought back after all else was lost: the next run goes on from it."""
    run = lab.grade(at="Answer", count=3, then="hold").until_held()
    kept = lab.folder / "marks.backup"
    lab.start("db", "backup", str(kept)).ends_with(0)
    lab.start("audit").ends_with(0)
    lab.go_on()
    run.ends_with(HELD_BY_A_TA)
    lab.check()
    lab.database, lab.evidence = str(lab.folder / "back.db"), lab.folder / "back.db.evidence"
    lab.start("db", "restore", str(kept)).ends_with(0)
    lab.finish()


def reprojected_in_the_middle(lab: Lab) -> None:
    """The standing is written anew, and compared, while the run adds to it."""
    run = lab.grade(at="Answer", count=3, then="hold").until_held()
    lab.start("db", "reproject").ends_with(0)
    beside = lab.start("db", "reproject")
    lab.go_on()
    beside.ends_with(0)
    run.ends_with(HELD_BY_A_TA)
