"""A class made row by row, for tests of what is kept beside the history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from grader.evidence.record import Outcome
from grader.grading.requests import Kind
from grader.grading.verdict import Finding, Verdict
from grader.judging.judgement import Status
from grader.rubric.model import LatePolicy
from grader.store import History, Signature, Store, WritableHistory
from grader.store.drops import DropRecord
from grader.store.marks import About, BulkMarkRecord, MarkRecord
from grader.store.records import NewAttempt, RubricText, SubmissionRecord
from grader.store.remarks import RemarkRecord
from grader.store.standing_check import differences

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SIGNED = Signature("ann", NOW, "test")
LAB = "lab"


def finding(criterion: str, points: float = 0.0, pending: float = 0.0, message: str = "found") -> Finding:
    status = Status.NEEDS_TA if pending else Status.PASS if points else Status.FAIL
    return Finding(
        criterion=criterion, title=criterion, status=status, points=points, out_of=4.0, pending=pending,
        message=message,
    )  # fmt: skip


def verdict(*findings: Finding, late: LatePolicy | None = None) -> Verdict:
    points, pending, out_of = (
        sum(getattr(item, name) for item in findings) for name in ("points", "pending", "out_of")
    )
    return Verdict(assignment="", findings=findings, points=points, out_of=out_of, pending=pending, late=late)


class Course:
    """Adds to a history in short words."""

    def __init__(self, history: WritableHistory) -> None:
        self.history = history
        self.jobs = history.session.info.setdefault("jobs", [0])

    def hand_in(self, student: str, lab: str = LAB, file: str = "f", days: float | None = None) -> None:
        at = None if days is None else NOW + timedelta(days=days)
        record = SubmissionRecord(
            student=student, assignment=lab, notebook=file, path=f"{student}.ipynb", submitted_at=at,
            late=False, problem="",
        )  # fmt: skip
        self.history.hand_in(record, SIGNED)

    def judge(
        self,
        student: str,
        *findings: Finding,
        lab: str = LAB,
        file: str = "f",
        late: LatePolicy | None = None,
        outcome: Outcome = Outcome.COMPLETED,
        rubric: str = "r",
        evidence: str = "e",
        plan: str = "p",
    ) -> int:
        job = self.history.session.connection().exec_driver_sql("SELECT count(*) FROM attempts").scalar_one()
        attempt = NewAttempt(
            job=job, student=student, assignment=lab, notebook=file, outcome=outcome.value, detail="",
            evidence=evidence, plan=plan, image="", sandbox="", isolation="", seed=0, wall_time_s=1.0,
            cells_s=1.0,
        )  # fmt: skip
        text = RubricText(
            digest=f"{lab}{rubric}", handout="", assignment=lab, name="", text="", handout_text=""
        )
        return self.history.add_verdict(
            verdict(*findings, late=late),
            attempt=self.history.add_attempt(attempt, SIGNED),
            rubric=self.history.keep_rubric(text, SIGNED),
            version="1",
            signature=SIGNED,
        ).seq

    def mark(self, student: str, criterion: str, points: float | None, lab: str = LAB) -> None:
        [result] = self.history.results(assignment=lab, students=[student], with_dropped=True)
        judged = result.verdict_record.seq if result.verdict_record else None
        mark = MarkRecord(
            student=student, assignment=lab, criterion=criterion, points=points, comment="", verdict=judged
        )
        self.history.give_mark(mark, SIGNED)

    def mark_alike(
        self, students: Sequence[str], criterion: str, points: float | None, lab: str = LAB, **more: int
    ) -> int:
        about = []
        for student in students:
            [result] = self.history.results(assignment=lab, students=[student], with_dropped=True)
            judged = result.verdict_record
            about.append(About(student, judged.seq if judged else None, None))
        marks = BulkMarkRecord(
            assignment=lab, criterion=criterion, points=points, comment="", about=tuple(about), **more
        )
        return self.history.give_alike(marks, SIGNED)

    def drop(self, student: str, lab: str = LAB, *, dropped: bool = True) -> None:
        self.history.drop(DropRecord(student=student, assignment=lab, reason="x", dropped=dropped), SIGNED)

    def ask(self, student: str, criterion: str, judged: int, lab: str = LAB) -> int:
        request = RemarkRecord(
            student=student, assignment=lab, criterion=criterion, kind=Kind.JUDGEMENT, reason="x",
            sentence="", late_because="", points_before=0.0, out_of=4.0, verdict=judged,
        )  # fmt: skip
        return self.history.open_remark(request, SIGNED)


def act(store: Store, *steps: Callable[[Course], object]) -> None:
    """Each step in a transaction of its own; after each the standing is what the history says."""
    for step in steps:
        with store.writing() as history:
            step(Course(history))
        assert wrong(store) == []


def wrong(store: Store) -> list[str]:
    with store.database.reading() as session:
        return list(differences(session))


def ask(store: Store, question: Callable[[History], object]):
    with store.reading() as history:
        return question(history)


def states(store: Store, lab: str = LAB) -> dict[str, str]:
    return {item.student: item.state for item in ask(store, lambda history: history.page(lab))}


def judge_five(store: Store) -> Store:
    """Two alike and one apart wait for b; s4 has nothing that waits, s5 is dropped."""
    say = {"s1": "as in cell 3", "s2": "otherwise", "s3": "as in cell 12", "s5": "as in cell 1"}
    with store.writing() as history:
        course = Course(history)
        for student in ("s1", "s2", "s3", "s4", "s5"):
            course.hand_in(student)
            waits = finding("b", pending=4.0, message=say[student]) if student in say else finding("b", 4.0)
            course.judge(student, finding("a", 2.0), waits)
        course.drop("s5")
    return store
