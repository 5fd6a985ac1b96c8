"""Server, judges, workers, database and the wires between them die at random: each file is graded once."""

from __future__ import annotations

import hashlib
import http.client
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from grader.store import Store, open_store
from grader.store.models import JobRow
from grader.workflows.handing_in.links import sign
from grader.workflows.handing_in.receipts import receipt_of, verify
from tests import course, graded_once, postgresql
from tests.remote import DeskProcess, Wire, WorkerProcess, only_of_worker
from tests.web_client import BOUNDARY, form_of

SOAKED = "GRADER_SOAK" in os.environ
LONG_S = 900.0
#: Leases of a server whose workers die often.
LEASE_S = 2.0
#: What dies how often, and how many hand in meanwhile: each day, and in `make soak`.
DEATHS = {"worker": 1, "web": 1, "judge": 1, "database": 1, "cut": 2}
SOAKED_DEATHS = {"worker": 20, "web": 12, "judge": 10, "database": 8, "cut": 20}
STUDENTS, SOAKED_STUDENTS = 12, 200


class Site:
    """A course with its server and workers.

    Attributes:
        receipts: Row of the history by student, as their upload was answered.
    """

    def __init__(self, folder: Path, location: str, *, students: int = 0) -> None:
        self.folder, self.location = folder, location
        self.rubric = course.write_rubric(folder / "rubrics")
        self.submissions = folder / "submissions"
        for number in range(students):
            content = (course.GOOD, course.SHADOWING)[number % 2]
            course.hand_in(self.submissions, f"s{number:03d}", content, f"x = {number}")
        with self.store() as store:
            ends = store.clock() + timedelta(days=1)
            self.links = {name: sign(store, name, "mini", ends) for name in self.students}
            self.tokens = [store.workers.let_in(f"w{number}", "ann") for number in range(3)]
        self.desk = DeskProcess(location, folder, lease_s=LEASE_S)
        self.wires: list[Wire] = []
        self.workers: list[WorkerProcess] = []
        self.receipts: dict[str, int] = {}

    @property
    def students(self) -> list[str]:
        return sorted(path.name for path in self.submissions.glob("*"))

    def store(self) -> Store:
        return open_store(self.location, evidence=f"{self.folder}/evidence")

    def add_worker(self, *, seconds: float, seats: int = 2) -> WorkerProcess:
        number = len(self.workers)
        self.wires.append(Wire(self.desk.port))
        machine = only_of_worker(self.folder / f"machine-{number}")
        worker = WorkerProcess(machine, self.wires[-1], self.tokens[number], seats=seats, seconds=seconds)
        self.workers.append(worker)
        worker.start()
        return worker

    def start_desk(self) -> None:
        """Again and again, as systemd would, for the database may be on its way back."""
        until(lambda: _works(self.desk.start))

    def hand_in(self, student: str) -> None:
        """By their link, again and again until there is a receipt."""
        raw = (self.submissions / student / "lab.ipynb").read_bytes()
        until(lambda: self._hand_in(student, raw))

    def _hand_in(self, student: str, raw: bytes) -> bool:
        signed = self.links[student]
        token = hashlib.sha256(signed.encode()).hexdigest().encode()
        body = form_of(("form_token", None, token), ("file", "lab.ipynb", raw))
        origin = f"127.0.0.1:{self.desk.port}"
        headers = {
            "origin": f"http://{origin}",
            "content-type": f"multipart/form-data; boundary={BOUNDARY}",
        }
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(origin, timeout=60)
            try:
                connection.request("POST", f"/u/{signed}/file", body, headers)
                answer = connection.getresponse()
                answer.read()
            finally:
                connection.close()
            if answer.status == 303:
                self.receipts[student] = int(answer.headers["location"].rpartition("/")[2])
                return True
            assert answer.status >= 500, f"{student}: {answer.status}"
        return False

    def until_done(self) -> None:
        """Until nothing waits and nothing runs."""
        with self.store() as store:

            def is_done() -> bool:
                with store.reading() as history:
                    return history.jobs() == []

            until(is_done)

    def check(self) -> None:
        with self.store() as store:
            graded_once.check(store, self.submissions, self.rubric)
            with store.reading() as history:
                received = {each.seq: each for each in history.received_on("mini")}
            assert set(self.receipts) == set(self.students)
            for student, row in self.receipts.items():
                assert received[row].record.student == student
            for row in random.Random(1).sample(sorted(self.receipts.values()), min(10, len(self.receipts))):
                assert [
                    each for each in verify(store, receipt_of(store, received[row])) if not each.right
                ] == []

    def end(self) -> None:
        for worker in self.workers:
            if worker.process is not None and worker.process.poll() is None:
                worker.kill()
        self.desk.kill()
        for wire in self.wires:
            wire.close()


def _works(act: Callable[[], None]) -> bool:
    try:
        act()
    except RuntimeError:
        return False
    return True


def until(has_come: Callable[[], bool]) -> None:
    for _ in range(round(LONG_S / 0.1)):
        if has_come():
            return
        time.sleep(0.1)
    pytest.fail("it did not come")


@pytest.fixture
def cluster() -> Iterator[postgresql.Cluster]:
    with postgresql.cluster() as made:
        yield made


def test_whatever_dies_each_file_is_graded_once_and_has_its_receipt(
    tmp_path: Path, cluster: postgresql.Cluster
) -> None:
    chance = random.Random(17)
    number = SOAKED_STUDENTS if SOAKED else STUDENTS
    deaths = [kind for kind, times in (SOAKED_DEATHS if SOAKED else DEATHS).items() for _ in range(times)]
    chance.shuffle(deaths)
    site = Site(tmp_path, postgresql.migrated_database(cluster.folder), students=number)
    try:
        site.start_desk()
        for _ in range(3):
            site.add_worker(seconds=0.3)
        uploads = []
        for turn, kind in enumerate(deaths):
            # Some hand in at each death, so that there always is something to lose.
            due = site.students[number * turn // len(deaths) : number * (turn + 1) // len(deaths)]
            uploads += [threading.Thread(target=site.hand_in, args=(student,)) for student in due]
            for upload in uploads[len(uploads) - len(due) :]:
                upload.start()
            time.sleep(chance.uniform(0.05, 0.8))
            die(kind, site, cluster, chance)
        for upload in uploads:
            upload.join(LONG_S)
        site.until_done()
        for worker in site.workers:
            worker.stop()
        site.check()
    finally:
        site.end()


def die(kind: str, site: Site, cluster: postgresql.Cluster, chance: random.Random) -> None:
    """Kills something where it is, and starts it again a moment later, as whoever watches over it would."""
    if kind == "worker":
        worker = chance.choice(site.workers)
        worker.kill()
        worker.start()
    elif kind == "web":
        site.desk.kill()
        time.sleep(chance.uniform(0.0, 0.5))
        site.start_desk()
    elif kind == "judge":
        for pid in site.desk.judges():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    elif kind == "database":
        cluster.stop("immediate")
        time.sleep(chance.uniform(0.0, 1.0))
        cluster.start()
    else:
        # At times for longer than a lease lasts: others run the job, and the end that comes late is refused.
        chance.choice(site.wires).cut(chance.choice((0.0, 0.5, 1.5 * LEASE_S)))


def test_what_a_killed_worker_held_is_run_within_its_lease_also_by_itself_begun_anew(tmp_path: Path) -> None:
    site = Site(tmp_path, str(tmp_path / "grader.db"), students=2)
    try:
        site.start_desk()
        for student in site.students:
            site.hand_in(student)
        site.add_worker(seconds=600.0)
        with site.store() as store:
            until(lambda: _claimed(store) == 2)
        site.workers[0].kill()
        # There is no other worker: the same machine, with the same token, comes back.
        site.tokens[1] = site.tokens[0]
        site.add_worker(seconds=0.05)
        site.until_done()
        site.check()
        with site.store() as store, store.database.reading() as session:
            jobs = session.scalars(select(JobRow)).all()
            assert [(job.run, job.token) for job in jobs] == [("worker-1", 2)] * 2
    finally:
        site.end()


def _claimed(store: Store) -> int:
    with store.reading() as history:
        return sum(each.number for each in history.jobs() if each.state == "claimed")
