"""Marks for the course system, as they are released: each student's once, and again only where it changed.

A column for the assignment is taken from the link that leads to it, found by the assignment's name, or made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from grader.errors import RefusedError
from grader.exports import Course, LeftOut, StudentMark, select
from grader.store import Result, Store
from grader.store.platforms import ContextRecord, SentScore
from grader.workflows.desk.roster import roster_of
from grader.workflows.lti.asking import PlatformError
from grader.workflows.lti.membership import ServicesOf, contexts_of, fetch_members
from grader.workflows.lti.roster_ids import meant_by
from grader.workflows.lti.services import Services
from grader.workflows.releasing.shown import release_on, released_works
from grader.workflows.views.course_formats import course_of, student_mark
from grader.workflows.views.people import find_person

__all__ = ["Pushed", "Sent", "push_scores"]

#: A platform that refused so many marks one after another refuses the others too.
_GIVEN_UP = 5


@dataclass(frozen=True)
class Sent:
    """A mark that was sent, or would be.

    Attributes:
        subject: How the platform calls the student.
    """

    student: str
    subject: str
    points: float
    out_of: float


@dataclass
class Pushed:
    """What became of all marks of an assignment, or would.

    Attributes:
        sent: Marks that the platform took, or would get.
        unchanged: Students of whom it has this mark already.
        left_out: Who has no mark that can be sent, or whom the platform does not have.
        failed: Whose mark it refused; the next push tries again.
        in_a_row: How many marks were refused one after another.
        columns: Columns that were made, or would be, as ``platform, course ID``.
    """

    sent: list[Sent] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    failed: list[LeftOut] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    in_a_row: int = 0


def push_scores(
    home: Store, store: Store, assignment: str, services: ServicesOf, *, send: bool = False
) -> Pushed:
    """Sends released marks to every course of a platform that is connected with this one.

    Only what students are shown goes, and of that only settled marks: where points wait for a person, the
    student is left out and named. Two pushes at once may both send a mark, the same one, which changes
    nothing over there.

    Args:
        home: Has platforms and accounts.
        store: The course's.
        assignment: Which.
        services: Of a platform, by its name.
        send: Whether to send; otherwise the platform is only read.

    Raises:
        UsageError: Nothing of this assignment was judged.
        RefusedError: Nothing is released, or no course of a platform is connected.
        PlatformError: A platform refuses all of it.
    """
    course = course_of(store, assignment)
    contexts = contexts_of(home, store.course.name)
    people = roster_of(store)
    results = _released(store, assignment)
    marks = [student_mark(result, people) for result in results]
    kept, waiting = select(marks)
    on_roster = {
        result.student: entry.student
        for result in results
        if (entry := find_person(people, result)) is not None
    }
    pushed = Pushed(left_out=list(waiting))
    found: set[str] = set()
    for context in contexts:
        subjects = _subjects(home, store, context, services)
        own = _Column(home, context, course, services(context.platform))
        for mark, subject in _theirs(kept, on_roster, subjects):
            found.add(mark.student)
            _push(pushed, home, own, course, mark, subject, send=send)
        pushed.columns += own.made
    pushed.left_out += [
        LeftOut(mark.student, "is in no course of the platform that is connected")
        for mark in kept
        if mark.student not in found
    ]
    return pushed


def _released(store: Store, assignment: str) -> list[Result]:
    with store.reading() as history:
        release = release_on(history.releases(assignment))
        if release is None:
            raise RefusedError(
                "nothing of this assignment is released",
                where=assignment,
                todo=f"`grader release now --assignment {assignment}`: what students may see can be sent",
            )
        return list(released_works(history, release).values())


def _subjects(home: Store, store: Store, context: ContextRecord, services: ServicesOf) -> dict[str, str]:
    """How the platform calls its students, by what they are called here."""
    issuer = next(each.issuer for each in home.platforms.all() if each.name == context.platform)
    named = home.accounts.subjects(issuer, context.course)
    if not context.memberships:
        return named
    found: dict[str, list[str]] = {}
    members = fetch_members([context], services)
    for member in members:
        meant = meant_by(store, member.ids).people
        if len(meant) == 1:
            found.setdefault(meant[0].student, []).append(member.subject)
    here = {member.subject for member in members}
    by_ids = {student: subjects[0] for student, subjects in found.items() if len(subjects) == 1}
    # Who came by a link is known for sure; who is in this course of the platform it tells itself.
    return {**by_ids, **{student: subject for student, subject in named.items() if subject in here}}


def _theirs(
    marks: Sequence[StudentMark], on_roster: dict[str, str], subjects: dict[str, str]
) -> Iterator[tuple[StudentMark, str]]:
    for mark in marks:
        subject = subjects.get(mark.student) or subjects.get(on_roster.get(mark.student, ""))
        if subject is not None:
            yield mark, subject


class _Column:
    """The column for an assignment's marks in one of a platform's courses; looked for when it is needed."""

    def __init__(self, home: Store, context: ContextRecord, course: Course, services: Services) -> None:
        self.context = context
        self.services = services
        self.made: list[str] = []
        self._home = home
        self._course = course
        self._address = self._known()
        self.sent = home.platforms.sent(context.platform, self._address) if self._address else {}

    def _known(self) -> str:
        """Empty where there is none yet."""
        context, name = self.context, self._course.assignment
        address = self._home.platforms.line_item(context.platform, context.context, name)
        if address or not context.line_items:
            return address
        columns = self.services.columns(context.line_items, name)
        ids = [each.get("id") for each in columns if each.get("resourceId") == name]
        return next((id for id in ids if isinstance(id, str)), "")

    def address(self, *, make: bool) -> str:
        """Where marks go; empty where there is none and none is to be made."""
        context = self.context
        if not self._address and not self.made:
            if not context.line_items:
                raise RefusedError(
                    "the platform has not told where its columns for marks are",
                    where=f"{context.platform}, course {context.context}",
                    todo="let it (Assignment and Grade Services), and open the tool from its course once",
                )
            self.made.append(f"{context.platform}, course {context.context}")
            if make:
                self._address = self.services.make_column(context.line_items, self._wanted())
        if make and self._address:
            self._home.platforms.keep_line_item(
                context.platform, context.context, self._course.assignment, self._address
            )
        return self._address

    def _wanted(self) -> dict[str, object]:
        course = self._course
        return {"label": course.title, "scoreMaximum": course.out_of, "resourceId": course.assignment}


def _push(
    pushed: Pushed,
    home: Store,
    column: _Column,
    course: Course,
    mark: StudentMark,
    subject: str,
    *,
    send: bool,
) -> None:
    digest = _digest(mark)
    if column.sent.get(subject) == digest:
        pushed.unchanged.append(mark.student)
        return
    address = column.address(make=send)
    if send:
        if pushed.in_a_row >= _GIVEN_UP:
            pushed.failed.append(LeftOut(mark.student, "not tried, as all before were refused"))
            return
        try:
            column.services.send_score(address, _score(mark, subject, home.clock()))
        except PlatformError as error:
            pushed.failed.append(LeftOut(mark.student, f"{error.what}: {error.found or error.where}"))
            pushed.in_a_row += 1
            return
        pushed.in_a_row = 0
        context = column.context
        home.platforms.keep_sent(
            SentScore(
                platform=context.platform,
                line_item=address,
                subject=subject,
                course=context.course,
                student=mark.student,
                digest=digest,
            )
        )
    pushed.sent.append(Sent(mark.student, subject, mark.points, mark.out_of))


def _digest(mark: StudentMark) -> str:
    return hashlib.sha256(f"{mark.points!r} of {mark.out_of!r}".encode()).hexdigest()


def _score(mark: StudentMark, subject: str, now: datetime) -> dict[str, object]:
    return {
        "userId": subject,
        "scoreGiven": mark.points,
        "scoreMaximum": mark.out_of,
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "timestamp": now.isoformat(timespec="milliseconds"),
    }
