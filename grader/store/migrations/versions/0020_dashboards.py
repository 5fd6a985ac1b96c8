"""Workers may name the pages of the pool that they work by. No part of the history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0022"


def upgrade() -> None:
    op.add_column("workers", sa.Column("dashboard", sa.Text(), nullable=False, server_default=""))
