"""The history of marks as its readers see it; `WritableHistory` is for those who add to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from grader.grading.what_if import Distribution, Packed, WhatIf
from grader.rubric.model import LatePolicy
from grader.store import (
    allowances,
    answers,
    changes,
    class_rows,
    class_views,
    drafts,
    drops,
    erasing,
    flags,
    given,
    groups,
    hand_ins,
    health,
    lateness,
    ledger,
    mails,
    marks,
    pauses,
    persons,
    policies,
    publications,
    queue_views,
    regrades,
    releases,
    remarks,
    results,
    retention,
    roster,
    second_runs,
    secret,
    set_up,
    set_up_news,
    shares,
    timeline,
    turns,
)
from grader.store.allowances import DatesSet, Excuse, Extension
from grader.store.answers import AnswerRecord
from grader.store.class_rows import AlikeRow, ClassRow, GivenWith, GraderRow, OpenRow
from grader.store.class_views import Counts, CriterionStanding, FileOn, Standing
from grader.store.drafts import RubricDraft
from grader.store.drops import Drop
from grader.store.enrolling import book_in
from grader.store.erasing import HeldAbout, Said
from grader.store.flags import Flag
from grader.store.given import CommentUsed, GivenMark
from grader.store.groups import Group
from grader.store.hand_ins import Received
from grader.store.health import Load
from grader.store.ledger import Break, Head
from grader.store.mails import Mail, Mailing, Unsent
from grader.store.models import (
    AttemptRow,
    ErasureRow,
    LedgerRow,
    RubricRow,
    SubmissionRow,
    VerdictRow,
)
from grader.store.past import PastHistory, as_of
from grader.store.pauses import Ordered, Pause
from grader.store.publications import Publication
from grader.store.queue_views import JobsOf, NotRun, Running, Worker
from grader.store.records import (
    AttemptRecord,
    Record,
    RubricRecord,
    Seal,
    SubmissionRecord,
    VerdictRecord,
)
from grader.store.regrades import Cut, UnderWay
from grader.store.releases import Release, ShownAnswer
from grader.store.remarks import Remark
from grader.store.results import Result
from grader.store.retention import Held, Kind, LetGo, Retention
from grader.store.roster import PersonRecord
from grader.store.rubrics import LoadedRubric
from grader.store.set_up_news import NewestSetUp
from grader.store.shares import Share
from grader.store.timeline import TimelineEntry
from grader.store.turns import JobOn, Pace, Waiting
from grader.store.unchanged import of_change
from grader.store.zone import kept_zone

__all__ = ["History"]

# Made once: each mark asks them, and to put one together takes longer than to ask it.
_HANDED_IN = (
    select(SubmissionRow.seq)
    .where(SubmissionRow.student == bindparam("student"), SubmissionRow.assignment == bindparam("assignment"))
    .limit(1)
)
_FILE_OF = (
    select(SubmissionRow)
    .where(
        SubmissionRow.student == bindparam("student"),
        SubmissionRow.assignment == bindparam("assignment"),
        SubmissionRow.notebook == bindparam("notebook"),
    )
    .order_by(SubmissionRow.seq.desc())
    .limit(1)
)
_ANY_FILE = select(SubmissionRow.seq).where(SubmissionRow.assignment == bindparam("assignment")).limit(1)
#: By assignment, since each index on files begins with it.
_PRESENT = select(SubmissionRow.__table__.c.student).where(
    SubmissionRow.__table__.c.assignment.in_(bindparam("works", expanding=True)),
    SubmissionRow.__table__.c.student.in_(bindparam("students", expanding=True)),
)
_CHANGES_OF_NAMES = select(
    select(func.max(SubmissionRow.seq)).scalar_subquery(), select(func.max(ErasureRow.seq)).scalar_subquery()
)
_JUDGED = (
    select(AttemptRow, VerdictRow)
    .join(VerdictRow, VerdictRow.attempt == AttemptRow.seq)
    .where(VerdictRow.seq == bindparam("verdict"))
)


class History:
    """The history as it stood at one moment.

    Attributes:
        session: For this package only.
    """

    def __init__(
        self, session: Session, own: Callable[[tzinfo | None], Mapping[str, LoadedRubric]] | None = None
    ) -> None:
        self.session = session
        self._own = own

    @property
    def place(self) -> str:
        """Which database this is of, for what is remembered of it: copies of one share their key."""
        return str(self.session.connection().engine.url)

    def own_key(self) -> bytes:
        """What no other database has, and nobody knows who has not this one: made by chance, never shown."""
        return secret.pseudonym_key(self.session)

    def first_break(self) -> Break | None:
        """The first place where the history is not what was sealed; None where it is unbroken."""
        return ledger.examine(self.session)

    @property
    def zone(self) -> tzinfo | None:
        """In which the course tells times; see `Store.zone`."""
        return kept_zone(self.session)

    def link_key(self) -> bytes:
        """The key that signs links to hand in by."""
        return secret.link_key(self.session)

    def newest_seal(self) -> Head | None:
        """The newest seal of all; None where nothing was ever written."""
        return ledger.head(self.session)

    def seal_of(self, seq: int) -> Head | None:
        """The seal of the row with this number, as it is stored."""
        return ledger.head_at(self.session, seq)

    def received(self, seq: int) -> Received | None:
        """The file that came by the row with this number; None where that row is no hand-in."""
        return hand_ins.find_hand_in(self.session, seq)

    def received_from(self, student: str, assignment: str) -> list[Received]:
        """All that the service received from a student, the oldest first."""
        return hand_ins.hand_ins(self.session, assignment, student)

    def received_on(self, assignment: str, student: str | None = None) -> list[Received]:
        """All that the service received for an assignment, of one student where one is named."""
        return hand_ins.hand_ins(self.session, assignment, student)

    def sent_since(self, student: str, assignment: str, moment: datetime) -> tuple[int, int]:
        """How many files came from a student since then, and how many bytes they have together."""
        return hand_ins.sent_since(self.session, student, assignment, moment)

    def submission(self, student: str, assignment: str) -> SubmissionRecord | None:
        """The newest file of a student that counts; None where there is none."""
        return hand_ins.newest_submission(self.session, student, assignment)

    def own_rubrics(self) -> Mapping[str, LoadedRubric]:
        """What the course's own rubric files hold, by assignment; see `Store.own_rubrics`."""
        return self._own(self.zone) if self._own is not None else {}

    def known_assignments(self) -> list[str]:
        """What the course calls assignments: handed in to, set up, or of a rubric file of its own."""
        return sorted({*self.assignments(), *set_up.assignments(self.session), *self.own_rubrics()})

    def is_assignment(self, name: str) -> bool:
        """Whether it is one of `known_assignments`; asked of all of them only where nobody handed in."""
        return self.session.scalar(_ANY_FILE, {"assignment": name}) is not None or (
            name in self.known_assignments()
        )

    def assignments(self) -> list[str]:
        """Those to which anybody handed in."""
        return list(hand_ins.assignments(self.session))

    def students(self, assignment: str) -> list[str]:
        query = select(SubmissionRow.student).filter_by(assignment=assignment).distinct()
        return sorted(self.session.scalars(query))

    def handed_in(self, student: str, assignment: str | None = None) -> bool:
        """Whether there is any work of a student, on one assignment or on any."""
        if assignment is not None:
            asked = {"student": student, "assignment": assignment}
            name = ("handed in", student, assignment)
            return of_change(self.session, name, lambda: self.session.scalar(_HANDED_IN, asked) is not None)
        query = select(SubmissionRow.seq).filter_by(student=student)
        return self.session.scalar(query.limit(1)) is not None

    def file_of(self, student: str, assignment: str, notebook: str) -> SubmissionRecord | None:
        """What was said last of this file of a student, by its digest; None where it was never theirs."""
        asked = {"student": student, "assignment": assignment, "notebook": notebook}
        row = self.session.scalars(_FILE_OF, asked).first()
        return SubmissionRecord.of(row) if row else None

    def newest_change_of_names(self) -> int:
        """The number of the newest file or erasure, which tells whether anybody may be new; 0 for none."""
        return max(number or 0 for number in self.session.execute(_CHANGES_OF_NAMES).one())

    def is_erased(self, student: str) -> bool:
        """Whether this is the label of a person who was erased."""
        return book_in(self.session).is_erased(student)

    def held_about(self, student: str, keys: Collection[str]) -> HeldAbout:
        """What is held about a student beside their work: see `erasing.HeldAbout`.

        Args:
            student: Whose.
            keys: Their keys in the roster.
        """
        return erasing.held_about(self.session, student, keys)

    def rows_about(self, student: str, keys: Collection[str]) -> Mapping[str, list[dict[str, Any]]]:
        """All unsealed rows about a student by table, as plain data, without what signs somebody in.

        Args:
            student: Whose.
            keys: Their keys in the roster.
        """
        return persons.rows_of(self.session, student, keys)

    def is_known(self, student: str) -> bool:
        """Whether anything of the history is about a student, whether they handed in or not."""
        return book_in(self.session).token(student) is not None

    def said_of(self, names: Collection[str]) -> list[Said]:
        """Free text of the history in which one of these names stands."""
        return erasing.said_of(self.session, names)

    def results(
        self,
        *,
        assignment: str | None = None,
        students: Collection[str] = (),
        with_dropped: bool = False,
    ) -> Iterator[Result]:
        """The standing of each student and assignment, in their order.

        An attempt that our own fault ended counts only where there is no better one. What a person dropped
        is left out unless it is asked for.
        """
        return results.results(
            self.session, assignment=assignment, students=students, with_dropped=with_dropped
        )

    def page(
        self,
        assignment: str,
        *,
        after: str = "",
        size: int = 50,
        states: Collection[str] = (),
        criteria: bool = True,
    ) -> list[Standing]:
        """The next students of an assignment by name.

        From the standing, as all that follows down to `what_if`: it costs what it shows, and decides nothing.

        Args:
            assignment: Which work.
            after: The last student of the page before; empty for the first page.
            size: Students on a page.
            states: Only works in one of these states (see `Standing`); all where none is named.
            criteria: Whether each comes with its criteria.
        """
        return class_views.page(
            self.session, assignment, after=after, size=size, states=states, criteria=criteria
        )

    def standings(
        self, assignment: str, students: Collection[str], *, criteria: bool = True
    ) -> list[Standing]:
        """The standing of each of these students, in no order.

        Args:
            assignment: Which work.
            students: Whose, by id.
            criteria: Whether each is wanted with its criteria.
        """
        return class_views.standings(self.session, assignment, students, criteria=criteria)

    def waits_of(self, assignment: str, students: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Of each of these students the criteria with points that wait, in the rubric's order.

        Whose work waits for nobody is absent.
        """
        return class_views.waits_of(self.session, assignment, students)

    def size(self, assignment: str) -> int:
        """How many students handed something in, with those whom a person dropped."""
        return class_views.size_of(self.session, assignment)

    def students_on(self, assignment: str, *, start: int, size: int) -> list[str]:
        """So many students by name, from a place on; those whom a person dropped are among them."""
        return class_views.students_on(self.session, assignment, start=start, size=size)

    def files_on(self, assignment: str, students: Collection[str]) -> Mapping[str, FileOn]:
        """Of each of these students the attempt that counts, and whether the newest file is late."""
        return class_views.files_on(self.session, assignment, students)

    def students_waiting(self, assignment: str) -> set[str]:
        """Whose work on an assignment waits for a person."""
        return class_views.students_waiting(self.session, assignment)

    def rubrics_of(self, assignment: str, students: Collection[str]) -> Mapping[str, int]:
        """By student the number of the rubric that the newest verdict stands on."""
        return class_views.rubrics_of(self.session, assignment, students)

    def number_waiting(self, assignment: str, students: Collection[str]) -> int:
        """In how many works of these students something waits for a person."""
        return class_views.number_waiting(self.session, assignment, students)

    def next_waiting(
        self, assignment: str, criterion: str, *, after: CriterionStanding | None = None, number: int = 1
    ) -> list[CriterionStanding]:
        """The next works in which a criterion waits for a person, like beside like.

        First what nobody has decided, then marks that were given on an earlier file.

        Args:
            assignment: Which work.
            criterion: Its id.
            after: The item before, whether it still waits or not; None for the first.
            number: How many.
        """
        return class_views.next_waiting(self.session, assignment, criterion, after=after, number=number)

    def class_rows(
        self,
        assignment: str,
        criterion: str,
        students: Collection[str] | None = None,
    ) -> list[ClassRow]:
        """Where one criterion of each student's work stands, in their order; what was dropped is left out.

        Of the students named only, where these are not None.
        """
        return class_rows.class_rows(self.session, assignment, criterion, students)

    def alike_to(
        self, assignment: str, criterion: str, student: str, alike: str, *, most: int | None = None
    ) -> tuple[list[AlikeRow], int]:
        """Others whose criterion is alike (see `ClassRow`), dropped ones left out, and how many there are.

        The first so many by name; all of them, in no order, where `most` is None.
        """
        return class_rows.alike_to(self.session, assignment, criterion, student, alike, most=most)

    def newest_row(self) -> int:
        """The number of the newest row of all, which tells whether anything is new; 0 for none."""
        return changes.newest_row(self.session)

    def load(self) -> Load:
        """How many jobs are in the queue, and how many answers wait for people."""
        return health.load_of(self.session)

    def students_since(self, assignment: str, seq: int) -> set[str] | None:
        """Whose work on an assignment rows after this one concern; None where that may be everybody's."""
        return changes.students_since(self.session, assignment, seq)

    def open_rows(self, assignment: str, students: Collection[str] | None = None) -> list[OpenRow]:
        """All that waits of an assignment, criterion by criterion; of these students only, where any are."""
        return class_rows.open_rows(self.session, assignment, students)

    def graders(self, assignment: str) -> list[GraderRow]:
        """Who gave how much for which criterion, from the standing."""
        return class_rows.graders(self.session, assignment)

    def given_with(self, marks: Collection[int]) -> Mapping[int, GivenWith]:
        """Comments of marks, and who gave them, by the marks' numbers."""
        return class_rows.given_with(self.session, marks)

    def counts(self, assignment: str) -> Counts:
        """How many students of an assignment wait, are settled, earned a criterion."""
        return class_views.counts(self.session, assignment)

    def histogram(self, assignment: str, *, bins: int = 20) -> Distribution:
        """How the marks of an assignment are spread, lateness taken off; dropped works are left out."""
        return class_views.histogram(self.session, assignment, bins=bins)

    def what_if(self, assignment: str, weights: Mapping[str, float], *, bins: int = 20) -> WhatIf:
        """What other points for criteria, by their ids, would come to; those not named keep theirs."""
        return class_views.what_if(self.session, assignment, weights, bins=bins)

    def packed_marks(self, assignment: str) -> list[Packed]:
        """All that other points for criteria are reckoned from, in an order that names nobody."""
        return class_views.packed_marks(self.session, assignment)

    def tokens_spent_before(self, assignment: str, policy: LatePolicy | None) -> Mapping[str, int]:
        """Late tokens that students spent on assignments due before this one, if `policy` were its own."""
        return lateness.tokens_spent_before(self.session, assignment, policy=policy)

    def dropped(self, assignment: str) -> Mapping[str, Drop]:
        """Whose work on an assignment a person took out of what counts."""
        found = drops.standing_drops(self.session, assignment=assignment)
        return {student: drop for (_, student), drop in found.items()}

    def is_dropped(self, student: str, assignment: str) -> bool:
        """Whether a person took a student's work out of what counts, or excused them."""
        return bool(drops.standing_drops(self.session, assignment=assignment, students=[student]))

    def dates(self, assignment: str) -> DatesSet | None:
        """What the course set in place of the rubric's dates; None where it set nothing."""
        return allowances.dates_of(self.session, assignment)

    def extensions(self, assignment: str) -> Mapping[str, Extension]:
        """Who may hand in until another date, by student."""
        found = allowances.standing_extensions(self.session, assignment=assignment)
        return {student: each for (_, student), each in found.items()}

    def excuses(self, assignment: str) -> Mapping[str, Excuse]:
        """Who is excused from an assignment, whether they handed in anything or not."""
        found = allowances.standing_excuses(self.session, assignment=assignment)
        return {student: each for (_, student), each in found.items()}

    def shares(self, assignment: str) -> Mapping[str, Share]:
        """Which students are whose to grade, by grader; who is in none is everybody's."""
        return shares.shares_of(self.session, assignment)

    def newest_set_up(self) -> NewestSetUp:
        """What is newest of the roster, shares, groups, extensions and excuses of the course."""
        return set_up_news.newest_set_up(self.session)

    def late_policy(self, assignment: str) -> LatePolicy | None:
        """What the newest verdict's rubric says of lateness, with the course's dates; None for nothing."""
        return lateness.late_policy(self.session, assignment)

    def late_policy_for(self, assignment: str, student: str, rubrics: LatePolicy | None) -> LatePolicy | None:
        """What handing in late costs one student.

        Args:
            assignment: Which work.
            student: Whose, who need not have handed in anything.
            rubrics: The rubric's rule; the course's dates and an extension stand above it.
        """
        return lateness.policy_of_student(self.session, assignment, student, rubrics)

    def timeline(
        self, student: str, assignment: str, of: Collection[type[Record]] = ()
    ) -> list[TimelineEntry]:
        """All that ever happened to a student's work on an assignment, oldest first.

        Args:
            student: Whose.
            assignment: Which work.
            of: Only rows that are read as these records; all where none is named.
        """
        return timeline.of_work(self.session, student, assignment, of)

    def rubric(self, seq: int) -> RubricRecord | None:
        """The rubric with this number."""
        row = self.session.get(RubricRow, seq)
        return RubricRecord.of(row) if row else None

    def rubric_numbers(self) -> list[int]:
        return sorted(self.session.scalars(select(RubricRow.seq)))

    def newest_rubric(self, assignment: str) -> RubricRecord | None:
        """The rubric that the assignment's newest verdict stands on."""
        return of_change(self.session, ("newest rubric", assignment), lambda: self._newest_rubric(assignment))

    def _newest_rubric(self, assignment: str) -> RubricRecord | None:
        query = (
            select(RubricRow)
            .join(VerdictRow, VerdictRow.rubric == RubricRow.seq)
            .where(RubricRow.assignment == assignment)
            .order_by(VerdictRow.seq.desc())
            .limit(1)
        )
        row = self.session.scalars(query).first()
        return RubricRecord.of(row) if row else None

    def published_rubric(self, assignment: str) -> Publication | None:
        """The rubric that the desk published last; None where a file of the course counts."""
        return publications.publication(self.session, assignment)

    def attempted_since(self, assignment: str, attempt: int = 0) -> Mapping[str, int]:
        """Students with an attempt later than the one with this number, each with the newest one's."""
        query = (
            select(AttemptRow.student, func.max(AttemptRow.seq))
            .where(AttemptRow.assignment == assignment, AttemptRow.seq > attempt)
            .group_by(AttemptRow.student)
        )
        return {row[0]: row[1] for row in self.session.execute(query)}

    def judged(self, verdict: int) -> tuple[AttemptRecord, VerdictRecord] | None:
        """The verdict with this number and the attempt that it is on."""
        found = self.session.execute(_JUDGED, {"verdict": verdict}).first()
        return None if found is None else (AttemptRecord.of(found[0]), VerdictRecord.of(found[1]))

    def seals_after(self, seq: int, size: int) -> list[Seal]:
        """So many seals of the rows that follow this one, in their order."""
        query = select(LedgerRow).where(LedgerRow.seq > seq).order_by(LedgerRow.seq).limit(size)
        return [Seal.of(row) for row in self.session.scalars(query)]

    def seal(self, seq: int) -> Seal | None:
        """Who wrote the row with this number, when and why."""
        row = self.session.get(LedgerRow, seq)
        return Seal.of(row) if row else None

    def files_marked(self, assignments: Collection[str]) -> Mapping[tuple[int, str], str]:
        """Of each mark, by its number and the student, the digest of the file that its giver had read."""
        return marks.files_read(self.session, assignments)

    def given_by(self, actor: str, assignment: str, criterion: str | None = None) -> GivenMark | None:
        """The newest mark of a person's own that nobody has undone; None where there is none."""
        return given.newest_by(self.session, actor, assignment, criterion)

    def given_since(
        self, assignment: str, criterion: str, seq: int
    ) -> Sequence[tuple[str, GivenMark]] | None:
        """Marks of a criterion after this row with their authors; None where one of them undoes another."""
        return given.given_since(self.session, assignment, criterion, seq)

    def comments_on(self, assignment: str, criterion: str) -> list[CommentUsed]:
        """Comments that marks of a criterion were given with, the most used first."""
        return given.comments_on(self.session, assignment, criterion)

    def second_run_of(self, job: int) -> AttemptRecord | None:
        """The attempt that a job of the queue is the second run of; None where it is none."""
        return second_runs.first_of(self.session, job)

    def second_runs(self, assignment: str | None = None) -> second_runs.SecondRuns:
        """What second runs came to, of an assignment or of all."""
        return second_runs.found(self.session, assignment)

    def one_in(self, assignment: str = "") -> int:
        """Of how many attempts one is run twice; 0 for none."""
        return second_runs.one_in(self.session, assignment)

    def mailing(self) -> Mailing | None:
        """How the course's mails go out; None where it sends none."""
        return mails.kept_mailing(self.session)

    def mails(self) -> list[Mail]:
        """The outbox, oldest first."""
        return mails.mails(self.session)

    def retention(self) -> Retention:
        """How long the course keeps what."""
        return retention.kept_retention(self.session)

    def files_held(self, assignment: str, what: Kind) -> list[Held]:
        """Files of an assignment that the course did not let go of, for each student who has them."""
        return retention.held_on(self.session, assignment, what)

    def newest_file_at(self, assignment: str) -> datetime | None:
        """When the last file came for an assignment (UTC); None where none did."""
        return retention.newest_file_at(self.session, assignment)

    def works_in_queue(self, assignment: str) -> set[str]:
        """Whose files of an assignment wait to be run, or are being run."""
        return retention.works_in_queue(self.session, assignment)

    def let_go_of(self, digest: str) -> LetGo | None:
        """When the course let go of a file last; None where it never did."""
        return retention.let_go_of(self.session, digest)

    def old_mails(self, before: datetime) -> int:
        """How many mails that are over were written before a moment, and still have address and text."""
        return retention.old_mails(self.session, before)

    def unsent_mails(self, most: int) -> Unsent:
        """The outbox at a glance, with so many of the mails that did not go out."""
        return mails.unsent(self.session, most)

    def flags(
        self,
        *,
        assignment: str | None = None,
        student: str | None = None,
        students: Collection[str] | None = None,
    ) -> list[Flag]:
        """What TAs ask the head TA to look at and nobody has settled, oldest first."""
        return flags.standing_flags(self.session, assignment=assignment, student=student, students=students)

    def answers_to(self, criterion: str, part: str, attempts: Collection[int]) -> Mapping[int, AnswerRecord]:
        """What answers of attempts to a criterion look like, by attempt, as far as it is kept."""
        return answers.answers_to(self.session, criterion, part, attempts)

    def unread_attempts(self, assignment: str | None = None) -> list[tuple[str, str]]:
        """Assignments and students whose newest attempt was judged, and its answers not looked at yet."""
        return answers.unread_attempts(self.session, assignment)

    def people(self) -> list[PersonRecord]:
        """The roster, in its own order; empty where there is none."""
        return roster.everybody(self.session)

    def number_of_people(self) -> int:
        """How many there are on the roster."""
        return roster.number_of_people(self.session)

    def people_on(self, *, start: int, size: int) -> list[PersonRecord]:
        """So many people of the roster in its own order, from a place on."""
        return roster.people_on(self.session, start=start, size=size)

    def present(self, students: Collection[str]) -> set[str]:
        """Those of these students who handed in anything."""
        asked = {"works": self.assignments(), "students": list(students)}
        return set(self.session.connection().scalars(_PRESENT, asked).all())

    def jobs(self) -> list[JobsOf]:
        """What is queued and claimed, by assignment and state."""
        return queue_views.jobs(self.session)

    def job_on(self, student: str, assignment: str, notebook: str) -> JobOn | None:
        """The newest job on a student's file, and how many come before it; None where there is none."""
        return turns.job_on(self.session, student, assignment, notebook)

    def groups(self, assignment: str) -> dict[str, Group]:
        """Who hands in together, by the names of the groups."""
        return groups.groups_of(self.session, assignment)

    def group_of(self, assignment: str, student: str) -> Group | None:
        """The group that a student is in; None where they hand in by themselves."""
        return groups.group_of(self.session, assignment, student)

    def sharers(self, assignment: str, student: str, notebook: str) -> tuple[str, ...]:
        """For whom else a file counts that counts for a student, since their group handed it in."""
        return groups.sharers(self.session, assignment, student, notebook)

    def shows_group_names(self) -> bool:
        """Whether members of a group read whom they hand in with."""
        return groups.names_shown(self.session)

    def pace(self) -> Pace:
        """What is run just now, since when, and what the last runs took."""
        return turns.pace(self.session)

    def waiting(self, *, to_mark: bool = False) -> Waiting:
        """What waits and may be taken; see `turns.waiting`."""
        return turns.waiting(self.session, to_mark=to_mark)

    def is_served(self) -> bool:
        """Whether anybody is at work who takes whatever is queued."""
        return queue_views.is_served(self.session)

    def running_jobs(self, most: int) -> list[Running]:
        """So many of the jobs that are claimed, the oldest first."""
        return queue_views.running(self.session, most)

    def failing_jobs(self, most: int) -> list[Running]:
        """So many of the jobs that wait after their sandbox failed."""
        return queue_views.failing(self.session, most)

    def ended_by_us(self, most: int) -> list[NotRun]:
        """So many works whose newest attempt ended by our fault, and that nobody asked to run again yet."""
        return queue_views.ended_by_us(self.session, most)

    def pauses(self) -> list[Pause]:
        """What of the queue is not taken now, by whose order."""
        return pauses.pauses(self.session)

    def paused_jobs(self) -> Mapping[tuple[str, str], int]:
        """How many jobs wait and are not taken, by assignment and purpose."""
        return pauses.paused_jobs(self.session)

    def queue_orders(self, most: int) -> list[Ordered]:
        """So many of the newest orders to the queue."""
        return pauses.ordered(self.session, most)

    def draft(self, owner: str, assignment: str) -> RubricDraft | None:
        """The rubric that this person tried last; None for nothing."""
        return drafts.find_draft(self.session, owner, assignment)

    def workers(self) -> list[Worker]:
        """Processes that take jobs and have not said that they ended, the newest first."""
        return queue_views.workers(self.session)

    def attempts_since(self, moment: datetime) -> int:
        """How many runs were recorded since then."""
        return queue_views.attempts_since(self.session, moment)

    def names_by(self, keys: Collection[str]) -> Mapping[str, Collection[str]]:
        """The names of whoever of the roster goes by each of these keys, as `people_by` finds them."""
        return roster.names_by(self.session, keys)

    def people_by(self, keys: Collection[str]) -> Mapping[str, list[PersonRecord]]:
        """Who of the roster goes by each of these keys (`grader.intake.roster.keys_of`)."""
        return roster.found_by(self.session, keys)

    def remarks(
        self,
        *,
        assignment: str | None = None,
        student: str | None = None,
        students: Collection[str] = (),
    ) -> list[Remark]:
        """Requests in the order in which they were opened; of those named only, where any are."""
        return remarks.requests(self.session, assignment=assignment, student=student, students=students)

    def remark(self, id: int) -> Remark | None:
        return remarks.find(self.session, id)

    def as_of(self, seq: int) -> AbstractContextManager[PastHistory]:
        """The history as it stood when its newest row was the one with this number."""
        return as_of(self.session, seq)

    def releases(self, assignment: str) -> list[Release]:
        """All releases of an assignment's marks to students and what took them back, oldest first."""
        return releases.releases(self.session, assignment)

    def newest_releases(self) -> Mapping[str, Release]:
        """Of each assignment the newest release, or what took it back."""
        return releases.newest_releases(self.session)

    def regrades_under_way(self, assignment: str) -> list[UnderWay]:
        """Who is judging an assignment again, and whose judging broke off; the oldest first."""
        return regrades.under_way(self.session, assignment)

    def cut_by(self, assignment: str, upto: int) -> Cut | None:
        """A judging again of which a row of the history has only some verdicts before it."""
        return regrades.cut_by(self.session, assignment, upto)

    def answers_shown_since(self, assignment: str, seq: int) -> set[str]:
        """Whose remark requests on an assignment have answers that were shown after this row."""
        return releases.answers_shown_since(self.session, assignment, seq)

    def token_rules(self, assignment: str) -> tuple[tuple[str, str], ...]:
        """By what late tokens are spent, to tell whether it is another; empty where the work takes none."""
        return policies.token_rules(self.session, assignment)

    def answers_shown(self, requests: Collection[int]) -> list[ShownAnswer]:
        """Which answers to these remark requests are shown one by one, oldest first."""
        return releases.answers_shown(self.session, requests)
