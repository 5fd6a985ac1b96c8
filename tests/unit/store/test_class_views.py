"""What a class is asked, answered from its standing at the cost of what is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import event

from grader.store import History, Store, open_store
from grader.store.class_views import CriterionStanding
from tests.unit.store.row_by_row import (
    LAB,
    NOW,
    Course,
    act,
    ask,
    finding,
    judge_five,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "grader.db"), clock=lambda: NOW) as opened:
        yield opened


@pytest.fixture
def judged(store: Store) -> Store:
    return judge_five(store)


def test_what_waits_comes_like_beside_like_and_each_once(judged: Store) -> None:
    def students(**more: object) -> list[str]:
        return [item.student for item in ask(judged, lambda history: history.next_waiting(LAB, "b", **more))]

    every = students(number=9)
    assert sorted(every) == ["s1", "s2", "s3"]
    assert every in (["s1", "s3", "s2"], ["s2", "s1", "s3"]), "s1 and s3 say the same but for the cell"
    one_by_one: list[CriterionStanding] = []
    while items := ask(judged, partial(next_after, one_by_one)):
        one_by_one += items
        with judged.writing() as history:
            Course(history).mark(items[0].student, "b", 1.0)
    assert [item.student for item in one_by_one] == every
    assert ask(judged, lambda history: history.next_waiting(LAB, "a")) == []


def next_after(before: list[CriterionStanding], history: History) -> list[CriterionStanding]:
    return history.next_waiting(LAB, "b", after=before[-1] if before else None)


def test_counters_are_the_sums_of_what_they_count(judged: Store) -> None:
    counts = ask(judged, lambda history: history.counts(LAB))
    assert counts.whole == {"all": 4, "waiting": 3, "settled": 1}
    assert counts.criteria == {
        "a": {"all": 4, "PASS": 4},
        "b": {"all": 4, "PASS": 1, "NEEDS_TA": 3, "waits": 3},
    }


def test_a_page_is_a_part_of_the_class_in_order(judged: Store) -> None:
    pages = [
        ask(judged, lambda history, last=last: history.page(LAB, after=last, size=2)) for last in ("", "s2")
    ]
    assert [[item.student for item in page] for page in pages] == [["s1", "s2"], ["s3", "s4"]]
    found = ask(judged, lambda history: history.page(LAB, states=["dropped", "settled"]))
    assert [item.student for item in found] == ["s4", "s5"]
    assert ask(judged, lambda history: history.page("other")) == []


def test_a_histogram_counts_the_marks_that_count(judged: Store) -> None:
    spread = ask(judged, lambda history: history.histogram(LAB, bins=4))
    assert spread.counts == (0, 3, 0, 1), "three have 2 of 8, one 6 of 8"
    assert (spread.mean, spread.out_of, spread.marks) == (3.0, 8.0, 4)
    assert ask(judged, lambda history: history.histogram("other", bins=4).counts) == (0, 0, 0, 0)


def test_other_weights_come_to_what_the_marks_would_be(judged: Store) -> None:
    same = ask(judged, lambda history: history.what_if(LAB, {}, bins=4))
    assert same.before == same.after == ask(judged, lambda history: history.histogram(LAB, bins=4))
    assert (same.gain, same.lose) == (0, 0)
    other = ask(judged, lambda history: history.what_if(LAB, {"a": 12.0}, bins=4))
    assert (other.after.out_of, other.after.mean) == (16.0, (3 * 6 + 10) / 4)
    assert (other.gain, other.lose) == (3, 1), "2/8 -> 6/16, and 6/8 -> 10/16"
    assert ask(judged, lambda history: history.what_if("other", {"a": 1.0}).after.marks) == 0


def statements(store: Store, question: Callable[[History], object]) -> Counter[str]:
    """How many statements a question takes, and how many rows of the standing come back."""
    told: Counter[str] = Counter()

    def note(connection, cursor, statement, parameters, context, executemany) -> None:
        if "standing" in statement:
            told["statements"] += 1
            count = connection.connection.driver_connection.execute(statement, parameters).fetchall()
            told["rows"] += len(count)

    event.listen(store.database.engine, "after_cursor_execute", note)
    try:
        ask(store, question)
    finally:
        event.remove(store.database.engine, "after_cursor_execute", note)
    return told


QUESTIONS: dict[str, tuple[Callable[[History], object], Counter[str]]] = {
    "page": (lambda history: history.page(LAB, size=5), Counter(statements=2, rows=5 + 10)),
    "next": (lambda history: history.next_waiting(LAB, "b"), Counter(statements=1, rows=1)),
    "counts": (lambda history: history.counts(LAB), Counter(statements=1, rows=9)),
    "histogram": (lambda history: history.histogram(LAB), Counter(statements=1, rows=2)),
    "what if": (lambda history: history.what_if(LAB, {"a": 2.0}), Counter(statements=2, rows=3)),
}


@pytest.mark.parametrize("what", QUESTIONS)
def test_a_question_costs_what_it_shows_however_large_the_class_is(
    store: Store, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr("grader.store.standing_rows._BLOCKS", 2)
    question, cost = QUESTIONS[what]
    told = []
    for start, end in ((0, 8), (8, 40)):
        with store.writing() as history:
            course = Course(history)
            for number in range(start, end):
                course.hand_in(f"s{number:03d}")
                waits = finding("b", pending=4.0) if number % 2 else finding("b", 1.0)
                course.judge(f"s{number:03d}", finding("a", 2.0), waits)
        told.append(statements(store, question))
    assert told == [cost, cost]


def test_rubrics_of_other_weights_share_one_class(judged: Store) -> None:
    """A student judged by another rubric: other criteria, other points."""
    act(
        judged,
        lambda course: course.hand_in("s6"),
        lambda course: course.judge("s6", finding("c", 4.0), rubric="x"),
    )
    result = ask(judged, lambda history: history.what_if(LAB, {"c": 2.0, "a": 4.0}, bins=4))
    assert result.before.counts == (0, 3, 0, 2)
    assert result.after == result.before.__class__((0, 3, 0, 2), (2 * 3 + 6 + 2) / 5, 8.0)
    assert result.before.marks == 5


def test_the_first_who_are_alike_are_told_whether_works_are_dropped_or_none_is(store: Store) -> None:
    students = [f"s{number:02d}" for number in range(12)]
    with store.writing() as history:
        for student in students:
            Course(history).hand_in(student)
            Course(history).judge(student, finding("b", pending=4.0))

    def told(most: int | None) -> tuple[list[str], int]:
        def question(history: History) -> tuple[list[str], int]:
            own = history.class_rows(LAB, "b", ["s05"])[0].alike
            found, number = history.alike_to(LAB, "b", "s05", own, most=most)
            return sorted(each.student for each in found), number

        return ask(store, question)

    for dropped in (None, "s00", "s03", "s11"):
        if dropped is not None:
            with store.writing() as history:
                Course(history).drop(dropped)
            students.remove(dropped)
        others = [student for student in students if student != "s05"]
        assert told(None) == (others, len(others))
        assert told(4) == (others[:4], len(others))


def test_what_waits_alone_is_read_where_that_is_wanted(judged: Store) -> None:
    waits = ask(judged, lambda history: history.waits_of(LAB, ["s1", "s4"]))
    assert waits
    for each in ask(judged, lambda history: history.standings(LAB, ["s1", "s4"], criteria=False)):
        every = ask(judged, lambda history, name=each.student: history.standings(LAB, [name]))[0]
        assert list(waits.get(each.student, ())) == [
            line.criterion for line in every.criteria if line.pending
        ]
        assert each == every._replace(criteria=())
