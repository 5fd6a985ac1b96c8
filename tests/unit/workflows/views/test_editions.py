"""Which parts of a class's notebooks are of another edition than the rubric's."""

from __future__ import annotations

import numpy as np

from grader.checks.answers.tensor_close import TensorClose
from grader.evidence.codec import Bundle
from grader.evidence.record import WatchedValue
from grader.facts.case import Reference
from grader.facts.sections import Section
from grader.grading.grade import grade
from grader.store.records import SubmissionRecord, VerdictRecord
from grader.store.results import Result
from grader.workflows.views.editions import other_editions
from tests.factories import cell, evidence, rubric, value_of

CHECK = TensorClose.model_validate({"tensors": [{"name": "image", "expect": [0.5, 1.0]}]})
RUBRIC = rubric(CHECK, sections={"brighter": Section(title="Part 1 (c)", heading=r"^\(c\)", says="clip")})
OF_SECTION = RUBRIC.criteria[0].model_copy(update={"section": "brighter"})
BY_SECTION = RUBRIC.model_copy(update={"criteria": (OF_SECTION,)})

ASKED = "## (c)\nAdd 0.25, and clip to [0, 1]."
NOT_ASKED = "## (c)\nAdd 0.25 to each pixel."


def result(student: str, question: str, numbers: list[float]) -> Result:
    arrays: list[np.ndarray] = []
    held = WatchedValue(name="image", cell=1, value=value_of(numbers, arrays))
    cells = (cell(0, question, kind="markdown"), cell(1, f"image = {numbers}"))
    verdict = grade(BY_SECTION, Bundle(evidence(cells, values=(held,)), arrays), Reference())
    record = VerdictRecord(
        seq=1, attempt=1, rubric=1, reference="", version="", points=verdict.points, out_of=verdict.out_of,
        pending=verdict.pending, body=verdict.model_dump_json(),
    )  # fmt: skip
    file = SubmissionRecord(
        student=student, assignment="lab", notebook="0" * 64, path="lab.ipynb", submitted_at=None,
        late=False, problem="",
    )  # fmt: skip
    return Result(file, None, record, None)


def test_it_is_said_how_many_notebooks_have_another_edition_and_what_waits_for_it() -> None:
    results = [
        result("ada", NOT_ASKED, [0.5, 1.15]),
        result("ben", NOT_ASKED, [0.5, 1.25]),
        result("cem", ASKED, [0.5, 1.15]),
    ]
    [line] = other_editions(results)
    assert line == (
        "lab: 2 notebooks have another edition of the question 'Part 1 (c)' than the rubric (`says` of"
        " section 'brighter' tells them apart): a TA looks at c0 there"
    )


def test_nothing_is_said_where_what_is_asked_for_costs_nothing() -> None:
    assert other_editions([result("ada", NOT_ASKED, [0.5, 1.0]), result("cem", ASKED, [0.5, 1.15])]) == []
