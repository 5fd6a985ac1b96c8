"""A cell that raised where a pass had been ended early is run again with all of the data."""

from __future__ import annotations

import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan, Training
from grader.evidence.record import CellError, Outcome, ShimKind, ShimUse
from grader.sandbox.whole_passes import with_whole_passes
from tests.factories import cell, evidence, history, training_run

PLAN = Plan(assignment="lab")


def seen(errors, cut, trained=(), outcome=Outcome.CELL_ERROR, cells=5):
    """Evidence of a notebook: error types by cell, cells with ended passes, cells that trained."""
    return Bundle(
        evidence(
            cells=tuple(
                cell(at, "x", error=CellError(type=errors[at], message="m") if at in errors else None)
                for at in range(cells)
            ),
            shims=tuple(ShimUse(kind=ShimKind.TRAINING_BUDGET, cell=at) for at in cut),
            training=history(*(training_run(place, at) for place, at in enumerate(trained))),
            outcome=outcome,
        ),
        (),
    )


class Sandbox:
    """Answers each run by which cells have whole passes."""

    def __init__(self, first, answer):
        self.first, self.answer, self.asked = first, answer, []

    def best(self, plan=PLAN):
        return with_whole_passes(self.first, plan, self.run)

    def run(self, plan):
        self.asked.append(plan.training.whole_in_cells)
        return self.answer(set(self.asked[-1]))


def test_a_cell_that_only_lacked_data_has_no_error():
    right = seen({}, cut={1}, outcome=Outcome.COMPLETED)
    sandbox = Sandbox(seen({3: "ValueError"}, cut={1, 3}, trained=[1]), lambda whole: right)
    best = sandbox.best()
    assert sandbox.asked == [(3,)]
    assert best.evidence.outcome is Outcome.COMPLETED
    assert best.evidence.whole_in_cells == (3,)
    assert best.evidence.plan == sandbox.first.evidence.plan


def test_what_was_gathered_in_an_earlier_cell_is_gathered_whole():
    right = seen({}, cut={1}, outcome=Outcome.COMPLETED)
    sandbox = Sandbox(seen({3: "ValueError"}, cut={1, 2}, trained=[1]), lambda whole: right)
    assert sandbox.best().evidence.whole_in_cells == (2,)


def test_where_that_is_not_enough_the_training_before_it_is_whole_too():
    def answer(whole):
        return seen({} if 1 in whole else {3: "IndexError"}, cut={1}, trained=[1])

    sandbox = Sandbox(seen({3: "IndexError"}, cut={1, 2}, trained=[1]), answer)
    assert sandbox.best().evidence.whole_in_cells == (1, 2)
    assert sandbox.asked == [(2,), (1, 2)]


def test_an_error_that_stays_is_found_with_whole_passes():
    still = seen({3: "ValueError"}, cut={1}, trained=[1])
    sandbox = Sandbox(seen({3: "ValueError"}, cut={3}, trained=[]), lambda whole: still)
    best = sandbox.best()
    assert best.evidence.cells[3].run.error is not None
    assert 3 in best.evidence.whole_in_cells


@pytest.mark.parametrize("outcome", [Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.SANDBOX_UNAVAILABLE])
def test_a_run_that_does_not_get_to_the_end_is_not_taken(outcome):
    first = seen({3: "ValueError"}, cut={3})
    sandbox = Sandbox(first, lambda whole: seen({}, cut=set(), outcome=outcome))
    assert sandbox.best() is first
    assert len(sandbox.asked) == 1


def test_a_fault_of_ours_in_a_further_run_takes_nothing_away():
    def fail(whole):
        raise SandboxUnavailable("the sandbox ended")

    first = seen({3: "ValueError"}, cut={3})
    assert Sandbox(first, fail).best() is first


@pytest.mark.parametrize("error", ["NameError", "SyntaxError", "ModuleNotFoundError", "MissingPackage"])
def test_what_more_data_would_not_change_is_not_run_again(error):
    first = seen({3: error}, cut={1, 3}, trained=[1])
    sandbox = Sandbox(first, lambda whole: pytest.fail("it was run again"))
    assert sandbox.best() is first


@pytest.mark.parametrize(
    ("errors", "cut", "plan"),
    [
        ({}, {1}, PLAN),
        ({3: "ValueError"}, set(), PLAN),
        ({3: "ValueError"}, {4}, PLAN),
        ({3: "ValueError"}, {3}, Plan(assignment="lab", training=Training(mode="full"))),
    ],
    ids=["no error", "nothing cut", "cut later only", "trained in full"],
)
def test_nothing_is_run_again_where_no_ended_pass_can_be_the_reason(errors, cut, plan):
    first = seen(errors, cut)
    sandbox = Sandbox(first, lambda whole: pytest.fail("it was run again"))
    assert sandbox.best(plan) is first


def test_a_plan_without_such_cells_keeps_its_digest():
    assert "whole_in_cells" not in PLAN.model_dump_json()
    whole = PLAN.model_copy(update={"training": Training(whole_in_cells=(2,))})
    assert whole.digest != PLAN.digest
    assert Plan.model_validate_json(whole.model_dump_json()) == whole
