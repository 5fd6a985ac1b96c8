"""The desk: decisions about many at once, marks undone, flags, names, and what answers look like."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from grader.store.migrations.guards import make_append_only

revision = "0006"
down_revision = "0005"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")
_NAMES = ("student", "name", "first_name", "last_name", "email", "section", "number", "login", "canvas_id")


def upgrade() -> None:
    op.add_column("marks", sa.Column("undoes", _KEY))
    op.create_index("ix_marks_assignment_criterion_seq", "marks", ["assignment", "criterion", "seq"])
    _bulk_marks()
    _flags()
    _answers()
    _roster()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _seq(table: str) -> tuple[sa.Column[int], sa.PrimaryKeyConstraint, sa.ForeignKeyConstraint]:
    return (
        sa.Column("seq", _KEY, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("seq", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name=f"fk_{table}_seq"),
    )


def _bulk_marks() -> None:
    op.create_table(
        "bulk_marks",
        *_seq("bulk_marks"),
        *map(_text, ("assignment", "criterion", "comment", "about")),
        sa.Column("points", _REAL),
        sa.Column("undoes", _KEY),
        sqlite_strict=True,
    )
    op.create_index("ix_bulk_marks_assignment_seq", "bulk_marks", ["assignment", "seq"])
    make_append_only("bulk_marks")


def _flags() -> None:
    op.create_table(
        "flags",
        *_seq("flags"),
        *map(_text, ("student", "assignment", "criterion", "note")),
        sa.Column("raised", sa.Integer(), nullable=False),
        sqlite_strict=True,
    )
    op.create_index("ix_flags_assignment_student_seq", "flags", ["assignment", "student", "seq"])
    make_append_only("flags")


def _answers() -> None:
    """Worked out from the evidence and worked out again where it is gone: no part of the history."""
    op.create_table(
        "answers",
        sa.Column("attempt", _KEY, nullable=False, autoincrement=False),
        *map(_text, ("part", "criterion", "state", "prose", "code", "calls", "shown")),
        sa.PrimaryKeyConstraint("attempt", "part", "criterion", name="pk_answers"),
        sa.ForeignKeyConstraint(["attempt"], ["attempts.seq"], name="fk_answers_attempt"),
        sqlite_strict=True,
    )


def _roster() -> None:
    """Who is who can change, and be erased: no part of the history."""
    op.create_table(
        "roster",
        sa.Column("id", _KEY, nullable=False),
        *map(_text, _NAMES),
        sa.PrimaryKeyConstraint("id", name="pk_roster"),
        sqlite_strict=True,
    )
    op.create_table(
        "roster_keys",
        _text("key"),
        sa.Column("person", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("key", "person", name="pk_roster_keys"),
        sa.ForeignKeyConstraint(["person"], ["roster.id"], name="fk_roster_keys_person"),
        sqlite_strict=True,
    )
