"""What students can make again, criterion by criterion, worked out from evidence when a page asks for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from grader.evidence.codec import Bundle
from grader.facts.case import Case, Reference
from grader.facts.facts import Facts
from grader.facts.handout import Handout
from grader.judging.exhibits import Shown
from grader.rubric.model import Criterion, Rubric

__all__ = ["shown_of"]


def shown_of(
    rubric: Rubric,
    bundle: Bundle,
    reference: Reference,
    handout: Handout | None,
    wanted: Collection[str],
) -> Mapping[str, tuple[Shown, ...]]:
    """What can be made again of the criteria in which points went.

    Args:
        rubric: That the verdict stands on.
        bundle: Likewise.
        reference: Likewise: right answers are worked out anew.
        handout: Fingerprint of the handout.
        wanted: Ids of criteria.

    Returns:
        By id; nothing of a criterion of which nothing can be shown.
    """
    chosen = [criterion for criterion in rubric.criteria if criterion.id in wanted]
    if not chosen:
        return {}
    facts = Facts.of(bundle, rubric.sections, handout)
    peers = tuple(part for criterion in rubric.criteria for part in criterion.check.parts())
    shown = {}
    for criterion in chosen:
        case = Case(facts, criterion.section, reference, criterion.check.watches(), peers)
        shown[criterion.id] = _guarded(criterion, case)
    return {criterion: each for criterion, each in shown.items() if each}


def _guarded(criterion: Criterion, case: Case) -> tuple[Shown, ...]:
    """A reference that is gone, or anything else of ours, costs the cell and never the report."""
    try:
        return criterion.check.shows(case)
    except Exception:
        return ()
