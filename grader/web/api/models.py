"""What marks look like to programs: the words of `grader export json`, apart from any record."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar.params import QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

__all__ = [
    "Criterion",
    "Cursor",
    "Decision",
    "Dropped",
    "Late",
    "Limit",
    "Page",
    "Place",
    "Points",
    "Seen",
    "Student",
    "Submission",
    "Timing",
]

Points = Annotated[float, Meta(ge=0, description="Points.", examples=[2.5])]
Seen = Annotated[
    str,
    Meta(
        pattern=r"^\d{1,18}(\+\d{1,18})?$",
        description="What is seen here: the verdict's row, and the row of the mark that counts.",
        examples=["12+34"],
    ),
]
Student = Annotated[str, Meta(description="Their id; a pseudonym for who grades blind.", examples=["s101"])]

#: Of every list.
Cursor = Annotated[
    str, QueryParameter(name="cursor", description="Where to go on: `next` of the page before.")
]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=200, description="How many on a page.")]


class Page(Struct, frozen=True, kw_only=True):
    """Part of a list; `next` is the cursor of the part that follows, null at the end."""

    next: Annotated[str, Meta(description="Cursor of the next page.")] | None


class Place(Struct, frozen=True, kw_only=True):
    """A place in the submitted file."""

    cell: Annotated[int, Meta(description="From 0, over all cells.")]
    line: Annotated[int, Meta(description="From 1, within the cell.")] | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """What a person decided."""

    by: str
    at: datetime
    why: str


class Criterion(Struct, frozen=True, kw_only=True):
    """What counts for one criterion, and why."""

    id: Annotated[str, Meta(examples=["fresh-weights"])]
    title: str
    status: Annotated[str, Meta(description="The finding's, or MARKED where a person decided.")]
    points: Points
    out_of: Points
    message: str
    where: list[Place]
    exhibits: Annotated[list[dict[str, Any]], Meta(description="What lies beside the words, by `kind`.")]
    seen: Seen
    open: Annotated[str, Meta(description="Why a person has to look.")] | UnsetType = UNSET
    finding_status: (
        Annotated[str, Meta(description="The finding's own, where a person decided.")] | UnsetType
    ) = UNSET
    decision: Decision | UnsetType = UNSET


class Timing(Struct, frozen=True, kw_only=True):
    """How long the run took."""

    wall_time_s: float
    cells_s: float


class Dropped(Struct, frozen=True, kw_only=True):
    """Who took it out of what counts."""

    by: str
    at: datetime
    why: str


class Late(Struct, frozen=True, kw_only=True):
    """What handing in late took off."""

    days: int
    tokens: int
    points: Annotated[float, Meta(le=0)]
    undecided: bool
    why: str


class Submission(Struct, frozen=True, kw_only=True):
    """One student's mark on an assignment, criterion by criterion."""

    student: Student
    assignment: str
    attempt: int
    outcome: Annotated[str, Meta(examples=["COMPLETED"])]
    points: Points
    out_of: Points
    pending: Annotated[float, Meta(ge=0, description="Points that wait for a person.")]
    criteria: list[Criterion]
    timing: Timing
    held: Annotated[bool, Meta(description="The file could not be taken.")] | UnsetType = UNSET
    reason: Annotated[str, Meta(description="Why not.")] | UnsetType = UNSET
    dropped: Dropped | UnsetType = UNSET
    late: Late | UnsetType = UNSET
