"""Whose errors the cells that raised are, and what a report says of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.evidence.record import CellError, CellRecord, Outcome, Output, ShimKind, ShimUse, Submitted
from grader.facts.raised import raised_in
from grader.reporting.headline import headline
from grader.reporting.how_it_ran import RunFacts
from grader.reporting.model import ReportInput
from grader.reporting.raised import raised_clause
from tests.factories import cell, evidence
from tests.unit.reporting import samples

#: Stand-ins that change nothing which a student has to know to understand the mark.
UNSAID = {
    ShimKind.API_DRIFT,
    ShimKind.COLAB_FILES,
    ShimKind.DISPLAY,
    ShimKind.HANDED_IN_FILE,
    ShimKind.NEWER_PYTHON,
}
UNREADABLE = CellError(type="SyntaxError", message="invalid syntax")
TOLD = [
    "All parameters were chosen by changing a single one of them",
    "Training error rate: 0.0\nTI: 5\nTest error rate: 0.06",
    "Layers: 2 # The layers don't change the test error much",
]
CODE = [
    "class Net(nn.Module)\n    pass",
    "from torch import nn as networks\nfor x in xs if x is not None and y or z",
    "print('the number of all images is here)",
    "# the number of all images is here\nx = = 1",
    "x = = 1  # the number of all images is here",
    "x = 1\ny = 2\nz = 3\nthis is what came out of it all",
]


def broken(index: int, source: str = "img", error: CellError | None = None) -> CellRecord:
    return cell(index, source, error=error or CellError(type="NameError", message="img"))


@pytest.mark.parametrize(("sources", "prose"), [(TOLD, True), (CODE, False)])
def test_words_side_by_side_in_a_cell_that_python_cannot_read_are_prose(sources: list[str], prose: bool):
    for source in sources:
        raised = raised_in(evidence(cells=(broken(0, source, UNREADABLE),)))
        assert (bool(raised.prose), bool(raised.own)) == (prose, not prose), source


def test_words_in_a_cell_that_python_can_read_are_code():
    assert raised_in(evidence(cells=(broken(0, TOLD[0]),))).prose == ()


def clause(cells, unchanged=(), **more):
    return raised_clause(raised_in(evidence(cells=tuple(cells), **more), unchanged))


def test_what_the_service_lacks_or_shortened_is_not_the_students_error():
    cells = [
        broken(0, "import wandb", CellError(type="ModuleNotFoundError", message="No module named 'wandb'")),
        broken(1, "curve[-1]", CellError(type="IndexError", message="list index out of range")),
        broken(2),
    ]
    uses = (
        ShimUse(kind=ShimKind.MISSING_PACKAGE, cell=0, detail="wandb"),
        ShimUse(kind=ShimKind.TRAINING_BUDGET, cell=1),
    )
    assert clause(cells, shims=uses) == (
        "one cell raised an error (cell 2); a package that the service does not have was asked for (cell 0),"
        " which is not held against you; an error came where the service had shortened a loop over data"
        " (cell 1), which is not held against you"
    )
    # With whole passes it raised all the same.
    assert "2 cells raised errors (cells 1 and 2)" in clause(cells, shims=uses, whole_in_cells=(1,))
    # Another error in a cell that goes on without its package is the student's.
    assert clause([broken(0)], shims=uses) == "one cell raised an error (cell 0)"


def test_each_cell_that_raised_is_told_by_whose_it_is():
    cells = [cell(0, "fine"), broken(1), broken(2), broken(3, TOLD[0], UNREADABLE)]
    assert clause(cells[:1]) == ""
    assert clause(cells[:2]) == "one cell raised an error (cell 1)"
    assert clause(cells) == ("2 cells raised errors (cells 1 and 2); one cell holds text, not code (cell 3)")
    assert clause(cells, {1, 2, 3}) == (
        "only given code, left as it was, raised an error (cells 1, 2 and 3), which costs nothing"
    )
    assert clause(cells[:3], {2}) == (
        "one cell raised an error (cell 1); given code, left as it was, raised an error too (cell 2), which"
        " costs nothing"
    )


def report(*cells: CellRecord, unchanged: frozenset[int] = frozenset()) -> ReportInput:
    given = samples.report()
    bundle = given.bundle
    assert bundle is not None
    held = bundle.evidence.model_copy(update={"cells": cells})
    return replace(given, bundle=replace(bundle, evidence=held), unchanged=unchanged)


def told(*cells: CellRecord, unchanged: frozenset[int] = frozenset()) -> tuple[str, list[str]]:
    """The sentence on the run, and what to do about errors."""
    top = headline(report(*cells, unchanged=unchanged), [])
    return top.run.sentence, [step.text for step in top.next_steps]


def test_given_code_that_raises_is_no_error_of_the_students():
    sentence, steps = told(broken(0), unchanged=frozenset({0}))
    assert (
        "only given code, left as it was, raised an error (cell `img`, no. 0), which costs nothing."
        in sentence
    )
    assert steps == []
    assert told(broken(0))[1] != []


def test_an_error_that_the_file_shows_as_well_is_not_doubted():
    stored = Submitted(outputs=(Output(kind="error", name="NameError"),))
    (step,) = told(broken(0).model_copy(update={"submitted": stored}))[1]
    assert step.endswith("cell `img`, no. 0, raised `NameError`, as it did in the file you handed in.")
    (step,) = told(broken(0).model_copy(update={"submitted": stored}), broken(1))[1]
    assert step.endswith("as it did in the file you handed in; 1 later cell raised an error too.")
    other = Submitted(outputs=(Output(kind="error", name="KeyError"),))
    (step,) = told(broken(0).model_copy(update={"submitted": other}), broken(1))[1]
    assert step.endswith(
        "cell `img`, no. 0, raised `NameError` and 1 later cell an error too. See whether “Restart and run"
        " all” goes through for you."
    )


def test_text_in_code_cells_is_told_as_such():
    prose = [broken(place, TOLD[0], UNREADABLE) for place in (4, 7)]
    one, several = told(prose[0])[1], told(*prose)[1]
    assert one == ["Cell 4 holds text, not code: make it a text cell. Nothing was taken off for it."]
    assert several == [
        "Cells 4 and 7 hold text, not code: make them text cells. Nothing was taken off for it."
    ]


def run_facts(**changes: object) -> RunFacts:
    """What is said of a run that was as in the sample, but for these fields of its evidence."""
    made = report(cell(0, "x = 1"))
    assert made.bundle is not None
    changed = made.bundle.evidence.model_copy(update=changes)
    return headline(replace(made, bundle=replace(made.bundle, evidence=changed)), []).run


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_its_words(outcome: Outcome):
    assert run_facts(outcome=outcome).sentence.endswith(".")


@pytest.mark.parametrize("kind", list(ShimKind))
def test_every_stand_in_is_told_or_needs_no_words(kind: ShimKind):
    more = set(run_facts(shims=(ShimUse(kind=kind),)).facts) - set(run_facts(shims=()).facts)
    assert len(more) == (kind not in UNSAID)
