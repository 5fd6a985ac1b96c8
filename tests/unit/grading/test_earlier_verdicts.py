"""Verdicts that were stored before there were exhibits: read with all that they told, drawn as they were."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.evidence.codec import decode
from grader.facts.case import Reference
from grader.grading.earlier import completed
from grader.grading.verdict import Finding, Verdict
from grader.judging.earlier import exhibits_from
from grader.judging.exhibits import (
    Calls,
    CarriedRun,
    DataLanes,
    Exhibit,
    Look,
    Names,
    Pair,
    Part,
    Parts,
    Place,
    Prompt,
    RunTimeline,
    Table,
    UsedName,
    Window,
)
from grader.reporting import ReportInput
from grader.reporting.pictures import pictures
from grader.rubric.model import Rubric
from grader.workflows.regrading.reference import load_reference
from grader.workflows.regrading.rubrics import load_rubric_file
from tests.factories import marked
from tests.unit.evidence.test_versions import ROOT, judged, stored

WRITTEN = Path(__file__).with_name("written_before_exhibits")
NAMES = sorted(path.stem for path in WRITTEN.glob("*.json"))
REFERENCE = load_reference(ROOT / "reference")


def body(name: str) -> str:
    return (WRITTEN / f"{name}.json").read_text()


def lab_of(name: str) -> str:
    return name.partition("-")[0]


def rubric_of(name: str) -> Rubric:
    own = ROOT / "tests" / "acceptance" / lab_of(name) / "rubric.yaml"
    return load_rubric_file(own if own.is_file() else ROOT / "rubrics" / f"{lab_of(name)}.yaml").rubric


def report_of(verdict: Verdict, name: str, reference: Reference = REFERENCE) -> ReportInput:
    rubric, bundle = rubric_of(name), decode(stored(name))
    whole = completed(verdict, rubric, bundle, reference)
    return ReportInput(student="s1", rubric=rubric, mark=marked(whole), bundle=bundle, reference=reference)


def drawn(report: ReportInput) -> dict[str, tuple[str, ...]]:
    return {each.criterion: tuple(map(str, pictures(report, each))) for each in report.mark.verdict.findings}


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_verdict_keeps_its_points_and_words(name: str) -> None:
    verdict, written = Verdict.model_validate_json(body(name)), json.loads(body(name))
    assert (verdict.points, verdict.pending) == (written["points"], written["pending"])
    told = [(each.criterion, each.status, each.points, each.message) for each in verdict.findings]
    assert told == [
        (each["criterion"], each["status"], each["points"], each["message"]) for each in written["findings"]
    ]


def leaves(value: Any) -> Iterator[Any]:
    """All numbers, texts and truths in plain data, whatever holds them."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from leaves(part)
    elif value is not None:
        yield str(value) if isinstance(value, bool) else value


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_a_finding_told_is_lost(name: str) -> None:
    verdict = Verdict.model_validate_json(body(name))
    for finding, written in zip(verdict.findings, json.loads(body(name))["findings"], strict=True):
        kept = list(leaves(json.loads(finding.model_dump_json())["exhibits"]))
        lost = [leaf for leaf in leaves(written["data"]) if leaf not in kept]
        assert lost == [], finding.criterion


@pytest.mark.parametrize("name", NAMES)
def test_its_page_has_the_pictures_that_judging_anew_gives(name: str) -> None:
    before = drawn(report_of(Verdict.model_validate_json(body(name)), name))
    today = drawn(report_of(judged(decode(stored(name)), lab_of(name)), name))
    # Criteria that the lab has had since then were not judged.
    assert before == {criterion: today[criterion] for criterion in before}
    assert sum(map(len, before.values())) >= 5


def test_every_type_of_picture_is_among_those_of_stored_verdicts() -> None:
    pages = "".join(
        picture
        for name in NAMES
        for shown in drawn(report_of(Verdict.model_validate_json(body(name)), name)).values()
        for picture in shown
    )
    for sign in ('class="runs"', 'class="layers', 'class="lanes"', "Yours", 'class="calls'):
        assert sign in pages, sign


def test_a_verdict_of_today_is_left_as_it_is() -> None:
    name = NAMES[0]
    bundle = decode(stored(name))
    verdict = judged(bundle, lab_of(name))
    assert completed(verdict, rubric_of(name), bundle, REFERENCE) == verdict
    assert not any(finding.earlier for finding in verdict.findings)
    again = Verdict.model_validate_json(verdict.model_dump_json())
    assert again.model_dump_json() == verdict.model_dump_json()


def test_a_criterion_that_the_rubric_no_longer_has_keeps_what_it_told() -> None:
    name = NAMES[0]
    verdict = Verdict.model_validate_json(body(name))
    bare = rubric_of(name).model_copy(update={"criteria": ()})
    assert completed(verdict, bare, decode(stored(name)), REFERENCE) == verdict


USED = UsedName(name="sum", cell=1, line=2)
MISTAKEN = Part(name="x", state="wrong", expected=[1], found=[2], mistake="transposed axes")
DOUBTED = RunTimeline(carried=(CarriedRun(run=1, cell=2),), undetermined=True, reasons=("it failed",))
MISUSE = DataLanes(
    trained_on_test=(Place(run=0, cell=3),), looks_at_test=(Look(cell=4, passes=2, after_run=0),)
)
MISUSED = {
    "trained_on_test": [{"run": 0, "cell": 3}],
    "tuned_on_test": [{"cell": 4, "passes": 2, "after_run": 0}],
}
WITH_GOT = {"name": "x", "state": "wrong", "expected": [1], "got": [2], "mistake": "transposed axes"}


@pytest.mark.parametrize(
    ("data", "exhibits"),
    [
        ({}, []),
        (None, []),
        ({"found": [4], "expected": [4]}, [Pair(found=[4], expected=[4])]),
        ({"found": 0.5}, [Pair(found=0.5)]),
        ({"prompt": "Look."}, [Prompt(text="Look.")]),
        ({"names": [{"name": "sum", "cell": 1, "line": 2}]}, [Names(names=(USED,))]),
        ({"parts": [WITH_GOT]}, [Parts(parts=(MISTAKEN,))]),
        (
            {"parts": [{"name": "f", "state": "right", "how": "returns"}]},
            [Parts(parts=(Part(name="f", state="right", note="returns"),))],
        ),
        ({"runs": [{"run": 1, "cell": 2}], "undetermined": True, "reasons": ["it failed"]}, [DOUBTED]),
        (MISUSED, [MISUSE]),
        (
            {"looks_at_test": [{"cell": 4, "after_run": 1}]},
            [DataLanes(looks_at_test=(Look(cell=4, after_run=1),))],
        ),
        ({"function": "f", "groups": []}, [Calls(function="f", groups=())]),
        ({"picture": {"got": [["NaN", 1]]}}, [Window(got=((math.nan, 1.0),))]),
        ({"runs": [{"cell": 1, "fits": None}]}, [Table.of("runs", [{"cell": 1, "fits": None}])]),
        ({"expected": {"a": 1.0}}, [Table.of("expected", [{"a": 1.0}])]),
        ({"names": 3}, [Table.of("names", [{"names": 3}])]),
        ({"found": 1, "prompt": 7}, [Pair(found=1), Table.of("prompt", [{"prompt": 7}])]),
    ],
)
def test_plain_data_become_the_exhibit_that_they_were(data: Any, exhibits: list[Exhibit]) -> None:
    assert list(map(repr, exhibits_from(data))) == list(map(repr, exhibits))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "picture",
        "groups",
        "function",
        "parts",
        "names",
        "prompt",
        "undetermined",
        "runs",
        "reasons",
        "trained_on_test",
        "tuned_on_test",
        "looks_at_test",
        "expected",
        "found",
        "else",
    ]
)


@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_whatever_was_stored_is_read_and_can_be_written(data: dict[str, Any]) -> None:
    raw = {
        "criterion": "c",
        "title": "",
        "status": "FAIL",
        "points": 0,
        "out_of": 1,
        "message": "",
        "data": data,
    }
    finding = Finding.model_validate_json(json.dumps({**raw, "data": data}))
    assert bool(finding.exhibits) == bool(data)
    again = Finding.model_validate_json(finding.model_dump_json())
    assert again.exhibits == finding.exhibits
