"""From evidence to a verdict in the history."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

import grader
from grader.evidence.codec import Bundle, decode
from grader.evidence.record import Evidence, Outcome
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.grading.verdict import Verdict
from grader.store import Signature, Store, history
from grader.store.history import Result
from grader.store.models import AttemptRow, VerdictRow
from grader.workflows.regrading.rubrics import LoadedRubric

__all__ = ["Judge", "attempt_row", "without_run"]


@dataclass(frozen=True)
class Judge:
    """A rubric and the reference answers, ready to judge evidence and to write what came of it."""

    rubric: LoadedRubric
    reference: Reference

    def verdict(self, bundle: Bundle, digest: str) -> Verdict:
        """Judges; pure, so it may happen before the transaction that writes it."""
        return grade(self.rubric.rubric, bundle, self.reference, self.rubric.handout, evidence_digest=digest)

    def verdict_on(self, store: Store, attempt: AttemptRow) -> Verdict:
        """Judges an attempt again from its stored evidence.

        Raises:
            StoreError: The evidence is gone or was changed.
            EvidenceError: It does not fit this version's schema.
        """
        raw = store.blobs.get(attempt.evidence)
        return self.verdict(decode(raw, limit_bytes=len(raw)), attempt.evidence)

    def stands(self, result: Result) -> bool:
        """Whether the result's verdict is by this very rubric, handout and reference."""
        if result.verdict_row is None or result.rubric is None:
            return False
        mine, its = self.rubric.row(), result.rubric
        same_rubric = (mine.digest, mine.handout) == (its.digest, its.handout)
        return same_rubric and result.verdict_row.reference == self.reference.digest

    def write(
        self, session: Session, verdict: Verdict, attempt: AttemptRow, signature: Signature
    ) -> VerdictRow:
        rubric = history.keep_rubric(session, self.rubric.row(), signature)
        return history.add_verdict(
            session,
            verdict,
            attempt=attempt.seq,
            rubric=rubric,
            version=grader.__version__,
            signature=signature,
        )


def without_run(notebook: str, plan: str, outcome: Outcome, detail: str) -> Bundle:
    """Evidence of an attempt in which nothing was run: what was handed in is no notebook, or we failed."""
    storable = detail.encode("utf-8", "replace").decode()
    return Bundle(Evidence(notebook=notebook, plan=plan, outcome=outcome, outcome_detail=storable))


def attempt_row(bundle: Bundle, *, job: int, student: str, assignment: str, digest: str) -> AttemptRow:
    """An attempt as the history keeps it; its number is given when it is written."""
    evidence, environment = bundle.evidence, bundle.evidence.environment
    return AttemptRow(
        job=job,
        student=student,
        assignment=assignment,
        notebook=evidence.notebook,
        outcome=evidence.outcome.value,
        detail=evidence.outcome_detail,
        evidence=digest,
        plan=evidence.plan,
        image=environment.image,
        sandbox=environment.sandbox,
        isolation=environment.isolation,
        seed=environment.seed,
        wall_time_s=evidence.wall_time_s,
        cells_s=evidence.cells_s,
    )
