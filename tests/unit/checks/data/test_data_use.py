"""Test data in training, in tuning, and where they belong."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.data.untouched_test_data import TestSetUntouched
from grader.checks.data.validation_selection import ValidationSelection
from grader.checks.training.hyperparameter_settings import HyperparameterSettings
from grader.evidence.record import CellError, CellRecord, CellRun, Outcome, Output, Submitted
from grader.evidence.training import DataSource
from grader.facts.known import Known, Unknown
from grader.facts.sections import Section
from grader.facts.training.data_use import TestData
from grader.judging.exhibits import DataLanes, Look, Place
from grader.judging.judgement import Status
from tests import factories
from tests.factories import cell, history, shown

from .looks import CELLS, RUNS, SECTIONS, SOURCES, TRAIN, judge, look, run, source


@pytest.mark.parametrize(
    ("token", "is_test"),
    [(0, False), (1, False), (2, True), (3, None), (4, False), (9, None), (None, False)],
)
def test_only_the_data_sets_own_word_makes_test_data_certain(token: int | None, is_test: bool | None):
    fact = TestData(history(*RUNS, sources=SOURCES)).is_test(token)
    assert (fact.value if isinstance(fact, Known) else None) is is_test


def test_a_folder_called_test_that_all_training_data_come_from_proves_nothing():
    runs = (run(0, 1, 0, token=2),)
    assert TestData(history(*runs, sources=SOURCES)).is_test(2) == Unknown(
        "all training data come from that folder"
    )


UNTOUCHED = TestSetUntouched(tuning=("tune", "more"))


def test_a_look_at_the_test_data_after_the_choice_is_what_they_are_for():
    assert judge(UNTOUCHED, look(11, 5, 2, after=1)).status is Status.PASS
    assert judge(UNTOUCHED, look(1, 1, 1, after=0, passes=30)).status is Status.PASS


def test_test_data_are_not_said_to_be_untouched_where_our_run_ended_early():
    judgement = judge(UNTOUCHED, look(1, 1, 1, after=0), outcome=Outcome.TIMEOUT)
    assert judgement.status is Status.NEEDS_TA


def test_training_on_test_data_is_found():
    judgement = judge(UNTOUCHED, runs=(*RUNS, run(2, 5, 12, token=2)))
    assert judgement.status is Status.FAIL
    assert shown(judgement, DataLanes).trained_on_test == (Place(run=2, cell=5),)
    assert "trained on test data in cell 5" in judgement.message


def test_data_that_were_not_recorded_are_neither_test_data_nor_others():
    lost = judge(UNTOUCHED, runs=(*RUNS, run(2, 5, 12, token=9)))
    assert lost.status is Status.NEEDS_TA
    assert "More data were used than were recorded" in lost.open
    both = judge(UNTOUCHED, runs=(*RUNS, run(2, 3, 11, token=9), run(3, 5, 12, token=2)))
    assert both.status is Status.FAIL
    selected = judge(SELECTION, look(1, 1, 9, after=0))
    assert selected.status is Status.NEEDS_TA
    assert "More data were used than were recorded" in selected.open
    assert judge(SELECTION, look(1, 1, 1, after=0)).status is Status.PASS


def test_the_advice_fits_the_misuse():
    trained = judge(UNTOUCHED, runs=(*RUNS, run(2, 5, 12, token=2)))
    assert trained.advice.startswith("Evaluate the trained network on the test set")
    tuned = judge(UNTOUCHED, look(1, 1, 2, after=0, passes=30))
    assert tuned.advice.startswith("Choose settings on validation data")


def test_all_cells_and_the_student_s_own_name_of_the_data_are_told():
    cells = (*CELLS[:1], cell(1, "train(net, mine)"), *CELLS[2:3], cell(3, "train(net, mine)"), *CELLS[4:])
    named = source(2, "test", "loader", "mine")
    looks = (look(1, 1, 2, after=0, passes=30), look(11, 3, 2, after=1, passes=30))
    training = history(*RUNS, evaluations=looks, sources=(TRAIN, named))
    evidence = factories.evidence(cells, training=training)
    message = UNTOUCHED.judge(factories.case(UNTOUCHED, evidence, sections=SECTIONS)).message
    assert message == "Test data (`mine`) were evaluated while settings were chosen, in cells 1 and 3."


@pytest.mark.parametrize(
    ("given", "code", "name"),
    [
        (source(0, None, "loader", "mine"), "evaluate(net, mine)", "`mine`"),
        (
            source(0, None, "loader").model_copy(update={"root": "testing"}),
            "run(net)",
            "the data in `testing`",
        ),
        (source(0, None, "loader"), "run(net)", "`loader`"),
        (source(0, "test"), "run(net)", "the test data"),
    ],
)
def test_data_are_called_by_a_name_that_their_cell_uses(given: DataSource, code: str, name: str):
    assert TestData(history(sources=(given,))).name(0, code) == name


def test_test_data_passed_as_validation_data_in_tuning_are_found():
    judgement = judge(UNTOUCHED, look(1, 1, 2, after=0, passes=30))
    assert judgement.status is Status.FAIL
    assert shown(judgement, DataLanes).looks_at_test == (Look(after_run=0, cell=1, passes=30),)


def test_more_looks_than_are_allowed_are_tuning():
    once, twice = look(1, 1, 2, after=0), look(11, 3, 2, after=1)
    assert judge(UNTOUCHED, once).status is Status.PASS
    assert judge(UNTOUCHED, once, twice).status is Status.FAIL
    strict = TestSetUntouched(tuning=("tune", "more"), allowed_evaluations=0)
    assert judge(strict, once).status is Status.FAIL


def test_a_name_alone_goes_to_a_ta():
    assert judge(UNTOUCHED, look(1, 1, 3, after=0, passes=30)).status is Status.NEEDS_TA
    assert judge(UNTOUCHED, runs=(*RUNS, run(2, 5, 12, token=3))).status is Status.NEEDS_TA
    assert judge(UNTOUCHED, look(1, 1, 4, after=0, passes=30)).status is Status.PASS


def test_without_training_nothing_can_be_said_unless_nothing_was_handed_in():
    assert judge(UNTOUCHED, runs=()).status is Status.NEEDS_TA
    assert judge(UNTOUCHED, runs=(), untouched=True).status is Status.FAIL


def test_without_training_and_tuning_a_failed_cell_or_an_incomplete_record_is_no_proof():
    check = TestSetUntouched()
    failed = (cell(0, "train(net)", error=CellError(type="NameError")),)
    fine = (cell(0, "x = 1"),)
    for cells, complete, status in (
        (failed, True, Status.NEEDS_TA),
        (fine, False, Status.NEEDS_TA),
        (fine, True, Status.FAIL),
    ):
        given = factories.evidence(cells, training=history(complete=complete))
        assert check.judge(factories.case(check, given)).status is status


SELECTION = ValidationSelection(sections=("tune", "more"))


def test_each_further_setting_is_a_part_of_the_points():
    assert judge(SELECTION).status is Status.PASS
    half = judge(SELECTION, runs=RUNS[:1])
    assert (half.status, half.share) == (Status.PARTIAL, 0.5)
    assert judge(SELECTION, runs=(run(0, 5, 0),)).status is Status.FAIL


def test_a_look_at_the_test_data_before_the_last_setting_goes_to_a_ta():
    early, late = look(1, 1, 2, after=0), look(11, 5, 2, after=1)
    assert judge(SELECTION, early).status is Status.NEEDS_TA
    assert judge(SELECTION, late).status is Status.PASS


def test_a_section_that_failed_or_was_never_reached_is_open():
    failed = (*CELLS[:3], cell(3, "train(net)", error=CellError(type="NameError")), *CELLS[4:])
    for judgement in (
        judge(SELECTION, runs=RUNS[:1], cells=failed),
        judge(SELECTION, runs=RUNS[:1], outcome=Outcome.TIMEOUT),
    ):
        assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert judge(SELECTION, runs=(), untouched=True).status is Status.FAIL


PLOT = Output(kind="display_data", text="<Figure>", data={"image/png": "iVBO"})
WITH_CURVES = ValidationSelection(sections=("tune", "more"), curves=True)


def plotted(*places: int, stored: bool = False) -> tuple[CellRecord, ...]:
    """The notebook with a plot in some cells, in our run or in the file handed in."""
    ours = {"run": CellRun(status="ok", outputs=(PLOT,))}
    update = {"submitted": Submitted(outputs=(PLOT,))} if stored else ours
    return tuple(each.model_copy(update=update) if each.index in places else each for each in CELLS)


def test_a_setting_without_a_plot_waits_for_a_ta_with_half_of_its_part():
    for stored in (False, True):
        assert judge(WITH_CURVES, cells=plotted(1, 3, stored=stored)).status is Status.PASS
    both, one = judge(WITH_CURVES), judge(WITH_CURVES, cells=plotted(3))
    assert (both.status, both.share, both.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert (one.status, one.share, one.open_share) == (Status.NEEDS_TA, 0.75, 0.25)
    assert "No plot of the curves was found in 'tune'." in one.open


def test_a_section_that_trains_nothing_is_not_asked_for_its_plot():
    half = judge(WITH_CURVES, runs=RUNS[:1], cells=plotted(1))
    assert (half.status, half.share) == (Status.PARTIAL, 0.5)
    assert judge(WITH_CURVES, runs=(run(0, 5, 0),)).status is Status.FAIL


def test_a_plot_that_is_missing_and_a_section_that_did_not_run_wait_together():
    judgement = judge(WITH_CURVES, runs=RUNS[:1], outcome=Outcome.TIMEOUT)
    assert (judgement.share, judgement.open_share) == (0.25, 0.75)
    assert "before the last cell. No plot of the curves was found in 'tune'" in judgement.open


@pytest.mark.parametrize(
    ("names", "is_test"),
    [
        (("eval_loader",), False),
        (("test_loader", "eval_loader"), None),
        (("test_loader", "device_loader"), None),
        (("testset", "values"), None),
        (("myTestLoader",), None),
        (("latest_batches", "contest"), False),
        (("test_loader", "val2_loader"), False),
        (("test_loader", "X_train"), False),
        (("testLoader", "validLoader"), False),
        (("test_loader", "dev_set"), False),
    ],
)
def test_names_are_read_by_words(names: tuple[str, ...], is_test: bool | None):
    fact = TestData(history(*RUNS, sources=(TRAIN, source(9, None, *names)))).is_test(9)
    assert (fact.value if isinstance(fact, Known) else None) is is_test


OWN = "class Shifted(Dataset):\n    def __getitem__(self, i): return shift(i) if self.train else self.x[i]"


def judge_own(check: Any, code: str, *, defined: str = OWN, trained_on: bool = False) -> Any:
    """A data set of the student's own whose `train` is False, used by this code each epoch, or trained on."""
    flagged = DataSource(token=2, dataset_token=2, dataset="Shifted", split="test")
    cells = (CELLS[0], cell(1, f"{defined}\n{code}"), *CELLS[2:])
    runs = (RUNS[0].model_copy(update={"source": 2}), RUNS[1]) if trained_on else RUNS
    looks = () if trained_on else (look(1, 1, 2, after=0, passes=30),)
    training = history(*runs, evaluations=looks, sources=(TRAIN, flagged))
    return check.judge(factories.case(check, factories.evidence(cells, training=training), sections=SECTIONS))


@pytest.mark.parametrize("trained_on", [True, False])
def test_a_flag_of_the_student_s_own_data_set_accuses_nobody(trained_on: bool):
    for code in ("train(net, val_part)", "def test(net): ...\ntest(net)", "train(net, DataLoader(held_out))"):
        judgement = judge_own(UNTOUCHED, code, trained_on=trained_on)
        assert judgement.status is Status.NEEDS_TA
        assert "may mean something else" in judgement.open


@pytest.mark.parametrize("trained_on", [True, False])
def test_a_flag_and_a_name_together_are_known(trained_on: bool):
    own = "def fit(net):\n    for x, y in DataLoader(test_set): ...\nfit(net)"
    for code in ("train(net, test_set)", own):
        assert judge_own(UNTOUCHED, code, trained_on=trained_on).status is Status.FAIL
    derived = "class Shifted(datasets.CIFAR10): ..."
    assert judge_own(UNTOUCHED, "fit(net)", defined=derived, trained_on=trained_on).status is Status.FAIL


def test_a_choice_of_settings_in_a_part_that_is_lost_or_only_raised_is_not_said_to_be_clean():
    check = TestSetUntouched(tuning=("tune",))
    raised = (CELLS[0], cell(1, "train(net)", error=CellError(type="NameError")), *CELLS[2:])
    for cells in (CELLS[2:], raised):
        here = tuple(each.model_copy(update={"index": place}) for place, each in enumerate(cells))
        evidence = factories.evidence(here, training=history(run(0, len(here) - 3, 0), sources=SOURCES))
        assert check.judge(factories.case(check, evidence, sections=SECTIONS)).status is Status.NEEDS_TA


NESTED = {
    "part": Section(title="part", heading="^Part"),
    "b": Section(title="b", heading=r"^\(b", within="part"),
    "d": Section(title="d", heading=r"^\(d", within="part"),
}


def judge_nested(*places: int, plotted: bool = True) -> Any:
    """Trainings in these cells: 1 stands above both headings, 3 and 5 below one each."""
    check = ValidationSelection(sections=("b", "d"))
    sources = ("# Part", "train(net)", "# (b)", "plot(net)" if plotted else "", "# (d)", "train(net)")
    cells = [
        cell(place, text, kind="code" if place % 2 else "markdown") for place, text in enumerate(sources)
    ]
    runs = [run(index, place, index) for index, place in enumerate(places)]
    evidence = factories.evidence(cells, training=history(*runs, sources=SOURCES))
    return check.judge(factories.case(check, evidence, sections=NESTED))


def test_a_training_above_the_heading_of_the_part_that_plots_it_counts():
    assert judge_nested(1, 5).status is Status.PASS
    assert judge_nested(3, 5).status is Status.PASS


def judge_with_questions(*places: int, claimed: bool = False) -> Any:
    """Questions (a) and (c) in words with a training below each (1 and 5); (b) and (d) plot, in 3 and 7."""
    check = ValidationSelection(sections=("b", "d"))
    names = ("a", "b", "c", "d")
    sections = {"part": Section(title="part", heading="^Part")} | {
        name: Section(title=name, heading=rf"^\({name}", within="part") for name in names
    }
    sources = [
        text for name in names for text in (f"# ({name})", "train(net)" if name in "ac" else "plot(net)")
    ]
    sources[0] = f"# Part\n{sources[0]}"
    cells = [
        cell(place, text, kind="code" if place % 2 else "markdown") for place, text in enumerate(sources)
    ]
    runs = [run(index, place, index) for index, place in enumerate(places)]
    evidence = factories.evidence(cells, training=history(*runs, sources=SOURCES))
    other = HyperparameterSettings(at_least=1, sections=("a", "c"))
    peers = (check, other) if claimed else (check,)
    return check.judge(factories.case(check, evidence, sections=sections, peers=peers))


def test_a_training_under_a_question_in_words_is_that_of_the_next_one_which_plots_it():
    assert judge_with_questions(1, 5).status is Status.PASS
    half = judge_with_questions(1)
    assert (half.status, half.share) == (Status.PARTIAL, 0.5)
    assert judge_with_questions(1, 7).status is Status.PASS
    assert judge_with_questions(3).share == 0.5


def test_a_training_that_another_criterion_asks_for_is_no_other_one_s():
    assert judge_with_questions(1, 5, claimed=True).status is Status.FAIL
    assert judge_with_questions(1, 3, claimed=True).share == 0.5


def test_one_training_above_the_headings_counts_once_and_never_for_an_empty_part():
    assert (judge_nested(1).status, judge_nested(1).share) == (Status.PARTIAL, 0.5)
    assert (judge_nested(1, 1).status, judge_nested(5).share) == (Status.PASS, 0.5)
    assert judge_nested(1, 5, plotted=False).status is Status.PARTIAL
    assert judge_nested(5).status is Status.PARTIAL
