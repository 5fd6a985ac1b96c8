"""A file that came: what is written of it, what is not, and which file counts afterwards."""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import event, inspect

from grader.errors import RefusedError, UsageError
from grader.intake.roster import RosterEntry, roster_from
from grader.store import Signature, Store
from grader.store.allowances import ExcuseRecord
from grader.store.audit import audit
from grader.store.drops import DropRecord
from grader.store.entering import ANYWHERE
from grader.store.mails import Mailing
from grader.store.models import JobRow
from grader.workflows.desk.roster import keep_roster
from grader.workflows.handing_in import taking
from grader.workflows.handing_in.overview import handing_in, progress_of
from grader.workflows.handing_in.reading import Readers
from grader.workflows.handing_in.taking import NotTaken, count_after_all
from tests import course
from tests.unit.workflows.conftest import Clock
from tests.unit.workflows.handing_in.conftest import HandIn, zipped

FIRST, SECOND = course.notebook(course.GOOD), course.notebook(course.SHADOWING)


def jobs(store: Store) -> list[tuple[str, str, str, int]]:
    """State, notebook, image and place of each job, in order."""
    with store.reading() as history:
        rows = history.session.query(JobRow).order_by(JobRow.id)
        return [(row.state, row.notebook, row.image, row.place) for row in rows]


def counting(store: Store, student: str = "s1") -> str:
    with store.reading() as history:
        found = history.submission(student, "mini")
        return found.notebook if found else ""


def test_a_file_is_kept_sealed_and_queued_in_one_go(store: Store, hand_in: HandIn, clock: Clock) -> None:
    taken = hand_in(FIRST)
    digest = hashlib.sha256(FIRST).hexdigest()
    record = taken.received.record
    assert (record.sha256, record.size, record.file, record.counts) == (digest, len(FIRST), "lab.ipynb", True)
    assert (taken.received.at, taken.replaced) == (clock(), False)
    assert store.blobs.get(digest) == FIRST
    [(state, notebook, image, _)] = jobs(store)
    assert (state, notebook, image) == ("queued", digest, ANYWHERE)
    with store.reading() as history:
        submission = history.submission("s1", "mini")
        assert submission is not None
        assert (submission.notebook, submission.submitted_at, submission.late) == (digest, clock(), False)
        seal = history.seal(taken.received.seq)
        assert seal is not None and (seal.kind, seal.actor) == ("hand_ins", "s1")
    assert audit(store).sound


def test_the_same_bytes_again_are_received_again_and_stay_in_time(
    store: Store, hand_in: HandIn, clock: Clock, folder: Path
) -> None:
    first = hand_in(FIRST)
    clock.pass_days(2)
    again = hand_in(FIRST)
    assert again.received.seq > first.received.seq and not again.replaced
    with store.reading() as history:
        submission = history.submission("s1", "mini")
        assert submission is not None and submission.submitted_at == first.received.at
    assert len(jobs(store)) == 1
    shown = handing_in(store, [folder], "s1", "mini")
    assert shown.counts == first.received.seq
    assert [each.seq for each in shown.received] == [again.received.seq, first.received.seq]


def test_a_newer_file_takes_the_place_of_the_one_that_waits(store: Store, hand_in: HandIn) -> None:
    hand_in(FIRST)
    hand_in(FIRST, "s2")
    assert hand_in(SECOND).replaced
    (old, *_, place), _, (new, notebook, _, kept_place) = jobs(store)
    assert (old, new, kept_place) == ("superseded", "queued", place)
    assert notebook == hashlib.sha256(SECOND).hexdigest() == counting(store)


def test_what_comes_after_the_end_takes_no_other_files_place(
    store: Store, hand_in: HandIn, clock: Clock, folder: Path
) -> None:
    hand_in(FIRST)
    clock.pass_days(5)
    late = hand_in(SECOND).received
    assert not late.record.counts
    assert store.blobs.get(late.record.notebook) == SECOND
    assert counting(store) == hashlib.sha256(FIRST).hexdigest()
    assert len(jobs(store)) == 1
    assert handing_in(store, [folder], "s1", "mini").deadline.is_over
    with pytest.raises(RefusedError, match="still would not count"):
        count_after_all(store, [folder], late.seq, actor="ann", reason="ill")
    later = course.RUBRIC + 'late: {due: "2026-03-18T12:00+00:00", until: "2026-03-20T12:00+00:00"}\n'
    course.write_rubric(folder / "rubrics", later)
    again = count_after_all(store, [folder], late.seq, actor="ann", reason="ill")
    assert again.record.counts and counting(store) == late.record.notebook
    with store.reading() as history:
        submission = history.submission("s1", "mini")
        assert submission is not None and submission.submitted_at == late.at
    with pytest.raises(RefusedError, match="counts already"):
        count_after_all(store, [folder], again.seq, actor="ann", reason="ill")
    with pytest.raises(UsageError, match="no receipt"):
        count_after_all(store, [folder], 1, actor="ann", reason="ill")
    assert audit(store).sound


def test_the_only_file_of_a_student_is_seen_by_the_course_however_late(
    store: Store, hand_in: HandIn, clock: Clock
) -> None:
    clock.pass_days(5)
    assert hand_in(FIRST).received.record.counts
    assert hand_in(SECOND).replaced
    assert counting(store) == hashlib.sha256(SECOND).hexdigest()


def test_what_a_person_dropped_does_not_come_back_by_a_new_file(store: Store, hand_in: HandIn) -> None:
    hand_in(FIRST)
    with store.writing() as history:
        left = DropRecord(student="s1", assignment="mini", reason="left the course", dropped=True)
        history.drop(left, Signature("ann", store.clock(), "grader drop"))
    assert not hand_in(SECOND).received.record.counts
    assert counting(store) == hashlib.sha256(FIRST).hexdigest()


@pytest.mark.parametrize(
    ("raw", "said", "todo"),
    [
        (b"", "the file is empty", "open the notebook in Jupyter"),
        (b"%PDF-1.7 ...", "a PDF", "hand in"),
        (FIRST[:-20], "breaks off before its end", "open the notebook"),
        (b'{"cells": ' + b"[" * 100_000, "nested too deeply", "save"),
        (b"[" * 3_000_000, "too many parts", ""),
        (zipped(readme__txt=b"hello"), "no notebook", ""),
        (zipped(a__ipynb=FIRST, b__ipynb=SECOND), "notebooks", ""),
        (zipped(**{"lab__ipynb": b'{"cells": ["' + b" " * 40_000_000 + b'"]}'}), "", ""),
    ],
    ids=["empty", "pdf", "broken off", "deep", "parts", "no notebook", "two notebooks", "bomb"],
)
def test_what_is_no_notebook_is_refused_with_what_to_do_and_leaves_nothing(
    store: Store, hand_in: HandIn, raw: bytes, said: str, todo: str
) -> None:
    with pytest.raises(NotTaken) as refused:
        hand_in(raw)
    assert said in refused.value.what
    assert todo in (refused.value.todo or "")
    assert jobs(store) == [] and counting(store) == ""
    assert hashlib.sha256(raw).hexdigest() not in store.blobs
    with store.reading() as history:
        assert history.newest_row() == 0


def test_files_beside_a_notebook_are_kept_with_it(store: Store, hand_in: HandIn) -> None:
    raw = zipped(lab__ipynb=FIRST, helper__py=b"x = 1")
    taken = hand_in(raw, name="lab.zip")
    assert store.blobs.get(taken.received.record.notebook) == raw
    assert taken.left_out == ()


def test_an_archive_whose_paths_climb_is_refused(hand_in: HandIn) -> None:
    raw = zipped(**{"../lab__ipynb": FIRST})
    with pytest.raises(NotTaken, match="leads out of the archive"):
        hand_in(raw, name="lab.zip")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\lab.ipynb", "lab.ipynb"),
        ("a\0b\n.ipynb", "ab.ipynb"),
        ("", "notebook.ipynb"),
        ("x" * 500 + ".ipynb", ("x" * 500 + ".ipynb")[-200:]),
    ],
)
def test_a_files_name_is_a_word_and_never_a_path(hand_in: HandIn, name: str, kept: str) -> None:
    assert hand_in(FIRST, name=name).received.record.file == kept


def test_one_student_cannot_fill_the_disk(
    store: Store, hand_in: HandIn, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "_MOST_FILES", 2)
    hand_in(FIRST)
    hand_in(SECOND)
    with pytest.raises(NotTaken, match="2 files of yours"):
        hand_in(FIRST)
    hand_in(FIRST, "s2")
    clock.pass_days(1.1)
    hand_in(FIRST)


def test_a_notebook_of_another_assignment_is_refused(folder: Path, hand_in: HandIn) -> None:
    """Told by the handout of the one and the title of the other."""
    handout = '{"cells": [{"id": "a1", "sha256": "' + "0" * 64 + '", "kind": "code"}]}'
    (folder / "rubrics" / "mini.json").write_text(handout)
    course.write_rubric(folder / "rubrics", course.RUBRIC.replace("total: 5", "total: 5\nhandout: mini.json"))
    course.write_rubric(
        folder / "rubrics", course.RUBRIC.replace("mini", "other").replace("A small lab", "Birds"), "b.yaml"
    )
    cells = '{"cell_type": "markdown", "source": "# Birds", "metadata": {}}'
    code = '{"cell_type": "code", "source": "x = 1", "metadata": {}, "outputs": []}'
    raw = f'{{"nbformat": 4, "nbformat_minor": 4, "metadata": {{}}, "cells": [{cells}, {code}]}}'.encode()
    with pytest.raises(NotTaken, match="the notebook of Birds"):
        hand_in(raw)


def test_an_assignment_that_takes_nothing_is_none(folder: Path, store: Store) -> None:
    with pytest.raises(UsageError, match="no files are handed in"):
        handing_in(store, [folder], "s1", "lab9")


def test_a_process_that_falls_over_a_file_is_replaced(tmp_path: Path, readers: Readers) -> None:
    """Two million lists in a row take more memory than a reader has; the next file is read all the same."""
    own = Readers(1)
    try:
        with (tmp_path / "x").open("w+b") as file:
            file.write(FIRST)
            file.flush()
            assert own.read(file, "lab.ipynb").problem == ""
            [child] = own._idle
            child._process.kill()
            child._process.wait()
            with pytest.raises(Exception, match="just now"):
                own.read(file, "lab.ipynb")
            found = own.read(file, "lab.ipynb")
        assert found.problem == "" and [cell.source for cell in found.cells] == [course.GOOD]
        assert {"limits", "files"} <= set(own._idle[0].held)
    finally:
        own.close()


def test_a_student_with_an_address_is_told_that_the_file_came(store: Store, hand_in: HandIn) -> None:
    keep_roster(store, roster_from([RosterEntry("s1", email="s1@uni.example", line=2)]))
    hand_in(FIRST)
    with store.writing() as history:
        assert history.mails() == []
        history.set_mailing(Mailing("course@uni.example"))
    taken = hand_in(FIRST)
    with store.reading() as history:
        [mail] = history.mails()
    assert (mail.address, mail.subject) == ("s1@uni.example", "mini: your file is here")
    assert f"Receipt {taken.received.seq}, SHA-256 {taken.received.record.sha256}." in mail.text


def test_handing_in_looks_through_no_table_from_end_to_end(store: Store, hand_in: HandIn) -> None:
    """Else the last of ten thousand would wait longer than the first."""
    asked: dict[str, object] = {}
    engine = store.database.engine
    hand_in(FIRST, "s0")

    def note(_: object, __: object, statement: str, values: object, *___: object) -> None:
        asked[statement] = values

    event.listen(engine, "before_cursor_execute", note)
    hand_in(FIRST)
    hand_in(SECOND)
    progress_of(store, "s1", "mini")
    event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        through = {
            step.partition("SCAN ")[2].split()[0]
            for statement, values in asked.items()
            if not statement.startswith(("BEGIN", "PRAGMA"))
            for *_, step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            if step.startswith("SCAN ")
        }
    # What a statement made itself is no table; the tables it is made of are looked at as well.
    tables = through & set(inspect(engine).get_table_names())
    # Of the ledger the last row alone, of attempts the last ones; policies and pauses are one an assignment.
    # Processes that ever took jobs are looked through only where nothing is run just now.
    assert tables <= {"ledger", "attempts", "standing_policies", "queue_pauses", "runs"}
    assert len(asked) < 45


def test_who_only_handed_in_stands_as_the_history_says(store: Store, hand_in: HandIn, clock: Clock) -> None:
    """The rows that are written without working the history out are those that it comes to."""
    with store.writing() as history:
        signature = Signature("ann", clock(), "ill")
        history.excuse(ExcuseRecord(student="s3", assignment="mini", excused=True, reason="ill"), signature)
    for student in ("s1", "s2", "s3", "s1"):
        hand_in(FIRST if student != "s1" else SECOND, student)
    assert audit(store).sound
    with store.reading() as history:
        found = {each.student: each.state for each in history.page("mini")}
    # Who is excused is on no list of the class.
    assert found == {"s1": "not_run", "s2": "not_run"}


def test_a_rush_is_written_by_as_many_statements_as_one_file(
    store: Store, hand_in: HandIn, clock: Clock
) -> None:
    """All that wait while one is written go together; who has handed in before stands as they did."""
    with store.writing() as history:
        signature = Signature("ann", clock(), "ill")
        history.excuse(ExcuseRecord(student="s3", assignment="mini", excused=True, reason="ill"), signature)
    hand_in(FIRST, "s0")
    before = {place for *_, place in jobs(store)}
    sent: list[str] = []
    writing = threading.local()

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if statement == "BEGIN IMMEDIATE":
            writing.on = True
        if getattr(writing, "on", False):
            sent.append(statement)

    def together(students: list[str]) -> None:
        threads = [threading.Thread(target=hand_in, args=(FIRST, student)) for student in students]
        with store.together._turn:
            for thread in threads:
                thread.start()
            while len(store.together._waiting) < len(students):
                time.sleep(0.01)
        for thread in threads:
            thread.join()

    engine = store.database.engine
    event.listen(engine, "before_cursor_execute", note)
    together([f"t{each}" for each in range(12)])
    event.remove(engine, "before_cursor_execute", note)
    assert sent.count("BEGIN IMMEDIATE") == 1
    assert len(sent) < 22, sent
    assert len({place for *_, place in jobs(store)} - before) == 12
    # Not all of these are the first of their student, or count at all.
    together(["s0", "s3", "u1", "u1", "u2"])
    with store.reading() as history:
        received = [each.record for each in history.received_on("mini")]
        states = {each.student: each.state for each in history.page("mini")}
    assert {each.student for each in received if not each.counts} == {"s3"}
    assert sorted(each.student for each in received[13:]) == ["s0", "s3", "u1", "u1", "u2"]
    assert sorted(states) == sorted(["s0", "u1", "u2", *(f"t{each}" for each in range(12))])
    assert len(jobs(store)) == 15
    assert audit(store).sound
