"""Names of students and paths of their files apart from sealed rows, so that they can be erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from grader.store.migrations.guards import make_append_only

revision = "0007"
down_revision = "0006"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: Tables with a student in each row; who is in others is in these as well.
_OF_STUDENTS = ("submissions", "attempts", "marks", "remark_requests", "drops", "flags")


def upgrade() -> None:
    _names()
    _keep_who_is_there()
    op.create_table(
        "erasures",
        sa.Column("seq", _KEY, nullable=False, autoincrement=False),
        *map(_text, ("student", "reason")),
        sa.PrimaryKeyConstraint("seq", name="pk_erasures"),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name="fk_erasures_seq"),
        sqlite_strict=True,
    )
    make_append_only("erasures")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _names() -> None:
    op.create_table(
        "names",
        *map(_text, ("token", "kind", "person", "salt", "text")),
        sa.Column("erased", sa.Integer(), nullable=False),
        sa.Column("changed", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_names"),
        sqlite_strict=True,
    )
    students = sa.text("kind = 'student'")
    op.create_index(
        "uq_names_student", "names", ["text"], unique=True, sqlite_where=students, postgresql_where=students
    )
    for column in ("changed", "person"):
        op.create_index(f"ix_names_{column}", "names", [column])


def _keep_who_is_there() -> None:
    """Sealed rows hold the names of who is there: from now on these are their own tokens."""
    everybody = " UNION ".join(f"SELECT student FROM {table}" for table in _OF_STUDENTS)  # noqa: S608
    op.execute(
        "INSERT INTO names (token, kind, person, salt, text, erased, changed)"  # noqa: S608
        f" SELECT student, 'student', student, '', student, 0, 1 FROM ({everybody}) AS everybody"
    )
