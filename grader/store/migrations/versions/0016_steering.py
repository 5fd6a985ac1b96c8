"""The queue is steered; workers say who ended them; drafts of rubrics are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from grader.store.migrations.guards import make_append_only

revision = "0016"
down_revision = "0020"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "queue_orders",
        sa.Column("seq", _KEY, nullable=False, autoincrement=False),
        *map(_text, ("action", "assignment")),
        sa.Column("student", sa.Text()),
        _text("reason"),
        sa.PrimaryKeyConstraint("seq", name="pk_queue_orders"),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name="fk_queue_orders_seq"),
        sqlite_strict=True,
    )
    make_append_only("queue_orders")
    op.create_index(
        "ix_queue_orders_assignment_student_seq", "queue_orders", ["assignment", "student", "seq"]
    )
    op.create_table(
        "queue_pauses",
        _text("assignment"),
        sa.Column("up_to", _KEY, nullable=False),
        sa.Column("ordered", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("assignment", name="pk_queue_pauses"),
        sa.ForeignKeyConstraint(["ordered"], ["queue_orders.seq"], name="fk_queue_pauses_ordered"),
        sqlite_strict=True,
    )
    op.create_table(
        "rubric_drafts",
        *map(_text, ("owner", "assignment", "text", "at")),
        sa.PrimaryKeyConstraint("owner", "assignment", name="pk_rubric_drafts"),
        sqlite_strict=True,
    )
    op.add_column("workers", sa.Column("revoked_by", sa.Text(), nullable=False, server_default=""))


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)
