"""A pool of judges without processes, for tests of what comes before and after judging."""

from __future__ import annotations

from grader.evidence.codec import decode
from grader.grading.verdict import Verdict
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.pool import JudgePool

__all__ = ["JudgedHere"]


class JudgedHere(JudgePool):
    """Judges in this process, as fast as can be."""

    def verdict(self, judge: Judge, evidence: bytes, name: str) -> Verdict:
        return judge.verdict(decode(evidence), name)
