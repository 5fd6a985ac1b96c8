"""`grader remark import`: the requests of a form's export, each taken by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from grader.errors import GraderError, RefusedError, UsageError
from grader.files.tabular import read_table
from grader.grading.requests import Kind
from grader.intake.times import read_time
from grader.store import Store
from grader.store.remarks import Remark
from grader.workflows.marking.remark import Request, open_request
from grader.workflows.views.identity import real_names

__all__ = ["Imported", "import_requests"]

_COLUMNS = ("student", "criterion", "reason", "accepted")
_OPTIONAL = ("kind", "submitted", "late_because")
_YES = frozenset({"yes", "y", "true", "1", "x", "accepted", "i accept"})


@dataclass
class Imported:
    """What became of the rows of a table.

    Attributes:
        known: Requests that an earlier import of a grown table, or an earlier row, opened already.
        problems: For each row that cannot be taken an error that names its line.
    """

    opened: list[Remark] = field(default_factory=list)
    known: list[Remark] = field(default_factory=list)
    problems: list[GraderError] = field(default_factory=list)


def import_requests(
    store: Store, path: Path, *, assignment: str, actor: str, late_because: str = ""
) -> Imported:
    """Opens the requests of a form's export. A row that cannot be taken stops no other.

    The file has the columns student, criterion, reason, accepted, and may have kind, submitted (when the
    student handed it in, by which the course's dates go) and late_because.

    Args:
        store: Where they go.
        path: The table; it may grow and be given again.
        assignment: What they are about.
        actor: Who takes them.
        late_because: Why rows without a reason of their own are taken after the date.

    Raises:
        UsageError: The file cannot be read, or lacks a column.
    """
    done = Imported()
    for line, row in read_table(path, required=_COLUMNS, optional=_OPTIONAL):
        try:
            request = _request(row, assignment, late_because, path.name)
            same = next(_asking_the_same(store, request), None)
            if same is not None:
                done.known.append(same)
            else:
                done.opened += open_request(store, [request], actor=actor)
        except (RefusedError, UsageError) as error:
            error.where = f"{path}:{line}"
            done.problems.append(error)
    return done


def _asking_the_same(store: Store, request: Request) -> Iterator[Remark]:
    """Requests of the same words about the same, whatever became of them."""
    with store.reading() as history:
        [student] = real_names(history, request.assignment, [request.student])
        found = history.remarks(assignment=request.assignment, student=student)
    asked = (request.criterion, request.kind, request.reason)
    return (item for item in found if (item.criterion, item.kind, item.reason) == asked)


def _request(row: dict[str, str], assignment: str, late_because: str, source: str) -> Request:
    word = row["kind"].lower().replace(" ", "_") or Kind.JUDGEMENT.value
    if word not in set(Kind):
        raise UsageError(f"'{row['kind']}' is no kind of request", expected=", ".join(Kind))
    return Request(
        student=row["student"],
        assignment=assignment,
        criterion=row["criterion"],
        kind=Kind(word),
        reason=row["reason"],
        accepted=row["accepted"].lower() in _YES,
        late_because=row["late_because"] or late_because,
        submitted=_moment(row["submitted"]) if row["submitted"] else None,
        source=source,
    )


def _moment(text: str) -> datetime:
    """A time that nobody has to guess: with its zone."""
    try:
        time: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        time = read_time(text)
    if time is None or time.tzinfo is None:
        raise UsageError(
            "this is no time that can be relied on",
            expected="date, time and zone, as 2026-03-19 14:05:00 -05:00",
            found=text,
        )
    return time
