"""Does a function give the right values on given and on hidden inputs?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from grader.evidence.plan import Call, FunctionProbe, Probe, Target
from grader.facts.calls import Answer, Answers
from grader.facts.case import Case, reference_function
from grader.facts.code.functions import Written
from grader.facts.code.printing import mended_print, printing_places
from grader.facts.fields import ReferenceFunction, Where
from grader.facts.known import Unknown
from grader.facts.values.compare import mismatch
from grader.facts.values.mistakes import Suspect, name_mistake, printed_answer
from grader.judging.calls import CallFinding, GroupFinding, judge_groups
from grader.judging.check import Argument, Check, StudentsNames
from grader.judging.exhibits import Shown
from grader.judging.judgement import Judgement
from grader.judging.nothing import ask
from grader.judging.shown import shown_calls

__all__ = ["CallGroup", "FunctionValues", "Given"]


class Given(BaseModel):
    """Calls with one set of arguments.

    Attributes:
        args: Positional arguments: plain values, or inputs drawn afresh for each attempt.
        kwargs: Keyword arguments, likewise.
        count: Calls to make; more than one makes sense only for inputs drawn afresh.
        accept: Right answers, any of which will do; without them the reference says what is right.
        prints: Text that should be printed as well, in capitals or not. Told to the student, costs nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    args: tuple[Argument, ...] = ()
    kwargs: dict[str, Argument] = Field(default_factory=dict)
    count: int = Field(default=1, ge=1, le=20)
    accept: tuple[JsonValue, ...] = ()
    prints: str | None = None


class CallGroup(BaseModel):
    """Calls that earn a part of the points together: all of them right, or nothing.

    Attributes:
        name: What to call it in messages, as ``negative numbers``.
        weight: Part of the points, in proportion to the other groups'; 0 is told but costs nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    weight: float = Field(default=1.0, ge=0)
    calls: tuple[Given, ...] = Field(min_length=1)


class FunctionValues(Check):
    """Calls a function and compares what it returns with the right answers, group by group.

    Numbers count by value whatever their type (``36``, ``36.0``, ``numpy.int64(36)``, a 0-d tensor), lists,
    tuples and arrays likewise; floats within what their dtype can hold. A group's part of the points is
    earned where all its calls are right. A wrong answer is explained where it is one that a usual mistake
    gives: off by one, printed instead of returned, text instead of a value, exchanged axes, or one of the
    rubric's own `mistakes`. Calls that later lines have broken (a builtin overwritten below the function,
    a helper defined anew, the function's own name taken in another section) go to a TA.

    Attributes:
        function: Name in the notebook; of several, the first that exists.
        reference: Name of the reference function, for calls without `accept`.
        groups: Calls, each group worth its weight.
        printed_share: Part of a group's points for right answers that were printed, not returned.
        mistakes: Reference functions that make a usual mistake, with the words for it.
    """

    example: ClassVar[str] = """\
- id: sum-of-cubes
  title: The sum of cubes up to n
  points: 1
  check: function_values
  function: sum_of_cubes
  reference: sum_of_cubes
  groups:
    - name: the handout's examples
      weight: 2
      calls:
        - {args: [3], accept: [36]}
        - {args: [1], accept: [1]}
    - name: hidden numbers
      weight: 2
      calls:
        - {args: [{kind: integers, low: 4, high: 30, container: python}], count: 3}
    - name: negative numbers
      weight: 1
      calls:
        - {args: [-4], accept: [-1], prints: Invalid input}
"""

    check: Literal["function_values"] = "function_values"
    function: StudentsNames
    reference: ReferenceFunction | None = None
    groups: tuple[CallGroup, ...] = Field(min_length=1)
    printed_share: float = Field(default=0.0, ge=0, le=1)
    mistakes: dict[ReferenceFunction, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_answers(self) -> FunctionValues:
        bare = [given for group in self.groups for given in group.calls if not given.accept]
        if bare and self.reference is None:
            raise ValueError("calls without 'accept' need a 'reference' that says what is right")
        if not any(group.weight > 0 for group in self.groups):
            raise ValueError("at least one group needs a weight above 0")
        return self

    def _probe(self) -> FunctionProbe:
        calls = tuple(
            Call(args=given.args, kwargs=given.kwargs)
            for group in self.groups
            for given in group.calls
            for _ in range(given.count)
        )
        return FunctionProbe(target=Target(names=self.function), calls=calls, repeat=2)

    def probes(self) -> tuple[Probe, ...]:
        return (self._probe(),)

    def judge(self, case: Case) -> Judgement:
        answers = ask(case, self._probe())
        if isinstance(answers, Judgement):
            return answers
        findings = self._judged(case, answers)
        misses = [call for group in findings for call in group.calls if call.state != "right"]
        return judge_groups(answers, findings).model_copy(update=_told_by_code(case, answers, misses))

    def shows(self, case: Case) -> tuple[Shown, ...]:
        answers = ask(case, self._probe())
        if isinstance(answers, Judgement):
            return ()
        return shown_calls(case, self._probe(), self._judged(case, answers))

    def _judged(self, case: Case, answers: Answers) -> list[GroupFinding]:
        remaining = iter(answers.calls)
        judge_one = _Caller(self, case)
        return [
            GroupFinding(
                group.name,
                group.weight,
                tuple(judge_one(next(remaining), given) for given in group.calls for _ in range(given.count)),
            )
            for group in self.groups
        ]


@dataclass(frozen=True)
class _Caller:
    """Judges single calls of one function."""

    check: FunctionValues
    case: Case

    def __call__(self, answer: Answer, given: Given) -> CallFinding:
        expected = self._expected(answer, given)
        if answer.error is not None:
            return CallFinding.raised(answer, expected)
        if isinstance(answer.seen, Unknown):
            return CallFinding.unknown(answer, expected, answer.seen)
        if any(mismatch(right, answer.got, answer.tolerance) is None for right in expected):
            return CallFinding.right(answer, expected, _unprinted(answer, given))
        if answer.got is None and any(
            printed_answer(right, answer.stdout, answer.tolerance) for right in expected
        ):
            return CallFinding.printed(answer, expected, self.check.printed_share)
        if answer.got is None and answer.stdout_cut:
            return CallFinding.unknown(answer, expected, Unknown("it printed more than was kept"))
        return CallFinding.wrong(answer, expected, self._mistake(answer, expected[0]))

    def _expected(self, answer: Answer, given: Given) -> tuple[Any, ...]:
        if given.accept or self.check.reference is None:
            return given.accept
        return (reference_function(self.case, self.check.reference)(*answer.args, **answer.kwargs),)

    def _mistake(self, answer: Answer, expected: Any) -> str | None:
        return name_mistake(expected, answer.got, answer.tolerance, self._suspects(answer))

    def _suspects(self, answer: Answer) -> Iterable[Suspect]:
        for name, text in self.check.mistakes.items():
            function = reference_function(self.case, name)
            yield Suspect(text, partial(function, *answer.args, **answer.kwargs))
        n = answer.args[0] if len(answer.args) == 1 else None
        # Below 1 an answer is a matter of checking the input, not of where a loop ends.
        if self.check.reference is not None and isinstance(n, int) and n > 0:
            right = reference_function(self.case, self.check.reference)
            yield Suspect("it stops one short (off by one)", partial(right, n - 1))
            yield Suspect("it goes one too far (off by one)", partial(right, n + 1))


def _unprinted(answer: Answer, given: Given) -> str:
    """A note where a right call does not print what it should."""
    if given.prints is None or given.prints.lower() in answer.stdout.lower():
        return ""
    return f"`{answer.call}` does not print {given.prints!r}, which costs nothing."


def _told_by_code(case: Case, answers: Answers, misses: Sequence[CallFinding]) -> dict[str, Any]:
    """Lines to look at and advice where all calls that went wrong did so in one way that the code shows."""
    written = case.facts.functions.first([answers.name])
    states = {call.state for call in misses}
    if written is None or not answers.where or written.cell.index != answers.where[0].cell:
        return {}
    if states == {"printed"} and printing_places(written):
        return {"where": printing_places(written), "advice": mended_print(written)}
    if states == {"raised"}:
        places = (_raised_at(call.answer, written) for call in misses)
        return {"where": tuple(dict.fromkeys(place for place in places if place)) or answers.where}
    return {}


def _raised_at(answer: Answer, written: Written) -> Where | None:
    """The line of the function that raised; None where the error comes from outside it."""
    line = answer.error.line if answer.error is not None else None
    first, last = written.cell.line_of(written.node), written.cell.last_line_of(written.node)
    if line is None or first is None or last is None or not first <= line <= last:
        return None
    return Where(cell=written.cell.index, line=line)
