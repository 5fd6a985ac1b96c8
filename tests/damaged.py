"""A small class in which everything happened once, and its database with one value damaged at a time."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Integer, LargeBinary

from grader.cli import execute
from grader.store import ANYWHERE, Ask, JobKey, Priority, Signature, open_store
from grader.store.drafts import RubricDraft
from grader.store.entering import PRE_CHECK
from grader.store.groups import GroupFileRecord
from grader.store.mails import NewMail
from grader.store.models import Base
from grader.store.pauses import QueueAction, QueueOrder
from grader.store.prechecks import NewPreCheck
from grader.store.retention import LetGoRecord
from grader.store.types import Flag, Real, UtcTime
from grader.workflows.desk.deciding import Alike, decide_alike
from grader.workflows.desk.flags import raise_flag
from grader.workflows.views.show import find_results
from tests import course

__all__ = ["Damaged", "cells", "damage", "write_class"]

_PUBLIC = course.RUBRIC.replace("    check: no_builtin", "    public: true\n    check: no_builtin")
_LATE = "late: {due: 2030-01-01T00:00:00+01:00, per_day: 0.1, tokens: 2}\n"
_ROSTER = "student,name,login,email\ns1,Jane Doe,doejane,jane@x.org\ns2,John Smith,smithj,john@x.org\n"
_PLATFORM = (
    *("--issuer", "https://lms.example.org", "--client-id", "c", "--deployment", "1"),
    *("--auth-url", "https://lms.example.org/auth", "--token-url", "https://lms.example.org/token"),
    *("--jwks-url", "https://lms.example.org/keys"),
)
#: Of a file that no row names, so that nothing is missing.
_LET_GO = LetGoRecord(assignment="mini", what="evidence", digests=("c" * 64,), reason="its time was over")
_JSON = {
    ("verdicts", "body"),
    ("bulk_marks", "about"),
    ("standing_layouts", "criteria"),
    ("shares", "students"),
    ("groups", "members"),
    ("group_files", "members"),
}


@dataclass(frozen=True)
class Damaged:
    """One value of one row.

    Attributes:
        value: That is put in its place.
    """

    table: str
    column: str
    value: Any

    def __str__(self) -> str:
        return f"{self.table}.{self.column}={self.value!r:.20}"


def write_class(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Four students of a lab: marked, alike, asked about, flagged, dropped; and all that a course sets up."""
    patch.chdir(folder)
    for name in ("GRADER_DB", "GRADER_RUBRIC", "GRADER_DATA"):
        patch.delenv(name, raising=False)
    patch.setenv("GRADER_USER", "ann")
    patch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: course.sandbox())
    course.write_rubric(folder / "rubrics", _PUBLIC + _LATE)
    (folder / "roster.csv").write_text(_ROSTER)
    (folder / "groups.csv").write_text("student,group\ns1,g1\ns2,g1\n")
    (folder / "marks.csv").write_text("student,criterion,points,comment\ns1,why,1,so\n")
    for student in ("s1", "s2", "s3", "s4"):
        course.hand_in(folder / "submissions", student, course.GOOD if student != "s2" else course.SHADOWING)
    asked = ("--reason", "look again", "--accept", "--criterion", "builtin-shadowing")
    for command in (
        ("run", "submissions", "--rubric", "mini"),
        ("roster", "roster.csv"),
        ("db", "zone", "Europe/Berlin"),
        ("mark", "s1", "-a", "mini", "--criterion", "why", "--points", "2", "--comment", "fine"),
        ("remark", "open", "s1", "-a", "mini", *asked),
        ("account", "add", "ben", "--role", "ta"),
        ("release", "now", "-a", "mini", "--yes"),
        ("drop", "s4", "-a", "mini", "--reason", "handed in twice", "--yes"),
        ("dates", "-a", "mini", "--due", "2030-01-02T00:00", "--reason", "the hall was closed"),
        ("extend", "s2", "-a", "mini", "--until", "2030-01-09T00:00", "--reason", "ill"),
        ("excuse", "s3", "-a", "mini", "--reason", "exchange"),
        ("excuse", "s3", "-a", "mini", "--reason", "came back", "--undo"),
        ("share", "give", "ann", "s1", "s2", "s3", "-a", "mini"),
        ("mail", "on", "--from", "course@uni.example", "--link", "https://desk.example.org"),
        ("hand-in", "submissions/s2/lab.ipynb", "-s", "s2", "-a", "mini", "--receipt", "receipt.json"),
        ("api", "token", "first", "--account", "ben", "--scope", "read"),
        ("worker", "token", "gpu-1"),
        ("queue", "rerun", "s2", "-a", "mini", "--reason", "once more"),
        ("lti", "add", "moodle", *_PLATFORM),
        ("lti", "connect", "moodle", "5"),
        ("db", "prechecks", "3", "--assignment", "mini"),
        ("groups", "set", "g1", "s1", "s2", "-a", "mini", "--reason", "as they signed up"),
    ):
        assert execute(command) == 0, command
    with open_store("grader.db") as store:
        with store.writing() as history:
            # Of another assignment: a run would wait for one of its own.
            paused = QueueOrder(action=QueueAction.PAUSE, assignment="later", student=None, reason="not yet")
            history.order_queue(paused, Signature("ann", store.clock(), "grader queue pause"))
            history.keep_draft("ann", "mini", RubricDraft(course.RUBRIC, store.clock()))
        both = [
            Alike(each.student, course.seen_now(each, "why"))
            for each in find_results(store, "mini", ["s2", "s3"])
        ]
        decide_alike(store, "mini", "why", 1.5, "as said", both, actor="ann")
        raise_flag(store, "mini", "s2", "why", "look at this", actor="ann")
        [id] = [each.id for each in _requests(store)]
        store.regrades.begin("mini", 3, "ann")
        key = JobKey("s2", "mini", "a" * 64, "b" * 64, ANYWHERE, PRE_CHECK)
        with store.writing() as history:
            asked_for = Ask(key, priority=Priority.PRE_CHECK)
            history.let_go(_LET_GO, Signature("ann", store.clock(), "grader retention apply"))
            history.post_mails([NewMail("released mini s2", "s2", "john@x.org", "marks", "x")], store.clock())
            both_hand_in = GroupFileRecord(
                assignment="mini", notebook="a" * 64, name="g1", members=("s1", "s2")
            )
            history.note_group_file(both_hand_in, Signature("s2", store.clock(), "handed in"))
            history.add_pre_check(NewPreCheck(asked_for, "lab.ipynb", b"{}", store.clock()))
    assert execute(("remark", "review", str(id))) == 0
    assert execute(("alike", "-a", "mini", "-c", "why")) in (0, 1)
    with sqlite3.connect(folder / "grader.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _requests(store: Any) -> list[Any]:
    with store.reading() as history:
        return list(history.remarks(assignment="mini"))


def cells() -> Iterator[Damaged]:
    """Every column of every table, with each value that it cannot hold."""
    for table in sorted(Base.metadata.tables.values(), key=lambda table: table.name):
        for column in table.columns:
            values = _values(table.name, column)
            if not column.nullable:
                values = [None, *values]
            yield from (Damaged(table.name, column.name, value) for value in values)


def _values(table: str, column: Any) -> list[Any]:
    if isinstance(column.type, UtcTime):
        return ["yesterday", "2026-01-01T00:00:00", 7]
    if isinstance(column.type, Flag):
        return [7, "x"]
    if isinstance(column.type, Real):
        return ["x", float("inf"), 1e300]
    if isinstance(column.type, LargeBinary):
        return [b"\x01", "x"]
    if isinstance(column.type, Integer):
        return ["x", -1, 2**62, 1.5]
    text = [b"\xff\xfehm", 7, "no such thing"]
    if (table, column.name) in _JSON:
        text += ["{", "[]", "[[1]]", "null"]
    return text


def damage(source: Path, target: Path, cell: Damaged) -> str:
    """Copies a database with one value changed, as a hand in the file would: no guard, no type, no key.

    The row is the second student's where the table has students, else the newest.

    Returns:
        Whose row it is where it is the second student's; else nothing.
    """
    for end in ("", "-wal", "-shm"):
        # A command that ended with an error may hold the last one open still: it keeps a file of its own.
        target.with_name(target.name + end).unlink(missing_ok=True)
    shutil.copy(source, target)
    with sqlite3.connect(target) as connection:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({cell.table})")]
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
        for (name,) in connection.execute(triggers, (cell.table,)).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        listed = ", ".join(f'"{name}"' for name in names)
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("PRAGMA legacy_alter_table=ON")
        connection.execute(f"ALTER TABLE {cell.table} RENAME TO whole")
        connection.execute(f"CREATE TABLE {cell.table} ({listed})")
        connection.execute(f"INSERT INTO {cell.table} SELECT {listed} FROM whole ORDER BY rowid")
        connection.execute("DROP TABLE whole")
        keys = [each.name for each in Base.metadata.tables[cell.table].primary_key]
        # Other tables name its rows by this.
        connection.execute(f"CREATE UNIQUE INDEX pk_{cell.table} ON {cell.table} ({', '.join(keys)})")
        newest = f"SELECT max(rowid) FROM {cell.table}"
        theirs = (None,)
        if "student" in names and cell.table != "names":
            # Sealed rows hold a token in place of a name.
            token = "(SELECT token FROM names WHERE kind = 'student' AND text = 's2')"
            theirs = connection.execute(f"{newest} WHERE student IN ('s2', {token})").fetchone()
        row = theirs[0] or connection.execute(newest).fetchone()[0]
        whose = "s2" if theirs[0] else ""
        value = cell.value
        sql = f'UPDATE {cell.table} SET "{cell.column}" = ? WHERE rowid = ?'
        if isinstance(value, bytes) and cell.column != "marks":
            sql = sql.replace("= ? WHERE", "= CAST(? AS TEXT) WHERE")
        connection.execute(sql, (value, row))
    return whose
