"""Remark requests and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from grader.store.migrations.guards import make_append_only

revision = "0002"
down_revision = "0001"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    _requests()
    _actions()
    op.add_column("marks", sa.Column("request", _KEY))


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _seq(table: str) -> tuple[sa.Column[int], sa.PrimaryKeyConstraint, sa.ForeignKeyConstraint]:
    return (
        sa.Column("seq", _KEY, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("seq", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name=f"fk_{table}_seq"),
    )


def _requests() -> None:
    op.create_table(
        "remark_requests",
        *_seq("remark_requests"),
        *map(_text, ("student", "assignment", "criterion", "kind", "reason", "sentence", "late_because")),
        *(sa.Column(name, _REAL, nullable=False) for name in ("points_before", "out_of")),
        sa.Column("verdict", _KEY, nullable=False),
        sa.ForeignKeyConstraint(["verdict"], ["verdicts.seq"], name="fk_remark_requests_verdict"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_remark_requests_assignment_student_seq", "remark_requests", ["assignment", "student", "seq"]
    )
    make_append_only("remark_requests")


def _actions() -> None:
    op.create_table(
        "remark_actions",
        *_seq("remark_actions"),
        sa.Column("request", _KEY, nullable=False),
        _text("action"),
        sa.Column("points", _REAL),
        _text("reason"),
        sa.ForeignKeyConstraint(["request"], ["remark_requests.seq"], name="fk_remark_actions_request"),
        sqlite_strict=True,
    )
    op.create_index("ix_remark_actions_request_seq", "remark_actions", ["request", "seq"])
    make_append_only("remark_actions")
