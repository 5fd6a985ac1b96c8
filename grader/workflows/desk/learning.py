"""Working out what answers look like: once for each attempt, after a run."""

from __future__ import annotations

from itertools import groupby

from grader.errors import EvidenceError, RubricError, StoreError
from grader.facts.facts import Facts
from grader.store import Result, Store
from grader.store.answers import AnswerRecord
from grader.workflows.desk.likeness import answers_in

__all__ = ["answers_of", "learn_answers"]

_BATCH = 50


def learn_answers(store: Store, assignment: str | None = None) -> int:
    """Looks at the answers of attempts that were not looked at yet, of one assignment or of all.

    Returns:
        How many attempts were looked at. Those whose evidence cannot be read are not looked at again.
    """
    with store.reading() as history:
        unread = history.unread_attempts(assignment)
    for work, group in groupby(unread, key=lambda pair: pair[0]):
        students = [student for _, student in group]
        for start in range(0, len(students), _BATCH):
            _learn(store, work, students[start : start + _BATCH])
    return len(unread)


def _learn(store: Store, assignment: str, students: list[str]) -> None:
    with store.reading() as history:
        results = list(history.results(assignment=assignment, students=students, with_dropped=True))
    records = [record for result in results for record in answers_of(store, result)]
    looked_at = [AnswerRecord.looked_at(result.attempt.seq) for result in results if result.attempt]
    with store.writing() as history:
        history.keep_answers([*records, *looked_at])


def answers_of(store: Store, result: Result) -> list[AnswerRecord]:
    """What a submission's answers look like; nothing where that cannot be told."""
    if result.attempt is None or result.rubric is None or result.verdict is None:
        return []
    try:
        bundle, loaded = store.evidence(result.attempt), store.rubric(result.rubric)
    except (StoreError, EvidenceError, RubricError):
        return []
    facts = Facts.of(bundle, loaded.rubric.sections, loaded.handout)
    return list(answers_in(facts, loaded, result.verdict, result.attempt.seq))
