"""The feedback report: what a student reads, and in which order."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from itertools import pairwise

from grader.evidence.record import CellRun, Outcome
from grader.facts.fields import Where
from grader.grading.verdict import Finding, Verdict
from grader.judging.judgement import Status
from grader.reporting import ReportInput, render_report
from grader.reporting.findings import NOTHING_HANDED_IN
from tests.factories import marked
from tests.unit.reporting import samples
from tests.unit.reporting.pages import Outline, first_list, judged_anew, section


def test_the_same_input_gives_the_same_page(page: str) -> None:
    assert render_report(samples.report()) == page


def test_the_mark_comes_first_and_then_what_to_do(outline: Outline) -> None:
    titles = [title for level, title in outline.headings if level == 2]
    assert titles == [
        "Your mark",
        "What to look at next",
        "What still waits for a TA",
        "All criteria",
        "Criterion by criterion",
        "About this report",
        "Your notebook as it ran",
    ]
    assert "2 / 14 points + up to 3 still open" in outline.text
    assert "2 points so far, 3 still open and 9 lost." in outline.text


def test_headings_never_skip_a_level(outline: Outline) -> None:
    levels = [level for level, _ in outline.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_link_within_the_page_leads_somewhere_and_ids_are_unique(outline: Outline) -> None:
    assert len(outline.ids) == len(set(outline.ids))
    inner = [link[1:] for link in outline.links if link.startswith("#")]
    assert inner
    assert set(inner) <= set(outline.ids)


def test_what_cost_points_is_told_once_with_how_to_mend_it(page: str) -> None:
    listed = first_list(samples.report())
    assert len(listed) == 4
    assert "−3" in listed[0]
    assert "the kernel is flipped" in listed[0]
    assert "Compare with F.conv2d" in listed[0]
    assert "−" not in listed[-1]


def test_a_cell_that_raised_comes_first_where_criteria_stand_on_it() -> None:
    report = judged_anew("small-net-parameters", where=(Where(cell=11),))
    first = first_list(report)[0]
    assert "SmallNet has the parameters" in first
    assert "goes through for you. This criterion looks at it." in first


def test_a_cell_that_never_ran_comes_first_where_criteria_stand_on_it() -> None:
    report = judged_anew("small-net-parameters", where=(Where(cell=12),))
    assert report.bundle is not None
    evidence = report.bundle.evidence
    assert not any("did not come to the end" in step for step in first_list(report))
    cells = tuple(
        each.model_copy(update={"run": CellRun(status="not_run")}) if each.index >= 12 and each.run else each
        for each in evidence.cells
    )
    stopped = evidence.model_copy(update={"cells": cells})
    first = first_list(replace(report, bundle=replace(report.bundle, evidence=stopped)))[0]
    assert "The run did not come to the end of cell" in first
    assert "SmallNet has the parameters" in first


def test_parts_without_an_answer_share_a_line_and_show_no_pictures_and_hints() -> None:
    empty = {"status": Status.FAIL, "message": NOTHING_HANDED_IN, "points": 0.0, "pending": 0.0}
    one, two = judged_anew("conv2d", **empty), judged_anew("small-net-parameters", **empty)
    both = [
        next(finding for finding in report.mark.verdict.findings if finding.criterion == name)
        for report, name in ((one, "conv2d"), (two, "small-net-parameters"))
    ]
    findings = tuple(
        next((new for new in both if new.criterion == finding.criterion), finding)
        for finding in one.mark.verdict.findings
    )
    verdict = one.mark.verdict.model_copy(update={"findings": findings})
    report = replace(one, mark=marked(verdict))
    first = first_list(report)[0]
    assert "−5" in first
    assert "Nothing was handed in for these parts." in first
    article = section(render_report(report), "conv2d")
    assert NOTHING_HANDED_IN in article
    assert "<figure" not in article
    assert "<h4>" not in article
    assert len(re.findall("<p>", article)) == 1


def test_the_costliest_criterion_leads_the_list(page: str) -> None:
    costs = re.findall(r'<span class="minus">−([\d.]+)</span>', page)
    assert costs == ["3", "2", "2"]


def test_the_first_error_of_the_run_is_a_next_step(outline: Outline) -> None:
    assert "cell alexnet.features(img) under “Part 3. Settings”, no. 11, raised NameError." in outline.text


def test_the_remark_date_and_the_evidence_are_named(outline: Outline) -> None:
    assert "ask for a remark until 04 December 2026, 23:59 UTC" in outline.text
    assert "Evidence eeeeeeeeeeee" in outline.text


def test_the_appendix_can_be_left_out(page: str) -> None:
    short = render_report(samples.report(appendix=False))
    assert "Your notebook as it ran" not in short
    assert "data:image/png" in page
    assert "data:image/png" not in short
    assert len(short.encode()) < 300_000


def test_an_unreadable_file_has_a_report_without_evidence() -> None:
    failed = Finding(
        criterion="conv2d",
        title="Convolution",
        status=Status.FAIL,
        points=0,
        out_of=3,
        message="The file handed in could not be read: it is empty.",
    )
    verdict = Verdict(assignment="lab2", findings=(failed,), points=0, out_of=3, pending=0)
    report = ReportInput("s1", samples.rubric(), marked(verdict), outcome_detail="the file is empty")
    text = Outline(render_report(report)).text
    assert report.result is Outcome.INVALID_SUBMISSION
    assert "could not be read as a notebook. (the file is empty)" in text


def test_the_policy_allows_the_one_style_sheet_by_its_hash_and_nothing_else(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1].replace("&#39;", "'")
    (sheet,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_findings_survive_the_store(page: str) -> None:
    report = samples.report()
    stored = Verdict.model_validate_json(json.dumps(json.loads(report.mark.verdict.model_dump_json())))
    assert render_report(replace(report, mark=marked(stored))) == page
