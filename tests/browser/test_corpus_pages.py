"""The report of every notebook of the corpus in a browser, with and without the notebook at its end.

Nothing is run: the outputs that a student handed in stand for those of our run, so that pages get the text
and the errors of real notebooks. Pictures were taken out of the corpus; one of ours stands for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grader.evidence.codec import Bundle
from grader.evidence.record import CellError, CellRecord, CellRun, Output
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.intake import parse_notebook
from grader.reporting import ReportInput, render_report
from grader.store.rubrics import LoadedRubric
from grader.workflows.regrading.rubrics import load_rubric_file
from tests.browser.conftest import Opener
from tests.browser.inspection import assert_quiet_and_fitting, serious_barriers
from tests.factories import evidence, marked
from tests.unit.reporting import samples

pytestmark = pytest.mark.corpus

ROOT = Path(__file__).resolve().parents[2]
LABS = ("lab1", "lab2", "lab3b")
FEWEST_NOTEBOOKS = 10
LARGEST_BYTES = 300_000


def with_picture(output: Output) -> Output:
    missing = output.kind == "display_data" and not output.data
    return output.model_copy(update={"data": {"image/png": samples.png()}}) if missing else output


def as_if_run(cell: CellRecord) -> CellRecord:
    """The cell with its submitted outputs as those of our run."""
    if cell.kind != "code":
        return cell
    outputs = tuple(map(with_picture, cell.submitted.outputs))
    failed = next((output for output in outputs if output.kind == "error"), None)
    error = CellError(type="Error", message=failed.text[:200], line=1) if failed else None
    return cell.model_copy(
        update={"run": CellRun(status="error" if error else "ok", outputs=outputs, error=error)}
    )


def report_of(notebook: Path, loaded: LoadedRubric) -> ReportInput:
    cells = [as_if_run(cell) for cell in parse_notebook(notebook.read_bytes())]
    bundle = Bundle(evidence(cells))
    verdict = grade(loaded.rubric, bundle, Reference(), loaded.handout)
    return ReportInput(notebook.parent.name, loaded.rubric, marked(verdict), bundle)


@pytest.fixture(scope="module")
def reports(corpus: Path) -> dict[str, ReportInput]:
    """By lab and student."""
    return dict(_reports(corpus))


def _reports(corpus: Path) -> Iterator[tuple[str, ReportInput]]:
    for lab in LABS:
        loaded = load_rubric_file(ROOT / "rubrics" / f"{lab}.yaml")
        for notebook in sorted((corpus / lab).glob("*/*.ipynb")):
            yield f"{lab}/{notebook.parent.name}", report_of(notebook, loaded)


def test_there_are_notebooks_with_outputs_to_look_at(reports: dict[str, ReportInput]) -> None:
    assert len(reports) >= FEWEST_NOTEBOOKS
    pictures = [name for name, report in reports.items() if "data:image/png" in render_report(report)]
    assert len(pictures) >= FEWEST_NOTEBOOKS


def test_every_report_is_quiet_and_fits_and_has_no_serious_barrier(
    open_page: Opener, reports: dict[str, ReportInput]
) -> None:
    barriers = {}
    for name, report in reports.items():
        opened = open_page(render_report(report)).unfold()
        assert_quiet_and_fitting(opened)
        # All colours are in one style sheet: one report of each lab shows what can be wrong with them.
        barriers[name] = serious_barriers(opened, contrast=name.endswith("/s101"))
    assert {name: found for name, found in barriers.items() if found} == {}


def test_without_the_notebook_every_report_is_small(reports: dict[str, ReportInput]) -> None:
    sizes = {
        name: len(render_report(replace(report, appendix=False)).encode()) for name, report in reports.items()
    }
    assert {name: size for name, size in sizes.items() if size >= LARGEST_BYTES} == {}
