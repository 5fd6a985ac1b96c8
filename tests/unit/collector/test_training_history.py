"""What the history says about losses, data, networks and places; and that tampering shows."""

from __future__ import annotations

import pytest
import torch

SETUP = """
from torch.utils.data import Subset, random_split
from torch.utils.data.sampler import SubsetRandomSampler
torch.manual_seed(0)
data = TensorDataset(torch.randn(40, 4), torch.randint(0, 3, (40,)))
net = nn.Linear(4, 3)

def step_on(loss, parameters=None):
    stepper = torch.optim.SGD(parameters or net.parameters(), lr=0.1)
    loss.backward()
    stepper.step()

def train(model, loader):
    stepper = torch.optim.Adam(model.parameters(), lr=0.1, weight_decay=0.5)
    for x, y in loader:
        stepper.zero_grad()
        nn.CrossEntropyLoss()(model(x), y).backward()
        stepper.step()
"""

FED = {
    "logits": ("nn.CrossEntropyLoss()(net(x), y)", "CrossEntropyLoss", "logits"),
    "softmax": ("nn.CrossEntropyLoss()(F.softmax(net(x), dim=1), y)", "CrossEntropyLoss", "probabilities"),
    "softmax layer": ("F.cross_entropy(nn.Softmax(dim=1)(net(x)), y)", "cross_entropy", "probabilities"),
    "log_softmax": ("F.nll_loss(F.log_softmax(net(x), 1), y)", "nll_loss", "log_probabilities"),
    "log of softmax": ("F.nll_loss(torch.log(net(x).softmax(1)), y)", "nll_loss", "log_probabilities"),
    "sigmoid, reshaped": (
        "nn.BCELoss()(torch.sigmoid(net(x))[:, :1].squeeze(1).view(-1).clamp(0, 1), (y > 0).float())",
        "BCELoss",
        "probabilities",
    ),
    "relu": ("F.mse_loss(net(x).relu()[:, 0], y.float())", "mse_loss", "logits"),
    "softmax by hand": (
        "F.cross_entropy(net(x).exp() / net(x).exp().sum(1, keepdim=True), y)",
        "cross_entropy",
        "probabilities",
    ),
    "weighted sum": (
        "F.cross_entropy(net(x), y) / 2 + 0.1 * net.weight.abs().sum()",
        "cross_entropy",
        "logits",
    ),
}


@pytest.mark.parametrize(("loss", "function", "kind"), FED.values(), ids=FED)
def test_what_fed_the_loss(notebook, loss, function, kind):
    notebook.run(SETUP, f"x, y = data[:8]\nstep_on({loss})")
    use = notebook.runs[0].loss
    assert (use.function, use.input_kind, use.input_shape[0], use.calls) == (function, kind, 8, 1)
    assert notebook.runs[0].batch_sizes == (8,)


def test_a_loss_written_by_hand_has_a_curve_but_no_function(notebook):
    notebook.run(SETUP, "x, y = data[:8]\nstep_on(((net(x)[:, 0] - y) ** 2).mean())")
    assert notebook.runs[0].loss is None
    assert len(notebook.runs[0].losses) == 1


def test_losses_of_an_evaluation_are_not_the_run_s(notebook):
    notebook.run(
        SETUP,
        """
        x, y = data[:8]
        for i in range(3): F.mse_loss(net(x)[:, 1], y.float())
        step_on(F.cross_entropy(net(x), y))
        """,
    )
    assert (notebook.runs[0].loss.function, notebook.runs[0].loss.calls) == ("cross_entropy", 1)


def test_settings_model_and_place_of_a_run(notebook):
    notebook.run(SETUP, "\n\nprint('training')\ntrain(net, DataLoader(data, batch_size=16))")
    run = notebook.runs[0]
    assert (run.cell, run.line, run.optimizer) == (2, 4, "Adam")
    assert run.hyperparameters["lr"] == 0.1
    assert run.hyperparameters["weight_decay"] == 0.5
    assert (run.model.class_name, run.model.names, run.model.parameter_count) == ("Linear", ("net",), 15)
    layers = notebook.history.layers_of(run.model)
    assert [(each.type, each.settings["in_features"]) for each in layers.layers] == [("Linear", 4)]


def test_a_timed_cell_keeps_its_line_numbers(notebook):
    notebook.run(SETUP, "%%time\nx = 1\ntrain(net, DataLoader(data, batch_size=16))")
    assert notebook.runs[0].line == 3


def test_a_global_model_is_named_though_the_function_calls_it_otherwise(notebook):
    notebook.run(SETUP, "large = nn.Linear(4, 3); train(large, DataLoader(data, batch_size=16))")
    assert notebook.runs[0].model.names == ("large",)


def test_a_part_of_a_network_belongs_to_the_network(notebook):
    notebook.run(
        SETUP,
        """
        whole = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3))
        x, y = data[:8]
        loss = F.cross_entropy(whole(x), y)
        step_on(loss, whole[1].parameters())
        """,
    )
    assert notebook.runs[0].model.names == ("whole",)


def test_a_network_called_through_forward_is_recognised(notebook):
    notebook.run(
        SETUP,
        """
        class Wrapped(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(4, 3)
            def forward(self, x):
                return self.layer(x)
        wrapped = Wrapped()
        for x, y in DataLoader(data, batch_size=8): wrapped.forward(x)
        """,
    )
    assert notebook.history.evaluations[0].model.names == ("wrapped",)


def test_parameters_outside_any_network(notebook):
    notebook.run(SETUP, "w = torch.randn(4, requires_grad=True)\nstep_on((w ** 2).sum(), [w])")
    assert notebook.runs[0].model.class_name is None
    assert notebook.runs[0].model.parameter_count == 4


SPLITS = {
    "samplers": """
        train_loader = DataLoader(data, 8, sampler=SubsetRandomSampler(range(0, 30)))
        val_loader = DataLoader(data, 8, sampler=SubsetRandomSampler(list(range(20, 40))))
    """,
    "subsets": """
        train_loader = DataLoader(Subset(data, range(0, 30)), 8, shuffle=True)
        val_loader = DataLoader(Subset(Subset(data, range(10, 40)), range(10, 30)), 8)
    """,
}


@pytest.mark.parametrize("loaders", SPLITS.values(), ids=SPLITS)
def test_overlap_of_two_loaders_is_seen(notebook, loaders):
    notebook.run(SETUP, loaders, "train(net, train_loader)\nfor x, y in val_loader: net(x)")
    train, val = notebook.history.sources
    assert (train.sampled, val.sampled, val.dataset, val.length) == (30, 20, "TensorDataset", 40)
    assert val.overlap == ((train.token, 0.5),)
    assert "train_loader" in train.names
    assert val.names == ("val_loader",)


def test_parts_of_a_random_split_do_not_overlap(notebook):
    notebook.run(SETUP, "a, b = random_split(data, [30, 10])\nfor part in (a, b): list(DataLoader(part, 8))")
    first, second = notebook.history.sources
    assert (first.sampled, second.sampled, second.overlap) == (30, 10, ())
    assert first.dataset_token == second.dataset_token


def test_a_list_as_data_set_is_followed_too(notebook):
    notebook.run(
        SETUP,
        """
        pairs = [data[i] for i in range(40)]
        train(net, DataLoader(pairs, 8))
        first, second = DataLoader(pairs, 10), DataLoader(list(pairs), 10)
        for loader in (first, second):
            for x, y in loader: net(x)
        """,
    )
    assert notebook.history.complete, notebook.history.notes
    assert [source.dataset for source in notebook.history.sources] == ["list"] * 3
    assert notebook.history.sources[2].dataset_token != notebook.history.sources[1].dataset_token


def test_runs_and_evaluations_share_one_timeline(notebook):
    notebook.run(
        SETUP,
        """
        loader, test_loader = DataLoader(data, 8), DataLoader(data, 10)
        for x, y in test_loader: net(x)
        for epoch in range(2):
            train(net, loader)
            for x, y in test_loader: net(x)
        """,
    )
    history = notebook.history
    assert [run.order for run in history.runs] == [1]
    assert [(e.order, e.after_run, e.passes) for e in history.evaluations] == [(0, None, 1), (2, 0, 2)]


_PATCHED = (
    (torch.Tensor, "numel"),
    (torch.Tensor, "sum"),
    (torch.nn.Module, "parameters"),
    (torch.nn.Module, "named_parameters"),
)
TAMPERING = {
    "hooks": "import sys; sys.modules['torch.optim.optimizer']._global_optimizer_pre_hooks.clear()",
    "call": "nn.Module.__call__ = nn.Module._call_impl",
    "loss": "F.cross_entropy = lambda *a, **k: torch.zeros(())",
    "backward": "torch.Tensor.backward = lambda self: None",
}


@pytest.mark.parametrize("attack", TAMPERING.values(), ids=TAMPERING)
def test_taking_the_recorder_apart_is_seen(notebook, attack):
    notebook.run(SETUP, attack)
    assert not notebook.history.complete
    assert notebook.anomalies


def test_patched_counting_functions_change_nothing(notebook, monkeypatch):
    for owner, name in _PATCHED:
        monkeypatch.setattr(owner, name, getattr(owner, name))
    notebook.run(
        SETUP,
        """
        torch.Tensor.numel = lambda self: 1
        nn.Module.parameters = lambda self, recurse=True: iter(())
        nn.Module.named_parameters = lambda self, *a, **k: iter(())
        torch.Tensor.sum = lambda self, *a, **k: 0
        stepper = torch.optim.SGD([net.weight, net.bias], lr=0.1)
        x, y = data[:8]
        F.cross_entropy(net(x), y).backward(); stepper.step()
        """,
        "step_on(F.cross_entropy(net(x), y), [net.weight, net.bias])",
    )
    assert [run.model.parameter_count for run in notebook.runs] == [15, 15]
    assert notebook.runs[1].start.carried_share == 1.0


def test_nothing_of_the_notebook_is_kept_alive(notebook):
    notebook.run(SETUP, "import weakref; w = weakref.ref(net); train(net, DataLoader(data, 8))")
    notebook.run("del net", "gone = w() is None")
    assert notebook.namespace["gone"]
