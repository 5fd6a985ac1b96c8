"""The judge: one attempt's evidence and a rubric in, a verdict out, and nothing else touched."""

from __future__ import annotations

from grader.evidence.codec import Bundle
from grader.facts.case import Case, Reference
from grader.facts.facts import Facts
from grader.facts.handed_in import no_file
from grader.facts.handout import Handout
from grader.facts.known import Unknown
from grader.grading.around import judged_around
from grader.grading.edition import of_edition
from grader.grading.held import parted
from grader.grading.points import add_up, points_of, settle
from grader.grading.tampering import Sign, held_back, signs_in
from grader.grading.verdict import Finding, Verdict
from grader.judging.judgement import Judgement
from grader.judging.nothing import whole_training_needed
from grader.rubric.model import Criterion, Rubric

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
    facts = Facts.of(bundle, rubric.sections, handout)
    peers = tuple(part for criterion in rubric.criteria for part in criterion.check.parts())
    signs = signs_in(bundle.evidence.cells, rubric.may_import)
    cases = (
        Case(facts, criterion.section, reference, criterion.check.watches(), peers)
        for criterion in rubric.criteria
    )
    findings = tuple(
        _finding(case, criterion, signs) for case, criterion in zip(cases, rubric.criteria, strict=True)
    )
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


def _finding(case: Case, criterion: Criterion, signs: tuple[Sign, ...]) -> Finding:
    judgement = held_back(settle(_judge(case, criterion)), signs)
    points, pending = points_of(judgement, criterion.points)
    return Finding(
        criterion=criterion.id,
        title=criterion.title,
        status=judgement.status,
        points=points,
        out_of=criterion.points,
        pending=pending,
        message=judgement.message,
        open=judgement.open,
        where=judgement.where,
        exhibits=judgement.exhibits,
        advice=judgement.advice or criterion.hint,
    )


def _judge(case: Case, criterion: Criterion) -> Judgement:
    if case.evidence.outcome.our_fault:
        return Judgement.missing("The service could not run this notebook; it has to be run again.")
    nothing = no_file(case)
    if isinstance(nothing, Unknown):
        what, _ = parted(nothing.why)
        message = f"What was handed in could not be taken: {what}."
        return Judgement.needs_ta(message, open="It may still be somebody's whole work.")
    if nothing.value:
        return Judgement.failed("Nothing was handed in.", on=nothing)
    if criterion.check.needs_full_training and case.training_was_cut:
        return whole_training_needed()
    return _guarded(case, criterion)


def _guarded(case: Case, criterion: Criterion) -> Judgement:
    try:
        return of_edition(judged_around(case, criterion.check.judge), case)
    except Exception as error:
        return Judgement.check_failed(criterion.check.check, error)
