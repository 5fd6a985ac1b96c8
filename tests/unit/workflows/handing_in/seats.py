"""Seats that take jobs of courses as a server's do, by a clock that jumps to the next end."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from grader.store import Ask, JobKey, Priority, Queue, Signature, Store
from grader.store.entering import PRE_CHECK
from grader.store.leases import LONGEST_LEASE_S
from grader.store.queue import Claim, Reach
from grader.store.records import NewAttempt, SubmissionRecord
from grader.workflows.handing_in.overview import progress_of
from grader.workflows.serving.orders import ROUNDS
from tests.unit.workflows.conftest import Clock

__all__ = ["LENGTHS", "Seats"]

#: Seconds that runs of each assignment take, give or take a twentieth.
LENGTHS = {"lab1": 30.0, "lab2": 200.0}

Work = tuple[int, str, str]


class Seats:
    """Seats of one server.

    Args:
        stores: One a course.
        clock: Of all of them.
        number: Of the seats.
        seed: Of what is left to chance.

    Attributes:
        number: How many seats there are.
        ended: When each work was run, by course, student and assignment.
        told: Of each work that waits what its student was told, and when; whatever changes at the seats makes
            what was told before worthless.
    """

    def __init__(self, stores: Sequence[Store], clock: Clock, number: int, seed: int = 7) -> None:
        self.stores, self.clock, self.chance = stores, clock, random.Random(seed)
        self._queues = [Queue(store, lease_s=LONGEST_LEASE_S, serves=number > 0) for store in stores]
        for queue in self._queues:
            queue.sign_on("simulated", 1)
        self._running: list[tuple[datetime, int, int, Claim, float]] = []
        self.number = number
        #: Of each free seat the course that it looks at first.
        self._free = [0] * number
        self._leaving = 0
        self._newest: dict[Work, str] = {}
        self.ended: dict[Work, datetime] = {}
        self.told: list[tuple[Work, datetime, timedelta]] = []

    def take(self) -> None:
        """Whoever is free takes what comes next."""
        turns, self._free = self._free, []
        for turn in turns:
            taken = self._claim(turn)
            if taken is None:
                self._free.append(turn)
                continue
            course, claim = taken
            length = LENGTHS[claim.key.assignment] * self.chance.uniform(0.95, 1.05)
            ends = self.clock() + timedelta(seconds=length)
            heapq.heappush(self._running, (ends, claim.id, course, claim, length))

    def _claim(self, turn: int) -> tuple[int, Claim] | None:
        places = [(turn + step) % len(self._queues) for step in range(len(self._queues))]
        for but_no, second_runs in ROUNDS:
            for place in places:
                claim = self._queues[place].claim(Reach(but_no=but_no, second_runs=second_runs))
                if claim is not None:
                    return place, claim
        return None

    def finish_one(self) -> bool:
        """Goes on to the moment at which the next one is done; False where nobody has anything."""
        if not self._running:
            return False
        self.clock.now, _, course, claim, length = heapq.heappop(self._running)
        key = claim.key
        attempt = NewAttempt(
            job=claim.id, student=key.student, assignment=key.assignment, notebook=key.notebook,
            outcome="COMPLETED", detail="", evidence="e", plan="p", image="i", sandbox="fake",
            isolation="fork", seed=0, wall_time_s=length, cells_s=length,
        )  # fmt: skip
        with self.stores[course].writing() as history:
            assert self._queues[course].finish(history, claim)
            if not key.purpose:
                history.add_attempt(attempt, Signature("ann", self.clock(), "simulated"))
        work = course, key.student, key.assignment
        if not key.purpose and self._newest.get(work, key.notebook) == key.notebook:
            self.ended[work] = self.clock()
        if self._leaving:
            self._leaving -= 1
        else:
            self._free.append((course + 1) % len(self.stores))
        self.take()
        return True

    def begin_anew(self) -> None:
        """What is run is given back, and taken once more."""
        for _, _, course, claim, _ in self._running:
            self._queues[course].give_back(claim)
            self._free.append(course)
        self._running.clear()
        self.take()

    def hand_in(self, student: str, assignment: str, notebook: str = "n", *, course: int = 0) -> None:
        file = SubmissionRecord(
            student=student, assignment=assignment, notebook=notebook, path="lab.ipynb",
            submitted_at=self.clock(), late=False, problem="",
        )  # fmt: skip
        store, work = self.stores[course], (course, student, assignment)
        self._newest[work] = notebook
        self.ended.pop(work, None)
        with store.writing() as history:
            history.hand_in(file, Signature(student, self.clock(), "handed in"))
        self._enter(Ask(JobKey(student, assignment, notebook, "p", "i")), course)

    def rerun(self, student: str, assignment: str, *, course: int = 0) -> None:
        self.ended.pop((course, student, assignment), None)
        self._enter(Ask(JobKey(student, assignment, "n", "p", "i"), priority=Priority.RERUN), course)

    def pre_check(self, student: str, assignment: str, *, course: int = 0) -> None:
        key = JobKey(student, assignment, "looked at", "p", "i", PRE_CHECK)
        self._enter(Ask(key, priority=Priority.PRE_CHECK), course)

    def _enter(self, ask: Ask, course: int) -> None:
        with self.stores[course].writing() as history:
            self._queues[course].enqueue(history, [ask], fresh=ask.priority != Priority.HANDED_IN)
        self.take()

    def change(self, number: int) -> None:
        """So many seats come, or leave once they are done."""
        self.forget()
        self.number += number
        self._free += [0] * max(0, number)
        self._leaving += max(0, -number)
        gone = min(self._leaving, len(self._free))
        self._leaving -= gone
        self._free = self._free[gone:]
        self.take()

    def forget(self) -> None:
        """What was told before something changed is nobody's business any more, unless it has come true."""
        self.told = [each for each in self.told if each[0] in self.ended]

    def tell(self, works: Sequence[Work]) -> None:
        """What their students are told at this moment."""
        for course, student, assignment in works:
            beside = [*self.stores[course + 1 :], *self.stores[:course]]
            progress = progress_of(self.stores[course], student, assignment, beside=beside)
            if progress.state == "queued" and progress.paused:
                assert progress.left is None
            elif progress.state == "queued":
                assert progress.left is not None, progress
                self.told.append(((course, student, assignment), self.clock(), progress.left))

    def wrong(self) -> list[tuple[Work, datetime, float, float]]:
        """What was told and is off by more than a fifth, with what was told and what was right."""
        found = []
        for work, at, left in self.told:
            really = self.ended[work] - at
            if abs(left - really) > 0.2 * really:
                found.append((work, at, left.total_seconds(), really.total_seconds()))
        return found
