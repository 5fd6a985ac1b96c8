"""Near copies of a class, pair by pair, for instructors to look at: it accuses nobody and is never a mark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from grader.errors import EvidenceError, RubricError, StoreError, StoreUnavailable
from grader.evidence.record import CellText
from grader.facts.fields import Where
from grader.facts.handout import Handout
from grader.store import Result, Store
from grader.workflows.views.cells import place_name
from grader.workflows.views.identity import names_of
from grader.workflows.views.known import require_assignment
from grader.workflows.views.near_copies import NearCopy, Place, StudentCode, near_copies, student_code

__all__ = ["LEAST_SHARE", "MOST_PAIRS", "SimilarPair", "SimilarWork", "look_for_near_copies"]

#: Pairs that share less of their own lines are not listed.
LEAST_SHARE = 0.5
#: So many are listed, the most alike first.
MOST_PAIRS = 200

#: Told of how much of how much is done; raises where nobody waits for it any more.
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class SimilarPair:
    """Two works to lay side by side.

    Attributes:
        left, right: Ids of the two students; `names` what the roster calls them, empty for none.
        share: Part of their own lines that are equal and in the same order, names apart.
        share_as_written: The same with the names.
        lines: Lines of each that not many of the class wrote.
        longest: Lines of the longest equal stretch; `places` where it begins in each.
    """

    left: str
    right: str
    names: tuple[str, str]
    share: float
    share_as_written: float
    lines: tuple[int, int]
    longest: int
    places: tuple[str, str]


@dataclass(frozen=True)
class SimilarWork:
    """What came of one look at a class.

    Attributes:
        compared: Works whose code was compared.
        pairs: The most alike first.
        more: Pairs beyond those.
        not_compared: Students whose code could not be read, each with the reason.
        least_share: From which share on pairs are listed.
        at: When, in UTC.
        row: The newest row of the history then; later files are not in it.
    """

    assignment: str
    compared: int
    pairs: tuple[SimilarPair, ...]
    more: int
    not_compared: tuple[tuple[str, str], ...]
    least_share: float
    at: datetime
    row: int


@dataclass
class _Read:
    """All code of a class, with the cells in which it stands."""

    codes: list[StudentCode] = field(default_factory=list)
    cells: dict[str, Sequence[CellText]] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)


def look_for_near_copies(
    store: Store, assignment: str, *, told: Told, least_share: float = LEAST_SHARE
) -> SimilarWork:
    """Compares the newest recorded code of every two students. Writes nothing.

    What the handout gave and what many wrote alike is left out, and renamed variables hide nothing
    (`workflows/views/near_copies.py`).

    Args:
        store: Where the evidence is.
        assignment: Of which.
        told: Told of how far it is: works read first, then works compared with all before them.
        least_share: Pairs that share less are not listed.

    Raises:
        UsageError: No assignment is called so.
        StoreError: The database or the place of evidence is out of reach.
    """
    with store.reading() as history:
        require_assignment(history, assignment)
        results = [each for each in history.results(assignment=assignment) if each.attempt is not None]
        row = history.newest_row()
    read, steps = _Read(), 2 * len(results)
    for number, result in enumerate(results):
        told(number, steps)
        _read(store, result, read)
    found = near_copies(
        read.codes, least_share=least_share, told=lambda done: told(len(results) + done, steps)
    )
    with store.reading() as history:
        names = names_of(history, {name for pair in found[:MOST_PAIRS] for name in (pair.first, pair.second)})
    return SimilarWork(
        assignment=assignment,
        compared=len(read.codes),
        pairs=tuple(_pair(each, read, names.get) for each in found[:MOST_PAIRS]),
        more=max(0, len(found) - MOST_PAIRS),
        not_compared=tuple(read.problems),
        least_share=least_share,
        at=store.clock(),
        row=row,
    )


def _read(store: Store, result: Result, into: _Read) -> None:
    assert result.attempt is not None
    try:
        cells = store.cell_texts(result.attempt)
        handout = _handout(store, result)
    except StoreUnavailable:
        raise
    except (StoreError, EvidenceError, RubricError) as error:
        into.problems.append((result.student, error.what))
        return
    into.cells[result.student] = cells
    into.codes.append(student_code(result.student, cells, handout))


def _handout(store: Store, result: Result) -> Handout | None:
    return store.rubric(result.rubric).handout if result.rubric is not None else None


def _pair(pair: NearCopy, read: _Read, name: Callable[[str, str], str]) -> SimilarPair:
    first, second = (
        _place(read.cells[student], place)
        for student, place in zip((pair.first, pair.second), pair.places, strict=True)
    )
    return SimilarPair(
        left=pair.first,
        right=pair.second,
        names=(name(pair.first, ""), name(pair.second, "")),
        share=pair.share,
        share_as_written=pair.share_as_written,
        lines=pair.lines,
        longest=pair.longest,
        places=(first, second),
    )


def _place(cells: Sequence[CellText], place: Place) -> str:
    return place_name(cells, Where(cell=place.cell, line=place.line))
