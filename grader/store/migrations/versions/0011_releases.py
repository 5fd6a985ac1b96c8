"""What students are shown of marks, and since when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from grader.store.migrations.guards import make_append_only

revision = "0011"
down_revision = "0010"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "releases",
        sa.Column("seq", _KEY, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("assignment", "reason")),
        sa.Column("upto", _KEY),
        sa.Column("request", _KEY),
        sa.PrimaryKeyConstraint("seq", name="pk_releases"),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name="fk_releases_seq"),
        sa.ForeignKeyConstraint(["request"], ["remark_requests.seq"], name="fk_releases_request"),
        sqlite_strict=True,
    )
    op.create_index("ix_releases_assignment_seq", "releases", ["assignment", "seq"])
    op.create_index("ix_releases_request_seq", "releases", ["request", "seq"])
    make_append_only("releases")
