"""Plays of queues and seats by chance: what students are told meanwhile is compared with what comes."""

from __future__ import annotations

import random
from collections.abc import Sequence

from grader.store import Store
from grader.workflows.desk.steering import pause, resume
from tests.unit.workflows.conftest import Clock
from tests.unit.workflows.handing_in.seats import LENGTHS, Seats, Work

__all__ = ["play"]


def play(stores: Sequence[Store], clock: Clock, seed: int) -> Seats:
    """Files of unequal labs, files in place of others, re-runs and pre-checks, until all of it is run.

    Meanwhile seats come and go, and the queue or an assignment is paused and resumed.
    """
    chance = random.Random(seed)
    seats = Seats(stores, clock, chance.randint(1, 5), seed)
    asked = _rush(seats, chance)
    changed, stopped, resumed = sorted(chance.sample(range(1, 12), 3))
    step = 0
    while True:
        if step % 2 == 0:
            seats.tell(asked)
        step += 1
        if step == changed:
            seats.change(chance.choice([-1, 1, 2]) if seats.number > 1 else 1)
        if step == stopped:
            seats.forget()
            for store in stores:
                pause(store, chance.choice(["", "lab2"]), "a mistake in the data", actor="ann")
        if step == resumed:
            seats.forget()
            _resume(stores)
            seats.take()
        if not seats.finish_one() and step > resumed:
            return seats


def _rush(seats: Seats, chance: random.Random) -> list[Work]:
    """All hand in, some twice, after a first run of each lab; gives those that will ask how long it takes."""
    courses = range(len(seats.stores))
    known = [(course, f"k{each}", lab) for course in courses for each in range(2) for lab in LENGTHS]
    for course, student, lab in known:
        seats.hand_in(student, lab, course=course)
    while seats.finish_one():
        pass
    seats.clock.pass_days(1)
    works: list[Work] = []
    for each in range(chance.randint(20, 40)):
        work = chance.choice(courses), f"s{each:02d}", chance.choice(["lab1", "lab1", "lab2"])
        works.append(work)
        seats.hand_in(*work[1:], course=work[0])
    again = chance.sample(known, 3)
    for course, student, lab in again:
        seats.rerun(student, lab, course=course)
        seats.pre_check(student, lab, course=course)
    for work in chance.sample(works, 4):
        # Whose file is run already has the newer one run besides; all others keep their turn.
        seats.hand_in(*work[1:], "another", course=work[0])
    return [*chance.sample(works, 8), *again]


def _resume(stores: Sequence[Store]) -> None:
    for store in stores:
        with store.reading() as history:
            paused = [each.assignment for each in history.pauses()]
        for each in paused:
            resume(store, each, "it is mended", actor="ann")
