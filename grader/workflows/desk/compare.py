"""Two submissions of one assignment side by side: findings, and code line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from rapidfuzz.distance import LCSseq

from grader.errors import UsageError
from grader.evidence.record import CellText
from grader.facts.handout import Handout, line_digests, source_digest
from grader.reporting.cells import cell_name
from grader.reporting.text import clean
from grader.store import Result, Store
from grader.workflows.desk.class_code import class_code
from grader.workflows.desk.names import hidden_names
from grader.workflows.desk.student import CriterionLine, StudentWork, works_of_students
from grader.workflows.marking.marks import graded_results
from grader.workflows.views.near_copies import Shared, shape_of, shared_code, student_code
from grader.workflows.views.show import name_of

__all__ = ["CodeBeside", "CodeLine", "CriterionPair", "Row", "TwoStudents", "compare_code", "compare_two"]

_MOST_LINES = 4000
_MOST_CHARACTERS = 60_000
_SHORTEST_STRETCH = 3


@dataclass(frozen=True)
class CriterionPair:
    """One criterion of both; None where a rubric of the one does not have it."""

    id: str
    title: str
    out_of: float
    left: CriterionLine | None
    right: CriterionLine | None

    @property
    def differs(self) -> bool:
        """Whether the two stand otherwise here, in points or in how they came to them."""
        return _standing(self.left) != _standing(self.right)


def _standing(line: CriterionLine | None) -> tuple[object, ...] | None:
    return (line.look.word, line.points, line.pending) if line else None


@dataclass(frozen=True)
class TwoStudents:
    """Two students' works on one assignment, and every criterion of either, in the rubric's order."""

    assignment: str
    left: StudentWork
    right: StudentWork
    criteria: tuple[CriterionPair, ...]


@dataclass(frozen=True)
class CodeLine:
    """One line of a student's cell.

    Attributes:
        cell: From 0 over all cells of the file.
        name: Of the cell, at its first line that is shown; else empty.
        number: From 1.
        given: The handout gave it.
    """

    cell: int
    name: str
    number: int
    text: str
    given: bool = False


@dataclass(frozen=True)
class Row:
    """Lines that stand beside each other; None where one of the two has none there.

    Attributes:
        kind: ``equal``; ``renamed``: equal but for names, texts and comments; ``differs``.
    """

    kind: Literal["equal", "renamed", "differs"]
    left: CodeLine | None
    right: CodeLine | None


@dataclass(frozen=True)
class CodeBeside:
    """Two students' code beside each other.

    Attributes:
        shared: What the two have in common that others of the class do not.
        stretches: Of three lines at least, in words: how many, and where in each.
        more: Lines beyond those that are shown.
    """

    left: str
    right: str
    rows: tuple[Row, ...]
    shared: Shared
    stretches: tuple[tuple[int, str, str], ...]
    more: int = 0


def compare_two(
    store: Store, assignment: str, left: str, right: str, *, anonymous: bool = False
) -> TwoStudents:
    """Lays two students' works beside each other. Writes nothing.

    Args:
        store: Where they are.
        assignment: Which work.
        left: One of the two, by id or pseudonym.
        right: The other.
        anonymous: Whether students go by pseudonyms.

    Raises:
        UsageError: Assignment or student is unknown, or both are the same.
    """
    one, other = works_of_students(store, assignment, [left, right], anonymous=anonymous)
    if one.shown == other.shown:
        raise _same(one.shown)
    return TwoStudents(assignment, one, other, tuple(_paired(one.lines, other.lines)))


def _same(shown: str) -> UsageError:
    return UsageError("these are one and the same student", found=shown)


def _paired(left: Sequence[CriterionLine], right: Sequence[CriterionLine]) -> Iterator[CriterionPair]:
    lefts, rights = {line.id: line for line in left}, {line.id: line for line in right}
    for id in dict.fromkeys([*lefts, *rights]):
        line = lefts.get(id) or rights[id]
        yield CriterionPair(id, line.title, line.out_of, lefts.get(id), rights.get(id))


def compare_code(
    store: Store, assignment: str, left: str, right: str, *, anonymous: bool = False
) -> CodeBeside:
    """Lays two students' code beside each other, line by line. Writes nothing.

    Args:
        store: Where the evidence is.
        assignment: Which work.
        left: One of the two, by id or pseudonym.
        right: The other.
        anonymous: Whether names are taken out of what the two wrote: each one's out of both.

    Raises:
        UsageError: Assignment or student is unknown, there is no verdict yet, or both are the same.
        StoreError: The evidence is gone or was changed.
        EvidenceError: It does not fit this version.
    """
    with store.reading() as history:
        results = graded_results(history, (left, right), assignment, with_dropped=True)
        hides = [hidden_names(history, result) for result in results] if anonymous else []
    if results[0].student == results[1].student:
        raise _same(name_of(store, anonymous)(results[0].student))
    name, hide = name_of(store, anonymous), _all_of(hides)
    handout = _handout(store, results[0])
    cells = [_cells(store, result) for result in results]
    codes = [student_code(result.student, each, handout) for result, each in zip(results, cells, strict=True)]
    others = class_code(store, assignment, without={result.student for result in results})
    shared = shared_code(codes[0], codes[1], others)
    sides = [list(_code_lines(each, handout)) for each in cells]
    rows = _rows(*(side[:_MOST_LINES] for side in sides))
    return CodeBeside(
        left=name(results[0].student),
        right=name(results[1].student),
        rows=tuple(_hidden(row, hide) for row in rows) if hides else tuple(rows),
        shared=shared,
        stretches=tuple(
            (
                number,
                hide(f"{cell_name(cells[0], first.cell)}, line {first.line}"),
                hide(f"{cell_name(cells[1], second.cell)}, line {second.line}"),
            )
            for number, first, second in shared.stretches
            if number >= _SHORTEST_STRETCH
        ),
        more=max(0, *(len(side) - _MOST_LINES for side in sides)),
    )


def _all_of(hides: Sequence[Callable[[str], str]]) -> Callable[[str], str]:
    def hide(text: str) -> str:
        for each in hides:
            text = each(text)
        return text

    return hide


def _handout(store: Store, result: Result) -> Handout | None:
    return store.rubric(result.rubric).handout if result.rubric is not None else None


def _cells(store: Store, result: Result) -> Sequence[CellText]:
    assert result.attempt is not None
    return store.cell_texts(result.attempt)


@dataclass(frozen=True)
class _Line:
    """A line with what it is compared by."""

    shown: CodeLine
    written: str
    shape: str


def _code_lines(cells: Sequence[CellText], handout: Handout | None) -> Iterator[_Line]:
    """All lines of cells that are not as the handout gave them; lines of nothing are left out."""
    untouched = frozenset(cell.sha256 for cell in handout.cells) if handout else frozenset()
    given = frozenset(line for cell in handout.cells for line in cell.lines) if handout else frozenset()
    for cell in cells:
        if cell.kind != "code" or source_digest(cell.source) in untouched:
            continue
        source = cell.source.replace("\r\n", "\n").replace("\r", "\n")[:_MOST_CHARACTERS]
        shapes, name = shape_of(source), cell_name(cells, cell.index)
        ours = [digest in given for digest in line_digests(source)] if given else []
        for place, text in enumerate(source.split("\n")):
            if text.strip():
                shown = CodeLine(cell.index, name, place + 1, clean(text), bool(ours) and ours[place])
                yield _Line(shown, text.strip(), shapes.get(place + 1, text.strip()))
                name = ""


def _rows(left: Sequence[_Line], right: Sequence[_Line]) -> Iterator[Row]:
    """In the order of both: lines of equal shape beside each other, what is between them as it comes."""
    ones: list[_Line] = []
    others: list[_Line] = []
    for block in LCSseq.opcodes([line.shape for line in left], [line.shape for line in right]):
        here, there = left[block.src_start : block.src_end], right[block.dest_start : block.dest_end]
        if block.tag != "equal":
            ones += here
            others += there
            continue
        yield from _differing(ones, others)
        ones, others = [], []
        for one, other in zip(here, there, strict=True):
            yield Row("equal" if one.written == other.written else "renamed", one.shown, other.shown)
    yield from _differing(ones, others)


def _differing(ones: Sequence[_Line], others: Sequence[_Line]) -> Iterator[Row]:
    for one, other in zip_longest(ones, others):
        yield Row("differs", one.shown if one else None, other.shown if other else None)


def _hidden(row: Row, hide: Callable[[str], str]) -> Row:
    return Row(row.kind, *(_hidden_line(line, hide) for line in (row.left, row.right)))


def _hidden_line(line: CodeLine | None, hide: Callable[[str], str]) -> CodeLine | None:
    if line is None:
        return None
    return CodeLine(line.cell, hide(line.name), line.number, hide(line.text), line.given)
