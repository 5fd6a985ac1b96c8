"""Processes that are killed, frozen or asked to stop, and sandboxes whose engine goes."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from contextlib import closing

from sqlalchemy import update

from grader.store.models import JobRow
from tests.functional.faults.lab import HELD_BY_A_TA, NOT_DONE, Lab

__all__ = [
    "engine_never_comes_back",
    "engine_restarts",
    "frozen",
    "killed_at_random",
    "killed_thrice",
    "killed_while_tables_are_made",
    "lease_of_the_future",
    "mark_killed",
    "regrade_killed",
    "report_killed",
    "stopped_by",
    "stopped_while_waiting",
]

#: A run of the class makes some 13,000 calls within the grader.
_CALLS = 10_000


def killed_while_tables_are_made(lab: Lab) -> None:
    lab.grade(at="Migrate").is_killed()
    lab.finish()


def killed_at_random(lab: Lab, seed: int) -> None:
    """Between any two calls of functions, in whichever thread, drawn anew for each seed."""
    lab.grade(at="Call", count=random.Random(seed).randrange(1, _CALLS)).is_killed()
    lab.finish()


def killed_thrice(lab: Lab) -> None:
    for event, count in (("Started", 2), ("Attempt", 1), ("Blob", 2)):
        lab.grade(at=event, count=count).is_killed()
    lab.finish()


def frozen(lab: Lab) -> None:
    """A laptop that slept: its run wakes up when another has done its work, and tells what came of it."""
    asleep = lab.grade(at="Answer", count=2, then="SIGSTOP").until_stopped()
    while _writes(lab):  # another of its threads was writing; who else waits then has a test of its own
        asleep.send(signal.SIGCONT)
        time.sleep(0.01)
        asleep.send(signal.SIGSTOP)
        asleep.until_stopped()
    lab.grade().ends_with(HELD_BY_A_TA)
    asleep.send(signal.SIGCONT)
    asleep.ends_with(HELD_BY_A_TA)
    assert "another run took this over" in asleep.said


def _writes(lab: Lab) -> bool:
    """Whether another program has begun to write into the database and not ended."""
    with closing(sqlite3.connect(lab.database, isolation_level=None, timeout=0)) as own:
        try:
            own.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        own.execute("ROLLBACK")
        return False


def stopped_by(lab: Lab, name: str) -> None:
    """Asked to stop in the middle: what runs is finished, the next run goes on."""
    lab.grade(at="Answer", count=2, then=name).ends_with(HELD_BY_A_TA)
    lab.finish()


def stopped_while_waiting(lab: Lab) -> None:
    """Asked to stop while the database is waited for: at once, since nothing is in hand."""
    lab.store().close()
    with closing(sqlite3.connect(lab.database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        waiting = lab.grade().until_it_says("waiting, since the database is locked")
        waiting.send(signal.SIGTERM)
        waiting.ends_with(NOT_DONE)
    lab.finish()


def lease_of_the_future(lab: Lab) -> None:
    """The database's clock was set back ten years after a killed run had claimed."""
    lab.grade(at="Answer", count=2).is_killed()
    with lab.store() as store, store.database.writing() as session:
        claimed = update(JobRow).where(JobRow.state == "claimed")
        # The one before may still be on its way into the history.
        assert session.execute(claimed.values(lease_until=JobRow.lease_until + 3.2e8)).rowcount in (1, 2)
    lab.finish()


def mark_killed(lab: Lab) -> None:
    """`grader mark` dies before its transaction is over, and is given again."""
    lab.finish()
    given = ("mark", "s1", "-a", "mini", "-c", "why", "-p", "2", "-m", "sound")
    lab.start(*given, at="Mark").is_killed()
    lab.start(*given).ends_with(0)
    with lab.store() as store, store.reading() as history:
        (result,) = history.results(assignment="mini", students=["s1"])
    assert [(given.by, given.points) for given in result.decisions] == [("ta", 2.0)]


def regrade_killed(lab: Lab) -> None:
    lab.judged_again = True
    lab.finish()
    stricter = ("regrade", "-a", "mini", "--rubric", str(lab.stricter))
    lab.start(*stricter, at="Verdict", count=2).is_killed()
    lab.start("regrade", "-a", "mini", "--rubric", str(lab.rubric)).ends_with(0)


def report_killed(lab: Lab) -> None:
    """`grader report` dies while its second page is written, and is given again."""
    lab.finish()
    out = lab.folder / "reports"
    report = ("report", "-a", "mini", "--out", str(out))
    lab.start(*report, at="File", count=2).is_killed()
    assert [path.name for path in out.glob("*.html")] == ["s1.html"]
    lab.start(*report).ends_with(0)
    assert sorted(path.name for path in out.iterdir()) == [f"s{number}.html" for number in range(1, 6)]


def engine_restarts(lab: Lab) -> None:
    """The sandbox's engine goes in the middle and answers again a little later."""
    run = lab.grade(engine="restarts").ends_with(HELD_BY_A_TA)
    assert "the engine of the sandbox answers again" in run.said


def engine_never_comes_back(lab: Lab) -> None:
    """It costs nobody points, and the next run grades what it could not."""
    run = lab.grade(engine="away", patience_s=0.05).ends_with(HELD_BY_A_TA)
    assert "SANDBOX_UNAVAILABLE" in run.said
    lab.finish()
