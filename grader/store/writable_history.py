"""What can be added to the history, while nobody else can."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select

from grader.grading.verdict import Verdict
from grader.store import (
    allowances,
    answers,
    drafts,
    drops,
    erasing,
    flags,
    groups,
    hand_ins,
    ledger,
    mails,
    marks,
    pauses,
    prechecks,
    publications,
    releases,
    remarks,
    retention,
    roster,
    second_runs,
    shares,
)
from grader.store.allowances import DatesRecord, ExcuseRecord, ExtensionRecord
from grader.store.answers import AnswerRecord
from grader.store.drafts import RubricDraft
from grader.store.drops import DropRecord
from grader.store.entering import Ask, enter
from grader.store.first_files import FirstFile, receive_first
from grader.store.flags import FlagRecord
from grader.store.groups import GroupFileRecord, GroupRecord
from grader.store.hand_ins import HandInRecord, Received
from grader.store.history import History
from grader.store.job_ends import JobEnd, end_jobs, verdict_row
from grader.store.ledger import Signature
from grader.store.mails import Mailing, NewMail
from grader.store.marks import BulkMarkRecord, MarkRecord
from grader.store.models import (
    AttemptRow,
    RubricRow,
    SubmissionRow,
    VerdictRow,
)
from grader.store.pauses import QueueOrder
from grader.store.prechecks import NewPreCheck
from grader.store.records import (
    AttemptRecord,
    NewAttempt,
    RubricRecord,
    RubricText,
    SubmissionRecord,
    VerdictRecord,
)
from grader.store.releases import ReleaseRecord
from grader.store.remarks import RemarkRecord, StepRecord
from grader.store.retention import LetGoRecord, Retention
from grader.store.roster import PersonRecord
from grader.store.shares import ShareRecord

__all__ = ["WritableHistory"]

#: Under which a session keeps which attempts it added that have no verdict yet, and rubrics that it kept.
_UNJUDGED, _RUBRICS = "unjudged", "rubrics kept"


class WritableHistory(History):
    """The history while nobody else can add to it."""

    def hand_in(self, file: SubmissionRecord, signature: Signature) -> None:
        """Records a submission, unless the student's newest one is the same file with the same standing."""
        newest = self.submission(file.student, file.assignment)
        if newest is None or newest.standing != file.standing:
            ledger.append(self.session, SubmissionRow(**file.columns), signature)

    def receive(self, file: HandInRecord, signature: Signature) -> Received:
        """Records that the service received a file, whether it counts or not."""
        return hand_ins.record_hand_in(self.session, file, signature)

    def receive_first(self, files: Sequence[FirstFile], at: datetime) -> list[Received | None]:
        """Records several files with their jobs, of students of whom there is nothing else yet.

        Args:
            files: In the order in which they came.
            at: Since when their jobs wait.

        Returns:
            What is written of each; None for those of other students, of which nothing is.
        """
        return receive_first(self.session, files, at)

    def queue(self, asks: Sequence[Ask], at: datetime, *, fresh: bool = False) -> list[int | None]:
        """Puts work into the queue for whoever takes it, unless it is done or there already.

        Args:
            asks: The work.
            at: Since when it waits.
            fresh: Whether work counts as open though an attempt is there.

        Returns:
            The job of each; None where an attempt stands.
        """
        return enter(self.session, asks, fresh=fresh, at=at)

    def pre_checks_counted(self, student: str, assignment: str, now: datetime) -> list[datetime]:
        """When those of a student came that count today, the oldest first."""
        return prechecks.pre_checks_counted(self.session, student, assignment, now)

    def runs_pre_check(self, student: str, assignment: str) -> bool:
        """Whether one of a student's is being run just now."""
        return prechecks.runs_pre_check(self.session, student, assignment)

    def add_pre_check(self, new: NewPreCheck) -> int:
        """Queues a look at a file that is not handed in; no part of the history.

        Returns:
            Its number.
        """
        prechecks.remove_old_pre_checks(self.session, new.came)
        return prechecks.add_pre_check(self.session, new)

    def end_pre_check(self, job: int, told: str, at: datetime) -> None:
        """Notes what may be said of one, or with nothing that it failed; its file goes with it."""
        prechecks.end_pre_check(self.session, job, told, at)

    def add_attempt(self, attempt: NewAttempt, signature: Signature) -> AttemptRecord:
        """Records an attempt under the next number of this student and assignment."""
        before = self.session.scalar(
            select(func.max(AttemptRow.number)).filter_by(
                student=attempt.student, assignment=attempt.assignment
            )
        )
        row = AttemptRow(**attempt.columns, number=(before or 0) + 1)
        record = AttemptRecord.of(ledger.append(self.session, row, signature))
        self.session.info.setdefault(_UNJUDGED, set()).add(record.seq)
        return record

    def keep_rubric(self, rubric: RubricText, signature: Signature) -> RubricRecord:
        """Records a rubric's text once."""
        # A transaction may hold the verdicts of many by one rubric.
        kept: dict[tuple[str, str], RubricRecord] = self.session.info.setdefault(_RUBRICS, {})
        if rubric.key not in kept:
            query = select(RubricRow).filter_by(digest=rubric.digest, handout=rubric.handout)
            known = self.session.scalars(query).first()
            row = known or ledger.append(self.session, RubricRow(**rubric.columns), signature)
            kept[rubric.key] = RubricRecord.of(row)
        return kept[rubric.key]

    def add_verdict(
        self,
        verdict: Verdict,
        *,
        attempt: AttemptRecord,
        rubric: RubricRecord,
        version: str,
        signature: Signature,
    ) -> VerdictRecord:
        """Records a verdict, unless the attempt's newest one says the same by the same rubric."""
        row = verdict_row(verdict, attempt.seq, rubric.seq, version)
        newest = None
        unjudged: set[int] = self.session.info.get(_UNJUDGED, set())
        if attempt.seq in unjudged:
            unjudged.remove(attempt.seq)
        else:
            own = select(VerdictRow).filter_by(attempt=attempt.seq)
            newest = self.session.scalars(own.order_by(VerdictRow.seq.desc()).limit(1)).first()
        if newest is not None and (newest.rubric, newest.body) == (row.rubric, row.body):
            return VerdictRecord.of(newest)
        return VerdictRecord.of(ledger.append(self.session, row, signature))

    def end_jobs(self, ends: Sequence[JobEnd]) -> list[bool]:
        """Ends jobs with an attempt and its verdict each, by few statements.

        Returns:
            Whether each is written; of those that are not, nothing is: somebody else may have the job, or
            others share the file.
        """
        return end_jobs(self.session, ends, self.keep_rubric)

    def publish_rubric(self, rubric: RubricRecord, verdict: VerdictRecord) -> None:
        """Lets this rubric count for its assignment whatever a file of the course says.

        Args:
            rubric: By which all verdicts are.
            verdict: One of them, which says who published it.
        """
        publications.publish(self.session, rubric.assignment, rubric=rubric.seq, verdict=verdict.seq)

    def supersede_rubric(self, assignment: str) -> None:
        """Lets a file of the course count again, after somebody was told what the desk published."""
        publications.supersede(self.session, assignment)

    def give_mark(self, mark: MarkRecord, signature: Signature) -> int:
        """Records points that a person gave; whether they may is for whoever asks to know.

        Returns:
            Its number.
        """
        return marks.give(self.session, mark, signature)

    def give_alike(self, given: BulkMarkRecord, signature: Signature) -> int:
        """Records one decision about several submissions as one row.

        Returns:
            Its number.
        """
        return marks.give_alike(self.session, given, signature)

    def flag(self, flag: FlagRecord, signature: Signature) -> None:
        """Records that the head TA is asked to look at something, or that this is settled."""
        flags.record_flag(self.session, flag, signature)

    def keep_answers(self, records: Sequence[AnswerRecord]) -> None:
        """Keeps what answers look like; no part of the history, and unsealed."""
        answers.keep_answers(self.session, records)

    def run_twice(self, attempt: int, job: int, plan: str, seed: int, at: datetime) -> None:
        """Queues an attempt once more by a plan with another seed; see `second_runs`."""
        second_runs.enter_second_run(self.session, attempt, job, plan, seed, at)

    def end_second_run(self, job: int, found: second_runs.Found) -> None:
        """Keeps what a second run came to. No part of the history."""
        second_runs.end(self.session, job, found)

    def set_one_in(self, assignment: str, number: int) -> None:
        """Says of how many attempts one is run twice, for an assignment or, with no name, for the course.

        Raises:
            UsageError: The number is negative.
        """
        second_runs.keep_one_in(self.session, assignment, number)

    def set_mailing(self, mailing: Mailing | None) -> None:
        """Says how mails go out from now on; None that none do. No part of the history."""
        mails.keep_mailing(self.session, mailing)

    def post_mails(self, new: Sequence[NewMail], at: datetime) -> int:
        """Puts mails into the outbox, each once for what it is about; says how many are new."""
        return mails.post(self.session, new, at)

    def keep_for(self, rules: Retention) -> None:
        """Says how long the course keeps what, from now on. No part of the history."""
        retention.keep_retention(self.session, rules)

    def let_go(self, record: LetGoRecord, signature: Signature) -> int:
        """Seals that files are let go of; `Store.remove_let_go` removes them.

        Returns:
            Its number.
        """
        return retention.let_go(self.session, record, signature)

    def empty_mails(self, before: datetime) -> int:
        """Takes address and text out of mails that are over and were written before a moment."""
        return retention.empty_mails(self.session, before)

    def replace_roster(self, people: Sequence[tuple[PersonRecord, Collection[str]]]) -> None:
        """Puts a roster in place of the one before; no part of the history, and unsealed."""
        roster.replace_roster(self.session, people)

    def order_queue(self, order: QueueOrder, signature: Signature) -> None:
        """Records that the queue is paused, drained, resumed, or runs a submission again."""
        pauses.record_order(self.session, order, signature)

    def keep_draft(self, owner: str, assignment: str, draft: RubricDraft | None) -> None:
        """Keeps the rubric that somebody tries, or forgets it; no part of the history."""
        drafts.keep_draft(self.session, owner, assignment, draft)

    def drop(self, drop: DropRecord, signature: Signature) -> None:
        """Records that a submission counts nowhere, or again; nothing of it is deleted."""
        drops.record_drop(self.session, drop, signature)

    def set_dates(self, dates: DatesRecord, signature: Signature) -> None:
        """Records dates that hold in place of the rubric's; lateness follows at once."""
        allowances.record_dates(self.session, dates, signature)

    def extend(self, extension: ExtensionRecord, signature: Signature) -> None:
        """Records until when a student may hand in, or that this is taken back."""
        allowances.record_extension(self.session, extension, signature)

    def excuse(self, excuse: ExcuseRecord, signature: Signature) -> None:
        """Records that a student owes no work on an assignment, or owes it again."""
        allowances.record_excuse(self.session, excuse, signature)

    def set_group(self, group: GroupRecord, signature: Signature) -> None:
        """Records who hands in together from now on; what was handed in stays as it is."""
        groups.record_group(self.session, group, signature)

    def note_group_file(self, file: GroupFileRecord, signature: Signature) -> None:
        """Records for whom a group's file counts."""
        groups.record_group_file(self.session, file, signature)

    def note_job_done(self, done: int, student: str) -> int:
        """A job of another student that ends with the one given.

        Returns:
            Its number.
        """
        return groups.note_job_done(self.session, done, student)

    def show_group_names(self, shown: bool) -> None:
        """Says whether members of a group read whom they hand in with; no part of the history."""
        groups.keep_names_shown(self.session, shown)

    def share(self, share: ShareRecord, signature: Signature) -> None:
        """Records which students are a grader's; no mark changes by it."""
        shares.record_share(self.session, share, signature)

    def erase(self, student: str, reason: str, keys: Collection[str], signature: Signature) -> str:
        """Erases a student's names and drops their work; their evidence is for `Store.remove_erased`.

        Args:
            student: Whose.
            reason: Why, in words that hold no name: they are sealed.
            keys: Their keys in the roster.
            signature: Who does it.

        Returns:
            What they are called from now on.
        """
        return erasing.erase(self.session, student, reason, keys, signature)

    def open_remark(self, remark: RemarkRecord, signature: Signature) -> int:
        """Records a request.

        Returns:
            Its number.
        """
        return remarks.open_request(self.session, remark, signature)

    def release(self, release: ReleaseRecord, signature: Signature) -> int:
        """Records what students are shown from now on; whether it may be is for whoever asks to know.

        Returns:
            Its number.
        """
        return releases.record_release(self.session, release, signature)

    def add_step(self, step: StepRecord, signature: Signature) -> None:
        """Records what was done with a request."""
        remarks.add_step(self.session, step, signature)
