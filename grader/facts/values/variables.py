"""Values that a notebook's variables had where they were asked for; or the reason why there are none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from grader.evidence.record import WatchedValue
from grader.evidence.values import ArrayValue, NoneValue, Value
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import is_own, located, mentions, own_code, stopped_early
from grader.facts.values.compare import as_array
from grader.facts.values.plain import dtypes_in, plain, unreadable_in
from grader.facts.words.numbers import numbers_in

__all__ = ["Absent", "Held", "held_before", "variable"]


_HEADING = re.compile(r"^\s*#.*$", re.MULTILINE)


@dataclass(frozen=True)
class Held:
    """What a variable held.

    Attributes:
        value: As plain Python or NumPy.
        recorded: As evidence has it, with its type.
        cell: Cell that gave it this value.
    """

    name: str
    value: Any
    recorded: Value
    cell: int

    @property
    def known(self) -> Fact[Any]:
        """The value, where evidence holds it."""
        unknown = unreadable_in(self.value)
        return Known(self.value) if unknown is None else Unknown(unknown.why)

    @property
    def shape(self) -> Fact[tuple[int, ...] | None]:
        """The shape of an array, kept or not, or of numbers in lists; None for anything else."""
        if isinstance(self.recorded, ArrayValue):
            return Known(self.recorded.shape)
        array = as_array(self.value)
        return (
            self.known if isinstance(self.known, Unknown) else Known(None if array is None else array.shape)
        )

    @property
    def where(self) -> Where:
        return Where(cell=self.cell)

    @property
    def dtypes(self) -> frozenset[str]:
        return dtypes_in(self.recorded)

    @property
    def library(self) -> str:
        """``torch``, ``numpy`` or ``python``."""
        kind = self.recorded.type if isinstance(self.recorded, ArrayValue) else ""
        return kind.partition(".")[0] or "python"


@dataclass(frozen=True)
class Absent:
    """A variable that held nothing.

    Attributes:
        nothing: Whether this shows that nothing was answered.
        text: As a sentence.
    """

    nothing: Fact[bool]
    text: str
    where: tuple[Where, ...] = ()


def variable(
    case: Case, names: Sequence[str], section: str | None = None, *, beside: Iterable[str] = ()
) -> Held | Absent:
    """The value that the first of `names` to be found had at the end of the criterion's section.

    A name that was set before the section and left alone in it counts with that value, and one that was
    set only later with its first value. None counts as nothing, as handouts begin with ``answer = None``.

    Args:
        case: The submission.
        names: In order of preference.
        section: In place of the criterion's.
        beside: Other variables asked for with this one: where the student uses these names, one that is
            mentioned nowhere was not answered, rather than answered under another name.
    """
    for name in names:
        recorded = [watched for watched in case.evidence.values if watched.name == name]
        found = _at_end_of(case, recorded, section)
        if found is not None:
            return Held(name, plain(found.value, case.bundle), found.value, found.cell)
    absent = _absent(case, names, section, frozenset(beside) - frozenset(names))
    return absent if isinstance(absent.nothing, Unknown) else _answered_in_words(case, section, absent)


def held_before(case: Case, name: str) -> Held | None:
    """The value that a variable had before the criterion's section, which may have changed it in place."""
    start = min((cell.index for cell in case.section_cells()), default=0)
    before = [watched for watched in case.evidence.values if watched.name == name and watched.cell < start]
    if not before or isinstance(before[-1].value, NoneValue):
        return None
    return Held(name, plain(before[-1].value, case.bundle), before[-1].value, before[-1].cell)


def _at_end_of(case: Case, recorded: Sequence[WatchedValue], section: str | None) -> WatchedValue | None:
    cells = case.section_cells(section)
    end = cells[-1].index if cells else max((watched.cell for watched in recorded), default=0)
    before = [watched for watched in recorded if watched.cell <= end]
    if before and not isinstance(before[-1].value, NoneValue):
        return before[-1]
    later = (
        watched for watched in recorded if watched.cell > end and not isinstance(watched.value, NoneValue)
    )
    return next(later, None)


def _absent(case: Case, names: Sequence[str], section: str | None, beside: frozenset[str]) -> Absent:
    wanted = " or ".join(f"`{name}`" for name in names)
    assigning = [cell for cell in case.evidence.cells if mentions(cell, names) and is_own(cell, case)]
    failed = [cell for cell in assigning if cell.run is not None and cell.run.error is not None]
    if failed and failed[0].run is not None and failed[0].run.error is not None:
        error = failed[0].run.error
        text = f"{wanted} holds nothing: its cell raised {error.type}."
        place = Where(cell=failed[0].index, line=error.line)
        return Absent(Unknown("the cell that sets it did not come to its end"), text, (place,))
    if assigning and stopped_early(case):
        text = f"{wanted} holds nothing: the run ended early."
        return Absent(Unknown("the run ended early"), text, (Where(cell=assigning[0].index),))
    here = Known(True) if located(case, section) else Unknown("this part was not found in the notebook")
    if any(watched.name in names for watched in case.evidence.values):
        return Absent(here, f"{wanted} is still None.")
    keeps_to_names = not assigning and any(watched.name in beside for watched in case.evidence.values)
    written = own_code(case, section)
    text = f"No variable {wanted} holds an answer."
    if written and not keeps_to_names:
        places = tuple(Where(cell=cell.index) for cell in written[:3])
        return Absent(Unknown("the cells of this part may hold it in another way"), text, places)
    return Absent(here, text)


def _answered_in_words(case: Case, section: str | None, absent: Absent) -> Absent:
    """A known absence, or an open one where the student wrote numbers beside the code of the section."""
    in_words = [
        cell
        for cell in case.section_cells(section)
        if cell.kind == "markdown" and is_own(cell, case) and numbers_in(_HEADING.sub("", cell.source))
    ]
    if not in_words or (section or case.section) is None:
        return absent
    places = tuple(Where(cell=cell.index) for cell in in_words[:3])
    return Absent(Unknown(f"cell {places[0].cell} has numbers in words"), absent.text, places)
