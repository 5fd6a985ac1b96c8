"""Does a function, or a section, call a function that it was to build on?"""

from __future__ import annotations

import ast
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from grader.evidence.record import CellRecord
from grader.facts.case import Case
from grader.facts.code.functions import Written, is_written
from grader.facts.code.source import nodes_of
from grader.facts.fields import Where
from grader.facts.known import Known, Unknown
from grader.facts.notebook import codeless, own_code
from grader.facts.uses import calls_in, comparisons_in, count_of_calls, ran_whole, was_reached
from grader.judging.check import Check, Early, Names, StudentsNames
from grader.judging.judgement import Judgement
from grader.judging.nothing import NOTHING_HANDED_IN, absent_function, not_located
from grader.judging.shares import alone

__all__ = ["UsesFunction"]


_NAMED = 3


class UsesFunction(Check):
    """Looks whether a function uses another one, in its own body or through functions of the notebook.

    Read from the code: a call, or the name handed on (``map(word_lengths, lines)``), counts; comments and
    docstrings do not. A function whose cell does not parse goes to a TA. Without `function`, the student's
    code in the criterion's section is read, where a call in a cell that raised goes to a TA, and so do fewer
    calls than `times`; a call of the notebook's own function counts for the calls in it.

    Attributes:
        function: The function that should build on another; of several names, the first that exists.
        uses: What should be used; any of these names will do.
        times: Calls of it that there have to be in the section.
        compared: Two variables of which ``==`` between them, as they are, will do as well.
    """

    example: ClassVar[str] = """\
- id: builds-on-word-lengths
  title: all_same_length calls word_lengths
  points: 0.25
  check: uses_function
  function: all_same_length
  uses: word_lengths
"""

    early: ClassVar[Early] = "words"

    check: Literal["uses_function"] = "uses_function"
    function: StudentsNames = ()
    uses: Names = Field(min_length=1)
    times: int = Field(default=1, ge=1)
    compared: Names = ()

    @model_validator(mode="after")
    def _reads_a_section(self) -> UsesFunction:
        if self.function and (self.times > 1 or self.compared):
            raise ValueError("times and compared are for a section, without function")
        return self

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
        more = ", or one like these," if len(self.uses) > _NAMED else ""
        return " or ".join(f"`{name}`" for name in self.uses[:_NAMED]) + more

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
        compared = next(comparisons_in(case, cells, self.compared), None) if self.compared else None
        if compared is not None:
            names = " and ".join(f"`{name}`" for name in self.compared)
            return self._judge_place(case, compared, f"{names} are compared by `==`.")
        if self.times > 1:
            return self._judge_count(case, cells)
        called = next(calls_in(case, cells, lambda call: call.last in self.uses), None)
        if called is None:
            places = tuple(Where(cell=cell.index) for cell in cells)
            why = "It may be done in another way."
            return Judgement.needs_ta(f"{self._wanted} is called nowhere here.", open=why, where=places)
        text = f"`{called.value.called.last}` is called."
        return self._judge_place(case, called.map(lambda seen: seen.where), text)

    def _judge_count(self, case: Case, cells: tuple[CellRecord, ...]) -> Judgement:
        count = count_of_calls(case, cells, self.uses)
        places = tuple(Where(cell=cell.index) for cell in cells)
        text = f"{self._wanted} is called {count.value} times here"
        if count.value < self.times:
            why = "It may be done in another way."
            return Judgement.needs_ta(f"{text}; asked for are {self.times} calls.", open=why, where=places)
        ran = ran_whole(cells)
        if isinstance(ran, Unknown):
            return Judgement.needs_ta(f"{text}.", open=f"But {ran.why}.", where=places)
        return Judgement.passed(f"{text}.", on=count, where=places)

    def _judge_place(self, case: Case, place: Known[Where], text: str) -> Judgement:
        ran = ran_whole((case.evidence.cells[place.value.cell],))
        if isinstance(ran, Unknown):
            return Judgement.needs_ta(text, open=f"But {ran.why}.", where=(place.value,))
        return Judgement.passed(text, on=place, where=(place.value,))
