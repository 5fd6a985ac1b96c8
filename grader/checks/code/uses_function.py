"""Does a function, or a section, call a function that it was to build on?"""

from __future__ import annotations

import ast
from typing import ClassVar, Literal

from pydantic import Field

from grader.facts.case import Case
from grader.facts.code.functions import Written, is_written
from grader.facts.code.source import nodes_of
from grader.facts.fields import Where
from grader.facts.known import Known, Unknown
from grader.facts.notebook import codeless, own_code
from grader.facts.uses import calls_in, ran_whole, was_reached
from grader.judging.check import Check, Names, StudentsNames
from grader.judging.judgement import Judgement
from grader.judging.nothing import NOTHING_HANDED_IN, absent_function, not_located
from grader.judging.shares import alone

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
    function: StudentsNames = ()
    uses: Names = Field(min_length=1)

    def judge(self, case: Case) -> Judgement:
        if not self.function:
            return self._judge_section(case)
        written = case.facts.functions.first(self.function)
        if written is None:
            return alone(absent_function(case, self.function))
        where = (written.where(),)
        if not is_written(written.node):
            return Judgement.failed(f"`{written.name}` is not written yet.", on=written.text, where=where)
        place, ran = self._use(case, written), was_reached(case, written)
        if place is not None:
            text = f"`{written.name}` uses {self._wanted}."
            if isinstance(ran, Unknown):
                return Judgement.needs_ta(text, open=f"But {ran.why}.", where=(place,))
            return Judgement.passed(text, on=ran, where=(place,))
        text, code = f"`{written.name}` does not call {self._wanted}.", case.facts.functions.all_of(written)
        if isinstance(code, Unknown):
            return Judgement.needs_ta(text, open=f"But {code.why}.", where=where)
        return Judgement.failed(text, on=code, where=where)

    @property
    def _wanted(self) -> str:
        return " or ".join(f"`{name}`" for name in self.uses)

    def _use(self, case: Case, written: Written) -> Where | None:
        for one in case.facts.functions.reached_from(written):
            if one.name in self.uses:
                continue
            for node in nodes_of(one.node):
                name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
                if name in self.uses:
                    return one.where(node)
        return None

    def _judge_section(self, case: Case) -> Judgement:
        unwritten = codeless(case)
        if isinstance(unwritten, Known):
            return Judgement.failed(NOTHING_HANDED_IN, on=unwritten)
        cells = own_code(case)
        if not cells:
            return not_located(case) or Judgement.needs_ta("No code was found in this part.")
        called = next(calls_in(case, cells, lambda call: call.last in self.uses), None)
        if called is None:
            places = tuple(Where(cell=cell.index) for cell in cells)
            why = "It may be done in another way."
            return Judgement.needs_ta(f"{self._wanted} is called nowhere here.", open=why, where=places)
        ran = ran_whole((case.evidence.cells[called.value.where.cell],))
        where = (called.value.where,)
        if isinstance(ran, Unknown):
            return Judgement.needs_ta(f"{self._wanted} is called.", open=f"But {ran.why}.", where=where)
        return Judgement.passed(f"{self._wanted} is called.", on=called, where=where)
