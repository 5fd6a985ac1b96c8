"""The past is what was there: whatever is written later, as of a row it is what it was at that row."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.evidence.record import Outcome
from grader.grading.requests import Action
from grader.rubric.model import LatePolicy
from grader.store import Signature, Store, open_store
from grader.store.flags import FlagRecord
from grader.store.releases import ReleaseRecord
from grader.store.remarks import StepRecord
from grader.workflows.releasing.shown import shown_work
from tests.unit.store.row_by_row import LAB, NOW, SIGNED, Course, finding

STUDENTS, LABS = ("s1", "s2"), (LAB, "lab2")
LATE = {
    LAB: LatePolicy(due=NOW, per_day=0.1, tokens=2),
    "lab2": LatePolicy(due=NOW + timedelta(days=7), per_day=0.1, tokens=2),
}

students, labs, files = st.sampled_from(STUDENTS), st.sampled_from(LABS), st.sampled_from("fg")
halves = st.integers(0, 8).map(lambda number: number / 2)

Step = Callable[[Course], object]


def hand_in(student: str, lab: str, file: str, days: int) -> Step:
    return lambda course: course.hand_in(student, lab, file, days=float(days))


def judge(student: str, lab: str, file: str, points: float, outcome: Outcome, rubric: str) -> Step:
    found = (finding("a", points, message=f"found {points}"), finding("b", pending=4.0))
    return lambda course: course.judge(
        student, *found, lab=lab, file=file, late=LATE[lab], outcome=outcome, rubric=rubric
    )


def mark(student: str, lab: str, criterion: str, points: float | None) -> Step:
    def step(course: Course) -> None:
        if course.history.handed_in(student, lab):
            course.mark(student, criterion, points, lab)

    return step


def mark_alike(lab: str, points: float) -> Step:
    def step(course: Course) -> None:
        there = [student for student in STUDENTS if course.history.handed_in(student, lab)]
        course.mark_alike(there, "b", points, lab)

    return step


def undo(lab: str) -> Step:
    def step(course: Course) -> None:
        given = course.history.given_by("ann", lab)
        if given is not None and given.bulk:
            course.mark_alike(
                [each.student for each in given.about], given.criterion, None, lab, undoes=given.seq
            )

    return step


def drop(student: str, lab: str, dropped: bool) -> Step:
    return lambda course: course.drop(student, lab, dropped=dropped)


def flag(student: str, lab: str) -> Step:
    record = FlagRecord(student=student, assignment=lab, criterion="a", note="see", raised=True)
    return lambda course: course.history.flag(record, SIGNED)


def ask_and_answer(student: str, lab: str, points: float, action: Action) -> Step:
    """A request with an answer that nobody shows."""

    def step(course: Course) -> None:
        found = list(course.history.results(assignment=lab, students=[student], with_dropped=True))
        if not found or found[0].verdict_record is None:
            return
        id = course.ask(student, "b", found[0].verdict_record.seq, lab)
        for each in (Action.REVIEW, action):
            course.history.add_step(StepRecord(request=id, action=each, points=None, reason="hush"), SIGNED)
        if action is Action.DECIDE:
            course.mark(student, "b", points, lab)

    return step


steps = st.one_of(
    st.builds(hand_in, students, labs, files, st.integers(-3, 12)),
    st.builds(judge, students, labs, files, halves, st.sampled_from(list(Outcome)), st.sampled_from("rq")),
    st.builds(mark, students, labs, st.sampled_from("ab"), st.none() | halves),
    st.builds(mark_alike, labs, halves),
    st.builds(undo, labs),
    st.builds(drop, students, labs, st.booleans()),
    st.builds(flag, students, labs),
    st.builds(ask_and_answer, students, labs, halves, st.sampled_from([Action.DECIDE, Action.REJECT])),
)


@cache
def _empty() -> bytes:
    """A database with nothing in it, as making one takes longer than all that a story does."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "grader.db"
        open_store(str(path)).close()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        return path.read_bytes()


@contextmanager
def new_store() -> Iterator[Store]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "grader.db"
        path.write_bytes(_empty())
        with open_store(str(path)) as store:
            yield store


def standing(store: Store) -> dict[str, object]:
    with store.reading() as history:
        return {lab: list(history.results(assignment=lab, with_dropped=True)) for lab in LABS}


def as_it_was(store: Store, seq: int) -> dict[str, object]:
    with store.reading() as history, history.as_of(seq) as past:
        return {lab: list(past.results(assignment=lab)) for lab in LABS}


def write(store: Store, step: Step) -> int:
    with store.writing() as history:
        step(Course(history))
        return history.newest_row()


@settings(max_examples=8, deadline=None)
@given(st.lists(steps, min_size=1, max_size=10))
def test_what_was_read_at_a_row_is_read_as_of_it_ever_after(story: list[Step]) -> None:
    with new_store() as store:
        read = {}
        for step in story:
            seq = write(store, step)
            read[seq] = standing(store)
        for seq, then in read.items():
            if seq:
                assert as_it_was(store, seq) == then
        # The present is what it was before anybody looked back.
        assert standing(store) == read[max(read)]


def test_late_tokens_are_by_the_verdict_that_was_the_newest_then() -> None:
    with new_store() as store:
        write(store, hand_in("s1", LAB, "f", 1))
        write(store, hand_in("s1", "lab2", "f", 0))
        seq = write(store, judge("s1", LAB, "f", 1.0, Outcome.COMPLETED, "r"))
        then = standing(store)
        write(store, judge("s1", "lab2", "f", 1.0, Outcome.COMPLETED, "r"))
        assert as_it_was(store, seq) == then


@settings(max_examples=8, deadline=None)
@given(st.lists(steps, min_size=2, max_size=6), st.lists(steps, min_size=1, max_size=6))
def test_what_a_student_is_shown_stays_whatever_is_written_after_the_release(
    before: list[Step], after: list[Step]
) -> None:
    with new_store() as store:
        newest = max(write(store, step) for step in before)
        if not newest:
            return
        for lab in LABS:
            record = ReleaseRecord(assignment=lab, upto=newest)
            write(store, lambda course, record=record: course.history.release(record, SIGNED))
        shown = {(lab, student): work_of(store, lab, student) for lab in LABS for student in STUDENTS}
        for step in after:
            write(store, step)
        for (lab, student), then in shown.items():
            assert work_of(store, lab, student) == then


def work_of(store: Store, lab: str, student: str) -> object:
    """The mark with all that is said of it, and of requests what was there before the release."""
    with store.reading() as history:
        shown = shown_work(history, lab, student)
    if shown is None:
        return None
    assert not any(
        step.reason == "hush" and step.seq > shown.release.upto
        for each in shown.requests
        for step in each.steps
    )
    return shown.release, shown.result, shown.result.mark


@pytest.mark.parametrize("upto", [0, 10**6])
def test_before_the_first_row_there_is_nothing_and_after_the_last_all(tmp_path: Path, upto: int) -> None:
    with open_store(str(tmp_path / "grader.db")) as store:
        write(store, hand_in("s1", LAB, "f", 0))
        assert as_it_was(store, upto)[LAB] == (standing(store)[LAB] if upto else [])


def test_the_past_works_on_the_other_database_too(tmp_path: Path, database: str) -> None:
    with open_store(database, evidence=tmp_path / "evidence") as store:
        write(store, hand_in("s1", LAB, "f", 0))
        seq = write(store, judge("s1", LAB, "f", 3.0, Outcome.COMPLETED, "r"))
        then = standing(store)
        write(store, judge("s1", LAB, "f", 1.0, Outcome.COMPLETED, "q"))
        write(store, mark("s1", LAB, "a", 0.5))
        assert as_it_was(store, seq) == then != standing(store)


def test_a_release_moves_on_is_taken_back_and_was_then_never_shown(tmp_path: Path) -> None:
    days = iter(datetime(2026, 3, day, tzinfo=UTC) for day in range(10, 20))
    with open_store(str(tmp_path / "grader.db"), clock=lambda: next(days)) as store:
        write(store, hand_in("s1", LAB, "f", 0))
        seqs = []
        for points in (1.0, 2.0, 3.0):
            seqs.append(write(store, judge("s1", LAB, "f", points, Outcome.COMPLETED, "r")))

        def release(upto: int | None) -> None:
            record = ReleaseRecord(assignment=LAB, upto=upto)
            signature = Signature("ann", store.clock(), "test")
            write(store, lambda course: course.history.release(record, signature))

        def points(day: int | None = None) -> float | None:
            on = None if day is None else datetime(2026, 3, day, 12, tzinfo=UTC)
            with store.reading() as history:
                shown = shown_work(history, LAB, "s1", on=on)
            return None if shown is None else shown.result.mark.earned

        assert points() is None
        release(seqs[0])
        release(None)
        release(seqs[1])
        release(seqs[2])
        assert points() == 3.0
        # On the 10th a release stood that was taken back on the 11th: nobody is shown it for that day either.
        assert [points(day) for day in (9, 10, 11, 12, 13, 20)] == [None, None, None, 2.0, 3.0, 3.0]
        release(None)
        assert [points(), points(13)] == [None, None]
