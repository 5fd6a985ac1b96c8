"""Several jobs are taken and ended in one request: each by itself, and all in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from grader.errors import EvidenceError
from grader.evidence.codec import encode
from grader.evidence.parcel import unpack_parcel
from grader.facts.case import Reference
from grader.sandbox.base import Job
from grader.store import Store, ledger, open_store
from grader.store.audit import audit
from grader.store.models import AttemptRow
from grader.workflows.leasing.remote import End, Ended, Lease, Leased, LeaseLost, NotSent, RemoteDesk
from grader.workflows.serving.orders import CourseFiles
from tests import course
from tests.judged_here import JudgedHere
from tests.queued import queue_up

STUDENTS = tuple(f"s{number}" for number in range(1, 7))


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[dict[str, Store]]:
    rubric = course.write_rubric(tmp_path / "rubrics")
    with open_store(str(tmp_path / "cnn.db")) as cnn, open_store(str(tmp_path / "rnn.db")) as rnn:
        made = {"cnn": cnn, "rnn": rnn}
        for name, store in made.items():
            store.name_course(name)
            for student in STUDENTS if name == "cnn" else STUDENTS[:3]:
                queue_up(store, student, course.GOOD, f"of = {student + name!r}", rubric=rubric)
        cnn.workers.let_in("one", "ann")
        yield made


def _end(leased: Leased) -> End:
    parcel = unpack_parcel(leased.parcel)
    raw = encode(course.sandbox().open(parcel.plan).run(Job("a", parcel.notebook, parcel.plan)))
    return End(leased.lease, sha256(raw).hexdigest(), raw)


def test_one_end_that_is_refused_takes_no_other_with_it(stores: dict[str, Store], tmp_path: Path) -> None:
    cnn = stores["cnn"]
    desk = RemoteDesk({"cnn": cnn}, Reference(), [tmp_path], pool=JudgedHere(1))
    [worker] = cnn.workers.all()
    leased = desk.claim(worker, image="fake", gpu=False, most=4)
    assert len({each.lease for each in leased}) == 4
    good, other, unsent, again = map(_end, leased)
    desk.finish(worker, again)
    commits: list[object] = []
    event.listen(cnn.database.engine, "commit", commits.append)
    ends = [
        good,
        End(other.lease, good.evidence, good.raw),
        End(unsent.lease, unsent.evidence),
        again,
        End(Lease("cnn", 10_000, 1), good.evidence, good.raw),
        End(Lease("nowhere", 1, 1), good.evidence, good.raw),
        other,
    ]
    told = desk.finish_all(worker, ends)
    kinds = [type(each) for each in told]
    assert kinds == [Ended, EvidenceError, NotSent, Ended, LeaseLost, LeaseLost, Ended]
    assert told[0] == told[6] == Ended(again=False) and told[3] == Ended(again=True)
    with cnn.reading() as history:
        done = [each.student for each in history.results(assignment="mini") if each.verdict is not None]
    assert len(done) == 3 and audit(cnn).sound
    # Each of them alone would have been one.
    writing = [each for each in commits if each.get_execution_options().get("writes")]  # type: ignore[attr-defined]
    assert len(writing) == 1


def test_an_end_that_cannot_be_written_takes_no_other_with_it(
    stores: dict[str, Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cnn = stores["cnn"]
    desk = RemoteDesk({"cnn": cnn}, Reference(), [tmp_path], pool=JudgedHere(1))
    [worker] = cnn.workers.all()
    ends = [_end(each) for each in desk.claim(worker, image="fake", gpu=False, most=3)]
    append, append_all = ledger.append, ledger.append_all

    def refuse(row: object) -> None:
        if isinstance(row, AttemptRow) and row.job == ends[1].lease.job:
            raise ArithmeticError("a row of its own")

    def fails_alone(session: Any, row: Any, signature: Any) -> Any:
        refuse(row)
        return append(session, row, signature)

    def fails_with_others(session: Any, rows: Any, noted: Any) -> Any:
        for row, _ in rows:
            refuse(row)
        return append_all(session, rows, noted)

    monkeypatch.setattr(ledger, "append", fails_alone)
    monkeypatch.setattr(ledger, "append_all", fails_with_others)
    told = desk.finish_all(worker, ends)
    assert told[0] == told[2] == Ended(again=False) and isinstance(told[1], Exception)
    monkeypatch.undo()
    assert desk.finish_all(worker, ends) == [Ended(again=True), Ended(again=False), Ended(again=True)]
    assert audit(cnn).sound


def test_each_course_has_its_share_and_what_it_leaves_is_the_others(
    stores: dict[str, Store], tmp_path: Path
) -> None:
    own = {"rnn": CourseFiles((tmp_path,))}
    desk = RemoteDesk(stores, Reference(), [tmp_path], own=own, pool=JudgedHere(1))
    [worker] = stores["cnn"].workers.all()

    def taken(most: int) -> list[str]:
        return sorted(each.lease.course for each in desk.claim(worker, image="fake", gpu=False, most=most))

    assert taken(4) == ["cnn", "cnn", "rnn", "rnn"]
    assert taken(4) == ["cnn", "cnn", "cnn", "rnn"]
    assert taken(32) == ["cnn"] and taken(32) == []
