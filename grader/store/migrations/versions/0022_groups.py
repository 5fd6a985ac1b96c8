"""Groups: who hands in together, and for whom a file of theirs counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from grader.store.migrations.guards import make_append_only

revision = "0022"
down_revision = "0019"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _made("groups", "assignment", "name", "members", "reason")
    op.create_index("ix_groups_assignment_seq", "groups", ["assignment", "seq"])
    _made("group_files", "assignment", "notebook", "name", "members")
    of_a_file = ["assignment", "notebook", "seq"]
    op.create_index("ix_group_files_assignment_notebook_seq", "group_files", of_a_file)


def _made(table: str, *texts: str) -> None:
    op.create_table(
        table,
        sa.Column("seq", _KEY, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.PrimaryKeyConstraint("seq", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name=f"fk_{table}_seq"),
        sqlite_strict=True,
    )
    make_append_only(table)
