"""Leases, priorities and places of jobs; what each run asked for; where evidence is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    _jobs()
    _runs()
    _wants()
    _settings()


def _jobs() -> None:
    op.add_column("jobs", sa.Column("course", sa.Text(), nullable=False, server_default=""))
    for name in ("priority", "place", "token"):
        op.add_column("jobs", sa.Column(name, _KEY, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("gpu", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("lease_until", _REAL))
    op.execute("UPDATE jobs SET place = id")
    # Whoever held them held them by a lock file; nobody renews a lease that ended in 1970.
    op.execute("UPDATE jobs SET lease_until = 0 WHERE state = 'claimed'")
    op.drop_index("uq_jobs_open", "jobs")
    _index("uq_jobs_open", ["student", "assignment", "notebook", "plan", "image"], _OPEN, unique=True)
    _index("ix_jobs_queued", ["course", "priority", "place"], "state = 'queued'")
    _index("ix_jobs_claimed", ["lease_until"], "state = 'claimed'")


_OPEN = "state <> 'done' AND state <> 'superseded'"


def _index(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    part = sa.text(where)
    op.create_index(name, "jobs", columns, unique=unique, sqlite_where=part, postgresql_where=part)


def _runs() -> None:
    op.drop_column("runs", "heartbeat_at")
    op.add_column("runs", sa.Column("lease_until", _REAL, nullable=False, server_default="0"))


def _wants() -> None:
    op.create_table(
        "wants",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("job", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("run", "job", name="pk_wants"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_wants_run"),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name="fk_wants_job"),
        sqlite_strict=True,
    )


def _settings() -> None:
    op.create_table(
        "settings",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "value")),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
        sqlite_strict=True,
    )
