"""The judge: one attempt's evidence and a rubric in, a verdict out, and nothing else touched."""

from __future__ import annotations

from grader.evidence.codec import Bundle
from grader.evidence.record import Outcome
from grader.grading.held import nothing_came, parted
from grader.grading.scoring import add_up, points_of, settle
from grader.grading.tampering import Sign, held_back, signs_of_tampering
from grader.grading.verdict import Finding, Verdict
from grader.rubric.alignment import align
from grader.rubric.case import Case, Reference
from grader.rubric.handout import Handout
from grader.rubric.model import Criterion, Judgement, Rubric, Status

__all__ = ["grade"]


def grade(
    rubric: Rubric,
    bundle: Bundle,
    reference: Reference,
    handout: Handout | None = None,
    *,
    evidence_digest: str = "",
) -> Verdict:
    """Judges every criterion by recorded evidence.

    Pure: equal arguments give equal bytes, and no criterion sees what another one came to. A check that
    raises is our fault: CHECK_ERROR, its points pending.

    Args:
        rubric: What to judge by.
        bundle: The attempt's evidence and arrays.
        reference: The course's own answers.
        handout: Fingerprint of the handout, to find sections and to tell given code from the student's.
        evidence_digest: Name of the evidence in the store, written into the verdict.

    Returns:
        Findings in the rubric's order, and their sums.
    """
    alignment = align(bundle.evidence.cells, rubric, handout)
    cases = (Case(bundle, rubric, criterion, alignment, reference) for criterion in rubric.criteria)
    signs = signs_of_tampering(bundle.evidence.cells)
    findings = tuple(_finding(case, signs) for case in cases)
    return Verdict(
        assignment=rubric.assignment,
        findings=findings,
        points=add_up(finding.points for finding in findings),
        out_of=add_up(finding.out_of for finding in findings),
        pending=add_up(finding.pending for finding in findings),
        evidence=evidence_digest,
        rubric=rubric.digest,
        reference=reference.digest,
        late=rubric.late,
    )


def _finding(case: Case, signs: tuple[Sign, ...]) -> Finding:
    criterion = case.criterion
    judgement = held_back(settle(_judge(case)), signs)
    points, pending = points_of(judgement, criterion.points)
    return Finding(
        criterion=criterion.id,
        title=criterion.title,
        status=judgement.status,
        points=points,
        out_of=criterion.points,
        pending=pending,
        message=judgement.message,
        where=judgement.where,
        data=judgement.data,
        advice=judgement.advice or criterion.hint,
    )


def _judge(case: Case) -> Judgement:
    evidence, criterion = case.evidence, case.criterion
    if evidence.outcome is Outcome.SANDBOX_UNAVAILABLE:
        return Judgement.missing("The service could not run this notebook; it has to be run again.")
    if evidence.outcome is Outcome.INVALID_SUBMISSION:
        return _without_notebook(evidence.outcome, evidence.outcome_detail)
    if criterion.check.needs_full_training and case.training_was_cut:
        return Judgement.missing(
            "This asks for a trained network, and the notebook ran under a training budget."
            " Run it again with `--training full`."
        )
    return _guarded(case, criterion)


def _without_notebook(outcome: Outcome, detail: str) -> Judgement:
    """Nothing handed in earns nothing; what came and cannot be read may still be somebody's whole work."""
    if nothing_came(outcome, detail):
        return Judgement.failed("Nothing was handed in.")
    reason, _ = parted(detail or "it is no notebook")
    return Judgement.needs_ta(f"What was handed in could not be taken: {reason}. A TA decides what counts.")


def _guarded(case: Case, criterion: Criterion) -> Judgement:
    try:
        return criterion.check.judge(case)
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "")
        return Judgement(
            status=Status.CHECK_ERROR,
            message=f"The check '{criterion.check.check}' itself failed: {type(error).__name__}: {reason}"[
                :300
            ],
        )
