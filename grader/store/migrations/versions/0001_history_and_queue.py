"""The history of submissions, attempts, rubrics, verdicts and marks, and the queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from grader.store.migrations.guards import make_append_only

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    _ledger()
    _submissions()
    _attempts()
    _rubrics()
    _verdicts()
    _marks()
    _queue()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, _KEY, nullable=False)


def _number(name: str) -> sa.Column[float]:
    return sa.Column(name, _REAL, nullable=False)


def _seq(table: str) -> tuple[sa.Column[int], sa.PrimaryKeyConstraint, sa.ForeignKeyConstraint]:
    return (
        sa.Column("seq", _KEY, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("seq", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name=f"fk_{table}_seq"),
    )


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("seq", _KEY, nullable=False, autoincrement=False),
        *map(_text, ("kind", "at", "actor", "why", "previous", "digest")),
        sa.PrimaryKeyConstraint("seq", name="pk_ledger"),
        sqlite_strict=True,
    )
    make_append_only("ledger")


def _submissions() -> None:
    op.create_table(
        "submissions",
        *_seq("submissions"),
        *map(_text, ("student", "assignment", "notebook", "path")),
        sa.Column("submitted_at", sa.Text()),
        sa.Column("late", sa.Integer(), nullable=False),
        _text("problem"),
        sqlite_strict=True,
    )
    op.create_index("ix_submissions_assignment_student_seq", "submissions", ["assignment", "student", "seq"])
    make_append_only("submissions")


def _attempts() -> None:
    op.create_table(
        "attempts",
        *_seq("attempts"),
        _whole("job"),
        *map(_text, ("student", "assignment", "notebook")),
        _whole("number"),
        *map(_text, ("outcome", "detail", "evidence", "plan", "image", "sandbox", "isolation")),
        _whole("seed"),
        *map(_number, ("wall_time_s", "cells_s")),
        sa.UniqueConstraint("job", name="uq_attempts_job"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_attempts_assignment_student_notebook_seq",
        "attempts",
        ["assignment", "student", "notebook", "seq"],
    )
    make_append_only("attempts", ("job",))


def _rubrics() -> None:
    op.create_table(
        "rubrics",
        *_seq("rubrics"),
        *map(_text, ("digest", "handout", "assignment", "name", "text", "handout_text")),
        sa.UniqueConstraint("digest", "handout", name="uq_rubrics_digest_handout"),
        sqlite_strict=True,
    )
    make_append_only("rubrics", ("digest", "handout"))


def _verdicts() -> None:
    op.create_table(
        "verdicts",
        *_seq("verdicts"),
        *map(_whole, ("attempt", "rubric")),
        *map(_text, ("reference", "version")),
        *map(_number, ("points", "out_of", "pending")),
        _text("body"),
        sa.ForeignKeyConstraint(["attempt"], ["attempts.seq"], name="fk_verdicts_attempt"),
        sa.ForeignKeyConstraint(["rubric"], ["rubrics.seq"], name="fk_verdicts_rubric"),
        sqlite_strict=True,
    )
    op.create_index("ix_verdicts_attempt_seq", "verdicts", ["attempt", "seq"])
    make_append_only("verdicts")


def _marks() -> None:
    op.create_table(
        "marks",
        *_seq("marks"),
        *map(_text, ("student", "assignment", "criterion")),
        sa.Column("points", _REAL),
        _text("comment"),
        sa.Column("verdict", _KEY),
        sa.ForeignKeyConstraint(["verdict"], ["verdicts.seq"], name="fk_marks_verdict"),
        sqlite_strict=True,
    )
    op.create_index("ix_marks_assignment_student_seq", "marks", ["assignment", "student", "seq"])
    make_append_only("marks")


def _queue() -> None:
    op.create_table(
        "runs",
        *map(_text, ("id", "host")),
        _whole("pid"),
        *map(_text, ("started_at", "heartbeat_at")),
        sa.Column("ended_at", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sqlite_strict=True,
    )
    op.create_table(
        "jobs",
        sa.Column("id", _KEY, nullable=False),
        *map(_text, ("student", "assignment", "notebook", "plan", "image", "state")),
        sa.Column("run", sa.Text()),
        _whole("tries"),
        *map(_text, ("error", "queued_at")),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_jobs_run"),
        sqlite_strict=True,
    )
    unfinished = sa.text("state <> 'done'")
    op.create_index(
        "uq_jobs_open",
        "jobs",
        ["student", "assignment", "notebook", "plan", "image"],
        unique=True,
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
