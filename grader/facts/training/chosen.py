"""Which trained state of a network is evaluated: what the student says was chosen, and what code loads."""

from __future__ import annotations

import ast
import re

from grader.evidence.record import CellRecord
from grader.evidence.training import EvaluationPass, TrainingRun
from grader.facts.case import Case
from grader.facts.code.source import nodes_of, parse_cell
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import own_code
from grader.facts.training.runs import by_token, settings_of
from grader.facts.words.numbers import states

__all__ = ["as_chosen", "training_of"]

_LOADS = re.compile(r"\bload(_\w+)?\s*\(|copy\w*\s*\(|\.data\s*=|vector_to_parameters")
_EPOCH = re.compile(r"(?i)epoch\W{0,4}(\d+)")

_NUMBER = r"(\d+(?:\.\d+)?(?:e-?\d+)?|\.\d+)"
_BETWEEN = r"[\s_`*'\"]*(?:[=:]|is|of|was)?[\s`*'\"]*"
#: How a value is stated, by the setting's name.
_STATED = {
    "learning_rate": (rf"(?i)learn(?:ing)?[\s_-]*rate{_BETWEEN}{_NUMBER}", rf"(?i)\blr{_BETWEEN}{_NUMBER}"),
    "batch_size": (rf"(?i)batch[\s_-]*size{_BETWEEN}{_NUMBER}", rf"(?i)\bbs{_BETWEEN}{_NUMBER}"),
    "epochs": (
        rf"(?i)epochs{_BETWEEN}{_NUMBER}",
        rf"(?i)epoch[\s_]*number{_BETWEEN}{_NUMBER}",
        rf"(?i){_NUMBER}[\s_]*epochs\b",
    ),
}


def training_of(look: EvaluationPass, case: Case) -> TrainingRun | None:
    """The last run before that trained the very network which is evaluated."""
    runs = [
        run
        for run in case.evidence.training.runs
        if look.model is not None and run.model.token == look.model.token and run.order < look.order
    ]
    return max(runs, key=lambda run: run.order, default=None)


def as_chosen(look: EvaluationPass, case: Case, choice: str | None) -> Fact[bool]:
    """Whether an evaluation used the network that was chosen, as it was trained.

    `choice` is a section in which the student says what was chosen.
    """
    run = training_of(look, case)
    if run is None:
        loaded = look.model is None or _may_have_loaded(look, case)
        return Known(True) if loaded else Unknown("our run did not train it")
    later = _loaded_from_later(look, run, case)
    if later:
        return Unknown(later)
    if choice is None:
        return Known(True)
    other = _named_in_code(run, case, choice)
    if other:
        return Unknown(other)
    against = _contradictions(run, case, choice)
    if not against:
        return Known(True)
    return Unknown(f"the answer to {case.sections[choice].title} states {' and '.join(against)}")


def _named_in_code(run: TrainingRun, case: Case, section: str) -> str:
    """What says that the code of a section picks another trained network than this run's; else empty."""
    trained = {name for other in case.evidence.training.runs for name in other.model.names}
    for cell in own_code(case, section):
        tree = parse_cell(cell.index, cell.source).tree
        for node in nodes_of(tree) if tree is not None else ():
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=picked)) if picked in trained:
                    if not {name, picked} & set(run.model.names):
                        return f"cell {cell.index} chooses `{picked}`"
    return ""


def _contradictions(run: TrainingRun, case: Case, section: str) -> list[str]:
    """Values that a section states, as ``learning rate 0.001``, where none of them is the run's."""
    own = [cell for cell in case.section_cells(section) if cell.index not in case.alignment.unchanged]
    text = "\n".join(_code_of(cell) if cell.kind == "code" else cell.source for cell in own)
    settings = settings_of(run, by_token(case.evidence.training))
    found = []
    for key, patterns in _STATED.items():
        stated = [float(value) for pattern in patterns for value in re.findall(pattern, text)]
        actual = settings[key]
        if stated and isinstance(actual, int | float) and not states(stated, actual):
            found.append(f"{key.replace('_', ' ')} {stated[0]:g}")
    return found


def _code_of(cell: CellRecord) -> str:
    """Numbers that a cell's code gives to names, one a line; comments and texts in it are words on others."""
    tree = parse_cell(cell.index, cell.source).tree
    given: list[str] = []
    for node in nodes_of(tree) if tree is not None else ():
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=int() | float() as value)):
                given.append(f"{name} = {value}")
            case ast.keyword(arg=str(name), value=ast.Constant(value=int() | float() as value)):
                given.append(f"{name} = {value}")
    return "\n".join(given)


def _may_have_loaded(look: EvaluationPass, case: Case) -> bool:
    """Whether code up to an evaluation may give a network weights without training it."""
    return any(_LOADS.search(cell.source) for cell in _code_until(look, case))


def _loaded_from_later(look: EvaluationPass, run: TrainingRun, case: Case) -> str:
    """What says that weights of a later epoch than a run has were loaded into its network; else empty."""
    names = () if look.model is None else look.model.names
    loading = "|".join(rf"\b{re.escape(name)}\.load_state_dict\(" for name in names)
    for cell in _code_until(look, case) if loading else ():
        after = run.last_cell is not None and cell.index > run.last_cell
        epochs = [int(number) for number in _EPOCH.findall(cell.source)]
        if after and re.search(loading, cell.source) and epochs and min(epochs) > run.passes:
            return f"cell {cell.index} loads a checkpoint of epoch {min(epochs)} into it first"
    return ""


def _code_until(look: EvaluationPass, case: Case) -> list[CellRecord]:
    cells = case.evidence.cells if look.cell is None else case.evidence.cells[: look.cell + 1]
    return [cell for cell in cells if cell.kind == "code" and cell.index not in case.alignment.unchanged]
