"""What a student is told of the time left, beside when simulated seats come to their file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from grader.grading.times import lasting
from grader.store import Store, open_store
from grader.store.models import JobRow
from grader.store.turns import Pace, Waiting
from grader.workflows.desk.queueing import queue_view
from grader.workflows.desk.steering import pause, resume
from grader.workflows.handing_in.overview import Progress, progress_of
from grader.workflows.handing_in.time_left import Beside, time_left
from tests.unit.workflows.conftest import Clock
from tests.unit.workflows.handing_in.plays import play
from tests.unit.workflows.handing_in.seats import LENGTHS, Seats, Work

NOON = datetime.fromisoformat("2026-03-10T12:00:00+00:00")


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Iterator[Callable[[], Store]]:
    with ExitStack() as held:
        numbers = iter(range(100))
        yield lambda: held.enter_context(open_store(f"{tmp_path}/{next(numbers)}.db", clock=clock))


@pytest.fixture
def store(opened: Callable[[], Store]) -> Store:
    return opened()


def run_all(seats: Seats) -> None:
    while seats.finish_one():
        pass


def know_lengths(seats: Seats) -> None:
    for course in range(len(seats.stores)):
        for lab in LENGTHS:
            seats.hand_in("known", lab, course=course)
    run_all(seats)
    seats.clock.pass_days(1)


@pytest.mark.parametrize("courses", [1, 2, 3])
def test_the_time_left_is_right_within_a_fifth(
    opened: Callable[[], Store], clock: Clock, courses: int
) -> None:
    """In plays by chance; where seats end at nearly the same moment, which one is first is chance as well."""
    told, wrong = 0, []
    for seed in range(5):
        seats = play([opened() for _ in range(courses)], clock, seed)
        told += len(seats.told)
        wrong += seats.wrong()
    assert told > 100
    assert len(wrong) <= told / 50, wrong


@pytest.mark.parametrize("number", [1, 4])
def test_it_is_right_again_once_a_pause_is_over(store: Store, clock: Clock, number: int) -> None:
    """Seats that stood still began later than the last runs ended."""
    seats = Seats([store], clock, number)
    know_lengths(seats)
    works: list[Work] = [(0, f"s{each:02d}", "lab2") for each in range(3 * number)]
    for _, *work in works:
        seats.hand_in(*work)
    pause(store, "", "the images are made anew", actor="ann")
    run_all(seats)
    seats.tell(works)
    assert not seats.told
    clock.pass_days(0.1)
    resume(store, "", "they are there", actor="ann")
    assert progress_of(store, *works[-1][1:]) == Progress("queued", 2 * number - 1, nobody=False)
    seats.take()
    clock.now += timedelta(seconds=40)
    seats.tell(works)
    run_all(seats)
    assert len(seats.told) == number and not seats.wrong()


def test_a_claim_that_is_given_back_counts_anew(store: Store, clock: Clock) -> None:
    seats = Seats([store], clock, 1)
    know_lengths(seats)
    for student in ("s1", "s2"):
        seats.hand_in(student, "lab2")
    clock.now += timedelta(seconds=100)
    before = progress_of(store, "s2", "lab2").left
    seats.begin_anew()
    after = progress_of(store, "s2", "lab2").left
    assert before is not None and after is not None
    assert after - before == pytest.approx(timedelta(seconds=100), abs=timedelta(seconds=1))


def test_what_an_older_version_claimed_is_taken_for_half_done(store: Store, clock: Clock) -> None:
    seats = Seats([store], clock, 1)
    know_lengths(seats)
    for student in ("s1", "s2"):
        seats.hand_in(student, "lab2")
    with store.database.writing() as session:
        session.execute(update(JobRow).values(claimed_at=None))
    usual = 200.0
    left = progress_of(store, "s2", "lab2").left
    assert left is not None and left.total_seconds() == pytest.approx(1.5 * usual, rel=0.06)


def test_page_and_queue_tell_the_same_also_where_another_course_has_the_seats(
    opened: Callable[[], Store], clock: Clock
) -> None:
    first, second = opened(), opened()
    seats = Seats([first, second], clock, 2)
    know_lengths(seats)
    for each in range(6):
        seats.hand_in(f"t{each}", "lab2", course=1)
    for each in range(4):
        seats.hand_in(f"s{each}", "lab1")
    # Both seats are at the other course.
    assert not progress_of(first, "s3", "lab1", beside=[second]).nobody
    seats.tell([(0, "s3", "lab1")])
    [(_, _, left)] = seats.told
    assert queue_view(first, beside=[second]).left == lasting(left)
    run_all(seats)
    assert not seats.wrong()


def test_nothing_is_told_where_nobody_works_or_nothing_was_run(store: Store, clock: Clock) -> None:
    idle = Seats([store], clock, 0)
    idle.hand_in("s1", "lab1")
    assert progress_of(store, "s1", "lab1") == Progress("queued", 0, nobody=True)
    seats = Seats([store], clock, 1)
    seats.take()
    seats.hand_in("s2", "lab1")
    seats.hand_in("s3", "lab1")
    # The first one is run: how long that takes nobody knows.
    assert progress_of(store, "s2", "lab1") == Progress("queued", 0, nobody=False)
    assert queue_view(store).left == ""
    seats.finish_one()
    progress = progress_of(store, "s3", "lab1")
    assert progress.left is not None and progress.time_left and progress.again_s == 3
    view = queue_view(store)
    assert view.left and [each.takes for each in view.jobs if each.queued]
    # Whoever waits behind an assignment that was never run is told nothing either.
    seats.hand_in("s4", "lab2")
    seats.hand_in("s5", "lab1")
    assert progress_of(store, "s5", "lab1").left is None
    assert queue_view(store).left == ""


def test_a_long_queue_is_told_as_if_it_were_played_out() -> None:
    lengths = {"lab1": (10.0,), "lab2": (20.0,)}
    pace = Pace((("lab1", NOON), ("lab1", NOON), ("lab2", NOON)), lengths)
    near = ("lab1", "lab2") * 50
    far = time_left(pace, NOON, Waiting(near, {"lab1": 950, "lab2": 950}), "lab1")
    whole = time_left(pace, NOON, Waiting(("lab1", "lab2") * 1000), "lab1")
    assert far is not None and whole is not None
    assert abs(far - whole) < timedelta(seconds=30)
    assert abs(whole.total_seconds() - 2000 * 15 / 3) < 30


@pytest.mark.parametrize("others", [30, 400, 5000])
def test_a_long_queue_beside_another_course_s_too(others: int) -> None:
    lengths = {"lab1": (10.0,), "lab2": (20.0,)}
    pace = Pace((("lab1", NOON), ("lab1", NOON)), lengths)
    theirs = Pace((("lab2", NOON),), lengths)
    line = ("lab2",) * others
    beside = [Beside(theirs, Waiting(line[:100], {"lab2": others - 100} if others > 100 else {}))]
    far = time_left(pace, NOON, Waiting(("lab1",) * 100, {"lab1": 900}), "lab1", beside)
    whole = time_left(pace, NOON, Waiting(("lab1",) * 1000), "lab1", [Beside(theirs, Waiting(line))])
    assert far is not None and whole is not None
    assert abs(far - whole) < 0.02 * whole
    assert abs(whole.total_seconds() - (1001 * 10 + min(others, 1001) * 20) / 3) < 40


def test_a_run_that_takes_longer_than_usual_is_told_by_those_that_did_before() -> None:
    pace = Pace((("lab1", NOON),), {"lab1": (10.0, 10.0, 10.0, 100.0)})
    later = NOON + timedelta(seconds=40)
    assert time_left(pace, NOON, Waiting(), "lab1") == timedelta(seconds=65)
    assert time_left(pace, later, Waiting(), "lab1") == timedelta(seconds=60 + 32.5)
    assert time_left(pace, NOON + timedelta(seconds=101), Waiting(), "lab1") == timedelta(seconds=32.5)


def test_nothing_is_told_of_what_was_never_run() -> None:
    pace = Pace((("lab1", NOON),), {"lab1": (10.0,)})
    assert time_left(pace, NOON, Waiting(), "lab9") is None
    assert time_left(pace, NOON, Waiting(("lab1",), {"lab9": 2})) is None
    assert time_left(Pace((), {"lab1": (10.0,)}), NOON, Waiting(("lab1",))) is None
    assert (
        time_left(pace, NOON, Waiting(("lab1",)), beside=[Beside(Pace((("lab8", NOON),), {}), Waiting())])
        is None
    )
