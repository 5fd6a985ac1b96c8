"""Is the work done by tensor operations, rather than by a Python loop over elements?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.evidence.plan import Call, FunctionProbe, Probe, Target
from grader.facts.calls import Answer, Answers
from grader.facts.case import Case, reference_function
from grader.facts.code.loops import loops_in_function
from grader.facts.fields import ReferenceFunction, Where
from grader.facts.known import Known, Unknown
from grader.facts.values.compare import as_array, mismatch, without_extra_axes
from grader.judging.check import Argument, Check, StudentsNames
from grader.judging.exhibits import Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import ask

__all__ = ["Vectorized"]

#: Operations more for the larger input that may come from chance, such as a different code path.
_SLACK_OPERATIONS = 4
_GROWTH = 1.5
#: With no more operations than these, a function that loops does its work outside torch.
_FEW_OPERATIONS = 3


class Vectorized(Check):
    """Calls a function with a small and a larger input and counts the torch operations of each call.

    Work that is done element by element, by indexing or `.item()` in a Python loop, needs more operations
    for more elements; one tensor operation stays one. A loop over something that does not grow with the input
    (the nine elements of a kernel) is fine. Where the work leaves torch (NumPy, lists), the code decides:
    without a loop it passes, with one a TA looks. A function that gives wrong values, or none, has nothing
    that could be vectorised and fails; axes of length 1 too many or too few are no wrong values.

    Attributes:
        function: Name in the notebook; of several, the first that exists.
        small: Arguments of the first call.
        large: Arguments of the second: the same, with larger arrays where it must not matter.
        reference: Reference function that says which values are right; without it any value will do.
    """

    example: ClassVar[str] = """\
- id: vectorized
  title: Convolution without loops over pixels
  points: 2
  check: vectorized
  function: conv2d_fast
  reference: conv2d
  small: [{kind: normal, shape: [6, 8]}, {kind: normal, shape: [3, 3]}]
  large: [{kind: normal, shape: [18, 24]}, {kind: normal, shape: [3, 3]}]
"""

    check: Literal["vectorized"] = "vectorized"
    function: StudentsNames
    small: tuple[Argument, ...] = Field(min_length=1)
    large: tuple[Argument, ...] = Field(min_length=1)
    reference: ReferenceFunction | None = None

    def _probe(self) -> FunctionProbe:
        calls = (Call(args=self.small), Call(args=self.large))
        return FunctionProbe(target=Target(names=self.function), calls=calls, count_operations=True)

    def probes(self) -> tuple[Probe, ...]:
        return (self._probe(),)

    def judge(self, case: Case) -> Judgement:
        answers = ask(case, self._probe())
        if isinstance(answers, Judgement):
            return answers
        broken = [(answer, text) for answer in answers.calls if (text := self._broken(case, answer))]
        for answer, _ in broken:
            if isinstance(answer.own, Known):
                text = f"{broken[0][1]}; there is nothing yet that could be vectorised."
                return Judgement.failed(text, on=answer.own, where=answers.where)
        for answer, text in broken:
            if isinstance(answer.own, Unknown):
                why = f"But {answer.own.why}."
                return Judgement.needs_ta(f"{text}.", open=why, where=answers.where)
        return _judged(answers, loops_in_function(case.facts.functions, self.function))

    def _broken(self, case: Case, answer: Answer) -> str:
        """What is wrong with an answer; empty where it is right."""
        if answer.error is not None:
            return f"`{answer.call}` raised {answer.error.type}: {answer.error.message[:160]}"
        if self.reference is None:
            return f"`{answer.call}` returns nothing" if answer.got is None else ""
        expected = reference_function(case, self.reference)(*answer.args, **answer.kwargs)
        wanted, got = as_array(expected), as_array(answer.got)
        value = answer.got if wanted is None or got is None else without_extra_axes(wanted, got)
        wrong = mismatch(expected, value, answer.tolerance)
        return f"`{answer.call}` {wrong.text}" if wrong is not None else ""


def _judged(answers: Answers, loops: list[Where]) -> Judgement:
    name, operations = answers.name, answers.operations
    counts = [answer.operations for answer in answers.calls]
    shown = (
        Table.of("operations", [{"operations": count} for count in counts]),
        Table.of("loops", [place.model_dump() for place in loops]),
    )
    if isinstance(operations, Unknown):
        text = f"`{name}` was to work on whole tensors."
        return Judgement.needs_ta(text, open=f"But {operations.why}.", exhibits=shown)
    small, large = operations.value
    counted = f"{small} torch operations for the small input, {large} for the larger one"
    if large >= small * _GROWTH and large - small >= _SLACK_OPERATIONS:
        text = f"`{name}` works element by element: {counted}. One operation on whole tensors does the same."
        return Judgement.failed(text, on=operations, where=tuple(loops[:3]) or answers.where, exhibits=shown)
    if loops and large <= _FEW_OPERATIONS:
        text = f"`{name}` loops, and not over torch operations ({counted})."
        why = "It cannot be told over what it loops."
        return Judgement.needs_ta(text, open=why, where=tuple(loops[:3]), exhibits=shown)
    text = f"`{name}` works on whole tensors: {counted}."
    return Judgement.passed(text, on=operations, where=answers.where, exhibits=shown)
