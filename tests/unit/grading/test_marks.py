from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import grader
from grader.errors import RefusedError
from grader.grading.late import HandedIn, LateLine
from grader.grading.marks import Decision, mark_of
from grader.grading.points import add_up, is_in_cents
from grader.grading.remarks import (
    Action,
    Effect,
    State,
    check_decider,
    check_points,
    check_window,
    effect_of,
    next_state,
    state_after,
)
from grader.grading.verdict import Finding, Verdict
from grader.judging.judgement import Status
from grader.rubric.model import LatePolicy, Policy

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
NAMES = ["a", "b", "c"]

points = st.integers(0, 40).map(lambda quarter: quarter / 4)


def finding(name: str, earned: float, waiting: float, out_of: float) -> Finding:
    return Finding(
        criterion=name,
        title=name,
        status=Status.PARTIAL,
        points=earned,
        out_of=out_of,
        pending=waiting,
        message="m",
    )


@st.composite
def findings(draw: st.DrawFn, name: str) -> Finding:
    out_of = draw(points)
    earned = min(draw(points), out_of)
    return finding(name, earned, min(draw(points), out_of - earned), out_of)


verdicts = st.tuples(*map(findings, NAMES)).map(
    lambda found: Verdict(assignment="lab", findings=found, points=0, out_of=0, pending=0)
)


@st.composite
def histories(draw: st.DrawFn) -> list[Decision]:
    rows = draw(
        st.lists(st.tuples(st.sampled_from([*NAMES, "gone"]), st.none() | points, st.none() | st.just(7)))
    )
    return [
        # An answer to a remark request always has points.
        Decision(seq, name, given if given is not None or request is None else 0.0, "ta", NOW, "why", request)
        for seq, (name, given, request) in enumerate(rows)
    ]


@given(verdicts, histories())
def test_points_and_pending_never_exceed_what_can_be_had(verdict: Verdict, history: list[Decision]) -> None:
    mark = mark_of(verdict, history)
    assert mark.points >= 0
    assert mark.points + mark.pending <= mark.out_of + 1e-9
    for item in mark.criteria:
        assert item.points >= 0
        assert item.points + item.pending <= item.out_of + 1e-9


@given(verdicts, histories())
def test_every_point_is_earned_open_or_lost(verdict: Verdict, history: list[Decision]) -> None:
    for item in mark_of(verdict, history).criteria:
        assert add_up((item.points, item.pending, item.lost)) == item.out_of


def test_what_is_lost_has_no_binary_dust() -> None:
    verdict = Verdict(
        assignment="lab", findings=(finding("a", 0.1, 0.2, 0.3),), points=0.1, out_of=0.3, pending=0.2
    )
    assert 0.3 - 0.1 - 0.2 != 0
    assert mark_of(verdict, ()).criteria[0].lost == 0


@given(verdicts, histories(), st.integers(0, 12), st.sampled_from(["out_of", "earned"]))
def test_a_marks_lines_add_up_to_it(
    verdict: Verdict, history: list[Decision], days: int, share_of: str
) -> None:
    policy = LatePolicy.model_validate({"due": NOW, "per_day": 0.1, "share_of": share_of})
    handed_in = HandedIn("s1", NOW + timedelta(days=days))
    mark = mark_of(verdict.model_copy(update={"late": policy}), history, handed_in)
    lines = [item.points for item in mark.criteria] + [line.points for line in mark.adjustments]
    assert add_up(lines) == mark.points
    assert all(line.points <= 0 for line in mark.adjustments)
    assert bool(mark.adjustments) == (days > 0)


def test_a_line_takes_no_more_than_there_is() -> None:
    verdict = Verdict(assignment="lab", findings=(finding("a", 2, 0, 4),), points=2, out_of=4, pending=0)
    mark = replace(mark_of(verdict, ()), late=LateLine(days=9, tokens=0, points=3, why="nine days"))
    assert mark.points == 0


@given(st.integers(0, 10_000))
def test_points_with_two_decimals_are_as_they_are_published(cents: int) -> None:
    assert is_in_cents(cents / 100)
    assert not is_in_cents(cents / 100 + 0.004)


def test_points_are_rounded_in_one_place() -> None:
    rounding = []
    for path in sorted(Path(grader.__file__).parent.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        rounding += [path.name] if re.search(r"quantize|ROUND_HALF|Decimal\(\"0\.01", text) else []
    assert rounding == ["points.py"]


@given(verdicts, histories(), st.randoms())
def test_replaying_the_history_in_any_order_gives_the_same_mark(verdict, history, random) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)
    assert mark_of(verdict, shuffled) == mark_of(verdict, history)


@given(verdicts, verdicts, histories())
def test_a_decision_survives_any_regrade(before: Verdict, after: Verdict, history: list[Decision]) -> None:
    old, new = mark_of(before, history), mark_of(after, history)
    for name in NAMES:
        assert old.criterion(name).decision == new.criterion(name).decision
        decision = new.criterion(name).decision
        if decision is not None:
            assert new.criterion(name).points == min(decision.points, new.criterion(name).out_of)


@given(verdicts, histories(), st.sampled_from(NAMES), points)
def test_a_later_decision_wins(
    verdict: Verdict, history: list[Decision], name: str, given_points: float
) -> None:
    later = Decision(len(history), name, given_points, "ta", NOW, "why")
    mark = mark_of(verdict, [*history, later]).criterion(name)
    assert mark.decision == later
    assert mark.pending == 0


@given(verdicts, histories(), st.sampled_from(NAMES))
def test_taking_back_never_loses_the_answer_to_a_request(verdict, history, name) -> None:
    back = Decision(len(history), name, None, "ta", NOW, "")
    answers = [item for item in history if item.criterion == name and item.request is not None]
    decision = mark_of(verdict, [*history, back]).criterion(name).decision
    assert decision == (answers[-1] if answers else None)


@given(verdicts, histories(), st.none() | points)
def test_a_decision_counts_only_for_the_total_that_it_was_given_on(verdict, history, worth) -> None:
    mark = mark_of(verdict, [replace(decision, out_of=worth) for decision in history])
    for item in mark.criteria:
        assert item.points + item.pending <= item.out_of
        if item.decision is not None:
            assert item.out_of in (0, worth) or worth is None
        if item.earlier is not None:
            assert (item.points, item.pending, item.status) == (0, item.out_of, "NEEDS_TA")
            assert f"it is worth {item.out_of:g} point" in item.told


@given(verdicts)
def test_without_decisions_the_verdict_counts(verdict: Verdict) -> None:
    mark = mark_of(verdict, [])
    assert [(item.points, item.pending) for item in mark.criteria] == [
        (item.points, item.pending) for item in verdict.findings
    ]


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        ([], State.SUBMITTED),
        (["review"], State.UNDER_REVIEW),
        (["withdraw"], State.WITHDRAWN),
        (["review", "withdraw"], State.WITHDRAWN),
        (["review", "reject"], State.REJECTED),
        (["review", "decide"], State.RESOLVED),
        (["review", "decide", "escalate"], State.ESCALATED),
        (["review", "decide", "escalate", "decide"], State.FINAL),
    ],
)
def test_the_legal_ways_through_a_request(actions: list[str], state: State) -> None:
    assert state_after(map(Action, actions)) is state


@given(st.lists(st.sampled_from(list(Action)), max_size=6))
def test_any_other_step_is_refused_in_words(actions: list[Action]) -> None:
    state = State.SUBMITTED
    for action in actions:
        try:
            state = next_state(state, action)
        except RefusedError as error:
            assert state.value.replace("_", " ") in error.what
    assert state in State


@pytest.mark.parametrize("closed", [State.REJECTED, State.WITHDRAWN, State.FINAL])
def test_nothing_follows_a_closed_request(closed: State) -> None:
    assert not closed.is_open
    for action in Action:
        with pytest.raises(RefusedError, match="cannot"):
            next_state(closed, action)


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [(2, 3, Effect.RAISED), (3, 2, Effect.LOWERED), (2, 2, Effect.UNCHANGED)],
)
def test_the_effect_follows_from_the_points(before: float, after: float, effect: Effect) -> None:
    assert effect_of(before, after) is effect


WINDOW = Policy(remarks_open_from=NOW, remarks_open_until=NOW + timedelta(days=10))


def test_the_window_refuses_with_its_dates() -> None:
    check_window(WINDOW, NOW + timedelta(days=1), "")
    with pytest.raises(RefusedError) as early:
        check_window(WINDOW, NOW - timedelta(seconds=1), "any reason")
    assert "2026-03-10 12:00 UTC" in str(early.value)
    with pytest.raises(RefusedError) as late:
        check_window(WINDOW, NOW + timedelta(days=11), " ")
    assert "2026-03-20 12:00 UTC" in str(late.value)
    check_window(WINDOW, NOW + timedelta(days=11), "was in hospital")


@pytest.mark.parametrize("given_points", [-0.25, 5.25, float("nan"), float("inf"), -float("inf")])
def test_points_out_of_range_are_refused(given_points: float) -> None:
    with pytest.raises(RefusedError):
        check_points(Policy(), given_points, before=2, out_of=5)


def test_points_of_more_decimals_than_a_mark_list_shows_are_refused() -> None:
    with pytest.raises(RefusedError, match=r"2 decimals[\s\S]*1\.33333"):
        check_points(Policy(), 1.33333, before=2, out_of=5)
    for points in (1.33, 0.1 + 0.2, 5):
        check_points(Policy(), round(points, 2), before=2, out_of=5)


def test_a_mark_as_it_was_may_be_kept_where_marks_may_not_fall() -> None:
    check_points(Policy(marks_may_fall=False), 5 / 6, before=5 / 6, out_of=5)


def test_a_mark_falls_only_where_the_course_lets_it() -> None:
    check_points(Policy(), 1, before=2, out_of=5)
    with pytest.raises(RefusedError, match="may not fall"):
        check_points(Policy(marks_may_fall=False), 1, before=2, out_of=5)
    check_points(Policy(marks_may_fall=False), 2, before=2, out_of=5)


def test_whoever_marked_does_not_decide_where_the_course_says_so() -> None:
    strict = Policy(decided_by_another=True)
    with pytest.raises(RefusedError, match="somebody else"):
        check_decider(strict, "ann", {"bob", "ann"})
    check_decider(strict, "ann", {"bob"})
    check_decider(strict, "ann", set())
    check_decider(Policy(), "ann", {"ann"})
