"""What a course let go of is gone, is said to be, and leaves marks and the audit as they were."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.errors import LetGoError, UsageError
from grader.facts.case import Reference
from grader.grading.requests import Action
from grader.store import Store, open_store
from grader.store.audit import audit
from grader.store.backup import back_up, restore
from grader.store.mails import Mailing, NewMail
from grader.workflows.desk.item import read_item
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.marking.remark import act
from grader.workflows.marking.remark_view import view_of
from grader.workflows.own_work.feedback import feedback_of, report_file, report_of
from grader.workflows.own_work.requests import ask
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import regrade
from grader.workflows.releasing.preview import preview_of
from grader.workflows.releasing.release import release_marks
from grader.workflows.upkeep.retention import Going, apply, course_view, keep, work_view
from grader.workflows.views.audited import audited
from grader.workflows.views.show import find_results
from tests import course
from tests.unit.workflows.conftest import Clock, grade_class, with_policy

SHADOWING = "builtin-shadowing"


@pytest.fixture
def store(tmp_path: Path, clock: Clock, database: str) -> Iterator[Store]:
    """Two works, all of it settled and released; remark requests are taken until the 20th."""
    opened = grade_class(tmp_path, clock, with_policy(), database=database)
    for student in ("s1", "s2"):
        settle(opened, student)
    release_marks(opened, "mini", upto=preview_of(opened, "mini").upto, actor="ann")
    yield opened
    opened.close()


def settle(store: Store, student: str) -> None:
    [result] = find_results(store, "mini", [student])
    order = MarkOrder(student, "why", 1.0, "read", seen=course.seen_now(result, "why"))
    give_marks(store, "mini", [order], actor="ben")


def kinds(store: Store) -> dict[str, Going]:
    return {each.what: each for each in work_view(store, "mini").kinds}


def marks(store: Store) -> list[tuple[str, float]]:
    return [(each.student, each.mark.points) for each in find_results(store, "mini") if each.mark]


def test_nothing_goes_before_a_course_said_so_and_its_time_is_over(store: Store, clock: Clock) -> None:
    clock.pass_days(1000)
    assert [len(each.digests) for each in kinds(store).values()] == [0, 0]
    keep(store, {"evidence": 30})
    clock.pass_days(-1000 + 39)
    # The remark period is the last thing to end, on the 20th.
    evidence = kinds(store)["evidence"]
    assert evidence.until is not None and f"{evidence.until:%Y-%m-%d}" == "2026-04-19"
    assert evidence.digests == () and apply(store, actor="ann").files == 0
    clock.pass_days(1)
    assert len(kinds(store)["evidence"].digests) == 2
    assert kinds(store)["uploads"].digests == ()


def test_recordings_go_marks_stay_and_the_audit_is_green(store: Store, clock: Clock, tmp_path: Path) -> None:
    before, rows = marks(store), audit(store).rows
    keep(store, {"evidence": 30})
    clock.pass_days(60)
    dry = course_view(store)
    assert dry.size > 0 and audit(store).rows == rows
    done = apply(store, actor="ann")
    assert (done.files, done.size) == (2, dry.size)
    assert marks(store) == before
    report = audit(store)
    assert report.sound and report.still_there == 0, report
    # It is said once; a second time there is nothing to say.
    assert apply(store, actor="ann").files == 0
    assert audit(store).rows == report.rows
    [result] = find_results(store, "mini", ["s1"])
    with pytest.raises(LetGoError, match=r"let go of on 09 May 2026, since recordings of runs of mini"):
        store.evidence(result.attempt)
    back_up(store, tmp_path / "marks.backup")
    restore(tmp_path / "marks.backup", str(tmp_path / "again.db"))
    with open_store(str(tmp_path / "again.db")) as again:
        assert audit(again).sound and marks(again) == before


def test_what_somebody_has_yet_to_look_at_stays_and_is_named(tmp_path: Path, clock: Clock) -> None:
    with grade_class(tmp_path, clock, with_policy(), "s1", "s2", "s3") as store:
        for student in ("s1", "s2"):
            settle(store, student)
        release_marks(store, "mini", upto=preview_of(store, "mini").upto, actor="ann")
        open_ = ask(store, "mini", "s2", criterion=SHADOWING, reason="look", accepted=True)
        keep(store, {"uploads": 0, "evidence": 0})
        clock.pass_days(60)
        for what in ("uploads", "evidence"):
            assert kinds(store)[what].stays == {
                "points wait for a TA": ("s3",),
                f"remark request {open_} is open": ("s2",),
            }
        assert apply(store, actor="ann").files == 2
        [kept, *_] = find_results(store, "mini", ["s2"])
        assert store.evidence(kept.attempt).evidence.cells
        act(store, open_, Action.REJECT, actor="bob", reason="no")
        settle(store, "s3")
        assert apply(store, actor="ann").files == 4
        assert audit(store).sound


def test_a_file_that_comes_again_is_kept_again(store: Store, clock: Clock) -> None:
    keep(store, {"uploads": 0, "evidence": 0})
    clock.pass_days(60)
    assert apply(store, actor="ann").files == 4
    [result] = find_results(store, "mini", ["s1"])
    digest = result.submission.notebook
    assert digest not in store.blobs
    raw = course.notebook(course.GOOD, "number = 0")
    assert store.blobs.put(raw) == digest
    from tests.unit.workflows.conftest import hand_in_late

    hand_in_late(store, "s1")
    assert store.remove_let_go() == 0
    assert store.file(digest) == raw
    assert audit(store).sound


def test_a_let_go_that_was_broken_off_is_told_and_the_next_one_goes_on(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store, {"evidence": 0})
    clock.pass_days(60)
    with monkeypatch.context() as patched:
        patched.setattr(Store, "remove_let_go", lambda _: 0)
        apply(store, actor="ann")
    found = audited(store)
    assert found.sound and any("2 files are still there" in note for note in found.notes)
    assert course_view(store).still_there == 2
    assert apply(store, actor="ann").files == 2
    assert not audited(store).notes


def test_evidence_that_is_gone_without_a_word_is_still_damage(store: Store, clock: Clock) -> None:
    keep(store, {"uploads": 0})
    clock.pass_days(60)
    assert apply(store, actor="ann").files == 2
    [result] = find_results(store, "mini", ["s1"])
    store.blobs.remove(result.attempt.evidence)
    assert not audit(store).sound
    with pytest.raises(Exception, match="stored evidence is gone"):
        store.evidence(result.attempt)


def test_what_students_and_tas_read_afterwards_says_that_it_was_let_go_of(store: Store, clock: Clock) -> None:
    id = ask(store, "mini", "s2", criterion=SHADOWING, reason="look", accepted=True)
    act(store, id, Action.REJECT, actor="bob", reason="as the rubric says")
    keep(store, {"evidence": 0})
    clock.pass_days(60)
    shown = feedback_of(store, "mini", "s2")
    assert shown is not None
    before = report_of(store, shown)
    apply(store, actor="ann")
    found = feedback_of(store, "mini", "s2")
    assert found is not None
    after = report_of(store, found)
    assert after.let_go == clock.now and before.let_go is None
    assert after.mark.points == before.mark.points
    page = report_file(store, found)
    assert "The recording of this work was let go of on 09 May 2026" in page
    assert "as the rubric says" in page
    parts = dict(view_of(store, id).parts)
    assert "let go of on 09 May 2026" in parts["evidence"]
    assert "nothing can be judged again" in parts["evidence"]
    with pytest.raises(LetGoError):
        read_item(store, "mini", "s2", SHADOWING)


def test_a_judging_again_names_what_it_cannot_judge_and_changes_no_mark(store: Store, clock: Clock) -> None:
    before = marks(store)
    keep(store, {"evidence": 0})
    clock.pass_days(60)
    apply(store, actor="ann")
    results = find_results(store, "mini")
    rubric = store.newest_rubric("mini")
    judged = regrade(store, results, lambda _: Judge(rubric, Reference()), actor="ann")
    assert all("was let go of on 09 May 2026" in item.problem for item in judged) and len(judged) == 2
    assert marks(store) == before


def test_files_that_no_row_names_are_told_and_go_only_where_that_is_said(store: Store, clock: Clock) -> None:
    stray = store.blobs.put(b"of a run that was cut off")
    clock.now = datetime.now(UTC)
    # What was put there a moment ago is about to be named by a row.
    assert course_view(store).strays == (0, 0)
    clock.pass_days(2)
    assert course_view(store).strays == (1, store.blobs.size(stray))
    assert apply(store, actor="ann").strays == 0 and stray in store.blobs
    assert apply(store, strays=True, actor="ann").strays == 1 and stray not in store.blobs
    assert audit(store).sound


def test_mails_are_emptied_and_nobody_is_told_twice(store: Store, clock: Clock) -> None:
    with store.writing() as history:
        history.set_mailing(Mailing("course@uni.example"))
        new = NewMail("released mini s1", "s1", "s1@uni.example", "mini: marks", "They are there.\n")
        history.post_mails([new], clock.now)
    keep(store, {"mails": 30})
    clock.pass_days(60)
    # One that waits has yet to go out.
    assert (course_view(store).old_mails, apply(store, actor="ann").mails) == (0, 0)
    mail = store.outbox.take()
    assert mail is not None and store.outbox.note(mail, "sent")
    assert (course_view(store).old_mails, apply(store, actor="ann").mails) == (1, 1)
    with store.writing() as history:
        assert history.post_mails([new], clock.now) == 0
        [kept] = history.mails()
    assert (kept.address, kept.subject, kept.text, kept.student) == ("", "", "", "s1")


def test_rules_are_the_courses_or_an_assignments_own(store: Store) -> None:
    keep(store, {"uploads": 730, "evidence": 365})
    keep(store, {"evidence": None}, "mini")
    assert [each.days for each in work_view(store, "mini").kinds] == [730, None]
    keep(store, {"evidence": 10})
    assert [each.days for each in work_view(store, "mini").kinds] == [730, None]
    with pytest.raises(UsageError, match="no number of days"):
        keep(store, {"mails": -1})
    with pytest.raises(UsageError, match="other"):
        keep(store, {"evidence": 1}, "other")
