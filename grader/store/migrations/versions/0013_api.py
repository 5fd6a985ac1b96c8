"""Tokens for programs, and what their writes were answered with. No part of the history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("account", _KEY, nullable=False),
        *map(_text, ("name", "secret", "scopes", "course", "made")),
        *(sa.Column(name, sa.Text()) for name in ("until", "used")),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("account", "name", name="uq_api_tokens_account"),
        sa.UniqueConstraint("secret", name="uq_api_tokens_secret"),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.id"], name="fk_api_tokens_account", ondelete="CASCADE"
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "api_answers",
        sa.Column("token", _KEY, nullable=False, autoincrement=False),
        *map(_text, ("key", "request")),
        sa.Column("status", _KEY, nullable=False),
        *map(_text, ("headers", "body", "began")),
        sa.PrimaryKeyConstraint("token", "key", name="pk_api_answers"),
        sa.ForeignKeyConstraint(
            ["token"], ["api_tokens.id"], name="fk_api_answers_token", ondelete="CASCADE"
        ),
        sqlite_strict=True,
    )


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)
