"""Databases that are away for a while: a server that restarts, a file that another program holds."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing

from tests.functional.faults.lab import HELD_BY_A_TA, NOT_DONE, Lab
from tests.postgresql import Cluster

__all__ = [
    "away_at_the_end",
    "away_for_too_long",
    "backend_killed",
    "down_at_the_start",
    "held_at_the_start",
    "held_in_the_middle",
    "restarted",
    "restarted_under_two",
    "wrong_database",
]

_AWAY = "waiting, since the database server does not answer; "
_BACK = "the database answers again"
_LOCKED = "waiting, since the database is locked by another program; "


def _server(lab: Lab) -> Cluster:
    assert lab.server is not None
    return lab.server


def restarted(lab: Lab, mode: str) -> None:
    run = lab.grade(at="Answer", count=2, then="hold").until_held()
    _server(lab).restart(mode)
    lab.go_on()
    run.ends_with(HELD_BY_A_TA)


def restarted_under_two(lab: Lab) -> None:
    both = [lab.grade(at="Answer", then="hold") for _ in range(2)]
    for run in both:
        run.until_held()
    _server(lab).restart("immediate")
    lab.go_on()
    for run in both:
        run.ends_with(HELD_BY_A_TA)


def down_at_the_start(lab: Lab) -> None:
    """`grader run` begins before its server does."""
    _server(lab).stop("fast")
    run = lab.grade().until_it_says(_AWAY)
    _server(lab).start()
    run.ends_with(HELD_BY_A_TA)
    assert _BACK in run.said


def away_at_the_end(lab: Lab) -> None:
    """The server goes while the last result is in hand, and is back after the run noticed."""
    run = lab.grade(at="Answer", count=4, then="hold").until_held()
    _server(lab).stop("immediate")
    lab.go_on()
    run.until_it_says(_AWAY)
    _server(lab).start()
    run.ends_with(HELD_BY_A_TA)


def away_for_too_long(lab: Lab) -> None:
    """Longer than a run waits: it ends and says so, and the next goes on."""
    run = lab.grade(at="Answer", count=2, then="hold", patience_s=0.05).until_held()
    _server(lab).stop("fast")
    lab.go_on()
    run.ends_with(NOT_DONE)
    _server(lab).start()
    lab.finish()


def backend_killed(lab: Lab) -> None:
    """One of the server's own processes dies, and the server breaks off all others to recover."""
    run = lab.grade(at="Answer", count=2, then="hold").until_held()
    with lab.store() as store, store.database.reading() as session:
        connection = session.connection()
        found = connection.exec_driver_sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        (pid, *_) = found.scalars().all()
    # Not before our own connection is closed: the server breaks it off as well.
    os.kill(pid, signal.SIGKILL)
    lab.go_on()
    run.ends_with(HELD_BY_A_TA)


def wrong_database(lab: Lab) -> None:
    """A server that answers and lets nobody in is not waited for."""
    right = lab.database
    lab.database = right.replace("/t", "/no", 1)
    refused = lab.grade().ends_with(NOT_DONE)
    assert "waiting" not in refused.said
    assert "lets nobody in" in refused.said
    lab.database = right
    lab.finish()


def held_at_the_start(lab: Lab) -> None:
    """Another program holds the whole file, so that it cannot even be read, until after the run began."""
    lab.store().close()
    with closing(sqlite3.connect(lab.database, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        holder.execute("CREATE TABLE held (a)")
        run = lab.grade().until_it_says(_LOCKED)
        holder.execute("ROLLBACK")
    run.ends_with(HELD_BY_A_TA)
    assert _BACK in run.said


def held_in_the_middle(lab: Lab) -> None:
    """As a database browser with unsaved changes does, for longer than SQLite itself waits."""
    run = lab.grade(at="Answer", count=2, then="hold").until_held()
    with closing(sqlite3.connect(lab.database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        lab.go_on()
        run.until_it_says(_LOCKED)
    run.ends_with(HELD_BY_A_TA)
