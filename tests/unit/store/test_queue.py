from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from grader.store import JobKey, Queue, Signature, Store, open_store
from grader.store.models import AttemptRow, JobRow, RunRow
from grader.store.queue import RunLock, is_alive
from grader.store.records import NewAttempt

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def key(student: str = "s1", **more: str) -> JobKey:
    return JobKey(
        **{"assignment": "lab2", "notebook": "n", "plan": "p", "image": "i", "student": student} | more
    )


def attempt(job: int, outcome: str = "COMPLETED", student: str = "s1") -> NewAttempt:
    return NewAttempt(
        job=job, student=student, assignment="lab2", notebook="n", outcome=outcome, detail="", evidence="e",
        plan="p", image="i", sandbox="fake", isolation="fork", seed=0, wall_time_s=1.0, cells_s=0.5,
    )  # fmt: skip


def enqueue(store: Store, queue: Queue, *keys: JobKey, fresh: bool = False) -> list[int | None]:
    with store.writing() as history:
        return queue.enqueue(history, keys, fresh=fresh)


def finish(store: Store, queue: Queue, job: int, outcome: str = "COMPLETED", student: str = "s1") -> bool:
    with store.writing() as history:
        ended = queue.finish(history, job)
        if ended:
            history.add_attempt(attempt(job, outcome, student), Signature("ta", NOW, "test"))
        return ended


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(database, evidence=tmp_path / "evidence") as opened:
        yield opened


@pytest.fixture
def queue(store: Store) -> Iterator[Queue]:
    with Queue(store) as opened:
        yield opened


def test_open_work_is_queued_once(store: Store, queue: Queue) -> None:
    assert enqueue(store, queue, key()) == enqueue(store, queue, key()) == [1]


@pytest.mark.parametrize("part", ["student", "assignment", "notebook", "plan", "image"])
def test_any_part_of_the_key_makes_it_other_work(store: Store, queue: Queue, part: str) -> None:
    assert enqueue(store, queue, key(), key(**{part: "other"})) == [1, 2]


def test_finished_work_is_not_queued_unless_fresh(store: Store, queue: Queue) -> None:
    [job] = enqueue(store, queue, key())
    assert queue.claim([job]).id == job
    assert finish(store, queue, job)
    assert enqueue(store, queue, key()) == [None]
    assert enqueue(store, queue, key(), fresh=True) == [2]


def test_a_change_of_sandbox_alone_repeats_nothing(store: Store, queue: Queue) -> None:
    docker, rebuilt, bubblewrap = (key(image=name) for name in ("sha256:a", "sha256:b", "bubblewrap"))
    [job] = enqueue(store, queue, docker)
    queue.claim([job])
    finish(store, queue, job)
    assert enqueue(store, queue, bubblewrap) == [None]
    assert enqueue(store, queue, docker) == [None]
    # An image that was built anew has other packages.
    [again] = enqueue(store, queue, rebuilt)
    assert again is not None
    assert enqueue(store, queue, bubblewrap, fresh=True) != [None]
    # What could not be read is tried where it can.
    [unread] = enqueue(store, queue, key("s2", image=""))
    queue.claim([unread])
    finish(store, queue, unread, "INVALID_SUBMISSION", "s2")
    assert enqueue(store, queue, key("s2", image="bubblewrap")) != [None]


def test_work_that_our_own_fault_ended_is_queued_again(store: Store, queue: Queue) -> None:
    [job] = enqueue(store, queue, key())
    queue.claim([job])
    finish(store, queue, job, "SANDBOX_UNAVAILABLE")
    assert enqueue(store, queue, key()) == [2]


def test_a_claimed_job_is_nobody_elses(store: Store, queue: Queue) -> None:
    jobs = enqueue(store, queue, key("s1"), key("s2"))
    with Queue(store) as other:
        assert (queue.claim(jobs).id, other.claim(jobs).id) == (1, 2)
        assert queue.claim(jobs) is None
        progress = queue.progress(jobs)
        assert (progress.claimed_here, progress.claimed_elsewhere, progress.queued) == (1, 1, 0)


def test_only_the_jobs_asked_for_are_claimed(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key("s1"), key("s2"))
    assert queue.claim([2]).id == 2
    assert queue.claim([2]) is None


def test_a_run_that_ends_gives_its_claims_back(store: Store, queue: Queue) -> None:
    jobs = enqueue(store, queue, key())
    with Queue(store) as other:
        other.claim(jobs)
    assert queue.claim(jobs).id == 1


def test_a_job_that_was_taken_over_cannot_be_finished_by_its_first_owner(store: Store, queue: Queue) -> None:
    jobs = enqueue(store, queue, key())
    first = Queue(store)
    first.__enter__()
    first.claim(jobs)
    first._lock.release()
    assert queue.claim(jobs).id == 1
    assert not finish(store, first, 1)
    assert finish(store, queue, 1)
    with store.database.reading() as session:
        assert session.query(AttemptRow).count() == 1


def test_failures_are_counted_and_the_claim_is_kept(store: Store, queue: Queue) -> None:
    jobs = enqueue(store, queue, key())
    queue.claim(jobs)
    assert [queue.retry(1, "engine gone"), queue.retry(1, "engine gone")] == [1, 2]
    queue.give_back(1)
    assert queue.claim(jobs).tries == 2


def run_row(**more: object) -> RunRow:
    values = {
        "id": "r",
        "host": "elsewhere",
        "pid": 1,
        "started_at": NOW,
        "heartbeat_at": NOW,
        "ended_at": None,
    }
    return RunRow(**(values | more))


@pytest.mark.parametrize(
    ("age_s", "alive"), [(0, True), (30, True), (61, False), (-30, True), (-3600, False)]
)
def test_a_run_elsewhere_lives_by_its_heartbeat_whichever_way_the_clock_jumped(
    tmp_path: Path, age_s: float, alive: bool
) -> None:
    assert is_alive(run_row(), tmp_path, NOW + timedelta(seconds=age_s)) is alive


def test_a_run_here_lives_by_its_lock_however_old_its_heartbeat(tmp_path: Path) -> None:
    here = run_row(host=socket.gethostname())
    lock = RunLock(tmp_path, "r")
    assert is_alive(here, tmp_path, NOW + timedelta(days=1))
    lock.release()
    assert not is_alive(here, tmp_path, NOW)


def test_a_run_that_ended_is_not_alive(tmp_path: Path) -> None:
    assert not is_alive(run_row(ended_at=NOW), tmp_path, NOW)


def test_a_killed_process_holds_nothing(store: Store, queue: Queue) -> None:
    jobs = enqueue(store, queue, key())
    script = (
        "import os, pathlib, signal, sys; from grader.store import open_store, Queue\n"
        "store = open_store(sys.argv[1], evidence=pathlib.Path(sys.argv[2]))\n"
        "queue = Queue(store); queue.__enter__(); assert queue.claim([1])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, store.location, store.blobs.root], check=False)
    assert killed.returncode == -9
    with store.database.reading() as session:
        assert session.query(JobRow).one().state == "claimed"
    assert queue.claim(jobs).id == 1


class QueueMachine(RuleBasedStateMachine):
    """Runs come, claim, fail, die and leave in any order; no work is lost and none is done twice."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(f"{self.folder.name}/grader.db")
        self.runs: list[Queue] = []
        self.claims: dict[str, list[int]] = {}
        self.wanted: set[str] = set()

    def teardown(self) -> None:
        for run in self.runs:
            run.__exit__()
        self.store.close()
        self.folder.cleanup()

    @rule()
    def begin(self) -> None:
        if len(self.runs) < 3:
            run = Queue(self.store)
            run.__enter__()
            self.runs.append(run)
            self.claims[run.run] = []

    @rule(which=st.integers(0, 2), student=st.sampled_from(["a", "b", "c"]))
    def ask(self, which: int, student: str) -> None:
        if which < len(self.runs):
            enqueue(self.store, self.runs[which], key(student))
            self.wanted.add(student)

    @rule(which=st.integers(0, 2))
    def claim(self, which: int) -> None:
        if which < len(self.runs):
            with self.store.database.reading() as session:
                jobs = [row.id for row in session.query(JobRow)]
            job = self.runs[which].claim(jobs)
            if job is not None:
                assert all(job.id not in held for held in self.claims.values())
                self.claims[self.runs[which].run].append(job.id)

    @rule(which=st.integers(0, 2))
    def end_a_job(self, which: int) -> None:
        if which < len(self.runs) and self.claims[self.runs[which].run]:
            job = self.claims[self.runs[which].run].pop()
            with self.store.database.reading() as session:
                student = session.get(JobRow, job).student
            assert finish(self.store, self.runs[which], job, student=student)

    @rule(which=st.integers(0, 2))
    def die(self, which: int) -> None:
        if which < len(self.runs):
            run = self.runs.pop(which)
            self.claims.pop(run.run)
            run._lock.release()

    @rule(which=st.integers(0, 2))
    def leave(self, which: int) -> None:
        if which < len(self.runs):
            run = self.runs.pop(which)
            self.claims.pop(run.run)
            run.__exit__()

    @invariant()
    def every_wanted_submission_is_open_or_done_once(self) -> None:
        with self.store.database.reading() as session:
            open_jobs = [row.student for row in session.query(JobRow).where(JobRow.state != "done")]
            done = [row.student for row in session.query(AttemptRow)]
        assert sorted(open_jobs + done) == sorted(self.wanted)


QueueMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
test_no_order_of_events_loses_or_repeats_work = QueueMachine.TestCase
