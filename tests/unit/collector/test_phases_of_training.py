"""One training with several optimizers accuses nobody; trainings that are started anew are told apart."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from grader.checks.training.fresh_weights import FreshWeights
from grader.checks.training.hyperparameter_settings import HyperparameterSettings
from grader.facts.training.settings import Setting
from grader.judging.check import Check
from grader.judging.exhibits import RunTimeline
from grader.judging.judgement import Judgement, Status
from tests import factories

SETUP = """
import copy
torch.manual_seed(5)
points = TensorDataset(torch.randn(32, 6), torch.randint(0, 2, (32,)))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(6, 5)
        self.head = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))

    def forward(self, x):
        return self.head(torch.tanh(self.body(x)))

def through(net, stepper, data=points, size=8):
    for x, y in DataLoader(data, batch_size=size, shuffle=True):
        stepper.zero_grad()
        F.cross_entropy(net(x), y).backward()
        stepper.step()

def train(net, rate=0.1, epochs=3, kind=torch.optim.SGD):
    stepper = kind(net.parameters(), lr=rate)
    for _ in range(epochs):
        through(net, stepper)
"""

PHASES = {
    "a lower rate each epoch": """
        def fit(net):
            for epoch in range(3):
                through(net, torch.optim.SGD(net.parameters(), lr=0.1 / (1 + epoch)))

        net = Net()
        fit(net)
        """,
    "a lower rate at a milestone, outside any function": """
        net = Net()
        for epoch in range(6):
            if epoch in (0, 3):
                stepper = torch.optim.SGD(net.parameters(), lr=0.1 if epoch == 0 else 0.01)
            through(net, stepper)
        """,
    "stages whose rate falls, outside any function": """
        net = Net()
        for stage in range(3):
            stepper = torch.optim.SGD(net.parameters(), lr=0.1 * 0.1 ** stage)
            for epoch in range(2):
                through(net, stepper)
        """,
    "one optimizer, then another kind": """
        def fit(net):
            first = torch.optim.Adam(net.parameters(), lr=0.01)
            for _ in range(2):
                through(net, first)
            second = torch.optim.SGD(net.parameters(), lr=0.01)
            for _ in range(2):
                through(net, second)

        net = Net()
        fit(net)
        """,
    "two calls of a helper within one training": """
        def fit(net):
            train(net, 0.01, 2, torch.optim.Adam)
            train(net, 0.1, 2, torch.optim.SGD)
            return net

        net = fit(Net())
        """,
    "the head, then all layers, in two statements": """
        net = Net()
        net.body.requires_grad_(False)
        train(net)
        net.body.requires_grad_(True)
        train(net, 0.01)
        """,
    "all layers, then the head, in two statements": """
        net = Net()
        train(net)
        net.body.requires_grad_(False)
        train(net, 0.01)
        """,
    "the head by its own optimizer, then all layers": """
        def fit(net):
            for part in (net.head, net):
                stepper = torch.optim.SGD(part.parameters(), lr=0.1)
                for _ in range(2):
                    through(net, stepper)

        net = Net()
        fit(net)
        """,
    "a function for one epoch that makes all it needs": """
        def one_epoch(net, rate):
            through(net, torch.optim.SGD(net.parameters(), lr=rate))

        net = Net()
        for epoch in range(4):
            one_epoch(net, 0.1)
        """,
    "an optimizer for each batch": """
        net = Net()
        for number, (x, y) in enumerate(DataLoader(points, batch_size=8)):
            stepper = torch.optim.SGD(net.parameters(), lr=0.1 / (1 + number))
            stepper.zero_grad()
            F.cross_entropy(net(x), y).backward()
            stepper.step()
        """,
    "more and more of the data": """
        net = Net()
        for share in [16, 32]:
            part = torch.utils.data.Subset(points, range(share))
            stepper = torch.optim.SGD(net.parameters(), lr=0.1)
            for _ in range(2):
                through(net, stepper, part)
        """,
    "settings compared, each on a new network that goes through two phases": """
        def fit(net, rate):
            train(net, rate, 2, torch.optim.Adam)
            train(net, rate / 10, 2)

        for rate in [0.1, 0.02]:
            net = Net()
            fit(net, rate)
        """,
    "one setting of a list, on a network that a function makes": """
        def make():
            return Net()

        def fit(net, rate):
            train(net, rate, 2, torch.optim.Adam)
            train(net, rate / 10, 2)

        def compare(rates):
            for rate in rates:
                fit(make(), rate)

        compare([0.1])
        """,
    "inside a block that does not repeat": """
        def fit(net):
            train(net, 0.1)
            train(net, 0.01)

        if __name__:
            net = Net()
            fit(net)
        """,
}

ANEW = {
    "a loop over rates": """
        net = Net()
        for rate in [0.1, 0.02]:
            train(net, rate)
        """,
    "a loop over rates by their number": """
        net, rates = Net(), [0.1, 0.02]
        for number in range(len(rates)):
            train(net, rates[number])
        """,
    "a loop over rates that trains itself": """
        net = Net()
        for rate in (0.1, 0.02):
            stepper = torch.optim.SGD(net.parameters(), lr=rate)
            for _ in range(2):
                through(net, stepper)
        """,
    "a loop over rates in a function": """
        def compare(net):
            for rate in [0.1, 0.02]:
                train(net, rate)

        compare(Net())
        """,
    "rates in a comprehension": """
        net = Net()
        results = {rate: train(net, rate) for rate in [0.1, 0.02]}
        """,
    "a loop over rates that are named": """
        def train_at(net, rate, epochs=2):
            stepper = torch.optim.SGD(net.parameters(), lr=rate)
            for epoch in range(epochs):
                through(net, stepper)

        net = Net()
        for name, rate in {"high": 0.1, "low": 0.02}.items():
            train_at(net, rate=rate, epochs=3)
        """,
    "a loop over batch sizes": """
        net = Net()
        for size in [8, 16]:
            stepper = torch.optim.SGD(net.parameters(), lr=0.1)
            for _ in range(2):
                through(net, stepper, size=size)
        """,
    "the same again in a loop": """
        net = Net()
        for trial in range(2):
            train(net)
        """,
    "the same again in a function": """
        def main():
            net = Net()
            train(net)
            train(net)

        main()
        """,
    "two statements": """
        net = Net()
        train(net, 0.1)
        train(net, 0.02)
        """,
    "two calls in a line": "net = Net(); train(net, 0.1, 1); train(net, 0.02, 1)",
    "two calls in a statement": """
        net = Net()
        first, second = train(net, 0.1), train(net, 0.02)
        """,
    "without a loader, a loop over rates": """
        net, (x, y) = Net(), points.tensors
        for rate in [0.1, 0.02]:
            stepper = torch.optim.SGD(net.parameters(), lr=rate)
            for _ in range(20):
                stepper.zero_grad()
                F.cross_entropy(net(x), y).backward()
                stepper.step()
        """,
    "a state dict that was not copied": """
        net = Net()
        start = net.state_dict()
        for rate in [0.1, 0.02]:
            net.load_state_dict(start)
            train(net, rate)
        """,
    "a copy of the trained network": """
        net = Net()
        for rate in [0.1, 0.02]:
            net = copy.deepcopy(net)
            train(net, rate)
        """,
}


FRESH = FreshWeights()
RATE = HyperparameterSettings(settings=(Setting(title="medium rate", learning_rate=0.05),))


@pytest.fixture
def judge(notebook) -> Callable[..., Judgement]:
    """Runs cells and judges the starts of their trainings, or what another check asks."""

    def judged(*cells: str, check: Check = FRESH) -> Judgement:
        sources = [textwrap.dedent(source) for source in (SETUP, *cells)]
        notebook.run(*sources)
        evidence = factories.evidence(factories.code_cells("", *sources), training=notebook.history)
        return check.judge(factories.case(check, evidence))

    return judged


@pytest.mark.parametrize("source", PHASES.values(), ids=PHASES)
def test_phases_of_one_training_are_no_carry_over(judge, source):
    judgement = judge(source)
    assert judgement.status is Status.NEEDS_TA
    told = "it may be the next phase of one training, or a training of its own that kept trained weights."
    reasons = factories.shown(judgement, RunTimeline).reasons
    assert reasons
    assert all(reason.endswith(told) for reason in reasons)


@pytest.mark.parametrize("source", ANEW.values(), ids=ANEW)
def test_a_training_that_is_started_anew_on_trained_weights_fails(judge, source):
    assert judge(source).status is Status.FAIL


def test_the_same_training_in_two_cells_fails(judge):
    assert judge("net = Net(); train(net)", "train(net)").status is Status.FAIL


def test_a_head_that_is_replaced_in_another_cell_does_not_make_a_phase(judge):
    replaced = "net.head[-1] = nn.Linear(3, 2); train(net)"
    assert judge("net = Net(); train(net)", replaced).status is Status.FAIL


def test_the_rate_of_a_phase_is_not_held_against_a_setting(judge):
    judgement = judge(PHASES["a lower rate at a milestone, outside any function"], check=RATE)
    assert judgement.status is Status.NEEDS_TA
    assert "one training may have had several of them" in judgement.message


def test_the_rates_of_trainings_that_are_compared_are_known(judge):
    assert judge(ANEW["a loop over rates"], check=RATE).status is Status.FAIL


def test_phases_do_not_excuse_a_training_of_all_layers_in_a_later_cell(judge):
    stages = PHASES["one optimizer, then another kind"]
    assert judge(stages, "fit(net)").status is Status.FAIL
