"""Pre-checks: what a job is for, which processes take whatever is queued, and the pre-checks themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("state <> 'done' AND state <> 'superseded'")


def upgrade() -> None:
    _queue()
    op.create_table(
        "pre_checks",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("job", _KEY, nullable=False),
        *map(_text, ("student", "assignment", "came", "file", "state", "told")),
        sa.Column("ended", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_pre_checks"),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name="fk_pre_checks_job"),
        sa.UniqueConstraint("job", name="uq_pre_checks_job"),
        sqlite_strict=True,
    )
    op.create_index("ix_pre_checks_assignment_student", "pre_checks", ["assignment", "student"])
    op.create_index("ix_pre_checks_came", "pre_checks", ["came"])
    op.create_table(
        "pre_check_files",
        sa.Column("pre_check", _KEY, nullable=False, autoincrement=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("pre_check", name="pk_pre_check_files"),
        sa.ForeignKeyConstraint(["pre_check"], ["pre_checks.id"], name="fk_pre_check_files_pre_check"),
        sqlite_strict=True,
    )
    op.create_table(
        "pre_check_rules",
        _text("assignment"),
        sa.Column("a_day", _KEY, nullable=False),
        sa.Column("tells_rest", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("assignment", name="pk_pre_check_rules"),
        sqlite_strict=True,
    )


def _queue() -> None:
    """A look at a notebook and the notebook handed in are two jobs, also where all of them is the same."""
    op.add_column("jobs", sa.Column("purpose", sa.Text(), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("serves", sa.Integer(), nullable=False, server_default="0"))
    op.drop_index("uq_jobs_open", "jobs")
    op.create_index(
        "uq_jobs_open",
        "jobs",
        ["student", "assignment", "notebook", "plan", "image", "purpose"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)
