"""What a mark stands on, so that anybody can check it: digests, versions, seed, rubric."""

from __future__ import annotations

from typing import Any

from grader.errors import EvidenceError, StoreError
from grader.store import Store
from grader.store.records import AttemptRecord
from grader.store.results import Result

__all__ = ["stands_on"]


def stands_on(store: Store, result: Result) -> dict[str, Any]:
    """All that attempt and verdict name, in full; empty before the first attempt.

    Where the evidence cannot be read, ``problem`` says why in place of what it would tell.
    """
    attempt = result.attempt
    if attempt is None:
        return {}
    told = _environment(store, attempt)
    return {
        "notebook": attempt.notebook,
        "evidence": attempt.evidence,
        "plan": attempt.plan,
        "image": attempt.image,
        "sandbox": attempt.sandbox,
        "isolation": attempt.isolation,
        "seed": attempt.seed,
        **told,
        **_verdict(result),
    }


def _environment(store: Store, attempt: AttemptRecord) -> dict[str, Any]:
    try:
        environment = store.evidence(attempt).evidence.environment
    except (StoreError, EvidenceError) as error:
        return {"problem": str(error)}
    packages = dict(sorted(environment.packages.items()))
    return {"python": environment.python, "packages": packages, "gpu": environment.gpu}


def _verdict(result: Result) -> dict[str, Any]:
    if result.verdict_record is None or result.rubric is None:
        return {}
    return {
        "rubric": result.rubric.name,
        "rubric_digest": result.rubric.digest,
        "rubric_row": result.rubric.seq,
        "reference": result.verdict_record.reference,
        "grader": result.verdict_record.version,
    }
