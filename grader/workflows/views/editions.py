"""Notebooks of another edition of a lab than the one that the rubric judges by."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from grader.judging.exhibits import OtherEdition
from grader.store.results import Result

__all__ = ["other_editions"]


def other_editions(results: Iterable[Result]) -> list[str]:
    """A sentence for each part whose question is another in some notebooks: how many, and what follows."""
    students: dict[tuple[str, str, str], set[str]] = {}
    criteria: dict[tuple[str, str, str], set[str]] = {}
    for result in results:
        for finding in () if result.verdict is None else result.verdict.findings:
            for other in finding.exhibits:
                if isinstance(other, OtherEdition):
                    part = (result.assignment, other.section, other.title)
                    students.setdefault(part, set()).add(result.student)
                    criteria.setdefault(part, set()).add(finding.criterion)
    return [_sentence(part, len(who), criteria[part]) for part, who in sorted(students.items())]


def _sentence(part: tuple[str, str, str], count: int, criteria: Collection[str]) -> str:
    assignment, section, title = part
    have = "1 notebook has" if count == 1 else f"{count} notebooks have"
    return (
        f"{assignment}: {have} another edition of the question '{title}' than the rubric (`says` of section"
        f" '{section}' tells them apart): a TA looks at {', '.join(sorted(criteria))} there"
    )
