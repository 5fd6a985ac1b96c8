from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from grader.errors import OvertakenError, RefusedError, UsageError
from grader.grading.requests import Kind
from grader.reporting import render_report
from grader.store import Store
from grader.store.audit import audit
from grader.workflows.desk.deciding import Alike, comments_used, decide_alike, last_given, undo_last
from grader.workflows.desk.flags import flags_of, raise_flag, settle_flag
from grader.workflows.desk.item import read_item
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.marking.remark import Request, open_request
from grader.workflows.views.report import report_input
from grader.workflows.views.show import find_results, timeline
from tests import desk_class

WHY = "why-validation"


def alike(store: Store, *students: str) -> list[Alike]:
    return [Alike(student, read_item(store, "lab", student, WHY).seen) for student in students]


def points(store: Store) -> dict[str, float | None]:
    """What counts for `why-validation`; None where it waits."""
    marks = {result.student: result.mark.criterion(WHY) for result in find_results(store, "lab")}
    return {student: None if mark.pending else mark.points for student, mark in marks.items()}


def rows(store: Store) -> int:
    with store.reading() as history:
        return max(entry.seal.seq for name in ("s1", "s2", "s3") for entry in history.timeline(name, "lab"))


def test_one_decision_about_several_is_one_row_and_undone_as_one(readers: Store) -> None:
    before = rows(readers)
    done = decide_alike(
        readers, "lab", WHY, 2.0, "the danger?", alike(readers, "s1", "s2", "s3"), actor="ann"
    )
    assert done.seq == rows(readers)
    assert [(mark.student, mark.before, mark.after) for mark in done.marked] == [
        ("s1", 0.0, 2.0),
        ("s2", 0.0, 2.0),
        ("s3", 0.0, 2.0),
    ]
    assert points(readers) == {"s1": 2.0, "s2": 2.0, "s3": 2.0, **dict.fromkeys(("s4", "s5", "s6", "s7"))}
    [mark] = read_item(readers, "lab", "s2", WHY).marks
    assert (mark.by, mark.comment, mark.alike, mark.counts) == ("ann", "the danger?", 3, True)
    undone = undo_last(readers, "lab", actor="ann")
    assert [(mark.student, mark.before, mark.after) for mark in undone.marked] == [
        ("s1", 2.0, 0.0),
        ("s2", 2.0, 0.0),
        ("s3", 2.0, 0.0),
    ]
    assert set(points(readers).values()) == {None}
    assert [mark.undone for mark in read_item(readers, "lab", "s2", WHY).marks] == [True, False]
    assert rows(readers) > done.seq > before
    assert audit(readers, evidence=False).sound


def test_a_decision_stands_in_the_history_of_each_and_of_nobody_else(readers: Store) -> None:
    decide_alike(readers, "lab", WHY, 2.0, "so", alike(readers, "s1", "s3"), actor="ann")
    kinds = [timeline(readers, student, "lab")[-1].seal.kind for student in ("s1", "s2", "s3")]
    assert kinds == ["bulk_marks", "verdicts", "bulk_marks"]


def test_nothing_is_given_where_one_of_them_changed_meanwhile(readers: Store) -> None:
    about = alike(readers, "s1", "s2")
    give_marks(readers, "lab", [MarkOrder("s2", WHY, 1.0, "mine")], actor="bob")
    with pytest.raises(OvertakenError, match="s2") as raised:
        decide_alike(readers, "lab", WHY, 2.0, "so", about, actor="ann")
    assert "bob" in raised.value.stands
    assert points(readers)["s1"] is None
    assert points(readers)["s2"] == 1.0


def test_nothing_is_given_where_a_remark_request_is_open(readers: Store) -> None:
    request = Request("s2", "lab", WHY, Kind.JUDGEMENT, "look again", accepted=True)
    give_marks(readers, "lab", [MarkOrder("s2", WHY, 1.0, "")], actor="ann")
    about = alike(readers, "s1", "s2")
    open_request(readers, [request], actor="s2")
    with pytest.raises(RefusedError, match="a remark request on 'why-validation' is open"):
        decide_alike(readers, "lab", WHY, 2.0, "so", about, actor="ann")
    assert points(readers)["s1"] is None


@pytest.mark.parametrize(("given", "said"), [(3.5, "cannot be given"), (-1.0, "cannot be given")])
def test_points_are_those_of_the_criterion(readers: Store, given: float, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        decide_alike(readers, "lab", WHY, given, "so", alike(readers, "s1"), actor="ann")


def test_a_role_may_decide_about_so_many_only(readers: Store) -> None:
    with pytest.raises(RefusedError, match="may be about 2 submissions"):
        decide_alike(readers, "lab", WHY, 2.0, "", alike(readers, "s1", "s2", "s3"), actor="ann", most=2)
    assert set(points(readers).values()) == {None}


def test_nobody_is_decided_twice_by_one_decision(readers: Store) -> None:
    with pytest.raises(RefusedError, match="s1 is named twice"):
        decide_alike(readers, "lab", WHY, 2.0, "", alike(readers, "s1", "s1"), actor="ann")
    with pytest.raises(UsageError, match="needs to name them"):
        decide_alike(readers, "lab", WHY, 2.0, "", [], actor="ann")


def test_what_was_undone_leaves_what_was_before_it(readers: Store) -> None:
    give_marks(readers, "lab", [MarkOrder("s1", WHY, 1.0, "bob's")], actor="bob")
    seen = read_item(readers, "lab", "s1", WHY).seen
    give_marks(readers, "lab", [MarkOrder("s1", WHY, 3.0, "all of it", seen=seen)], actor="ann")
    undone = undo_last(readers, "lab", actor="ann")
    assert (undone.given.comment, undone.marked[0].before, undone.marked[0].after) == ("all of it", 3.0, 1.0)
    item = read_item(readers, "lab", "s1", WHY)
    assert [(mark.by, mark.counts) for mark in item.marks] == [("bob", True), ("ann", False), ("ann", False)]
    with pytest.raises(RefusedError, match="ann has no mark on lab to undo"):
        undo_last(readers, "lab", actor="ann")


def test_a_report_tells_nothing_of_what_was_undone(readers: Store) -> None:
    give_marks(readers, "lab", [MarkOrder("s1", WHY, 1.0, "bob's")], actor="bob")
    seen = read_item(readers, "lab", "s1", WHY).seen
    give_marks(readers, "lab", [MarkOrder("s1", WHY, 3.0, "a slip", seen=seen)], actor="ann")
    undo_last(readers, "lab", actor="ann")
    [result] = find_results(readers, "lab", ["s1"])
    page = render_report(report_input(readers, result))
    assert "bob&#39;s" in page
    assert "a slip" not in page


def test_many_are_decided_and_undone_on_either_database(
    tmp_path: Path, clock: Callable[[], datetime], database: str
) -> None:
    names = ["s1", "s_1", "s%", 's"1', "s\\1"]
    works = {name: desk_class.work("alike") for name in names}
    with desk_class.grade(tmp_path, clock, works, database=database) as store:
        decide_alike(store, "lab", WHY, 2.0, "so", alike(store, "s_1", 's"1', "s\\1"), actor="ann")
        given = {name: value for name, value in points(store).items() if value is not None}
        assert given == {"s_1": 2.0, 's"1': 2.0, "s\\1": 2.0}
        assert [len(read_item(store, "lab", name, WHY).marks) for name in names] == [0, 1, 0, 1, 1]
        undo_last(store, "lab", actor="ann")
        assert set(points(store).values()) == {None}
        assert audit(store, evidence=False).sound


def test_ones_own_marks_are_undone_one_after_the_other(readers: Store) -> None:
    give_marks(readers, "lab", [MarkOrder("s1", WHY, 1.0, "first")], actor="ann")
    give_marks(readers, "lab", [MarkOrder("s2", WHY, 2.0, "second")], actor="ann")
    assert undo_last(readers, "lab", actor="ann").given.comment == "second"
    assert undo_last(readers, "lab", actor="ann", criterion=WHY).given.comment == "first"
    assert set(points(readers).values()) == {None}


def test_a_mark_that_somebody_replaced_is_not_undone(readers: Store) -> None:
    decide_alike(readers, "lab", WHY, 2.0, "so", alike(readers, "s1", "s2"), actor="ann")
    [again] = alike(readers, "s1")
    give_marks(readers, "lab", [MarkOrder("s1", WHY, 1.0, "no", seen=again.seen)], actor="bob")
    undone = undo_last(readers, "lab", actor="ann")
    assert undone.kept == ("s1",)
    assert (points(readers)["s1"], points(readers)["s2"]) == (1.0, None)
    give_marks(readers, "lab", [MarkOrder("s3", WHY, 3.0, "yes")], actor="ann")
    [again] = alike(readers, "s3")
    give_marks(readers, "lab", [MarkOrder("s3", WHY, 0.0, "no", seen=again.seen)], actor="bob")
    with pytest.raises(RefusedError, match="somebody has marked it since"):
        undo_last(readers, "lab", actor="ann")


def test_comments_are_counted_with_their_points_and_the_last_mark_can_be_repeated(readers: Store) -> None:
    decide_alike(readers, "lab", WHY, 2.0, "the danger?", alike(readers, "s1", "s2"), actor="ann")
    give_marks(readers, "lab", [MarkOrder("s3", WHY, 3.0, "good")], actor="bob")
    give_marks(readers, "lab", [MarkOrder("s4", WHY, 2.0, "the danger?")], actor="bob")
    give_marks(readers, "lab", [MarkOrder("s5", WHY, 0.0, "a slip")], actor="bob")
    undo_last(readers, "lab", actor="bob")
    used = [(each.text, each.points, each.count) for each in comments_used(readers, "lab", WHY)]
    assert used == [("the danger?", 2.0, 3), ("good", 3.0, 1)]
    assert comments_used(readers, "lab", "curves-described") == []
    repeated = last_given(readers, "lab", WHY, actor="ann")
    assert (repeated.points, repeated.comment, repeated.bulk) == (2.0, "the danger?", True)
    assert last_given(readers, "lab", "curves-described", actor="ann") is None


def test_a_flag_stands_until_it_is_settled(readers: Store) -> None:
    raise_flag(readers, "lab", "s1", WHY, "copied?", actor="ann")
    raise_flag(readers, "lab", "s2", WHY, "half a sentence", actor="ann")
    assert [(flag.student, flag.note, flag.by) for flag in flags_of(readers, "lab")] == [
        ("s1", "copied?", "ann"),
        ("s2", "half a sentence", "ann"),
    ]
    assert read_item(readers, "lab", "s1", WHY).flag.note == "copied?"
    settle_flag(readers, "lab", "s1", WHY, "no", actor="head")
    assert [flag.student for flag in flags_of(readers)] == ["s2"]
    assert read_item(readers, "lab", "s1", WHY).flag is None
    with pytest.raises(RefusedError, match="no flag stands"):
        settle_flag(readers, "lab", "s1", WHY, actor="head")
    with pytest.raises(UsageError, match="needs a word"):
        raise_flag(readers, "lab", "s1", WHY, " ", actor="ann")
