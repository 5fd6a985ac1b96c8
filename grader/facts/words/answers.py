"""What a student wrote in a section: words, printed numbers, and whether anything was done there at all."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.code.source import comments_and_strings, nodes_of, parse_cell
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import is_own, kept_outputs, printed, stands_in, stored_text, was_run_by_student
from grader.facts.raised import holds_text_alone
from grader.facts.sections import headings_of
from grader.facts.words.arithmetic import arithmetic_in, sums_of
from grader.facts.words.numbers import numbers_in, thousands_in

__all__ = ["Answer", "answer_around", "answer_in", "cells_with"]


@dataclass(frozen=True)
class Answer:
    """A student's answer, without what the handout gave.

    Attributes:
        located: The section was found in the notebook.
        touched: A cell was written or changed, or a given one was run by the student.
        cells: Cells with something of the student's in them, or all of the section's.
        words: Markdown, comments and texts in code.
        outputs: What these cells print, in our run and in the file handed in.
        shown: Outputs that the student answers for: those of the file; where it holds none, those of
            our run, unless something stood in for what the student had.
        shown_by_us: Whether `shown` is of our run.
        constants: Numbers written in code.
        cut: What was printed and not kept; mostly empty.
    """

    located: bool
    touched: bool
    cells: tuple[int, ...]
    words: str = ""
    outputs: str = ""
    shown: str = ""
    shown_by_us: bool = False
    constants: tuple[float, ...] = ()
    cut: str = ""

    @property
    def bare(self) -> Fact[Answer]:
        """Known where the section is there and nothing was done in it."""
        if not self.located:
            return Unknown("this part was not found in the notebook")
        return Unknown("something was done in this part") if self.touched else Known(self)

    @property
    def known(self) -> Fact[Answer]:
        """What was written and printed in the section, where there is any of it."""
        if self.touched and (self.constants or f"{self.words}{self.outputs}".strip()):
            return Known(self)
        return Unknown("nothing was written or printed in this part")

    @property
    def whole(self) -> Fact[Answer]:
        """The same where nothing of it was cut, so that what is not found in it is not there."""
        return Unknown(self.cut) if self.cut else self.known

    @property
    def where(self) -> tuple[Where, ...]:
        return tuple(Where(cell=index) for index in self.cells)

    @property
    def claimed(self) -> str:
        """What the student says: in words, and by outputs that are the student's own."""
        return f"{self.words}\n{self.shown}"

    @property
    def stated(self) -> tuple[float, ...]:
        """Numbers in words and outputs."""
        return (*numbers_in(self.words), *numbers_in(self.outputs))

    @property
    def readings(self) -> tuple[float, ...]:
        """All numbers that may be meant: those in code too, and ``58 500`` as one number as well as two."""
        return (*self.stated, *self.constants, *thousands_in(f"{self.words}\n{self.outputs}"))

    @property
    def products(self) -> tuple[float, ...]:
        """What the sums and products in it come to that were not worked out."""
        return arithmetic_in(f"{self.words}\n{self.outputs}")

    @property
    def made(self) -> set[float]:
        """These, and the sums of its numbers."""
        sums = (number for text in (self.words, self.shown) for number in sums_of(numbers_in(text)))
        return {*self.products, *sums}


def answer_in(case: Case, section: str | None = None) -> Answer:
    """Reads the criterion's section, or a named one."""
    cells = case.section_cells(section)
    own = tuple(cell for cell in cells if is_own(cell, case))
    touched = bool(own) or any(was_run_by_student(cell) for cell in cells)
    code = tuple(cell for cell in own if cell.kind == "code")
    stored = "\n".join(filter(None, map(stored_text, code)))
    whole = kept_outputs(code)
    ours = "" if stored or stands_in(case) else "\n".join(map(printed, code))
    words = [_words(cell, case) for cell in own]
    return Answer(
        located=bool(cells),
        touched=touched,
        cells=tuple(cell.index for cell in own or cells),
        words="\n".join(words),
        outputs="\n".join(printed(cell) for cell in code),
        shown=stored or ours,
        shown_by_us=bool(ours.strip()),
        constants=tuple(number for cell in code for number in _constants(cell)),
        cut=whole.why if isinstance(whole, Unknown) else "",
    )


def _words(cell: CellRecord, case: Case) -> str:
    """Markdown, also where it stands in a code cell by mistake; of code, comments and texts.

    What opens a section, as ``Part 4``, is a heading's name and no number that a student states.
    """
    if cell.kind == "code":
        return cell.source if holds_text_alone(cell) else comments_and_strings(cell.source)
    words = cell.source
    for heading in headings_of(cell):
        for section in case.sections.values():
            found = re.match(section.heading, heading, re.IGNORECASE) if section.heading else None
            if found and found[0]:
                words = words.replace(heading, heading[found.end() :], 1)
                break
    return words


def answer_around(case: Case) -> tuple[str, Answer] | None:
    """The part around a section that was not found, as its name, and what stands there; None for no part."""
    outer = None if case.section is None else case.sections[case.section].within
    while outer is not None and not case.alignment.cells_of(outer):
        outer = case.sections[outer].within
    return None if outer is None else (outer, answer_in(case, outer))


def cells_with(case: Case, answer: Answer, numbers: Sequence[float | None]) -> list[int]:
    """Cells of an answer that have one of these numbers in their text, or in what they print."""
    cells = [case.evidence.cells[index] for index in answer.cells]
    texts = {cell.index: f"{printed(cell)}\n{cell.source}" for cell in cells}
    return [index for index, text in texts.items() if any(number in numbers_in(text) for number in numbers)]


def _constants(cell: CellRecord) -> list[float]:
    tree = parse_cell(cell.index, cell.source).tree
    if tree is None:
        return []
    values = (node.value for node in nodes_of(tree) if isinstance(node, ast.Constant))
    numbers = (value for value in values if isinstance(value, int | float) and not isinstance(value, bool))
    return [float(number) for number in numbers if abs(number) < 1e300]
