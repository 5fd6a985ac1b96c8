"""A TA's marks that were given on another file than the one that counts now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grader.store import Result, Store

__all__ = ["EarlierMarks", "marks_on_earlier_files"]

#: Criteria by assignment and student.
EarlierMarks = Mapping[tuple[str, str], Sequence[str]]


def marks_on_earlier_files(store: Store, results: Sequence[Result]) -> EarlierMarks:
    """Criteria whose standing mark answers a verdict on a file that the student has replaced since.

    The mark counts all the same (docs/decisions/0010), so a TA has to know of it.
    """
    with store.reading() as history:
        read_on = history.files_marked({result.assignment for result in results})
    found = {
        (result.assignment, result.student): list(_read_on_another(result, read_on))
        for result in results
        if result.decisions
    }
    return {key: names for key, names in found.items() if names}


def _read_on_another(result: Result, read_on: Mapping[tuple[int, str], str]) -> Iterator[str]:
    now = result.submission.notebook
    for item in result.mark.criteria if result.mark else ():
        if item.decision and read_on.get((item.decision.seq, result.student), now) != now:
            yield item.criterion
