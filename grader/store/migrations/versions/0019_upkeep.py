"""Leases of mails, what the course let go of, and who is judging a class again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from grader.store.migrations.guards import make_append_only

revision = "0019"
down_revision = "0018"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    _mails()
    _let_go()
    _regrades()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _mails() -> None:
    op.add_column("mails", sa.Column("token", _KEY, nullable=False, server_default="0"))
    op.add_column("mails", sa.Column("lease_until", _REAL))
    # Nobody renews a lease that ended in 1970: what was begun is sent again under its Message-ID.
    op.execute("UPDATE mails SET lease_until = 0 WHERE state = 'sending'")
    part = sa.text("state = 'waiting' OR state = 'sending'")
    op.create_index("ix_mails_open", "mails", ["due"], sqlite_where=part, postgresql_where=part)


def _let_go() -> None:
    op.create_table(
        "let_go",
        sa.Column("seq", _KEY, nullable=False, autoincrement=False),
        *map(_text, ("assignment", "what", "digests", "reason")),
        sa.PrimaryKeyConstraint("seq", name="pk_let_go"),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name="fk_let_go_seq"),
        sqlite_strict=True,
    )
    make_append_only("let_go")


def _regrades() -> None:
    op.create_table(
        "regrades",
        sa.Column("id", _KEY, nullable=False),
        *map(_text, ("assignment", "actor", "began")),
        *(sa.Column(name, _KEY, nullable=False) for name in ("after", "done", "works")),
        sa.Column("lease_until", _REAL, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_regrades"),
        sqlite_strict=True,
    )
