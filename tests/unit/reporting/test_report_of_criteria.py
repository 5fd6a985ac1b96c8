"""What the report shows of each criterion: asked, expected, found, and how to mend it."""

from __future__ import annotations

import re
from dataclasses import replace

from grader.evidence.codec import Bundle
from grader.evidence.record import ModuleRecord
from grader.facts.fields import Where
from grader.reporting import ReportInput, render_report
from tests.factories import cell, marked
from tests.unit.reporting import samples
from tests.unit.reporting.pages import Outline, section


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
