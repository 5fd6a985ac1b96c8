"""Is something written by hand, without the library function that would do it?"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from grader.evidence.plan import Call, FunctionProbe, Probe, Target
from grader.evidence.record import CellRecord
from grader.facts.calls import Answers
from grader.facts.case import Case
from grader.facts.code.functions import LOOPS, CalledName, Functions, called_names, is_written
from grader.facts.code.loops import loops_beside, loops_within_loops
from grader.facts.code.source import parsed_cells
from grader.facts.fields import Where
from grader.facts.notebook import own_code
from grader.judging.check import Argument, Check
from grader.judging.judgement import Judgement
from grader.judging.nothing import ask, missing_function, not_located
from grader.judging.shares import PartFinding, judge_parts

__all__ = ["ByHand", "ForbidsCall"]


class ByHand(BaseModel):
    """A function to be written by hand.

    Attributes:
        name: Of the function.
        args: Arguments for one call, in which the torch operations used are observed; none for no call.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    args: tuple[Argument, ...] = ()

    @property
    def probe(self) -> FunctionProbe | None:
        if not self.args:
            return None
        call = Call(args=self.args)
        return FunctionProbe(target=Target(names=(self.name,)), calls=(call,), count_operations=True)


class ForbidsCall(Check):
    """Looks for library functions that would do the work in things to be written by hand.

    Read from the code, through the notebook's own helper functions and import aliases, and observed: where
    `args` are given, the torch operations of one call are looked at too. A function of the notebook that has
    the name of a forbidden one may be called. Each function is one part of the points; one that is not
    written yet earns nothing.

    Attributes:
        functions: Functions to be written by hand; without any, the code of the criterion's section.
        forbidden: Names, as ``conv2d`` (also ``F.conv2d`` and ``Tensor.conv2d``), ``numpy.dot`` (only this
            one) or ``@``.
        loops: Whether there must be loops over rows and columns, in a section: one inside the other, or one
            that goes through both. Without them a TA reads the cells, and also where something forbidden is
            called beside a loop that multiplies, or on the single numbers inside two loops.
    """

    example: ClassVar[str] = """\
- id: written-by-hand
  title: Convolution without the library's own
  points: 1
  check: forbids_call
  functions:
    - name: conv2d
      args: [{kind: normal, shape: [6, 7]}, {kind: normal, shape: [3, 3]}]
  forbidden: [conv2d, Conv2d, unfold, convolve2d]
"""

    check: Literal["forbids_call"] = "forbids_call"
    functions: tuple[ByHand, ...] = ()
    forbidden: tuple[str, ...] = Field(min_length=1)
    loops: bool = False

    def probes(self) -> tuple[Probe, ...]:
        return tuple(probe for asked in self.functions if (probe := asked.probe) is not None)

    def judge(self, case: Case) -> Judgement:
        functions = Functions(case.evidence.cells)
        if not self.functions:
            return self._judge_section(case, functions)
        return judge_parts([self._part(case, functions, asked) for asked in self.functions])

    def _part(self, case: Case, functions: Functions, asked: ByHand) -> PartFinding:
        written = functions.first([asked.name])
        if written is None:
            missing = missing_function(case, (asked.name,))
            return PartFinding(asked.name, 1.0, "open" if missing.open_share else "wrong", missing.message)
        if not is_written(written.node):
            return PartFinding(
                asked.name, 1.0, "wrong", f"`{asked.name}` is not written yet.", where=(written.where(),)
            )
        for one, called in functions.calls_of(written):
            if self._is_forbidden(called):
                place = one.where(called.node)
                text = f"`{asked.name}` calls `{called.name}` (cell {place.cell}, line {place.line})."
                return PartFinding(asked.name, 1.0, "wrong", text, where=(place,))
        return self._observed(case, asked, written.where())

    def _observed(self, case: Case, asked: ByHand, where: Where) -> PartFinding:
        answers = ask(case, asked.probe) if asked.probe is not None else None
        calls = answers.calls if isinstance(answers, Answers) else ()
        used = {name for answer in calls for name in answer.operation_names}
        found = sorted(used & set(self.forbidden))
        if found:
            text = f"`{asked.name}` used the operation `{found[0]}` when it was called."
            excuse = next((answer.excuse for answer in calls if answer.excuse), "")
            if excuse:
                text = f"{text.rstrip('.')}, but {excuse}; a TA reads it."
                return PartFinding(asked.name, 1.0, "open", text, where=(where,))
            return PartFinding(asked.name, 1.0, "wrong", text, where=(where,))
        if any(answer.operation_names_cut for answer in calls):
            text = f"`{asked.name}` used more operations than were recorded; a TA reads it."
            return PartFinding(asked.name, 1.0, "open", text, where=(where,))
        return PartFinding(asked.name, 1.0, "right", f"`{asked.name}` is written by hand.", where=(where,))

    def _is_forbidden(self, called: CalledName) -> bool:
        """Whether the rubric names this function by its dotted name, or any of its last name."""
        return called.name in self.forbidden or called.last in self.forbidden

    def _judge_section(self, case: Case, functions: Functions) -> Judgement:
        cells = own_code(case)
        if not cells:
            return not_located(case) or Judgement.failed("Nothing was handed in for this part.")
        places = tuple(Where(cell=cell.index) for cell in cells)
        found = list(self._section_calls(case, functions))
        if found:
            return self._called(found, cells)
        loops = tuple(loops_within_loops(parsed_cells(cells), functions)) if self.loops else ()
        doubt = self._doubt(cells) or ("" if loops or not self.loops else _too_few_loops(cells))
        if doubt:
            return Judgement.needs_ta(f"{doubt}; a TA reads the cells.", where=places)
        if loops:
            return Judgement.passed(
                "It is written out in loops; no library function does the work.", where=loops
            )
        return Judgement.passed("No library function that would do the work is called.", where=places)

    def _called(self, found: list[tuple[Where, CalledName]], cells: tuple[CellRecord, ...]) -> Judgement:
        place, called = found[0]
        text = f"Cell {place.cell}, line {place.line}, calls `{called.name}`"
        trees = [parsed.tree for parsed in parsed_cells(cells) if parsed.tree is not None]
        if self.loops and any(loops_beside(tree, {id(one.node) for _, one in found}) for tree in trees):
            text = f"{text}, but a loop that multiplies is there as well; a TA reads the cells."
            return Judgement.needs_ta(text, where=(place,))
        return Judgement.failed(f"{text}; this was to be written out.", where=(place,))

    def _doubt(self, cells: tuple[CellRecord, ...]) -> str:
        """Why cells that call nothing forbidden still do not show that the work was done."""
        failed = [cell.index for cell in cells if cell.run is not None and cell.run.error is not None]
        if failed:
            return f"Cell {failed[0]} raised"
        trees = [parsed.tree for parsed in parsed_cells(cells)]
        if any(tree is None for tree in trees):
            return "A cell does not parse"
        return ""

    def _section_calls(self, case: Case, functions: Functions) -> Iterator[tuple[Where, CalledName]]:
        for parsed in parsed_cells(own_code(case)):
            if parsed.tree is None:
                continue
            for called in called_names(parsed.tree, functions.imports_seen_from(parsed.index)):
                own = called.bare and called.name in functions.by_name
                if self._is_forbidden(called) and not own:
                    yield Where(cell=parsed.index, line=parsed.line_of(called.node)), called


def _too_few_loops(cells: tuple[CellRecord, ...]) -> str:
    trees = (parsed.tree for parsed in parsed_cells(cells) if parsed.tree is not None)
    if any(isinstance(node, LOOPS) for tree in trees for node in ast.walk(tree)):
        return "There is no loop inside another one"
    return "There is no loop"
