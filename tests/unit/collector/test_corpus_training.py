"""Real notebooks: every reused net is found, and none is made up."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import nbformat
import numpy as np
import pytest
from ruamel.yaml import YAML

pytestmark = pytest.mark.corpus

SOAKED = ("s101", "s102", "s103", "s104", "s105", "s107")

#: In `make soak`: they train for minutes.
NOTEBOOKS = SOAKED if "GRADER_SOAK" in os.environ else ()


@pytest.fixture(scope="session")
def cifar10(tmp_path_factory) -> Path:
    """A small CIFAR-10 on disk: 300 cats, 300 dogs and 20 of each other class to train on."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("data") / "cifar-10-batches-py"
    folder.mkdir()

    def batch(each: int, rest: int) -> bytes:
        labels = np.repeat(np.arange(10), [each if label in (3, 5) else rest for label in range(10)])
        rng.shuffle(labels)
        pictures = rng.integers(0, 256, (len(labels), 3072), dtype=np.uint8)
        return pickle.dumps({"data": pictures, "labels": labels.tolist()})

    for number in range(1, 6):
        (folder / f"data_batch_{number}").write_bytes(batch(60, 4))
    (folder / "test_batch").write_bytes(batch(100, 6))
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list(names)}))
    return folder.parent


def labelled(corpus: Path, student: str) -> set[tuple[int, int]]:
    """Pairs of cells: a run there starts from weights that a run here trained, read top to bottom."""
    labels = YAML(typ="safe").load(corpus / "labels.yaml")
    carried = labels[f"lab2/{student}"]["carried_weights"]
    return {(run["cell"], run["started_from_cell"]) for run in carried if run["evidence"] != "output"}


@pytest.mark.parametrize("student", NOTEBOOKS)
@pytest.mark.filterwarnings("ignore")
def test_carried_weights_are_those_that_the_labels_name(corpus, cifar10, make_notebook, student):
    notebook = make_notebook(cifar10, training={"batches_per_pass": 1})
    errors = {}
    cells = nbformat.read(corpus / "lab2" / student / "lab2.ipynb", as_version=4).cells
    for index, cell in enumerate(cells):
        if cell.cell_type == "code":
            notebook.session.begin_cell(index)
            result = notebook.shell.run_cell(cell.source)
            errors[index] = repr(result.error_in_exec or result.error_before_exec)
            notebook.collected.append(notebook.session.collect()[0])
    runs = notebook.runs
    found = {
        (run.cell, runs[run.start.carried_from].cell) for run in runs if run.start.carried_from is not None
    }
    assert notebook.anomalies == []
    assert notebook.history.complete
    assert [run.start.why for run in runs if not run.start.determined] == []
    assert len(runs) >= 9, errors
    assert found == labelled(corpus, student), [(run.cell, run.steps, run.start) for run in runs]
