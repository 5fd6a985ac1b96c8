"""What the standing of a student's work is: worked out from the history by the functions that make the mark.

Nothing here adds up points or decides what waits; it puts into rows what `results` and `grading` say.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Session

from grader.errors import RefusedError
from grader.grading.groups import group_key
from grader.grading.held import why_not_taken
from grader.grading.marks import CriterionMark
from grader.grading.what_if import pack
from grader.store import lateness, marks, remarks, results
from grader.store.models import Base
from grader.store.records import SubmissionRecord
from grader.store.remarks import Remark
from grader.store.results import Result
from grader.store.standing_tables import BlockRow, CountRow, CriterionRow, LayoutRow, PolicyRow, StandingRow

__all__ = [
    "OWN",
    "Columns",
    "Projection",
    "blocks_of",
    "counts_of",
    "policy_of",
    "projections",
    "standing_of_file",
    "table_of",
]

#: A row as the database holds it, by column.
Columns = dict[str, Any]
#: Tables of the standing.
OWN: tuple[Any, ...] = (StandingRow, CriterionRow, CountRow, LayoutRow, BlockRow, PolicyRow)
_LAYOUT = 16
#: Blocks of a class: few rows to read, and little to write for one mark.
_BLOCKS = 64


@dataclass(frozen=True)
class Projection:
    """The rows of one student's work on an assignment."""

    standing: Columns
    criteria: tuple[Columns, ...]
    layout: Columns | None

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """What it adds to the counters; nothing where a person dropped it."""
        return counts_of(self.standing, self.criteria)


def projections(session: Session, assignment: str, students: Collection[str]) -> Iterator[Projection]:
    """The rows of some students' works on an assignment, or of all where none is named."""
    files: dict[tuple[int, str], str] | None = None
    asked: Counter[str] = Counter()
    for request in remarks.requests(session, assignment=assignment, students=students):
        asked[request.student] += _is_open(request)
    for result in results.results(session, assignment=assignment, students=students, with_dropped=True):
        # Most works are of machines alone, so what a person had read is asked for only where one decided.
        if result.decisions and files is None:
            # Of one student it is known which marks there are: then others need not be looked for.
            given = {each.seq for each in result.decisions} if len(students) == 1 else set()
            files = marks.files_read(session, [assignment], students, given)
        yield _projection(result, files or {}, asked[result.student])


def standing_of_file(assignment: str, student: str) -> Columns:
    """The row of a student of whom there is a file, and nothing else yet."""
    file = SubmissionRecord(
        student=student,
        assignment=assignment,
        notebook="",
        path="",
        submitted_at=None,
        late=False,
        problem="",
    )
    return _projection(Result(file, None, None, None), {}, 0).standing


def _is_open(request: Remark) -> bool:
    """Steps that no rule allows, as an older version or another program may have written, open nothing."""
    try:
        return request.state.is_open
    except RefusedError:
        return False


def _projection(result: Result, files: Mapping[tuple[int, str], str], requests: int) -> Projection:
    work = {"assignment": result.assignment, "student": result.student}
    mark, record, attempt = result.mark, result.verdict_record, result.attempt
    quiet = bool(result.dropped) or bool(mark and mark.held)
    criteria = tuple(
        work | _criterion(place, item, 0 if quiet else _waits(result, item, files))
        for place, item in enumerate(mark.criteria if mark else ())
    )
    waiting = sum(bool(row["waits"]) for row in criteria)
    named = json.dumps([[row["criterion"], row["out_of"]] for row in criteria])
    layout = hashlib.sha256(named.encode()).hexdigest()[:_LAYOUT] if mark else ""
    standing = work | {
        "attempt": attempt.seq if attempt else None,
        "verdict": record.seq if record else None,
        "outcome": attempt.outcome if attempt else "",
        "state": _state(result, waiting),
        "counted": int(mark is not None and not result.dropped),
        "points": mark.points if mark else 0.0,
        "out_of": mark.out_of if mark else 0.0,
        "pending": mark.pending if mark else 0.0,
        "late_points": mark.late.points if mark and mark.late else 0.0,
        "waiting": waiting,
        "marked": sum(row["mark"] is not None for row in criteria),
        "requests": requests,
        "layout": layout,
        "packed": pack(mark) if mark else "",
        "block": _block(result.student),
    }
    laid_out = {"assignment": result.assignment, "layout": layout, "criteria": named}
    return Projection(standing, criteria, laid_out if layout else None)


def _criterion(place: int, mark: CriterionMark, waits: int) -> Columns:
    return {
        "criterion": mark.criterion,
        "place": place,
        "status": mark.finding.status.value,
        "points": mark.points,
        "out_of": mark.out_of,
        "pending": mark.pending,
        "waits": waits,
        "mark": mark.decision.seq if mark.decision else None,
        "alike": group_key(mark.finding),
    }


def _waits(result: Result, mark: CriterionMark, files: Mapping[tuple[int, str], str]) -> int:
    if mark.pending:
        return 1
    now = result.submission.notebook
    return 2 if mark.decision and files.get((mark.decision.seq, result.student), now) != now else 0


def _state(result: Result, waiting: int) -> str:
    mark, attempt = result.mark, result.attempt
    if result.dropped:
        return "dropped"
    if attempt is None:
        return "unreadable" if result.damaged else "not_run"
    if mark is None:
        if why_not_taken(attempt.outcome, attempt.detail):
            return "held"
        return "not_judged" if result.unreadable is None else "unreadable"
    if mark.held:
        return "held"
    return "waiting" if waiting else "settled"


def counts_of(standing: Columns, criteria: Iterable[Columns]) -> Counter[tuple[str, str]]:
    """By criterion (empty for the whole) and what is counted."""
    if standing["state"] == "dropped":
        return Counter()
    names = [("", "all"), ("", standing["state"])]
    if standing["marked"]:
        names.append(("", "marked"))
    for row in criteria:
        name = row["criterion"]
        names += [(name, "all"), (name, row["status"])]
        names += [(name, "waits")] if row["waits"] else []
        names += [(name, "marked")] if row["mark"] is not None else []
    return Counter(names)


def _block(student: str) -> int:
    """Which block of a class a student's mark is kept in."""
    return hashlib.sha256(student.encode("utf-8", "surrogatepass")).digest()[0] % _BLOCKS


def blocks_of(assignment: str, marks: Iterable[Any]) -> list[Columns]:
    """Rows of blocks, from block, layout and packed mark of each student in order."""
    packed: dict[tuple[str, int], list[str]] = defaultdict(list)
    for block, layout, mark in marks:
        packed[layout, block].append(mark)
    return [
        {"assignment": assignment, "layout": layout, "block": block, "marks": bytes.fromhex("".join(each))}
        for (layout, block), each in packed.items()
    ]


def policy_of(session: Session, assignment: str) -> str:
    policy = lateness.late_policy(session, assignment)
    return policy.model_dump_json() if policy else ""


def table_of(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table
