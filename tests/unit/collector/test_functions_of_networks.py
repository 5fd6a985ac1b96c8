"""What a network computes is worked out without the student's noticing, and within bounds."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from grader.collector.recorder import functions, graphs
from grader.collector.recorder.functions import Computed
from grader.collector.recorder.graphs import Recording
from tests.unit.collector.conftest import COMMON

SETUP = """
import random, warnings
torch.manual_seed(5); np.random.seed(5); random.seed(5)

class Net(nn.Module):
    calls, seen = 0, []

    def __init__(self):
        super().__init__()
        self.one, self.norm, self.two = nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 1)
        self.drop, self.steps = nn.Dropout(0.5), nn.Parameter(torch.zeros(1))
        self.register_buffer('mask', torch.ones(8))

    def forward(self, x):
        Net.calls += 1
        Net.seen.append(len(x))
        print('called with', len(x))
        warnings.warn('careful')
        hidden = F.relu(self.norm(self.one(x)), inplace=True)
        hidden = hidden + 0
        hidden[:, 0] = 0
        self.last = self.drop(hidden * self.mask.clone() + 0.1 * torch.randn(8))
        self.mask.mul_(0.99)
        return self.two(self.last).squeeze(1)

data = TensorDataset(torch.randn(32, 6), torch.randint(0, 2, (32,)).float())

def train(net, epochs=2):
    stepper = torch.optim.SGD(net.parameters(), lr=0.05)
    for epoch in range(epochs):
        for x, y in DataLoader(data, batch_size=8, shuffle=True):
            stepper.zero_grad()
            F.binary_cross_entropy_with_logits(net(x), y).backward()
            stepper.step()

hooked = []
net = Net()
net.register_forward_hook(lambda *_: hooked.append('forward'))
net.one.register_full_backward_hook(lambda *_: hooked.append('backward'))
net.one.weight.register_hook(lambda g: hooked.append('gradient'))
train(net)
net.eval()
other = Net()
train(other)
state = (torch.get_rng_state().sum().item(), np.random.rand(), random.random(), Net.calls, tuple(Net.seen),
         tuple(hooked), net.training, other.norm.training, tuple(other.norm.running_mean.tolist()),
         other.norm.num_batches_tracked.item(), tuple(other.mask.tolist()),
         tuple(other.last.flatten().tolist()),
         tuple(other.two.weight.flatten().tolist()), tuple(other.one.weight.grad.flatten().tolist()))
"""


@pytest.mark.filterwarnings("always")
def test_a_notebook_is_the_same_as_without_the_looks(make_notebook, monkeypatch, capsys):
    states, printed, looked = [], [], []
    for listens in (True, False):
        if not listens:
            monkeypatch.setattr(functions.Functions, "_listening", lambda *_: None)
        notebook = make_notebook()
        notebook.run(COMMON, SETUP)
        states.append(notebook.namespace["state"])
        captured = capsys.readouterr()
        printed.append((captured.out, captured.err))
        looked.append([bool(run.trace) for run in recorded(notebook)])
        notebook.session.uninstall()
    assert looked == [[True, True], [False, False]]
    assert states[0] == states[1]
    assert printed[0] == printed[1]


def recorded(notebook):
    return vars(vars(notebook.session)["_recorder"])["_runs"]


class Sliced(nn.Module):
    """Takes its batch's length into what it does, and writes in place."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer, self.scale = nn.Linear(6, 8), nn.Linear(8, 2), torch.full((8,), 0.5)

    def forward(self, x):
        y = self.inner(x).view(x.size(0), 2, 4) + torch.arange(4.0)
        y[:, 0] *= 2
        y = torch.cat([part.clone().relu_() for part in y.unbind(1)], dim=1) * self.scale
        return self.outer(y)


NETS = {
    "linear": (lambda: nn.Linear(6, 2), (8, 6)),
    "in place, by length": (Sliced, (8, 6)),
    "convolution": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.ReLU(True), nn.Flatten(), nn.Linear(36, 2)
        ),
        (8, 3, 8, 8),
    ),
    "encoder": (lambda: nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), (8, 4, 6)),
    "spectral norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(6, 2)), (8, 6)),
}


@pytest.mark.parametrize(("make", "shape"), NETS.values(), ids=NETS)
def test_a_call_is_done_again_on_another_batch_with_other_weights(make, shape):
    torch.manual_seed(0)
    network, batch, another = make(), torch.randn(shape), torch.randn(shape)
    listening = Recording(network, batch)
    with listening:
        output = network(batch)
    graph = listening.graph(output)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    before = [parameter.clone() for parameter in network.parameters()]
    random = torch.get_rng_state()
    again = graph.again(another)
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))
    assert not again.requires_grad
    expected = network.train(mode=not _has_dropout(network))(another)
    assert torch.allclose(again, expected, atol=1e-6)


def _has_dropout(network):
    return any(isinstance(part, nn.Dropout) for part in network.modules())


def test_dropout_is_off_and_normalisation_takes_the_batch_in_either_mode():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 2))
    batch = torch.randn(8, 6)
    found = []
    for training in (True, False):
        network.train(training)
        listening = Recording(network, batch)
        with listening:
            output = network(batch)
        running = network[1].running_mean.clone()
        found.append(listening.graph(output).again(batch))
        assert torch.equal(running, network[1].running_mean)
    assert torch.equal(*found)
    hidden = network[0](batch)
    expected = network[3](F.batch_norm(hidden, None, None, network[1].weight, network[1].bias, training=True))
    assert torch.allclose(found[0], expected, atol=1e-6)


def test_what_is_drawn_within_a_network_is_the_same_at_each_look():
    class Noisy(nn.Linear):
        def forward(self, x):
            return super().forward(x) + torch.randn(len(x), 2)

    network, batch = Noisy(6, 2), torch.randn(8, 6)
    listening = Recording(network, batch)
    with listening:
        output = network(batch)
    graph, random = listening.graph(output), torch.get_rng_state()
    first = graph.again(batch)
    torch.randn(1)
    after = torch.get_rng_state()
    assert torch.equal(first, graph.again(batch))
    assert torch.equal(after, torch.get_rng_state())
    assert not torch.equal(random, after)


@pytest.mark.parametrize(
    "network",
    [
        lambda x: torch.from_numpy(x.detach().numpy() @ torch.ones(6, 2).numpy()),
        lambda x: sum(x * 0 for _ in range(graphs._MOST_CALLS)),
        lambda x: 3.0,
    ],
    ids=["beside torch", "too many calls", "no tensor"],
)
def test_what_cannot_be_followed_is_not(network):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return network(x)

    odd, batch = Odd(), torch.randn(8, 6)
    listening = Recording(odd, batch)
    with listening:
        output = odd(batch)
    assert listening.graph(output) is None


def test_a_network_of_many_numbers_is_not_followed(monkeypatch):
    monkeypatch.setattr(graphs, "_MOST_NUMBERS", 13)
    network, batch = nn.Linear(6, 2), torch.randn(8, 6)
    listening = Recording(network, batch)
    with listening:
        output = network(batch)
    assert listening.graph(output) is None


TWO_TRAININGS = """
torch.manual_seed(1)
data = TensorDataset(torch.randn(32, 6), torch.randint(0, 2, (32,)).float())
def train(net, epochs=2):
    stepper = torch.optim.SGD(net.parameters(), lr=0.3)
    for epoch in range(epochs):
        for x, y in DataLoader(data, batch_size=8):
            F.binary_cross_entropy_with_logits(net(x).flatten(), y).backward()
            stepper.step()
def by_hand(net):
    for x, y in DataLoader(data, batch_size=8):
        net.zero_grad()
        F.binary_cross_entropy_with_logits(net(x).flatten(), y).backward()
        with torch.no_grad(): [p.sub_(0.3 * p.grad) for p in net.parameters()]
Net = lambda: nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 1))
def turn(net):
    turned = torch.linalg.qr(torch.randn(5, 5))[0]
    with torch.no_grad():
        net[0].weight.copy_(turned @ net[0].weight); net[0].bias.copy_(turned @ net[0].bias)
        net[1].weight.copy_(net[1].weight @ turned.T)
net = Net()
"""
WAYS = {
    "in another cell": ("train(net)", "turn(net)\ntrain(net)"),
    "in one cell": ("train(net); turn(net); train(net)",),
    "by hand, then by an optimizer": ("by_hand(net)", "turn(net)\ntrain(net)"),
    "by an optimizer, then by hand": ("train(net)", "turn(net)", "by_hand(net)"),
    "in an evaluation mode": ("train(net); net.eval()", "turn(net)\ntrain(net)"),
    "after many others": ("train(net)", "for _ in range(5): train(Net())", "turn(net)\ntrain(net)"),
    "at the end of an earlier pass": (
        "import copy\nkept = []\nfor _ in range(2): train(net, 1); kept.append(copy.deepcopy(net))",
        "net = kept[0]; turn(net)\ntrain(net)",
    ),
}


@pytest.mark.parametrize("cells", WAYS.values(), ids=WAYS)
def test_turned_weights_are_known_by_what_they_compute(notebook, cells):
    notebook.run(TWO_TRAININGS, *cells)
    start = notebook.runs[-1].start
    assert "it computes what the network of run" in start.why + start.resembles


@pytest.mark.parametrize(
    "again",
    ["net = Net()", "turn(net); net[0].reset_parameters()", "for p in net.parameters(): p.data.normal_()"],
)
def test_fresh_weights_are_not(notebook, again):
    notebook.run(TWO_TRAININGS, "train(net)", f"{again}\ntrain(net)")
    assert notebook.runs[-1].start.determined
    assert not notebook.runs[-1].start.resembles


def test_where_time_is_short_nothing_is_looked_at_and_nobody_doubted(make_notebook, monkeypatch):
    monkeypatch.setattr(functions.Functions, "is_dear", lambda *_, **__: True)
    notebook = make_notebook()
    notebook.run(COMMON, TWO_TRAININGS, *WAYS["in another cell"])
    assert [run.trace for run in recorded(notebook)] == [None, None]
    assert notebook.runs[-1].start.determined


def test_a_look_that_was_put_off_is_made_at_the_end_of_the_cell_unless_weights_changed(
    make_notebook, monkeypatch
):
    monkeypatch.setattr(functions, "_PASS_S", -1.0)
    monkeypatch.setattr(functions, "_PASS_SHARE", -1.0)
    notebook = make_notebook()
    notebook.run(COMMON, TWO_TRAININGS, *WAYS["in another cell"])
    start = notebook.runs[-1].start
    assert "it computes what" in start.why + start.resembles
    changed = make_notebook()
    changed.run(
        COMMON, TWO_TRAININGS, "train(net)\nfor p in net.parameters(): p.data.normal_()", "train(net)"
    )
    assert [len(run.trace._ends) for run in recorded(changed)] == [0, 1]
    assert changed.runs[-1].start.determined


@pytest.mark.parametrize("place", ["_listening", "_heard", "_graph_of"])
def test_a_fault_of_ours_costs_nobody_anything(make_notebook, monkeypatch, place):
    def fails(*_, **__):
        raise RuntimeError("ours")

    monkeypatch.setattr(functions.Functions, place, fails)
    notebook = make_notebook()
    notebook.run(COMMON, TWO_TRAININGS, "train(net)")
    assert notebook.namespace["net"][0].weight.grad is not None
    assert notebook.history.complete
    assert notebook.runs[0].start.determined


def test_a_network_whose_layers_find_their_sizes_at_the_first_call_is_none_the_worse(notebook):
    lazy = "net = nn.Sequential(nn.LazyLinear(5), nn.ReLU(), nn.LazyLinear(1))\ntrain(net)"
    notebook.run(TWO_TRAININGS, lazy, lazy)
    assert notebook.history.complete
    assert [run.start.determined for run in notebook.runs] == [True, True]


def test_an_error_in_a_network_is_the_students_own_as_ever(notebook):
    notebook.run(TWO_TRAININGS, "net[1] = nn.Linear(7, 1)")
    notebook.run("train(net)", check=False)
    assert "cannot be multiplied" in str(notebook.error)
    notebook.run("net = Net()", "train(net)")
    assert notebook.history.complete
    assert [run.trace is not None for run in recorded(notebook)] == [True]


@pytest.mark.parametrize(
    "first",
    [
        "torch.zeros(8, 6)",
        "torch.full((8, 6), torch.nan)",
        "1e-9 * torch.randn(8, 6) + 1",
        "torch.randn(1, 6)",
    ],
    ids=["the same", "no numbers", "nearly the same", "one item"],
)
def test_a_batch_that_tells_nothing_is_not_the_one_to_ask_with(notebook, first):
    notebook.run(TWO_TRAININGS, f"net({first})", *WAYS["in another cell"])
    start = notebook.runs[-1].start
    assert "it computes what" in start.why + start.resembles


def test_outputs_are_compared_but_for_a_factor():
    values = torch.randn(8, 1, generator=torch.Generator().manual_seed(0)).numpy()
    unit = values / (values**2).sum() ** 0.5
    assert Computed(0, unit).away_from(Computed(0, unit)) == 0
    assert Computed(0, unit).away_from(Computed(0, -unit)) == 1
    assert Computed(0, unit).moved_from(Computed(0, -unit)) == 0
