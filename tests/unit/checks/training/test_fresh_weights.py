"""Training runs that go on from trained weights, and what the student's own order says about it."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.training.fresh_weights import FreshWeights
from grader.evidence.record import CellError, CellRecord, Outcome, ShimKind, ShimUse
from grader.evidence.training import Start, TrainingRun
from grader.facts.handout import fingerprint
from grader.facts.sections import Section
from grader.judging.exhibits import CarriedRun, RunTimeline
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import carried, cell, history, model, rows, shown, training_run

FIRST = {"pattern": r"Epoch 1: err ([0-9.]+)", "fresh_at_least": 0.41, "carried_at_most": 0.34}
BUILD, TRAIN = "net = Net()", "train(net)"


def judge(
    cells: tuple[CellRecord, ...],
    *runs: TrainingRun,
    outcome: Outcome = Outcome.COMPLETED,
    sections: dict[str, Section] | None = None,
    complete: bool = True,
    **fields: Any,
) -> Judgement:
    check = FreshWeights(**fields)
    evidence = factories.evidence(
        cells, outcome=outcome, training=history(*runs, complete=complete, notes=("overflow",))
    )
    return check.judge(factories.case(check, evidence, sections=sections))


def two_runs(share: float = 1.0, **more: Any) -> tuple[TrainingRun, TrainingRun]:
    return training_run(0, 1), training_run(1, 2, start=carried(0, share), **more)


def three_cells(*counts: int | None, stored: str = "", rebuild: str = BUILD) -> tuple[CellRecord, ...]:
    first, second, third = counts or (None, None, None)
    return (
        cell(0, rebuild, count=first),
        cell(1, TRAIN, count=second),
        cell(2, TRAIN, count=third, stored=stored),
    )


def test_a_reused_net_is_named_with_the_run_that_it_goes_on_from():
    judgement = judge(three_cells(), *two_runs(hyperparameters={"lr": 0.1}))
    assert judgement.status is Status.FAIL
    assert judgement.message == (
        "`net` kept the weights of the run in cell 1 when it was trained again in cell 2: it began with"
        " exactly the weights that the earlier run had ended with."
    )
    kept = CarriedRun(
        run=1,
        cell=2,
        object="net",
        model_class="Net",
        carried_from=0,
        carried_share=1.0,
        hyperparameters={"lr": 0.1},
    )
    assert shown(judgement, RunTimeline) == RunTimeline(carried=(kept,))
    assert [place.cell for place in judgement.where] == [2, 1]


def test_part_of_the_weights_is_told_as_a_share():
    message = judge(three_cells(), *two_runs(0.75)).message
    assert "75% of its weight tensors were exactly those that the earlier run had ended with" in message


def test_loading_trained_weights_into_a_new_object_is_reuse():
    start = Start(determined=True, carried_share=1.0, identity_share=0.0, carried_from=0)
    runs = (training_run(0, 1), training_run(1, 2, start=start, model=model("other", token=1)))
    assert judge(three_cells(), *runs).status is Status.FAIL


def test_fresh_runs_pass_whatever_their_number():
    assert judge(three_cells(), training_run(0, 1), training_run(1, 2)).status is Status.PASS


@pytest.mark.parametrize(
    ("cell_of_load", "status"), [(0, Status.NEEDS_TA), (1, Status.NEEDS_TA), (2, Status.PASS)]
)
def test_weights_from_a_file_handed_in_may_be_trained_ones(cell_of_load: int, status: Status):
    use = ShimUse(kind=ShimKind.HANDED_IN_FILE, cell=cell_of_load, detail="torch.load of best.pt")
    check = FreshWeights()
    evidence = factories.evidence(three_cells(), training=history(training_run(0, 1)), shims=(use,))
    judgement = check.judge(factories.case(check, evidence))
    assert judgement.status is status
    assert ("best.pt" in judgement.open) is (status is Status.NEEDS_TA)


def test_the_initial_state_loaded_again_is_fresh():
    start = Start(determined=True, carried_share=1.0, carried_from=0, reloaded_initial=True)
    assert judge(three_cells(), training_run(0, 1), training_run(1, 2, start=start)).status is Status.PASS


@pytest.mark.parametrize(("share", "status"), [(0.49, Status.PASS), (0.5, Status.FAIL)])
def test_the_share_carried_is_held_against_the_threshold(share: float, status: Status):
    assert judge(three_cells(), *two_runs(share)).status is status


def test_a_share_that_is_not_a_number_accuses_nobody():
    assert judge(three_cells(), *two_runs(float("nan"))).status is not Status.FAIL


def test_execution_counts_that_tell_another_order_go_to_a_ta_with_both_stories():
    judgement = judge(three_cells(1, 28, 27), *two_runs())
    assert judgement.status is Status.NEEDS_TA
    assert "goes on in cell 2 from cell 1" in judgement.open
    assert "ran cell 2 first (27, then 28)" in judgement.open
    assert shown(judgement, RunTimeline).undetermined is True
    assert len(shown(judgement, RunTimeline).carried) == 1


def test_execution_counts_in_the_order_of_the_file_change_nothing():
    assert judge(three_cells(1, 2, 3), *two_runs()).status is Status.FAIL


def test_a_cell_run_once_more_later_excuses_no_output_that_begins_as_a_trained_net_does():
    again = three_cells(3, 9, 5, stored="Epoch 1: err 0.304")
    assert judge(again, *two_runs(), first_epoch=FIRST).status is Status.FAIL
    for value in ("0.38", "0.42"):
        other = three_cells(3, 9, 5, stored=f"Epoch 1: err {value}")
        assert judge(other, *two_runs(), first_epoch=FIRST).status is Status.NEEDS_TA
    built_right_before = three_cells(4, 9, 5, stored="Epoch 1: err 0.304")
    assert judge(built_right_before, *two_runs(), first_epoch=FIRST).status is Status.NEEDS_TA
    built_between = three_cells(6, 5, 7, stored="Epoch 1: err 0.304")
    assert judge(built_between, *two_runs(), first_epoch=FIRST).status is Status.NEEDS_TA


def test_execution_counts_of_zero_tell_nothing():
    assert judge(three_cells(1, 5, 0), *two_runs()).status is Status.FAIL


def test_a_net_built_again_between_the_two_runs_by_the_counts_goes_to_a_ta():
    judgement = judge(three_cells(6, 5, 7), *two_runs())
    assert judgement.status is Status.NEEDS_TA
    assert "cell 0, which builds it, in between" in judgement.open


def test_another_cell_run_between_the_two_runs_excuses_nothing():
    assert judge(three_cells(6, 5, 7, rebuild="print(net)"), *two_runs()).status is Status.FAIL


@pytest.mark.parametrize(
    ("value", "status"), [("0.42", Status.NEEDS_TA), ("0.32", Status.FAIL), ("0.38", Status.FAIL)]
)
def test_stored_outputs_that_begin_as_a_fresh_net_contradict_reuse(value: str, status: Status):
    cells = three_cells(stored=f"Epoch 1: err {value}\nEpoch 2: err 0.3")
    assert judge(cells, *two_runs(), first_epoch=FIRST).status is status


def test_stored_outputs_that_begin_as_a_trained_net_make_a_fresh_run_doubtful():
    cells = three_cells(stored="Epoch 1: err 0.26")
    judgement = judge(cells, training_run(0, 1), training_run(1, 2), first_epoch=FIRST)
    assert judgement.status is Status.NEEDS_TA
    assert "0.26" in judgement.open
    assert [place.cell for place in judgement.where] == [2]
    assert shown(judgement, RunTimeline).carried == ()


def test_values_are_paired_with_runs_of_a_cell_only_where_their_numbers_agree():
    cells = three_cells(stored="Epoch 1: err 0.42\nEpoch 1: err 0.43")
    assert judge(cells, *two_runs(), first_epoch=FIRST).status is Status.FAIL
    third = training_run(2, 2, model=model("other", token=1))
    assert judge(cells, *two_runs(), third, first_epoch=FIRST).status is Status.NEEDS_TA


def test_a_rebuild_in_a_cell_that_failed_could_not_be_told():
    error = CellError(type="SyntaxError", message="invalid syntax")
    cells = (
        cell(0, BUILD),
        cell(1, TRAIN),
        cell(2, "class Net(nn.Module)\n    pass\nnet = Net()", error=error),
        cell(3, TRAIN),
    )
    runs = (training_run(0, 1), training_run(1, 3, start=carried(0)))
    judgement = judge(cells, *runs)
    assert judgement.status is Status.NEEDS_TA
    assert "cell 2, which would have built it again, failed" in judgement.open


def test_a_failed_cell_that_builds_nothing_excuses_nothing():
    error = CellError(type="NameError", message="img")
    cells = (cell(0, BUILD), cell(1, TRAIN), cell(2, "alexnet.features(img)", error=error), cell(3, TRAIN))
    runs = (training_run(0, 1), training_run(1, 3, start=carried(0)))
    assert judge(cells, *runs).status is Status.FAIL


def test_a_comparison_that_could_not_be_made_goes_to_a_ta():
    start = Start(determined=False, why="by hand")
    judgement = judge(three_cells(), training_run(0, 1), training_run(1, 2, start=start))
    assert judgement.status is Status.NEEDS_TA
    assert "by hand" in judgement.open


def test_weights_carried_where_one_training_or_two_could_not_be_told_accuse_nobody():
    start = carried(0).model_copy(update={"determined": False, "why": "a schedule written by hand"})
    judgement = judge(three_cells(), training_run(0, 1), training_run(1, 1, start=start))
    assert judgement.status is Status.NEEDS_TA
    assert "a schedule written by hand" in judgement.open
    assert shown(judgement, RunTimeline).carried[0].carried_from == 0


def test_an_incomplete_record_passes_nobody_and_accuses_nobody():
    judgement = judge(three_cells(), training_run(0, 1), complete=False)
    assert judgement.status is Status.NEEDS_TA
    assert "overflow" in judgement.open


def test_one_certain_reuse_is_not_hidden_by_a_doubtful_one():
    cells = (*three_cells(1, 28, 27), cell(3, TRAIN, count=30))
    runs = (*two_runs(), training_run(2, 3, start=carried(1)))
    assert judge(cells, *runs).status is Status.FAIL


def test_nothing_trained_earns_nothing_unless_the_run_was_cut_short_or_outputs_tell_otherwise():
    assert judge((cell(0, "x = 1"),)).status is Status.FAIL
    assert judge((cell(0, "x = 1"),), outcome=Outcome.KERNEL_DIED).status is Status.NEEDS_TA
    stored = (cell(0, TRAIN, stored="Epoch 1: err 0.45"),)
    assert judge(stored, first_epoch=FIRST).status is Status.NEEDS_TA


def test_fresh_runs_prove_nothing_where_our_run_ended_before_the_last_cell():
    judgement = judge(three_cells(), training_run(0, 1), outcome=Outcome.TIMEOUT)
    assert judgement.status is Status.NEEDS_TA
    assert shown(judgement, RunTimeline).undetermined is True


def test_each_net_that_had_to_be_trained_is_a_part_of_the_points():
    wanted = [{"model": ["net", "Net"]}, {"model": ["other"]}]
    both = (training_run(0, 1), training_run(1, 2, model=model("other", token=1, class_name="Other")))
    assert judge(three_cells(), *both, must_train=wanted).status is Status.PASS
    one = judge(three_cells(), both[0], must_train=wanted)
    assert (one.status, one.share) == (Status.PARTIAL, 0.5)
    assert judge(three_cells(), both[0], must_train=wanted[1:]).status is Status.NEEDS_TA
    built = (*three_cells(), cell(3, "other = Other()"))
    assert judge(built, both[0], must_train=wanted[1:]).status is Status.FAIL
    cut = judge(three_cells(), both[0], must_train=wanted, outcome=Outcome.TIMEOUT)
    assert (cut.status, cut.share, cut.open_share) == (Status.NEEDS_TA, 0.5, 0.5)


ASKED = ({"model": ["net", "Net"]}, {"model": ["other", "Other"]})
OTHER = model("other", token=1, class_name="Other")


def asked_in_cell_2(*more: TrainingRun, **fields: Any) -> Judgement:
    """`net` trained in cell 1 and, with the first of its settings, again in cell 2; `other` in cell 2."""
    lr = {"hyperparameters": {"lr": 0.01}}
    runs = (
        training_run(0, 1, hyperparameters={"lr": 0.5}, passes=5),
        training_run(1, 2, start=carried(0), **lr),
        training_run(2, 2, model=OTHER, **lr),
    )
    asked = tuple({**each, "learning_rate": 0.01} for each in ASKED)
    cells = fields.pop("cells", (*three_cells(), cell(3, TRAIN)))
    return judge(cells, *runs, *more, **{"must_train": asked, **fields})


def test_one_net_of_two_that_kept_its_weights_costs_its_own_part():
    judgement = asked_in_cell_2()
    assert (judgement.status, judgement.share) == (Status.PARTIAL, 0.5)
    assert "`net` kept the weights of the run in cell 1" in judgement.message
    assert "`other` started from fresh weights in cell 2." in judgement.message
    assert [each.object for each in shown(judgement, RunTimeline).carried] == ["net"]
    assert [each["state"] for each in rows(judgement, "settings")] == ["carried", "fresh"]
    assert "`net = Net()`" in judgement.advice


def test_training_on_earns_no_less_than_training_nothing():
    lacking = judge(three_cells(), training_run(0, 2, model=OTHER), must_train=ASKED)
    assert lacking.share == asked_in_cell_2().share


def test_all_nets_that_kept_their_weights_earn_nothing():
    second = {"learning_rate": 0.01}
    judgement = judge(three_cells(), *two_runs(hyperparameters={"lr": 0.01}), must_train=[second])
    assert (judgement.status, judgement.share) == (Status.FAIL, 0.0)


def test_a_reuse_outside_the_settings_asked_for_costs_half():
    third = training_run(3, 3, model=OTHER, start=carried(2), hyperparameters={"lr": 0.1})
    fresh_ones = (training_run(0, 1), training_run(1, 2, model=OTHER))
    again = training_run(2, 3, model=OTHER, start=carried(1), hyperparameters={"lr": 0.1})
    cells = (*three_cells(), cell(3, TRAIN))
    assert judge(cells, *fresh_ones, must_train=ASKED).status is Status.PASS
    judgement = judge(cells, *fresh_ones, again, must_train=ASKED)
    assert (judgement.status, judgement.share) == (Status.PARTIAL, 0.5)
    assert "`other` kept the weights of the run in cell 2 when it was trained again in cell 3" in (
        judgement.message
    )
    assert "1 more run did the same" in asked_in_cell_2(third).message


def test_a_doubtful_half_is_open_and_the_other_is_settled():
    cells = (
        cell(0, BUILD, count=1),
        cell(1, TRAIN, count=28, stored="Epoch 1: err 0.26"),
        cell(2, TRAIN, count=27, stored="Epoch 1: err 0.42\nEpoch 1: err 0.43"),
    )
    judgement = asked_in_cell_2(cells=cells, first_epoch=FIRST)
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert judgement.message == "`other` started from fresh weights in cell 2."
    assert judgement.open.startswith("Whether")
    for reason in ("ran cell 2 first (27, then 28)", "begins with 0.42,", "begins with 0.26,"):
        assert reason in judgement.open
    assert judgement.open.endswith(
        "So as the student ran it, `net` started fresh in cell 2, and only the 5 epochs of cell 1 went on"
        " from it."
    )
    assert len(shown(judgement, RunTimeline).reasons) == 3
    assert shown(judgement, RunTimeline).undetermined is True


def test_counts_alone_tell_no_story_of_what_the_student_ran():
    judgement = asked_in_cell_2(cells=three_cells(1, 28, 27), first_epoch=FIRST)
    assert judgement.status is Status.NEEDS_TA
    assert "So as the student ran it" not in judgement.open


def test_a_message_tells_three_reasons_and_the_data_all():
    unknown = Start(determined=False, why="by hand")
    runs = [training_run(place, 1, start=unknown) for place in range(5)]
    judgement = judge(three_cells(), *runs)
    assert judgement.open.count("by hand") == 3
    assert judgement.open.endswith("2 more such reasons.")
    assert len(shown(judgement, RunTimeline).reasons) == 5


def test_doubts_that_change_no_points_leave_nothing_open():
    unknown = training_run(1, 2, start=Start(determined=False, why="by hand"), hyperparameters={"lr": 9})
    asked = [{"model": ["other"]}]
    cells = (*three_cells(), cell(3, "other = Other()"))
    judgement = judge(cells, training_run(0, 1), unknown, must_train=asked)
    assert judgement.status is Status.FAIL
    assert "by hand" not in judgement.open


def test_runs_that_are_all_in_doubt_are_told_at_least():
    unknown = training_run(0, 1, start=Start(determined=False, why="by hand"))
    judgement = judge(three_cells(), unknown, must_train=[{"model": ["net"]}])
    assert (judgement.status, judgement.message) == (Status.NEEDS_TA, "1 training run was seen.")


def test_an_incomplete_record_settles_no_net_as_fresh():
    judgement = asked_in_cell_2(complete=False)
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.0, 0.5)


def in_two_parts(*more: CellRecord) -> tuple[CellRecord, ...]:
    one, two = cell(0, "# One", kind="markdown"), cell(2, "# Two", kind="markdown")
    return (one, cell(1, TRAIN), two, cell(3, TRAIN), *more)


PARTS = {
    "one": Section(title="1", heading="^One"),
    "two": Section(title="2", heading="^Two"),
    "three": Section(title="The third", heading="^Three"),
}


def in_parts(*runs: TrainingRun, cells: tuple[CellRecord, ...] = (), **more: Any) -> Judgement:
    given = [
        cell(0, "# One", kind="markdown"),
        cell(2, "# Two", kind="markdown"),
        cell(1, handout_id="empty"),
    ]
    handout = fingerprint(
        {
            "cells": [
                {"cell_type": c.kind, "source": c.source, "metadata": {"id": c.handout_id}} for c in given
            ]
        }
    )
    check = FreshWeights(**more)
    evidence = factories.evidence(cells or in_two_parts(), training=history(*runs))
    return check.judge(factories.case(check, evidence, sections=PARTS, handout=handout))


def test_sections_limit_the_runs_and_warm_starts_are_allowed_where_the_rubric_says_so():
    runs = (training_run(0, 1), training_run(1, 3, start=carried(0)))
    assert in_parts(*runs).status is Status.FAIL
    assert in_parts(*runs, sections=("one",)).status is Status.PASS
    assert in_parts(*runs, sections=("two",)).status is Status.FAIL
    assert in_parts(*runs, warm_starts=("two",)).status is Status.PASS


def test_runs_outside_the_sections_asked_for_go_to_a_ta_where_these_train_nothing():
    assert in_parts(training_run(0, 1), sections=("two",)).status is Status.NEEDS_TA
    cells = (*in_two_parts()[:3], cell(3, handout_id="empty"))
    untouched = in_parts(training_run(0, 1), cells=cells, sections=("two",))
    assert untouched.status is Status.FAIL
    assert "Nothing was handed in" in untouched.message
    assert shown(untouched, RunTimeline).carried == ()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"sections": ("one", "two")}, Status.FAIL),
        ({"sections": ("one", "three")}, Status.NEEDS_TA),
        ({"warm_starts": ("three",)}, Status.NEEDS_TA),
        ({"sections": ("two",), "warm_starts": ("three",)}, Status.NEEDS_TA),
        ({"sections": ("two", "three")}, Status.FAIL),
    ],
)
def test_a_run_that_may_stand_in_a_part_that_was_not_found_accuses_nobody(
    fields: dict[str, tuple[str, ...]], status: Status
):
    judgement = in_parts(training_run(0, 1), training_run(1, 3, start=carried(0)), **fields)
    assert judgement.status is status
    assert ("the part 'The third' was not found" in judgement.open) == (status is Status.NEEDS_TA)


BOTH = ({"model": ("net", "Net"), "section": "one"}, {"model": ("other", "Other"), "section": "one"})


def test_a_net_trained_in_another_part_counts_where_its_own_trains_nothing():
    runs = (training_run(0, 3), training_run(1, 3, model=OTHER))
    assert in_parts(*runs, must_train=BOTH).status is Status.PASS
    here = (training_run(0, 1), training_run(1, 3, model=OTHER))
    assert in_parts(*here, must_train=BOTH).status is Status.PARTIAL


def test_a_net_trained_elsewhere_goes_to_a_ta_where_its_own_part_was_left_empty():
    cells = (in_two_parts()[0], cell(1, handout_id="empty"), *in_two_parts()[2:])
    judgement = in_parts(training_run(0, 3), cells=cells, must_train=BOTH)
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.0, 0.5)


def test_a_net_that_was_to_be_trained_by_a_cell_that_failed_is_open():
    failed = cell(1, TRAIN, error=CellError(type="FileNotFoundError"))
    cells = (in_two_parts()[0], failed, *in_two_parts()[2:])
    for runs in ((training_run(0, 1),), (training_run(0, 3),)):
        judgement = in_parts(*runs, cells=cells, must_train=BOTH)
        assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)


@pytest.mark.parametrize(
    "code",
    [
        "grads = torch.autograd.grad(loss, list(net.parameters()))",
        "loss.backward()",
        "def fit(net):\n    for x, y in loader:\n        criterion(net(x), y).backward()\nfit(net)",
        "step = torch.func.grad_and_value(compute)\nstep(weights)",
        "import helper\nhelper.train(net, loader)",
        "from helper import train_net\ntrain_net(net, loader)",
        "trainer.fit(net, loader)",
    ],
)
def test_gradients_without_a_recorded_step_are_no_proof_that_nothing_was_trained(code: str):
    judgement = judge((cell(0, "net = Net()"), cell(1, code)))
    assert judgement.status is Status.NEEDS_TA
    assert "there is code that takes gradients or trains" in judgement.open


@pytest.mark.parametrize(
    "code",
    [
        "def fit(net):\n    loss.backward()",
        "net.train()\nnet.train(False)",
        "print('train')\ngrad = 1",
        "class Trainer:\n    def fit(self): self.loss.backward()",
    ],
)
def test_code_for_a_training_that_never_runs_trains_nothing(code: str):
    assert judge((cell(0, "net = Net()"), cell(1, code))).status is Status.FAIL


def test_an_incomplete_record_without_a_run_does_not_say_that_nothing_was_trained():
    assert judge((cell(0, "net = Net()"),), complete=False).status is Status.NEEDS_TA


def test_fresh_runs_elsewhere_earn_nothing_for_a_part_that_is_lost_or_that_only_raised():
    sections = {"one": Section(title="One", heading="^One"), "two": Section(title="Two", heading="^Two")}
    check = FreshWeights(sections=("two",))
    one = (cell(0, "# One", kind="markdown"), cell(1, "train(net)"))
    raised = (cell(2, "# Two", kind="markdown"), cell(3, "train(net)", error=CellError(type="NameError")))
    for cells, runs, says in (
        (one, (training_run(0, 1),), "'Two' was not found"),
        ((*one, *raised), (training_run(0, 1), training_run(1, 3)), "no cell of the part 'Two' ran"),
    ):
        evidence = factories.evidence(cells, training=history(*runs))
        judgement = check.judge(factories.case(check, evidence, sections=sections))
        assert judgement.status is Status.NEEDS_TA
        assert says in judgement.open


LIKE = "its weights resemble those that run 0 ended with"


def test_weights_beside_equal_ones_that_resemble_trained_ones_are_for_a_ta():
    start = carried(0, 0.25).model_copy(update={"resembles": LIKE})
    judgement = judge(three_cells(), training_run(0, 1), training_run(1, 2, start=start))
    assert judgement.status is Status.NEEDS_TA
    assert f"25% of its weight tensors are those of an earlier run, and {LIKE}" in judgement.open
    assert judge(three_cells(), *two_runs(0.25)).status is Status.PASS


def test_what_resembles_trained_weights_takes_nothing_from_what_is_certain():
    start = carried(0, 0.5).model_copy(update={"resembles": LIKE})
    judgement = judge(three_cells(), training_run(0, 1), training_run(1, 2, start=start))
    assert judgement.status is Status.FAIL
