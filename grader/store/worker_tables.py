"""The table of hosts that run notebooks for the server; no seal covers it, and no student is in it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from grader.store.models import Base

__all__ = ["WorkerRow"]


class WorkerRow(Base):
    """A host that may take work with a token.

    Attributes:
        secret: SHA-256 of its token, which was shown once.
        made_by: Who let it in.
        revoked: When its token ended; None while it holds.
        seen: When it was last heard of; None before it ever was.
        dashboard: Address of Dask's own pages, where it works by a pool; empty otherwise.
        revoked_by: Who ended its token; empty while it holds.
        draining: It finishes what it has, and gets nothing new.
        courses: Which it serves, one a line; empty for all that the server has.
    """

    __tablename__ = "workers"
    __table_args__ = ({"sqlite_strict": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    secret: Mapped[str] = mapped_column(unique=True)
    made: Mapped[datetime]
    made_by: Mapped[str]
    host: Mapped[str]
    version: Mapped[str]
    seats: Mapped[int]
    gpus: Mapped[int]
    dashboard: Mapped[str] = mapped_column(server_default="")
    revoked: Mapped[datetime | None]
    seen: Mapped[datetime | None]
    draining: Mapped[bool]
    revoked_by: Mapped[str]
    courses: Mapped[str]
