"""The bundled rubrics as a whole: their points, their criteria, and what they say of real notebooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from grader.checks import registry
from grader.checks.functions.function_values import FunctionValues
from grader.evidence.codec import Bundle
from grader.evidence.plan import probe_id
from grader.evidence.record import CellRecord, CellRun, Output, ProbeResult, Submitted
from grader.facts.case import Reference
from grader.facts.handout import parse_handout
from grader.grading.grade import grade
from grader.grading.verdict import Verdict
from grader.judging.judgement import Status
from grader.rubric.loader import load_rubric
from grader.rubric.model import Rubric
from grader.rubric.plan import plan_for
from reference import FUNCTIONS
from tests import factories

RUBRICS = Path(__file__).parents[3] / "rubrics"
NAMES = sorted(path.stem for path in RUBRICS.glob("*.yaml"))

#: Criteria that others rely on by name, and the points of the lab.
PROMISED = {
    "lab1": (
        30,
        "builtin-shadowing sum-of-cubes word-lengths all-same-length returns-not-prints matrix-vector-loops"
        " matrix-vector-numpy image-brightened image-cropped image-tensor-shape image-channel-maximum"
        " pigeon-train-error",
    ),
    "lab2": (
        55,
        "builtin-shadowing example-counts small-net-parameters large-net-parameters small-net-shape"
        " large-net-shape training-files fresh-weights part3-settings validation-selection"
        " test-error-of-best loss-function fully-connected-net",
    ),
    "lab3a": (10, "all-letters size names sharp-and-lit plain-background own-photos"),
    "lab3b": (
        50,
        "builtin-shadowing model-shape loss-function fresh-weights test-set-untouched overfits-small-set"
        " settings-tried alexnet-features-shape transfer-model",
    ),
    "convolution": (
        42,
        "builtin-shadowing conv2d conv2d-multichannel zero-padding strided-conv2d vectorized max-pool2d"
        " average-pool2d sobel-filters output-units weight-counts mlp-parameters lenet5-parameters"
        " lenet5-shapes",
    ),
}
#: Labs that train networks.
TRAINING_LABS = ("lab2", "lab3b")


def load(name: str) -> Rubric:
    return load_rubric(RUBRICS / f"{name}.yaml", registry())


def test_of_every_bundled_rubric_it_is_known_what_others_rely_on():
    assert sorted(PROMISED) == NAMES


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_a_rubric_has_its_points_and_the_criteria_that_others_rely_on(name: str):
    total, ids = PROMISED[name]
    rubric = load(name)
    assert rubric.total == total
    assert set(ids.split()) <= {criterion.id for criterion in rubric.criteria}


@pytest.mark.parametrize("name", NAMES)
def test_every_criterion_says_what_was_asked(name: str):
    assert [criterion.id for criterion in load(name).criteria if not criterion.asks] == []


@pytest.mark.parametrize("name", TRAINING_LABS)
def test_every_criterion_says_how_to_check_it(name: str):
    assert [criterion.id for criterion in load(name).criteria if not criterion.hint] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_described_handout_lies_beside_its_rubric_and_opens_its_sections(name: str):
    rubric = load(name)
    if rubric.handout is None:
        pytest.skip("this rubric has no handout")
    handout = parse_handout((RUBRICS / rubric.handout).read_text(encoding="utf-8"))
    unknown = {given for section in rubric.sections.values() for given in section.ids} - handout.ids
    assert unknown == set()


def judge(name: str, path: Path) -> Verdict:
    """Judges a file as if it had run without an error and left nothing but what was stored in it."""
    rubric = load(name)
    handout = parse_handout((RUBRICS / str(rubric.handout)).read_text(encoding="utf-8"))
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = tuple(_record(place, given) for place, given in enumerate(notebook["cells"]))
    nothing = ProbeResult(status="not_found")
    probes = {probe_id(probe): nothing for probe in plan_for(rubric).probes}
    return grade(rubric, Bundle(factories.evidence(cells, probes=probes)), Reference(), handout)


def _record(index: int, given: dict[str, Any]) -> CellRecord:
    outputs = tuple(
        Output(kind=each["output_type"], name=each.get("name", ""), text="".join(each.get("text", "")))
        for each in given.get("outputs", [])
    )
    return CellRecord(
        index=index,
        kind=given["cell_type"],
        source="".join(given["source"]),
        handout_id=given["metadata"].get("id"),
        submitted=Submitted(execution_count=given.get("execution_count"), outputs=outputs),
        run=CellRun(status="ok") if given["cell_type"] == "code" else None,
    )


@pytest.mark.corpus
@pytest.mark.parametrize("name", TRAINING_LABS)
def test_a_blank_handout_earns_nothing_and_burdens_nobody(corpus: Path, name: str):
    verdict = judge(name, corpus / "handouts" / f"{name}.ipynb")
    assert verdict.points == 0
    assert verdict.pending == 0
    assert {finding.status for finding in verdict.findings} <= {Status.FAIL, Status.PASS}


@pytest.mark.corpus
def test_stated_parameter_counts_are_judged_as_labelled(corpus: Path):
    expected = {"right": {Status.PASS}, "wrong": {Status.FAIL}, "missing": {Status.NEEDS_TA, Status.FAIL}}
    labels = YAML(typ="safe").load(corpus / "labels.yaml")
    stated = {key: label["parameter_count_answer"] for key, label in labels.items() if label["lab"] == "lab2"}
    assert stated
    for key, answer in stated.items():
        verdict = judge("lab2", corpus / labels[key]["file"])
        found = {finding.criterion: finding.status for finding in verdict.findings}
        for criterion in ("small-net-parameters", "large-net-parameters"):
            assert found[criterion] in expected[answer], (key, criterion)


@pytest.mark.corpus
@pytest.mark.parametrize("name", ("lab1", *TRAINING_LABS))
def test_no_check_fails_on_a_real_notebook_and_none_accuses_without_a_run(corpus: Path, name: str):
    copies = sorted((corpus / name).glob("*/*.ipynb"))
    assert copies
    for path in copies:
        verdict = judge(name, path)
        states = {finding.criterion: finding.status for finding in verdict.findings}
        assert Status.CHECK_ERROR not in states.values(), path
        assert verdict.points + verdict.pending <= verdict.out_of


def named_mistakes() -> list[tuple[FunctionValues, str]]:
    checks = (criterion.check for name in NAMES for criterion in load(name).criteria)
    return [(check, name) for check in checks if isinstance(check, FunctionValues) for name in check.mistakes]


@pytest.mark.parametrize(("check", "name"), named_mistakes(), ids=lambda given: str(given)[:30])
def test_a_function_that_makes_a_mistake_named_in_a_rubric_is_told_which(check: FunctionValues, name: str):
    wrong = FUNCTIONS[name]
    judgement = check.judge(factories.case_of_function(check, lambda *args: wrong(*map(numpy, args))))
    assert judgement.status is not Status.PASS
    assert check.mistakes[name] in judgement.message


def numpy(value: Any) -> Any:
    return value.numpy() if hasattr(value, "numpy") else value


def test_zero_padding_has_mistakes_that_are_named():
    assert {name for _, name in named_mistakes()} >= {
        "padding_of_columns",
        "padding_of_rows",
        "padding_after",
    }
