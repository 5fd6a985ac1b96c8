"""From evidence to a verdict in the history."""

from __future__ import annotations

from dataclasses import dataclass

import grader
from grader.evidence.codec import Bundle
from grader.evidence.record import Evidence, Outcome
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.grading.verdict import Verdict
from grader.rubric.public import public_part
from grader.store import Signature, Store, WritableHistory
from grader.store.records import AttemptRecord, NewAttempt, VerdictRecord
from grader.store.results import Result
from grader.store.rubrics import LoadedRubric

__all__ = ["Judge", "by_what_counts", "new_attempt", "without_run"]


@dataclass(frozen=True)
class Judge:
    """A rubric and the reference answers, ready to judge evidence and to write what came of it.

    Attributes:
        early: Whether only what is public is judged, of a notebook that was not handed in.
    """

    rubric: LoadedRubric
    reference: Reference
    early: bool = False

    def verdict(self, bundle: Bundle, digest: str) -> Verdict:
        """Judges; pure, so it may happen before the transaction that writes it."""
        rubric = public_part(self.rubric.rubric) if self.early else self.rubric.rubric
        return grade(rubric, bundle, self.reference, self.rubric.handout, evidence_digest=digest)

    def verdict_on(self, store: Store, attempt: AttemptRecord) -> Verdict:
        """Judges an attempt again from its stored evidence.

        Raises:
            StoreError: The evidence is gone or was changed.
            EvidenceError: It does not fit this version's schema.
        """
        return self.verdict(store.evidence(attempt), attempt.evidence)

    def stands(self, result: Result) -> bool:
        """Whether the result's verdict is by this very rubric, handout and reference."""
        if result.verdict_record is None or result.rubric is None:
            return False
        same_rubric = self.rubric.kept.key == result.rubric.key
        return same_rubric and result.verdict_record.reference == self.reference.digest

    def write(
        self, history: WritableHistory, verdict: Verdict, attempt: AttemptRecord, signature: Signature
    ) -> VerdictRecord:
        return history.add_verdict(
            verdict,
            attempt=attempt,
            rubric=history.keep_rubric(self.rubric.kept, signature),
            version=grader.__version__,
            signature=signature,
        )


def by_what_counts(store: Store, judge: Judge) -> Judge:
    """The judge that a run has, or one by the rubric that the desk published since the run began."""
    with store.reading() as history:
        published = history.published_rubric(judge.rubric.assignment)
    if published is None or published.rubric.key == judge.rubric.kept.key:
        return judge
    return Judge(store.rubric(published.rubric), judge.reference)


def without_run(notebook: str, plan: str, outcome: Outcome, detail: str) -> Bundle:
    """Evidence of an attempt in which nothing was run: what was handed in is no notebook, or we failed."""
    storable = detail.encode("utf-8", "replace").decode()
    return Bundle(Evidence(notebook=notebook, plan=plan, outcome=outcome, outcome_detail=storable))


def new_attempt(bundle: Bundle, *, job: int, student: str, assignment: str, digest: str) -> NewAttempt:
    """An attempt as the history keeps it; its number is given when it is written."""
    evidence, environment = bundle.evidence, bundle.evidence.environment
    return NewAttempt(
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
