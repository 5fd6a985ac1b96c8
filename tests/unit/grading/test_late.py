from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.grading.late import HandedIn, days_late, late_line, tokens_spent
from grader.grading.marks import mark_of
from grader.grading.verdict import Finding, Verdict
from grader.judging.judgement import Status
from grader.rubric.model import LatePolicy

DUE = datetime.fromisoformat("2026-02-02T23:59:00-05:00")


def policy(**more) -> LatePolicy:
    return LatePolicy(**{"due": DUE, "per_day": 0.1, **more})


def came(**after) -> HandedIn:
    return HandedIn("s1", DUE + timedelta(**after))


@pytest.mark.parametrize(
    ("after", "days"),
    [
        ({"hours": -5}, 0),
        ({"seconds": 0}, 0),
        ({"seconds": 1}, 1),
        ({"hours": 24}, 1),
        ({"hours": 24, "seconds": 1}, 2),
        ({"days": 6, "hours": 1}, 7),
    ],
)
def test_each_day_begun_counts(after: dict[str, int], days: int) -> None:
    assert days_late(policy(), came(**after)) == days


def test_the_date_is_the_same_moment_in_every_time_zone() -> None:
    in_utc = HandedIn("s1", datetime(2026, 2, 3, 4, 59, tzinfo=UTC))
    assert days_late(policy(), in_utc) == 0
    assert days_late(policy(), HandedIn("s1", in_utc.at + timedelta(seconds=1))) == 1


def test_a_grace_period_forgives_but_does_not_move_the_date() -> None:
    kind = policy(grace_minutes=15)
    assert days_late(kind, came(minutes=15)) == 0
    assert days_late(kind, came(minutes=16)) == 1
    assert days_late(kind, came(days=1, minutes=1)) == 2


def test_a_day_costs_its_share_of_what_could_be_had_or_of_what_was_earned() -> None:
    of_all = late_line(policy(), came(hours=30), earned=20.0, out_of=40.0)
    of_earned = late_line(policy(share_of="earned"), came(hours=30), earned=20.0, out_of=40.0)
    assert (of_all.points, of_earned.points) == (8.0, 4.0)
    assert "2 days late" in of_all.why
    assert "10 % of the points that could be had" in of_all.why


def test_both_times_are_told_in_the_time_zone_of_the_date() -> None:
    in_utc = HandedIn("s1", (DUE + timedelta(hours=2)).astimezone(UTC))
    why = late_line(policy(), in_utc, 40.0, 40.0).why
    assert why.startswith("Due 2026-02-02 23:59-05:00, handed in 2026-02-03 01:59-05:00, 1 day late.")


def test_seconds_are_told_where_they_make_it_late() -> None:
    why = late_line(policy(), came(seconds=30), 40.0, 40.0).why
    assert why.startswith("Due 2026-02-02 23:59-05:00, handed in 2026-02-02 23:59:30-05:00, 1 day late.")


def test_both_times_are_told_to_the_second_in_the_courses_zone() -> None:
    ends = policy(due=datetime.fromisoformat("2026-02-02T23:59:59-05:00"), until=DUE + timedelta(days=1))
    one_second = HandedIn("s1", ends.due + timedelta(seconds=1), zone=ZoneInfo("Europe/Berlin"))
    why = late_line(ends, one_second, 40.0, 40.0).why
    assert why.startswith("Due 2026-02-03 05:59:59 CET, handed in 2026-02-03 06:00:00 CET, 1 day late.")
    stopped = HandedIn("s1", DUE + timedelta(days=2), zone=ZoneInfo("Europe/Berlin"))
    assert "after 2026-02-04 05:59:00 CET" in late_line(ends, stopped, 40.0, 40.0).why


def test_never_more_is_taken_than_was_earned() -> None:
    assert late_line(policy(), came(days=30), earned=3.5, out_of=40.0).points == 3.5


def test_tokens_pay_for_days_and_what_was_spent_is_gone() -> None:
    generous = policy(tokens=3)
    first = late_line(generous, came(hours=30), 40.0, 40.0)
    assert (first.tokens, first.points) == (2, 0.0)
    spent = HandedIn("s1", DUE + timedelta(hours=30), tokens_spent=2)
    second = late_line(generous, spent, 40.0, 40.0)
    assert (second.tokens, second.points) == (1, 4.0)


def test_tokens_are_spent_in_the_order_of_the_dates() -> None:
    early, later = policy(tokens=2), policy(due=DUE + timedelta(days=14), tokens=2)
    work = [
        (later, HandedIn("s1", later.due + timedelta(days=2))),
        (early, HandedIn("s1", early.due + timedelta(hours=1))),
    ]
    assert tokens_spent(work) == 2
    assert tokens_spent(work[1:]) == 1


def test_after_the_hard_stop_nothing_counts_and_no_token_helps() -> None:
    hard = policy(until=DUE + timedelta(days=3), tokens=9)
    line = late_line(hard, came(days=3, seconds=1), earned=31.5, out_of=40.0)
    assert (line.points, line.tokens) == (31.5, 0)
    assert late_line(hard, came(days=3), earned=31.5, out_of=40.0).points == 0.0


def test_what_a_person_settled_stands_above_the_times() -> None:
    settled = policy(days={"s1": 0, "s2": 1}, until=DUE + timedelta(days=1))
    assert late_line(settled, came(days=5), 40.0, 40.0) is None
    line = late_line(settled, HandedIn("s2", None, marked_late=True), 40.0, 40.0)
    assert (line.days, line.points, line.undecided) == (1, 4.0, False)


def test_late_by_nobody_knows_how_much_takes_nothing_and_waits_for_a_person() -> None:
    line = late_line(policy(), HandedIn("s1", None, marked_late=True), 40.0, 40.0)
    assert line.undecided
    assert line.points == 0.0


def test_a_time_that_nobody_knows_is_not_late() -> None:
    assert late_line(policy(), HandedIn("s1", None), 40.0, 40.0) is None


def test_a_stop_before_the_date_is_refused() -> None:
    with pytest.raises(ValueError, match="until must not be earlier than due"):
        policy(until=DUE - timedelta(days=1))


def verdict(earned: float, waiting: float, late: LatePolicy | None) -> Verdict:
    finding = Finding(
        criterion="a",
        title="a",
        status=Status.PARTIAL,
        points=earned,
        pending=waiting,
        out_of=40,
        message="m",
    )
    return Verdict(assignment="lab", findings=(finding,), points=0, out_of=0, pending=0, late=late)


@given(
    earned=st.integers(0, 80).map(lambda half: half / 2),
    hours=st.integers(-100, 1000),
    per_day=st.integers(0, 100).map(lambda percent: percent / 100),
    tokens=st.integers(0, 5),
    share_of=st.sampled_from(["out_of", "earned"]),
)
def test_a_late_mark_stays_within_what_was_earned(earned, hours, per_day, tokens, share_of) -> None:
    rules = policy(per_day=per_day, tokens=tokens, share_of=share_of)
    earned = min(earned, 40.0)
    mark = mark_of(verdict(earned, 40.0 - earned, rules), [], came(hours=hours))
    assert 0 <= mark.points <= mark.earned == earned
    assert mark.points + mark.pending <= mark.out_of
    later = mark_of(verdict(earned, 0.0, rules), [], came(hours=hours + 24))
    assert later.points <= mark.points


def test_a_verdict_without_a_policy_reads_and_writes_as_before() -> None:
    plain = verdict(1.0, 0.0, None)
    assert "late" not in plain.model_dump_json()
    assert Verdict.model_validate_json(plain.model_dump_json()) == plain
    kept = verdict(1.0, 0.0, policy(days={"s1": 2}))
    assert Verdict.model_validate_json(kept.model_dump_json()) == kept
