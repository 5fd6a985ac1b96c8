"""What the rubric lays before a TA who decides on a criterion; none of it is for a student's page."""

from __future__ import annotations

from collections.abc import Mapping

from grader.errors import RubricError
from grader.facts.fields import Where
from grader.grading.marks import CriterionMark
from grader.rubric.model import Criterion
from grader.store import Store
from grader.store.records import RubricRecord
from grader.workflows.views.cells import NamedCells

__all__ = ["about_criterion", "about_evidence", "guides"]

_LINES_AROUND = 2


def guides(store: Store, rubric: RubricRecord | None) -> Mapping[str, str]:
    """What earns what, by criterion; those of which the rubric does not say it are left out.

    A rubric that this version can no longer read has no guide: decisions go on without one.
    """
    if rubric is None:
        return {}
    try:
        criteria = store.rubric(rubric).rubric.criteria
    except RubricError:
        return {}
    return {criterion.id: criterion.guide.strip() for criterion in criteria if criterion.guide.strip()}


def about_criterion(criterion: Criterion | None) -> list[tuple[str, str]]:
    """What was asked, what to look for and what earns what, as labelled texts; nothing for None."""
    if criterion is None:
        return []
    prompts = [str(getattr(part, "prompt", "")).strip() for part in criterion.check.parts()]
    head = f"{criterion.title} ({criterion.points:g})"
    parts = [
        ("criterion", f"{head}\n{criterion.asks}" if criterion.asks else head),
        ("look for", "\n".join(prompt for prompt in prompts if prompt)),
        ("guide", criterion.guide.strip()),
    ]
    return [(label, text) for label, text in parts if text]


def about_evidence(cells: NamedCells, mark: CriterionMark | None) -> list[tuple[str, str]]:
    """What was found, and the lines that it is about; nothing for None."""
    if mark is None:
        return []
    # Evidence is read for those alone who have to be shown a line of it.
    sources = {cell.index: cell.source for cell in cells.cells} if mark.finding.where else {}
    code = [
        _excerpt(sources.get(place.cell, ""), place, cells.place(Where(cell=place.cell)))
        for place in mark.finding.where[:3]
    ]
    said = cells.text(mark.told if mark.decision else mark.finding.message)
    # A finding keeps its own status, whoever decided since.
    status = mark.finding.status.value
    return [
        ("finding", f"{status}: {said}" if said else status),
        *([("evidence", "\n".join(code))] if code else []),
    ]


def _excerpt(source: str, place: Where, name: str) -> str:
    """The lines around a place, the line itself marked."""
    lines = source.splitlines()
    middle = place.line or 1
    first, last = max(1, middle - _LINES_AROUND), min(len(lines), middle + _LINES_AROUND)
    shown = [
        f"{'>' if number == place.line else ' '} {number:>3} {lines[number - 1]}"
        for number in range(first, last + 1)
    ]
    return "\n".join([name, *shown])
