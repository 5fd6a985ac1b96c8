"""The tables: an append-only history under one hash chain, and the queue beside it.

Every row of the history has the number of a `LedgerRow`, which says who wrote it, when and why, and seals it.
`RunRow` and `JobRow` are the only rows that change: they say who is at work, never what came of it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, MetaData, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from grader.store.types import Flag, LiteralText, Real, UtcTime

__all__ = [
    "AttemptRow",
    "Base",
    "DropRow",
    "Entry",
    "JobRow",
    "LedgerRow",
    "MarkRow",
    "RemarkActionRow",
    "RemarkRow",
    "RubricRow",
    "RunRow",
    "SubmissionRow",
    "VerdictRow",
]

#: SQLite gives rowids, and STRICT tables demand the word INTEGER; PostgreSQL needs the long form.
_Key = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: LiteralText, datetime: UtcTime, float: Real, bool: Flag, int: _Key}  # noqa: RUF012


class LedgerRow(Base):
    """The seal of one row of the history.

    Attributes:
        seq: From 1, without gaps.
        kind: Table of the row sealed.
        actor: Who wrote it; why: in one line.
        previous: Digest of the seal before, empty for the first.
        digest: SHA-256 over all of this and the row sealed (see `ledger.seal`).
    """

    __tablename__ = "ledger"
    __table_args__ = ({"sqlite_strict": True},)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    why: Mapped[str]
    previous: Mapped[str]
    digest: Mapped[str]


class Entry(Base):
    """A row of the history; `seq` is the number of its seal."""

    __abstract__ = True

    seq: Mapped[int] = mapped_column(ForeignKey("ledger.seq"), primary_key=True, autoincrement=False)


class SubmissionRow(Entry):
    """A student's file as it was handed in; a new row only where it differs from the one before.

    Attributes:
        student: As the folder or archive names it, character for character.
        notebook: SHA-256 of the file's bytes, which lie among the blobs.
        problem: Why it cannot be run, empty where it can.
    """

    __tablename__ = "submissions"
    __table_args__ = (
        Index(None, "assignment", "student", "seq"),
        {"sqlite_strict": True},
    )

    student: Mapped[str]
    assignment: Mapped[str]
    notebook: Mapped[str]
    path: Mapped[str]
    submitted_at: Mapped[datetime | None]
    late: Mapped[bool]
    problem: Mapped[str]


class AttemptRow(Entry):
    """One execution of one submission that reached a terminal outcome.

    Attributes:
        job: The job that it ended; unique, so that no job ends twice.
        number: From 1, for each student and assignment.
        evidence: Digest of the encoded evidence, which lies among the blobs.
        plan: Digest of the plan, whose JSON lies among the blobs.
        image: What it ran in.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("job"),
        Index(None, "assignment", "student", "notebook", "seq"),
        {"sqlite_strict": True},
    )

    job: Mapped[int]
    student: Mapped[str]
    assignment: Mapped[str]
    notebook: Mapped[str]
    number: Mapped[int]
    outcome: Mapped[str]
    detail: Mapped[str]
    evidence: Mapped[str]
    plan: Mapped[str]
    image: Mapped[str]
    sandbox: Mapped[str]
    isolation: Mapped[str]
    seed: Mapped[int]
    wall_time_s: Mapped[float]
    cells_s: Mapped[float]


class RubricRow(Entry):
    """A rubric as it read when a verdict stood on it; `handout` is the digest of `handout_text`."""

    __tablename__ = "rubrics"
    __table_args__ = (UniqueConstraint("digest", "handout"), {"sqlite_strict": True})

    digest: Mapped[str]
    handout: Mapped[str]
    assignment: Mapped[str]
    name: Mapped[str]
    text: Mapped[str]
    handout_text: Mapped[str]


class VerdictRow(Entry):
    """A verdict on an attempt, by a rubric and a reference.

    Attributes:
        reference: Digest of the reference folder's sources.
        version: Version of the grader that judged.
        body: The verdict's JSON.
    """

    __tablename__ = "verdicts"
    __table_args__ = (Index(None, "attempt", "seq"), {"sqlite_strict": True})

    attempt: Mapped[int] = mapped_column(ForeignKey("attempts.seq"))
    rubric: Mapped[int] = mapped_column(ForeignKey("rubrics.seq"))
    reference: Mapped[str]
    version: Mapped[str]
    points: Mapped[float]
    out_of: Mapped[float]
    pending: Mapped[float]
    body: Mapped[str]


class MarkRow(Entry):
    """Points that a TA gave for one criterion.

    Attributes:
        points: None takes the TA's earlier marks back, so that what was before them counts again.
        verdict: What the TA had before their eyes, None where there was none.
        request: The remark request that it answers; None for a TA's own mark.
    """

    __tablename__ = "marks"
    __table_args__ = (Index(None, "assignment", "student", "seq"), {"sqlite_strict": True})

    student: Mapped[str]
    assignment: Mapped[str]
    criterion: Mapped[str]
    points: Mapped[float | None]
    comment: Mapped[str]
    verdict: Mapped[int | None] = mapped_column(ForeignKey("verdicts.seq"))
    request: Mapped[int | None] = mapped_column(default=None)


class RemarkRow(Entry):
    """A remark request as it was opened; its number is its id.

    Attributes:
        criterion: Empty for a counting error, which concerns the sum.
        sentence: The policy's sentence that the requester accepted.
        late_because: Why a TA took it after the date; empty where it was in time.
        points_before: The mark in question when it was opened, of the criterion or of all.
        verdict: What that mark stood on.
    """

    __tablename__ = "remark_requests"
    __table_args__ = (Index(None, "assignment", "student", "seq"), {"sqlite_strict": True})

    student: Mapped[str]
    assignment: Mapped[str]
    criterion: Mapped[str]
    kind: Mapped[str]
    reason: Mapped[str]
    sentence: Mapped[str]
    late_because: Mapped[str]
    points_before: Mapped[float]
    out_of: Mapped[float]
    verdict: Mapped[int] = mapped_column(ForeignKey("verdicts.seq"))


class RemarkActionRow(Entry):
    """One step of a remark request; `points` for decisions only."""

    __tablename__ = "remark_actions"
    __table_args__ = (Index(None, "request", "seq"), {"sqlite_strict": True})

    request: Mapped[int] = mapped_column(ForeignKey("remark_requests.seq"))
    action: Mapped[str]
    points: Mapped[float | None]
    reason: Mapped[str]


class DropRow(Entry):
    """That a student's work on an assignment was taken out of what counts, or brought back.

    Attributes:
        dropped: What holds from this row on.
    """

    __tablename__ = "drops"
    __table_args__ = (Index(None, "assignment", "student", "seq"), {"sqlite_strict": True})

    student: Mapped[str]
    assignment: Mapped[str]
    reason: Mapped[str]
    dropped: Mapped[bool]


class RunRow(Base):
    """A process at work; its claims are free once `heartbeat_at` is old or the process is gone."""

    __tablename__ = "runs"
    __table_args__ = ({"sqlite_strict": True},)

    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class JobRow(Base):
    """A piece of work: one notebook to be run by one plan in one image.

    Attributes:
        state: ``queued``, ``claimed`` or ``done``.
        tries: Times that the sandbox failed us.
        error: What it said the last time.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "uq_jobs_open",
            "student",
            "assignment",
            "notebook",
            "plan",
            "image",
            unique=True,
            sqlite_where=text("state <> 'done'"),
            postgresql_where=text("state <> 'done'"),
        ),
        {"sqlite_strict": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    student: Mapped[str]
    assignment: Mapped[str]
    notebook: Mapped[str]
    plan: Mapped[str]
    image: Mapped[str]
    state: Mapped[str]
    run: Mapped[str | None] = mapped_column(ForeignKey("runs.id"))
    tries: Mapped[int]
    error: Mapped[str]
    queued_at: Mapped[datetime]
