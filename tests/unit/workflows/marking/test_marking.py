from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.errors import RefusedError, UsageError
from grader.grading.requests import Kind
from grader.store import Store
from grader.store.models import LedgerRow, MarkRow
from grader.workflows.marking.marks import MarkOrder, give_marks, pending, read_orders
from grader.workflows.marking.remark import Request, decide, open_request
from grader.workflows.views.identity import pseudonym
from grader.workflows.views.show import find_result, find_results
from tests import course


def give(store: Store, *orders: MarkOrder, actor: str = "ann") -> None:
    give_marks(store, "mini", orders, actor=actor)


def order(student: str = "s1", criterion: str = "why", points: float | None = 2.0) -> MarkOrder:
    return MarkOrder(student, criterion, points, "a sound reason")


def rows(store: Store) -> int:
    with store.database.reading() as session:
        return session.query(LedgerRow).count()


def test_a_tas_mark_counts_and_settles_what_was_pending(graded: Store) -> None:
    give(graded, order())
    mark = find_result(graded, "s1", "mini").mark
    assert (mark.points, mark.pending) == (4.0, 0.0)
    assert mark.criterion("why").decision.by == "ann"


def test_a_tas_mark_overrides_an_automatic_one(graded: Store) -> None:
    give(graded, order("s2", "builtin-shadowing", 1.5))
    assert find_result(graded, "s2", "mini").mark.criterion("builtin-shadowing").points == 1.5


def test_taking_back_lets_the_verdict_count_again(graded: Store) -> None:
    give(graded, order())
    give(graded, order(points=None))
    mark = find_result(graded, "s1", "mini").mark
    assert (mark.points, mark.pending) == (2.0, 3.0)
    with graded.database.reading() as session:
        assert session.query(MarkRow).count() == 2


@pytest.mark.parametrize(
    ("bad", "error", "said"),
    [
        (order(points=3.5), RefusedError, "0 to 3"),
        (order(points=-1.0), RefusedError, "0 to 3"),
        (order(points=float("nan")), RefusedError, "0 to 3"),
        (order(criterion="wyh"), UsageError, "did you mean 'why'?"),
        (order(student="s3"), UsageError, "'s3' handed in nothing"),
        (order(points=None), RefusedError, "nothing to take back"),
    ],
)
def test_a_refusal_says_why_and_writes_nothing(
    graded: Store, bad: MarkOrder, error: type[Exception], said: str
) -> None:
    before = rows(graded)
    with pytest.raises(error) as raised:
        give(graded, order("s2"), bad)
    assert said in str(raised.value)
    assert rows(graded) == before


def test_pending_lists_a_criterion_student_after_student(graded: Store) -> None:
    items = pending(find_results(graded, "mini"))
    assert [(item.criterion, item.student, item.points) for item in items] == [
        ("why", "s1", 3),
        ("why", "s2", 3),
    ]
    give(graded, order())
    assert [item.student for item in pending(find_results(graded, "mini"))] == ["s2"]
    assert pending(find_results(graded, "mini"), "builtin-shadowing") == []


def test_marks_are_read_from_a_table_whatever_its_column_order(graded: Store, tmp_path: Path) -> None:
    table = tmp_path / "marks.csv"
    table.write_text(
        "\ufeffPoints,Student,Criterion,Seat,Comment\n2,s1,why,4,sound\n\n1.5,s2,why,5,\n", "utf-8"
    )
    give(graded, *read_orders(table))
    assert [find_result(graded, name, "mini").mark.points for name in ("s1", "s2")] == [4.0, 1.5]


def test_a_table_with_bad_rows_names_each_and_gives_none(graded: Store, tmp_path: Path) -> None:
    table = tmp_path / "marks.csv"
    table.write_text("student,criterion,points\ns1,why,2\ns9,why,2\ns2,why,9\n")
    before = rows(graded)
    with pytest.raises(RefusedError) as raised:
        give(graded, *read_orders(table))
    assert "marks.csv:3" in str(raised.value)
    assert "marks.csv:4" in str(raised.value)
    assert rows(graded) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("student,points\n", "'criterion' is missing"),
        ("", "'student' is missing"),
        ("student,criterion,points\ns1,why,two\n", "marks.csv:2: 'two' is no number"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(tmp_path: Path, text: str, said: str) -> None:
    table = tmp_path / "marks.csv"
    table.write_text(text)
    with pytest.raises(UsageError) as raised:
        read_orders(table)
    assert said in str(raised.value)


def test_the_same_mark_twice_in_a_table_is_refused_however_it_is_spelt(graded: Store) -> None:
    with graded.reading() as history:
        pseudonym_of_s1 = pseudonym(history.own_key(), "s1")
    before = rows(graded)
    for other in ("s1", " s1", "\uff531", pseudonym_of_s1):
        with pytest.raises(RefusedError, match="twice"):
            give(graded, order(), order(other, points=1.0))
    assert rows(graded) == before


def test_taking_back_tells_the_points_that_count_then(graded: Store) -> None:
    id = open_request(
        graded, [Request("s2", "mini", "builtin-shadowing", Kind.JUDGEMENT, "why", True)], actor="ann"
    )[0].id
    decide(graded, id, points=1.5, reason="half", actor="bob")
    seen = course.seen_now(find_result(graded, "s2", "mini"), "builtin-shadowing")
    give(graded, replace(order("s2", "builtin-shadowing", 0.5), seen=seen))
    [back] = give_marks(graded, "mini", [order("s2", "builtin-shadowing", None)], actor="ann")
    assert (back.before, back.after) == (0.5, 1.5)
    assert find_result(graded, "s2", "mini").mark.criterion("builtin-shadowing").points == 1.5


def test_a_pseudonym_stands_for_its_student_everywhere(graded: Store) -> None:
    with graded.reading() as history:
        key = history.own_key()
    name = pseudonym(key, "s1")
    assert name != pseudonym(key, "s2")
    assert "s1" not in name
    give(graded, order(name))
    assert find_result(graded, name, "mini").student == "s1"
    assert find_result(graded, "s1", "mini").mark.points == 4.0


def test_a_pseudonym_of_two_students_stands_for_neither(
    graded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.workflows.views.identity.pseudonym", lambda *_: "anon-0000")
    before = rows(graded)
    with pytest.raises(UsageError, match="stands for 2 students"):
        give(graded, order("anon-0000"))
    assert rows(graded) == before
    give(graded, order("s1"))


def test_ids_are_compared_in_their_normal_form(graded: Store) -> None:
    assert find_result(graded, " \uff531 ", "mini").student == "s1"
