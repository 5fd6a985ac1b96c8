"""Whole notebooks through the real sandbox: each case is a notebook and the marks that it deserves.

A case is a folder ``<lab>/<case>/`` with a notebook (``notebook.py`` in percent format, or
``notebook.ipynb``) and ``expect.yaml``::

    why: what the case is about, in a line
    notebook: rubrics/x_handout.ipynb   # in place of a notebook in the folder; from the repository's root
    points: 38                          # of the whole; left out where hidden inputs make it vary
    pending: 4
    others: PASS                        # status of the criteria that are not listed
    criteria:
      conv2d: {status: FAIL, points: 0, says: the kernel is flipped}

A lab is one of the bundled rubrics, or one of these tests' own: its folder then holds ``rubric.yaml``, and
the notebook of its case ``blank`` is the handout.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from grader.checks import registry
from grader.checks.answers.printed_number import PrintedNumber
from grader.checks.code.uses_function import UsesFunction
from grader.checks.manual import Manual
from grader.checks.networks.transfer_features import TransferFeatures
from grader.checks.training.files_written import FilesWritten
from grader.checks.training.overfits_small_set import OverfitsSmallSet
from grader.checks.training.settings_named import SettingsNamed
from grader.evidence.plan import Limits, Plan
from grader.facts.handout import fingerprint
from grader.grading.grade import grade
from grader.grading.verdict import Finding, Verdict
from grader.judging.check import Check
from grader.judging.judgement import Status
from grader.rubric.model import Criterion
from grader.rubric.plan import plan_for
from grader.samples.datasets import write_stand_in
from grader.sandbox.base import Job, Worker
from grader.sandbox.select import choose_sandbox
from grader.store.rubrics import LoadedRubric
from grader.workflows.regrading.reference import load_reference
from grader.workflows.regrading.rubrics import load_rubric_file
from tests.acceptance.notebooks import notebook_bytes

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/expect.yaml"))
LABS = sorted({case.parent.name for case in CASES})


@dataclass(frozen=True)
class Expected:
    """What ``expect.yaml`` says."""

    points: float | None
    pending: float | None
    others: str
    criteria: dict[str, dict[str, Any]]
    notebook: Path | None

    def of(self, criterion: str) -> dict[str, Any]:
        return self.criteria.get(criterion, {"status": self.others})


def expected(case: Path) -> Expected:
    data = YAML(typ="safe").load(case / "expect.yaml")
    notebook = ROOT / data["notebook"] if "notebook" in data else None
    criteria = data.get("criteria", {})
    return Expected(data.get("points"), data.get("pending"), data.get("others", "PASS"), criteria, notebook)


@cache
def lab(name: str) -> LoadedRubric:
    own = HERE / name / "rubric.yaml"
    if not own.is_file():
        return load_rubric_file(ROOT / "rubrics" / f"{name}.yaml")
    handout = fingerprint(json.loads(notebook_bytes(HERE / name / "blank")))
    return replace(load_rubric_file(own), handout=handout)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """One warm container for all cases of all labs."""
    data = tmp_path_factory.mktemp("data")
    data.chmod(0o755)  # the kernel's uid has to read what pytest keeps to its own user
    for data_set in sorted({needed for name in LABS for needed in lab(name).rubric.data}):
        write_stand_in(data_set, data)
    sandbox = choose_sandbox(
        "docker", isolation="fork", gpus="none", data_dir=data, run_id="acceptance", notify=lambda line: None
    )
    with_room = Limits(memory_bytes=2048 * 1024 * 1024)
    yield sandbox.open(Plan(assignment="acceptance", limits=with_room))
    sandbox.close()


def graded(case: Path, worker: Worker) -> Verdict:
    loaded = lab(case.parent.name)
    given = expected(case).notebook
    content = notebook_bytes(case) if given is None else given.read_bytes()
    bundle = worker.run(Job(f"{case.parent.name}-{case.name}", content, plan_for(loaded.rubric)))
    return grade(loaded.rubric, bundle, load_reference(ROOT / "reference"), loaded.handout)


def differences(finding: Finding, wanted: dict[str, Any]) -> Iterator[str]:
    """What a finding has that the case does not expect; ``says`` must stand in its message."""
    if finding.status != wanted["status"]:
        yield f"{finding.criterion} is {finding.status}, expected {wanted['status']}: {finding.message}"
    elif "points" in wanted and finding.points != pytest.approx(wanted["points"]):
        yield f"{finding.criterion} has {finding.points}, expected {wanted['points']}: {finding.message}"
    elif wanted.get("says", "") not in finding.told:
        yield f"{finding.criterion} does not say {wanted['says']!r}: {finding.told}"


@pytest.mark.docker
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_notebook_gets_the_marks_that_it_deserves(case: Path, worker: Worker) -> None:
    verdict, wanted = graded(case, worker), expected(case)
    found = [
        text for finding in verdict.findings for text in differences(finding, wanted.of(finding.criterion))
    ]
    assert not found, "\n".join(found)
    if wanted.points is not None:
        assert verdict.points == pytest.approx(wanted.points)
    if wanted.pending is not None:
        assert verdict.pending == pytest.approx(wanted.pending)


def left_to_a_ta(check: Check) -> bool:
    """Whether undeserving work, once there is any, earns no refusal but a question to a TA."""
    if isinstance(check, UsesFunction):
        return not check.function
    return isinstance(check, OverfitsSmallSet | PrintedNumber | SettingsNamed | TransferFeatures) or (
        isinstance(check, FilesWritten) and bool(check.named)
    )


def is_refused(criterion: Criterion, wanted: Mapping[str, Any]) -> bool:
    """Whether a case says that its work does not earn these points."""
    if left_to_a_ta(criterion.check):
        return wanted.get("status") == Status.NEEDS_TA and wanted.get("points") == 0
    return wanted.get("status") in (Status.FAIL, Status.PARTIAL)


@pytest.mark.parametrize("name", LABS)
def test_every_automatic_criterion_has_a_deserving_and_an_undeserving_notebook(name: str) -> None:
    """An undeserving one has work in it: `blank` does not count, nor what a case has under `others`."""
    cases = {case.name: expected(case) for case in CASES if case.parent.name == name}
    worked_on = [case for folder, case in cases.items() if folder != "blank"]
    for criterion in lab(name).rubric.criteria:
        if isinstance(criterion.check, Manual):
            continue
        statuses = {case.of(criterion.id)["status"] for case in worked_on}
        assert Status.PASS in statuses, f"{criterion.id}: no case deserves it"
        refused = [case for case in worked_on if is_refused(criterion, case.criteria.get(criterion.id, {}))]
        assert refused, f"{criterion.id}: every case deserves it, or has nothing in its place"


def test_every_check_is_tried_on_whole_notebooks() -> None:
    tried = {criterion.check.check for name in LABS for criterion in lab(name).rubric.criteria}
    # Photos have a class of their own: tests/acceptance/photos.
    of_notebooks = {word for word, kind in registry().items() if not kind.of_photos}
    assert of_notebooks - {"manual"} <= tried


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_case_names_criteria_that_exist(case: Path) -> None:
    ids = {criterion.id for criterion in lab(case.parent.name).rubric.criteria}
    assert set(expected(case).criteria) <= ids
