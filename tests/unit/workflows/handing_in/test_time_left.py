"""What a student is told of the time left, beside when simulated seats come to their file."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from grader.store import Ask, JobKey, Queue, Signature, Store, open_store
from grader.store.leases import LONGEST_LEASE_S
from grader.store.queue import Claim, Reach
from grader.store.queue_views import Pace
from grader.store.records import NewAttempt, SubmissionRecord
from grader.workflows.desk.queueing import queue_view
from grader.workflows.desk.steering import pause
from grader.workflows.handing_in.overview import Progress, progress_of
from grader.workflows.handing_in.time_left import time_left
from tests.unit.workflows.conftest import Clock

#: Seconds that runs of each assignment take, give or take a twentieth.
LENGTHS = {"lab1": 30.0, "lab2": 200.0}
NOON = datetime.fromisoformat("2026-03-10T12:00:00+00:00")


class Seats:
    """Seats that take jobs from a queue and are done when their time is over, by a clock that jumps there."""

    def __init__(self, store: Store, clock: Clock, number: int) -> None:
        self._store, self._clock, self._number = store, clock, number
        self._queue = Queue(store, lease_s=LONGEST_LEASE_S)
        self._queue.sign_on("simulated", 1)
        self._running: list[tuple[datetime, int, Claim, float]] = []
        self._chance = random.Random(7)
        #: When each work was run, by student and assignment.
        self.ended: dict[tuple[str, str], datetime] = {}

    def take(self) -> None:
        """Whoever is free takes what comes next."""
        while len(self._running) < self._number and (claim := self._queue.claim(Reach())) is not None:
            length = LENGTHS[claim.key.assignment] * self._chance.uniform(0.95, 1.05)
            ends = self._clock() + timedelta(seconds=length)
            heapq.heappush(self._running, (ends, claim.id, claim, length))

    def finish_one(self) -> bool:
        """Goes on to the moment at which the next one is done; False where nobody has anything."""
        if not self._running:
            return False
        self._clock.now, _, claim, length = heapq.heappop(self._running)
        key = claim.key
        attempt = NewAttempt(
            job=claim.id, student=key.student, assignment=key.assignment, notebook=key.notebook,
            outcome="COMPLETED", detail="", evidence="e", plan="p", image="i", sandbox="fake",
            isolation="fork", seed=0, wall_time_s=length, cells_s=length,
        )  # fmt: skip
        with self._store.writing() as history:
            assert self._queue.finish(history, claim)
            history.add_attempt(attempt, Signature("ann", self._clock(), "simulated"))
        self.ended[key.student, key.assignment] = self._clock()
        self.take()
        return True

    def hand_in(self, student: str, assignment: str, notebook: str = "n") -> None:
        file = SubmissionRecord(
            student=student, assignment=assignment, notebook=notebook, path="lab.ipynb",
            submitted_at=self._clock(), late=False, problem="",
        )  # fmt: skip
        ask = Ask(JobKey(student, assignment, notebook, "p", "i"))
        with self._store.writing() as history:
            history.hand_in(file, Signature(student, self._clock(), "handed in"))
            self._queue.enqueue(history, [ask], fresh=False)
        self.take()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with open_store(str(tmp_path / "grader.db"), clock=clock) as opened:
        yield opened


@pytest.mark.parametrize("number", [1, 4])
def test_the_time_left_is_right_within_a_fifth(store: Store, clock: Clock, number: int) -> None:
    seats = Seats(store, clock, number)
    for student in ("a", "b", "c", "d", "e", "f"):
        seats.hand_in(student, "lab1" if student < "d" else "lab2")
    while seats.finish_one():
        pass
    clock.pass_days(1)
    works = [(f"s{each:02d}", "lab2" if each % 3 == 0 else "lab1") for each in range(24)]
    for work in works:
        seats.hand_in(*work)
    told: list[tuple[tuple[str, str], datetime, timedelta]] = []
    while True:
        for work in works[::2]:
            progress = progress_of(store, *work)
            if progress.state == "queued":
                assert progress.left is not None and not progress.nobody
                told.append((work, clock(), progress.left))
        if not seats.finish_one():
            break
    assert len(told) > 50
    for work, at, left in told:
        really = seats.ended[work] - at
        assert abs(left - really) <= 0.2 * really, (work, at, left, really)


@pytest.mark.parametrize("number", [1, 4])
def test_it_is_right_while_files_are_replaced_and_an_assignment_is_paused(
    store: Store, clock: Clock, number: int
) -> None:
    """Whoever hands in again keeps their turn, and what is paused lets all others go before it."""
    seats = Seats(store, clock, number)
    for student in ("a", "b", "c", "d", "e", "f"):
        seats.hand_in(student, "lab1" if student < "d" else "lab2")
    while seats.finish_one():
        pass
    clock.pass_days(1)
    pause(store, "lab2", "a mistake in the data", actor="ann")
    works = [(f"s{each:02d}", "lab2" if each % 3 == 0 else "lab1") for each in range(30)]
    for work in works:
        seats.hand_in(*work)
    told: list[tuple[tuple[str, str], datetime, timedelta]] = []

    def tell() -> list[tuple[str, str]]:
        """Who waits for a seat, each told how long."""
        waiting = []
        for work in works[::2]:
            progress = progress_of(store, *work)
            if progress.state == "queued" and progress.paused:
                assert progress.left is None
            elif progress.state == "queued":
                assert progress.left is not None
                told.append((work, clock(), progress.left))
                waiting.append(work)
        return waiting

    replaced = 0
    while waiting := tell():
        if replaced < 6:
            # Who waits longest hands in another file, and keeps their turn.
            replaced += 1
            seats.hand_in(*waiting[-1], f"another {replaced}")
        seats.finish_one()
    while seats.finish_one():
        pass
    assert replaced == 6 and not {work for work in works if work[1] == "lab2"} & set(seats.ended)
    assert len(told) > 30
    for work, at, left in told:
        really = seats.ended[work] - at
        assert abs(left - really) <= 0.2 * really, (work, at, left, really)


def test_nothing_is_told_where_nobody_works_or_nothing_was_run(store: Store, clock: Clock) -> None:
    idle = Seats(store, clock, 0)
    idle.hand_in("s1", "lab1")
    assert progress_of(store, "s1", "lab1") == Progress("queued", 0, nobody=True)
    seats = Seats(store, clock, 1)
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


def test_a_long_queue_is_told_as_if_it_were_played_out() -> None:
    pace = Pace((("lab1", NOON), ("lab1", NOON), ("lab2", NOON)), {"lab1": 10.0, "lab2": 20.0})
    near = ("lab1", "lab2") * 50
    far = time_left(pace, NOON, (*near, "lab1"), {"lab1": 950, "lab2": 950})
    whole = time_left(pace, NOON, (*("lab1", "lab2") * 1000, "lab1"))
    assert far is not None and whole is not None
    assert abs(far - whole) < timedelta(seconds=30)
    assert abs(whole.total_seconds() - 2000 * 15 / 3) < 30


def test_an_assignment_that_was_never_run_is_told_by_the_others() -> None:
    pace = Pace((("lab1", NOON),), {"lab1": 10.0})
    assert time_left(pace, NOON, ("lab9",)) == timedelta(seconds=20)
    assert time_left(pace, NOON, far={"lab9": 2}) == timedelta(seconds=30)
    assert time_left(Pace((), {"lab1": 10.0}), NOON, ("lab1",)) is None
