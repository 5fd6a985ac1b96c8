"""Set-up of an assignment: shares of the class, dates, extensions and excuses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from grader.store.migrations.guards import make_append_only

revision = "0010"
down_revision = "0009"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _made("shares", *map(_text, ("assignment", "grader", "students", "how")))
    op.create_index("ix_shares_assignment_grader_seq", "shares", ["assignment", "grader", "seq"])
    op.create_index("ix_shares_grader_seq", "shares", ["grader", "seq"])
    _made("dates", *map(_text, ("assignment", "reason")), *map(_date, _DATES))
    op.create_index("ix_dates_assignment_seq", "dates", ["assignment", "seq"])
    _made("extensions", *map(_text, ("student", "assignment", "reason")), _date("until"))
    excused = sa.Column("excused", sa.Integer(), nullable=False)
    _made("excuses", *map(_text, ("student", "assignment", "reason")), excused)
    for table in ("extensions", "excuses"):
        op.create_index(f"ix_{table}_assignment_student_seq", table, ["assignment", "student", "seq"])


_DATES = ("due", "until", "remarks_from", "remarks_until")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _date(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text())


def _made(table: str, *columns: sa.Column[str] | sa.Column[int]) -> None:
    op.create_table(
        table,
        sa.Column("seq", _KEY, nullable=False, autoincrement=False),
        *columns,
        sa.PrimaryKeyConstraint("seq", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name=f"fk_{table}_seq"),
        sqlite_strict=True,
    )
    make_append_only(table)
