"""Submissions that a person took out of what counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from grader.store.migrations.guards import make_append_only

revision = "0003"
down_revision = "0002"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "drops",
        sa.Column("seq", _KEY, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("student", "assignment", "reason")),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_drops"),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name="fk_drops_seq"),
        sqlite_strict=True,
    )
    op.create_index("ix_drops_assignment_student_seq", "drops", ["assignment", "student", "seq"])
    make_append_only("drops")
