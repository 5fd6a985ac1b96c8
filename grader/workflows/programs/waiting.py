"""What waits for people on an assignment, student by student."""

from __future__ import annotations

from dataclasses import dataclass, replace

from grader.store import Store
from grader.workflows.desk.names import hidden_names
from grader.workflows.desk.waiting import require_known
from grader.workflows.marking.marks import Pending, list_pending
from grader.workflows.programs.walking import walk
from grader.workflows.views.identity import pseudonym

__all__ = ["PendingPage", "pending_page"]


@dataclass(frozen=True)
class PendingPage:
    """What waits of some students; `after` says where to go on, empty at the end."""

    items: tuple[Pending, ...]
    after: str


def pending_page(
    store: Store, assignment: str, *, after: str, size: int, anonymous: bool, criterion: str = ""
) -> PendingPage:
    """What waits of the next students of whom anything waits.

    Args:
        store: Where the history is.
        assignment: Which work.
        after: The last student of the page before; empty for the first page.
        size: How many students.
        anonymous: Whether students go by pseudonyms, also in what quotes them.
        criterion: The only one to list; empty for all.

    Raises:
        UsageError: No assignment or criterion is called so.
    """
    with store.reading() as history:
        require_known(history, assignment, criterion or None)
        walked = walk(
            history,
            assignment,
            after,
            size,
            anonymous=anonymous,
            wanted=lambda standing: (
                standing.state == "held"
                or any(each.waits and criterion in ("", each.criterion) for each in standing.criteria)
            ),
            criteria=True,
        )
        students = [student for _, student in walked.students]
    if not students:
        return PendingPage((), walked.after)
    items = list_pending(store, assignment, students=students, anonymous=anonymous)
    kept = [item for item in items if criterion in ("", item.criterion)]
    if anonymous:
        kept = _without_names(store, assignment, students, kept)
    order = {shown: place for place, (shown, _) in enumerate(walked.students)}
    return PendingPage(tuple(sorted(kept, key=lambda item: order[item.student])), walked.after)


def _without_names(store: Store, assignment: str, students: list[str], items: list[Pending]) -> list[Pending]:
    with store.reading() as history:
        key = history.own_key()
        hide = {
            pseudonym(key, result.student): hidden_names(history, result)
            for result in history.results(assignment=assignment, students=students)
        }
    return [replace(item, message=hide[item.student](item.message)) for item in items]
