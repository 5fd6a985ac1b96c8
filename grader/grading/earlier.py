"""Verdicts of versions that kept no exhibits: those that stand on the evidence alone are given to them.

Their pages drew networks, training runs and the use of data by the kind of check. A verdict of today needs
none of this, and no kind of check is ever added here.
"""

from __future__ import annotations

from grader.evidence.codec import Bundle
from grader.evidence.plan import ModuleProbe, probe_id
from grader.evidence.record import ModuleRecord
from grader.facts.case import Reference
from grader.grading.verdict import Finding, Verdict
from grader.judging.check import Check
from grader.judging.exhibits import DataLanes, Exhibit, NetworkTable, Pair, RunTimeline, exhibit_of
from grader.rubric.model import Rubric

__all__ = ["completed"]

_NETWORKS = frozenset({"parameter_count", "output_shape", "architecture", "transfer_features"})
_TIMELINES = frozenset({"fresh_weights", "hyperparameter_settings"})
_LANES = frozenset({"validation_selection", "test_set_untouched", "evaluated_on_test"})


def completed(verdict: Verdict, rubric: Rubric, bundle: Bundle, reference: Reference) -> Verdict:
    """The verdict with all exhibits; as it is where it was written with them.

    Args:
        verdict: As read.
        rubric: That it stands on.
        bundle: That it stands on.
        reference: The course's networks, or none, to show beside the student's.
    """
    checks = {criterion.id: criterion.check for criterion in rubric.criteria}
    findings = tuple(
        _completed(finding, checks.get(finding.criterion), bundle, reference) if finding.earlier else finding
        for finding in verdict.findings
    )
    return verdict.model_copy(update={"findings": findings})


def _completed(finding: Finding, check: Check | None, bundle: Bundle, reference: Reference) -> Finding:
    more: tuple[Exhibit, ...] = ()
    if check is None:
        return finding
    if check.check in _TIMELINES and exhibit_of(finding.exhibits, RunTimeline) is None:
        more = (RunTimeline(),)
    elif check.check in _LANES and exhibit_of(finding.exhibits, DataLanes) is None:
        more = (DataLanes(),)
    elif check.check in _NETWORKS:
        more = _network(finding, check, bundle, reference)
    return finding.model_copy(update={"exhibits": (*finding.exhibits, *more)})


def _network(
    finding: Finding, check: Check, bundle: Bundle, reference: Reference
) -> tuple[NetworkTable, ...]:
    measured = bundle.evidence.probes
    for probe in check.probes():
        result = measured.get(probe_id(probe)) if isinstance(probe, ModuleProbe) else None
        if result is not None and isinstance(result.record, ModuleRecord):
            asked = _asked(finding, check, reference)
            return (NetworkTable(probe=probe_id(probe), reference=asked),)
    return ()


def _asked(finding: Finding, check: Check, reference: Reference) -> str:
    """The network that the check names, else the only one with as many parameters as expected."""
    named = getattr(check, "reference", None)
    pair = exhibit_of(finding.exhibits, Pair)
    expected = None if pair is None else pair.expected
    networks = reference.architectures.items()
    counted = [name for name, each in networks if each.parameter_count == expected]
    return named or (counted[0] if len(counted) == 1 else "")
