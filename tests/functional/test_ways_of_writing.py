"""Ways in which people write, run and hand in PyTorch: what each of them may come to, and what it must not.

They are data in ``ways/``, one file for each question of judging. A file has a rubric of its own, cells
that its notebooks share, and for each notebook the verdicts that it allows::

    rubric: {...}                     # sections and criteria, as any rubric
    setup: |                          # cells in percent format before those of each notebook
    ways:
      an optimizer for each epoch:    # what is done
        loss: PASS                    # criterion, and the statuses that are right
        fresh: PASS or NEEDS_TA
        says: {fresh: in the message} # optional
        silent: [what no message may say]
        runs: true                    # no cell raises
        code: |                       # the notebook's own cells

Honest work is never FAIL, a mistake never PASS; NEEDS_TA stands where the record cannot tell. Each notebook
runs in this process, under a budget of two batches a pass.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib
import pytest
from ruamel.yaml import YAML

from grader.checks import registry
from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.grading.verdict import Finding
from grader.rubric.loader import load_rubric
from grader.rubric.model import Rubric
from grader.rubric.plan import plan_for
from grader.samples.percent import notebook_bytes, read_percent
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.whole_passes import with_whole_passes

matplotlib.use("agg")
#: What torch says of old names is no fault of a notebook.
pytestmark = pytest.mark.filterwarnings("ignore")

FOLDER = Path(__file__).parent / "ways"
FILES = sorted(path.stem for path in FOLDER.iterdir())
STATUSES = {"PASS", "PARTIAL", "FAIL", "NEEDS_TA", "MISSING_EVIDENCE"}
BUDGET = {"mode": "budget", "batches_per_pass": 2}


@cache
def ways_of(file: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(FOLDER / f"{file}.yaml")
    return found


@cache
def rubric_of(file: str) -> Rubric:
    written = ways_of(file)["rubric"]
    head = {"assignment": "ways", "title": "Ways", "training": BUDGET}
    points = sum(criterion.setdefault("points", 1) for criterion in written["criteria"])
    for criterion in written["criteria"]:
        criterion.setdefault("title", criterion["id"])
    return load_rubric(json.dumps({**head, "total": points, **written}, indent=1), registry(), name=file)


ALL = [(file, name) for file in FILES for name in ways_of(file)["ways"]]


@pytest.fixture(scope="module")
def sandbox(torchvision: ModuleType) -> Sandbox:
    from tests.in_process import InProcess

    return InProcess()


def tried(file: str, code: str, sandbox: Sandbox) -> tuple[Bundle, dict[str, Finding]]:
    rubric = rubric_of(file)
    plan = plan_for(rubric)
    notebook = notebook_bytes(read_percent(ways_of(file).get("setup", "") + "\n" + code))
    worker = sandbox.open(plan)

    def run(by: Plan) -> Bundle:
        return worker.run(Job("way", notebook, by))

    bundle = with_whole_passes(run(plan), plan, run)
    verdict = grade(rubric, bundle, Reference())
    return bundle, {finding.criterion: finding for finding in verdict.findings}


def allowed(word: str) -> set[str]:
    return {status.strip() for status in word.split(" or ")}


@pytest.mark.parametrize(("file", "name"), ALL, ids=[f"{file}: {name}" for file, name in ALL])
def test_a_way_of_writing_comes_to_what_it_may(file: str, name: str, sandbox: Sandbox) -> None:
    way = ways_of(file)["ways"][name]
    bundle, found = tried(file, way["code"], sandbox)
    expected = {criterion: allowed(word) for criterion, word in way.items() if criterion in found}
    assert expected
    for criterion, statuses in expected.items():
        assert found[criterion].status.value in statuses, found[criterion]
    for criterion, words in way.get("says", {}).items():
        assert words in found[criterion].message, found[criterion]
    if way.get("runs"):
        assert [cell.run.error for cell in bundle.evidence.cells if cell.run and cell.run.error] == []
    for words in way.get("silent", ()):
        assert not any(words in finding.message for finding in found.values()), words


@pytest.mark.parametrize("file", FILES)
def test_the_ways_of_a_file_name_its_criteria_and_known_statuses(file: str) -> None:
    criteria = {criterion.id for criterion in rubric_of(file).criteria}
    for name, way in ways_of(file)["ways"].items():
        judged = {key: word for key, word in way.items() if key not in ("code", "runs", "says", "silent")}
        assert judged.keys() <= criteria, name
        assert all(allowed(word) < STATUSES for word in judged.values()), name
