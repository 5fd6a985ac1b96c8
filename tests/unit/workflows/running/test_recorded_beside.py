"""A run records what a notebook left while the next one runs already, and loses none of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from grader.errors import StoreError
from grader.evidence.codec import Bundle
from grader.facts.case import Reference
from grader.intake import find_submissions
from grader.sandbox.base import Job
from grader.store import Queue, Store, open_store
from grader.store.queue import Claim
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.aside import Aside
from grader.workflows.running.events import Event, Finished, Recorded, Started
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.recording import Prepared, Recording
from grader.workflows.running.run import RunReport, run
from grader.workflows.running.stopping import StopSignal
from tests import course, graded_once

STUDENTS = ("s1", "s2", "s3", "s4")


@dataclass
class Class:
    """A class of four, of which the sandbox is asked in their order.

    Attributes:
        asked, written: Whose notebook the sandbox was given by now, and of whom a result stands.
        before_write: Called before each result is written.
    """

    root: Path
    store: Store
    stop: StopSignal = field(default_factory=StopSignal)
    events: list[Event] = field(default_factory=list)
    asked: dict[str, threading.Event] = field(default_factory=dict)
    written: dict[str, threading.Event] = field(default_factory=dict)
    before_write: Callable[[str], object] = lambda student: None

    def grade(self, *, jobs: int = 1, run_of: Callable[[str], object] = lambda _: None) -> RunReport:
        """`run_of` is called while the notebook of a student runs."""
        rubric = load_rubric_file(course.write_rubric(self.root))
        files = [read_file(item) for item in find_submissions(self.root / "submissions").submissions]

        def answer(job: Job) -> Bundle:
            [student] = [each for each in STUDENTS if each.encode() in job.notebook]
            self.asked[student].set()
            run_of(student)
            return course.answer(job)

        self.asked, self.written = ({student: threading.Event() for student in STUDENTS} for _ in range(2))
        return run(
            plan_work(files, lambda _: rubric),
            store=self.store,
            reference=Reference(),
            open_sandbox=lambda: course.sandbox(answer),
            notify=self.events.append,
            stop=self.stop,
            actor="ta",
            jobs=jobs,
        )

    def finish(self) -> None:
        """A later run completes what this one left, and each is graded once."""
        self.stop, self.before_write = StopSignal(), lambda student: None
        assert self.grade().unfinished == 0
        graded_once.check(self.store, self.root / "submissions", self.root / "mini.yaml")

    def of(self, kind: type[Started | Recorded | Finished]) -> list[str]:
        return [event.student for event in self.events if isinstance(event, kind)]


@pytest.fixture
def lab(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Class]:
    write = Recording.write

    def written(recording: Recording, result: Prepared) -> bool:
        student = result.attempt.student
        group.before_write(student)
        stands = write(recording, result)
        group.written[student].set()
        return stands

    monkeypatch.setattr(Recording, "write", written)
    for student in STUDENTS:
        course.hand_in(tmp_path / "submissions", student, course.GOOD, f"name = {student!r}")
    with open_store(database, evidence=tmp_path / "evidence") as store:
        group = Class(tmp_path, store)
        yield group


def following(student: str, by: int = 1) -> str | None:
    place = STUDENTS.index(student) + by
    return STUDENTS[place] if place < len(STUDENTS) else None


def test_the_next_notebook_runs_before_the_former_is_recorded(lab: Class) -> None:
    def act(student: str) -> None:
        after = following(student)
        assert after is None or lab.asked[after].wait(60)

    lab.before_write = act
    assert lab.grade().unfinished == 0
    assert lab.of(Finished) == list(STUDENTS)
    lab.finish()


def test_one_result_at_most_waits(lab: Class) -> None:
    too_early: list[str] = []

    def look(student: str) -> None:
        before = STUDENTS[: max(0, STUDENTS.index(student) - 1)]
        too_early.extend(each for each in before if not lab.written[each].is_set())

    def act(student: str) -> None:
        after = following(student, 2)
        if after is not None:
            # Not before this is written; where it could come, it would come soon.
            lab.asked[after].wait(0.1)

    lab.before_write = act
    assert lab.grade(run_of=look).unfinished == 0
    assert too_early == []
    lab.finish()


def test_each_is_told_of_in_order(lab: Class) -> None:
    lab.grade()
    for student in STUDENTS:
        kinds = [type(event) for event in lab.events if getattr(event, "student", "") == student]
        assert [kind for kind in kinds if kind in (Started, Recorded, Finished)] == [
            Started,
            Recorded,
            Finished,
        ]
    assert lab.of(Started) == lab.of(Recorded) == lab.of(Finished) == list(STUDENTS)


@pytest.mark.parametrize("presses", [1, 2])
def test_a_stop_between_loses_nothing_that_was_run(lab: Class, presses: int) -> None:
    pressed = threading.Event()

    def act(student: str) -> None:
        # The first is still to be written when the stop comes, and the second is running.
        assert pressed.wait(60)

    def press(student: str) -> None:
        if student == "s2":
            for _ in range(presses):
                lab.stop.press()
            pressed.set()

    lab.before_write = act
    report = lab.grade(run_of=press)
    assert [result.student for result in report.results if result.attempt is not None] == ["s1", "s2"]
    assert report.unfinished == 2
    assert lab.of(Started) == ["s1", "s2"]
    lab.finish()


def test_what_cannot_be_recorded_ends_the_run_with_its_error_and_the_next_is_still_recorded(
    lab: Class,
) -> None:
    def act(student: str) -> None:
        if student == "s1":
            assert lab.asked["s2"].wait(60)
            raise StoreError("no room on the disk")

    def until_told(student: str) -> None:
        while student == "s2" and not lab.stop.finishing:
            lab.stop.pause(0.01)

    lab.before_write = act
    with pytest.raises(StoreError, match="no room on the disk"):
        lab.grade(run_of=until_told)
    # The error was known while the second ran: nothing more was begun.
    assert lab.of(Started) == ["s1", "s2"]
    assert lab.of(Finished) == ["s2"]
    assert not lab.stop.now
    lab.events.clear()
    lab.finish()
    assert lab.of(Started) == ["s1", "s3", "s4"]


def test_what_is_claimed_while_a_stop_comes_is_not_begun(lab: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    claim, claimed = Queue.claim, []

    def and_press(queue: Queue) -> Claim | None:
        job = claim(queue)
        claimed.append(job)
        if len(claimed) == 2:
            lab.stop.press()
        return job

    with monkeypatch.context() as patch:
        patch.setattr(Queue, "claim", and_press)
        assert lab.grade().unfinished == 3
    assert lab.of(Started) == ["s1"]
    lab.finish()


def test_nothing_is_left_of_an_aside_and_all_that_failed_is_told() -> None:
    failed: list[BaseException] = []
    done: list[int] = []

    def fail() -> None:
        raise StoreError("no room on the disk")

    with Aside("records-of-a-test", failed.append) as beside:
        beside.begin(fail)
        beside.begin(lambda: done.append(1))
        beside.begin(fail)
    assert done == [1]
    assert [str(error) for error in failed] == ["no room on the disk"] * 2
    assert not [each for each in threading.enumerate() if each.name.startswith("records-of-a-test")]
