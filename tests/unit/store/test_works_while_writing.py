"""What a transaction reads of works after what it wrote itself is what everybody reads once it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import event

from grader.grading.requests import Action
from grader.store import History, Result, Signature, Store, open_store
from grader.store.allowances import ExtensionRecord
from grader.store.marks import About, BulkMarkRecord, MarkRecord
from grader.store.remarks import StepRecord
from tests.unit.store.row_by_row import LAB, NOW, SIGNED, Course, finding, judge_five, wrong

STUDENTS = ("s1", "s2", "s3", "s5")
#: Not in UTC, and by somebody whose name no database stores as it is.
ELSEWHERE = Signature("a\x00n", NOW.astimezone(timezone(timedelta(hours=2))), "test")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "grader.db"), clock=lambda: NOW) as opened:
        yield judge_five(opened)


def works(history: History) -> list[Result]:
    return list(history.results(assignment=LAB, students=STUDENTS, with_dropped=True))


def by(history: History, student: str) -> Result:
    return next(result for result in works(history) if result.student == student)


def mark(course: Course, **changed: object) -> int:
    judged = by(course.history, "s1").verdict_record
    assert judged is not None
    record = MarkRecord(
        student="s1", assignment=LAB, criterion="b", points=3, comment="\x00 \ud800 why", verdict=judged.seq
    )
    return course.history.give_mark(replace(record, **changed), ELSEWHERE)  # type: ignore[arg-type]


def alike(course: Course, *students: str, **changed: object) -> int:
    about = tuple(
        About(student, by(course.history, student).verdict_record.seq, None) for student in students
    )  # type: ignore[union-attr]
    record = BulkMarkRecord(assignment=LAB, criterion="b", points=1, comment="all", about=about)
    return course.history.give_alike(replace(record, **changed), ELSEWHERE)  # type: ignore[arg-type]


def undone(course: Course) -> None:
    mark(course, undoes=mark(course), points=None)


def all_undone(course: Course) -> None:
    alike(course, "s1", "s3", undoes=alike(course, "s1", "s3"), points=None)


def on_another_verdict(course: Course) -> None:
    """A mark on the first verdict, after a second one by a rubric that values the criterion otherwise."""
    first = by(course.history, "s1").verdict_record
    worth = finding("b", pending=2.0).model_copy(update={"out_of": 2.0})
    course.judge("s1", finding("a", 2.0), worth, rubric="other")
    works(course.history)
    assert first is not None
    mark(course, verdict=first.seq)


def answered(course: Course) -> None:
    judged = by(course.history, "s1").verdict_record
    assert judged is not None
    request = course.ask("s1", "b", judged.seq)
    course.history.add_step(StepRecord(request=request, action=Action.DECIDE, points=2.0), SIGNED)
    mark(course, request=request)


def dropped(course: Course) -> None:
    mark(course)
    course.drop("s1")


def extended(course: Course) -> None:
    mark(course)
    record = ExtensionRecord(student="s1", assignment=LAB, until=NOW, reason="ill")
    course.history.extend(record, SIGNED)


def handed_in(course: Course) -> None:
    mark(course)
    course.hand_in("s1", file="g")


STEPS: tuple[Callable[[Course], object], ...] = (
    mark,
    lambda course: mark(course, points=-0.0),
    lambda course: mark(course, points=None),
    lambda course: mark(course, criterion="gone"),
    lambda course: mark(course, verdict=None),
    lambda course: alike(course, "s1", "s3", "s5"),
    undone,
    all_undone,
    on_another_verdict,
    answered,
    dropped,
    extended,
    handed_in,
)


@pytest.mark.parametrize("step", STEPS)
def test_what_was_written_is_read_as_it_is_kept(store: Store, step: Callable[[Course], object]) -> None:
    with store.writing() as history:
        before = works(history)
        step(Course(history))
        held = works(history)
        assert held != before
    with store.reading() as history:
        kept = works(history)
    assert held == kept
    assert [each.mark for each in held] == [each.mark for each in kept]
    assert wrong(store) == []


def test_a_work_is_read_once_for_a_mark_and_whoever_is_left_out_stays_so(store: Store) -> None:
    asked: list[str] = []

    def note(connection, cursor, statement, parameters, context, executemany) -> None:
        asked.append(statement)

    with store.writing() as history:
        first = works(history)
        event.listen(store.database.engine, "before_cursor_execute", note)
        try:
            again = works(history)
            counting = list(history.results(assignment=LAB, students=STUDENTS))
        finally:
            event.remove(store.database.engine, "before_cursor_execute", note)
    assert again == first and not asked
    assert [each.student for each in first] == ["s1", "s2", "s3", "s5"]
    assert [each.student for each in counting] == ["s1", "s2", "s3"]


def test_whoever_reads_beside_a_moment_that_lasts_sees_what_it_wrote(store: Store) -> None:
    with store.moment():
        with store.reading() as history:
            before = history.newest_row()
        with store.reading() as history:
            assert history.newest_row() == before
        with store.writing() as history:
            mark(Course(history))
        with store.reading() as history:
            assert history.newest_row() == before + 1
            assert by(history, "s1").decisions


def test_all_that_is_read_within_a_moment_is_one_state_of_the_history(store: Store, tmp_path: Path) -> None:
    with open_store(str(tmp_path / "grader.db"), clock=lambda: NOW) as other, store.moment():
        with store.reading() as history:
            before = history.newest_row()
        with other.writing() as history:
            mark(Course(history))
        with store.reading() as history:
            assert (history.newest_row(), by(history, "s1").decisions) == (before, ())
        store.renew_moment()
        with store.reading() as history:
            assert history.newest_row() == before + 1
            assert by(history, "s1").decisions
    with store.reading() as history:
        assert history.newest_row() == before + 1


def test_an_error_ends_what_was_begun_and_the_next_reader_begins_anew(store: Store) -> None:
    with store.moment():
        with pytest.raises(LookupError), store.reading() as history:
            history.newest_row()
            raise LookupError
        with store.reading() as history:
            assert history.newest_row() > 0
    assert store.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
