"""Real notebooks of three labs, graded in the sandbox, against the labels that a reader set by hand.

What is expected is read from the corpus when the tests run. Where the grader knows less than the reader it
leaves the question to a TA; what it says for certain has to be what the reader says.

`make test` takes Lab 1, the quickest; a notebook of Lab 2 takes a minute, one of Lab 3 Part B some minutes,
so `make corpus` takes these too (GRADER_CORPUS_LABS names the labs). There each notebook also runs in a
container of its own; in `make test` the two that compute least do.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from grader.evidence.record import Evidence
from grader.grading.verdict import Finding
from grader.intake import find_submissions
from grader.judging.exhibits import DataLanes, Names, Pair, Parts, RunTimeline
from grader.judging.judgement import Status
from grader.samples.datasets import write_stand_in
from grader.sandbox.select import choose_sandbox
from grader.store import Store, open_store
from grader.store.results import Result
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.reference import load_reference
from grader.workflows.regrading.regrade import regrade
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.planning import Work, plan_work, read_file
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal
from grader.workflows.views.summary import class_summary
from tests.factories import rows, shown

pytestmark = [pytest.mark.docker, pytest.mark.corpus]

ROOT = Path(__file__).resolve().parents[2]
LABS = tuple(os.environ.get("GRADER_CORPUS_LABS", "lab1").split(","))
#: Students whose notebooks also run in containers of their own; all, where it is empty.
ALONE = () if "GRADER_CORPUS_LABS" in os.environ else ("s102", "s106")
WORKERS = 2
OUR_FAULT = "SANDBOX_UNAVAILABLE"
PARAMETERS = {"small-net-parameters": 386, "large-net-parameters": 9705}
LOSS_FUNCTIONS = ("loss-function", "transfer-loss-function")
FUNCTIONS = {
    "sum_of_cubes": "sum-of-cubes",
    "word_lengths": "word-lengths",
    "all_same_length": "all-same-length",
}


@dataclass(frozen=True)
class Graded:
    """A notebook of the corpus: what its reader says of it, and what the grader does."""

    key: str
    label: dict[str, Any]
    outcome: str
    findings: dict[str, Finding]
    evidence: Evidence

    def cell_of_run(self, index: int | None) -> int | None:
        return next((one.cell for one in self.evidence.training.runs if one.index == index), None)


@dataclass(frozen=True)
class Course:
    """All labs in one database, and the folder of data that their notebooks had."""

    store: Store
    graded: tuple[Graded, ...]
    data: Path

    def with_label(self, field: str, lab: str | None = None) -> Iterator[tuple[Graded, Any]]:
        """Notebooks for which the reader established this field, with what it says."""
        for one in self.graded:
            if one.label[field] is not None and lab in (None, one.label["lab"]):
                yield one, one.label[field]

    def results(self) -> list[Result]:
        with self.store.reading() as history:
            return list(history.results())


def judges(rubrics: Path) -> dict[str, Judge]:
    reference = load_reference(ROOT / "reference")
    return {name: Judge(load_rubric_file(rubrics / f"{name}.yaml"), reference) for name in LABS}


def works(corpus: Path, by: dict[str, Judge], students: tuple[str, ...]) -> Iterator[Work]:
    for name, judge in by.items():
        found = find_submissions(corpus / name).submissions
        files = [read_file(each) for each in found if not students or each.student in students]
        yield from plan_work(files, lambda cells, rubric=judge.rubric: rubric)


def described(labels: dict[str, Any], store: Store) -> Iterator[Graded]:
    with store.reading() as history:
        for result in history.results():
            key = f"{result.assignment}/{result.student}"
            assert result.attempt is not None
            assert result.verdict is not None
            yield Graded(
                key,
                labels[key],
                result.attempt.outcome,
                {finding.criterion: finding for finding in result.verdict.findings},
                store.evidence(result.attempt).evidence,
            )


def grade_all(corpus: Path, data: Path, store: Store, isolation: str, students: tuple[str, ...] = ()) -> None:
    """Grades notebooks of the labs once, on the same hidden inputs each time; without `students` all."""
    by = judges(ROOT / "rubrics")
    with pytest.MonkeyPatch.context() as patched:
        # They are drawn afresh for each attempt, and wrong answers are reported with them.
        patched.setattr("grader.sandbox.session.fresh_generator", lambda: np.random.default_rng(2026))
        run(
            list(works(corpus, by, students)),
            store=store,
            reference=next(iter(by.values())).reference,
            open_sandbox=lambda: choose_sandbox(
                "docker", isolation=isolation, gpus="none", data_dir=data, run_id=f"corpus-{isolation}",
                notify=lambda line: None,
            ),
            notify=lambda event: None,
            stop=StopSignal(),
            actor="test",
            data=data,
            jobs=WORKERS,
        )  # fmt: skip


@pytest.fixture(scope="module")
def course(corpus: Path, docker_engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """Every notebook of the corpus, graded in containers that many share."""
    folder = tmp_path_factory.mktemp("corpus")
    needed = {name for judge in judges(ROOT / "rubrics").values() for name in judge.rubric.rubric.data}
    for data_set in sorted(needed):
        write_stand_in(data_set, folder / "data")
    with open_store(str(folder / "grader.db")) as store:
        grade_all(corpus, folder / "data", store, "fork")
        labels = YAML(typ="safe").load(corpus / "labels.yaml")
        yield Course(store, tuple(described(labels, store)), folder / "data")


def test_every_labelled_notebook_ends_and_no_check_fails(corpus: Path, course: Course) -> None:
    labels = YAML(typ="safe").load(corpus / "labels.yaml")
    assert {one.key for one in course.graded} == {key for key in labels if key.split("/")[0] in LABS}
    assert [one.key for one in course.graded if one.outcome == OUR_FAULT] == []
    broken = [
        (one.key, name, finding.message)
        for one in course.graded
        for name, finding in one.findings.items()
        if finding.status is Status.CHECK_ERROR
    ]
    assert broken == []


def test_builtins_are_found_where_they_are_hidden_and_nowhere_else(course: Course) -> None:
    for one, label in course.with_label("builtin_shadowing"):
        found = [(each.name, each.cell) for each in shown(one.findings["builtin-shadowing"], Names).names]
        assert sorted(found) == sorted((each["name"], each["cell"]) for each in label), one.key


def carried(one: Graded) -> set[tuple[int, int | None, str]]:
    """Cell, cell that the weights come from, and object, of each run that did not start fresh."""
    runs = shown(one.findings["fresh-weights"], RunTimeline).carried
    return {(each.cell, one.cell_of_run(each.carried_from), each.object) for each in runs}


def test_carried_weights_are_those_that_the_reader_saw(course: Course) -> None:
    for one, label in course.with_label("carried_weights"):
        if "fresh-weights" not in one.findings:
            continue
        from_top = [each for each in label if each["evidence"] != "output"]
        assert carried(one) == {
            (each["cell"], each["started_from_cell"], each["object"]) for each in from_top
        }, one.key


def test_students_are_told_of_carried_weights_where_these_are_certain_only(course: Course) -> None:
    for one, label in course.with_label("carried_weights"):
        if "fresh-weights" not in one.findings:
            continue
        finding = one.findings["fresh-weights"]
        certain = [each for each in label if not each.get("uncertain")]
        assert ("kept the weights" in finding.message) == bool(certain), one.key
        for each in certain:
            assert finding.status in (Status.FAIL, Status.PARTIAL), one.key
            told = f"`{each['object']}` kept the weights of the run in cell {each['started_from_cell']}"
            assert f"{told} when it was trained again in cell {each['cell']}:" in finding.message, one.key
        if label and not certain:
            assert finding.status is Status.NEEDS_TA, one.key


def test_parameters_are_counted_whatever_a_student_printed(course: Course) -> None:
    for one, _ in course.with_label("parameter_count_answer"):
        found = {name: shown(one.findings[name], Pair).found for name in PARAMETERS}
        assert found == PARAMETERS, one.key


def test_stated_parameter_counts_are_right_where_the_reader_says_so(course: Course) -> None:
    for one, label in course.with_label("parameter_count_answer"):
        right = all(one.findings[name].status is Status.PASS for name in PARAMETERS)
        assert right == (label == "right"), one.key


def test_wrong_settings_of_part_3_are_found_and_none_is_made_up(course: Course) -> None:
    for one, label in course.with_label("part3_wrong_value"):
        found = rows(one.findings["part3-settings"], "settings")
        wrong = {row["setting"][:3] for row in found if row["state"] != "right"}
        trained = [each for each in label if "train" in each["where"]]
        assert wrong == {each["part"][-3:] for each in trained}, one.key
        for each in trained:
            assert any(str(each["found"]) in row["found"] for row in found), one.key


def test_a_softmax_before_cross_entropy_is_found_and_none_is_made_up(course: Course) -> None:
    for one, label in course.with_label("softmax_before_cross_entropy"):
        found = [one.findings[name] for name in LOSS_FUNCTIONS if name in one.findings]
        wrong = [finding for finding in found if finding.status is Status.FAIL]
        assert bool(wrong) == label, (one.key, [finding.message for finding in found])
        for finding in wrong:
            assert {place.cell for place in finding.where} <= set(one.label["softmax_cells"]), one.key


def cells_named(note: str | None) -> set[int]:
    """The cells that a reader's note names first: ``cells 3-5 and 9``."""
    named = re.search(r"cells? ([\d,\s-]+(?:and \d+)?)", note or "")
    spans = re.findall(r"(\d+)(?:-(\d+))?", named[1]) if named else []
    return {cell for low, high in spans for cell in range(int(low), int(high or low) + 1)}


@pytest.mark.parametrize(
    ("field", "use"), [("trains_on_test", "trained_on_test"), ("selects_on_test", "looks_at_test")]
)
def test_misuse_of_test_data_is_found_and_none_is_made_up(course: Course, field: str, use: str) -> None:
    for one, label in course.with_label(field, "lab3b"):
        finding = one.findings["test-set-untouched"]
        cells = {each.cell for each in getattr(shown(finding, DataLanes), use)}
        assert bool(cells) == label["value"], (one.key, finding.message)
        assert cells <= cells_named(label["note"]), one.key
        if label["value"]:
            assert finding.status is Status.FAIL, one.key


def test_nobody_is_blamed_for_test_data_who_kept_them_apart(course: Course) -> None:
    for one in course.graded:
        misused = [one.label[field] for field in ("trains_on_test", "selects_on_test")]
        if any(label is None or label["value"] for label in misused):
            continue
        for name in ("test-set-untouched", "validation-selection"):
            finding = one.findings.get(name)
            if finding is not None and finding.status in (Status.FAIL, Status.PARTIAL):
                assert "test data" not in finding.message, (one.key, name)


def test_functions_are_right_where_calling_them_says_so(course: Course) -> None:
    for one, label in course.with_label("functions_correct"):
        for function, criterion in FUNCTIONS.items():
            right = one.findings[criterion].status is Status.PASS
            assert right == (label[function] == "correct"), (one.key, function)


def printing(one: Graded) -> list[str]:
    parts = shown(one.findings["returns-not-prints"], Parts).parts
    return [part.name for part in parts if part.note in ("prints", "text")]


def test_printing_functions_are_told_from_returning_ones(course: Course) -> None:
    for one, label in course.with_label("print_instead_of_return", "lab1"):
        assert printing(one) == label, one.key


def test_sum_as_a_variable_is_the_most_common_issue_of_lab_1(course: Course) -> None:
    of_lab1 = [result for result in course.results() if result.assignment == "lab1"]
    issues = class_summary(course.store, "lab1", of_lab1).issues
    assert issues[0].title == "`sum` used as a variable name"


def verdicts(store: Store) -> dict[str, str]:
    """Verdicts of all notebooks as JSON, without the digest of evidence, which holds times."""
    with store.reading() as history:
        return {
            f"{result.assignment}/{result.student}": result.verdict.model_dump_json(exclude={"evidence"})
            for result in history.results()
            if result.verdict is not None
        }


def test_a_container_for_each_gives_the_same_verdicts_byte_for_byte(
    corpus: Path, course: Course, tmp_path: Path
) -> None:
    with open_store(str(tmp_path / "grader.db")) as store:
        grade_all(corpus, course.data, store, "container", ALONE)
        alone = verdicts(store)
    shared = verdicts(course.store)
    expected = [name for name in shared if not ALONE or name.split("/")[1] in ALONE]
    assert sorted(expected) == sorted(alone) != []
    assert {name: alone[name] for name in alone if shared[name] != alone[name]} == {}


def refuse(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("judging stored evidence started a process or opened a connection")


def test_a_changed_threshold_is_judged_from_what_was_recorded(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rubrics = shutil.copytree(ROOT / "rubrics", tmp_path / "rubrics")
    for name in {"lab2", "lab3b"} & set(LABS):
        text = (rubrics / f"{name}.yaml").read_text()
        changed = text.replace("check: fresh_weights", "check: fresh_weights\n    threshold: 1.0")
        assert changed != text
        (rubrics / f"{name}.yaml").write_text(changed)
    by = judges(rubrics)
    for owner, name in ((os, "fork"), (subprocess, "Popen"), (socket, "socket")):
        monkeypatch.setattr(owner, name, refuse)
    again = regrade(
        course.store, course.results(), lambda result: by[result.assignment], actor="test", dry_run=True
    )
    assert len(again) == len(course.graded)
    assert [each.student for each in again if each.problem] == []
    lacked = {
        one.key.split("/")[1]: tuple(
            name for name, finding in one.findings.items() if finding.status is Status.MISSING_EVIDENCE
        )
        for one in course.graded
        if one.key.startswith("lab1/")
    }
    of_lab1 = [each for each in again if each.assignment == "lab1"]
    assert {each.student: each.missing for each in of_lab1} == lacked
