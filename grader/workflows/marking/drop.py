"""`grader drop`: takes a submission that should not be there out of what counts, and brings it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.errors import RefusedError, UsageError
from grader.store import History, Signature, Store
from grader.store.drops import DropRecord
from grader.store.results import Result
from grader.workflows.views.dropped import how_to_bring_back, why_dropped
from grader.workflows.views.show import find_results

__all__ = [
    "all_dropped",
    "bring_back",
    "drop",
    "require_reason",
    "that_can_be_brought_back",
    "that_can_be_dropped",
]


def all_dropped(store: Store, assignment: str) -> list[Result]:
    """What of an assignment is dropped now.

    Raises:
        UsageError: No assignment is called so.
    """
    return [result for result in find_results(store, assignment, with_dropped=True) if result.dropped]


def that_can_be_dropped(store: Store, assignment: str, students: Sequence[str]) -> list[Result]:
    """The submissions that a person means, before anything is written.

    Raises:
        RefusedError: One is dropped already, or somebody's remark request on it is open.
        UsageError: The assignment or one of the students is unknown.
    """
    found = find_results(store, assignment, students)
    with store.reading() as history:
        for result in found:
            _refuse_open_requests(history, result)
    return found


def drop(store: Store, results: Sequence[Result], reason: str, *, actor: str) -> None:
    """Takes submissions out of what counts, all of them or none; evidence and marks stay in the history.

    Raises:
        RefusedError: As `that_can_be_dropped`, where it came to be so meanwhile.
        UsageError: There is no reason.
    """
    require_reason(reason)
    with store.writing() as history:
        for result in _as_they_stand(history, results):
            if why := why_dropped(result):
                raise RefusedError(f"{result.student}: {why}", todo="nothing was written")
            _refuse_open_requests(history, result)
            history.drop(
                _record(result, reason, dropped=True), Signature(actor, store.clock(), "grader drop")
            )


def that_can_be_brought_back(store: Store, assignment: str, students: Sequence[str]) -> list[Result]:
    """The dropped submissions that a person means.

    Raises:
        RefusedError: One of them is not dropped.
        UsageError: The assignment or one of the students is unknown.
    """
    found = find_results(store, assignment, students, with_dropped=True)
    for result in found:
        _refuse_counting(result)
        _refuse_erased(result)
    return found


def bring_back(store: Store, results: Sequence[Result], reason: str, *, actor: str) -> None:
    """Lets dropped submissions count again, all of them or none.

    Raises:
        RefusedError: One of them was brought back meanwhile.
        UsageError: There is no reason.
    """
    require_reason(reason)
    with store.writing() as history:
        for result in _as_they_stand(history, results):
            _refuse_counting(result)
            _refuse_erased(result)
            signature = Signature(actor, store.clock(), "grader drop --undo")
            history.drop(_record(result, reason, dropped=False), signature)


def _as_they_stand(history: History, results: Sequence[Result]) -> Iterator[Result]:
    for result in results:
        yield from history.results(assignment=result.assignment, students=[result.student], with_dropped=True)


def _record(result: Result, reason: str, *, dropped: bool) -> DropRecord:
    return DropRecord(
        student=result.student, assignment=result.assignment, reason=reason.strip(), dropped=dropped
    )


def require_reason(reason: str) -> None:
    """Lets nothing be dropped or brought back without a word why.

    Raises:
        UsageError: There is none.
    """
    if not reason.strip():
        raise UsageError(
            "dropping a submission, or bringing it back, needs a reason", expected="--reason TEXT"
        )


def _refuse_counting(result: Result) -> None:
    if result.dropped is not None and result.dropped.excused:
        todo = how_to_bring_back(result)
        raise RefusedError(f"{result.student} is excused, rather than that this was dropped", todo=todo)
    if not result.dropped:
        raise RefusedError(f"{result.student}: this submission is not dropped", todo="nothing was written")


def _refuse_erased(result: Result) -> None:
    if result.dropped is not None and result.dropped.erased:
        raise RefusedError(f"{result.student}: this person was erased; their work stays out of what counts")


def _refuse_open_requests(history: History, result: Result) -> None:
    for remark in history.remarks(assignment=result.assignment, student=result.student):
        if remark.state.is_open:
            raise RefusedError(
                f"{result.student}: remark request {remark.id} on this submission is open",
                todo=f"settle it first: grader remark show {remark.id}",
            )
