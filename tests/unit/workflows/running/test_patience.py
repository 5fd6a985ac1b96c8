"""A database that is away for a while: waited for with results in hand, told once, and not for ever."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import make_url

from grader.cli.sandboxed import interruptible
from grader.errors import EvidenceUnavailable, SandboxUnavailable, StoreError, StoreUnavailable
from grader.evidence.codec import Bundle
from grader.facts.case import Reference
from grader.intake import find_submissions
from grader.sandbox.base import Job
from grader.sandbox.fake import FakeSandbox
from grader.store import Store, open_store
from grader.store.blobs import BlobStore
from grader.store.leases import LEASE_S
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running import patience
from grader.workflows.running.events import Away, Back, Event, Finished, Stopping
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.recording import Prepared, Recording
from grader.workflows.running.run import RunReport, run
from grader.workflows.running.stopping import STOPS, StopSignal
from tests import course, graded_once

STUDENTS = ("s1", "s2", "s3")
#: What a run had claimed that could not say so at its end is free after so long, in place of half a minute.
SHORT_S = 0.5


class Outage:
    """Takes a database away from all others, and gives it back."""

    def __init__(self, location: str) -> None:
        self._location = location
        self._over: Callable[[], object] | None = None

    def begin(self) -> None:
        self._over = self._close_server() if "://" in self._location else self._hold_file()

    def end(self) -> None:
        over, self._over = self._over, None
        if over is not None:
            over()

    def _hold_file(self) -> Callable[[], object]:
        holder = sqlite3.connect(self._location, isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
        return holder.close

    def _close_server(self) -> Callable[[], object]:
        """As others see a restart: their connections break, and new ones are refused for a while."""
        import psycopg

        url = make_url(self._location)
        admin = psycopg.connect(host=url.query["host"], user="grader", dbname="postgres", autocommit=True)
        admin.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false')
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [url.database]
        )

        def over() -> None:
            admin.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true')
            admin.close()

        return over


@dataclass
class Class:
    """A class of three, a database that can be taken away, and all that was told."""

    root: Path
    store: Store
    outage: Outage
    events: list[Event] = field(default_factory=list)
    stop: StopSignal = field(default_factory=StopSignal)

    def grade(
        self,
        box: FakeSandbox,
        heard: Callable[[Event], object] = lambda _: None,
        stop: StopSignal | None = None,
        lease_s: float = LEASE_S,
    ) -> RunReport:
        def notify(event: Event) -> None:
            self.events.append(event)
            heard(event)

        rubric = load_rubric_file(course.write_rubric(self.root))
        files = [read_file(item) for item in find_submissions(self.root / "submissions").submissions]
        return run(
            plan_work(files, lambda _: rubric),
            store=self.store,
            reference=Reference(),
            open_sandbox=lambda: box,
            notify=notify,
            stop=stop or self.stop,
            actor="ta",
            jobs=1,
            lease_s=lease_s,
        )

    def check_that_each_is_graded_once(self) -> None:
        graded_once.check(self.store, self.root / "submissions", self.root / "mini.yaml")


@pytest.fixture
def lab(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Class]:
    monkeypatch.setattr(patience, "_PAUSE_S", 0.01)
    for student in STUDENTS:
        course.hand_in(tmp_path / "submissions", student, course.GOOD, f"name = {student!r}")
    open_store(database, evidence=tmp_path / "evidence").close()
    outage = Outage(database)
    with open_store(database, evidence=tmp_path / "evidence", busy_timeout_s=0.01) as store:
        # Who holds the lock is soon given up; what another thread of the run writes is no outage.
        monkeypatch.setattr(store.database, "_busy_timeout_s", 60.0)
        yield Class(tmp_path, store, outage)
        outage.end()


def beginning(outage: Outage, at: int) -> Callable[[Job], Bundle]:
    """Answers of a sandbox; the database goes while the submission number `at` runs."""
    asked = iter(range(1, 100))

    def answer(job: Job) -> Bundle:
        if next(asked) == at:
            outage.begin()
        return course.answer(job)

    return answer


@pytest.mark.parametrize("at", [1, 3])
def test_a_database_that_comes_back_gets_the_results_in_hand(lab: Class, at: int) -> None:
    box = course.sandbox(beginning(lab.outage, at))
    report = lab.grade(box, lambda event: lab.outage.end() if isinstance(event, Away) else None)
    assert report.unfinished == 0
    assert [result.verdict.points for result in report.results] == [2.0] * 3
    assert len(box.jobs) == 3
    told = [type(event) for event in lab.events if isinstance(event, Away | Back)]
    # Once more at the most, by the thread that met it and tells of it when the other has found it over.
    assert told == [Away, Back] * (len(told) // 2)
    assert told
    lab.check_that_each_is_graded_once()


def test_a_database_that_is_away_at_the_very_end_does_not_spoil_the_run(
    lab: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_off = lab.store.database.disconnect

    def go(*_: object) -> None:
        monkeypatch.undo()
        lab.outage.begin()
        sign_off()

    box = course.sandbox()
    close, box.close = box.close, go  # type: ignore[method-assign]
    report = lab.grade(box, lambda event: lab.outage.end() if isinstance(event, Away) else None)
    close()
    assert report.unfinished == 0
    lab.check_that_each_is_graded_once()


def test_a_database_that_stays_away_ends_the_run_and_the_next_completes_it(
    lab: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LONGEST_S", 0.05)
    with pytest.raises(StoreUnavailable):
        lab.grade(course.sandbox(beginning(lab.outage, 2)), lease_s=SHORT_S)
    lab.outage.end()
    assert lab.grade(course.sandbox(), stop=StopSignal()).unfinished == 0
    lab.check_that_each_is_graded_once()


def test_a_first_press_waits_on_for_what_is_to_be_written_and_a_second_does_not(lab: Class) -> None:
    def press(event: Event) -> None:
        if isinstance(event, Away):
            lab.stop.press()
        if isinstance(event, Stopping) and not event.now:
            # Whoever pressed once has heard of it, and the result is still in hand.
            lab.stop.press()

    with pytest.raises(StoreUnavailable):
        lab.grade(course.sandbox(beginning(lab.outage, 1)), press, lease_s=SHORT_S)
    assert [event.now for event in lab.events if isinstance(event, Stopping)] == [False, True]
    lab.outage.end()
    assert lab.grade(course.sandbox(), stop=StopSignal()).unfinished == 0
    lab.check_that_each_is_graded_once()


def test_a_beat_that_cannot_be_written_now_stops_nothing(lab: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    missed = threading.Event()

    def away(*_: object) -> None:
        missed.set()
        raise StoreUnavailable("the database is locked by another program")

    def answer(job: Job) -> Bundle:
        assert missed.wait(60)
        return course.answer(job)

    monkeypatch.setattr("grader.store.Queue.beat_s", 0.0)
    monkeypatch.setattr("grader.store.Queue.beat", away)
    assert lab.grade(course.sandbox(answer)).unfinished == 0
    lab.check_that_each_is_graded_once()


def test_a_commit_whose_answer_was_lost_is_found_and_not_done_twice(
    lab: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, lost = Recording.write, []

    def lose_the_answer(recording: Recording, result: Prepared) -> bool:
        written = write(recording, result)
        if not lost:
            lost.append(result)
            raise StoreUnavailable("the database server does not answer")
        return written

    monkeypatch.setattr(Recording, "write", lose_the_answer)
    assert lab.grade(course.sandbox()).unfinished == 0
    assert [event.student for event in lab.events if isinstance(event, Finished)] == list(STUDENTS)
    lab.check_that_each_is_graded_once()


def test_what_no_waiting_mends_is_raised_at_once() -> None:
    told: list[Event] = []

    def damaged() -> None:
        raise StoreError("the database is damaged")

    with pytest.raises(StoreError, match="damaged"):
        patience.Patience(told.append, StopSignal()).until_done(damaged)
    assert told == []


def test_evidence_that_cannot_be_reached_for_a_while_is_waited_for_with_the_result_in_hand(
    lab: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, failed = type(lab.store.blobs).put, itertools.count(1)

    def flaky(blobs: BlobStore, content: bytes) -> str:
        # At the start, when the second is queued, and when what came of it is to be kept.
        if next(failed) in (1, 2, 4, 7, 8):
            raise EvidenceUnavailable("evidence cannot be stored")
        return put(blobs, content)

    monkeypatch.setattr(type(lab.store.blobs), "put", flaky)
    box = course.sandbox()
    assert lab.grade(box).unfinished == 0
    assert len(box.jobs) == 3
    names = {event.name for event in lab.events if isinstance(event, Away | Back)}
    assert names == {"the place of evidence"}
    assert isinstance(lab.events[0], Away)
    lab.check_that_each_is_graded_once()


@pytest.mark.parametrize("begun", [False, True])
def test_one_press_ends_the_waiting_before_anything_is_in_hand(begun: bool) -> None:
    stop, tries = StopSignal(), []

    def away() -> None:
        tries.append(1)
        stop.press()
        raise StoreUnavailable("the database server does not answer")

    waiting = patience.Patience(lambda _: None, stop)
    with pytest.raises(StoreUnavailable):
        (waiting.until_done if begun else waiting.until_begun)(away)
    assert len(tries) == (2 if begun else 1)


@pytest.fixture
def heeded() -> Iterator[None]:
    """Signals as a shell leaves them to what it starts in the foreground, whatever started the tests."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in STOPS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
def test_each_signal_that_asks_to_stop_does_what_ctrl_c_does(
    lab: Class, heeded: None, number: signal.Signals, presses: int
) -> None:
    removed = threading.Event()
    with interruptible() as stop:

        def answer(job: Job) -> Bundle | Exception:
            for has_come in ("finishing", "now")[:presses]:
                os.kill(os.getpid(), number)
                while not getattr(stop, has_come):
                    stop.rest(0.01)
            if presses == 1:
                return course.answer(job)
            assert removed.wait(60)
            return SandboxUnavailable("container removed")

        box = course.sandbox(answer)
        box.close = removed.set  # type: ignore[method-assign]
        report = lab.grade(box, stop=stop)
    assert report.unfinished == (2 if presses == 1 else 3)
    assert lab.grade(course.sandbox(), stop=StopSignal()).unfinished == 0
    lab.check_that_each_is_graded_once()


def test_a_terminal_that_was_closed_stops_nothing_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.finishing
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
