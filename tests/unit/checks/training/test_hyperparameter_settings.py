"""Settings that were trained, and settings that were only talked about."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from grader.checks.training.hyperparameter_settings import HyperparameterSettings
from grader.evidence.record import CellError, CellRecord, Outcome
from grader.evidence.training import DataSource, LayerList, TrainingRun
from grader.facts.handout import fingerprint
from grader.facts.sections import Section
from grader.judging.judgement import Judgement, Status
from tests import factories
from tests.factories import cell, history, layer_list, model, rows, training_run

SECTIONS = {
    "a": Section(title="a", heading="^Part a"),
    "b": Section(title="b", heading="^Part b"),
}
CELLS = (
    cell(0, "# Part a", kind="markdown"),
    cell(1, "train(net)"),
    cell(2, "# Part b", kind="markdown"),
    cell(3, "train(net)"),
)
WANTED = [
    {"title": "slow", "model": ["net", "Net"], "learning_rate": 0.001, "batch_size": 64, "section": "a"},
    {"title": "small", "model": ["net", "Net"], "learning_rate": 0.01, "batch_size": 16, "section": "b"},
]


def different(judgement: Judgement) -> int:
    """How many different settings were counted."""
    (row,) = rows(judgement, "different settings")
    return int(row["different"])


def source(token: int, batch_size: int) -> DataSource:
    return DataSource(token=token, dataset_token=0, dataset="CIFAR10", batch_size=batch_size)


def run(index: int, cell_index: int, rate: float, batch: int | None, **more: Any) -> TrainingRun:
    batches = () if batch is None else (batch, 3)
    given = {"hyperparameters": {"lr": rate, "momentum": 0.9}, "batch_sizes": batches, "passes": 30, **more}
    return training_run(index, cell_index, **given)


def judge(
    *runs: TrainingRun,
    cells: tuple[CellRecord, ...] = CELLS,
    outcome: Outcome = Outcome.COMPLETED,
    sources: tuple[DataSource, ...] = (),
    layer_lists: tuple[LayerList, ...] = (),
    **fields: Any,
) -> Judgement:
    check = HyperparameterSettings(**(fields or {"settings": WANTED}))
    evidence = factories.evidence(
        cells, training=history(*runs, sources=sources, layer_lists=layer_lists), outcome=outcome
    )
    return check.judge(factories.case(check, evidence, sections=SECTIONS))


def test_each_setting_trained_as_asked_is_a_part_of_the_points():
    assert judge(run(0, 1, 0.001, 64), run(1, 3, 0.01, 16)).status is Status.PASS
    half = judge(run(0, 1, 0.001, 64), run(1, 3, 0.01, 512))
    assert (half.status, half.share) == (Status.PARTIAL, 0.5)
    assert "small was trained with batch size 512 instead of 16 in cell 3." in half.message
    slow_again = judge(run(0, 1, 0.001, 64), run(1, 3, 0.001, 64)).message
    assert slow_again.endswith(
        "small was trained with learning rate 0.001 instead of 0.01, batch size 64 instead of 16 in cell 3,"
        " which is slow again."
    )
    assert [place.cell for place in half.where] == [3]
    assert judge(run(0, 1, 0.1, 64), run(1, 3, 0.01, 512)).status is Status.FAIL


def test_the_only_training_of_one_setting_is_not_said_to_be_that_one_again():
    anywhere = [{**each, "section": None} for each in WANTED]
    once = judge(run(0, 1, 0.001, 64), settings=anywhere)
    assert once.message.endswith("small was not trained: the training in cell 1 is slow.")
    twice = judge(run(0, 1, 0.001, 64), run(1, 3, 0.001, 64), settings=WANTED)
    assert twice.message.endswith("in cell 3, which is slow again.")


def test_the_batch_size_given_to_the_loader_counts_more_than_the_batches_seen():
    runs = (run(0, 1, 0.001, 3, source=0), run(1, 3, 0.01, 3, source=1))
    assert judge(*runs, sources=(source(0, 64), source(1, 16))).status is Status.PASS


def test_another_net_than_the_one_asked_for_is_wrong():
    other = run(1, 3, 0.01, 16, model=model("tiny", class_name="Tiny"))
    judgement = judge(run(0, 1, 0.001, 64), other)
    assert "`tiny` instead of `net`" in judgement.message
    assert judgement.status is Status.PARTIAL


def test_a_wrong_attempt_beside_the_right_one_costs_nothing():
    assert judge(run(0, 1, 0.5, 64), run(1, 1, 0.001, 64), run(2, 3, 0.01, 16)).status is Status.PASS


def test_a_setting_trained_in_another_section_counts_where_its_own_trains_nothing():
    assert judge(run(0, 1, 0.001, 64), run(1, 1, 0.01, 16)).status is Status.PASS


def test_a_value_that_was_not_recorded_goes_to_a_ta():
    judgement = judge(run(0, 1, 0.001, 64), run(1, 3, 0.01, None))
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)


def test_a_section_whose_cell_failed_goes_to_a_ta_and_the_rest_is_settled():
    failed = (*CELLS[:3], cell(3, "train(net)", error=CellError(type="NameError")))
    judgement = judge(run(0, 1, 0.001, 64), cells=failed)
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert judge(run(0, 1, 0.001, 64)).status is Status.PARTIAL
    assert judge(run(0, 1, 0.001, 64), outcome=Outcome.TIMEOUT).status is Status.NEEDS_TA


def test_no_run_at_all_accuses_nobody_who_wrote_code():
    judgement = judge()
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.0, 1.0)


def test_sections_without_an_answer_earn_nothing():
    empty = (CELLS[0], cell(1), CELLS[2], cell(3))
    given = fingerprint({"cells": [{"cell_type": c.kind, "source": c.source, "metadata": {}} for c in empty]})
    check = HyperparameterSettings(settings=WANTED)
    evidence = factories.evidence(empty)
    judgement = check.judge(factories.case(check, evidence, sections=SECTIONS, handout=given))
    assert judgement.status is Status.FAIL
    assert judgement.open_share == 0


def test_different_settings_are_counted_and_a_change_of_the_network_can_be_asked_for():
    runs = [run(place, 1, 0.1 / (place + 1), 64) for place in range(4)]
    assert judge(*runs, at_least=4).status is Status.PASS
    assert judge(*runs[:3], runs[2], at_least=4).status is Status.PARTIAL
    assert judge(*runs[:3], outcome=Outcome.TIMEOUT, at_least=4).status is Status.NEEDS_TA


NET = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()"

NAMED = NET.replace("self):", "self, name='cnn'):") + "\n        self.name = name\n"


LAYERS = (layer_list("fc: Linear(in_features=4)"), layer_list("fc: Linear(in_features=8)"))


def four_runs(*others: int, class_name: str = "Net") -> list[TrainingRun]:
    """Runs at four learning rates; the last ones with networks of these layers, the others with the first."""
    nets = [model(class_name=class_name, layers=place) for place in [0] * (4 - len(others)) + list(others)]
    return [run(place, 1, 0.1 / (place + 1), 64, model=net) for place, net in enumerate(nets)]


def redesigned(*runs: TrainingRun, source: str = NET, **more: Any) -> Judgement:
    cells = (CELLS[0], cell(1, source), *CELLS[2:])
    return judge(*runs, cells=cells, at_least=4, architectural=True, **{"layer_lists": LAYERS, **more})


def test_a_change_of_the_network_can_be_asked_for():
    assert redesigned(*four_runs(1)).status is Status.PASS
    flat = redesigned(*four_runs())
    assert (flat.status, flat.share) == (Status.PARTIAL, 0.5)
    assert "None of them changes the network itself" in flat.message


@pytest.mark.parametrize(
    "source",
    [
        NET.replace("self):", "self, activation):"),
        NET.replace("self):", "self, *, depth=2):"),
        NET.replace("self):", "self, **options):"),
        f"{NET}\nnet = Net()\n{NET}",
        NAMED + "        self.twice = name\n    def forward(self, x):\n        return x * self.twice",
        NAMED + "        self.fc = make(name)",
        NAMED + "    def forward(self, x):\n        return x if getattr(self, 'nam' + 'e') else -x",
        NAMED + "    def forward(self, x):\n        return self.__dict__['na' + 'me'] * x",
        NAMED.replace("nn.Module", "Base"),
        "from course import Net",
    ],
)
def test_networks_that_may_differ_in_functional_layers_go_to_a_ta(source: str):
    judgement = redesigned(*four_runs(), source=source)
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)


def edited(
    *trainings: CellRecord, count: int | None = None, at_least: int = 2, source: str = NET
) -> Judgement:
    """A class in cell 0, and a run in each of these cells, all with the class as it is now."""
    cells = (cell(0, source, count=count), *trainings)
    net = model(class_name="Net", layers=0)
    runs = [run(place, each.index, 0.1 / (place + 1), 64, model=net) for place, each in enumerate(trainings)]
    return judge(*runs, cells=cells, layer_lists=LAYERS, at_least=at_least, architectural=True)


SHOWN = "Net(\n  (fc): Linear(in_features={}, out_features=1, bias=True)\n)"


@pytest.mark.parametrize(
    ("first", "second", "count", "told"),
    [
        (
            {"count": 3},
            {"count": 6},
            5,
            "ran cell 0, which defines `Net`, again after the training in cell 1",
        ),
        (
            {"stored": SHOWN.format(4), "printed": SHOWN.format(8)},
            {"stored": SHOWN.format(8), "printed": SHOWN.format(8)},
            None,
            "for the training in cell 1 the file handed in shows layers that ours has not",
        ),
        (
            {"stored": "parameters: 386", "printed": "parameters: 9,705"},
            {},
            None,
            "shows a number of parameters that ours has not",
        ),
        (
            {"source": "train(net)  # 1 convolution"},
            {"source": "train(net)  # 2 convolutions"},
            None,
            "in cell 1 the student speaks of 1 convolution, and beside that in cell 2 of 2",
        ),
        (
            {"source": "plot(train(net), title='two hidden layers')"},
            {"source": "plot(train(net), title='three hidden layers')"},
            None,
            "speaks of 2 hidden layer",
        ),
        (
            {"source": "train(net, 'hidden units: 32')"},
            {"source": "train(net, 'hidden units: 64')"},
            None,
            "32",
        ),
    ],
)
def test_a_network_edited_in_place_between_trainings_goes_to_a_ta(
    first: dict[str, Any], second: dict[str, Any], count: int | None, told: str
):
    trainings = [
        cell(place, **{"source": "train(net)", **more}) for place, more in enumerate((first, second), start=1)
    ]
    judgement = edited(*trainings, count=count)
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert told in judgement.open


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ({"count": 3}, {"count": 6}, 2),
        ({"count": 3}, {"count": 6}, 7),
        ({"count": 0}, {"count": 6}, 5),
        ({"stored": SHOWN.format(4), "printed": SHOWN.format(4)}, {}, None),
        ({"stored": SHOWN.format(4)}, {}, None),
        ({"stored": "lr 0.1 err 0.3", "printed": "lr 0.1 err 0.4"}, {}, None),
        ({"source": "train(net)  # 2 convolutions"}, {"source": "train(net)  # 2 convolutions"}, None),
        ({"source": "train(net)  # 2 convolutions"}, {"source": "train(net)  # 3 linear layers"}, None),
        ({"source": "train(net)  # 10 epochs"}, {"source": "train(net)  # 20 epochs"}, None),
    ],
)
def test_what_tells_of_no_other_network_leaves_the_points_as_they_are(
    first: dict[str, Any], second: dict[str, Any], count: int | None
):
    trainings = [
        cell(place, **{"source": "train(net)", **more}) for place, more in enumerate((first, second), start=1)
    ]
    judgement = edited(*trainings, count=count)
    assert (judgement.status, judgement.share) == (Status.PARTIAL, 0.5)
    assert "None of them changes the network itself" in judgement.message


def test_settings_that_were_too_few_may_be_more_where_a_network_was_edited_in_place():
    net = model(class_name="Net", layers=0)
    cells = (cell(0, NET, count=5), cell(1, "train(net)", count=3), cell(2, "train(net)", count=6))
    runs = [run(place, place + 1, 0.1, 64, model=net) for place in range(2)]
    judgement = judge(*runs, cells=cells, layer_lists=LAYERS, at_least=4)
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.25, 0.25)
    assert "ran cell 0, which defines `Net`, again" in judgement.open
    in_order = (cell(0, NET, count=2), *cells[1:])
    assert judge(*runs, cells=in_order, layer_lists=LAYERS, at_least=4).status is Status.PARTIAL


def test_an_argument_that_is_kept_and_never_read_changes_no_network():
    flat = redesigned(*four_runs(), source=NAMED + "    def forward(self, x):\n        return self.fc(x)")
    assert (flat.status, flat.share) == (Status.PARTIAL, 0.5)
    assert flat.advice.startswith("Change the network itself")


BODY = "conv: Conv2d(in_channels=3)"


def cut_lists(*digests: str | None) -> tuple[LayerList, ...]:
    """Networks of which the record lists an equal first part only, with these digests of the whole."""
    return tuple(layer_list(BODY, cut=True, whole=digest) for digest in digests)


def two_runs() -> list[TrainingRun]:
    """Two runs that differ in nothing but the network."""
    return [run(place, 1, 0.1, 64, model=model(layers=place)) for place in range(2)]


def test_networks_that_differ_beyond_what_is_listed_are_two_by_their_digests():
    twice = judge(*two_runs(), at_least=2, layer_lists=cut_lists("a", "b"))
    assert (twice.status, different(twice)) == (Status.PASS, 2)
    assert redesigned(*four_runs(1), layer_lists=cut_lists("a", "b")).status is Status.PASS


def test_networks_of_equal_digests_are_one_however_much_is_listed():
    once = judge(*two_runs(), at_least=2, layer_lists=cut_lists("a", "a"))
    assert (once.status, different(once)) == (Status.PARTIAL, 1)
    assert redesigned(*four_runs(1), layer_lists=cut_lists("a", "a")).status is Status.PARTIAL


def test_networks_cut_without_a_digest_are_neither_one_nor_two():
    unknown = judge(*two_runs(), at_least=2, layer_lists=cut_lists(None, None))
    assert unknown.status is Status.NEEDS_TA
    assert "not all that tells these trainings apart was recorded" in unknown.open
    assert redesigned(*four_runs(1), layer_lists=cut_lists(None, None)).status is Status.NEEDS_TA


def test_networks_that_differ_in_what_is_listed_are_two_whatever_was_cut():
    lists = (layer_list(BODY, cut=True), layer_list("fc: Linear(in_features=4)", cut=True))
    assert judge(*two_runs(), at_least=2, layer_lists=lists).status is Status.PASS
    assert redesigned(*four_runs(1), layer_lists=lists).status is Status.PASS


def test_enough_other_settings_need_no_look_at_networks_that_were_cut():
    runs = [*two_runs(), run(2, 1, 0.2, 64)]
    assert judge(*runs, at_least=2, layer_lists=cut_lists(None, None)).status is Status.PASS
    three = judge(*runs, at_least=4, layer_lists=cut_lists(None, None))
    assert (three.status, three.share, three.open_share) == (Status.NEEDS_TA, 0.5, 0.25)


def test_settings_are_listed_in_the_order_in_which_they_were_trained():
    runs = [run(place, cell_index, 0.1 / (place + 1), 64) for place, cell_index in enumerate((1, 3))]
    assert [place.cell for place in judge(*runs, at_least=2).where] == [1, 3]


def test_the_chosen_setting_trained_once_more_counts_only_where_others_are_too_few():
    fields = {"at_least": 2, "final": ("b",)}
    tried, again = [run(0, 1, 0.1, 64), run(1, 1, 0.01, 64)], run(2, 3, 0.01, 64, passes=28)
    assert different(judge(*tried, again, **fields)) == 2
    assert judge(tried[0], again, **fields).status is Status.PASS


def test_two_classes_with_equal_modules_may_be_two_networks():
    other = four_runs()[3].model_copy(update={"model": four_runs(class_name="Wide")[3].model})
    assert redesigned(*four_runs()[:3], other).status is Status.NEEDS_TA


def test_equal_sequential_networks_are_one_network():
    assert redesigned(*four_runs(class_name="Sequential")).status is Status.PARTIAL


def test_a_baseline_is_a_setting_where_others_were_tried():
    fields = {"at_least": 2, "sections": ("b",), "baselines": ("a",)}
    baseline, tried = run(0, 1, 0.1, 64), run(1, 3, 0.01, 64)
    assert judge(baseline, tried, **fields).status is Status.PASS
    assert judge(baseline, tried, at_least=2, sections=("b",)).status is Status.PARTIAL
    assert judge(baseline, **fields).status is Status.FAIL


def test_settings_that_were_tried_in_another_part_go_to_a_ta():
    judgement = judge(run(0, 1, 0.1, 64), run(1, 1, 0.01, 64), at_least=2, sections=("b",))
    assert judgement.status is Status.NEEDS_TA
    assert judgement.message.startswith("2 different settings were trained.")


def test_another_training_in_a_section_with_a_failed_cell_is_not_held_against_the_student():
    cells = (*CELLS, cell(4, "train(other)", error=CellError(type="NameError")))
    judgement = judge(run(0, 1, 0.001, 64), run(1, 3, 0.01, 512), cells=cells)
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert "small: batch size 512 instead of 16, but not everything ran" in judgement.message


def test_a_section_left_empty_is_open_where_its_setting_is_trained_elsewhere():
    empty = (CELLS[0], CELLS[1], CELLS[2], cell(3))
    given = fingerprint({"cells": [{"cell_type": c.kind, "source": c.source, "metadata": {}} for c in empty]})
    check = HyperparameterSettings(settings=WANTED)
    cells = (CELLS[0], cell(1, "train(net); train(small)"), *empty[2:])
    training = history(run(0, 1, 0.001, 64), run(1, 1, 0.01, 16))
    evidence = factories.evidence(cells, training=training)
    judgement = check.judge(factories.case(check, evidence, sections=SECTIONS, handout=given))
    assert (judgement.status, judgement.share, judgement.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert "cell 1 trains it" in judgement.message


def test_a_rubric_asks_for_settings_or_for_a_number_of_them():
    for fields in ({}, {"settings": WANTED, "at_least": 2}):
        with pytest.raises(ValidationError, match="either settings or at_least"):
            HyperparameterSettings(**fields)


TWO = [
    {"title": "fast", "learning_rate": 0.1, "epochs": 4},
    {"title": "slow", "learning_rate": 0.02, "epochs": 4},
]


def with_code(code: str, *runs: TrainingRun) -> Judgement:
    """Two settings anywhere, judged on runs of cell 1, which has this code."""
    cells = (CELLS[0], cell(1, code), *CELLS[2:])
    return judge(*runs, cells=cells, settings=TWO)


def twice(first: float, second: float, **more: Any) -> tuple[TrainingRun, TrainingRun]:
    """Runs of two networks at these rates."""
    given = {"passes": 4, **more}
    nets = model("one"), model("two").model_copy(update={"token": 1})
    return tuple(  # type: ignore[return-value]
        run(place, 1, rate, 16, model=net, **given)
        for place, (rate, net) in enumerate(zip((first, second), nets, strict=True))
    )


def test_epochs_that_nobody_counts_are_no_wrong_number_of_them():
    for more in ({"method": "by_hand", "passes": 1}, {"passes": 0}):
        judgement = with_code("train(net)", *twice(0.1, 0.02, **more))
        assert judgement.status is Status.NEEDS_TA
        assert all(row["state"] == "unsure" for row in rows(judgement, "settings"))
    assert with_code("train(net)", *twice(0.1, 0.02, passes=1)).status is Status.FAIL


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("batches = iter(loader)\nfor step in range(36): x, y = next(batches)", Status.NEEDS_TA),
        (
            "def forever():\n    while True:\n        yield from loader\nfor x, y in forever(): ...",
            Status.NEEDS_TA,
        ),
        ("for x, y in islice(cycle(loader), 36): ...", Status.NEEDS_TA),
        ("for epoch in range(18):\n    for x, y in loader: ...", Status.FAIL),
    ],
)
def test_batches_taken_one_by_one_from_a_loader_that_was_cut_are_no_epochs(code: str, status: Status):
    assert with_code(code, *twice(0.1, 0.02, passes=18, passes_cut=18)).status is status


@pytest.mark.parametrize(
    "code",
    [
        "schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, warm)\ntrain(net)",
        "def train(net):\n    schedule = LinearLR(SGD(net.parameters(), lr), 0.1)\ntrain(net)",
        "schedule = get_linear_schedule_with_warmup(optimizer, 10, 100)",
        "optimizer = SGD([{'params': net.conv.parameters()}, {'params': net.fc.parameters(), 'lr': 0.1}])",
        "for epoch in range(4):\n    for group in optimizer.param_groups:\n        group['lr'] = warm(epoch)",
    ],
)
def test_the_rate_of_a_first_step_is_not_the_one_that_a_schedule_works_up_to(code: str):
    assert with_code(code, *twice(0.004, 0.0008)).status is Status.NEEDS_TA
    assert with_code("train(net, lr=0.004)", *twice(0.004, 0.0008)).status is Status.FAIL


def test_the_largest_rate_of_a_schedule_is_its_rate():
    runs = [
        one.model_copy(update={"hyperparameters": {"lr": rate / 25, "max_lr": rate}})
        for one, rate in zip(twice(0.1, 0.02), (0.1, 0.02), strict=True)
    ]
    assert with_code("schedule = OneCycleLR(optimizer, max_lr=lr)", *runs).status is Status.PASS


def test_schedules_that_begin_at_the_rate_that_was_set_excuse_no_other_rate():
    for code in ("s = StepLR(optimizer, 2)", "s = ExponentialLR(optimizer, 0.9)", "print(group['lr'])"):
        assert with_code(code, *twice(0.004, 0.0008)).status is Status.FAIL


def test_one_training_in_several_records_has_no_wrong_number_of_epochs():
    first = run(0, 1, 0.1, 16, passes=1)
    parts = [
        first,
        *(run(place, 1, 0.1, 16, passes=1, start=factories.carried(place - 1)) for place in (1, 2, 3)),
    ]
    judgement = with_code("for epoch in range(4):\n    group['lr'] = 0.1", *parts)
    assert [row["state"] for row in rows(judgement, "settings")] == ["unsure", "wrong"]


def test_trainings_that_may_differ_in_what_is_not_known_are_neither_one_nor_two():
    by_hand = [run(place, 1, 0.1, 16, method="by_hand", steps=9 + place) for place in range(2)]
    assert judge(*by_hand, at_least=2).status is Status.NEEDS_TA
    alike = [one.model_copy(update={"steps": 9}) for one in by_hand]
    assert judge(*alike, at_least=2).status is Status.PARTIAL


def test_a_section_whose_code_takes_gradients_unseen_may_have_trained():
    cells = (*CELLS[:3], cell(3, "grads = torch.autograd.grad(loss, weights)"))
    unseen = judge(run(0, 1, 0.001, 64), cells=cells)
    assert (unseen.status, unseen.share, unseen.open_share) == (Status.NEEDS_TA, 0.5, 0.5)
    assert judge(run(0, 1, 0.001, 64)).status is Status.PARTIAL
