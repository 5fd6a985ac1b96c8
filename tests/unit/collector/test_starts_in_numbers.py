"""How often an honest start is doubted, and how often trained weights in disguise pass for fresh ones.

Each of them takes some tenths of a second: `make test` takes a sample, `make soak` all.
"""

from __future__ import annotations

import os
import re

import pytest

from grader.checks.training.fresh_weights import FreshWeights
from grader.collector.recorder import carry, graphs, likeness, recorder, steps
from grader.judging.judgement import Status
from tests.factories import case, code_cells, evidence
from tests.unit.collector.conftest import COMMON
from tests.unit.collector.starts import (
    disguised,
    disguised_by_another,
    honest,
    honest_by_another,
    look_alikes,
    seen_by_function,
)

EVERY = 1 if "GRADER_SOAK" in os.environ else 7
HONEST = [*honest(), *look_alikes(), *honest_by_another()]
DISGUISED = [*disguised(), *seen_by_function(), *disguised_by_another()]


def doubts(notebook) -> list[str]:
    """What speaks against any training after the first."""
    notes = [] if notebook.history.complete else list(notebook.history.notes)
    for run in notebook.runs[1:]:
        start = run.start
        if start.carried_share >= 0.5 or not start.determined or start.resembles:
            notes.append(f"run {run.index}: {start}")
    return notes


def test_there_are_enough_to_count():
    assert (len(HONEST), len(DISGUISED)) == (407, 267)
    assert len(list(seen_by_function())) == 60


def judged(notebook, start) -> Status:
    """What the check of fresh weights makes of it."""
    check = FreshWeights()
    return check.judge(
        case(check, evidence(code_cells(COMMON, *start.cells), training=notebook.history))
    ).status


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("start", HONEST[::EVERY], ids=lambda start: start.name)
def test_an_honest_start_is_not_doubted(notebook, start):
    notebook.run(*start.cells)
    assert len(notebook.runs) >= 2
    assert doubts(notebook) == []
    assert judged(notebook, start) is Status.PASS


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("start", DISGUISED[::EVERY], ids=lambda start: start.name)
def test_trained_weights_in_disguise_do_not_pass(notebook, start):
    notebook.run(*start.cells)
    assert doubts(notebook) != []
    assert judged(notebook, start) in (Status.NEEDS_TA, Status.FAIL)


#: What finds a disguise, and one that it finds alone, or with the look at functions.
DEFENCES = {
    "likeness where some are equal": (carry, "resembled", "two layers: a millionth more, of all but one"),
    "filters in any order": (likeness, "_reordered", "convolution: turned"),
    "the first step of a known optimizer": (steps.StepWatch, "_beyond", "two layers: a hook before"),
    "likeness after another's first step": (steps.StepWatch, "_like", "convolution: a hook, with another"),
    "weights written between steps": (steps.StepWatch, "before_step", "convolution: between two steps"),
    "what a network computes": (carry, "_computes_the_same", "each hidden unit as two"),
    "where training arrived": (recorder, "arrived_at", "two layers: a loss that pulls there"),
    "weights made of trained ones": (graphs.Graph, "mixed", "tanh: zeros, to which the trained ones"),
    "weights that moved on": (recorder, "moved_on", "convolution: an engine of its own"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("taken", [False, True], ids=["there", "taken away"])
@pytest.mark.parametrize(("owner", "name", "case"), DEFENCES.values(), ids=DEFENCES)
def test_without_its_defence_a_disguise_passes(notebook, monkeypatch, owner, name, case, taken):
    start = next(each for each in DISGUISED if each.name.startswith(case))
    if taken:
        nothing = {"moved_on": [], "before_step": "", "mixed": set()}.get(name)
        monkeypatch.setattr(owner, name, lambda *_, **__: nothing)
        if name not in ("_computes_the_same", "mixed"):  # The function tells of the others as well.
            monkeypatch.setattr(carry, "_computes_the_same", lambda *_: None)
        for looking in (recorder, steps):  # So does where training leads.
            monkeypatch.setattr(looking, "arrived_at", lambda *_: None)
    notebook.run(*start.cells)
    assert (doubts(notebook) == []) is taken


@pytest.mark.parametrize("taken", [False, True], ids=["there", "taken away"])
def test_gradients_that_are_asked_for_by_themselves_train(make_notebook, monkeypatch, taken):
    if taken:
        monkeypatch.setattr(recorder.Recorder, "_engine", lambda self, original: original)
    start = next(each for each in DISGUISED if each.name.startswith("tanh: gradients alone"))
    notebook = make_notebook()
    notebook.run(COMMON, *start.cells)
    by_hand = [run for run in notebook.runs if run.method == "by_hand"]
    assert [run.start.carried_from for run in by_hand] == ([] if taken else [0])


def test_a_wider_layer_of_the_same_seed_is_fresh(notebook):
    """It begins with the filters that the narrower one began with, which training moved a little only."""
    start = next(each for each in HONEST if each.name.startswith("convolution: a new object"))
    wider = "nn.Conv2d(3, 7, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(63, 1)"
    seeded = start.cells[0].rpartition("torch.manual_seed(")[2].partition(")")[0]
    again = f"torch.manual_seed({seeded})\nnet = nn.Sequential({wider})\ntrain(net)"
    notebook.run(re.sub(r"lr=[0-9.]+", "lr=0.0005", start.cells[0]), again)
    assert doubts(notebook) == []
