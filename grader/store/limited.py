"""The history as a grader sees it who is limited to shares of the class: nobody else's work is in it.

A workflow that is given such a history does not know: whoever is outside the share is answered like somebody
who never handed in anything. A question that was not thought of here is refused, so that a new one shows
nothing before somebody has decided what of it a share is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NoReturn, TypeVar

from sqlalchemy import select

from grader.errors import UsageError
from grader.store.allowances import Excuse, Extension
from grader.store.class_rows import AlikeRow, ClassRow, OpenRow
from grader.store.class_views import Counts, CriterionStanding, FileOn, Standing
from grader.store.drops import Drop
from grader.store.flags import Flag, FlagRecord
from grader.store.given import GivenMark
from grader.store.history import History
from grader.store.ledger import Signature
from grader.store.marks import BulkMarkRecord, MarkRecord
from grader.store.models import SubmissionRow
from grader.store.records import AttemptRecord, Record, VerdictRecord
from grader.store.remarks import Remark
from grader.store.results import Result
from grader.store.rubrics import LoadedRubric
from grader.store.shares import newest_share, share_of_each_work
from grader.store.standing_rows import counts_of
from grader.store.store import Store
from grader.store.timeline import TimelineEntry
from grader.store.writable_history import WritableHistory

__all__ = ["LimitedHistory", "LimitedStore", "LimitedWritableHistory"]

#: What says nothing of any student, or only of those whose rows were read within the share.
_ASKED_FREELY = frozenset(
    {
        "answers_shown", "answers_to", "comments_on", "dates", "given_with", "is_erased", "late_policy",
        "late_policy_for", "names_by", "newest_row", "newest_rubric", "own_key", "people_by",
        "published_rubric", "releases", "rubric", "rubric_numbers", "seal", "session", "zone",
    }
)  # fmt: skip

KindT = TypeVar("KindT", bound=type[History])
ValueT = TypeVar("ValueT")


def _refusing_the_rest(*parents: type[History]) -> Callable[[KindT], KindT]:
    """Refuses every question and every row of the parents that the class does not answer itself."""

    def limit(kind: KindT) -> KindT:
        for parent in parents:
            for name in vars(parent):
                if not name.startswith("_") and name not in _ASKED_FREELY and name not in vars(kind):
                    setattr(kind, name, _refusal(name))
        return kind

    return limit


def _refusal(name: str) -> Callable[..., NoReturn]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise UsageError("this concerns more than your share of the class", found=name)

    return refuse


@_refusing_the_rest(History)
class LimitedHistory(History):
    """What a grader may see of the history.

    Args:
        session: To read by.
        grader: Whose shares; of an assignment in which they have none they see nothing.
    """

    def __init__(self, session: Any, grader: str) -> None:
        super().__init__(session)
        self._grader = grader

    @cached_property
    def _shares(self) -> Mapping[str, frozenset[str]]:
        return share_of_each_work(self.session, self._grader)

    def _share(self, assignment: str) -> frozenset[str]:
        return self._shares.get(assignment, frozenset())

    def _within(self, assignment: str, students: Collection[str] | None) -> list[str]:
        """Those of these students, or of all, that are in the share, by name."""
        share = self._share(assignment)
        return sorted(share if students is None else share.intersection(students))

    def _works(self, assignment: str | None) -> list[str]:
        return self.assignments() if assignment is None else [assignment]

    @property
    def place(self) -> str:
        return f"{super().place} for {self._grader}, row {newest_share(self.session, self._grader)}"

    def assignments(self) -> list[str]:
        return sorted(name for name in self._shares if self.students(name))

    def own_rubrics(self) -> Mapping[str, LoadedRubric]:
        return {}

    def known_assignments(self) -> list[str]:
        return self.assignments()

    def is_assignment(self, name: str) -> bool:
        return name in self.assignments()

    def students(self, assignment: str) -> list[str]:
        query = select(SubmissionRow.student).filter_by(assignment=assignment).distinct()
        share = self._share(assignment)
        return sorted(self.session.scalars(query.where(SubmissionRow.student.in_(share)))) if share else []

    def handed_in(self, student: str, assignment: str | None = None) -> bool:
        works = self._shares if assignment is None else [assignment]
        return any(
            student in self._share(name) and super(LimitedHistory, self).handed_in(student, name)
            for name in works
        )

    def newest_change_of_names(self) -> int:
        return max(super().newest_change_of_names(), newest_share(self.session, self._grader))

    def results(
        self,
        *,
        assignment: str | None = None,
        students: Collection[str] = (),
        with_dropped: bool = False,
    ) -> Iterator[Result]:
        for work in self._works(assignment):
            within = self._within(work, students or None)
            if within:
                yield from super().results(assignment=work, students=within, with_dropped=with_dropped)

    def page(
        self,
        assignment: str,
        *,
        after: str = "",
        size: int = 50,
        states: Collection[str] = (),
        criteria: bool = True,
    ) -> list[Standing]:
        found = self.standings(assignment, self._share(assignment), criteria=criteria)
        chosen = (each for each in found if each.student > after and (not states or each.state in states))
        return sorted(chosen, key=lambda each: each.student)[:size]

    def standings(
        self, assignment: str, students: Collection[str], *, criteria: bool = True
    ) -> list[Standing]:
        return super().standings(assignment, self._within(assignment, students), criteria=criteria)

    def waits_of(self, assignment: str, students: Collection[str]) -> Mapping[str, Sequence[str]]:
        return super().waits_of(assignment, self._within(assignment, students))

    def size(self, assignment: str) -> int:
        return len(self.students(assignment))

    def students_on(self, assignment: str, *, start: int, size: int) -> list[str]:
        return self.students(assignment)[start : start + size]

    def files_on(self, assignment: str, students: Collection[str]) -> Mapping[str, FileOn]:
        return super().files_on(assignment, self._within(assignment, students))

    def rubrics_of(self, assignment: str, students: Collection[str]) -> Mapping[str, int]:
        return super().rubrics_of(assignment, self._within(assignment, students))

    def number_waiting(self, assignment: str, students: Collection[str]) -> int:
        return super().number_waiting(assignment, self._within(assignment, students))

    def next_waiting(
        self, assignment: str, criterion: str, *, after: CriterionStanding | None = None, number: int = 1
    ) -> list[CriterionStanding]:
        def place(each: CriterionStanding) -> tuple[int, str, str]:
            return each.waits, each.alike, each.student

        works = self.standings(assignment, self._share(assignment))
        lines = (
            line for work in works for line in work.criteria if line.criterion == criterion and line.waits
        )
        return sorted((each for each in lines if after is None or place(each) > place(after)), key=place)[
            :number
        ]

    def class_rows(
        self,
        assignment: str,
        criterion: str,
        students: Collection[str] | None = None,
    ) -> list[ClassRow]:
        return super().class_rows(assignment, criterion, self._within(assignment, students))

    def alike_to(
        self, assignment: str, criterion: str, student: str, alike: str, *, most: int | None = None
    ) -> tuple[list[AlikeRow], int]:
        share = self._share(assignment)
        found = super().alike_to(assignment, criterion, student, alike)[0]
        own = sorted(row for row in found if row.student in share)
        return own[:most], len(own)

    def students_since(self, assignment: str, seq: int) -> set[str] | None:
        if newest_share(self.session, self._grader) > seq:
            return None
        found = super().students_since(assignment, seq)
        return None if found is None else found & self._share(assignment)

    def open_rows(self, assignment: str, students: Collection[str] | None = None) -> list[OpenRow]:
        return super().open_rows(assignment, self._within(assignment, students))

    def counts(self, assignment: str) -> Counts:
        found: dict[str, dict[str, int]] = {"": {}}
        for work in self.standings(assignment, self._share(assignment)):
            lines = [line._asdict() for line in work.criteria]
            for (criterion, what), number in counts_of(work._asdict(), lines).items():
                counted = found.setdefault(criterion, {})
                counted[what] = counted.get(what, 0) + number
        return Counts(found.pop(""), found)

    def dropped(self, assignment: str) -> Mapping[str, Drop]:
        return self._only(assignment, super().dropped(assignment))

    def extensions(self, assignment: str) -> Mapping[str, Extension]:
        return self._only(assignment, super().extensions(assignment))

    def excuses(self, assignment: str) -> Mapping[str, Excuse]:
        return self._only(assignment, super().excuses(assignment))

    def attempted_since(self, assignment: str, attempt: int = 0) -> Mapping[str, int]:
        return self._only(assignment, super().attempted_since(assignment, attempt))

    def _only(self, assignment: str, found: Mapping[str, ValueT]) -> dict[str, ValueT]:
        share = self._share(assignment)
        return {student: each for student, each in found.items() if student in share}

    def timeline(
        self, student: str, assignment: str, of: Collection[type[Record]] = ()
    ) -> list[TimelineEntry]:
        return super().timeline(student, assignment, of) if student in self._share(assignment) else []

    def judged(self, verdict: int) -> tuple[AttemptRecord, VerdictRecord] | None:
        found = super().judged(verdict)
        return found if found is not None and found[0].student in self._share(found[0].assignment) else None

    def files_marked(self, assignments: Collection[str]) -> Mapping[tuple[int, str], str]:
        theirs = {student for name in assignments for student in self._share(name)}
        return {key: file for key, file in super().files_marked(assignments).items() if key[1] in theirs}

    def sharers(self, assignment: str, student: str, notebook: str) -> tuple[str, ...]:
        found = super().sharers(assignment, student, notebook)
        return tuple(each for each in found if each in self._share(assignment))

    def given_by(self, actor: str, assignment: str, criterion: str | None = None) -> GivenMark | None:
        found = super().given_by(actor, assignment, criterion)
        whole = found is not None and {each.student for each in found.about} <= self._share(assignment)
        return found if whole else None

    def given_since(
        self, assignment: str, criterion: str, seq: int
    ) -> Sequence[tuple[str, GivenMark]] | None:
        found, share = super().given_since(assignment, criterion, seq), self._share(assignment)
        whole = all(each.student in share for _, given in found or () for each in given.about)
        return found if whole else None

    def flags(
        self,
        *,
        assignment: str | None = None,
        student: str | None = None,
        students: Collection[str] | None = None,
    ) -> list[Flag]:
        found = super().flags(assignment=assignment, student=student, students=students)
        return [flag for flag in found if flag.student in self._share(flag.assignment)]

    def unread_attempts(self, assignment: str | None = None) -> list[tuple[str, str]]:
        found = super().unread_attempts(assignment)
        return [(work, student) for work, student in found if student in self._share(work)]

    def remarks(
        self,
        *,
        assignment: str | None = None,
        student: str | None = None,
        students: Collection[str] = (),
    ) -> list[Remark]:
        found = super().remarks(assignment=assignment, student=student, students=students)
        return [each for each in found if each.student in self._share(each.assignment)]

    def remark(self, id: int) -> Remark | None:
        found = super().remark(id)
        return found if found is not None and found.student in self._share(found.assignment) else None


@_refusing_the_rest(WritableHistory)
class LimitedWritableHistory(LimitedHistory, WritableHistory):
    """What a grader may add to the history: marks and flags within their shares."""

    def give_mark(self, mark: MarkRecord, signature: Signature) -> int:
        self._require(mark.assignment, [mark.student])
        return super().give_mark(mark, signature)

    def give_alike(self, given: BulkMarkRecord, signature: Signature) -> int:
        self._require(given.assignment, [each.student for each in given.about])
        return super().give_alike(given, signature)

    def flag(self, flag: FlagRecord, signature: Signature) -> None:
        self._require(flag.assignment, [flag.student])
        super().flag(flag, signature)

    def _require(self, assignment: str, students: Collection[str]) -> None:
        if not self._share(assignment).issuperset(students):
            raise UsageError("one of these is not in your share of the class", todo="nothing was written")


class LimitedStore(Store):
    """A store whose histories are limited to one grader's shares.

    Args:
        whole: The course's.
        grader: As the history names them.
    """

    def __init__(self, whole: Store, grader: str) -> None:
        super().__init__(whole.database, whole.blobs, whole.clock)
        self._grader = grader
        self._worked: dict[str, int] = {}

    def has_work(self, assignment: str) -> bool:
        """Whether there is any work on an assignment in the grader's share."""
        with self.reading() as history:
            share = newest_share(history.session, self._grader)
            # What was handed in once stays so: as long as the share does, this need not be asked again.
            if share and self._worked.get(assignment) != share and assignment in history.assignments():
                self._worked[assignment] = share
            return bool(share) and self._worked.get(assignment) == share

    @contextmanager
    def reading(self) -> Iterator[History]:
        """As `Store.reading`, of the shares alone."""
        with self.database.reading() as session:
            yield LimitedHistory(session, self._grader)

    @contextmanager
    def writing(self) -> Iterator[WritableHistory]:
        """As `Store.writing`, for the shares alone."""
        with self.database.writing() as session:
            yield LimitedWritableHistory(session, self._grader)
