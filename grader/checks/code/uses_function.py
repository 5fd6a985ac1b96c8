"""Does a function, or a section, call a function that it was to build on?"""

from __future__ import annotations

import ast
from typing import ClassVar, Literal

from pydantic import Field

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.code.functions import Functions, Written, called_names, is_written
from grader.facts.code.source import parsed_cells
from grader.facts.fields import Where
from grader.facts.notebook import own_code
from grader.judging.check import Check, Names
from grader.judging.judgement import Judgement
from grader.judging.nothing import missing_function, not_located

__all__ = ["UsesFunction"]


class UsesFunction(Check):
    """Looks whether a function uses another one, in its own body or through functions of the notebook.

    Read from the code: a call, or the name handed on (``map(word_lengths, lines)``), counts; comments and
    docstrings do not. A function whose cell does not parse goes to a TA. Without `function`, the student's
    code in the criterion's section is read, where a call in a cell that raised goes to a TA.

    Attributes:
        function: The function that should build on another; of several names, the first that exists.
        uses: What should be used; any of these names will do.
    """

    example: ClassVar[str] = """\
- id: builds-on-word-lengths
  title: all_same_length calls word_lengths
  points: 0.25
  check: uses_function
  function: all_same_length
  uses: word_lengths
"""

    check: Literal["uses_function"] = "uses_function"
    function: Names = ()
    uses: Names = Field(min_length=1)

    def judge(self, case: Case) -> Judgement:
        functions = Functions(case.evidence.cells)
        if not self.function:
            return self._judge_section(case, functions)
        written = functions.first(self.function)
        if written is None:
            return missing_function(case, self.function)
        if not is_written(written.node):
            return Judgement.failed(f"`{written.name}` is not written yet.", where=(written.where(),))
        place = self._use(functions, written)
        if place is None:
            text = f"`{written.name}` does not call {self._wanted}."
            return Judgement.failed(text, where=(written.where(),))
        return Judgement.passed(f"`{written.name}` uses {self._wanted}.", where=(place,))

    @property
    def _wanted(self) -> str:
        return " or ".join(f"`{name}`" for name in self.uses)

    def _use(self, functions: Functions, written: Written) -> Where | None:
        for one in functions.reached_from(written):
            if one.name in self.uses:
                continue
            for node in ast.walk(one.node):
                name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
                if name in self.uses:
                    return one.where(node)
        return None

    def _judge_section(self, case: Case, functions: Functions) -> Judgement:
        cells = own_code(case)
        if not cells:
            return not_located(case) or Judgement.failed("Nothing was handed in for this part.")
        for parsed in parsed_cells(cells):
            imports = functions.imports_seen_from(parsed.index)
            calls = called_names(parsed.tree, imports) if parsed.tree is not None else ()
            called = next((called for called in calls if called.last in self.uses), None)
            if called is not None:
                where = Where(cell=parsed.index, line=parsed.line_of(called.node))
                return self._called_at(case.evidence.cells[parsed.index], where)
        places = tuple(Where(cell=cell.index) for cell in cells)
        return Judgement.needs_ta(
            f"{self._wanted} is called nowhere here; a TA reads the cells.", where=places
        )

    def _called_at(self, cell: CellRecord, where: Where) -> Judgement:
        if cell.run is not None and cell.run.error is not None:
            text = f"{self._wanted} is called, but the cell raised {cell.run.error.type}; a TA looks at it."
            return Judgement.needs_ta(text, where=(where,))
        return Judgement.passed(f"{self._wanted} is called.", where=(where,))
