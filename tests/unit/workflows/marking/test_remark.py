from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.errors import RefusedError, UsageError
from grader.facts.case import Reference
from grader.grading.requests import Action, Effect, Kind, State
from grader.rubric.loader import load_rubric
from grader.store import Store, open_store
from grader.store.models import LedgerRow, MarkRow
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.marking.remark import Request, act, decide, find, open_request
from grader.workflows.marking.remark_import import import_requests
from grader.workflows.marking.remark_list import list_requests, with_deadlines
from grader.workflows.marking.remark_view import view_of
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import regrade
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.views.show import find_result, find_results, name_of, timeline
from tests import course
from tests.unit.workflows.conftest import Clock, grade_class, hand_in_late, with_policy

ASKED = Request("s2", "mini", "builtin-shadowing", Kind.JUDGEMENT, "it was the handout's name", True)
SUM = replace(ASKED, criterion="", kind=Kind.COUNTING_ERROR)


@pytest.fixture
def store(tmp_path: Path, clock: Clock, database: str) -> Iterator[Store]:
    opened = grade_class(tmp_path, clock, with_policy(), database=database)
    yield opened
    opened.close()


def ask(store: Store, request: Request = ASKED, actor: str = "ann") -> int:
    return open_request(store, [request], actor=actor)[0].id


def answer(store: Store, id: int, points: float | None = 2.0, actor: str = "bob"):
    return decide(store, id, points=points, reason="it was indeed", actor=actor)


def refused(store: Store, call: Callable[[], object], said: str) -> None:
    """One clear message, exit code 2, and nothing written."""
    with store.database.reading() as session:
        before = session.query(LedgerRow).count()
    with pytest.raises((RefusedError, UsageError)) as raised:
        call()
    assert said in str(raised.value)
    assert raised.value.exit_code == 2
    with store.database.reading() as session:
        assert session.query(LedgerRow).count() == before


def test_a_decision_changes_the_mark_and_says_how(store: Store) -> None:
    id = ask(store)
    assert find(store, id).state is State.SUBMITTED
    done = answer(store, id)
    assert (done.effect, done.before, done.after) == (Effect.RAISED, 0.0, 2.0)
    assert done.remark.state is State.RESOLVED
    mark = find_result(store, "s2", "mini").mark.criterion("builtin-shadowing")
    assert (mark.points, mark.decision.request, mark.decision.by) == (2.0, id, "bob")


def test_the_old_mark_stands_while_a_request_is_open(store: Store) -> None:
    before = find_result(store, "s2", "mini").mark.points
    id = ask(store)
    act(store, id, Action.REVIEW, actor="bob")
    assert find_result(store, "s2", "mini").mark.points == before
    assert find(store, id).points_before == 0.0


def test_a_mark_can_fall_where_the_course_lets_it(store: Store) -> None:
    id = ask(store, replace(ASKED, student="s1"))
    assert answer(store, id, 0.5).effect is Effect.LOWERED
    assert find_result(store, "s1", "mini").mark.points == 0.5


def test_a_mark_does_not_fall_where_it_may_not(tmp_path: Path, clock: Clock) -> None:
    with grade_class(tmp_path, clock, with_policy(fall=False)) as store:
        id = ask(store, replace(ASKED, student="s1"))
        refused(store, lambda: answer(store, id, 1.0), "may not fall")
        assert answer(store, id, 2.0).effect is Effect.UNCHANGED


def test_a_counting_error_adds_up_again_and_touches_no_criterion(store: Store) -> None:
    id = ask(store, SUM)
    refused(store, lambda: answer(store, id, 5.0), "adds the points up again")
    done = answer(store, id, None)
    assert (done.effect, done.after) == (Effect.UNCHANGED, 0.0)
    with store.database.reading() as session:
        assert session.query(MarkRow).count() == 0


def test_whoever_marked_does_not_decide_where_the_course_says_so(tmp_path: Path, clock: Clock) -> None:
    with grade_class(tmp_path, clock, with_policy(another=True)) as store:
        give_marks(store, "mini", [MarkOrder("s1", "why", 1.0, "")], actor="ann")
        id = ask(store, replace(ASKED, student="s1", criterion="why"))
        refused(store, lambda: answer(store, id, 2.0, actor="ann"), "somebody else")
        refused(store, lambda: act(store, id, Action.REJECT, actor="ann", reason="no"), "somebody else")
        answer(store, id, 2.0, actor="bob")
        act(store, id, Action.ESCALATE, actor="s1", reason="still")
        refused(store, lambda: answer(store, id, 3.0, actor="bob"), "somebody else")
        assert answer(store, id, 3.0, actor="prof").remark.state is State.FINAL


def test_none_of_all_who_marked_decides_on_the_escalation(tmp_path: Path, clock: Clock) -> None:
    with grade_class(tmp_path, clock, with_policy(another=True)) as store:
        give_marks(store, "mini", [MarkOrder("s1", "why", 1.0, "")], actor="ann")
        id = ask(store, replace(ASKED, student="s1", criterion="why"))
        answer(store, id, 2.0, actor="bob")
        act(store, id, Action.ESCALATE, actor="s1", reason="still")
        refused(store, lambda: answer(store, id, 1.0, actor="ann"), "somebody else")
        assert answer(store, id, 3.0, actor="prof").remark.state is State.FINAL


def test_an_escalation_can_be_turned_down_for_good(store: Store) -> None:
    id = ask(store)
    answer(store, id, 1.0)
    act(store, id, Action.ESCALATE, actor="s2", reason="still")
    assert act(store, id, Action.REJECT, actor="prof", reason="it stands").state is State.FINAL
    assert find_result(store, "s2", "mini").mark.criterion("builtin-shadowing").points == 1.0


def test_an_answered_request_does_not_come_back_beside_a_newer_one(store: Store) -> None:
    answered = ask(store)
    answer(store, answered, 1.0)
    newer = ask(store)
    refused(
        store,
        lambda: act(store, answered, Action.ESCALATE, actor="s2", reason="still"),
        f"request {newer} on the same is open already",
    )
    act(store, newer, Action.WITHDRAW, actor="s2")
    assert act(store, answered, Action.ESCALATE, actor="s2", reason="still").state is State.ESCALATED


def test_a_request_on_a_criterion_that_the_rubric_dropped_can_still_be_closed(
    store: Store, tmp_path: Path
) -> None:
    id = ask(store)
    answer(store, id, 1.0)
    act(store, id, Action.ESCALATE, actor="s2", reason="still")
    judge_again(store, tmp_path, with_policy().replace("id: builtin-shadowing", "id: other"))
    refused(store, lambda: answer(store, id, 2.0), "has no criterion 'builtin-shadowing' any more")
    assert dict(view_of(store, id).parts)["mark now"].startswith("none:")
    assert act(store, id, Action.REJECT, actor="prof", reason="dropped").state is State.FINAL


def test_a_final_decision_is_asked_about_again_only_after_a_ta_marked_anew(store: Store) -> None:
    id = ask(store)
    answer(store, id, 1.0)
    act(store, id, Action.ESCALATE, actor="s2", reason="still")
    answer(store, id, 2.0, actor="prof")
    refused(store, lambda: ask(store), f"request {id} settled 'builtin-shadowing' for good")
    seen = course.seen_now(find_result(store, "s2", "mini"), "builtin-shadowing")
    give_marks(store, "mini", [MarkOrder("s2", "builtin-shadowing", 0.0, "", seen=seen)], actor="ann")
    assert ask(store) > id


def test_a_decision_names_the_verdict_that_was_the_newest(store: Store, tmp_path: Path) -> None:
    id = ask(store)
    judge_again(store, tmp_path, KINDER)
    answer(store, id)
    newest = find_result(store, "s2", "mini").verdict_record.seq
    with store.database.reading() as session:
        mark = session.query(MarkRow).one()
        assert mark.verdict == newest != find(store, id).verdict


KINDER = with_policy().replace("check: no_builtin_shadowing", "check: no_builtin_shadowing\n    allow: [sum]")


def judge_again(store: Store, folder: Path, rubric: str) -> None:
    by = Judge(load_rubric_file(course.write_rubric(folder, rubric, "again.yaml")), Reference())
    regrade(store, find_results(store, "mini"), lambda _: by, actor="ann")


def opened_anew(store: Store, *, busy_timeout_s: float = 30.0) -> Store:
    """As another process opens it, which has read no rubric yet."""
    return open_store(
        store.location, evidence=store.blobs.root, busy_timeout_s=busy_timeout_s, clock=store.clock
    )


STEPS = {
    "open": lambda store, _: ask(store, SUM),
    "decide": answer,
    "reject": lambda store, id: act(store, id, Action.REJECT, actor="bob", reason="it was not"),
}


@pytest.mark.parametrize("step", STEPS)
def test_nobody_waits_for_a_rubric_to_be_read(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    id, written = ask(store), []

    def others_write(*args: object, **more: object):
        with opened_anew(store, busy_timeout_s=0.1) as other, other.writing():
            written.append("while it was read")
        return load_rubric(*args, **more)

    monkeypatch.setattr("grader.rubric.loader.load_rubric", others_write)
    with opened_anew(store) as fresh:
        STEPS[step](fresh, id)
        STEPS["open"](fresh, id) if step != "open" else None
    assert written == ["while it was read"], "once, however often it is asked for"


def test_rules_that_change_while_they_are_read_count_as_changed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, changed = ask(store, replace(ASKED, student="s1")), []

    def others_judge(*args: object, **more: object):
        if not changed:
            changed.append("by a rubric under which marks may not fall")
            judge_again(store, tmp_path, with_policy(fall=False))
        return load_rubric(*args, **more)

    monkeypatch.setattr("grader.rubric.loader.load_rubric", others_judge)
    with opened_anew(store) as fresh, pytest.raises(RefusedError, match="marks may not fall in this course"):
        answer(fresh, id, 1.0)
    assert changed
    assert find(store, id).state is State.SUBMITTED


def test_the_view_tells_what_was_found_then_and_every_change_since(store: Store, tmp_path: Path) -> None:
    give_marks(store, "mini", [MarkOrder("s2", "builtin-shadowing", 1.0, "half of it")], actor="ann")
    id = ask(store)
    judge_again(store, tmp_path, KINDER)
    parts = dict(view_of(store, id).parts)
    assert parts["old mark"].startswith("1 of 2; FAIL: ")
    assert parts["finding"].startswith("PASS: ")
    assert [line.split(" UTC ")[1] for line in parts["marks"].splitlines()] == [
        "grader: FAIL, 0 of 2 by the rubric",
        "ann: 1 given: half of it",
        "ann: PASS, 2 of 2 by the rubric",
    ]


def test_the_view_of_a_counting_error_lists_what_is_added_up(tmp_path: Path, clock: Clock) -> None:
    late = with_policy() + "late: {due: 2026-03-07T12:00:00Z, per_day: 0.1}\n"
    with grade_class(tmp_path, clock, late) as store:
        give_marks(store, "mini", [MarkOrder("s1", "why", 2.5, "")], actor="ann")
        hand_in_late(store, "s1")
        parts = dict(view_of(store, ask(store, replace(SUM, student="s1"))).parts)
        lines = [line.split(None, 1) for line in parts["addends"].splitlines()]
        assert lines == [
            ["2", "builtin-shadowing"],
            ["2.5", "why"],
            ["-1", "lateness"],
            ["3.5", "in all, of 5"],
        ]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (replace(ASKED, student="s9"), "'s9' handed in nothing"),
        (replace(ASKED, criterion="builtin-shadow"), "did you mean 'builtin-shadowing'?"),
        (replace(ASKED, assignment="lab9"), "handed in nothing for lab9"),
        (replace(ASKED, criterion="why"), "has no mark yet"),
        (replace(ASKED, criterion=""), "names its criterion"),
        (replace(ASKED, kind=Kind.COUNTING_ERROR), "concerns the sum"),
        (replace(ASKED, reason="  "), "needs a reason"),
        (replace(ASKED, accepted=False), "A mark can go either up or down."),
    ],
)
def test_a_request_that_cannot_be_is_refused(store: Store, request_: Request, said: str) -> None:
    refused(store, lambda: ask(store, request_), said)


def test_late_requests_are_refused_with_the_date_unless_a_ta_says_why(store: Store, clock: Clock) -> None:
    clock.pass_days(20)
    refused(store, lambda: ask(store), "due by 2026-03-20 00:00 UTC")
    id = ask(store, replace(ASKED, late_because="was in hospital"))
    assert find(store, id).late_because == "was in hospital"


def test_a_request_in_time_is_not_called_late_whatever_was_given_for_it(store: Store) -> None:
    id = ask(store, replace(ASKED, late_because="was in hospital"))
    assert find(store, id).late_because == ""
    assert "taken late" not in dict(view_of(store, id).parts)["request"]


def test_early_requests_are_refused_with_the_date(store: Store, clock: Clock) -> None:
    clock.pass_days(-1)
    refused(store, lambda: ask(store), "from 2026-03-10 00:00 UTC")


def test_one_open_request_for_each_criterion(store: Store) -> None:
    id = ask(store)
    refused(store, lambda: ask(store), f"request {id} on 'builtin-shadowing' of s2 is open already")
    ask(store, replace(ASKED, student="s1"))
    ask(store, SUM)
    act(store, id, Action.WITHDRAW, actor="ann")
    assert ask(store) != id


def test_a_closed_request_is_not_decided(store: Store) -> None:
    id = ask(store)
    act(store, id, Action.WITHDRAW, actor="ann")
    refused(store, lambda: answer(store, id), "this request is withdrawn")
    refused(store, lambda: answer(store, 999), "no remark request 999")


@pytest.mark.parametrize("points", [-1.0, 2.5, float("nan")])
def test_points_out_of_range_are_refused_and_leave_the_request_open(store: Store, points: float) -> None:
    id = ask(store)
    refused(store, lambda: answer(store, id, points), "0 to 2")
    assert find(store, id).state is State.SUBMITTED


def test_a_rejection_needs_a_reason_and_leaves_the_mark(store: Store) -> None:
    id = ask(store)
    refused(store, lambda: act(store, id, Action.REJECT, actor="bob"), "needs a reason")
    assert act(store, id, Action.REJECT, actor="bob", reason="the rule is clear").state is State.REJECTED
    assert find_result(store, "s2", "mini").mark.criterion("builtin-shadowing").decision is None


def test_a_mark_under_request_is_not_changed_beside_it(store: Store) -> None:
    id = ask(store)
    order = MarkOrder("s2", "builtin-shadowing", 1.0, "")
    refused(store, lambda: give_marks(store, "mini", [order], actor="ann"), f"grader remark decide {id}")


def test_several_criteria_are_opened_together_or_not_at_all(store: Store) -> None:
    refused(store, lambda: open_request(store, [ASKED, ASKED], actor="ann"), "open already")
    assert list_requests(store) == []


def test_a_list_is_filtered(store: Store) -> None:
    first, second = ask(store), ask(store, replace(ASKED, student="s1"))
    answer(store, first)
    assert [item.id for item in list_requests(store, only_open=True)] == [second]
    assert [item.id for item in list_requests(store, state=State.RESOLVED)] == [first]
    assert [item.id for item in list_requests(store, student="s1")] == [second]
    assert list_requests(store, criterion="why") == []
    assert list_requests(store, student="s2", only_open=True) == []


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"assignment": "mimi"}, "did you mean 'mini'?"),
        ({"student": "s22"}, "'s22' handed in nothing; did you mean 's2'?"),
        (
            {"criterion": "builtin-shadow"},
            "no assignment here has a criterion 'builtin-shadow'; did you mean",
        ),
        ({"criterion": "hwy", "assignment": "mini"}, "mini has no criterion 'hwy'; did you mean 'why'?"),
    ],
)
def test_a_filter_that_nothing_is_called_by_is_refused(
    store: Store, filters: dict[str, str], said: str
) -> None:
    ask(store)
    refused(store, lambda: list_requests(store, **filters), said)


def test_a_list_takes_a_student_by_pseudonym_or_another_spelling(store: Store) -> None:
    ask(store)
    for name in (name_of(store, True)("s2"), " \uff532 "):
        assert [item.student for item in list_requests(store, student=name)] == ["s2"]


def test_a_listed_request_says_its_age_and_when_it_is_overdue(store: Store, clock: Clock) -> None:
    first = ask(store)
    clock.pass_days(2)
    second = ask(store, replace(ASKED, student="s1"))
    early = with_deadlines(store, list_requests(store))
    assert [item.age.days for item in early] == [2, 0]
    assert {item.deadline for item in early} == {datetime(2026, 3, 20, tzinfo=UTC)}
    assert not any(item.overdue for item in early)
    answer(store, first)
    clock.pass_days(8)
    assert [item.remark.id for item in with_deadlines(store, list_requests(store)) if item.overdue] == [
        second
    ]


def test_a_course_without_a_date_has_no_overdue_requests(tmp_path: Path, clock: Clock) -> None:
    with grade_class(tmp_path, clock) as store:
        ask(store)
        clock.pass_days(400)
        [listed] = with_deadlines(store, list_requests(store))
        assert (listed.age.days, listed.deadline, listed.overdue) == (400, None, False)


def test_the_view_puts_all_that_a_decision_needs_on_one_screen(store: Store) -> None:
    id = ask(store)
    answer(store, id)
    parts = dict(view_of(store, id).parts)
    assert "s2" in parts["request"]
    assert parts["reason"] == "it was the handout's name"
    assert "> " in parts["evidence"]
    assert course.SHADOWING in parts["evidence"]
    assert parts["old mark"].startswith("0 of 2; FAIL: ")
    assert parts["mark now"] == "2 (raised) by bob: it was indeed"
    assert parts["history"].count("\n") == 1
    assert (
        "open from 2026-03-10 00:00 UTC; open until 2026-03-20 00:00 UTC; marks may fall" in parts["policy"]
    )


def test_dates_of_another_zone_are_shown_in_utc(tmp_path: Path, clock: Clock) -> None:
    local = with_policy().replace("2026-03-20T00:00:00Z", "2026-03-19T20:00:00-04:00")
    with grade_class(tmp_path, clock, local) as store:
        assert "until 2026-03-20 00:00 UTC" in dict(view_of(store, ask(store)).parts)["policy"]


def test_a_form_export_is_imported_row_by_row(store: Store, tmp_path: Path) -> None:
    table = tmp_path / "form.csv"
    table.write_text(
        "Student,Criterion,Reason,Accepted,Kind\n"
        "s2,builtin-shadowing,the handout,yes,\n"
        "s1,builtin-shadowing,why not,no,\n"
        "s1,,count again,yes,Counting error\n"
        "s7,why,x,yes,\n"
        "s1,builtin-shadowing,x,yes,mercy\n"
    )
    done = import_requests(store, table, assignment="mini", actor="ann")
    assert [(item.student, item.kind) for item in done.opened] == [
        ("s2", Kind.JUDGEMENT),
        ("s1", Kind.COUNTING_ERROR),
    ]
    assert [error.where for error in done.problems] == [f"{table}:{line}" for line in (3, 5, 6)]


HEAD = "student,criterion,reason,accepted,submitted,late_because\n"


def test_a_table_that_grew_opens_only_what_is_new(store: Store, tmp_path: Path) -> None:
    table = tmp_path / "form.csv"
    table.write_text("student,criterion,reason,accepted\ns2,builtin-shadowing,the handout,yes\n")
    [first] = import_requests(store, table, assignment="mini", actor="ann").opened
    act(store, first.id, Action.REJECT, actor="bob", reason="no")
    with table.open("a") as file:
        file.write("\uff532,builtin-shadowing,the handout,yes\ns1,builtin-shadowing,the handout,yes\n")
    again = import_requests(store, table, assignment="mini", actor="ann")
    assert [item.id for item in again.known] == [first.id, first.id]
    assert [item.student for item in again.opened] == ["s1"]
    assert again.problems == []
    assert len(list_requests(store)) == 2


def test_a_request_that_was_handed_in_in_time_is_not_late_when_it_is_imported(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    clock.pass_days(20)
    table = tmp_path / "form.csv"
    table.write_text(
        HEAD + "s2,builtin-shadowing,x,yes,2026-03-19T23:30:00-05:00,\n"
        "s2,builtin-shadowing,x,yes,2026-03-19 18:30:00 -05:00,was ill\n"
        "s1,builtin-shadowing,x,yes,2026-03-19 18:30:00,\n"
        "s1,builtin-shadowing,x,yes,2099-01-01T00:00:00Z,was ill\n"
        "s1,builtin-shadowing,x,yes,,\n"
    )
    done = import_requests(store, table, assignment="mini", actor="ann")
    [opened] = done.opened
    assert opened.late_because == ""
    seals = {entry.seal.seq: entry.seal for entry in timeline(store, "s2", "mini")}
    assert seals[opened.id].why == "grader remark import form.csv: handed in 2026-03-19 23:30:00 UTC"
    said = [str(error).split(": ", 1)[1] for error in done.problems]
    for text, words in zip(said, ("due by", "no time that", "in the future", "due by"), strict=True):
        assert words in text
    late = import_requests(store, table, assignment="mini", actor="ann", late_because="a bus")
    assert [item.late_because for item in late.opened] == ["a bus"]


def test_the_timeline_tells_the_whole_story(store: Store) -> None:
    answer(store, ask(store))
    kinds = [entry.seal.kind for entry in timeline(store, "s2", "mini")]
    assert kinds == [
        "submissions", "attempts", "verdicts", "remark_requests", "remark_actions", "remark_actions", "marks",
    ]  # fmt: skip
