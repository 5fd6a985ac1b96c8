"""A pass under a budget runs on to its step where gradients or losses are added up over batches."""

from __future__ import annotations

import pytest

SETUP = """
data = TensorDataset(torch.arange(80.0).reshape(40, 2) / 80, torch.rand(40))
loader = DataLoader(data, batch_size=4)
net = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
stepper = torch.optim.SGD(net.parameters(), lr=0.01)
batches = 0
total = 0
"""
IMPORTS = (
    "import torch, torch.nn as nn, torch.nn.functional as F\n"
    "from torch.utils.data import DataLoader, TensorDataset\n"
)

#: Body of a loop over 10 batches; batches that it runs through under a budget of 2; steps.
ACCUMULATING = {
    "every 4th batch": ("(loss / 4).backward(); i % 4 == 3 and (stepper.step(), stepper.zero_grad())", 4, 1),
    "on the last batch": ("loss.backward(); i == len(loader) - 1 and stepper.step()", 10, 1),
    "every 3rd batch and the first": ("loss.backward(); i % 3 == 0 and stepper.step()", 4, 2),
    "losses added up, a backward pass every 4th": (
        "total = total + loss\n"
        "    if i % 4 == 3: total.backward(); stepper.step(); stepper.zero_grad(); total = 0",
        4,
        1,
    ),
    "losses in a list, a backward pass on the last": (
        "losses.append(loss)\n    if i == len(loader) - 1: sum(losses).backward(); stepper.step()",
        10,
        1,
    ),
    "gradients dropped before each, a step every 4th": (
        "stepper.zero_grad(); loss.backward(); i % 4 == 3 and stepper.step()",
        4,
        1,
    ),
    "two backward passes a batch": (
        "loss.backward(retain_graph=True); loss.backward(); i % 4 == 3 and stepper.step()",
        4,
        1,
    ),
}


def loop(body: str) -> str:
    return (
        "losses = []\nfor i, (x, y) in enumerate(loader):\n    batches += 1\n"
        f"    loss = F.mse_loss(net(x), y)\n    {body}"
    )


@pytest.mark.parametrize(("body", "batches", "steps"), ACCUMULATING.values(), ids=ACCUMULATING)
def test_a_pass_is_not_cut_before_its_step(make_notebook, body, batches, steps):
    notebook = make_notebook(training={"batches_per_pass": 2})
    notebook.run(IMPORTS + SETUP, loop(body))
    assert notebook.namespace["batches"] == batches
    assert notebook.runs[0].steps == steps
    assert notebook.runs[0].loss.function == "mse_loss"


STILL_CUT = {
    "a step a batch": "loss.backward(); stepper.step(); stepper.zero_grad()",
    "a backward pass behind each step": "loss.backward(retain_graph=True); stepper.step(); loss.backward()",
    "losses of an evaluation kept as numbers": "losses.append(loss.item())",
    "an evaluation with gradients on": "pass",
    "updates by hand": (
        "net.zero_grad(); loss.backward()\n    for p in net.parameters(): p.data -= 0.01 * p.grad"
    ),
    "losses kept though steps are taken": "losses.append(loss); loss.backward(); stepper.step()",
}


@pytest.mark.parametrize("body", STILL_CUT.values(), ids=STILL_CUT)
def test_a_pass_that_owes_no_step_is_cut_as_before(make_notebook, body):
    notebook = make_notebook(training={"batches_per_pass": 2})
    notebook.run(IMPORTS + SETUP, loop(body))
    assert notebook.namespace["batches"] == 2


def test_updates_by_hand_every_few_batches_are_waited_for(make_notebook):
    notebook = make_notebook(training={"batches_per_pass": 2})
    body = "loss.backward()\n    if i % 4 == 3:\n        with torch.no_grad():\n            "
    body += "for p in net.parameters(): p -= 0.01 * p.grad; p.grad = None"
    notebook.run(IMPORTS + SETUP, loop(body))
    assert notebook.namespace["batches"] == 4
    assert notebook.runs[0].method == "by_hand"


def test_a_loop_without_a_step_is_waited_for_once_and_within_bounds(make_notebook):
    notebook = make_notebook(training={"batches_per_pass": 2})
    longer = "data = TensorDataset(torch.rand(300, 2), torch.rand(300)); loader = DataLoader(data)"
    epochs = "for epoch in range(3):\n    for x, y in loader:\n        batches += 1; "
    notebook.run(IMPORTS + SETUP, longer, epochs + "F.mse_loss(net(x), y).backward()")
    assert notebook.namespace["batches"] == 100 + 2 + 1


def test_a_step_behind_the_loop_is_still_taken_on_all_batches_at_first(make_notebook):
    notebook = make_notebook(training={"batches_per_pass": 2})
    source = "for epoch in range(3):\n    for x, y in loader:\n        batches += 1; "
    notebook.run(IMPORTS + SETUP, source + "F.mse_loss(net(x), y).backward()\n    stepper.step()")
    assert notebook.namespace["batches"] == 10 + 2 + 2
    assert notebook.runs[0].steps == 3


def test_a_budget_of_items_leaves_accumulation_two_items_a_batch(make_notebook):
    notebook = make_notebook(training={"batches_per_pass": 2, "items_after_two_passes": 3})
    setup = SETUP + "sizes = []\n"
    source = (
        "for epoch in range(4):\n    for i, (x, y) in enumerate(loader):\n        sizes.append(len(x))\n"
        "        F.mse_loss(net(x), y).backward()\n        if i % 4 == 3: stepper.step()"
    )
    notebook.run(IMPORTS + setup, source)
    assert notebook.namespace["sizes"] == [4] * 8 + [3, 2, 2, 2] * 2
    assert notebook.runs[0].steps == 4
