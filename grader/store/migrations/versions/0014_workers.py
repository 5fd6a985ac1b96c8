"""Hosts that run notebooks for the server: the token of each, and what it last said of itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXTS = ("name", "secret", "made", "made_by", "host", "version")


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("id", _KEY, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        sa.Column("seats", _KEY, nullable=False),
        sa.Column("gpus", _KEY, nullable=False),
        sa.Column("revoked", sa.Text()),
        sa.Column("seen", sa.Text()),
        sa.Column("draining", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
        sa.UniqueConstraint("name", name="uq_workers_name"),
        sa.UniqueConstraint("secret", name="uq_workers_secret"),
        sqlite_strict=True,
    )
