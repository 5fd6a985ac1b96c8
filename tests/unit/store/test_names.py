"""Sealed rows hold tokens; who reads and asks sees names, and an audit finds a name that was put under."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from grader.store import Signature, Store, open_store
from grader.store.audit import audit
from grader.store.enrolling import book_in
from grader.store.names import PATH, STUDENT, Book, Name, is_token, token_of
from grader.store.records import SubmissionRecord
from tests.tampering import HISTORY, directly
from tests.unit.store.row_by_row import LAB, NOW, SIGNED, Course, act, ask, finding

STRANGE = ("zoë", "a\x00b", "\ud800", "x'y", "%_/", "s1", "p-" + "a" * 40)


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(database, evidence=tmp_path / "evidence", clock=lambda: NOW) as opened:
        yield opened


def students(store: Store) -> list[str]:
    return ask(store, lambda history: [result.student for result in history.results(assignment=LAB)])


def in_sealed_rows(store: Store) -> str:
    """All text that stands in the tables of the history, as any other program reads it."""
    with store.database.engine.connect() as connection:
        rows = [connection.execute(text(f"SELECT * FROM {table}")).all() for table in HISTORY]
    return repr(rows)


def judged(course: Course, *names: str) -> None:
    for name in names:
        course.hand_in(name)
        course.judge(name, finding("a", pending=4.0))


def test_sealed_rows_hold_no_name_and_no_path_and_readers_see_both(store: Store) -> None:
    act(
        store,
        lambda course: judged(course, "berta", "anna"),
        lambda course: course.mark("berta", "a", 3.0),
        lambda course: course.mark_alike(["anna", "berta"], "a", 2.0),
        lambda course: course.drop("anna"),
    )
    assert "anna" not in in_sealed_rows(store)
    assert "berta" not in in_sealed_rows(store)
    assert students(store) == ["berta"]
    [result] = ask(store, lambda history: list(history.results(students=["berta"])))
    assert result.submission.path == "berta.ipynb"
    assert [decision.points for decision in result.decisions] == [3.0, 2.0]
    assert len(ask(store, lambda history: history.timeline("anna", LAB))) == 5


@pytest.mark.parametrize("name", STRANGE)
def test_any_name_is_found_again_alone_and_in_a_decision_about_many(store: Store, name: str) -> None:
    act(
        store,
        lambda course: judged(course, name, "other"),
        lambda course: course.mark_alike([name, "other"], "a", 2.0),
    )
    assert students(store) == sorted([name, "other"])
    [result] = ask(store, lambda history: list(history.results(students=[name])))
    assert (result.student, [decision.points for decision in result.decisions]) == (name, [2.0])
    assert audit(store, evidence=False).sound


def test_results_come_in_the_order_of_names_and_not_of_tokens(store: Store) -> None:
    names = [f"s{number:02}" for number in range(60)]
    act(store, lambda course: judged(course, *reversed(names)))
    assert students(store) == names


def test_a_text_that_reads_like_a_token_finds_nobody(store: Store) -> None:
    act(store, lambda course: judged(course, "anna"))
    with store.database.reading() as session:
        token = book_in(session).token("anna")
    assert token is not None
    assert is_token(token)
    assert ask(store, lambda history: list(history.results(students=[token]))) == []
    assert not ask(store, lambda history: history.handed_in(token))


def test_a_student_who_acts_is_sealed_by_token_and_a_ta_of_the_same_name_is_not(store: Store) -> None:
    file = SubmissionRecord(
        student="anna", assignment=LAB, notebook="f", path="", submitted_at=None, late=False, problem=""
    )
    with store.writing() as history:
        history.hand_in(file, Signature("anna", NOW, "handed in"))
        Course(history).judge("anna", finding("a", pending=4.0))
    with store.writing() as history:
        course = Course(history)
        course.mark("anna", "a", 2.0)
        assert history.seal(1).actor == "anna"
    with store.database.engine.connect() as connection:
        actors = connection.execute(text("SELECT actor FROM ledger ORDER BY seq")).scalars().all()
    assert is_token(actors[0])
    assert actors[1:] == [SIGNED.actor] * 4
    assert audit(store, evidence=False).sound


def test_a_name_of_a_transaction_that_was_given_up_is_forgotten(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.writing() as history:
        Course(history).hand_in("anna")
        raise ZeroDivisionError
    with store.database.reading() as session:
        assert book_in(session).token("anna") is None
    act(store, lambda course: judged(course, "anna"))
    assert students(store) == ["anna"]
    assert audit(store, evidence=False).sound


def test_what_another_process_adds_is_known_at_the_next_transaction(store: Store, tmp_path: Path) -> None:
    act(store, lambda course: judged(course, "anna"))
    with open_store(store.location, evidence=tmp_path / "evidence", clock=lambda: NOW) as other:
        assert students(other) == ["anna"]
        act(store, lambda course: judged(course, "berta"))
        assert students(other) == ["anna", "berta"]
        act(other, lambda course: judged(course, "cleo"))
    assert students(store) == ["anna", "berta", "cleo"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE names SET text = 'carla' WHERE text = 'anna'", "was changed after it was written"),
        ("UPDATE names SET salt = '' WHERE text = 'anna'", "was changed after it was written"),
        ("UPDATE names SET text = token, salt = '' WHERE text = 'anna'", "was changed after it was written"),
        ("UPDATE names SET text = 'anna.ipynb' WHERE text = 'berta.ipynb'", "was changed after"),
        ("DELETE FROM names WHERE text = 'anna'", "what it stands for is gone"),
        ("DELETE FROM names WHERE text = 'anna.ipynb'", "what it stands for is gone"),
        (
            "UPDATE names SET text = 'erased-' || substr(token, 3, 6), salt = '', erased = 1"
            " WHERE text = 'anna'",
            "the name is gone, and the history says that it was never erased",
        ),
    ],
)
def test_a_name_that_was_put_under_is_found(store: Store, change: str, problem: str) -> None:
    """Names are unsealed; what their tokens are made of still proves whose a row is."""
    act(store, lambda course: judged(course, "anna", "berta"))
    directly(store, change)
    report = audit(store, evidence=False)
    assert report.broken is None
    assert any(problem in line for line in report.names)
    assert not report.sound


def test_two_names_that_were_exchanged_are_found(store: Store) -> None:
    act(store, lambda course: judged(course, "anna", "berta"))
    directly(
        store,
        "UPDATE names SET text = 'nobody' WHERE text = 'anna'",
        "UPDATE names SET text = 'anna' WHERE text = 'berta'",
        "UPDATE names SET text = 'berta' WHERE text = 'nobody'",
    )
    assert len(audit(store, evidence=False).names) == 2


def test_a_copy_that_nobody_may_write_is_read_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(str(tmp_path / "grader.db"), clock=lambda: NOW) as store:
        act(store, lambda course: judged(course, "anna"))
    with closing(sqlite3.connect(tmp_path / "grader.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    monkeypatch.setattr("grader.store.engine.may_write", lambda path: False)
    with open_store(str(tmp_path / "grader.db"), create=False) as copy:
        assert copy.database.read_only
        assert students(copy) == ["anna"]
        assert audit(copy, evidence=False).sound


def test_the_same_text_has_another_token_each_time_and_one_salt_makes_one_token() -> None:
    assert token_of(STUDENT, "", "ab", "anna") == token_of(STUDENT, "", "ab", "anna")
    others = [("path", "", "ab", "anna"), (STUDENT, "p", "ab", "anna"), (STUDENT, "", "ac", "anna")]
    assert token_of(STUDENT, "", "ab", "anna") not in {token_of(*other) for other in others}
    assert is_token(token_of(PATH, "p", "ab", "\ud800"))


def test_a_reader_of_an_older_moment_does_not_bring_an_erased_name_back() -> None:
    book = Book()
    book.learn([Name("p-x", STUDENT, "anna", False, 1)])
    book.learn([Name("p-x", STUDENT, "erased-x", True, 3)])
    book.learn([Name("p-x", STUDENT, "anna", False, 1), Name("p-y", STUDENT, "berta", False, 2)])
    assert (book.text("p-x"), book.token("anna"), book.token("berta"), book.seen) == (
        "erased-x", None, "p-y", 3,
    )  # fmt: skip


def test_a_label_is_longer_where_somebody_is_called_by_the_short_one() -> None:
    book = Book()
    token = "p-abcdefghij"
    book.learn([Name(token, STUDENT, "anna", False, 1)])
    assert book.label_of(token) == "erased-abcdef"
    book.learn([Name("p-z", STUDENT, "erased-abcdef", False, 2)])
    assert book.label_of(token) == "erased-abcdefg"
