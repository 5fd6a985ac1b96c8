"""A course's own function, for what no kind of check covers."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from grader.evidence.plan import Call, FunctionProbe, Probe, Target
from grader.facts.calls import Answer
from grader.facts.case import Case
from grader.facts.definitions import definition
from grader.facts.fields import ReferenceCheck
from grader.facts.known import Unknown
from grader.facts.own_checks import attempt_of, measured, opinion, why_no_measure
from grader.facts.values.compare import mismatch
from grader.facts.values.plain import jsonable, show
from grader.judging.check import Argument, Check, Names, StudentsNames
from grader.judging.exhibits import Pair
from grader.judging.judgement import Judgement
from grader.judging.nothing import absent_function, nothing_handed_in
from grader.judging.shares import alone

__all__ = ["Python"]


class Python(Check):
    """Runs a function of the course's own: in the sandbox on the student's objects, outside, or both.

    `measure` is Python that defines a function of this name. It runs in the sandbox after the notebook, with
    the notebook's names in the mapping `student`, and gives plain data or arrays. Students' code runs beside
    it, so it must hold no answers: these stand under `expected`, or in the reference.

    `function` names one of `CHECKS` in the reference folder. It runs outside, in a process of its own with
    limits, and gets the attempt as plain data: `cells` (each with `index`, `kind`, `source`, `own`, `printed`
    by our run, `stored` in the file, `error`), the numbers of the `section`'s cells, `values` of the names in
    `watch`, each after the last cell that changed it, and what was `measured`. It returns True, False, a
    share of the points, or None where it cannot tell, which is a TA's; with a text for the student as a pair.

    Where either raises, takes too long or returns something else, that is the course's to mend, and costs no
    student points. Starting a process takes a moment for each submission: prefer a kind that there is.

    Attributes:
        measure: Python for the sandbox.
        args: Arguments of `measure`: plain values, or inputs drawn afresh for each attempt.
        needs: What the student was to define; where nothing of these names is defined, nothing is measured.
        expected: Right values of what is measured, any of which will do.
        function: Name in the reference's `CHECKS`.
        watch: Variables whose values `function` gets.
        limit_s: Seconds for `function`.
    """

    example: ClassVar[str] = """\
- id: layers-shared
  title: Both branches use the same convolution
  points: 1
  check: python
  needs: [TwinNet]
  measure: |
    def measure():
        net = student["TwinNet"]()
        return net.left.conv is net.right.conv
  expected: [true]
"""

    holds_code: ClassVar[bool] = True

    check: Literal["python"] = "python"
    measure: str = ""
    args: tuple[Argument, ...] = ()
    needs: StudentsNames = ()
    expected: tuple[JsonValue, ...] = ()
    function: ReferenceCheck | None = None
    watch: Names = ()
    limit_s: float = Field(default=10.0, gt=0, le=60)

    @model_validator(mode="after")
    def _says_how_to_judge(self) -> Python:
        if (self.function is None) is not bool(self.expected):
            raise ValueError("give either 'function' or 'expected', which says what is right")
        if self.expected and not self.measure:
            raise ValueError("'expected' needs a 'measure' that gives it")
        if self.measure and (why := why_no_measure(self.measure)):
            raise ValueError(why)
        return self

    @property
    def _probe(self) -> FunctionProbe:
        return FunctionProbe(target=Target(), calls=(Call(args=self.args),), code=self.measure)

    def probes(self) -> tuple[Probe, ...]:
        return (self._probe,) if self.measure else ()

    def watches(self) -> tuple[str, ...]:
        return self.watch

    def judge(self, case: Case) -> Judgement:
        bare = nothing_handed_in(case) if case.section is not None else None
        if bare is not None:
            return bare
        if self.needs and not definition(case, self.needs):
            return alone(absent_function(case, self.needs))
        found = measured(case, self._probe) if self.measure else None
        if isinstance(found, Unknown):
            return Judgement.missing(f"This needs to be measured: {found.why}.")
        answer = None if found is None else found.value
        if self.function is None and answer is not None:
            return self._compared(case, answer)
        return self._by_function(case, answer)

    def _by_function(self, case: Case, answer: Answer | None) -> Judgement:
        said = opinion(case, self.function or "", attempt_of(case, answer, self.watch), self.limit_s)
        where = definition(case, self.needs)
        if isinstance(said, Unknown):
            return Judgement.needs_ta("A TA judges this part.", open=f"{said.why.rstrip('.')}.", where=where)
        text = said.value.said or "This was judged by a program of the course."
        return Judgement.earned(said.value.share, text, on=said, where=where)

    def _compared(self, case: Case, answer: Answer) -> Judgement:
        got = answer.got
        wanted = " or ".join(show(value) for value in self.expected)
        more: dict[str, Any] = {
            "where": definition(case, self.needs),
            "exhibits": (Pair(expected=wanted, found=jsonable(got)),),
        }
        if isinstance(answer.own, Unknown):
            return Judgement.needs_ta(f"Measured: {show(got)}.", open=f"But {answer.own.why}.", **more)
        if any(mismatch(value, got, answer.tolerance) is None for value in self.expected):
            return Judgement.passed(f"Measured: {show(got)}, as expected.", on=answer.own, **more)
        return Judgement.failed(f"Measured: {show(got)}; expected {wanted}.", on=answer.own, **more)
