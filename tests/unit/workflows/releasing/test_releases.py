"""Releases move on and are taken back; an answer is shown by itself where it fits what is released."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from grader.cli import execute
from grader.errors import RefusedError, UsageError
from grader.facts.case import Reference
from grader.grading.requests import Action, State
from grader.store import Store, open_store
from grader.store.audit import audit
from grader.store.backup import back_up, restore
from grader.store.regrades import Regrades
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.marking.remark import act, decide, find
from grader.workflows.own_work.requests import ask, own_requests, step_on
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import regrade
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.releasing.preview import preview_of
from grader.workflows.releasing.release import hide_marks, release_marks, show_answer, showing_of
from grader.workflows.releasing.shown import shown_work
from grader.workflows.views.show import find_results
from tests import course
from tests.tampering import directly
from tests.unit.workflows.conftest import Clock, grade_class, with_policy

SHADOWING = "builtin-shadowing"


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    opened = grade_class(tmp_path, clock, with_policy())
    yield opened
    opened.close()


def release(store: Store) -> None:
    release_marks(store, "mini", upto=preview_of(store, "mini").upto, actor="ann")


def asked(store: Store, student: str = "s2") -> int:
    return ask(store, "mini", student, criterion=SHADOWING, reason="look", accepted=True)


def points(store: Store, student: str = "s2", criterion: str = SHADOWING) -> float:
    with store.reading() as history:
        return shown_work(history, "mini", student).result.mark.criterion(criterion).points


def test_nothing_can_be_asked_before_a_release_or_after_it_was_taken_back(store: Store) -> None:
    with pytest.raises(RefusedError, match="not released"):
        asked(store)
    release(store)
    id = asked(store)
    hide_marks(store, "mini", reason="by mistake", actor="ann")
    with pytest.raises(RefusedError, match="not released"):
        asked(store, "s1")
    # What they did themselves stays theirs to know.
    assert [each.remark.id for each in own_requests(store, "mini", "s2").requests] == [id]


def test_an_answer_comes_with_the_decision_or_with_the_next_release(store: Store) -> None:
    release(store)
    for student, show in (("s1", True), ("s2", False)):
        id = asked(store, student)
        done = decide(store, id, points=1.0, reason="half", actor="bob", show=show)
        assert bool(done.kept_back) is not show
        assert points(store, student) == (1.0 if show else 0.0)
        state = own_requests(store, "mini", student).requests[0].remark.state
        assert state is (State.RESOLVED if show else State.UNDER_REVIEW)
    assert preview_of(store, "mini").kept_back == (id,)
    release(store)
    assert points(store, "s2") == 1.0 and preview_of(store, "mini").kept_back == ()


def test_an_answer_in_other_points_than_those_released_waits_for_the_next_release(
    store: Store, tmp_path: Path
) -> None:
    release(store)
    id = asked(store)
    dearer = course.write_rubric(
        tmp_path, with_policy().replace("points: 2", "points: 4").replace("total: 5", "total: 7"), "dear.yaml"
    )
    judge = Judge(load_rubric_file(dearer), Reference())
    regrade(store, find_results(store, "mini"), lambda _: judge, actor="ann")
    done = decide(store, id, points=3.0, reason="most of it", actor="bob")
    assert "another number of points" in done.kept_back and points(store) == 0.0
    with pytest.raises(RefusedError, match="another number of points"):
        show_answer(store, id, actor="bob")
    release(store)
    assert points(store) == 3.0


def test_a_rejection_is_an_answer_too(store: Store) -> None:
    release(store)
    id = asked(store)
    act(store, id, Action.REJECT, actor="bob", reason="no", show=False)
    assert own_requests(store, "mini", "s2").requests[0].answer is None
    with pytest.raises(RefusedError, match="is answering"):
        step_on(store, "mini", "s2", id, Action.WITHDRAW)
    show_answer(store, id, actor="bob")
    assert own_requests(store, "mini", "s2").requests[0].answer == "no"
    assert showing_of(store, find(store, id)).is_shown


def test_only_what_a_student_was_shown_can_be_looked_at_once_more(store: Store) -> None:
    release(store)
    id = asked(store)
    decide(store, id, points=1.0, reason="half", actor="bob", show=False)
    with pytest.raises(RefusedError, match="were shown"):
        step_on(store, "mini", "s2", id, Action.ESCALATE, "no")
    show_answer(store, id, actor="bob")
    step_on(store, "mini", "s2", id, Action.ESCALATE, "no")
    # What is looked at again is told as before until it is answered.
    assert points(store) == 1.0
    with pytest.raises(UsageError, match="none of your requests"):
        step_on(store, "mini", "s1", id, Action.WITHDRAW)


def test_a_release_refuses_what_is_not_there(store: Store) -> None:
    with pytest.raises(UsageError, match="no assignment is called"):
        release_marks(store, "none", upto=1, actor="ann")
    with pytest.raises(UsageError, match="no such row"):
        release_marks(store, "mini", upto=10**6, actor="ann")
    with pytest.raises(RefusedError, match="nothing to release"):
        release_marks(store, "mini", upto=1, actor="ann")
    with pytest.raises(RefusedError, match="nothing of mini is released"):
        hide_marks(store, "mini", reason="x", actor="ann")
    release(store)
    with pytest.raises(RefusedError, match="needs a reason"):
        hide_marks(store, "mini", reason=" ", actor="ann")


def test_releases_are_sealed_and_come_back_with_a_backup(store: Store, tmp_path: Path) -> None:
    release(store)
    id = asked(store)
    decide(store, id, points=1.0, reason="half", actor="bob")
    assert audit(store).sound
    back_up(store, tmp_path / "marks.backup")
    restore(tmp_path / "marks.backup", str(tmp_path / "again.db"))
    with open_store(str(tmp_path / "again.db")) as again:
        assert audit(again).sound and points(again) == 1.0


def judge_by(folder: Path, points: int, name: str) -> Judge:
    text = with_policy().replace("points: 2", f"points: {points}").replace("total: 5", f"total: {3 + points}")
    return Judge(load_rubric_file(course.write_rubric(folder, text, name)), Reference())


def shown_totals(store: Store) -> set[float]:
    with store.reading() as history:
        return {shown_work(history, "mini", each).result.mark.out_of for each in ("s1", "s2", "s3")}


def judged_in_pieces(
    store: Store, folder: Path, meanwhile: Callable[[int], None], *, whole: bool = True
) -> None:
    """Judges again, and calls back once each verdict is written: 1, then 2 and 3 together."""
    judge = judge_by(folder, 4, "dear.yaml")
    beat, number = Regrades.beat, 0

    def told(regrades: Regrades, id: int, done: int) -> None:
        nonlocal number
        beat(regrades, id, done)
        number += 1
        meanwhile(number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Regrades, "beat", told)
        with suppress(ZeroDivisionError) if not whole else nullcontext():
            regrade(store, find_results(store, "mini"), lambda _: judge, actor="bob")


@pytest.fixture
def three(tmp_path: Path, clock: Clock, database: str) -> Iterator[Store]:
    with grade_class(tmp_path, clock, with_policy(), "s1", "s2", "s3", database=database) as opened:
        clock.pass_days(1)
        yield opened


def test_no_release_shows_half_of_a_judging_again(three: Store, tmp_path: Path, clock: Clock) -> None:
    before = preview_of(three, "mini").upto
    seen: list[int] = []

    def meanwhile(number: int) -> None:
        found = preview_of(three, "mini")
        assert found.in_pieces == (
            f"being judged again by bob ({number and (1, 3)[number - 1]} of 3 works done)",
        )
        with pytest.raises(RefusedError, match="is being judged again by bob"):
            release_marks(three, "mini", upto=found.upto, actor="ann")
        seen.append(found.upto)

    judged_in_pieces(three, tmp_path, meanwhile)
    assert len(seen) == 2 and preview_of(three, "mini").in_pieces == ()
    # Whoever confirms what a page showed in between confirms a part of it, also once it is over.
    with pytest.raises(RefusedError, match="bob judged mini again, and row") as refused:
        release_marks(three, "mini", upto=seen[0], actor="ann")
    assert f"a release before row {before + 2}" in str(refused.value)
    # What stood before, or stands after, is whole.
    release_marks(three, "mini", upto=before, actor="ann")
    assert shown_totals(three) == {5.0}
    release(three)
    assert shown_totals(three) == {7.0}


def test_a_judging_again_that_broke_off_is_named_until_one_goes_through(
    three: Store, tmp_path: Path, clock: Clock
) -> None:
    def fail(number: int) -> None:
        raise ZeroDivisionError

    judged_in_pieces(three, tmp_path, fail, whole=False)
    upto = preview_of(three, "mini").upto
    with pytest.raises(RefusedError, match=r"judged again in part: bob began, and it broke off \(1 of 3"):
        release_marks(three, "mini", upto=upto, actor="ann")
    release_marks(three, "mini", upto=upto, actor="ann", in_pieces=True)
    assert shown_totals(three) == {5.0, 7.0}
    # One work alone makes it no more whole; the class does.
    judge = judge_by(tmp_path, 4, "dear.yaml")
    regrade(three, find_results(three, "mini", ["s1"]), lambda _: judge, actor="ann")
    assert preview_of(three, "mini").in_pieces
    clock.pass_days(1)
    regrade(three, find_results(three, "mini"), lambda _: judge, actor="ann")
    assert preview_of(three, "mini").in_pieces == ()
    release(three)
    assert shown_totals(three) == {7.0}


def test_one_that_was_killed_is_broken_off_once_its_lease_is_over(three: Store, clock: Clock) -> None:
    three.regrades.begin("mini", 3, "bob")
    [line] = preview_of(three, "mini").in_pieces
    assert line.startswith("being judged again by bob")
    directly(three, "UPDATE regrades SET lease_until = 0")
    [line] = preview_of(three, "mini").in_pieces
    assert line == "judged again in part: bob began, and it broke off (0 of 3 works done)"


def test_the_command_shows_releases_and_takes_back(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADER_USER", "ann")
    assert execute(["release", "show", "-a", "mini"]) == 0
    assert "nothing is released" in capsys.readouterr().out
    assert execute(["release", "now", "-a", "mini", "--why", "as announced", "--yes"]) == 0
    give_marks(store, "mini", [MarkOrder("s1", "why", 2.0, "sound")], actor="bob")
    assert execute(["release", "show", "-a", "mini"]) == 0
    told = capsys.readouterr().out
    assert "by ann" in told and "s1" in told and "risen" in told
    assert execute(["release", "hide", "-a", "mini", "--why", "wrong"]) == 0
    with store.reading() as history:
        assert [(each.by, each.reason) for each in history.releases("mini")] == [
            ("ann", "as announced"),
            ("ann", "wrong"),
        ]
