"""Different settings that were tried, counted; and whether the network itself was among the changes."""

from __future__ import annotations

from typing import Any

import pytest

from grader.evidence.record import CellRecord, Outcome
from grader.evidence.training import LayerList, TrainingRun
from grader.judging.judgement import Judgement, Status
from tests.factories import cell, layer_list, model, rows

from .trained import CELLS, judge, run


def different(judgement: Judgement) -> int:
    """How many different settings were counted."""
    (row,) = rows(judgement, "different settings")
    return int(row["different"])


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


def test_trainings_that_may_differ_in_what_is_not_known_are_neither_one_nor_two():
    by_hand = [run(place, 1, 0.1, 16, method="by_hand", steps=9 + place) for place in range(2)]
    assert judge(*by_hand, at_least=2).status is Status.NEEDS_TA
    alike = [one.model_copy(update={"steps": 9}) for one in by_hand]
    assert judge(*alike, at_least=2).status is Status.PARTIAL
