"""The tables: an append-only history under one hash chain, and the queue beside it.

Every row of the history has the number of a `LedgerRow`, which says who wrote it, when and why, and seals it.
The rows of the queue and the settings are the only ones that change: they say who is at work and where things
lie, never what came of it.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from grader.store.types import (
    ByToken,
    Flag,
    LiteralText,
    Real,
    StudentName,
    StudentSeen,
    StudentsSeen,
    UtcTime,
)

__all__ = [
    "AttemptRow",
    "Base",
    "BulkMarkRow",
    "DropRow",
    "Entry",
    "ErasureRow",
    "FlagRow",
    "HandInRow",
    "JobRow",
    "LedgerRow",
    "MarkRow",
    "NameRow",
    "ReleaseRow",
    "RemarkActionRow",
    "RemarkRow",
    "RubricRow",
    "RunRow",
    "SecretRow",
    "SettingRow",
    "SubmissionRow",
    "VerdictRow",
    "WantRow",
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


def _some(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of some rows only, on each kind of database."""
    part = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=part, postgresql_where=part)


@event.listens_for(Base, "load", propagate=True)
def _refuse_garbage(row: Base, _: Any) -> None:
    """Stops at a row whose numbers are none, or that lacks what it must have.

    The table would not take it; a file that was damaged or changed by hand may have it. Other types look at
    their values themselves.
    """
    for name, nullable, whole in _columns_of(type(row)):
        value = row.__dict__.get(name, 0)
        if value is None and not nullable:
            raise ValueError(f"{row.__tablename__}.{name} is missing")
        if whole and value is not None and not isinstance(value, int):
            raise ValueError(f"{row.__tablename__}.{name} is no whole number: {value!r:.60}")


@cache
def _columns_of(model: type[Base]) -> tuple[tuple[str, bool, bool], ...]:
    """Name, whether it may be missing, and whether it is a whole number."""
    return tuple(
        (each.key, bool(each.nullable), isinstance(each.type, Integer) and not isinstance(each.type, Flag))
        for each in model.__table__.columns
        if not each.nullable or isinstance(each.type, Integer)
    )


class LedgerRow(Base):
    """The seal of one row of the history.

    Attributes:
        seq: From 1, without gaps.
        kind: Table of the row sealed.
        actor: Who wrote it, a student who acts for themselves by token; why: in one line.
        previous: Digest of the seal before, empty for the first.
        digest: SHA-256 over all of this and the row sealed (see `ledger.seal`).
    """

    __tablename__ = "ledger"
    __table_args__ = ({"sqlite_strict": True},)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(ByToken)
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
        student: As the folder or archive names it, character for character; in each table by token.
        notebook: SHA-256 of the file's bytes, which lie among the blobs.
        path: Where it came from, by token.
        problem: Why it cannot be run, empty where it can.
    """

    __tablename__ = "submissions"
    __table_args__ = (
        Index(None, "assignment", "student", "seq"),
        {"sqlite_strict": True},
    )

    student: Mapped[str] = mapped_column(StudentName)
    assignment: Mapped[str]
    notebook: Mapped[str]
    path: Mapped[str] = mapped_column(ByToken)
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
    student: Mapped[str] = mapped_column(StudentName)
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
        verdict: The newest when it was given, None where there was none.
        request: The remark request that it answers; None for a TA's own mark.
        undoes: The row whose decision on this student's criterion it undoes, saying nothing more.
        seen_verdict: The verdict that the TA says they had on screen; None where they did not say.
        seen_mark: With it the mark by a person that was shown; None where there was none.
    """

    __tablename__ = "marks"
    __table_args__ = (
        Index(None, "assignment", "student", "seq"),
        Index(None, "assignment", "criterion", "seq"),
        {"sqlite_strict": True},
    )

    student: Mapped[str] = mapped_column(StudentName)
    assignment: Mapped[str]
    criterion: Mapped[str]
    points: Mapped[float | None]
    comment: Mapped[str]
    verdict: Mapped[int | None] = mapped_column(ForeignKey("verdicts.seq"))
    request: Mapped[int | None] = mapped_column(default=None)
    seen_verdict: Mapped[int | None] = mapped_column(default=None)
    seen_mark: Mapped[int | None] = mapped_column(default=None)
    undoes: Mapped[int | None] = mapped_column(default=None)


class BulkMarkRow(Entry):
    """One decision on one criterion about many submissions.

    Attributes:
        points: For each of them; None for what undoes another.
        about: Each of them: student, and the numbers of the verdict and of the newest mark that the TA had
            before their eyes, each None where there was none.
        undoes: The row of this table that it undoes as a whole.
    """

    __tablename__ = "bulk_marks"
    __table_args__ = (Index(None, "assignment", "seq"), {"sqlite_strict": True})

    assignment: Mapped[str]
    criterion: Mapped[str]
    points: Mapped[float | None]
    comment: Mapped[str]
    about: Mapped[tuple[StudentSeen, ...]] = mapped_column(StudentsSeen)
    undoes: Mapped[int | None]


class FlagRow(Entry):
    """That a TA asks the head TA to look at one criterion of a submission, or that this is settled.

    Attributes:
        raised: What holds from this row on.
    """

    __tablename__ = "flags"
    __table_args__ = (Index(None, "assignment", "student", "seq"), {"sqlite_strict": True})

    student: Mapped[str] = mapped_column(StudentName)
    assignment: Mapped[str]
    criterion: Mapped[str]
    note: Mapped[str]
    raised: Mapped[bool]


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

    student: Mapped[str] = mapped_column(StudentName)
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

    student: Mapped[str] = mapped_column(StudentName)
    assignment: Mapped[str]
    reason: Mapped[str]
    dropped: Mapped[bool]


class ReleaseRow(Entry):
    """That marks of an assignment, or the answer to one remark request, are shown to students.

    Attributes:
        upto: Number of the newest row that counts for what is shown; None takes a release back.
        request: Whose answer is shown; None for the marks of everybody.
    """

    __tablename__ = "releases"
    __table_args__ = (
        Index(None, "assignment", "seq"),
        Index(None, "request", "seq"),
        {"sqlite_strict": True},
    )

    assignment: Mapped[str]
    upto: Mapped[int | None]
    request: Mapped[int | None] = mapped_column(ForeignKey("remark_requests.seq"))
    reason: Mapped[str]


class HandInRow(Entry):
    """That the service received a file from a student; a row for each, also where its bytes are known.

    Attributes:
        notebook: SHA-256 of what is kept among the blobs, as `SubmissionRow` names it.
        sha256, size: Of the bytes as they were sent; these are what the student has.
        file: What it was called, by token.
        way: ``account``, ``link`` or ``command``.
        link: SHA-256 of the link that it came by; empty for others.
        counts: False where it came when nothing counts any more, and took no other's place.
    """

    __tablename__ = "hand_ins"
    __table_args__ = (Index(None, "assignment", "student", "seq"), {"sqlite_strict": True})

    student: Mapped[str] = mapped_column(StudentName)
    assignment: Mapped[str]
    notebook: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    file: Mapped[str] = mapped_column(ByToken)
    way: Mapped[str]
    link: Mapped[str]
    counts: Mapped[bool]


class ErasureRow(Entry):
    """That a person's names were erased.

    Attributes:
        student: Whose; reads as the label that they have since.
        reason: In free text, without the name.
    """

    __tablename__ = "erasures"
    __table_args__ = ({"sqlite_strict": True},)

    student: Mapped[str] = mapped_column(StudentName)
    reason: Mapped[str]


class NameRow(Base):
    """The text of a token that stands in sealed rows; no part of the history, so that it can be erased.

    Attributes:
        token: Digest over the others (`names.token_of`); of a student from before there were tokens the text.
        kind: ``student`` or ``path``.
        person: The token of whom it is about.
        salt: Made by chance, in hex; empty where the text is erased, and where the token is the text.
        text: Of an erased student a label, of an erased path nothing.
        erased: Whether it was erased.
        changed: Counts up with each change of any row, so that readers ask only for what is new.
    """

    __tablename__ = "names"
    __table_args__ = (
        _some("uq_names_student", "text", unique=True, where="kind = 'student'"),
        Index(None, "changed"),
        Index(None, "person"),
        {"sqlite_strict": True},
    )

    token: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str]
    person: Mapped[str] = mapped_column(Text)
    salt: Mapped[str]
    text: Mapped[str]
    erased: Mapped[bool]
    changed: Mapped[int]


class SecretRow(Base):
    """What only the database knows, by what it is for; no part of the history, so that it can be replaced."""

    __tablename__ = "secrets"
    __table_args__ = ({"sqlite_strict": True},)

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class RunRow(Base):
    """A process at work, or one that was: where it runs is for people to read, and decides nothing.

    Attributes:
        lease_until: As of a job, for what the run asked for.
        serves: Whether it takes whatever is queued, and not only what it asked for itself.
    """

    __tablename__ = "runs"
    __table_args__ = ({"sqlite_strict": True},)

    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    lease_until: Mapped[float]
    serves: Mapped[bool]


class JobRow(Base):
    """A piece of work: one notebook to be run by one plan in one image.

    Attributes:
        state: ``queued``, ``claimed``, ``done``, or ``superseded`` by a file that came later.
        run: Who holds it while it is claimed.
        tries: Times that the sandbox failed us.
        error: What it said the last time.
        course: Whose turn it is goes by course; empty where the database has one.
        priority: See `queue.Priority`.
        place: Its turn among equals: its own number, or that of the job that it took the place of.
        gpu: Whether it needs one.
        token: Counts its claims; who ends it has to say the newest.
        lease_until: When the claim lapses, in seconds since 1970 by the database's clock.
        purpose: Empty where an attempt comes of it; else see `entering.PRE_CHECK`.
        claimed_at: Of the claim that holds, or that ended it, by the clock of whoever claimed it; missing for
            what older versions claimed.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        _some(
            "uq_jobs_open",
            "student",
            "assignment",
            "notebook",
            "plan",
            "image",
            "purpose",
            unique=True,
            where="state <> 'done' AND state <> 'superseded'",
        ),
        _some("ix_jobs_queued", "course", "priority", "place", where="state = 'queued'"),
        _some("ix_jobs_claimed", "lease_until", where="state = 'claimed'"),
        Index(None, "student", "assignment", "notebook"),
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
    course: Mapped[str]
    priority: Mapped[int]
    place: Mapped[int]
    gpu: Mapped[bool]
    token: Mapped[int]
    lease_until: Mapped[float | None]
    purpose: Mapped[str]
    claimed_at: Mapped[datetime | None]


class WantRow(Base):
    """That a run asked for a job, whoever does it."""

    __tablename__ = "wants"
    __table_args__ = ({"sqlite_strict": True},)

    run: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    job: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)


class SettingRow(Base):
    """What holds for all who use this database, such as where its evidence is kept."""

    __tablename__ = "settings"
    __table_args__ = ({"sqlite_strict": True},)

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
