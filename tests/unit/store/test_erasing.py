"""A person is erased: nothing says who it was, and the history is as unbroken as before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from grader.errors import RefusedError
from grader.store import Signature, Store, open_store
from grader.store.accounts import EnrolmentRecord
from grader.store.answers import AnswerRecord
from grader.store.audit import audit
from grader.store.backup import back_up, restore
from grader.store.flags import FlagRecord
from grader.store.models import Base
from grader.store.names import ERASED
from grader.store.platforms import SentScore
from grader.store.records import SubmissionRecord
from grader.store.roster import PersonRecord
from tests.tampering import directly
from tests.unit.store.row_by_row import LAB, NOW, SIGNED, Course, act, ask, finding, wrong
from tests.unit.store.test_platforms import SCHOOL

WHO = Signature("dean", NOW, "grader person erase")
KEYS = ["id annabell"]


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(database, evidence=tmp_path / "evidence", clock=lambda: NOW) as opened:
        yield opened


def hand_in(store: Store, student: str, notebook: bytes, recording: bytes) -> None:
    """A file with its recording, both stored, judged with one criterion that waits."""
    kept, evidence, plan = map(store.blobs.put, (notebook, recording, b"plan"))
    with store.writing() as history:
        course = Course(history)
        course.hand_in(student, file=kept)
        criteria = finding("a", 3.0), finding("b", pending=4.0)
        verdict = course.judge(student, *criteria, file=kept, evidence=evidence, plan=plan)
        attempt, _ = history.judged(verdict)
        answer = AnswerRecord(
            attempt=attempt.seq, part="x", criterion="b", state="written", prose=f"by {student}", code="",
            calls="", shown="",
        )  # fmt: skip
        history.keep_answers([answer])


def with_two(store: Store) -> None:
    hand_in(store, "annabell", b"hers", b"her recording")
    hand_in(store, "bertram", b"his", b"his recording")


def evidence_of(store: Store) -> list[str]:
    with store.database.reading() as session:
        return list(session.connection().exec_driver_sql("SELECT evidence FROM attempts").scalars())


def erase(store: Store, student: str = "annabell") -> str:
    with store.writing() as history:
        label = history.erase(student, "asked for by letter", [f"id {student}"], WHO)
    store.remove_erased()
    return label


def everything(store: Store) -> str:
    """All text in all tables."""
    with store.database.engine.connect() as connection:
        return repr(
            [connection.execute(text(f"SELECT * FROM {table}")).all() for table in Base.metadata.tables]
        )


def test_no_table_says_who_it_was_and_the_audit_is_green(store: Store) -> None:
    with_two(store)
    with store.writing() as history:
        person = PersonRecord(student="annabell", name="Annabell Lee", login="annabell")
        history.replace_roster([(person, [*KEYS, "name annabelllee"])])
        flag = FlagRecord(student="annabell", assignment=LAB, criterion="b", note="look", raised=True)
        history.flag(flag, SIGNED)
        Course(history).mark_alike(["annabell", "bertram"], "b", 2.0)
    label = erase(store)
    assert label.startswith(ERASED)
    assert "annabell" not in everything(store).lower()
    report = audit(store)
    assert report.sound, report
    assert report.left_behind == ()
    assert wrong(store) == []


def test_the_work_stays_under_a_label_counts_nowhere_and_nobody_else_is_touched(store: Store) -> None:
    with_two(store)
    with store.writing() as history:
        Course(history).mark_alike(["annabell", "bertram"], "b", 2.0)
    [before] = ask(store, lambda history: list(history.results(students=["bertram"])))
    label = erase(store)
    counting = ask(store, lambda history: list(history.results(assignment=LAB)))
    assert [result.student for result in counting] == ["bertram"]
    assert counting[0] == before
    [gone] = ask(store, lambda history: list(history.results(students=[label], with_dropped=True)))
    assert gone.mark.points == 5.0
    assert gone.dropped.erased
    assert (gone.dropped.by, gone.submission.path) == ("dean", "")
    assert ask(store, lambda history: history.handed_in("annabell")) is False
    assert ask(store, lambda history: history.flags()) == []
    assert ask(store, lambda history: history.unread_attempts()) == []
    assert [item.student for item in ask(store, lambda history: history.page(LAB))] == sorted(
        [label, "bertram"]
    )
    assert ask(store, lambda history: history.counts(LAB)).whole["all"] == 1


def test_who_erased_whom_and_when_is_sealed_by_token(store: Store) -> None:
    with_two(store)
    label = erase(store)
    with store.database.reading() as session:
        query = "SELECT seq, student, reason FROM erasures"
        [(seq, token, reason)] = session.connection().exec_driver_sql(query).all()
    seal = ask(store, lambda history: history.seal(seq))
    assert (seal.kind, seal.actor, seal.at, seal.why) == ("erasures", "dean", NOW, "grader person erase")
    assert reason == "asked for by letter"
    assert token.startswith(f"p-{label.removeprefix(ERASED)}")


def test_files_go_unless_another_handed_in_the_same(store: Store) -> None:
    hand_in(store, "annabell", b"the same", b"her recording")
    hand_in(store, "bertram", b"the same", b"his recording")
    erase(store)
    [kept] = [digest for digest in evidence_of(store) if digest in store.blobs]
    assert store.blobs.get(kept) == b"his recording"
    [result] = ask(store, lambda history: list(history.results()))
    assert store.blobs.get(result.submission.notebook) == b"the same"
    assert audit(store).sound


def test_what_was_left_behind_is_named_and_removed_by_the_next_try(store: Store) -> None:
    with_two(store)
    with store.writing() as history:
        label = history.erase("annabell", "asked for", KEYS, WHO)
    report = audit(store)
    assert report.left_behind == (label,)
    assert report.sound
    assert store.remove_erased() == 2
    assert store.remove_erased() == 0
    assert audit(store).left_behind == ()


def test_evidence_that_is_gone_and_was_not_erased_is_still_damage(store: Store) -> None:
    with_two(store)
    erase(store)
    [theirs] = [each for each in evidence_of(store) if each in store.blobs]
    store.blobs.remove(theirs)
    report = audit(store)
    assert not report.sound
    assert any("bertram" in line for line in report.damaged)


def test_an_account_goes_unless_it_is_in_another_course_too(store: Store) -> None:
    with_two(store)
    here = store.course.name
    hers = store.accounts.add(
        "lee", "annabell@school.example", EnrolmentRecord(course=here, role="student", student="annabell")
    )
    both = store.accounts.add("lee-ta", "", EnrolmentRecord(course=here, role="student", student="annabell"))
    store.accounts.enrol(both.id, EnrolmentRecord(course="other", role="ta", student="annabell"))
    his = store.accounts.add("bertram", "", EnrolmentRecord(course=here, role="student", student="bertram"))
    held = ask(store, lambda history: history.held_about("annabell", KEYS))
    assert sorted(held.accounts) == ["lee", "lee-ta"]
    erase(store)
    assert store.accounts.by_id(hers.id) is None
    assert list(store.accounts.enrolments(both.id)) == ["other"]
    assert list(store.accounts.enrolments(his.id)) == [here]


def test_what_a_course_system_took_of_somebody_is_forgotten_with_them(store: Store) -> None:
    with_two(store)
    here = store.course.name
    store.platforms.add(SCHOOL)
    for subject, student, course in (
        ("u-1", "annabell", here),
        ("u-2", "bertram", here),
        ("u-3", "annabell", "other"),
    ):
        store.platforms.keep_sent(
            SentScore(
                platform="school",
                line_item="column",
                subject=subject,
                course=course,
                student=student,
                digest="a",
            )
        )
    held = ask(store, lambda history: history.held_about("annabell", KEYS))
    assert held.sent == ("column",)
    erase(store)
    assert set(store.platforms.sent("school", "column")) == {"u-2", "u-3"}


def test_a_class_that_is_kept_in_memory_is_read_anew(store: Store) -> None:
    with_two(store)
    newest = ask(store, lambda history: history.newest_row())
    erase(store)
    assert ask(store, lambda history: history.students_since(LAB, newest)) is None


def test_what_pages_ask_of_files_is_found_by_name(store: Store) -> None:
    with_two(store)
    label = erase(store)
    found = ask(store, lambda history: history.files_on(LAB, ["bertram", label, "annabell"]))
    assert {student: file.attempt for student, file in found.items()} == {"bertram": 1, label: 1}


def test_an_erasure_that_is_given_up_leaves_the_name(store: Store) -> None:
    with_two(store)
    with pytest.raises(ZeroDivisionError), store.writing() as history:
        history.erase("annabell", "asked for", KEYS, WHO)
        raise ZeroDivisionError
    assert ask(store, lambda history: history.handed_in("annabell"))
    assert wrong(store) == []
    assert audit(store).sound


def test_another_process_knows_at_its_next_transaction(store: Store, tmp_path: Path) -> None:
    with_two(store)
    with open_store(store.location, evidence=tmp_path / "evidence", clock=lambda: NOW) as other:
        assert ask(other, lambda history: history.handed_in("annabell"))
        label = erase(store)
        assert not ask(other, lambda history: history.handed_in("annabell"))
        assert ask(other, lambda history: history.handed_in(label))


def test_who_comes_again_under_the_name_is_somebody_new(store: Store) -> None:
    with_two(store)
    label = erase(store)
    hand_in(store, "annabell", b"new", b"new recording")
    found = ask(store, lambda history: list(history.results(assignment=LAB, with_dropped=True)))
    assert [result.student for result in found] == sorted(["annabell", "bertram", label])
    assert audit(store).sound
    assert erase(store) != label


@pytest.mark.parametrize("name", ["nobody", "bertram"])
def test_who_is_not_known_or_erased_already_is_refused(store: Store, name: str) -> None:
    with_two(store)
    label = erase(store, "bertram")
    with pytest.raises(RefusedError):
        erase(store, name)
    with pytest.raises(RefusedError):
        erase(store, label)


def test_an_erasure_that_did_not_happen_to_the_names_is_found(store: Store) -> None:
    """As where the table of names comes from a copy made before."""
    with_two(store)
    with store.database.engine.connect() as connection:
        columns = "token, salt, text, changed"
        [(token, salt, name, changed)] = connection.execute(
            text(f"SELECT {columns} FROM names WHERE text = 'annabell'")
        ).all()
    erase(store)
    restored = f"UPDATE names SET text = '{name}', salt = '{salt}', erased = 0 WHERE token = '{token}'"
    directly(store, restored)
    assert any("the history says that it was erased" in line for line in audit(store).names)
    assert changed == 1


def test_a_backup_carries_the_names_and_no_erased_file(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "grader.db"), clock=lambda: NOW) as store:
        hand_in(store, "annabell", b"hers", b"her recording")
        hand_in(store, "bertram", b"his", b"his recording")
        label = erase(store)
        made = back_up(store, tmp_path / "backup")
    restore(tmp_path / "backup", str(tmp_path / "again.db"))
    with open_store(str(tmp_path / "again.db"), create=False, clock=lambda: NOW) as again:
        report = audit(again)
        assert report.sound, report
        assert f"{report.rows}:{report.head}" == made.seal
        found = ask(again, lambda history: list(history.results(with_dropped=True)))
        assert [result.student for result in found] == sorted(["bertram", label])


def test_no_byte_of_a_file_says_who_it_was_once_it_is_scrubbed(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "grader.db"), clock=lambda: NOW) as store:
        hand_in(store, "annabell", b"annabell wrote this", b"annabell, recorded")
        hand_in(store, "bertram", b"his", b"his recording")
        act(store, *[lambda course: course.mark("annabell", "b", 2.0)] * 5)
        erase(store)
        assert store.scrub()
        assert audit(store).sound
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not [path for path in files if b"annabell" in path.read_bytes().lower()]


def test_a_file_that_somebody_reads_is_not_scrubbed_and_that_is_said(tmp_path: Path) -> None:
    location = str(tmp_path / "grader.db")
    with (
        open_store(location, clock=lambda: NOW) as store,
        open_store(location, busy_timeout_s=0) as other,
        store.reading() as history,
    ):
        assert history.assignments() == []
        assert not other.scrub()


def test_a_submission_record_of_an_erased_person_has_no_path(store: Store) -> None:
    with_two(store)
    label = erase(store)
    entries = ask(store, lambda history: history.timeline(label, LAB))
    assert [entry.record.path for entry in entries if isinstance(entry.record, SubmissionRecord)] == [""]
