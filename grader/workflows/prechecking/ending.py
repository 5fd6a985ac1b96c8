"""A look at a notebook that was not handed in comes to its end: told, with no attempt, verdict or mark."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from grader.evidence.codec import Bundle, encode
from grader.grading.verdict import Verdict
from grader.store import Queue, Store, WritableHistory
from grader.store.queue import Claim
from grader.workflows.prechecking.precheck import told_of
from grader.workflows.regrading.judging import Judge, new_attempt
from grader.workflows.regrading.pool import can_travel
from grader.workflows.running.recording import Prepared

__all__ = ["Telling"]


@dataclass(frozen=True)
class _Told(Prepared):
    """What may be said, as JSON; empty where nothing can be, by a fault of ours."""

    told: str = ""


@dataclass(frozen=True)
class Telling:
    """Ends jobs that look at notebooks before they are handed in; an `Ending`.

    Attributes:
        by_process: As of `Recording`.
    """

    store: Store
    queue: Queue
    by_process: Callable[[Judge, bytes, str], Verdict] | None = None

    def judge(self, claim: Claim, bundle: Bundle, judge: Judge | None) -> Prepared:
        """Judges what is public of it. The evidence is kept nowhere.

        Args:
            claim: The job that it is of.
            bundle: Evidence of the file that was sent.
            judge: Of the public part (`Judge.early`); None where nobody can be found.
        """
        raw = encode(bundle)
        digest = hashlib.sha256(raw).hexdigest()
        key = claim.key
        attempt = new_attempt(
            bundle, job=claim.id, student=key.student, assignment=key.assignment, digest=digest
        )
        if judge is None or bundle.evidence.outcome.our_fault:
            return _Told(claim, attempt, judge, None)
        try:
            by_process = self.by_process if can_travel(judge) else None
            verdict = by_process(judge, raw, digest) if by_process else judge.verdict(bundle, digest)
            seen = told_of(verdict.findings, bundle, judge.rubric, bundle.evidence.cells)
        except Exception as error:  # a fault of ours, which costs the student no pre-check
            return _Told(claim, attempt, judge, None, error)
        return _Told(claim, attempt, judge, None, told=seen.model_dump_json())

    def write(self, result: Prepared) -> bool:
        """Ends the job and keeps what may be said, in one transaction with the end of the file.

        Raises:
            StoreError: The database failed; nothing was written.
        """
        return self.store.add(self.written(result))

    def written(self, result: Prepared) -> Callable[[WritableHistory], bool]:
        assert isinstance(result, _Told)
        claim, now = result.claim, self.store.clock()

        def add(history: WritableHistory) -> bool:
            if not self.queue.finish(history, claim):
                return self.queue.was_ended_by(history, claim)
            history.end_pre_check(claim.id, result.told, now)
            return True

        return add
