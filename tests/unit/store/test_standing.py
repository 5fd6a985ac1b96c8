"""The standing is what the history says, whatever happens to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import event

from grader.evidence.record import Outcome
from grader.grading.requests import Action
from grader.grading.verdict import Finding
from grader.rubric.model import LatePolicy
from grader.store import Store, open_store
from grader.store.audit import audit
from grader.store.remarks import StepRecord
from grader.store.standing import reproject
from tests.tampering import directly
from tests.unit.store.row_by_row import (
    LAB,
    NOW,
    SIGNED,
    Course,
    act,
    ask,
    finding,
    judge_five,
    states,
    wrong,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "grader.db"), clock=lambda: NOW) as opened:
        yield opened


def test_a_students_way_from_hand_in_to_mark(store: Store) -> None:
    seen = []

    def look(course: Course) -> None:
        seen.append(states(store).get("s1"))

    act(
        store,
        look,
        lambda course: course.hand_in("s1"),
        look,
        lambda course: course.judge("s1", finding("a", 3.0), finding("b", pending=4.0)),
        look,
        lambda course: course.mark("s1", "b", 2.5),
        look,
        lambda course: course.drop("s1"),
        look,
        lambda course: course.drop("s1", dropped=False),
        lambda course: course.hand_in("s1", file="g"),
        look,
        lambda course: course.judge("s1", finding("a", 1.0), finding("b", pending=4.0), file="g"),
        look,
    )
    assert seen == [None, "not_run", "waiting", "settled", "dropped", "not_run", "waiting"]
    [standing] = ask(store, lambda history: history.page(LAB))
    [result] = ask(store, lambda history: list(history.results(assignment=LAB)))
    assert (standing.points, standing.out_of, standing.pending) == (3.5, 8.0, 0.0)
    assert (standing.points, standing.pending) == (result.mark.points, result.mark.pending)
    assert (standing.waiting, standing.marked, standing.outcome) == (1, 1, "COMPLETED")
    told = [(item.criterion, item.status, item.points, item.waits) for item in standing.criteria]
    assert told == [("a", "PASS", 1.0, 0), ("b", "NEEDS_TA", 2.5, 2)], "b was marked on the file before"
    assert standing.criteria[1].mark == result.mark.criterion("b").decision.seq


def test_a_file_that_could_not_be_taken_is_held_and_asks_no_criterion(store: Store) -> None:
    held = {"outcome": Outcome.INVALID_SUBMISSION}
    act(
        store,
        lambda course: course.hand_in("s1"),
        lambda course: course.judge("s1", finding("a", pending=4.0), **held),
    )
    assert states(store) == {"s1": "held"}
    assert ask(store, lambda history: history.next_waiting(LAB, "a")) == []
    act(store, lambda course: course.mark("s1", "a", 0.0))
    assert states(store) == {"s1": "settled"}


def test_open_requests_are_counted(store: Store) -> None:
    asked = []
    act(
        store,
        lambda course: course.hand_in("s1"),
        lambda course: asked.append(course.judge("s1", finding("a", 3.0))),
        lambda course: asked.append(course.ask("s1", "a", asked[0])),
    )
    assert ask(store, lambda history: history.page(LAB)[0].requests) == 1
    act(
        store,
        lambda course: course.history.add_step(StepRecord(request=asked[1], action=Action.WITHDRAW), SIGNED),
    )
    assert ask(store, lambda history: history.page(LAB)[0].requests) == 0


def test_one_decision_about_several_and_its_undoing_reach_each_of_them(store: Store) -> None:
    given = []
    for student in ("s1", "s2", "s11"):
        act(
            store,
            lambda course, student=student: course.hand_in(student),
            lambda course, student=student: course.judge(student, finding("a", pending=4.0)),
        )
    act(store, lambda course: given.append(course.mark_alike(["s1", "s2"], "a", 3.0)))
    assert states(store) == {"s1": "settled", "s11": "waiting", "s2": "settled"}
    act(
        store,
        lambda course: course.hand_in("s2", file="g"),
        lambda course: course.judge("s2", finding("a", pending=4.0), file="g"),
    )
    [waits] = [
        each
        for each in ask(store, lambda history: history.next_waiting(LAB, "a", number=9))
        if each.waits == 2
    ]
    assert (waits.student, waits.mark) == ("s2", given[0])
    act(store, lambda course: course.mark_alike(["s1", "s2"], "a", None, undoes=given[0]))
    assert set(states(store).values()) == {"waiting"}


def policy(due: int, tokens: int) -> LatePolicy:
    return LatePolicy(due=NOW + timedelta(days=due), per_day=0.25, tokens=tokens)


def test_late_tokens_spent_on_one_assignment_are_missed_on_the_next(store: Store) -> None:
    """By whatever row it comes: a file, a drop, a policy of a new verdict."""

    def points() -> float:
        return ask(store, lambda history: history.page("two")[0].points)

    found = finding("a", 4.0)
    act(
        store,
        lambda course: course.hand_in("s1", "one", days=0),
        lambda course: course.judge("s1", found, lab="one", late=policy(0, 1)),
        lambda course: course.hand_in("s1", "two", days=8),
        lambda course: course.judge("s1", found, lab="two", late=policy(7, 1)),
    )
    assert points() == 4.0
    act(store, lambda course: course.hand_in("s1", "one", days=1))
    assert points() == 3.0, "the token went for the first"
    act(store, lambda course: course.drop("s1", "one"))
    assert points() == 4.0
    act(store, lambda course: course.drop("s1", "one", dropped=False))
    act(store, lambda course: course.judge("s2", found, lab="one", late=policy(2, 1), rubric="later"))
    assert points() == 4.0, "the newest verdict of the first has another date"


def test_a_random_life_of_a_class_is_followed_row_by_row(database: str, tmp_path: Path) -> None:
    random = Random(11)
    students, criteria, labs = ["s1", "s2", "s3"], ["a", "b", "c"], ["one", "two"]

    def found() -> list[Finding]:
        kinds = ({"points": 4.0}, {"points": 1.5}, {"pending": 4.0}, {})
        return [finding(name, **random.choice(kinds)) for name in criteria[: random.randint(1, 3)]]

    def step(course: Course) -> None:
        who, lab, file = random.choice(students), random.choice(labs), random.choice("fg")
        handed_in = course.history.students(lab)
        match random.randrange(7):
            case 0:
                course.hand_in(who, lab, file, days=random.choice([None, 0, 1, 9]))
            case 1 | 2:
                late = random.choice([None, policy(labs.index(lab) * 5, random.choice([0, 2]))])
                course.judge(who, *found(), lab=lab, file=file, late=late, rubric=random.choice("rs"))
            case 3 | 4 if who in handed_in:
                course.mark(who, random.choice(criteria), random.choice([None, 0.0, 2.25, 4.0]), lab)
            case 5:
                course.drop(who, lab, dropped=random.random() < 0.5)
            case 6 if handed_in:
                course.mark_alike(handed_in, random.choice(criteria), random.choice([None, 1.0]), lab)

    with open_store(database, evidence=tmp_path, clock=lambda: NOW) as store:
        act(store, *[step] * 60)
        assert {item.state for lab in labs for item in ask(store, lambda history, lab=lab: history.page(lab))}
        for lab in labs:
            check_questions(store, lab)
        before = rows_of(store)
        with store.database.writing() as session:
            assert reproject(session) == len({row[:2] for row in before["standing"]})
        assert rows_of(store) == before


def check_questions(store: Store, lab: str) -> None:
    """Every question says the same of a class, on each kind of database."""
    with store.reading() as history:
        page = history.page(lab)
        marks = [result.mark.points for result in history.results(assignment=lab) if result.mark]
        spread, same = history.histogram(lab), history.what_if(lab, {})
        assert spread.marks == same.before.marks == len(marks)
        assert spread.mean == pytest.approx(sum(marks) / max(1, len(marks)))
        assert same.before == same.after
        assert history.counts(lab).whole.get("all", 0) == sum(item.state != "dropped" for item in page)
        for criterion in {each.criterion for item in page for each in item.criteria}:
            waits = {
                each.student
                for item in page
                for each in item.criteria
                if each.criterion == criterion and each.waits
            }
            found, after = [], None
            while items := history.next_waiting(lab, criterion, after=after):
                after = items[0]
                found.append(after.student)
            assert sorted(found) == sorted(waits)


TABLES = ("standing", "standing_criteria", "standing_counts", "standing_blocks", "standing_policies")


def rows_of(store: Store) -> dict[str, set[tuple[object, ...]]]:
    with store.database.reading() as session:
        connection = session.connection()
        found = {
            table: {tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")}
            for table in TABLES
        }
    found["standing_counts"] = {row for row in found["standing_counts"] if row[-1] != 0}
    found["standing_policies"] = {row for row in found["standing_policies"] if row[-1] != ""}
    return found


def test_what_is_refused_leaves_the_standing_as_it_was(store: Store) -> None:
    act(store, lambda course: course.hand_in("s1"))
    with pytest.raises(ZeroDivisionError), store.writing() as history:
        Course(history).judge("s1", finding("a", 4.0))
        raise ZeroDivisionError
    assert states(store) == {"s1": "not_run"}
    assert wrong(store) == []


@pytest.fixture
def judged(store: Store) -> Store:
    return judge_five(store)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE standing SET points = 4 WHERE student = 's1'", "points is 4.0, and 2.0 by the history"),
        ("UPDATE standing_criteria SET waits = 0 WHERE student = 's1'", "waits is 0, and 1 by the history"),
        ("UPDATE standing_counts SET number = 9 WHERE what = 'waits'", "number is 9, and 3 by the history"),
        ("DELETE FROM standing WHERE student = 's1'", "standing, lab, s1: it is missing"),
        ("DELETE FROM standing_layouts", "it is missing"),
        ("UPDATE standing_blocks SET marks = x'00'", "marks is b'\\x00', and b"),
        ("UPDATE standing SET student = 's9' WHERE student = 's1'", "s9: the history has nothing of this"),
        ("INSERT INTO standing_policies VALUES ('lab', '{}')", "the history has nothing of this"),
    ],
)
def test_a_standing_edited_by_hand_is_found_and_mended(judged: Store, statement: str, said: str) -> None:
    directly(judged, statement)
    report = audit(judged, evidence=False)
    assert not report.sound
    assert any(said in line for line in report.standing), report.standing
    assert judged.reproject() == 5
    assert audit(judged, evidence=False).sound


def test_a_mark_writes_the_standing_of_one_student_only(judged: Store) -> None:
    written: list[str] = []

    def note(connection, cursor, statement, parameters, context, executemany) -> None:
        if "standing" in statement and not statement.startswith("SELECT"):
            written.append(
                f"{statement.split('standing')[0].strip()} {len(parameters) if executemany else 1}"
            )

    event.listen(judged.database.engine, "after_cursor_execute", note)
    with judged.writing() as history:
        Course(history).mark("s1", "b", 1.0)
    event.remove(judged.database.engine, "after_cursor_execute", note)
    assert written == ["UPDATE 1", "UPDATE 1", "INSERT INTO 1", "INSERT INTO 5"]
    assert ask(judged, lambda history: history.counts(LAB).whole) == {
        "all": 4, "waiting": 2, "settled": 2, "marked": 1,
    }  # fmt: skip
