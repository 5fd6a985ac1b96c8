"""The feedback report: what a student reads, in which order, and what is kept back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from grader.evidence.codec import Bundle
from grader.evidence.record import CellRun, ModuleRecord, Outcome
from grader.facts.fields import Where
from grader.grading.late import LateLine
from grader.grading.verdict import Finding, Verdict
from grader.judging.judgement import Status
from grader.reporting import ReportInput, render_report
from grader.reporting.findings import NOTHING_HANDED_IN
from tests.factories import cell, marked
from tests.unit.reporting import samples


class Outline(HTMLParser):
    """Headings with their levels, elements without an end, and the page's text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[tuple[int, str]] = []
        self.text = ""
        self.ids: list[str] = []
        self.links: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        given = dict(attrs)
        self.ids += [given["id"]] if given.get("id") else []
        self.links += [given["href"]] if given.get("href") else []
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text += data
        if self._open and re.fullmatch(r"h[1-6]", self._open[-1]):
            level, before = self.headings[-1]
            self.headings[-1] = (level, before + data)


@pytest.fixture(scope="session")
def page() -> str:
    return render_report(samples.report())


@pytest.fixture(scope="session")
def outline(page: str) -> Outline:
    return Outline(page)


def section(page: str, criterion: str) -> str:
    return re.search(rf'<article[^>]*id="c-{criterion}".*?</article>', page, re.DOTALL)[0]


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


def first_list(report: ReportInput) -> list[str]:
    """What is to be looked at next, each in plain text."""
    found = re.search(r'<ol class="costs">.*?</ol>', render_report(report), re.DOTALL)
    items = re.findall(r"<li>(.*?)</li>", found[0] if found else "", re.DOTALL)
    return [Outline(item).text for item in items]


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


def test_a_criterion_shows_what_was_asked_expected_and_found(page: str) -> None:
    text = Outline(section(page, "small-net-parameters")).text
    assert "Add up weights and biases of each layer" in text
    assert "Expected386" in text.replace(" ", "")
    assert "Found1266" in text.replace(" ", "")
    assert "counts them" in text


def test_the_students_line_is_marked_in_its_cell(page: str) -> None:
    marked = re.findall(
        r'<span class="row marked"><span class="no">(\d+)</span>', section(page, "fresh-weights")
    )
    assert marked == ["4", "1"]
    assert "under “Part (d)”" in section(page, "fresh-weights")


def test_each_line_of_a_builtin_used_as_a_name_is_marked(page: str) -> None:
    article = section(page, "builtin-shadowing")
    assert re.findall(r'row marked"><span class="no">(\d+)', article) == ["1", "3"]


def test_the_table_of_layers_counts_and_marks_what_differs_from_the_reference(page: str) -> None:
    article = section(page, "small-net-parameters")
    text = Outline(article).text
    assert "3*3*3*5 + 5 = 140" in text
    assert "1125*1 + 1 = 1126" in text
    assert "140 + 1126 = 1266" in text
    assert "The reference: SmallNet" in text
    assert "245*1 + 1 = 246" in text
    assert article.count('<tr class="differs">') == 5


def sample_with_net(**changes: object) -> ReportInput:
    """The sample with another record of small_net in its evidence."""
    report = samples.report()
    assert report.bundle is not None
    probes = {
        key: answer
        if not isinstance(answer.record, ModuleRecord)
        else answer.model_copy(update={"record": answer.record.model_copy(update=changes)})
        for key, answer in report.bundle.evidence.probes.items()
    }
    evidence = report.bundle.evidence.model_copy(update={"probes": probes})
    return replace(report, bundle=Bundle(evidence, report.bundle.arrays))


def test_where_no_forward_pass_was_traced_only_layers_that_learn_are_compared() -> None:
    article = section(render_report(sample_with_net(operations=())), "small-net-parameters")
    assert "not measured" in article
    assert "not used in forward" not in article
    marked = re.findall(r'<tr class="differs">.*?</tr>', article, re.DOTALL)
    assert ["1125*1" in row or "245*1" in row for row in marked] == [True, True]


def test_a_reference_that_equals_the_students_net_is_not_put_beside_it() -> None:
    layers = [
        layer.model_copy(update={"parameters": ()}) if layer.path == "fc" else layer
        for layer in samples.small_net_as_handed_in().layers
    ]
    parts = samples.small_net_as_handed_in().parameters
    right = [
        part.model_copy(update={"shape": (1, 245)}) if part.name == "fc.weight" else part for part in parts
    ]
    same = sample_with_net(operations=(), parameters=tuple(right))
    assert "The reference:" not in section(render_report(same), "small-net-parameters")
    less = sample_with_net(operations=(), layers=tuple(layers))
    assert "The reference:" in section(render_report(less), "small-net-parameters")


def test_an_answer_in_words_is_quoted_as_prose_and_whole() -> None:
    report = samples.report()
    words = "So **settings** are chosen on it. " * 60
    assert report.bundle is not None
    cells = (*report.bundle.evidence.cells[:-1], cell(14, words, kind="markdown"))
    evidence = report.bundle.evidence.model_copy(update={"cells": cells})
    findings = tuple(
        finding.model_copy(update={"where": (Where(cell=14),)})
        if finding.criterion == "why-validation"
        else finding
        for finding in report.mark.verdict.findings
    )
    changed = replace(
        report,
        bundle=Bundle(evidence, report.bundle.arrays),
        mark=marked(report.mark.verdict.model_copy(update={"findings": findings})),
    )
    article = section(render_report(changed), "why-validation")
    assert article.count("So <strong>settings</strong>") == 60


def test_what_a_ta_reads_is_told_once(page: str) -> None:
    text = Outline(section(page, "why-validation")).text
    assert "nothing is taken off before" in text
    assert "Why these points" not in text


def test_without_a_reference_the_students_layers_stand_alone() -> None:
    article = section(render_report(samples.report(reference=samples.Reference())), "small-net-parameters")
    assert "The reference:" not in article
    assert "140 + 1126" in article


def test_the_timeline_says_in_words_what_each_run_started_from(page: str) -> None:
    text = Outline(section(page, "fresh-weights")).text
    assert "Run 1, cell train_net(small_net, num_epochs=5) under “Part (c)”, no. 6: small_net" in text
    assert "Run 2, cell # train both nets with the default … under “Part (d)”, no. 8: small_net" in text
    assert "Went on with all weights of run 1" in text
    assert "Run 0" not in text
    assert text.count("Fresh weights") == 3
    assert "SGD, lr 0.001, momentum 0.9, batch 64, 30 passes" in text
    assert 'aria-label="Training loss over 5 passes: 0.68 to 0.6"' in page


def test_the_heat_maps_carry_their_numbers_and_the_first_wrong_window(page: str) -> None:
    article = section(page, "conv2d")
    assert 'aria-label="Expected: 12 12 17; 10 17 19; 9 6 14"' in article
    assert 'aria-label="Difference: 6 8 2; 0 -8 -2; 2 2 0"' in article
    assert "3·0 + 3·1 + 2·2 + 0·2 + 0·2 + 1·0 + 3·0 + 1·1 + 2·2 = 12" in Outline(article).text
    assert article.count('class="window"') == 4


def test_points_of_groups_are_told_group_by_group(page: str) -> None:
    text = Outline(section(page, "conv2d")).text
    assert "the worked example: 0 of 1.5" in text
    assert "padding: 0 of 1.5" in text


def test_calls_are_listed_where_one_went_wrong(page: str) -> None:
    text = Outline(section(page, "sum-of-cubes")).text
    assert "sum_of_cubes(3)" in text
    assert "printed, not returned" in text


def test_full_points_are_folded_away(page: str) -> None:
    assert "<details>" in section(page, "small-net-shape")
    assert "<details>" not in section(page, "conv2d")


def test_the_prompt_for_the_ta_is_not_shown_to_the_student(page: str) -> None:
    assert "hides overfitting" not in page
    assert "A TA reads this part" in section(page, "why-validation")


def test_the_first_error_of_the_run_is_a_next_step(outline: Outline) -> None:
    assert "cell alexnet.features(img) under “Part 3. Settings”, no. 11, raised NameError." in outline.text


def test_the_remark_date_and_the_evidence_are_named(outline: Outline) -> None:
    assert "ask for a remark until 04 December 2026, 23:59 UTC" in outline.text
    assert "Evidence eeeeeeeeeeee" in outline.text


def test_a_decision_replaces_the_points_and_settles_what_was_open() -> None:
    report = samples.report({"why-validation": (2.5, "Good, but what is it chosen on?")})
    text = Outline(render_report(report)).text
    assert (report.mark.points, report.mark.pending) == (4.5, 0)
    assert "4.5 / 14 points" in text
    assert "still open" not in text
    assert "Decided by a TA on 01 December 2026: 2.5 of 3 (before: 0)." in text
    assert "ta-3" not in text
    assert "Good, but what is it chosen on?" in text
    assert "What still waits" not in text


def test_an_adjustment_is_a_line_of_its_own_and_the_mark_never_falls_below_zero() -> None:
    report = samples.report(late=LateLine(days=3, tokens=2, points=5, why="2 days of grace used up"))
    text = Outline(render_report(report)).text
    assert report.mark.points == 0
    assert "Late: -5 2 days of grace used up" in text
    assert "5 off (late)" in text


@pytest.fixture
def held_back() -> ReportInput:
    report = samples.report()
    criteria = tuple(line.model_copy(update={"release": "after_remarks"}) for line in report.rubric.criteria)
    return replace(report, rubric=report.rubric.model_copy(update={"criteria": criteria}))


def test_expected_values_wait_for_the_end_of_remarks(held_back: ReportInput) -> None:
    page = render_report(held_back)
    assert "386" not in page
    assert "The reference:" not in page
    assert "expected 12" not in page
    assert 'aria-label="Expected' not in page
    assert 'aria-label="Difference' not in page
    assert 'aria-label="Yours: 18 20 19; 10 9 17; 11 8 14"' in page
    assert "1266" in section(page, "small-net-parameters")
    assert "shown after the remark period" in section(page, "small-net-parameters")


def test_once_remarks_are_over_they_are_shown(held_back: ReportInput) -> None:
    page = render_report(replace(held_back, remarks_over=True))
    assert page == render_report(replace(samples.report(), remarks_over=True))
    assert "386" in section(page, "small-net-parameters")
    assert "Remark requests were taken until 04 December 2026" in page


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


def test_a_fault_of_the_service_costs_nothing_and_says_so() -> None:
    waiting = [
        finding.model_copy(
            update={
                "status": Status.MISSING_EVIDENCE,
                "points": 0.0,
                "pending": finding.out_of,
                "message": "-",
            }
        )
        for finding in samples.report().mark.verdict.findings
    ]
    verdict = samples.report().mark.verdict.model_copy(update={"findings": tuple(waiting)})
    report = replace(samples.report(), mark=marked(verdict), bundle=None, outcome=Outcome.SANDBOX_UNAVAILABLE)
    text = Outline(render_report(report)).text
    assert "Nothing is decided yet" in text
    assert "costs you no points" in text
    assert "What to look at next" not in text


def judged_anew(criterion: str, **changes: object) -> ReportInput:
    """The sample report with one finding changed."""
    report = samples.report()
    findings = tuple(
        finding.model_copy(update=changes) if finding.criterion == criterion else finding
        for finding in report.mark.verdict.findings
    )
    return replace(report, mark=marked(report.mark.verdict.model_copy(update={"findings": findings})))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.CHECK_ERROR, "The check 'conv2d' itself failed: ValueError: expected 4711"),
        (Status.MISSING_EVIDENCE, "Run it again with `--training full`."),
    ],
)
@pytest.mark.parametrize("decided", [False, True])
def test_what_a_check_says_to_course_staff_is_not_shown_to_the_student(
    status: Status, said: str, decided: bool
) -> None:
    report = judged_anew("conv2d", status=status, points=0.0, pending=3.0, message=said)
    mark = marked(report.mark.verdict, {"conv2d": (3, "It is right.")} if decided else {})
    text = Outline(section(render_report(replace(report, mark=mark)), "conv2d")).text
    assert "4711" not in text
    assert "--training" not in text
    assert ("A TA judged it instead" in text) is decided
    assert ("costs you nothing" in text) is not decided


def test_after_the_decision_nothing_says_that_a_ta_will_look() -> None:
    seen, doubt = "No loss function was seen.", "It may be one of your own."
    report = judged_anew("conv2d", status=Status.NEEDS_TA, points=0.0, pending=3.0, message=seen, open=doubt)
    decided = {"conv2d": (3.0, "Well done."), "why-validation": (2.0, "Half of it.")}
    marks = [marked(report.mark.verdict, given) for given in ({}, decided)]
    before, after = (render_report(replace(report, mark=mark)) for mark in marks)
    assert f"{seen} {doubt} A TA looks at it." in Outline(section(before, "conv2d")).text
    told = Outline(section(after, "conv2d")).text
    assert seen in told
    assert doubt not in told
    assert "looks at it" not in told
    assert "A TA read this part and gave the points." in Outline(section(after, "why-validation")).text
    assert "A TA reads this part" not in after


def test_why_the_service_failed_is_told_to_staff_only() -> None:
    report = replace(
        samples.report(), outcome=Outcome.SANDBOX_UNAVAILABLE, outcome_detail="docker: /run/docker.sock"
    )
    assert "docker" not in Outline(render_report(report)).text


def test_a_criterion_that_the_rubric_no_longer_has_is_still_shown() -> None:
    report = samples.report()
    rubric = report.rubric.model_copy(update={"criteria": report.rubric.criteria[:1]})
    assert "Convolution with padding by hand" in render_report(replace(report, rubric=rubric))


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


def test_advice_of_the_check_s_own_stands_in_place_of_the_hint(page: str) -> None:
    text = Outline(section(page, "fresh-weights")).text
    assert "Build the network again before each run" in text
    assert "A fresh network begins with" not in text
    assert "0 of 2 points: none of it is as asked." in text


def test_the_hint_stays_where_the_check_s_advice_may_not_be_shown_yet() -> None:
    scheme = samples.rubric()
    held = [
        line.model_copy(update={"release": "after_remarks"}) if line.id == "fresh-weights" else line
        for line in scheme.criteria
    ]
    report = replace(samples.report(), rubric=scheme.model_copy(update={"criteria": tuple(held)}))
    text = Outline(section(render_report(report), "fresh-weights")).text
    assert "A fresh network begins with" in text
    assert "Build the network again" not in text
