"""The shape of a variable as a part of an answer, in a section that may come after the one that made it."""

from __future__ import annotations

import re
from typing import Any

from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.known import Unknown
from grader.facts.notebook import printed
from grader.facts.values.variables import Held, variable
from grader.facts.words.answers import Answer, answer_in
from grader.facts.words.shapes import shape_handed_in
from grader.judging.nothing import NOTHING_HANDED_IN
from grader.judging.shares import PartFinding

__all__ = ["judge_shape"]


def judge_shape(
    case: Case, held: Held, shape: tuple[int, ...], follows: str | None, name: str, weight: float
) -> PartFinding:
    """Compares a variable's shape with the one expected, or with that of the variable that it follows from.

    A variable that was there before the section says nothing about a section in which nothing was done.
    """
    known, answer = held.shape, answer_in(case)
    found = None if isinstance(known, Unknown) else known.value
    earlier = held.cell < min((cell.index for cell in case.section_cells()), default=0)
    if earlier and not answer.touched:
        return _untouched(case, held, found, answer, name, weight)
    more: dict[str, Any] = {
        "weight": weight,
        "where": answer.where if earlier else (held.where,),
        "expected": list(shape),
        "found": None if found is None else list(found),
    }
    if isinstance(known, Unknown):
        text = f"The shape of `{held.name}` is not known; expected {list(shape)}."
        return PartFinding.waits(name, text, open=f"The reason is that {known.why}.", **more)
    if found == shape:
        return PartFinding.right(name, f"`{held.name}` has the shape {list(shape)}.", on=known, **more)
    followed = variable(case, [follows]) if follows else None
    source = followed.shape if isinstance(followed, Held) else None
    if found is not None and source == known:
        text = f"`{held.name}` has the shape {list(found)}, as `{follows}` has."
        return PartFinding.right(name, text, on=known, **more)
    shown = shape_handed_in(case, shape, [held.name])
    if found is not None and shown is not None:
        text = f"On our test picture `{held.name}` has the shape {list(found)}; expected {list(shape)}."
        why = f"The file handed in shows the shape {list(shape)} in cell {shown.cell}."
        return PartFinding.waits(name, text, open=why, **more)
    got = "is no array" if found is None else f"has the shape {list(found)}"
    return PartFinding.wrong(name, f"`{held.name}` {got}; expected {list(shape)}.", on=known, **more)


def _untouched(
    case: Case, held: Held, shape: tuple[int, ...] | None, answer: Answer, name: str, weight: float
) -> PartFinding:
    """A section left as it was; the shape may stand before it, or in the section after it."""
    cells = [cell.index for cell in case.section_cells()]
    following = case.alignment.section_of(cells[-1] + 1)
    near = {*range(held.cell, cells[0]), *case.alignment.cells_of(following or "")}
    stated = re.compile(r"\b" + r"\D{1,3}".join(map(str, shape)) + r"\b") if shape else None
    for cell in case.evidence.cells:
        own = cell.index in near - case.alignment.unchanged
        if stated is not None and own and stated.search(printed(cell)):
            text = "This part was left as it was."
            why, where = f"Cell {cell.index} shows the shape.", (Where(cell=cell.index),)
            return PartFinding.waits(name, text, open=why, weight=weight, where=where)
    text = NOTHING_HANDED_IN
    if isinstance(answer.bare, Unknown):
        why = f"It is not known whether it was: {answer.bare.why}."
        return PartFinding.waits(name, text, open=why, weight=weight)
    return PartFinding.wrong(name, text, on=answer.bare, weight=weight, where=answer.where)
