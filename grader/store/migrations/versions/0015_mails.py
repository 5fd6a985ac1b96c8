"""The outbox of mails. No part of the history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("id", _KEY, nullable=False),
        *map(_text, ("about", "student", "address", "subject", "text", "message", "state")),
        sa.Column("tries", _KEY, nullable=False),
        *map(_text, ("error", "made", "due")),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
        sa.UniqueConstraint("about", name="uq_mails_about"),
        sqlite_strict=True,
    )


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)
