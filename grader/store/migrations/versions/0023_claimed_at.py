"""Since when a job is held, which its lease does not say: that is renewed as long as somebody is at it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0021"


def upgrade() -> None:
    # Missing for what was claimed before: nothing says when that was.
    op.add_column("jobs", sa.Column("claimed_at", sa.Text()))
