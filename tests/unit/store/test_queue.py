from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import update

from grader.store import Ask, JobKey, Priority, Queue, Signature, Store, open_store
from grader.store.models import AttemptRow, JobRow, RunRow, WantRow
from grader.store.queue import Claim, Reach
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


def enqueue(store: Store, queue: Queue, *keys: JobKey, fresh: bool = False, **more: Any) -> list[int | None]:
    with store.writing() as history:
        return queue.enqueue(history, [Ask(each, **more) for each in keys], fresh=fresh)


def finish(store: Store, queue: Queue, claim: Claim, outcome: str = "COMPLETED", student: str = "s1") -> bool:
    with store.writing() as history:
        ended = queue.finish(history, claim)
        if ended:
            history.add_attempt(attempt(claim.id, outcome, student), Signature("ta", NOW, "test"))
        return ended


def end_leases(store: Store, **values: object) -> None:
    """As if the time of all leases had passed."""
    with store.database.writing() as session:
        session.execute(
            update(JobRow).where(JobRow.state == "claimed").values({"lease_until": 0.0, **values})
        )
        session.execute(update(RunRow).values(lease_until=0.0))


def states(store: Store) -> list[tuple[str, str]]:
    with store.database.reading() as session:
        return [(row.notebook, row.state) for row in session.query(JobRow).order_by(JobRow.id)]


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
    assert [state for _, state in states(store)] == ["queued", "queued"]


def test_finished_work_is_not_queued_unless_fresh(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key())
    claim = queue.claim()
    assert claim.id == 1
    assert finish(store, queue, claim)
    assert enqueue(store, queue, key()) == [None]
    assert enqueue(store, queue, key(), fresh=True) == [2]


def test_a_change_of_sandbox_alone_repeats_nothing(store: Store, queue: Queue) -> None:
    docker, rebuilt, bubblewrap = (key(image=name) for name in ("sha256:a", "sha256:b", "bubblewrap"))
    enqueue(store, queue, docker)
    finish(store, queue, queue.claim())
    assert enqueue(store, queue, bubblewrap) == [None]
    assert enqueue(store, queue, docker) == [None]
    # An image that was built anew has other packages.
    [again] = enqueue(store, queue, rebuilt)
    assert again is not None
    assert enqueue(store, queue, bubblewrap, fresh=True) != [None]
    # What could not be read is tried where it can.
    enqueue(store, queue, key("s2", image=""), priority=Priority.HANDED_IN)
    unread = next(claim for _ in range(3) if (claim := queue.claim()).key.student == "s2")
    finish(store, queue, unread, "INVALID_SUBMISSION", "s2")
    assert enqueue(store, queue, key("s2", image="bubblewrap")) != [None]


def test_work_that_our_own_fault_ended_is_queued_again(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key())
    finish(store, queue, queue.claim(), "SANDBOX_UNAVAILABLE")
    assert enqueue(store, queue, key()) == [2]


def test_a_claimed_job_is_nobody_elses(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key("s1"), key("s2"))
    with Queue(store) as other:
        enqueue(store, other, key("s1"), key("s2"))
        assert (queue.claim().id, other.claim().id) == (1, 2)
        assert queue.claim() is None
        progress = queue.progress()
        assert (progress.claimed_here, progress.claimed_elsewhere, progress.queued) == (1, 1, 0)


def test_a_run_takes_what_it_asked_for_and_a_worker_without_a_list_takes_anything(
    store: Store, queue: Queue
) -> None:
    enqueue(store, queue, key("s1"))
    with Queue(store) as other:
        enqueue(store, other, key("s2"))
        assert other.claim().key.student == "s2"
        assert other.claim() is None
        assert other.progress().open == 1
        assert other.claim(Reach()).key.student == "s1"


def test_a_run_that_ends_gives_its_claims_back(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key())
    with Queue(store) as other:
        enqueue(store, other, key())
        other.claim()
    assert queue.claim().id == 1


def test_the_end_of_a_claim_that_lapsed_is_refused_and_recorded_nowhere(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key())
    with Queue(store) as other:
        enqueue(store, other, key())
        old = other.claim()
        end_leases(store)
        new = queue.claim()
        assert (new.id, new.token) == (old.id, old.token + 1)
        assert not finish(store, other, old)
        assert other.retry(old, "engine gone") == 0
        other.give_back(old)
        assert queue.progress().claimed_here == 1
        assert finish(store, queue, new)
        assert not finish(store, queue, new)
    with store.database.reading() as session:
        assert [row.job for row in session.query(AttemptRow)] == [1]


def test_an_old_token_is_refused_though_the_same_run_holds_the_job_again(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key())
    old = queue.claim()
    queue.give_back(old)
    new = queue.claim()
    assert not finish(store, queue, old)
    assert finish(store, queue, new)


def test_a_late_beat_still_counts_while_nobody_took_the_job(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key())
    claim = queue.claim()
    end_leases(store)
    assert queue.claim() is None
    queue.beat()
    with Queue(store) as other:
        enqueue(store, other, key())
        assert other.claim() is None
    assert finish(store, queue, claim)


def test_a_beat_frees_what_others_no_longer_renew(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key("s1"), key("s2"), key("s3"))
    queue.claim()
    with Queue(store) as other:
        enqueue(store, other, key("s2"))
        old = other.claim()
        end_leases(store)
        queue.beat()
        assert [state for _, state in states(store)] == ["claimed", "queued", "queued"]
        assert not finish(store, other, old)


@pytest.mark.parametrize("set_back_s", [3600, 10 * 365 * 86400])
def test_a_lease_from_before_the_databases_clock_was_set_back_holds_nobody_up(
    store: Store, queue: Queue, set_back_s: int
) -> None:
    enqueue(store, queue, key())
    with Queue(store) as other:
        enqueue(store, other, key())
        other.claim()
        assert queue.claim() is None
        end_leases(store, lease_until=JobRow.lease_until + set_back_s)
        assert queue.claim().id == 1


def test_a_clock_that_is_wrong_in_a_process_changes_nothing(database: str, tmp_path: Path) -> None:
    past, future = (NOW + timedelta(days=days) for days in (-9999, 9999))
    with (
        open_store(database, evidence=tmp_path, clock=lambda: past) as early,
        open_store(database, evidence=tmp_path, clock=lambda: future) as late,
        Queue(early) as one,
        Queue(late) as other,
    ):
        enqueue(early, one, key("s1"), key("s2"))
        enqueue(late, other, key("s1"), key("s2"))
        assert (one.claim().id, other.claim().id) == (1, 2)
        assert one.claim() is other.claim() is None


def test_what_a_dead_run_asked_for_is_forgotten(store: Store, queue: Queue) -> None:
    Queue(store).__enter__()
    dead = Queue(store).__enter__()
    enqueue(store, dead, key())
    end_leases(store)
    queue.beat()
    with Queue(store), store.database.reading() as session:
        assert session.query(WantRow).count() == 0


def test_failures_are_counted_and_the_claim_is_kept(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key())
    claim = queue.claim()
    assert [queue.retry(claim, "engine gone"), queue.retry(claim, "engine gone")] == [1, 2]
    queue.give_back(claim)
    assert queue.claim().tries == 2


def test_a_killed_process_holds_a_job_no_longer_than_its_lease(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key())
    script = (
        "import os, pathlib, signal, sys; from grader.store import open_store, Queue\n"
        "from grader.store.queue import Reach\n"
        "store = open_store(sys.argv[1], evidence=pathlib.Path(sys.argv[2]))\n"
        "queue = Queue(store, lease_s=0.2); queue.__enter__(); assert queue.claim(Reach())\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, store.location, store.blobs.root], check=False)
    assert killed.returncode == -9
    assert states(store) == [("n", "claimed")]
    waited = threading.Event()
    while (claim := queue.claim()) is None:
        waited.wait(0.05)
    assert (claim.id, claim.token) == (1, 2)


def names(queue: Queue, count: int, **more: Any) -> list[str]:
    return [queue.claim(Reach(**more)).key.student for _ in range(count)]


def test_what_is_handed_in_comes_before_trials_and_these_before_reruns(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key("r1"), key("r2"), priority=Priority.RERUN)
    enqueue(store, queue, key("t"), priority=Priority.TRY_OUT)
    enqueue(store, queue, key("h1"), key("h2"))
    assert names(queue, 5) == ["h1", "h2", "t", "r1", "r2"]


def test_a_job_that_is_asked_for_again_gets_the_more_urgent_turn(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key("r1"), key("r2"), priority=Priority.RERUN)
    enqueue(store, queue, key("r2"))
    enqueue(store, queue, key("r2"), priority=Priority.RERUN)
    assert names(queue, 2) == ["r2", "r1"]


def test_the_course_with_the_fewest_running_comes_first(store: Store, queue: Queue) -> None:
    enqueue(store, queue, *(key(f"big{number}") for number in range(6)), course="big")
    enqueue(store, queue, key("small1"), key("small2"), course="small", priority=Priority.RERUN)
    assert names(queue, 6) == ["big0", "small1", "big1", "small2", "big2", "big3"]
    enqueue(store, queue, key("late"), course="late")
    assert names(queue, 1) == ["late"]


def test_a_worker_takes_what_it_may_and_can_run(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key("other course"), course="b")
    enqueue(store, queue, key("needs a GPU"), gpu=True)
    enqueue(store, queue, key("other image", image="j"))
    enqueue(store, queue, key("other lab", assignment="lab9"))
    enqueue(store, queue, key("fits"))
    enqueue(store, queue, key("nothing to run", image=""))
    reach = {"courses": ("",), "assignments": ("lab2",), "images": ("i",), "gpu": False}
    assert names(queue, 2, **reach) == ["fits", "nothing to run"]
    assert queue.claim(Reach(**reach)) is None
    assert sorted(names(queue, 4)) == ["needs a GPU", "other course", "other image", "other lab"]


def test_a_file_that_replaces_one_that_waits_takes_its_place(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key("s1"), key("s2"), key("s3"))
    enqueue(store, queue, key("s2", notebook="newer"))
    assert [state for _, state in states(store)] == ["queued", "superseded", "queued", "queued"]
    assert names(queue, 1) == ["s1"]
    claim = queue.claim()
    assert (claim.key.student, claim.key.notebook) == ("s2", "newer")
    assert names(queue, 1) == ["s3"]
    assert queue.progress().open == 3
    # The earlier file may come back: it is new work, since the other is being run.
    assert enqueue(store, queue, key("s2")) == [5]


def test_only_the_same_students_handed_in_files_that_wait_are_replaced(store: Store, queue: Queue) -> None:
    enqueue(store, queue, key("running"))
    queue.claim()
    enqueue(store, queue, key("s1", assignment="lab9"))
    enqueue(store, queue, key("s1", notebook="elsewhere"), course="b")
    enqueue(store, queue, key("s1", notebook="trial"), priority=Priority.TRY_OUT)
    enqueue(store, queue, key("running", notebook="newer"), key("s1", notebook="newer"))
    enqueue(store, queue, key("s1", notebook="trial2"), priority=Priority.TRY_OUT)
    assert [state for _, state in states(store)] == ["claimed", *["queued"] * 6]


def test_two_files_of_one_student_that_come_together_replace_one_before_them_and_not_each_other(
    store: Store, queue: Queue
) -> None:
    enqueue(store, queue, key("s1", notebook="old"))
    enqueue(store, queue, key("s1", notebook="a"), key("s1", notebook="b"))
    assert states(store) == [("old", "superseded"), ("a", "queued"), ("b", "queued")]


def test_claims_do_not_wait_for_a_writer_of_the_history_nor_for_each_other(
    postgresql_store: Store,
) -> None:
    store = postgresql_store
    with Queue(store) as queue:
        enqueue(store, queue, key("s1"), key("s2"), key("s3"))
        with store.writing():
            first = queue.claim()
            queue.beat()
            queue.retry(first, "engine gone")
            queue.give_back(queue.claim())
        with store.database.queueing() as session:
            session.query(JobRow).where(JobRow.id == 2).with_for_update().one()
            assert queue.claim().id == 3
        assert queue.claim().id == 2


def test_a_beat_does_not_wait_for_ends_that_are_being_written(postgresql_store: Store) -> None:
    store = postgresql_store
    with Queue(store) as queue:
        enqueue(store, queue, key("s1"), key("s2"), key("s3"))
        first, second, third = (queue.claim() for _ in range(3))
        end_leases(store)
        with store.writing() as history:
            assert queue.finish(history, second)
            queue.beat()
            assert queue.finish(history, first)
        with Queue(store) as other:
            enqueue(store, other, key("s3"))
            assert other.claim() is None
        assert finish(store, queue, third, student="s3")


def test_writers_that_wait_leave_connections_for_claims(postgresql_store: Store) -> None:
    store = postgresql_store
    wait = threading.Barrier(31, timeout=60)

    def write() -> None:
        wait.wait()
        with store.writing():
            pass

    with Queue(store) as queue, open_store(store.location) as other:
        enqueue(store, queue, key())
        threads = [threading.Thread(target=write) for _ in range(30)]
        with other.writing():
            for thread in threads:
                thread.start()
            wait.wait()
            assert queue.claim().id == 1
            assert store.database.engine.pool.checkedout() <= 1
        for thread in threads:
            thread.join()


@pytest.fixture
def postgresql_store(postgresql_server: Path, tmp_path: Path) -> Iterator[Store]:
    from tests import postgresql

    location = postgresql.migrated_database(postgresql_server)
    with open_store(location, evidence=tmp_path / "evidence", busy_timeout_s=60.0) as opened:
        yield opened


def test_many_that_claim_at_once_get_each_job_once(store: Store, queue: Queue) -> None:
    enqueue(store, queue, *(key(f"s{number}") for number in range(60)))
    taken: list[int] = []

    def take() -> None:
        while (claim := queue.claim()) is not None:
            taken.append(claim.id)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 61))


class QueueMachine(RuleBasedStateMachine):
    """Runs come, claim, fail, die and leave in any order; no work is lost and none is done twice."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(f"{self.folder.name}/grader.db")
        self.runs: list[Queue] = []
        self.claims: dict[str, list[Claim]] = {}
        #: Of runs that died: they may yet tell an end.
        self.orphans: list[tuple[Queue, Claim]] = []
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
            claim = self.runs[which].claim(Reach())
            if claim is not None:
                assert all(claim.id != other.id for held in self.claims.values() for other in held)
                self.claims[self.runs[which].run].append(claim)

    @rule(which=st.integers(0, 2))
    def end_a_job(self, which: int) -> None:
        if which < len(self.runs) and self.claims[self.runs[which].run]:
            claim = self.claims[self.runs[which].run].pop()
            assert finish(self.store, self.runs[which], claim, student=claim.key.student)

    @rule(which=st.integers(0, 2))
    def die(self, which: int) -> None:
        if which < len(self.runs):
            run = self.runs.pop(which)
            self.orphans += [(run, claim) for claim in self.claims.pop(run.run)]
            with self.store.database.writing() as session:
                session.execute(update(JobRow).where(JobRow.run == run.run).values(lease_until=0.0))

    @rule()
    def come_back_late(self) -> None:
        if self.orphans:
            run, claim = self.orphans.pop()
            finish(self.store, run, claim, student=claim.key.student)

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
