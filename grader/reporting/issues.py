"""What a class got wrong most: findings of many students that say the same thing, counted once a student."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.grading.marks import CriterionMark
from grader.grading.points import add_up
from grader.grading.verdict import Finding
from grader.judging.exhibits import Calls, Names, exhibit_of
from grader.judging.judgement import Status
from grader.reporting.anonymous import Disguise
from grader.reporting.cells import without_cells
from grader.reporting.model import SummaryInput
from grader.reporting.text import clean, first_sentences, shortened
from grader.rubric.model import Criterion, Rubric

__all__ = ["Issue", "common_issues"]

_GIST_CHARACTERS = 260
_CODE_CHARACTERS = 120


@dataclass(frozen=True)
class Issue:
    """A mistake that several students share.

    Attributes:
        title: As a lecturer would put it on a slide.
        students: How many made it.
        share: Of those judged on the criterion.
        points: Points that the criterion cost these students, together.
        example: What one of them was told, without a name; empty where the title says it all.
        code: A line of that student's code without comments and strings; empty where none is known.
        hint: The rubric's own word on how to check it.
        recognised: It is one known mistake, rather than all that a message of one form can mean.
    """

    criterion: str
    title: str
    students: int
    share: float
    points: float
    example: str = ""
    code: str = ""
    hint: str = ""
    recognised: bool = False


@dataclass(frozen=True)
class _Sighting:
    """One student's finding that says one thing."""

    key: tuple[str, str]
    title: str
    example: str
    code: str
    lost: float
    recognised: bool = True


def common_issues(rubric: Rubric, results: Sequence[SummaryInput]) -> tuple[Issue, ...]:
    """All issues, the most common first; among equals known mistakes, then those that cost more."""
    criteria = {criterion.id: criterion for criterion in rubric.criteria}
    judged: dict[str, int] = {}
    seen: dict[tuple[str, str], list[_Sighting]] = {}
    for result in results:
        for sighting in _sightings(result, criteria):
            seen.setdefault(sighting.key, []).append(sighting)
        for item in result.mark.criteria if result.mark else ():
            if not 0 < item.out_of <= item.pending:
                judged[item.criterion] = judged.get(item.criterion, 0) + 1
    issues = [
        _issue(criterion, sightings, judged.get(criterion, 0), criteria)
        for (criterion, _), sightings in seen.items()
    ]
    return tuple(sorted(issues, key=_rank))


def _rank(issue: Issue) -> tuple[int, bool, float, str]:
    return -issue.students, not issue.recognised, -issue.points, issue.title


def _issue(
    criterion: str, sightings: Sequence[_Sighting], judged: int, criteria: Mapping[str, Criterion]
) -> Issue:
    told = min(sightings, key=lambda sighting: (not sighting.code, len(sighting.code), sighting.example))
    return Issue(
        criterion=criterion,
        title=told.title,
        students=len(sightings),
        share=len(sightings) / judged if judged else 0.0,
        points=add_up(sighting.lost for sighting in sightings),
        example=told.example,
        code=told.code,
        hint=criteria[criterion].hint if criterion in criteria else "",
        recognised=told.recognised,
    )


def _sightings(result: SummaryInput, criteria: Mapping[str, Criterion]) -> Iterator[_Sighting]:
    for item in result.mark.criteria if result.mark else ():
        if item.finding.status not in (Status.FAIL, Status.PARTIAL) or item.decision is not None:
            continue
        told: dict[tuple[str, str], _Sighting] = {}
        for sighting in _of_criterion(result, item, criteria.get(item.criterion)):
            told.setdefault(sighting.key, sighting)
        yield from told.values()


def _of_criterion(
    result: SummaryInput, item: CriterionMark, criterion: Criterion | None
) -> Iterator[_Sighting]:
    """By name for builtins, by mistake where the check recognised one, else by what the message says."""
    finding = item.finding
    title = criterion.title if criterion else finding.title
    disguise = Disguise(result.student, result.name, criterion.check.model_dump_json() if criterion else "")
    lost = item.lost
    used = exhibit_of(finding.exhibits, Names)
    names = used.names if used else ()
    mistakes = [disguise.message(mistake) for mistake in _mistakes(finding)]
    for entry in names:
        text = f"`{clean(entry.name)}` used as a variable name"
        code = _code(result, disguise, entry.cell, entry.line)
        yield _Sighting((finding.criterion, entry.name), text, "", code, lost)
    if names and not mistakes:
        return
    # Other people's notebooks have other cells at these places.
    gist = disguise.message(without_cells(first_sentences(finding.message, _GIST_CHARACTERS)))
    code = _first_code(result, disguise, finding)
    for mistake in mistakes:
        yield _Sighting((finding.criterion, mistake), f"{title}: {mistake}", gist, code, lost)
    if not mistakes:
        key = (finding.criterion, _pattern(disguise.message(finding.message)))
        yield _Sighting(key, f"Missed: {title}", gist, code, lost, recognised=False)


def _mistakes(finding: Finding) -> Iterator[str]:
    made = exhibit_of(finding.exhibits, Calls)
    for group in made.groups if made else ():
        for call in group.calls:
            if call.mistake:
                yield clean(call.mistake)


def _pattern(message: str) -> str:
    """What a message says whatever its names and numbers: the key by which equal ones are counted."""
    first = first_sentences(message, 1)
    bare = re.sub(r"\d+(\.\d+)?", "0", re.sub(r"`[^`]*`", "``", first))
    return re.sub(r"0(, 0)+", "0", bare)


def _first_code(result: SummaryInput, disguise: Disguise, finding: Finding) -> str:
    place = next((place for place in finding.where if place.line is not None), None)
    return "" if place is None else _code(result, disguise, place.cell, place.line)


def _code(result: SummaryInput, disguise: Disguise, cell: int, line: int | None) -> str:
    """A line of the student's, disguised."""
    if result.bundle is None or line is None:
        return ""
    cells = result.bundle.evidence.cells
    lines = cells[cell].source.splitlines() if 0 <= cell < len(cells) else []
    text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return disguise.code(shortened(text, _CODE_CHARACTERS))
