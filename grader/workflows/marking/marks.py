"""`grader mark` and `grader pending`: what only a person can judge."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.errors import DamagedRow, GraderError, RefusedError, UsageError
from grader.facts.fields import Where
from grader.files.tabular import read_table
from grader.grading.held import parted
from grader.grading.marks import CriterionMark
from grader.grading.remarks import check_range
from grader.grading.seen import Seen, read_seen
from grader.rubric.problems import nearest
from grader.store import History, Signature, Store, WritableHistory
from grader.store.marks import About, BulkMarkRecord, MarkRecord
from grader.store.results import Result
from grader.workflows.marking.earlier_files import EarlierMarks, marks_on_earlier_files
from grader.workflows.marking.for_group import marked_alike
from grader.workflows.marking.seen import refuse_overtaken, seen_in
from grader.workflows.views.at_hand import guides
from grader.workflows.views.cells import NamedCells
from grader.workflows.views.filters import criteria_of, require_criterion
from grader.workflows.views.held import why_held
from grader.workflows.views.identity import is_pseudonym, normalise_id, real_names, shown_as
from grader.workflows.views.show import find_results, name_of, refuse_dropped

__all__ = [
    "WHOLE",
    "MarkOrder",
    "Marked",
    "Pending",
    "give_marks",
    "graded_result",
    "graded_results",
    "list_pending",
    "orders_for_zero",
    "pending",
    "read_orders",
]

#: In place of a criterion, where everything waits for one and the same reason.
WHOLE = "(the whole file)"

_COLUMNS = ("student", "criterion", "points", "comment", "seen")


@dataclass(frozen=True)
class MarkOrder:
    """A mark to be given.

    Attributes:
        points: None takes the TA's earlier mark back.
        source: Where it was read, for messages; empty for the command line.
        seen: What of the criterion its author had on screen; None where they do not say. Then no mark of
            somebody else is replaced.
        only: Whether it is for this student alone, where a group handed in together.
    """

    student: str
    criterion: str
    points: float | None
    comment: str
    source: str = ""
    seen: Seen | None = None
    only: bool = False


@dataclass(frozen=True)
class Marked:
    """A mark that was given, and what counted before.

    Attributes:
        fellows: How many others of the group got the same.
    """

    student: str
    criterion: str
    before: float
    after: float
    out_of: float
    fellows: int = 0


@dataclass(frozen=True)
class Pending:
    """A criterion of one student that waits for a TA.

    Attributes:
        cells: By name, but for those that the message names.
        seen: What whoever reads this item has seen; None for a whole file.
        guide: What earns what, by the rubric; empty where it does not say.
    """

    student: str
    criterion: str
    points: float
    status: str
    message: str
    where: tuple[Where, ...]
    cells: tuple[str, ...] = ()
    seen: Seen | None = None
    guide: str = ""


def list_pending(
    store: Store,
    assignment: str,
    *,
    students: Collection[str] = (),
    criterion: str | None = None,
    anonymous: bool = False,
) -> list[Pending]:
    """What waits for a TA on an assignment: one criterion after another, each for all students.

    Args:
        store: Where the history is.
        assignment: Which work.
        students: Whose, by id or pseudonym; all where none is named.
        criterion: The only one to list.
        anonymous: Whether students go by pseudonyms.

    Raises:
        UsageError: No assignment, student or criterion is called so.
    """
    results = find_results(store, assignment, students)
    require_criterion(criterion, criteria_of(results), assignment)
    earlier = marks_on_earlier_files(store, results)
    cells = {(result.assignment, result.student): NamedCells(store, result) for result in results}
    items = pending(results, criterion, name_of(store, anonymous), earlier, cells)
    rubrics = [result.rubric for result in results if result.rubric is not None]
    told = guides(store, max(rubrics, key=lambda rubric: rubric.seq, default=None))
    return [replace(item, guide=told.get(item.criterion, "")) for item in items]


def pending(
    results: Sequence[Result],
    criterion: str | None = None,
    name: Callable[[str], str] = str,
    earlier: EarlierMarks | None = None,
    cells: Mapping[tuple[str, str], NamedCells] | None = None,
) -> list[Pending]:
    """What waits for a TA: files that could not be taken, then criterion by criterion, each for all students.

    Args:
        results: Whose.
        criterion: The only one to list.
        name: What a student is called; the order goes by it, so that it gives nothing else away.
        earlier: Criteria marked on an earlier file, which are listed too.
        cells: Of each assignment and student, to call them by name; without them they go by number.
    """
    held = [result for result in results if criterion is None and why_held(result)]
    items = [
        (place, name(result.student), mark, result)
        for result in results
        if result not in held
        for place, mark in _waiting(result, (earlier or {}).get((result.assignment, result.student), ()))
        if criterion in (None, mark.criterion)
    ]
    return [
        *sorted((_held(name(result.student), result) for result in held), key=lambda item: item.student),
        *(
            _pending(student, mark, result, (cells or {}).get((result.assignment, result.student)))
            for _, student, mark, result in sorted(items, key=lambda item: item[:2])
        ),
    ]


def _waiting(result: Result, earlier: Collection[str]) -> Iterator[tuple[int, CriterionMark]]:
    criteria = result.mark.criteria if result.mark else ()
    return ((place, mark) for place, mark in enumerate(criteria) if mark.pending or mark.criterion in earlier)


def _held(student: str, result: Result) -> Pending:
    """What could not be taken is one question, not one for each criterion."""
    points = result.mark.pending if result.mark else 0.0
    what, todo = parted(why_held(result))
    message = f"{what}; the student can: {todo}" if todo else what
    return Pending(student, WHOLE, points, "could not be taken", message, ())


def _pending(student: str, mark: CriterionMark, result: Result, cells: NamedCells | None) -> Pending:
    finding, decision = mark.finding, mark.decision
    status, message = finding.status.value, f"{finding.message} {finding.open}".strip()
    if decision is not None:
        status = "marked on an earlier file"
        message = (
            f"{decision.by} gave {mark.points:g} of {mark.out_of:g}, which counts until it is marked again"
        )
    if cells is not None:
        message = cells.text(message)
    named = () if cells is None else tuple(cells.places(finding.where, message))
    seen = seen_in(result, mark)
    return Pending(student, mark.criterion, mark.pending, status, message, finding.where, named, seen)


def read_orders(path: Path) -> list[MarkOrder]:
    """Reads marks from a CSV file with the columns student, criterion, points, comment, seen.

    Rows of a worksheet (`grader pending --csv`) that nobody has filled in are passed over.

    Raises:
        UsageError: The file cannot be read, or points are no number; every bad row is named.
    """
    orders, problems = [], []
    for line, row in read_table(path, required=_COLUMNS[:3], optional=_COLUMNS[3:]):
        source = f"{path}:{line}"
        if row["seen"] and not row["points"]:
            continue
        try:
            points = float(row["points"])
            seen = read_seen(row["seen"]) if row["seen"] else None
        except ValueError:
            problems.append(f"{source}: '{row['points']}' is no number of points")
        except UsageError as error:
            problems.append(f"{source}: {error}")
        else:
            orders.append(MarkOrder(row["student"], row["criterion"], points, row["comment"], source, seen))
    if problems:
        raise UsageError("\n".join(problems), todo="nothing was written: mend the file and give it again")
    return orders


def orders_for_zero(store: Store, student: str, assignment: str, comment: str) -> list[MarkOrder]:
    """Nothing for every criterion of a submission that could not be taken; those a person marked stay.

    Raises:
        RefusedError: It was taken, or a person has decided on it already.
        UsageError: Student or assignment is unknown, or no reason is given.
    """
    if not comment.strip():
        raise UsageError("nothing for a whole submission needs a reason", expected="--comment TEXT")
    with store.reading() as history:
        result = graded_result(history, student, assignment)
    if not why_held(result) or result.mark is None:
        raise RefusedError(
            f"{student}: this submission does not wait because its file could not be taken",
            todo="mark its criteria: --criterion C --points P",
        )
    undecided = (item for item in result.mark.criteria if item.decision is None)
    return [
        MarkOrder(student, item.criterion, 0.0, comment, seen=seen_in(result, item)) for item in undecided
    ]


def give_marks(store: Store, assignment: str, orders: Sequence[MarkOrder], *, actor: str) -> list[Marked]:
    """Writes marks, all of them or none.

    Where a group handed in together, a mark is that of each of them whose work stands as the one's that was
    marked; whoever was marked otherwise, or is named by an order of their own, keeps that.

    Raises:
        OvertakenError: The only problem is one whose author had something else on screen than what stands.
        RefusedError: One or more cannot be given; each is named with its reason.
        UsageError: A student or criterion is unknown.
    """
    given: list[Marked] = []
    problems: list[GraderError] = []
    with store.writing() as history:
        _refuse_repeated(history, assignment, orders)
        signature = Signature(actor, store.clock(), "grader mark")
        named = _named(history, assignment, orders)
        for order in orders:
            try:
                given.append(_give(history, assignment, order, signature, named))
            except (RefusedError, UsageError) as error:
                error.where = error.where or order.source or None
                problems.append(error)
        if len(problems) == 1:
            raise problems[0]
        if problems:
            raise RefusedError("\n".join(map(str, problems)), todo="nothing was written")
    return given


def _refuse_repeated(history: History, assignment: str, orders: Sequence[MarkOrder]) -> None:
    """Two rows for one criterion of one student, however the student is spelt."""
    if len(orders) < 2:
        return
    names = real_names(history, assignment, [order.student for order in orders])
    seen: dict[tuple[str, str], MarkOrder] = {}
    for name, order in zip(names, orders, strict=True):
        other = seen.setdefault((name, order.criterion), order)
        if other is not order:
            raise RefusedError(
                f"{order.student}: '{order.criterion}' is marked twice in the same file",
                where=order.source or None,
                found=f"{other.source}: {other.student}" if other.source else other.student,
                todo="nothing was written: leave one of them out",
            )


def _named(history: History, assignment: str, orders: Sequence[MarkOrder]) -> set[tuple[str, str]]:
    """Students and criteria that have an order of their own, beside that of any one order."""
    if len(orders) < 2:
        return set()
    names = real_names(history, assignment, [order.student for order in orders])
    return {(name, order.criterion) for name, order in zip(names, orders, strict=True)}


def _give(
    history: WritableHistory,
    assignment: str,
    order: MarkOrder,
    signature: Signature,
    named: Collection[tuple[str, str]],
) -> Marked:
    result = graded_result(history, order.student, assignment)
    mark = criterion_mark(result, order.criterion)
    name = shown_as(order.student, result.student)
    _refuse_open_request(history, result, order.criterion, name)
    refuse_overtaken(history, result, mark, order.seen, actor=signature.actor, name=name)
    if order.points is None:
        _refuse_taking_back(mark)
    else:
        refusal = f"{name}: these points cannot be given for '{order.criterion}'"
        check_range(order.points, lowest=0.0, out_of=mark.out_of, refusal=refusal)
    assert result.verdict_record is not None
    fellows = () if order.only or order.points is None else marked_alike(history, result, mark, named)
    if fellows:
        seen = order.seen or seen_in(result, mark)
        alike = BulkMarkRecord(
            assignment=assignment,
            criterion=order.criterion,
            points=order.points,
            comment=order.comment,
            about=(About(result.student, seen.verdict, seen.mark), *fellows),
        )
        history.give_alike(alike, replace(signature, why=f"{signature.why}, for a group"))
        assert order.points is not None
        return Marked(name, order.criterion, mark.points, order.points, mark.out_of, len(fellows))
    given = MarkRecord(
        student=result.student,
        assignment=assignment,
        criterion=order.criterion,
        points=order.points,
        comment=order.comment,
        verdict=result.verdict_record.seq,
        seen_verdict=order.seen.verdict if order.seen else None,
        seen_mark=order.seen.mark if order.seen else None,
    )
    history.give_mark(given, signature)
    after = order.points
    if after is None:
        after = criterion_mark(graded_result(history, result.student, assignment), order.criterion).points
    return Marked(name, order.criterion, mark.points, after, mark.out_of)


def _refuse_open_request(history: History, result: Result, criterion: str, name: str) -> None:
    for remark in history.remarks(assignment=result.assignment, student=result.student):
        if remark.criterion == criterion and remark.state.is_open:
            raise RefusedError(
                f"{name}: a remark request on '{criterion}' is open",
                todo=f"decide it: grader remark decide {remark.id} --points P --reason TEXT",
            )


def _refuse_taking_back(mark: CriterionMark) -> None:
    given = mark.decision or mark.earlier
    if given is None:
        raise RefusedError(f"no TA has marked '{mark.criterion}', so there is nothing to take back")
    if given.request is not None:
        raise RefusedError(
            f"the mark of '{mark.criterion}' answers remark request {given.request}",
            todo="give another mark, or escalate the request",
        )


def graded_result(history: History, student: str, assignment: str, *, with_dropped: bool = False) -> Result:
    """A student's standing with a verdict, read within a transaction.

    Args:
        history: To read in.
        student: By id or pseudonym.
        assignment: Which work.
        with_dropped: Whether one that a person dropped is wanted too.

    Raises:
        RefusedError: It is dropped.
        UsageError: Student or assignment is unknown, or there is no verdict yet.
    """
    name, result = normalise_id(student), None
    if not is_pseudonym(name):
        # An id that is stored is itself: whose work is there need not be asked for first.
        result = next(history.results(assignment=assignment, students=[name], with_dropped=True), None)
    if result is None:
        [name] = real_names(history, assignment, [student])
        result = next(history.results(assignment=assignment, students=[name], with_dropped=True), None)
    if result is None:
        hint = nearest(name, history.students(assignment)).partition("; known")[0]
        raise UsageError(f"'{name}' handed in nothing for {assignment}{hint}")
    if not with_dropped:
        refuse_dropped(result, student)
    if result.damaged:
        raise DamagedRow(f"{shown_as(student, name)}: {result.damaged}", todo="`grader audit` tells more")
    if result.mark is None:
        name = shown_as(student, name)
        raise UsageError(f"there is no verdict on {name}'s {assignment} yet", todo="run `grader run` first")
    return result


def graded_results(
    history: History, students: Sequence[str], assignment: str, *, with_dropped: bool = False
) -> list[Result]:
    """As `graded_result` gives each, in their order; read together.

    Raises:
        RefusedError: One is dropped.
        UsageError: Students or assignment are unknown, or there is no verdict yet.
    """
    names = [name for name in map(normalise_id, students) if not is_pseudonym(name)]
    # What a reader has read it finds again.
    list(history.results(assignment=assignment, students=names, with_dropped=True) if names else ())
    return [graded_result(history, student, assignment, with_dropped=with_dropped) for student in students]


def criterion_mark(result: Result, criterion: str) -> CriterionMark:
    """The mark of one criterion.

    Raises:
        UsageError: The rubric has no such criterion.
    """
    assert result.mark is not None
    mark = result.mark.criterion(criterion)
    if mark is None:
        names = [item.criterion for item in result.mark.criteria]
        raise UsageError(f"{result.assignment} has no criterion '{criterion}'{nearest(criterion, names)}")
    return mark
