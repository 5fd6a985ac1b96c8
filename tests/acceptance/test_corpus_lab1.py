"""Real notebooks of Lab 1 against what a reader established by hand (``labels.yaml`` of the corpus)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from grader.evidence.plan import Limits, Plan
from grader.grading.grade import grade
from grader.grading.verdict import Finding, Verdict
from grader.rubric.model import Status
from grader.rubric.plan import plan_for
from grader.sandbox.base import Job, Worker
from grader.sandbox.select import choose_sandbox
from grader.workflows.datasets import write_stand_in
from grader.workflows.reference import load_reference
from grader.workflows.rubrics import load_rubric_file

pytestmark = [pytest.mark.docker, pytest.mark.corpus]

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = {
    "sum_of_cubes": "sum-of-cubes",
    "word_lengths": "word-lengths",
    "all_same_length": "all-same-length",
}


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    data = tmp_path_factory.mktemp("data")
    data.chmod(0o755)  # the kernel's uid has to read what pytest keeps to its own user
    write_stand_in("mnist", data)
    sandbox = choose_sandbox(
        "docker",
        isolation="fork",
        gpus="none",
        data_dir=data,
        run_id="corpus-lab1",
        notify=lambda line: None,
    )
    limits = Limits(memory_bytes=2048 * 1024 * 1024)
    yield sandbox.open(Plan(assignment="lab1", limits=limits, data=("mnist",)))
    sandbox.close()


def verdict_on(notebook: Path, worker: Worker) -> Verdict:
    loaded = load_rubric_file(ROOT / "rubrics" / "lab1.yaml")
    bundle = worker.run(Job(f"corpus-{notebook.parent.name}", notebook.read_bytes(), plan_for(loaded.rubric)))
    return grade(loaded.rubric, bundle, load_reference(ROOT / "reference"), loaded.handout)


def disagreements(findings: dict[str, Finding], label: dict[str, Any]) -> Iterator[str]:
    for function, criterion in FUNCTIONS.items():
        right = findings[criterion].status is Status.PASS
        if right != (label["functions_correct"][function] == "correct"):
            yield f"{function}: {findings[criterion].status}, labelled {label['functions_correct'][function]}"
    if findings["returns-not-prints"].data["functions"] != label["print_instead_of_return"]:
        yield f"printing: {findings['returns-not-prints'].data['functions']}"
    shadowed = [(found["name"], found["cell"]) for found in findings["builtin-shadowing"].data["names"]]
    if shadowed != [(one["name"], one["cell"]) for one in label["builtin_shadowing"]]:
        yield f"shadowed: {shadowed}"


def test_every_real_notebook_is_judged_as_its_reader_judged_it(corpus: Path, worker: Worker) -> None:
    labels = YAML(typ="safe").load(corpus / "labels.yaml")
    wrong = []
    for key, label in labels.items():
        if label["lab"] != "lab1":
            continue
        verdict = verdict_on(corpus / label["file"], worker)
        findings = {finding.criterion: finding for finding in verdict.findings}
        broken = [name for name, one in findings.items() if one.status is Status.CHECK_ERROR]
        wrong += [f"{key}: {text}" for text in (*disagreements(findings, label), *broken)]
    assert not wrong, "\n".join(wrong)


def test_the_blank_handout_earns_nothing(corpus: Path, worker: Worker) -> None:
    verdict = verdict_on(corpus / "handouts" / "lab1.ipynb", worker)
    assert verdict.points == 0
    assert verdict.pending == 0
