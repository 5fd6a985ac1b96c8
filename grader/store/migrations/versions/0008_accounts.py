"""Who may come in: accounts, enrolments, sessions, links that sign in once. No part of the history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", _KEY, nullable=False),
        *map(_text, ("login", "email", "password", "made")),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("login", name="uq_accounts_login"),
        sqlite_strict=True,
    )
    _create(
        "enrolments",
        sa.Column("account", _KEY, nullable=False, autoincrement=False),
        *map(_text, ("course", "role", "student")),
        key=("account", "course"),
    )
    _create(
        "identities",
        *map(_text, ("issuer", "subject")),
        sa.Column("account", _KEY, nullable=False),
        key=("issuer", "subject"),
    )
    _create(
        "sessions",
        _text("id"),
        sa.Column("account", _KEY),
        *map(_text, ("name", "role", "began", "seen", "until")),
    )
    _create(
        "sign_in_links",
        _text("id"),
        sa.Column("account", _KEY),
        *map(_text, ("name", "role")),
        sa.Column("sets_password", sa.Integer(), nullable=False),
        _text("until"),
    )
    op.create_table(
        "oidc_requests",
        *map(_text, ("state", "browser", "nonce", "verifier", "next", "until")),
        sa.PrimaryKeyConstraint("state", name="pk_oidc_requests"),
        sqlite_strict=True,
    )
    for table in ("identities", "sessions", "sign_in_links"):
        op.create_index(f"ix_{table}_account", table, ["account"])


def _create(table: str, *columns: sa.Column[object], key: tuple[str, ...] = ("id",)) -> None:
    """A table of what somebody has, which goes with their account."""
    op.create_table(
        table,
        *columns,
        sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=f"fk_{table}_account", ondelete="CASCADE"),
        sqlite_strict=True,
    )


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)
