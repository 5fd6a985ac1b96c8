"""Two people at one criterion: the second is shown what stands, and replaces nothing unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.errors import OvertakenError, UsageError
from grader.facts.case import Reference
from grader.grading.requests import Kind
from grader.grading.seen import Seen, read_seen
from grader.store import Store
from grader.store.audit import audit
from grader.store.models import LedgerRow, MarkRow
from grader.workflows.marking.marks import MarkOrder, give_marks, list_pending, orders_for_zero, read_orders
from grader.workflows.marking.remark import Request, decide, open_request
from grader.workflows.marking.worksheet import worksheet
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import regrade
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.views.show import find_result, find_results
from tests import course

SHADOWING = "builtin-shadowing"


def on_screen(store: Store, criterion: str = "why", student: str = "s1") -> Seen:
    seen = course.seen_now(find_result(store, student, "mini"), criterion)
    assert seen is not None
    return seen


def give(store: Store, points: float | None, actor: str, seen: Seen | None = None, **other: str) -> None:
    order = MarkOrder(other.get("student", "s1"), other.get("criterion", "why"), points, actor, seen=seen)
    give_marks(store, "mini", [order], actor=actor)


def overtaken(store: Store, call: Callable[[], object]) -> OvertakenError:
    """Refused, with nothing written."""
    with store.database.reading() as session:
        before = session.query(LedgerRow).count()
    with pytest.raises(OvertakenError) as raised:
        call()
    with store.database.reading() as session:
        assert session.query(LedgerRow).count() == before
    return raised.value


def judge_again(store: Store, folder: Path, change: Callable[[str], str]) -> None:
    rubric = course.write_rubric(folder, change(course.RUBRIC), "again.yaml")
    by = Judge(load_rubric_file(rubric), Reference())
    regrade(store, find_results(store, "mini"), lambda _: by, actor="prof")


def test_the_second_of_two_is_shown_both_and_may_then_decide(graded: Store) -> None:
    screen = on_screen(graded)
    give(graded, 2.0, "ann", screen)
    error = overtaken(graded, lambda: give(graded, 1.0, "bob", screen))
    assert "2 points, ann, 2026-03-10 12:00:00 UTC" in error.stands
    assert error.seen.startswith(f"no mark; verdict {screen.verdict}: NEEDS_TA, 0 of 3, 3 waiting: ")
    assert error.exit_code == 2
    assert f"--seen {error.now}" in str(error)
    assert find_result(graded, "s1", "mini").mark.criterion("why").points == 2.0
    give(graded, 1.0, "bob", read_seen(error.now))
    decision = find_result(graded, "s1", "mini").mark.criterion("why").decision
    assert (decision.by, decision.points) == ("bob", 1.0)


def test_what_was_seen_is_sealed_with_the_mark(graded: Store) -> None:
    first = on_screen(graded)
    give(graded, 2.0, "ann", first)
    second = on_screen(graded)
    give(graded, 1.0, "bob", second)
    give(graded, 1.5, "bob")
    with graded.database.reading() as session:
        rows = session.query(MarkRow).order_by(MarkRow.seq).all()
        told = [(row.seen_verdict, row.seen_mark) for row in rows]
        assert told == [(first.verdict, None), (first.verdict, rows[0].seq), (None, None)]
    assert second == Seen(first.verdict, rows[0].seq)
    assert audit(graded).sound


@pytest.mark.parametrize("points", [1.0, None])
def test_who_says_nothing_replaces_only_their_own(graded: Store, points: float | None) -> None:
    give(graded, 2.0, "ann")
    assert "ann has marked 'why' already" in str(overtaken(graded, lambda: give(graded, points, "bob")))
    give(graded, points, "ann")


def test_a_mark_that_was_taken_back_is_another_than_the_one_seen(graded: Store) -> None:
    give(graded, 2.0, "ann")
    screen = on_screen(graded)
    give(graded, None, "ann")
    error = overtaken(graded, lambda: give(graded, 1.0, "bob", screen))
    assert "2 points, ann" in error.seen
    assert error.stands.startswith("no mark; verdict ")


def test_a_verdict_that_says_otherwise_is_shown_before_it_is_marked(graded: Store, tmp_path: Path) -> None:
    screen = on_screen(graded, SHADOWING, "s2")
    judge_again(
        graded,
        tmp_path,
        lambda text: text.replace(
            "check: no_builtin_shadowing", "check: no_builtin_shadowing\n    allow: [sum]"
        ),
    )
    error = overtaken(graded, lambda: give(graded, 1.0, "bob", screen, student="s2", criterion=SHADOWING))
    assert f"verdict {screen.verdict}: FAIL, 0 of 2" in error.seen
    assert "PASS, 2 of 2" in error.stands
    assert ", prof, 2026-03-10 12:00:00 UTC" in error.stands
    give(graded, 1.0, "bob", read_seen(error.now), student="s2", criterion=SHADOWING)


def test_a_verdict_that_says_the_same_of_the_criterion_stops_nobody(graded: Store, tmp_path: Path) -> None:
    screen = on_screen(graded)
    judge_again(
        graded,
        tmp_path,
        lambda text: text.replace(
            "check: no_builtin_shadowing", "check: no_builtin_shadowing\n    allow: [sum]"
        ),
    )
    assert on_screen(graded).verdict > screen.verdict
    give(graded, 2.0, "bob", screen)
    assert find_result(graded, "s1", "mini").mark.criterion("why").points == 2.0


def test_what_another_student_was_shown_is_refused(graded: Store) -> None:
    for other in (on_screen(graded, student="s2"), Seen(1), Seen(10**15)):
        with pytest.raises(UsageError, match="no verdict on this student's mini"):
            give(graded, 2.0, "bob", other)


@pytest.mark.parametrize("text", ["", "x", "12+", "+3", "12+3+4", "-1", "12.5", "9" * 19])
def test_what_no_listing_prints_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="does not say what was seen"):
        read_seen(text)


def test_a_decision_on_a_request_is_held_to_what_was_seen(graded: Store, tmp_path: Path) -> None:
    screen = on_screen(graded, SHADOWING, "s2")
    asked = Request("s2", "mini", SHADOWING, Kind.JUDGEMENT, "it was given", True)
    [remark] = open_request(graded, [asked], actor="ann")
    judge_again(
        graded,
        tmp_path,
        lambda text: text.replace(
            "check: no_builtin_shadowing", "check: no_builtin_shadowing\n    allow: [sum]"
        ),
    )

    def answer(seen: Seen) -> object:
        return decide(graded, remark.id, points=2.0, reason="it was", actor="bob", seen=seen)

    error = overtaken(graded, lambda: answer(screen))
    assert str(error).startswith(f"request {remark.id}: ")
    answer(read_seen(error.now))
    with graded.database.reading() as session:
        assert str(session.query(MarkRow).one().seen_verdict) == error.now


def test_a_worksheet_carries_what_was_seen(graded: Store, tmp_path: Path) -> None:
    table = tmp_path / "waiting.csv"
    table.write_text(worksheet(list_pending(graded, "mini")))
    lines = table.read_text().splitlines()
    assert lines[0].startswith("student,criterion,points,comment,seen,")
    assert lines[1].startswith(f"s1,why,,,{on_screen(graded)},3.0,NEEDS_TA,")
    filled = table.read_text().replace("s1,why,,,", "s1,why,2,sound,")
    table.write_text(filled)
    orders = read_orders(table)
    assert [(order.student, order.points) for order in orders] == [("s1", 2.0)]
    give(graded, 1.0, "ann")
    error = overtaken(graded, lambda: give_marks(graded, "mini", orders, actor="bob"))
    assert "waiting.csv:2" in str(error)
    assert "1 points, ann" in error.stands


def test_a_bad_word_for_what_was_seen_names_its_line(tmp_path: Path) -> None:
    table = tmp_path / "marks.csv"
    table.write_text("student,criterion,points,seen\ns1,why,2,yes\n")
    with pytest.raises(UsageError, match=r"marks\.csv:2: this does not say what was seen"):
        read_orders(table)


def test_nothing_for_a_whole_file_replaces_no_mark_that_came_meanwhile(
    graded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where in ("marking.marks", "views.held"):
        monkeypatch.setattr(f"grader.workflows.{where}.why_held", lambda _: "it is no notebook")
    orders = orders_for_zero(graded, "s1", "mini", "no notebook")
    assert {order.criterion for order in orders} == {"why", SHADOWING}
    give(graded, 2.0, "ann")
    overtaken(graded, lambda: give_marks(graded, "mini", orders, actor="bob"))
    give_marks(graded, "mini", [replace(order, seen=None) for order in orders][:1], actor="bob")
