"""What a student wrote in a section: words, printed numbers, and whether anything was done there at all."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from grader.checks._source import comments_and_strings, parse_cell
from grader.evidence.record import CellRecord, Output
from grader.rubric.case import Case
from grader.rubric.model import Judgement, Where

__all__ = [
    "Answer",
    "answer_in",
    "located",
    "not_located",
    "nothing_handed_in",
    "numbers_in",
    "printed",
    "states",
    "stored_text",
]

_NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d+)*(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w|\.\d)")
#: Thousands set apart by a space or an apostrophe.
_GROUPED = re.compile(r"(?<![\w.,'])\d{1,3}(?:[ \u00a0\u2009\u202f']\d{3})+(?!\w|[.,']\d)")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Answer:
    """A student's answer, without what the handout gave.

    Attributes:
        located: The section was found in the notebook.
        touched: A cell was written or changed, or a given one was run by the student.
        cells: Cells with something of the student's in them, or all of the section's.
        words: Markdown, comments and texts in code.
        outputs: What these cells print, in our run and in the file handed in.
        constants: Numbers written in code.
    """

    located: bool
    touched: bool
    cells: tuple[int, ...]
    words: str = ""
    outputs: str = ""
    constants: tuple[float, ...] = ()

    @property
    def where(self) -> tuple[Where, ...]:
        return tuple(Where(cell=index) for index in self.cells)

    @property
    def stated(self) -> tuple[float, ...]:
        """Numbers in words and outputs."""
        return (*numbers_in(self.words), *numbers_in(self.outputs))

    @property
    def readings(self) -> tuple[float, ...]:
        """All numbers that may be meant: those in code too, and ``58 500`` as one number as well as two."""
        grouped = _GROUPED.findall(f"{self.words}\n{self.outputs}")
        return (*self.stated, *self.constants, *(float(re.sub(r"\D", "", each)) for each in grouped))


def answer_in(case: Case, section: str | None = None) -> Answer:
    """Reads the criterion's section, or a named one."""
    cells = case.section_cells(section)
    own = tuple(cell for cell in cells if _is_own(cell, case))
    touched = bool(own) or any(_was_run_by_student(cell) for cell in cells)
    code = tuple(cell for cell in own if cell.kind == "code")
    words = [cell.source if cell.kind != "code" else comments_and_strings(cell.source) for cell in own]
    return Answer(
        located=bool(cells),
        touched=touched,
        cells=tuple(cell.index for cell in own or cells),
        words="\n".join(words),
        outputs="\n".join(printed(cell) for cell in code),
        constants=tuple(number for cell in code for number in _constants(cell)),
    )


def nothing_handed_in(case: Case, section: str | None = None) -> Judgement | None:
    """The judgement on a section that is as the handout left it; None where there is something to read."""
    answer = answer_in(case, section)
    if not answer.located or answer.touched:
        return None
    return Judgement.failed("Nothing was handed in for this part.", where=answer.where)


def located(case: Case, section: str | None = None) -> bool:
    """Whether the criterion's section, or a named one, was found; where none is named nothing can be missed.

    In a copy without the handout's headings and cell ids the work may stand anywhere: an empty section is
    proof of nothing there.
    """
    name = section or case.criterion.section
    return name is None or bool(case.alignment.cells_of(name))


def not_located(case: Case, section: str | None = None) -> Judgement | None:
    """The judgement where a section was not found; None where it was."""
    if located(case, section):
        return None
    name = section or case.criterion.section or ""
    title = case.rubric.sections[name].title if name in case.rubric.sections else name
    return Judgement.needs_ta(f"The part '{title}' was not found in the notebook; a TA looks for it.")


def states(numbers: Iterable[float], wanted: float, tolerance: float = 0.0) -> bool:
    """Whether a number is among those stated; NaN never is."""
    margin = max(tolerance, 1e-9 * abs(wanted))
    return any(abs(number - wanted) <= margin for number in numbers)


def numbers_in(text: str) -> tuple[float, ...]:
    """Numbers in running text; ``8,000`` is eight thousand and also, as a list may look, 8 and 0."""
    found: list[float] = []
    for token in _NUMBER.findall(text):
        found.append(float(token.replace(",", "")))
        if "," in token:
            found.extend(float(part) for part in token.split(","))
    return tuple(number for number in found if math.isfinite(number))


def printed(cell: CellRecord) -> str:
    """Text that a cell printed or showed, in our run and in the file handed in."""
    ours = cell.run.outputs if cell.run is not None else ()
    texts = dict.fromkeys((_text(ours), stored_text(cell)))
    return "\n".join(texts)


def stored_text(cell: CellRecord) -> str:
    """Text outputs that the file handed in held for a cell."""
    return _text(cell.submitted.outputs)


def _text(outputs: Iterable[Output]) -> str:
    shown = (output.text for output in outputs if output.kind != "error" and output.name != "stderr")
    return _ANSI.sub("", "\n".join(shown))


def _is_own(cell: CellRecord, case: Case) -> bool:
    return bool(cell.source.strip()) and cell.index not in case.alignment.unchanged


def _was_run_by_student(cell: CellRecord) -> bool:
    return cell.kind == "code" and bool(cell.submitted.outputs)


def _constants(cell: CellRecord) -> list[float]:
    tree = parse_cell(cell.index, cell.source).tree
    if tree is None:
        return []
    values = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    numbers = (value for value in values if isinstance(value, int | float) and not isinstance(value, bool))
    return [float(number) for number in numbers if abs(number) < 1e300]
