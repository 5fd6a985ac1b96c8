"""What rows of the history say, as plain data: what a workflow or a page reads, and what it has written.

Rows themselves stay in this package. Where the history gives a number that is wanted afterwards, there are
two records: one to be written, and one with its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Self, TypeAlias

from pydantic import ValidationError
from sqlalchemy import Row

from grader.errors import StoreError
from grader.evidence.record import Outcome
from grader.grading.verdict import Verdict
from grader.store.models import Base

__all__ = [
    "AnyRow",
    "AttemptRecord",
    "NewAttempt",
    "Record",
    "RubricRecord",
    "RubricText",
    "Seal",
    "SubmissionRecord",
    "VerdictRecord",
]

#: So many verdicts that were read stay in memory.
_VERDICTS_KEPT = 64


#: A row as an object of a table, or as columns that were asked for under their names.
AnyRow: TypeAlias = Base | Row[*tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Columns of a row, under their names."""

    @classmethod
    def of(cls, row: AnyRow) -> Self:
        return cls(**cls.columns_of(row))

    @classmethod
    def columns_of(cls, row: AnyRow) -> dict[str, Any]:
        """What the row has for the record's fields."""
        return {name: getattr(row, name) for name in cls.__dataclass_fields__}

    @property
    def columns(self) -> Mapping[str, Any]:
        """What a row is made of."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, kw_only=True)
class Seal(Record):
    """Who wrote a row of the history, when (UTC) and why; `seq` is its number, `kind` its table."""

    seq: int
    kind: str
    at: datetime
    actor: str
    why: str


@dataclass(frozen=True, kw_only=True)
class SubmissionRecord(Record):
    """A student's file as it was handed in.

    Attributes:
        student: As the folder or archive names it, character for character.
        notebook: SHA-256 of the file's bytes, which lie among the blobs.
        problem: Why it cannot be run, empty where it can.
    """

    student: str
    assignment: str
    notebook: str
    path: str
    submitted_at: datetime | None
    late: bool
    problem: str

    @property
    def standing(self) -> tuple[object, ...]:
        """What makes it another submission than the one before."""
        return self.notebook, self.submitted_at, self.late, self.problem


@dataclass(frozen=True, kw_only=True)
class NewAttempt(Record):
    """An execution of a submission that reached its end, before the history has numbered it.

    Attributes:
        job: The job that it ended.
        evidence: Digest of the encoded evidence.
        plan: Digest of the plan.
        image: What it ran in.
    """

    job: int
    student: str
    assignment: str
    notebook: str
    outcome: str
    detail: str
    evidence: str
    plan: str
    image: str
    sandbox: str
    isolation: str
    seed: int
    wall_time_s: float
    cells_s: float


@dataclass(frozen=True, kw_only=True)
class AttemptRecord(NewAttempt):
    """An attempt of the history; `number` counts from 1 for each student and assignment."""

    seq: int
    number: int

    @classmethod
    def columns_of(cls, row: AnyRow) -> dict[str, Any]:
        columns = super().columns_of(row)
        # An outcome that nobody knows is garbage, and stops at the work that it is about.
        Outcome(columns["outcome"])
        return columns


@dataclass(frozen=True, kw_only=True)
class RubricText(Record):
    """A rubric as it reads; `handout` is the digest of `handout_text`, both empty where it has none."""

    digest: str
    handout: str
    assignment: str
    name: str
    text: str
    handout_text: str

    @property
    def key(self) -> tuple[str, str]:
        """What no two rubrics of a history share."""
        return self.digest, self.handout


@dataclass(frozen=True, kw_only=True)
class RubricRecord(RubricText):
    """A rubric as it read when a verdict stood on it."""

    seq: int


@dataclass(frozen=True, kw_only=True)
class VerdictRecord(Record):
    """A verdict on an attempt, by a rubric (both by their numbers) and a reference.

    Attributes:
        reference: Digest of the reference folder's sources.
        version: Version of the grader that judged.
        body: The verdict's JSON.
    """

    seq: int
    attempt: int
    rubric: int
    reference: str
    version: str
    points: float
    out_of: float
    pending: float
    body: str

    @cached_property
    def verdict(self) -> Verdict:
        """What was found.

        Raises:
            StoreError: The row holds no verdict; the grader writes no such row.
        """
        try:
            return _verdict_in(self.body)
        except ValidationError as error:
            raise StoreError(
                "a stored verdict cannot be read",
                where=f"row {self.seq} of the history",
                found=f"{error.error_count()} places that are not as the grader writes them",
                todo="`grader audit` tells whether it was changed after it was written",
            ) from error

    @property
    def readable(self) -> Verdict | None:
        """What was found; None where the row cannot be read, for who tells of many rows."""
        return readable(self.body)


def readable(body: str) -> Verdict | None:
    """What was found, by a verdict's JSON; None where it is none."""
    try:
        return _verdict_in(body)
    except ValidationError:
        return None


@lru_cache(maxsize=_VERDICTS_KEPT)
def _verdict_in(body: str) -> Verdict:
    """What a row says, read once: the newest verdict of a class is asked for with each work of it."""
    return Verdict.model_validate_json(body)
