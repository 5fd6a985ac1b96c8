"""Pictures of exhibits: drawn with the evidence, absent where there is nothing to draw."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import reporting
from grader.checks import registry
from grader.evidence.codec import Bundle
from grader.evidence.training import DataSource, EvaluationPass, Start, TrainingHistory
from grader.facts.values.compare import Tolerance
from grader.facts.values.sliding import Sliding
from grader.grading.verdict import Finding
from grader.judging.exhibits import CarriedRun, DataLanes, Exhibit, NetworkTable, Plane, RunTimeline, Window
from grader.judging.judgement import Status
from grader.judging.windows import picture
from grader.reporting import ReportInput
from grader.reporting.pictures import (
    DRAWERS,
    NOT_DRAWN,
    convolution,
    data_use,
    layers,
    pictures,
    training_runs,
)
from grader.reporting.pictures.heatmap import Box, Grid, is_grid
from grader.reporting.pictures.layers import written_count
from grader.reporting.pictures.training_runs import sparkline
from reference import FUNCTIONS
from tests.factories import carried, history, model, shown, training_run
from tests.unit.reporting import samples
from tests.unit.reporting.pages import Outline


def sample(name: str) -> tuple[ReportInput, Finding]:
    report = samples.report()
    return report, next(each for each in report.mark.verdict.findings if each.criterion == name)


def with_training(report: ReportInput, training: TrainingHistory) -> ReportInput:
    assert report.bundle is not None
    evidence = report.bundle.evidence.model_copy(update={"training": training})
    return replace(report, bundle=Bundle(evidence, report.bundle.arrays))


def timeline(training: TrainingHistory, exhibit: RunTimeline | None = None, **finding: Any) -> str:
    report, found = sample("fresh-weights")
    changed = found.model_copy(update=finding)
    exhibit = exhibit or shown(found, RunTimeline)
    drawn = training_runs.draw(with_training(report, training), changed, exhibit)
    assert drawn is not None
    return str(drawn)


def test_nothing_is_drawn_without_evidence() -> None:
    report, finding = sample("conv2d")
    bare = replace(report, bundle=None)
    standing_on_it = (RunTimeline(), DataLanes(), NetworkTable(probe="module-0"))
    for exhibits in ((), standing_on_it):
        assert pictures(bare, finding.model_copy(update={"exhibits": exhibits})) == ()


def test_a_network_that_the_evidence_does_not_have_is_not_drawn() -> None:
    report, finding = sample("small-net-parameters")
    assert layers.draw(report, finding, shown(finding, NetworkTable)) is not None
    assert layers.draw(report, finding, NetworkTable(probe="module-0")) is None


def test_each_type_of_exhibit_has_a_drawer_or_is_named_as_one_that_has_none() -> None:
    union, _ = get_args(Exhibit)
    assert DRAWERS.keys() | NOT_DRAWN.keys() == set(get_args(union))
    assert not DRAWERS.keys() & NOT_DRAWN.keys()
    assert all(NOT_DRAWN.values())


def test_reporting_knows_exhibits_and_no_kind_of_check() -> None:
    kinds = set(registry())
    for path in sorted(Path(reporting.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert not {text for text in texts if isinstance(text, str)} & kinds, path
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        assert not [name for name in modules if name.startswith("grader.checks")], path


def test_a_run_that_a_ta_must_judge_is_not_painted_as_wrong() -> None:
    runs = history(training_run(0, 1), training_run(1, 2, start=carried(0)))
    named = RunTimeline(carried=(CarriedRun(run=1),), undetermined=True)
    told = timeline(runs, named, status=Status.NEEDS_TA)
    assert "your TA looks at it" in told
    assert 'class="start wait"' in told
    assert 'class="start bad"' not in told


def test_weights_carried_where_the_rubric_allows_it_are_told_without_blame() -> None:
    runs = history(training_run(0, 1), training_run(1, 2, start=carried(0, 0.25)))
    told = timeline(runs, RunTimeline())
    assert "Went on with 25 % of the weights of run 1" in told
    assert 'class="start plain"' in told


def test_what_could_not_be_compared_says_why() -> None:
    run = training_run(0, 1, start=Start(determined=False, why="its cell failed"))
    assert "Start not established: its cell failed" in timeline(history(run))


def test_initial_weights_loaded_again_are_fresh_and_joined_to_nothing() -> None:
    start = Start(determined=True, carried_from=0, carried_share=1.0, reloaded_initial=True)
    told = timeline(history(training_run(0, 1), training_run(1, 1, start=start)))
    assert "Fresh weights, the same as at an earlier start" in told
    assert 'class="carry"' not in told


def test_a_line_joins_each_carried_run_to_its_origin_past_the_runs_between() -> None:
    runs = history(*(training_run(i, i) for i in range(3)), training_run(3, 3, start=carried(0)))
    rails = re.findall(r"<svg[^>]*rail[^>]*>.*?</svg>", timeline(runs), re.DOTALL)
    assert [rail.count('class="carry"') for rail in rails] == [2, 1, 1, 2]
    assert [rail.count("carry-tip") for rail in rails] == [0, 0, 0, 1]


def test_long_histories_are_cut_and_say_so() -> None:
    assert "5 more runs not shown" in timeline(history(*(training_run(i, i) for i in range(65))))


@pytest.mark.parametrize(
    ("losses", "described"),
    [
        ((0.7, 0.5), "Training loss over 2 passes: 0.7 to 0.5"),
        ((0.5,), "Training loss over 1 pass: 0.5"),
        ((0.7, math.nan), "Training loss over 2 passes: 0.7; then it was no longer a number"),
    ],
)
def test_a_curve_says_its_ends_in_words(losses: tuple[float, ...], described: str) -> None:
    assert f'aria-label="{described}"' in str(sparkline(losses))


def test_no_curve_without_finite_losses() -> None:
    assert sparkline(()) is None
    assert sparkline((math.nan, math.inf)) is None


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30))
def test_curves_stay_within_their_picture(losses: list[float]) -> None:
    drawn = sparkline(losses)
    for x, y in re.findall(r'x\d="(-?[\d.]+)" y\d="(-?[\d.]+)"', str(drawn)):
        assert 0 <= float(x) <= 96
        assert 0 <= float(y) <= 28


@pytest.mark.parametrize(
    ("shapes", "written"),
    [
        ([(5, 3, 3, 3), (5,)], "3*3*3*5 + 5 = 140"),
        ([(1, 245), (1,)], "245*1 + 1 = 246"),
        ([(7,)], "7"),
        ([()], "1"),
        ([], ""),
    ],
)
def test_parameters_are_counted_as_on_a_board(shapes: list[tuple[int, ...]], written: str) -> None:
    assert written_count(shapes) == written


def test_layers_without_a_trace_stand_in_the_order_of_registration() -> None:
    report, finding = sample("small-net-parameters")
    assert report.bundle is not None
    record = samples.small_net_as_handed_in().model_copy(update={"operations": ()})
    probes = {
        name: result.model_copy(update={"record": record})
        for name, result in report.bundle.evidence.probes.items()
        if result.record is not None and result.record.kind == "module"
    }
    evidence = report.bundle.evidence.model_copy(update={"probes": probes})
    drawn = str(layers.draw(replace(report, bundle=Bundle(evidence)), finding, shown(finding, NetworkTable)))
    assert re.findall(r"<code>(\w+)</code>", drawn) == ["conv", "pool", "fc"]


def test_a_layer_used_twice_is_counted_once() -> None:
    record = samples.small_net_as_handed_in()
    again = record.model_copy(update={"operations": (*record.operations, record.operations[4])})
    rows = layers._rows(again)
    assert [row.arithmetic for row in rows if row.name == "fc"] == ["1125*1 + 1 = 1126", ""]
    assert rows[-1].again


def test_each_data_set_has_a_lane_with_its_uses_in_words() -> None:
    report, _ = sample("fresh-weights")
    training = TrainingHistory(
        runs=(
            training_run(0, 1, source=0, order=0),
            training_run(1, 2, source=2, order=2),
        ),
        evaluations=(
            EvaluationPass(order=1, cell=1, model=model(), source=1),
            EvaluationPass(order=3, cell=3, model=model(), source=9),
        ),
        sources=(
            DataSource(token=0, dataset_token=0, dataset="CIFAR10", split="train", sampled=8000, length=50000,
                       names=("train_loader",)),
            DataSource(token=1, dataset_token=0, dataset="CIFAR10", split="train", sampled=2000, length=50000,
                       names=("val_loader",)),
            DataSource(token=2, dataset_token=1, dataset="CIFAR10", split="test", sampled=2000, length=10000,
                       names=("test_loader",)),
        ),
    )  # fmt: skip
    finding = Finding(
        criterion="test-set-untouched", title="-", status=Status.FAIL, points=0, out_of=1, message="-"
    )
    drawn = data_use.draw(with_training(report, training), finding, DataLanes())
    text = Outline(str(drawn)).text
    assert "train_loader CIFAR10, 8000 of 50000 items, train set 1 training run" in text
    assert "val_loader CIFAR10, 2000 of 50000 items, train set 1 evaluation" in text
    assert str(drawn).count("trained bad") == 1
    assert 'aria-label="test_loader: 1 training run"' in str(drawn)


def test_data_that_the_judge_is_not_sure_of_are_no_test_data_on_the_page() -> None:
    report, _ = sample("fresh-weights")
    folder = DataSource(
        token=0, dataset_token=0, dataset="ImageFolder", split="test", sampled=90, length=90, root="test",
        names=("loader",),
    )  # fmt: skip
    training = TrainingHistory(runs=(training_run(0, 1, source=0, order=0),), sources=(folder,))
    finding = Finding(
        criterion="test-set-untouched", title="-", status=Status.NEEDS_TA, points=0, out_of=1, message="-"
    )
    drawn = str(data_use.draw(with_training(report, training), finding, DataLanes()))
    assert "perhaps test data" in Outline(drawn).text
    assert "test set" not in Outline(drawn).text
    assert "trained bad" not in drawn


def heat(**more: Any) -> Window:
    """The numbers of a convolution with padding whose last number is wrong."""
    image, kernel = np.arange(20.0).reshape(4, 5), np.ones((3, 3))
    expected = FUNCTIONS["conv2d"](image, kernel, padding=1)
    got = expected.copy()
    got[3, 4] += 2
    how = Sliding(image, kernel, (3, 3), (1, 1), (1, 1))
    drawn = picture(how, expected, got, Tolerance(1e-6))
    return Window.model_validate({**drawn.model_dump(), **more})


def drawn_heat(exhibit: Window) -> str:
    return str(convolution.draw(*sample("conv2d"), exhibit))


def test_padding_is_drawn_around_the_input_and_the_window_reaches_into_it() -> None:
    page = drawn_heat(heat())
    assert "padding 1" in page
    assert page.count('class="tile around"') == 22
    assert "row 3, column 4" in page
    assert "expected 64, yours 66" in page


def test_the_sum_of_the_first_wrong_window_is_written_out_where_it_gives_what_was_expected() -> None:
    assert "18·1 + 19·1 + 0·1" in drawn_heat(heat())
    with_bias = heat().first_wrong.model_copy(update={"expected": 65.0})
    assert "Its window gives" not in drawn_heat(heat(first_wrong=with_bias))


def test_shapes_that_differ_are_named_and_no_difference_is_drawn() -> None:
    page = drawn_heat(heat(got=None, difference=None, first_wrong=None, got_shape=[2, 3]))
    assert "expected shape [4, 5], your shape [2, 3]" in page
    assert "Difference" not in page
    assert "Yours" not in page


def test_right_answers_show_no_difference() -> None:
    zero = [[0.0] * 5] * 4
    assert "Difference" not in drawn_heat(heat(difference=zero, first_wrong=None))


def test_channels_have_panels_of_their_own() -> None:
    planes = [[[1.0, 2.0], [3.0, 4.0]]] * 2
    page = drawn_heat(heat(input=planes, kernel=planes, padding=[0, 0], first_wrong=None))
    assert "Input, channel 1" in page
    assert "Kernel, channel 1" in page


def test_what_is_too_large_is_left_out() -> None:
    empty = heat(input=None, kernel=None, expected=None, got=None, difference=None, first_wrong=None)
    assert drawn_heat(empty) == "None"


@given(st.integers(1, 16), st.integers(1, 16), st.data())
def test_the_part_shown_of_a_grid_lies_in_it_and_holds_the_marked_cell(
    height: int, width: int, data: st.DataObject
) -> None:
    spot = Box(data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1)))
    grid = Grid("Numbers", ((1.0,) * width,) * height, 1.0, marked=spot)
    part = grid.part
    assert 0 <= part.top <= spot.top < part.top + part.height <= height
    assert 0 <= part.left <= spot.left < part.left + part.width <= width
    assert (grid.caption == "") == ((part.height, part.width) == (height, width))
    assert str(grid.draw()).count("<text") == part.height * part.width


@pytest.mark.parametrize("rows", [None, (), ((),), ((1.0,), (1.0, 2.0))])
def test_what_is_no_rectangle_of_numbers_is_not_drawn(rows: Plane | None) -> None:
    assert not is_grid(rows)
    assert "<figcaption>Yours<" not in drawn_heat(heat(got=rows))


def test_numbers_that_are_not_finite_are_written_as_words() -> None:
    drawn = str(Grid("Yours", ((math.nan, math.inf, 1e9, 0.123),), 1.0).draw())
    assert re.findall(r">([^<>]+)</text>", drawn) == ["nan", "inf", "1000000000", "0.12"]
