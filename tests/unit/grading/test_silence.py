"""What was not observed earns no point: every bundled criterion, on right work of which nothing was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.checks.answers.number_answer import NumberAnswer
from grader.checks.manual import Manual
from grader.checks.networks.parameter_count import ParameterCount
from grader.checks.training.files_written import FilesWritten
from grader.checks.training.settings_named import SettingsNamed
from grader.evidence.checkpoints import Checkpoints
from grader.evidence.codec import Bundle
from grader.evidence.record import CellRun, Evidence, Outcome, ProbeResult
from grader.evidence.training import TrainingHistory
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.judging.judgement import Status
from reference import ARCHITECTURES, FUNCTIONS
from tests.unit.grading.handed_in import bundle_of
from tests.unit.grading.test_bundled_rubrics import NAMES, load
from tests.unit.grading.works import RIGHT

REFERENCE = Reference(functions=FUNCTIONS, architectures=ARCHITECTURES)
#: They read what the student states in words, which stands in the file whatever ran.
STATED = (NumberAnswer, ParameterCount, FilesWritten, SettingsNamed)


def silent(given: Evidence, probes: dict[str, ProbeResult], outcome: Outcome) -> Evidence:
    """The same notebook, of which our run saw nothing: no cell ran, nothing was measured."""
    cells = tuple(
        cell.model_copy(update={"run": CellRun(status="not_run") if cell.kind == "code" else None})
        for cell in given.cells
    )
    nothing = {
        "values": (),
        "files": (),
        "training": TrainingHistory(),
        "probes": probes,
        "photos": None,
        "plots": (),
        "checkpoints": Checkpoints(),
    }
    return given.model_copy(update={"cells": cells, "outcome": outcome, **nothing})


@pytest.mark.parametrize("outcome", [Outcome.KERNEL_DIED, Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY])
@pytest.mark.parametrize("asked", ["never asked", "not found", "no answer"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_observed_earns_and_costs_nothing(name: str, asked: str, outcome: Outcome):
    rubric = load(name)
    bundle = bundle_of(rubric, RIGHT[name])
    kind = {"not found": "not_found", "no answer": "no_answer"}.get(asked)
    probes = {} if kind is None else {key: ProbeResult(status=kind) for key in bundle.evidence.probes}
    quiet = Bundle(silent(bundle.evidence, probes, outcome), bundle.arrays)
    kinds = {criterion.id: criterion.check for criterion in rubric.criteria}
    verdict = grade(rubric, quiet, REFERENCE)
    unseen = [each for each in verdict.findings if not isinstance(kinds[each.criterion], STATED)]
    assert [each.criterion for each in unseen if each.points] == []
    worth = [each for each in unseen if each.out_of]
    assert {each.criterion: each.message for each in worth if each.status is Status.FAIL} == {}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_work_earns_points_where_it_is_seen(name: str):
    rubric = load(name)
    verdict = grade(rubric, bundle_of(rubric, RIGHT[name]), REFERENCE)
    kinds = {criterion.id: criterion.check for criterion in rubric.criteria}
    judged = [
        each for each in verdict.findings if each.out_of and not isinstance(kinds[each.criterion], Manual)
    ]
    assert len(judged) > 5
    assert [each.criterion for each in judged if not each.points] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_file_that_ran_earns_nothing(name: str):
    rubric = load(name)
    bundle = bundle_of(rubric, RIGHT[name])
    empty = bundle.evidence.model_copy(update={"cells": (), "outcome": Outcome.COMPLETED})
    verdict = grade(rubric, replace(bundle, evidence=silent(empty, {}, Outcome.COMPLETED)), REFERENCE)
    assert verdict.points == 0
