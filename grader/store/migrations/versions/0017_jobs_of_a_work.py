"""Jobs are found by whose work they are of: each file that is handed in asks for them."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0015"


def upgrade() -> None:
    op.create_index("ix_jobs_student_assignment_notebook", "jobs", ["student", "assignment", "notebook"])
