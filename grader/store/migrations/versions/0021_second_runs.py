"""Second runs of attempts, and the courses that a worker serves. No part of the history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0016"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "second_runs",
        *(sa.Column(name, _KEY, nullable=False) for name in ("id", "attempt", "job")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("host", "made", "state")),
        sa.Column("seed", _KEY, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("evidence", "differing")),
        sa.PrimaryKeyConstraint("id", name="pk_second_runs"),
        sa.UniqueConstraint("attempt", name="uq_second_runs_attempt"),
        sa.UniqueConstraint("job", name="uq_second_runs_job"),
        sa.ForeignKeyConstraint(["attempt"], ["attempts.seq"], name="fk_second_runs_attempt"),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name="fk_second_runs_job"),
        sqlite_strict=True,
    )
    # Empty for all that the server has, as every worker could do until now.
    op.add_column("workers", sa.Column("courses", sa.Text(), nullable=False, server_default=""))
