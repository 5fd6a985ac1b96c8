"""Is something written by hand, without the library function that would do it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from grader.evidence.plan import Call, FunctionProbe, Probe, Target
from grader.evidence.record import CellRecord
from grader.facts.calls import Answer, Answers
from grader.facts.case import Case
from grader.facts.code.functions import LOOPS, CalledName, Written, is_written
from grader.facts.code.loops import loops_beside, loops_within_loops
from grader.facts.code.own_work import is_handed_on, own_work, same_work
from grader.facts.code.source import ParsedCell, nodes_of, parsed_cells
from grader.facts.fields import StudentsName, Where
from grader.facts.known import Fact, Known, Unknown, both, every
from grader.facts.notebook import codeless, own_code
from grader.facts.uses import CallSeen, calls_in, ran_whole, was_reached
from grader.judging.check import Argument, Check
from grader.judging.judgement import Judgement
from grader.judging.nothing import NOTHING_HANDED_IN, absent_function, ask, not_located
from grader.judging.shares import PartFinding, judge_parts

__all__ = ["ByHand", "ForbidsCall"]


class ByHand(BaseModel):
    """A function to be written by hand.

    Attributes:
        name: Of the function.
        args: Arguments for one call, in which the torch operations used are observed; none for no call.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: StudentsName
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
    `args` are given, the torch operations of one call are looked at too, by name and below Python in every
    thread, and what it calls of NumPy, SciPy, scikit-image and OpenCV. Where that call came to no end, where
    another thread, another process or a relative of a forbidden operation was at work, where the code finds
    functions by names that are put together, or has neither a loop nor arithmetic of its own, a TA looks. A
    function of the notebook that has the name of a forbidden one may be called. Each function is one part of
    the points; one that is not written yet earns nothing.

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
        if not self.functions:
            return self._judge_section(case)
        return judge_parts([self._part(case, asked) for asked in self.functions])

    def _part(self, case: Case, asked: ByHand) -> PartFinding:
        written = case.facts.functions.first([asked.name])
        if written is None:
            return absent_function(case, (asked.name,))
        if not is_written(written.node):
            text = f"`{asked.name}` is not written yet."
            return PartFinding.wrong(asked.name, text, on=written.text, where=(written.where(),))
        for one, called in case.facts.functions.calls_of(written):
            if self._is_forbidden(called):
                place = one.where(called.node)
                text = f"`{asked.name}` calls `{called.name}` (cell {place.cell}, line {place.line})."
                return PartFinding.wrong(asked.name, text, on=one.text, where=(place,))
        return self._observed(case, asked, written)

    def _observed(self, case: Case, asked: ByHand, written: Written) -> PartFinding:
        functions, where = case.facts.functions, (written.where(),)
        code = both(was_reached(case, written), functions.all_of(written))
        if asked.probe is None:
            return self._by_hand(asked, code, where)
        answers = ask(case, asked.probe)
        if isinstance(answers, Judgement):
            text = f"`{asked.name}` calls nothing that would do the work."
            why = f"It was not seen at work: {answers.message} {answers.open}".strip()
            return PartFinding.waits(asked.name, text, open=why, where=where)
        using = next((each for each in answers.calls if self._used(each)), None)
        if using is None:
            facts: list[Fact[object]] = [code, answers.at_work, own_work(functions, written)]
            if not functions.says_all_it_calls(written):
                facts.append(answers.ended)
            seen = every([*facts, *self._others(answers)])
            return self._by_hand(asked, seen, where)
        text = f"`{asked.name}` used the operation `{self._used(using)[0]}` when it was called."
        if using.excuse:
            return PartFinding.waits(asked.name, text, open=f"But {using.excuse}.", where=where)
        return PartFinding.wrong(asked.name, text, on=using.came_back, where=where)

    def _used(self, answer: Answer) -> list[str]:
        """Forbidden operations that were seen in a call, by its Python code or below it."""
        libraries = (called for called in answer.library_calls if self._is_named(called))
        seen = {*answer.operation_names, *(answer.operators or ())} & set(self.forbidden)
        return sorted({*seen, *libraries})

    def _is_named(self, called: str) -> bool:
        return called in self.forbidden or called.rpartition(".")[2] in self.forbidden

    def _others(self, answers: Answers) -> Iterator[Fact[object]]:
        """What was seen and may have been forbidden: in another thread, or under another name."""
        for each in answers.calls:
            threads = sorted(set(each.operators_elsewhere) & set(self.forbidden))
            if threads:
                yield Unknown(f"another thread used the operation `{threads[0]}` while it was called")
            handed_on = next((name for name in each.library_calls if is_handed_on(name)), None)
            if handed_on:
                yield Unknown(f"`{handed_on}` was at work while it was called: what that did was not seen")
            alike = [
                name
                for name in (*(each.operators or ()), *each.operators_elsewhere, *each.library_calls)
                if same_work(name, self.forbidden)
            ]
            if alike:
                yield Unknown(f"`{alike[0]}` was used while it was called, which may do the same work")

    def _by_hand(self, asked: ByHand, seen: Fact[object], where: tuple[Where, ...]) -> PartFinding:
        if isinstance(seen, Unknown):
            text = f"`{asked.name}` calls nothing that would do the work."
            return PartFinding.waits(asked.name, text, open=f"But {seen.why}.", where=where)
        return PartFinding.right(asked.name, f"`{asked.name}` is written by hand.", on=seen, where=where)

    def _is_forbidden(self, called: CalledName) -> bool:
        """Whether the rubric names this function by its dotted name, or any of its last name."""
        return called.name in self.forbidden or called.last in self.forbidden

    def _judge_section(self, case: Case) -> Judgement:
        unwritten = codeless(case)
        if isinstance(unwritten, Known):
            return Judgement.failed(NOTHING_HANDED_IN, on=unwritten)
        cells, own = own_code(case), case.facts.functions.by_name
        if not cells:
            return not_located(case) or Judgement.needs_ta("No code was found in this part.")
        found = list(
            calls_in(
                case, cells, lambda call: self._is_forbidden(call) and not (call.bare and call.name in own)
            )
        )
        return self._called(found, cells) if found else self._nothing_called(case, cells)

    def _called(self, found: list[Known[CallSeen]], cells: tuple[CellRecord, ...]) -> Judgement:
        first = found[0].value
        text = f"Cell {first.where.cell}, line {first.where.line}, calls `{first.called.name}`"
        trees = [parsed.tree for parsed in parsed_cells(cells) if parsed.tree is not None]
        calls = {id(seen.value.called.node) for seen in found}
        if self.loops and any(loops_beside(tree, calls) for tree in trees):
            why = "A loop that multiplies is there as well."
            return Judgement.needs_ta(f"{text}.", open=why, where=(first.where,))
        return Judgement.failed(f"{text}; this was to be written out.", on=found[0], where=(first.where,))

    def _nothing_called(self, case: Case, cells: tuple[CellRecord, ...]) -> Judgement:
        places = tuple(Where(cell=cell.index) for cell in cells)
        code = ran_whole(cells)
        if isinstance(code, Unknown):
            text = "No call of a library function that would do the work was found."
            return Judgement.needs_ta(text, open=f"But {code.why}.", where=places)
        if not self.loops:
            text = "No library function that would do the work is called."
            return Judgement.passed(text, on=code, where=places)
        loops = tuple(loops_within_loops(code.value, case.facts.functions))
        if not loops:
            why = "It may be written out in another way."
            return Judgement.needs_ta(_too_few_loops(code.value), open=why, where=places)
        text = "It is written out in loops; no library function does the work."
        return Judgement.passed(text, on=code, where=loops)


def _too_few_loops(cells: Iterable[ParsedCell]) -> str:
    trees = (parsed.tree for parsed in cells if parsed.tree is not None)
    if any(isinstance(node, LOOPS) for tree in trees for node in nodes_of(tree)):
        return "There is no loop inside another one."
    return "There is no loop."
