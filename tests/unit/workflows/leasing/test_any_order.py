"""Whatever workers say again, late, in another order or of others' jobs: the history is as without it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from grader.errors import EvidenceError
from grader.evidence.codec import Bundle, encode
from grader.evidence.parcel import unpack_parcel
from grader.facts.case import Reference
from grader.sandbox.base import Job
from grader.store import Store, open_store
from grader.store.audit import audit
from grader.store.models import AttemptRow, JobRow, VerdictRow
from grader.store.workers import WorkerRecord
from grader.workflows.leasing.remote import End, Lease, LeaseLost, NotSent, RemoteDesk
from tests import course
from tests.judged_here import JudgedHere
from tests.queued import queue_up

HANDED_IN = {"s1": course.GOOD, "s2": course.SHADOWING, "s3": "print(3)"}
SAYS = ("claim", "parcel", "beat", "send", "finish", "finish at once", "give back", "lapse", "again", "again")


@dataclass
class Worker:
    """What one of them was told, and what it said."""

    record: WorkerRecord
    leases: list[Lease] = field(default_factory=list)
    evidence: dict[Lease, bytes] = field(default_factory=dict)


class Exchange:
    """Two workers and a server, whose every word may be said again at any time.

    Attributes:
        said: Each word that was said, to be said again.
        ended: The one lease by which each job was ended.
        first: Jobs of which it was answered that they are recorded now.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self.store = store
        rubric = course.write_rubric(folder / "rubrics")
        for student, source in HANDED_IN.items():
            queue_up(store, student, source, rubric=rubric)
        for name in ("one", "two"):
            store.workers.let_in(name, "ann")
        self.desk = RemoteDesk({"course": store}, Reference(), [folder], pool=JudgedHere(1))
        self.workers = [Worker(record) for record in store.workers.all()]
        self.said: list[Callable[[], object]] = []
        self.ended: dict[int, Lease] = {}
        self.first: set[int] = set()

    def say(self, kind: str, who: int, which: int) -> None:
        """One word; which lease or earlier word it is about is taken by number."""
        worker = self.workers[who]
        if kind == "claim":
            self._claim(worker)
        elif kind == "lapse":
            with self.store.database.writing() as session:
                session.execute(update(JobRow).where(JobRow.state == "claimed").values(lease_until=0.0))
        elif kind == "again":
            if self.said:
                self._hear(self.said[which % len(self.said)])
        else:
            # Of its own and of the other's alike.
            leases = [(each, lease) for each in self.workers for lease in each.leases]
            if leases:
                holder, lease = leases[which % len(leases)]
                word = self._word(kind, worker, lease, holder.evidence[lease])
                self.said.append(word)
                self._hear(word)

    def _claim(self, worker: Worker) -> None:
        for leased in self.desk.claim(worker.record, image="fake", gpu=False, most=2):
            parcel = unpack_parcel(leased.parcel)
            made = course.sandbox().open(parcel.plan).run(Job("a", parcel.notebook, parcel.plan))
            worker.leases.append(leased.lease)
            # What two machines see of a notebook is never the same to the byte.
            seen = made.evidence.model_copy(update={"outcome_detail": f"{leased.lease} {worker.record.name}"})
            worker.evidence[leased.lease] = encode(Bundle(seen))

    def _word(self, kind: str, worker: Worker, lease: Lease, raw: bytes) -> Callable[[], object]:
        desk, record, digest = self.desk, worker.record, sha256(raw).hexdigest()

        def finish(inline: bytes | None) -> None:
            ended = desk.finish(record, End(lease, digest, inline))
            known = self.ended.setdefault(lease.job, lease)
            assert known == lease, "a job was ended by two leases"
            assert lease in worker.leases, "a job was ended by another's lease"
            if not ended.again:
                assert lease.job not in self.first, "a job was recorded twice"
                self.first.add(lease.job)

        return {
            "parcel": lambda: desk.parcel(record, lease),
            "beat": lambda: desk.beat(record, [lease]),
            "send": lambda: (desk.most_bytes(record, lease), desk.send(record, lease, digest, raw)),
            "finish": lambda: finish(None),
            "finish at once": lambda: finish(raw),
            "give back": lambda: desk.give_back(record, lease),
        }[kind]

    def _hear(self, word: Callable[[], object]) -> None:
        with suppress(LeaseLost, NotSent, EvidenceError):
            word()

    def end_honestly(self) -> None:
        """One worker brings the rest to its end, and then everything that was ever said is said once more."""
        worker = self.workers[0]
        self.say("lapse", 0, 0)
        while True:
            known = len(worker.leases)
            self._claim(worker)
            if len(worker.leases) == known:
                break
            for lease in worker.leases[known:]:
                self._word("finish at once", worker, lease, worker.evidence[lease])()
        for word in list(self.said):
            self._hear(word)

    def history(self) -> dict[str, tuple[int, str, int, float]]:
        """By student: attempts, outcome, verdicts and points."""
        with self.store.database.reading() as session:
            verdicts = {row.attempt: row for row in session.scalars(select(VerdictRow))}
            rows = session.scalars(select(AttemptRow)).all()
            assert len({row.job for row in rows}) == len(rows) == len(HANDED_IN) == len(verdicts)
            assert {job.state for job in session.scalars(select(JobRow))} == {"done"}
            return {row.student: (row.number, row.outcome, 1, verdicts[row.seq].points) for row in rows}


words = st.lists(st.tuples(st.sampled_from(SAYS), st.integers(0, 1), st.integers(0, 50)), max_size=20)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(words)
def test_answers_repeated_reordered_and_late_leave_the_same_history(said: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as name, open_store(f"{name}/grader.db") as store:
        exchange = Exchange(Path(name), store)
        for kind, who, which in said:
            exchange.say(kind, who, which)
        exchange.end_honestly()
        assert exchange.history() == {
            "s1": (1, "COMPLETED", 1, 2.0),
            "s2": (1, "COMPLETED", 1, 0.0),
            "s3": (1, "COMPLETED", 1, 2.0),
        }
        assert exchange.first == set(exchange.ended)
        assert audit(store).sound
