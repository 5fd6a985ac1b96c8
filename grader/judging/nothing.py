"""What to say where there is nothing to judge, so that all checks say it alike and fairly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from grader.evidence.plan import FunctionProbe, ModuleProbe, Target
from grader.evidence.record import (
    FunctionRecord,
    ModuleRecord,
    ProbeResult,
)
from grader.facts.absence import absence, broken_cells
from grader.facts.calls import Answers, answer_of
from grader.facts.case import Case
from grader.facts.definitions import definition, undefined
from grader.facts.fields import Where
from grader.facts.known import Known, Unknown, sure
from grader.facts.layer_calls import LayerAnswers, layer_answer, layer_weights, telling
from grader.facts.meanings import Excuses
from grader.facts.notebook import located, stopped_early, untouched
from grader.facts.targets import describe
from grader.facts.values.variables import Absent
from grader.judging.judgement import Judgement
from grader.judging.shares import PartFinding, alone

__all__ = [
    "NOTHING_HANDED_IN",
    "absent_function",
    "ask",
    "ask_layer",
    "missing_variable",
    "module_or",
    "not_located",
    "nothing_handed_in",
    "nothing_in_any",
    "whole_training_needed",
]

#: What every check says of a part that is as the handout left it; pages make one line of it.
NOTHING_HANDED_IN = "Nothing was handed in for this part."


def whole_training_needed() -> Judgement:
    """The judgement where a question about a trained network meets a training that a budget ended early."""
    return Judgement.missing(
        "This asks for a trained network, and the notebook ran under a training budget."
        " Run it again with `--training full`."
    )


def ask(case: Case, probe: FunctionProbe) -> Answers | Judgement:
    """Reads the calls that a probe made.

    Returns:
        A judgement instead where there are none: the function is missing, was never probed, or could not
        be called through no fault that can be established.
    """
    result = case.probe(probe)
    wanted = describe(probe.target)
    if result is None:
        return Judgement.missing(
            f"{wanted} was never called in this attempt; run the submission again to measure it."
        )
    if result.status == "not_found":
        return alone(absent_function(case, probe.target.names))
    record = result.record
    if not isinstance(record, FunctionRecord) or len(record.calls) != len(probe.calls):
        detail = result.error.type if result.error else result.detail or "not every call was answered"
        return Judgement.needs_ta(f"{wanted} could not be called.", open=f"The call came to this: {detail}.")
    calls = tuple(answer_of(record.name, call, case.bundle) for call in record.calls)
    where = definition(case, probe.target.names, record.cell)
    excuses = Excuses(case, probe.target.names, record)
    excused = tuple(replace(answer, excuse=excuses.of(answer.error)) for answer in calls)
    return Answers(record.name, excused, where)


def absent_function(case: Case, names: tuple[str, ...]) -> PartFinding:
    """Nothing of these names was there at the end: is it the student's doing, or can that not be told?"""
    nowhere = undefined(case, names)
    if isinstance(nowhere, Unknown):
        text = f"No cell defines `{names[0]}`."
        return PartFinding.waits(names[0], text, open=f"It may be there: {nowhere.why}.")
    places = definition(case, names)
    if not places:
        return PartFinding.wrong(names[0], f"No cell defines `{names[0]}`.", on=nowhere)
    run = case.evidence.cells[places[0].cell].run
    if run is not None and run.error is not None:
        reason = f"its cell raised {run.error.type}"
    elif run is None or run.status == "not_run" or stopped_early(case):
        reason = f"the run ended early ({case.evidence.outcome})"
    else:
        reason = "it was gone after the last cell"
    text = f"`{names[0]}` is written but could not be called."
    return PartFinding.waits(names[0], text, open=f"The reason is that {reason}.", where=places)


def missing_variable(name: str, absent: Absent, *, weight: float = 1.0) -> PartFinding:
    """A variable that held nothing, as a part of an answer."""
    if isinstance(absent.nothing, Unknown):
        why = f"It is not known whether it was answered: {absent.nothing.why}."
        return PartFinding.waits(name, absent.text, open=why, weight=weight, where=absent.where)
    return PartFinding.wrong(name, absent.text, on=absent.nothing, weight=weight, where=absent.where)


def ask_layer(case: Case, probe: ModuleProbe) -> LayerAnswers | Judgement:
    """Reads the forward passes that a probe made.

    Returns:
        A judgement instead where there are none, or where the weights cannot tell a right layer from a
        wrong one: laid out in another way, all equal, or never set.
    """
    record = module_or(case, probe)
    if isinstance(record, Judgement):
        return record
    wanted = describe(probe.target)
    where = () if record.cell is None else (Where(cell=record.cell),)
    weights = layer_weights(record, case.bundle)
    if len(record.forwards) != len(probe.inputs):
        return Judgement.needs_ta(f"{wanted} did not take every image.", where=where)
    if weights is None or not telling(weights):
        message = f"No kernel (filters, channels, rows, columns) with usable weights was found in {wanted}."
        return Judgement.needs_ta(message, where=where)
    name = record.class_name
    calls = tuple(layer_answer(name, forward, case.bundle) for forward in record.forwards)
    return LayerAnswers(Answers(name, calls, where), weights)


def nothing_handed_in(case: Case, section: str | None = None) -> Judgement | None:
    """The judgement on a section that is as the handout left it; None where there is something to read."""
    bare = sure(untouched(case, section))
    if bare is None:
        return None
    where = tuple(Where(cell=cell.index) for cell in case.section_cells(section))
    return Judgement.failed(NOTHING_HANDED_IN, on=bare, where=where)


def nothing_in_any(case: Case, sections: Sequence[str]) -> Judgement | None:
    """The judgement on sections all left as handed out; None where one is not, or none is named."""
    bare = [nothing_handed_in(case, section) for section in sections]
    return bare[0] if bare and all(bare) else None


def not_located(case: Case, section: str | None = None) -> Judgement | None:
    """The judgement where a section was not found; None where it was."""
    if located(case, section):
        return None
    name = section or case.section or ""
    title = case.sections[name].title if name in case.sections else name
    message = f"The part '{title}' was not found in the notebook."
    return Judgement.needs_ta(message, open="The answer may stand elsewhere in it.")


def module_or(case: Case, probe: ModuleProbe) -> ModuleRecord | Judgement:
    """The network that a probe found, or the judgement that there is none."""
    wanted, result = describe(probe.target), case.probe(probe)
    if result is None:
        return Judgement.missing(
            f"This attempt was never asked for {wanted}; run the submission again to measure it."
        )
    if result.status == "ok" and isinstance(result.record, ModuleRecord):
        return result.record
    return _without_answer(case, result, wanted, probe.target)


def _without_answer(case: Case, result: ProbeResult, wanted: str, target: Target) -> Judgement:
    """The judgement on a thing that was not found or not measured."""
    bare = nothing_handed_in(case) if case.section is not None else None
    if bare is not None:
        return bare
    if result.status != "not_found":
        reason = f"{result.error.type}: {result.error.message}" if result.error else result.detail
        return Judgement.needs_ta(
            f"{wanted} could not be measured.", open=f"Measuring it came to this: {reason or 'no answer'}."
        )
    none = f"There is no {wanted.removeprefix('a ')} in the notebook after its last cell."
    unnamed = target.discover is not None
    absent = absence(case, result, unnamed=unnamed, names=target.names)
    if isinstance(absent, Known):
        return Judgement.failed(none, on=absent)
    return Judgement.needs_ta(none, open=f"But {absent.why}.", where=broken_cells(case, unnamed=unnamed)[:5])
