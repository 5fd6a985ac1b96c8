"""What the service receives from students, each with a receipt; and the key of links to hand in by."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

from grader.store.migrations.guards import make_append_only

revision = "0009"
down_revision = "0008"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXTS = ("student", "assignment", "notebook", "sha256", "file", "way", "link")


def upgrade() -> None:
    op.create_table(
        "hand_ins",
        sa.Column("seq", _KEY, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        sa.Column("size", _KEY, nullable=False),
        sa.Column("counts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_hand_ins"),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name="fk_hand_ins_seq"),
        sqlite_strict=True,
    )
    op.create_index("ix_hand_ins_assignment_student_seq", "hand_ins", ["assignment", "student", "seq"])
    make_append_only("hand_ins")
    kept = sa.table("secrets", sa.column("name", sa.Text()), sa.column("value", sa.Text()))
    op.bulk_insert(kept, [{"name": "links", "value": secrets.token_hex(32)}])
