"""What the summary says of real Lab 1 notebooks, from their code alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.evidence.codec import Bundle
from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.intake import parse_notebook
from grader.reporting import SummaryInput, render_slides, render_summary_text, summarise
from grader.workflows.regrading.rubrics import load_rubric_file
from tests.factories import evidence, marked

pytestmark = pytest.mark.corpus

RUBRIC = Path(__file__).resolve().parents[3] / "rubrics" / "lab1.yaml"


def test_sum_used_as_a_variable_is_the_most_common_name_taken_from_python(corpus: Path) -> None:
    loaded = load_rubric_file(RUBRIC)
    (line,) = (each for each in loaded.rubric.criteria if each.id == "builtin-shadowing")
    # Only this criterion can be judged without a run; what others find is in the acceptance tests.
    rubric = loaded.rubric.model_copy(update={"criteria": (line,), "total": line.points})
    results = []
    for path in sorted((corpus / "lab1").glob("*/*.ipynb")):
        bundle = Bundle(evidence(parse_notebook(path.read_bytes())))
        verdict = grade(rubric, bundle, Reference(), loaded.handout)
        results.append(SummaryInput(path.parent.name, Outcome.COMPLETED, marked(verdict), bundle))
    summary = summarise(rubric, results)
    first, *others = summary.issues
    assert first.title == "`sum` used as a variable name"
    assert first.students > max((issue.students for issue in others), default=0)
    assert "1. `sum` used as a variable name" in render_summary_text(summary)
    assert "## 1. `sum` used as a variable name" in render_slides(summary)
