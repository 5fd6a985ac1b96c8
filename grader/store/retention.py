"""How long a course keeps files, what it let go of, and who has what: rules unsealed, letting go sealed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import Text, delete, func, select, type_coerce, update
from sqlalchemy.orm import Session

from grader.store import ledger
from grader.store.answers import AnswerRecord, keep_answers
from grader.store.desk_tables import AnswerRow
from grader.store.kept import let_go_since, naming_rows
from grader.store.ledger import Signature
from grader.store.mail_tables import MailRow
from grader.store.models import AttemptRow, HandInRow, JobRow, LedgerRow, SettingRow, SubmissionRow
from grader.store.records import Record
from grader.store.unchanged import of_change
from grader.store.upkeep_tables import LetGoRow

__all__ = [
    "KINDS",
    "Held",
    "Kind",
    "LetGo",
    "LetGoRecord",
    "Retention",
    "Rule",
    "empty_mails",
    "held_on",
    "keep_retention",
    "kept_retention",
    "let_go",
    "let_go_of",
    "newest_file_at",
    "old_mails",
    "works_in_queue",
]

_SETTING = "retention"
#: What can be let go of by assignment: files as they were handed in, and recordings of their runs.
Kind = Literal["uploads", "evidence"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_OVER = ("sent", "given up")


@dataclass(frozen=True)
class Rule:
    """For how many days after an assignment has ended its files are kept; None for good."""

    uploads: int | None = None
    evidence: int | None = None

    def days(self, what: Kind) -> int | None:
        return self.uploads if what == "uploads" else self.evidence


@dataclass(frozen=True)
class Retention:
    """What a course says of keeping.

    Attributes:
        general: For assignments that have no rule of their own.
        of: Rules of their own, by assignment.
        mails: For how many days after it was written a mail's text and address are kept; None for good.
    """

    general: Rule = Rule()
    of: Mapping[str, Rule] = field(default_factory=dict)
    mails: int | None = None

    def rule(self, assignment: str) -> Rule:
        return self.of.get(assignment, self.general)

    def with_rule(self, assignment: str | None, rule: Rule) -> Retention:
        """With this rule for an assignment, or in general where it is None."""
        if assignment is None:
            return replace(self, general=rule)
        return replace(self, of={**self.of, assignment: rule})


@dataclass(frozen=True, kw_only=True)
class LetGoRecord(Record):
    """Files of an assignment that are let go of; see `LetGoRow`."""

    assignment: str
    what: str
    digests: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class LetGo:
    """That a file was let go of.

    Attributes:
        row: Number of the row that says so.
        by, at: Who, when (UTC).
        reason: The rule, in words.
    """

    row: int
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Held:
    """One student's file of an assignment.

    Attributes:
        newest: Number of the newest row that names it, for whomever.
        also: Other assignments that name it.
    """

    digest: str
    student: str
    newest: int
    also: frozenset[str]


def kept_retention(session: Session) -> Retention:
    """What the course says; to keep everything for good where it said nothing."""
    row = session.get(SettingRow, _SETTING)
    if row is None:
        return Retention()
    said: dict[str, Any] = json.loads(row.value)
    return Retention(
        Rule(**said["general"]), {name: Rule(**rule) for name, rule in said["of"].items()}, said["mails"]
    )


def keep_retention(session: Session, retention: Retention) -> None:
    """Says it from now on."""
    session.merge(SettingRow(name=_SETTING, value=json.dumps(asdict(retention))))
    session.flush()


def held_on(session: Session, assignment: str, what: Kind) -> list[Held]:
    """Files of an assignment that were not let go of, once for each student who has them."""
    named = list(naming_rows(session, "notebook" if what == "uploads" else "evidence"))
    newest: dict[str, int] = {}
    where: dict[str, set[str]] = {}
    for each in named:
        newest[each.digest] = max(newest.get(each.digest, 0), each.row)
        where.setdefault(each.digest, set()).add(each.assignment)
    gone = let_go_since(session)
    whose = {(each.digest, each.student) for each in named if each.assignment == assignment}
    return [
        Held(digest, student, newest[digest], frozenset(where[digest] - {assignment}))
        for digest, student in sorted(whose)
        if gone.get(digest, 0) < newest[digest]
    ]


def newest_file_at(session: Session, assignment: str) -> datetime | None:
    """When the last file came for an assignment (UTC); None where none did."""
    return of_change(session, ("newest file", assignment), lambda: _newest_file_at(session, assignment))


def _newest_file_at(session: Session, assignment: str) -> datetime | None:
    came = (
        select(func.max(each.seq)).filter_by(assignment=assignment) for each in (SubmissionRow, HandInRow)
    )
    newest = max(session.scalar(query) or 0 for query in came)
    seal = session.get(LedgerRow, newest)
    return None if seal is None else seal.at


def works_in_queue(session: Session, assignment: str) -> set[str]:
    """Whose files of an assignment wait to be run, or are being run."""
    still_open = JobRow.state.in_(("queued", "claimed"))
    return set(session.scalars(select(JobRow.student).where(JobRow.assignment == assignment, still_open)))


def let_go(session: Session, record: LetGoRecord, signature: Signature) -> int:
    """Seals that files are let go of; who removes them comes after.

    What was worked out from recordings goes with them.

    Returns:
        Its number.
    """
    if record.what == "evidence":
        _forget_looks(session, record.digests)
    return ledger.append(session, LetGoRow(**record.columns), signature).seq


def _forget_looks(session: Session, digests: Collection[str]) -> None:
    """All count as looked at, or somebody would look for what is gone."""
    query = select(AttemptRow.seq, AttemptRow.evidence)
    attempts = [seq for seq, evidence in session.execute(query) if evidence in set(digests)]
    session.execute(delete(AnswerRow).where(AnswerRow.attempt.in_(attempts)))
    keep_answers(session, [AnswerRecord.looked_at(attempt) for attempt in attempts])


def let_go_of(session: Session, digest: str) -> LetGo | None:
    """When a file was let go of; None where it was not."""
    mentions = type_coerce(LetGoRow.digests, Text()).contains(digest, autoescape=True)
    query = select(LetGoRow, LedgerRow).join(LedgerRow, LedgerRow.seq == LetGoRow.seq).where(mentions)
    found = session.execute(query.order_by(LetGoRow.seq.desc()).limit(1)).first()
    if found is None:
        return None
    row, seal = found
    return LetGo(row.seq, seal.actor, seal.at, row.reason)


def old_mails(session: Session, before: datetime) -> int:
    """How many mails were written before a moment, are over, and still have address and text."""
    return session.scalar(select(func.count(MailRow.id)).where(*_old(before))) or 0


def empty_mails(session: Session, before: datetime) -> int:
    """Empties them, and gives how many: that somebody was told stays, so that they are not told twice."""
    blank = dict.fromkeys(("address", "subject", "text", "error"), "")
    return len(
        session.scalars(update(MailRow).where(*_old(before)).values(blank).returning(MailRow.id)).all()
    )


def _old(before: datetime) -> Iterator[Any]:
    yield MailRow.state.in_(_OVER)
    yield MailRow.made < before
    yield MailRow.address != ""
