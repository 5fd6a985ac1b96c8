"""Does a function call another one that it was to build on?"""

from __future__ import annotations

import ast
from typing import ClassVar, Literal

from grader.checks._calls import Names, missing_function
from grader.checks._functions import Functions, Written, is_written
from grader.rubric.case import Case
from grader.rubric.model import Check, Judgement, Where

__all__ = ["UsesFunction"]


class UsesFunction(Check):
    """Looks whether a function uses another one, in its own body or through functions of the notebook.

    Read from the code: a call, or the name handed on (``map(word_lengths, lines)``), counts; comments and
    docstrings do not. A function whose cell does not parse goes to a TA.

    Attributes:
        function: The function that should build on another; of several names, the first that exists.
        uses: What it should use; any of these names will do.
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
    function: Names
    uses: Names

    def judge(self, case: Case) -> Judgement:
        functions = Functions(case.evidence.cells)
        written = functions.first(self.function)
        if written is None:
            return missing_function(case, self.function)
        if not is_written(written.node):
            return Judgement.failed(f"`{written.name}` is not written yet.", where=(written.where(),))
        wanted = " or ".join(f"`{name}`" for name in self.uses)
        place = self._use(functions, written)
        if place is None:
            text = f"`{written.name}` works by itself; it was to call {wanted}."
            return Judgement.failed(text, where=(written.where(),))
        return Judgement.passed(f"`{written.name}` uses {wanted}.", where=(place,))

    def _use(self, functions: Functions, written: Written) -> Where | None:
        for one in functions.reached_from(written):
            if one.name in self.uses:
                continue
            for node in ast.walk(one.node):
                name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
                if name in self.uses:
                    return one.where(node)
        return None
