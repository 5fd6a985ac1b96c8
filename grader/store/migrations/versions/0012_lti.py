"""Course systems that bring people by LTI 1.3, and which marks they took. No part of the history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    addresses = ("auth_url", "token_url", "jwks_url", "origins")
    op.create_table(
        "lti_platforms",
        *map(_text, ("name", "issuer", "client_id", "deployment", *addresses, "course", "enrols", "made")),
        sa.PrimaryKeyConstraint("name", name="pk_lti_platforms"),
        sa.UniqueConstraint("issuer", "client_id", "deployment", name="uq_lti_platforms_issuer"),
        sqlite_strict=True,
    )
    _of_platform("lti_contexts", ("platform", "context"), "course", "memberships", "line_items")
    _of_platform("lti_line_items", ("platform", "context", "assignment"), "url")
    _of_platform("lti_scores", ("platform", "line_item", "subject"), "course", "student", "digest", "sent")
    op.create_table(
        "lti_requests",
        *map(_text, ("state", "browser", "nonce", "issuer", "client_id")),
        sa.Column("deep", sa.Integer(), nullable=False),
        _text("until"),
        sa.PrimaryKeyConstraint("state", name="pk_lti_requests"),
        sqlite_strict=True,
    )
    op.create_table(
        "lti_arrivals",
        *map(_text, ("ticket", "browser")),
        sa.Column("account", _KEY, nullable=False),
        *map(_text, ("next", "until")),
        sa.PrimaryKeyConstraint("ticket", name="pk_lti_arrivals"),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.id"], name="fk_lti_arrivals_account", ondelete="CASCADE"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_lti_arrivals_account", "lti_arrivals", ["account"])


def _of_platform(table: str, key: tuple[str, ...], *more: str) -> None:
    """A table of what belongs to a platform, and goes with it."""
    op.create_table(
        table,
        *map(_text, (*key, *more)),
        sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["platform"], ["lti_platforms.name"], name=f"fk_{table}_platform", ondelete="CASCADE"
        ),
        sqlite_strict=True,
    )


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)
