"""What exports are made from and what they give: plain, immutable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from grader.grading.points import add_up

__all__ = [
    "Course",
    "CriterionLine",
    "Export",
    "Format",
    "Gradebook",
    "LeftOut",
    "Person",
    "StudentMark",
]


@dataclass(frozen=True)
class Course:
    """The assignment that the marks are of.

    Attributes:
        criteria: Titles by id, in the rubric's order.
        due: When it was due, where the rubric says so.
    """

    assignment: str
    title: str
    out_of: float
    criteria: Mapping[str, str] = field(default_factory=dict)
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who a student is in the systems of the course; empty where no roster says so.

    Attributes:
        name: As written in the roster, ``Doe, Jane`` or ``Jane Doe``.
        number: Student number, which Canvas calls SIS User ID and MarkUs ID number.
        canvas_id: Number of the user in Canvas.
    """

    name: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    section: str = ""
    number: str = ""
    login: str = ""
    canvas_id: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """All that tells this person from others, but the name."""
        return tuple(given for given in (self.login, self.number, self.canvas_id, self.email) if given)

    @property
    def sortable_name(self) -> str:
        """``Last, First`` where both are known, else the name as it is."""
        return f"{self.last_name}, {self.first_name}" if self.last_name and self.first_name else self.name


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """One criterion of one student.

    Attributes:
        message: What the student may read.
        tone: As the feedback report colours it: good, part, bad, or wait; empty where nobody asked.
    """

    id: str
    title: str
    points: float
    out_of: float
    pending: float = 0.0
    message: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class StudentMark:
    """One student's mark.

    Attributes:
        points: What counts, after lateness.
        late_points: What lateness took, as a positive number; late_why: why.
        waits: Why this cannot be published yet, empty where it can (points wait for a TA, late by nobody
            knows how much).
        missing: Why there is no mark at all, empty where there is one.
        excused: The student owes no work; `missing` says by whose word.
        wall_time_s: Of the attempt.
    """

    student: str
    points: float
    out_of: float
    pending: float = 0.0
    criteria: tuple[CriterionLine, ...] = ()
    late_points: float = 0.0
    late_why: str = ""
    submitted_at: datetime | None = None
    wall_time_s: float = 0.0
    waits: str = ""
    missing: str = ""
    excused: bool = False
    person: Person = Person()

    @property
    def earned(self) -> float:
        """Points before lateness."""
        return add_up((self.points, self.late_points))


@dataclass(frozen=True)
class LeftOut:
    """A student who is not in the export, and why."""

    student: str
    why: str


@dataclass(frozen=True)
class Gradebook:
    """A file that a course system exported, to be filled in.

    Attributes:
        raw: Its bytes.
        where: What to call it in messages.
        column: The column as a person named it; None finds it by the assignment's name.
        only_changed: Whether rows whose mark is there already are left away.
    """

    raw: bytes
    where: str
    column: str | None = None
    only_changed: bool = False


@dataclass(frozen=True)
class Export:
    """What is to be written.

    Attributes:
        files: Contents by student, for formats with a file for each; else one under the empty name.
        written: Students whose mark is in it.
        notes: What a person should know before uploading it, one line each.
    """

    files: Mapping[str, bytes]
    written: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def joined(self, left_out: Iterable[LeftOut], notes: Iterable[str] = ()) -> Export:
        """The same with more students left out and more notes."""
        return replace(self, left_out=(*self.left_out, *left_out), notes=(*self.notes, *notes))


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        write: Makes a new file.
        fill: Fills in a file that the system exported; None where the format has no such thing.
        takes_excused: Whether it has a word for who is excused; else they are left out and named.
    """

    name: str
    system: str
    write: Callable[[Course, Sequence[StudentMark]], Export]
    fill: Callable[[Course, Sequence[StudentMark], Gradebook], Export] | None = None
    takes_excused: bool = False
