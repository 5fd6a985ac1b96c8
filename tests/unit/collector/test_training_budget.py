"""The budget ends passes that feed a network, and leaves every other loop whole."""

from __future__ import annotations

import pytest

SETUP = """
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
data = TensorDataset(torch.arange(80.0).reshape(40, 2), torch.rand(40))
loader = DataLoader(data, batch_size=4, num_workers=3, prefetch_factor=2, persistent_workers=True, timeout=5)
net = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
stepper = torch.optim.SGD(net.parameters(), lr=0.01)
batches = 0
"""

LOOPS = {
    "training": ("F.mse_loss(net(x), y).backward(); stepper.step()", 3),
    "evaluating": ("net(x)", 3),
    "evaluating without gradients": ("with torch.no_grad(): net(x)", 3),
    "counting": ("pass", 10),
    "activations of torch alone": ("nn.ReLU()(x)", 10),
    "evaluating after some batches": ("batches >= 5 and net(x)", 6),
}


@pytest.mark.parametrize(("body", "batches"), LOOPS.values(), ids=LOOPS)
def test_batches_of_a_pass(make_notebook, body, batches):
    notebook = make_notebook(training={"batches_per_pass": 3})
    notebook.run(SETUP, f"for x, y in loader:\n    batches += 1\n    {body}")
    assert notebook.namespace["batches"] == batches
    assert any(use.kind == "training_budget" for use in notebook.shims) == (batches < 10)


def test_length_of_a_loader_stays_true_and_workers_go(make_notebook):
    notebook = make_notebook(training={"batches_per_pass": 3})
    notebook.run(SETUP, "for x, y in loader: net(x)")
    loader = notebook.namespace["loader"]
    assert (len(loader), loader.num_workers, loader.prefetch_factor) == (10, 0, None)
    assert [use.cell for use in notebook.shims if use.kind == "workers"] == [0]


def test_full_training_is_not_cut(make_notebook):
    notebook = make_notebook(training={"mode": "full"})
    notebook.run(SETUP, "for x, y in loader:\n    batches += 1\n    net(x)")
    assert notebook.namespace["batches"] == 10
    assert not any(use.kind == "training_budget" for use in notebook.shims)


def test_a_pass_that_saves_features_is_left_whole(make_notebook):
    notebook = make_notebook(training={"batches_per_pass": 2})
    notebook.run(SETUP, "for x, y in loader:\n    torch.save(net(x), f'{batches}.tensor'); batches += 1")
    assert notebook.namespace["batches"] == 10
    assert len(notebook.collected[-1].files) == 10


def test_evaluation_inside_a_training_pass_is_a_pass_of_its_own(make_notebook):
    notebook = make_notebook(training={"batches_per_pass": 2})
    notebook.run(
        SETUP + "val_loader = DataLoader(data, batch_size=4)\n",
        """
        for epoch in range(3):
            for x, y in loader:
                F.mse_loss(net(x), y).backward(); stepper.step()
                for x, y in val_loader: F.mse_loss(net(x), y)
        """,
    )
    run, evaluation = notebook.runs[0], notebook.history.evaluations[0]
    assert (run.steps, run.passes, run.passes_cut) == (6, 3, 3)
    assert (evaluation.passes, evaluation.after_run) == (6, 0)
    names = {source.token: source.names for source in notebook.history.sources}
    assert names[run.source] == ("loader",)
    assert names[evaluation.source] == ("val_loader",)


def test_an_iterator_kept_in_a_variable_may_go_on_in_a_later_cell(make_notebook):
    notebook = make_notebook(training={"batches_per_pass": 2})
    notebook.run(
        SETUP, "it = iter(loader); x, y = next(it); net(x)", "first = [x for x, y in it]; len(first)"
    )
    assert len(notebook.namespace["first"]) == 9


def test_recording_changes_no_number(make_notebook):
    training = """
    torch.manual_seed(5)
    net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Linear(3, 1), nn.Flatten(0))
    stepper = torch.optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for epoch in range(3):
        for x, y in DataLoader(data, batch_size=4, shuffle=True):
            stepper.zero_grad(); loss = F.mse_loss(net(x / 80), y); loss.backward(); stepper.step()
            losses.append(loss.item())
    """
    setup = SETUP.replace(", num_workers=3, prefetch_factor=2, persistent_workers=True, timeout=5", "")
    setup = setup.replace("torch.rand(40)", "torch.arange(40) / 40")
    notebook = make_notebook(training={"mode": "full"})
    notebook.run(setup, training)
    recorded = notebook.namespace["losses"]
    notebook.session.uninstall()
    notebook.shell.run_cell(training.replace("\n    ", "\n"))
    assert notebook.namespace["losses"] == recorded
    assert notebook.runs[0].losses == pytest.approx(
        [sum(recorded[start : start + 10]) / 10 for start in (0, 10, 20)]
    )


def test_a_pass_that_computes_feature_maps_is_left_whole(make_notebook):
    notebook = make_notebook(training={"batches_per_pass": 2})
    notebook.run(
        SETUP + "features = nn.Sequential(nn.Conv2d(1, 3, 1), nn.ReLU())\n",
        "maps = [features(x.view(-1, 1, 1, 2)).detach() for x, y in loader]",
        "for x, y in loader: net(features(x.view(-1, 1, 1, 2))[:, 0, 0]); batches += 1",
    )
    assert len(notebook.namespace["maps"]) == 10
    assert notebook.namespace["batches"] == 2


LATER = SETUP + "seen = []\ntrain = loader\n"
EPOCHS = """
for epoch in range(4):
    for x, y in train:
        seen.append(len(x)); F.mse_loss(net(x), y).backward(); stepper.step()
"""


def test_later_passes_of_one_line_give_fewer_items(make_notebook):
    notebook = make_notebook(training={"batches_per_pass": 2, "items_after_two_passes": 3})
    notebook.run(LATER, EPOCHS)
    assert notebook.namespace["seen"] == [4, 4, 4, 4, 3, 3]
    run = notebook.runs[0]
    assert (run.passes, run.passes_cut, run.batch_sizes[0]) == (4, 4, 4)
    notebook.run("count = sum(len(x) for x, y in train)")
    assert notebook.namespace["count"] == 40


WHOLE = {
    "full batches are asked for": ("DataLoader(data, batch_size=4, drop_last=True)", 8),
    "a set to memorise": ("DataLoader(torch.utils.data.Subset(data, range(32)), batch_size=4)", 32),
}


@pytest.mark.parametrize(("loader", "batches"), WHOLE.values(), ids=WHOLE)
def test_later_passes_stay_whole_where(make_notebook, loader, batches):
    notebook = make_notebook(training={"batches_per_pass": 2, "items_after_two_passes": 3})
    notebook.run(LATER, f"train = {loader}", EPOCHS)
    assert set(notebook.namespace["seen"]) == {4}
    assert len(notebook.namespace["seen"]) == batches


BIG = """
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SubsetRandomSampler, TensorDataset
class Mine(SubsetRandomSampler): pass
data = TensorDataset(torch.randn(1000, 2), torch.rand(1000))
net = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
stepper = torch.optim.SGD(net.parameters(), lr=0.01)
seen = []
"""
LARGE_BATCHES = {
    "a last batch that is not full": ("DataLoader(data, 96, shuffle=True)", [96] * 4 + [64] * 4),
    "the same from a part of the data": (
        "DataLoader(data, 96, sampler=SubsetRandomSampler(range(900)))", [96] * 4 + [64] * 4,
    ),
    "all batches are full": ("DataLoader(data, 96, sampler=SubsetRandomSampler(range(960)))", [96] * 8),
    "full batches are asked for": ("DataLoader(data, 96, drop_last=True)", [96] * 8),
    "a size that may divide the real data": ("DataLoader(data, 400)", [400] * 8),
    "small batches": ("DataLoader(data, 48)", [48] * 8),
    "all of it is in the budget": ("DataLoader(data, 768)", [768, 232] * 4),
    "a sampler of the notebook's own": ("DataLoader(data, 96, sampler=Mine(range(900)))", [96] * 8),
    "lists of positions of the notebook's own": (
        "DataLoader(data, batch_sampler=list(BatchSampler(range(1000), 96, False)))", [96] * 8,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("loader", "sizes"), LARGE_BATCHES.values(), ids=LARGE_BATCHES)
def test_large_batches_of_later_passes_are_shorter_where_a_loop_copes_with_that(make_notebook, loader, sizes):
    notebook = make_notebook(training={"batches_per_pass": 2})
    notebook.run(BIG, f"train = {loader}", EPOCHS, "whole = sum(len(x) for x, y in train)")
    assert notebook.namespace["seen"] == sizes
    assert notebook.namespace["whole"] >= 900
    run = notebook.runs[0]
    assert (run.passes, run.steps, run.batch_sizes[0]) == (4, 8, sizes[0])
    assert run.passes_cut == 4
    told = [use.detail for use in notebook.shims if "batches of a call's later passes" in use.detail]
    assert bool(told) == (64 in sizes)


ADDS_UP = """
def train(loader, epochs=5):
    for epoch in range(epochs):
        total, right = 0.0, torch.tensor(0)
        for x, y in loader:
            stepper.zero_grad(); out = net(x); loss = F.mse_loss(out, y); loss.backward(); stepper.step()
            total += loss.item(); right += (out > 0).sum()
            {more}
"""
LATER_BATCHES = {
    "it adds up numbers": ("pass", 2 + 2 + 1 + 1 + 1),
    "it keeps the losses": ("kept.append(loss.item())", 10),
    "it keeps them in a list that grows": ("kept += [loss.item()]", 10),
    "it keeps them in a list made anew": ("kept = kept + [loss.item()]", 10),
    "it keeps them in a place each": ("table[epoch] = loss.item()", 10),
    "it keeps them in a tensor": ("kept = torch.cat((torch.tensor(kept), out.detach())).tolist()", 10),
    "what it calls keeps them": ("keep(loss)", 10),
    "it ends by itself": ("if total > 1e9: break", 10),
}


@pytest.mark.parametrize(("more", "steps"), LATER_BATCHES.values(), ids=LATER_BATCHES)
def test_later_passes_have_one_batch_unless_a_loop_keeps_something_of_each(make_notebook, more, steps):
    notebook = make_notebook(training={"batches_per_pass": 2})
    code = ADDS_UP.replace("{more}", more).replace("total, right", "kept = []; total, right")
    keep = "table, log = {}, []\ndef keep(loss): log.append(loss.item())\n"
    notebook.run(BIG + keep + code, "train(DataLoader(data, 20))")
    run = notebook.runs[0]
    assert (run.passes, run.steps, run.passes_cut, run.batch_sizes) == (5, steps, 5, (20,))
    assert len(run.losses) == 5
    told = any("after 1 batch" in use.detail for use in notebook.shims)
    assert told == (steps < 10)


ROUNDS = """
n = 0
while n < 12:
    for x, y in train:
        F.mse_loss(net(x), y).backward(); stepper.step()
        n += 1
"""
SMALL = """
for epoch in range(4):
    for x, y in train:
        F.mse_loss(net(x), y).backward(); stepper.step()
"""
AS_BEFORE = {
    "a loop that counts its batches": ("DataLoader(data, 20)", ROUNDS, None, (6, 12)),
    "a set that may be learnt by heart": (
        "DataLoader(data, 20, sampler=SubsetRandomSampler(range(256)))", SMALL, None, (4, 8),
    ),
    "a budget of items": ("DataLoader(data, 20)", SMALL, 30, (4, 8)),
}  # fmt: skip


@pytest.mark.parametrize(("loader", "code", "items", "expected"), AS_BEFORE.values(), ids=AS_BEFORE)
def test_later_passes_have_all_batches_of_the_budget_for(make_notebook, loader, code, items, expected):
    notebook = make_notebook(training={"batches_per_pass": 2, "items_after_two_passes": items})
    notebook.run(BIG, f"train = {loader}", code)
    assert (notebook.runs[0].passes, notebook.runs[0].steps) == expected


@pytest.mark.parametrize(("divisor", "steps"), [("i", 8), ("float(i)", 8), ("(i + 1)", 6), ("len(train)", 6)])
def test_a_mean_over_the_number_of_the_last_batch_never_divides_by_0(make_notebook, divisor, steps):
    notebook = make_notebook(training={"batches_per_pass": 2})
    code = f"""
    for epoch in range(4):
        total = 0.0
        for i, (x, y) in enumerate(train):
            loss = F.mse_loss(net(x), y); loss.backward(); stepper.step()
            total += loss.item()
        seen.append(total / {divisor})
    """
    notebook.run(BIG, "train = DataLoader(data, 20)", code)
    assert len(notebook.namespace["seen"]) == 4
    assert notebook.runs[0].steps == steps


GATHERED = {
    "a list": ("np.mean([net(x).mean().item() for x, y in held_out])", 10),
    "a list made of a generator": ("len(list(net(x).mean() for x, y in held_out))", 10),
    "what it calls": ("score()", 10),
    "a sum": ("sum(net(x).mean().item() for x, y in held_out)", 2 + 2 + 1 + 1 + 1),
}


@pytest.mark.parametrize(("code", "steps"), GATHERED.values(), ids=GATHERED)
def test_what_a_comprehension_gathers_of_batches_has_one_length(make_notebook, code, steps):
    notebook = make_notebook(training={"batches_per_pass": 2})
    setup = """
    import numpy as np
    class Counted(nn.Sequential):
        @torch.no_grad()
        def forward(self, x):
            seen.append(len(x))
            return super().forward(x)
    net = Counted(nn.Linear(2, 1), nn.Flatten(0))
    held_out = DataLoader(data, 20)
    def score():
        return [net(x) for x, y in held_out]
    """
    notebook.run(BIG, setup, f"for epoch in range(5):\n    {code}")
    assert len(notebook.namespace["seen"]) == steps


def test_gradients_added_up_come_to_their_step_in_later_passes_too(make_notebook):
    notebook = make_notebook(training={"batches_per_pass": 2})
    code = """
    for epoch in range(4):
        n = 0
        for x, y in train:
            F.mse_loss(net(x), y).backward(); n += 1
            if n % 4 == 0: stepper.step(); stepper.zero_grad()
    """
    notebook.run(BIG, "train = DataLoader(data, 20)", code)
    assert (notebook.runs[0].passes, notebook.runs[0].steps) == (4, 4)


def test_large_batches_stay_whole_in_full_training_and_in_cells_with_whole_passes(make_notebook):
    for training in ({"mode": "full"}, {"batches_per_pass": 2, "whole_in_cells": (2,)}):
        notebook = make_notebook(training=training)
        notebook.run(BIG, "train = DataLoader(data, 96)", EPOCHS)
        assert notebook.namespace["seen"] == [*[96] * 10, 40] * 4
        notebook.session.uninstall()


@pytest.mark.parametrize(("size", "lengths"), [(64, [40]), (16, [16, 16])])
def test_drop_last_never_leaves_nothing(make_notebook, size, lengths):
    notebook = make_notebook()
    notebook.run(SETUP, f"seen = [len(x) for x, y in DataLoader(data, batch_size={size}, drop_last=True)]")
    assert notebook.namespace["seen"] == lengths
    assert any(use.kind == "dataset" for use in notebook.shims) == (size > 40)


WHOLE = """
net = nn.Linear(2, 3)
data = DataLoader(TensorDataset(torch.randn(12, 2), torch.arange(12) % 3), batch_size=2)
def answers():
    with torch.no_grad():
        return [net(x).argmax(1).tolist() for x, _ in data]
"""


def test_a_cell_may_have_whole_passes_while_others_do_not(make_notebook):
    notebook = make_notebook(training={"batches_per_pass": 2, "whole_in_cells": (3,)})
    notebook.run(SETUP, WHOLE, "short = answers()", "whole = answers()", "again = answers()")
    assert [len(notebook.namespace[name]) for name in ("short", "whole", "again")] == [2, 6, 2]
    cut = {use.cell for use in notebook.shims if use.kind == "training_budget"}
    assert cut == {2, 4}
