"""What has to hold of a class whatever went wrong while it was graded; each test of a fault ends with it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.intake import find_submissions
from grader.store import Store, open_store
from grader.store.audit import audit
from grader.store.blobs import BlobFolder
from grader.store.models import AttemptRow, JobRow, RunRow, VerdictRow, WantRow
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal
from tests import course

__all__ = ["check", "verdicts"]


NO_REFERENCE = Reference()


def check(
    store: Store,
    submissions: Path,
    rubric: Path,
    *,
    reference: Reference = NO_REFERENCE,
    judged_again: bool = False,
    measured: bool = False,
) -> None:
    """Each submission was graded exactly once, as without the fault, and nothing lies about.

    Args:
        store: In which the class was graded, by whatever detours.
        submissions: What the class handed in.
        rubric: By which it was graded.
        reference: The course's own answers.
        judged_again: Whether the same attempts were judged by other rubrics in between.
        measured: Whether a real sandbox took times, so that evidence is never the same bytes.
    """
    expected = undisturbed(submissions, rubric, reference)
    with store.database.reading() as session:
        attempts = session.scalars(select(AttemptRow)).all()
        # An attempt that the service itself spoilt counts for nobody.
        counting = [row for row in attempts if not Outcome(row.outcome).our_fault]
        assert Counter(row.student for row in counting) == Counter(expected.keys()), "graded exactly once"
        judged = Counter(row.attempt for row in session.scalars(select(VerdictRow)))
        assert set(judged) == {row.seq for row in attempts}
        assert judged_again or set(judged.values()) == {1}, "one verdict for each attempt"
        jobs = session.scalars(select(JobRow)).all()
        assert {row.state for row in jobs} <= {"done", "superseded"}
        assert {row.lease_until for row in jobs if row.state == "done"} == {None}, "nobody holds what is done"
        ended = select(RunRow.id).where(RunRow.ended_at.is_not(None))
        assert session.scalars(select(WantRow).where(WantRow.run.in_(ended))).all() == []
    found = verdicts(store)
    if measured:
        expected, found = _without_evidence(expected), _without_evidence(found)
    assert found == expected, "verdicts as without the fault"
    report = audit(store)
    assert report.sound, report
    if isinstance(store.blobs, BlobFolder):
        assert list(store.blobs.root.glob("*/.new-*")) == []


def verdicts(store: Store) -> dict[str, bytes]:
    """Each student's newest verdict, as it is stored."""
    newest = select(AttemptRow.student, VerdictRow).join(VerdictRow, VerdictRow.attempt == AttemptRow.seq)
    with store.database.reading() as session:
        rows = session.execute(newest.order_by(VerdictRow.seq)).all()
    return {student: row.body.encode() for student, row in rows}


def _without_evidence(found: dict[str, bytes]) -> dict[str, bytes]:
    return {
        student: json.dumps({**json.loads(body), "evidence": ""}).encode() for student, body in found.items()
    }


def undisturbed(submissions: Path, rubric: Path, reference: Reference) -> dict[str, bytes]:
    """The verdicts of a run of the same class in which nothing goes wrong."""
    key = hashlib.sha256(rubric.read_bytes() + reference.digest.encode())
    for path in sorted(path for path in submissions.rglob("*") if path.is_file()):
        key.update(f"{path.relative_to(submissions)}\0".encode() + path.read_bytes())
    if key.hexdigest() not in _KNOWN:
        with tempfile.TemporaryDirectory() as folder, open_store(str(Path(folder, "grader.db"))) as store:
            _grade(store, submissions, rubric, reference)
            _KNOWN[key.hexdigest()] = verdicts(store)
    return _KNOWN[key.hexdigest()]


#: Verdicts of classes that were graded undisturbed, by what they handed in and by which rubric.
_KNOWN: dict[str, dict[str, bytes]] = {}


def _grade(store: Store, submissions: Path, rubric: Path, reference: Reference) -> None:
    loaded = load_rubric_file(rubric)
    files = [read_file(item) for item in find_submissions(submissions).submissions]
    report = run(
        plan_work(files, lambda _: loaded),
        store=store,
        reference=reference,
        open_sandbox=course.sandbox,
        notify=lambda _: None,
        stop=StopSignal(),
        actor="ta",
        jobs=1,
    )
    assert report.unfinished == 0
