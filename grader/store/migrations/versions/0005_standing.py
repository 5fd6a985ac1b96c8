"""What a mark's author had on screen, and the standing beside the history, and a secret of its own."""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    for name in ("seen_verdict", "seen_mark"):
        op.add_column("marks", sa.Column(name, _KEY))
    _standing()
    _criteria()
    _table(
        "standing_counts",
        ("assignment", "criterion", "what"),
        *map(_text, ("assignment", "criterion", "what")),
        _whole("number"),
    )
    _table(
        "standing_layouts",
        ("assignment", "layout"),
        *map(_text, ("assignment", "layout", "criteria")),
    )
    _table(
        "standing_blocks",
        ("assignment", "block", "layout"),
        _text("assignment"),
        sa.Column("block", _KEY, nullable=False, autoincrement=False),
        _text("layout"),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
    )
    _table("standing_policies", ("assignment",), *map(_text, ("assignment", "late")))
    _secrets()


def _secrets() -> None:
    """Pseudonyms of an older database change: its key was the first seal, which receipts and audits show."""
    _table("secrets", ("name",), *map(_text, ("name", "value")))
    kept = sa.table("secrets", sa.column("name", sa.Text()), sa.column("value", sa.Text()))
    op.bulk_insert(kept, [{"name": "pseudonyms", "value": secrets.token_hex(32)}])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, _KEY, nullable=False)


def _number(name: str) -> sa.Column[float]:
    return sa.Column(name, _REAL, nullable=False)


def _table(name: str, key: tuple[str, ...], *columns: sa.Column[Any]) -> None:
    op.create_table(name, *columns, sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"), sqlite_strict=True)


def _standing() -> None:
    _table(
        "standing",
        ("assignment", "student"),
        *map(_text, ("assignment", "student")),
        *(sa.Column(name, _KEY) for name in ("attempt", "verdict")),
        *map(_text, ("outcome", "state")),
        _whole("counted"),
        *map(_number, ("points", "out_of", "pending", "late_points")),
        *map(_whole, ("waiting", "marked", "requests")),
        *map(_text, ("layout", "packed")),
        _whole("block"),
    )
    _index("assignment", "counted", "out_of", "points")
    _index("assignment", "block", "student")


def _index(*columns: str) -> None:
    op.create_index(f"ix_standing_{'_'.join(columns)}", "standing", list(columns))


def _criteria() -> None:
    _table(
        "standing_criteria",
        ("assignment", "student", "criterion"),
        *map(_text, ("assignment", "student", "criterion")),
        _whole("place"),
        _text("status"),
        *map(_number, ("points", "out_of", "pending")),
        _whole("waits"),
        sa.Column("mark", _KEY),
        _text("alike"),
    )
    columns = ["assignment", "criterion", "waits", "alike", "student"]
    op.create_index(f"ix_standing_criteria_{'_'.join(columns)}", "standing_criteria", columns)
