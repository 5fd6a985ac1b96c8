"""The service's look at itself: attempts drawn by lot run once more, on another host and with another seed.

What differs then in what a criterion stands on depends on chance, or on the machine. It is shown to the
instructor, and decides nothing: a second run leaves no attempt, no verdict and no mark.
"""

from __future__ import annotations

from collections.abc import Callable

from grader.errors import GraderError
from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan
from grader.evidence.record import Outcome
from grader.grading.verdict import Finding, Verdict
from grader.store import Store
from grader.store.queue import Claim
from grader.store.second_runs import Differing, Found, is_drawn

__all__ = ["FAILED", "again", "compared", "differing"]

FAILED = Found("failed")
#: Any other seed will do; this one is far from those that courses write.
_OTHER_SEED = 7919
_LONGEST = 2000


def again(
    store: Store, claim: Claim, bundle: Bundle, digest: str, one_in: int | None = None
) -> tuple[str, int] | None:
    """The plan to run an attempt once more by, and its seed; None where it is not drawn.

    Args:
        store: Where the other plan is kept.
        claim: The job of the attempt.
        bundle: What was seen.
        digest: Of it.
        one_in: Of how many attempts of the assignment one is drawn, where that is known.
    """
    if not claim.key.image or bundle.evidence.outcome in (
        Outcome.INVALID_SUBMISSION,
        Outcome.SANDBOX_UNAVAILABLE,
    ):
        return None
    if one_in is None:
        with store.reading() as history:
            one_in = history.one_in(claim.key.assignment)
    if not is_drawn(digest, one_in):
        return None
    plan = Plan.model_validate_json(store.blobs.get(claim.key.plan))
    other = plan.model_copy(update={"seed": plan.seed + _OTHER_SEED})
    return store.blobs.put(other.model_dump_json().encode()), other.seed


def compared(
    store: Store, claim: Claim, digest: str, verdict: Verdict, judge: Callable[[bytes, str], Verdict]
) -> Found:
    """What a second run came to, beside the first as the same rubric judges it.

    Args:
        store: Where the first run's evidence is.
        claim: The second run's job.
        digest: Of the second run's evidence.
        verdict: On it.
        judge: Judges encoded evidence by the same rubric.
    """
    with store.reading() as history:
        first = history.second_run_of(claim.id)
    if first is None:
        return FAILED
    try:
        before = judge(store.blobs.get(first.evidence), first.evidence)
    except GraderError:
        return FAILED
    found = differing(before, verdict)
    return Found("unsteady" if found else "steady", digest, found)


def differing(first: Verdict, second: Verdict) -> tuple[Differing, ...]:
    """Criteria that come to another status or other points.

    A number that is another one each time, and decides nothing, is as it should be: no course asks for the
    same loss twice.
    """
    by_name = {each.criterion: each for each in second.findings}
    return tuple(
        Differing(each.criterion, each.title, _short(each), _short(other), other.told[:_LONGEST])
        for each in first.findings
        if (other := by_name.get(each.criterion)) is not None and _short(each) != _short(other)
    )


def _short(finding: Finding) -> tuple[str, float, float]:
    return finding.status.value, finding.points, finding.pending
