"""Attempts are run once more, elsewhere and with another seed; what differs is shown, no mark is touched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from grader.evidence.codec import Bundle, encode
from grader.evidence.parcel import unpack_parcel
from grader.evidence.record import CellRun, Outcome
from grader.facts.case import Reference
from grader.sandbox.base import Job
from grader.store import Signature, Store, open_store
from grader.store.audit import audit
from grader.store.models import AttemptRow, JobRow, LedgerRow, VerdictRow
from grader.store.second_run_tables import SecondRunRow
from grader.store.second_runs import is_drawn
from grader.store.workers import WorkerRecord
from grader.workflows.desk.steadiness import say_one_in, steadiness
from grader.workflows.leasing.remote import End, Leased, RemoteDesk
from tests import course, factories
from tests.judged_here import JudgedHere
from tests.queued import queue_up

RUBRIC = """\
assignment: mini
title: A small lab
total: 5
criteria:
  - id: error
    title: A small error
    points: 5
    check: printed_number
    pattern: 'error: ([0-9.]+)'
    below: 0.1
"""
#: Both print a number with the seed in it; of one it decides.
UNSTEADY = "print('error:', random())"
STEADY = "print('error:', random() / 100)"


class Server:
    """A course whose every attempt is run twice, and two hosts."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.store = store
        self.rubric = course.write_rubric(folder / "rubrics", RUBRIC)
        self.desk = RemoteDesk({"course": store}, Reference(), [folder], pool=JudgedHere(1))
        for name in ("one", "two"):
            store.workers.let_in(name, "ann")
        self.one, self.two = store.workers.all()

    def queue(self, student: str, source: str, *, fresh: bool = False) -> None:
        queue_up(self.store, student, source, rubric=self.rubric, fresh=fresh)

    def claim(self, worker: WorkerRecord) -> Leased | None:
        return next(iter(self.desk.claim(worker, image="fake", gpu=False)), None)

    def work(self, worker: WorkerRecord, *, outcome: Outcome = Outcome.COMPLETED) -> bool:
        """Takes one job and ends it; False where there is none."""
        leased = self.claim(worker)
        if leased is None:
            return False
        parcel = unpack_parcel(leased.parcel)
        job = Job("a", parcel.notebook, parcel.plan)
        bundle = course.sandbox(lambda each: _ran(each, outcome)).open(parcel.plan).run(job)
        raw = encode(bundle)
        self.desk.finish(worker, End(leased.lease, hashlib.sha256(raw).hexdigest(), raw))
        return True

    def history(self) -> tuple[int, str]:
        """How long it is, and its newest seal."""
        with self.store.database.reading() as session:
            newest = session.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc()).limit(1)).one()
            return newest.seq, newest.digest


def _ran(job: Job, outcome: Outcome) -> Bundle:
    """Its first cell prints a number that goes by the seed."""
    made = course.answer(job, outcome=outcome)
    number = 0.05 if job.plan.seed == 0 else 0.5
    cells = []
    for cell in made.evidence.cells:
        shown = number / 100 if "/ 100" in cell.source else number
        run = CellRun(status="ok", duration_s=0.5, outputs=(factories.stdout(f"error: {shown}\n"),))
        cells.append(cell.model_copy(update={"run": run}))
    return Bundle(made.evidence.model_copy(update={"cells": tuple(cells)}))


@pytest.fixture
def server(tmp_path: Path, database: str) -> Iterator[Server]:
    with open_store(database, evidence=tmp_path / "evidence") as store:
        say_one_in(store, "", 1)
        yield Server(tmp_path, store)


def count(store: Store, table: type) -> int:
    with store.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_what_depends_on_the_seed_is_shown_and_no_mark_is_touched(server: Server) -> None:
    server.queue("s1", UNSTEADY)
    server.queue("s2", STEADY)
    assert server.work(server.one) and server.work(server.one)
    before = server.history()
    assert server.work(server.two) and server.work(server.two) and not server.work(server.two)
    found = steadiness(server.store, "mini")
    assert (found.steady, found.waiting, found.failed) == (1, 0, 0)
    (unsteady,) = found.unsteady
    assert (unsteady.shown, unsteady.host, unsteady.seeds[0]) == ("s1", "one", 0)
    assert unsteady.seeds[1] != 0
    (other,) = unsteady.differing
    assert (other.criterion, other.first) == ("error", "PASS 5") and "0.5" in other.said
    assert other.second.startswith("NEEDS_TA 0")
    # Of the history not a row is new: no attempt, no verdict, no mark.
    assert server.history() == before and audit(server.store).sound
    assert (count(server.store, AttemptRow), count(server.store, VerdictRow)) == (2, 2)


def test_it_comes_after_everything_else_and_goes_to_another_host(server: Server) -> None:
    server.desk.claim(server.two, image="fake", gpu=False)
    server.queue("s1", STEADY)
    assert server.work(server.one)
    assert server.claim(server.one) is None, "there is another host"
    server.queue("s2", STEADY)
    leased = server.claim(server.two)
    assert leased is not None and b'"seed":0' in leased.parcel, "what was handed in comes first"
    leased = server.claim(server.two)
    assert leased is not None and b'"seed":0' not in leased.parcel


def test_where_there_is_one_host_it_runs_there_again(server: Server) -> None:
    server.queue("s1", UNSTEADY)
    assert server.work(server.one) and server.work(server.one)
    assert len(steadiness(server.store).unsteady) == 1


def test_a_newer_file_is_not_held_up_by_it_and_holds_it_up(server: Server) -> None:
    server.queue("s1", STEADY)
    server.work(server.one)
    server.queue("s1", UNSTEADY)
    with server.store.database.reading() as session:
        states = session.execute(select(JobRow.priority, JobRow.state).order_by(JobRow.id)).all()
    assert [tuple(each) for each in states] == [(0, "done"), (4, "queued"), (0, "queued")]
    with server.store.reading() as history:
        digest = history.submission("s1", "mini")
        assert digest is not None
        job = history.job_on("s1", "mini", digest.notebook)
    assert job is not None and (job.state, job.ahead.number) == ("queued", 0)


def test_a_sandbox_that_fails_a_second_run_costs_nobody_anything(server: Server) -> None:
    server.queue("s1", STEADY)
    server.work(server.one)
    before = server.history()
    for _ in range(3):
        leased = server.claim(server.two)
        assert leased is not None
        server.desk.fail(server.two, leased.lease, "the engine is gone")
    assert server.claim(server.two) is None and server.history() == before
    assert steadiness(server.store).failed == 1


def test_one_in_a_hundred_is_drawn_where_nobody_says_otherwise(server: Server) -> None:
    digests = [hashlib.sha256(bytes([number % 256, number // 256])).hexdigest() for number in range(20_000)]
    assert 140 <= sum(is_drawn(each, 100) for each in digests) <= 260
    assert not any(is_drawn(each, 0) for each in digests)
    with open_store(str(Path(server.rubric).parent / "other.db")) as store, store.reading() as history:
        assert history.one_in("mini") == 100
    say_one_in(server.store, "mini", 0)
    server.queue("s1", STEADY)
    server.work(server.one)
    assert count(server.store, SecondRunRow) == 0


def test_what_it_found_goes_with_an_erased_person(server: Server) -> None:
    server.queue("s1", UNSTEADY)
    server.work(server.one)
    server.work(server.two)
    with server.store.writing() as history:
        history.erase("s1", "asked for", [], Signature("ann", server.store.clock(), "test"))
    assert count(server.store, SecondRunRow) == 0
