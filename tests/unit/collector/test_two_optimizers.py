"""Optimizers on parts of one network step on the same backward pass; what is not theirs they do not get."""

from __future__ import annotations

import pytest

SETUP = """
torch.manual_seed(0)
data = TensorDataset(torch.randn(24, 4), torch.arange(24) % 3)
net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
body = torch.optim.SGD(net[0].parameters(), lr=0.01)
head = torch.optim.Adam(net[2].parameters(), lr=0.1)
"""


def test_two_optimizers_on_two_parts_of_a_network_have_the_same_loss(notebook):
    notebook.run(
        SETUP,
        """
        for x, y in DataLoader(data, batch_size=12):
            F.cross_entropy(net(x), y).backward()
            body.step(); head.step()
            body.zero_grad(); head.zero_grad()
        """,
    )
    uses = [run.loss for run in notebook.runs]
    assert [(use.function, use.input_kind, use.calls) for use in uses] == [("cross_entropy", "logits", 2)] * 2
    assert notebook.runs[0].losses == notebook.runs[1].losses
    assert [run.batch_sizes for run in notebook.runs] == [(12,), (12,)]


def test_two_optimizers_without_a_loader_share_a_loss(notebook):
    notebook.run(SETUP, "F.cross_entropy(net(data[:8][0]), data[:8][1]).backward(); head.step(); body.step()")
    assert [run.loss.calls for run in notebook.runs] == [1, 1]


def test_each_optimizer_with_a_backward_pass_of_its_own_has_its_own_loss(notebook):
    notebook.run(
        SETUP,
        """
        x, y = data[:8]
        F.cross_entropy(net(x), y).backward(); head.step()
        F.nll_loss(net(x).log_softmax(1), y).backward(); body.step()
        """,
    )
    assert [(run.loss.function, run.loss.calls) for run in notebook.runs] == [
        ("cross_entropy", 1),
        ("nll_loss", 1),
    ]


def test_a_second_step_without_a_backward_pass_adds_no_loss(notebook):
    notebook.run(SETUP, "F.cross_entropy(net(data[:8][0]), data[:8][1]).backward(); head.step(); head.step()")
    assert (notebook.runs[0].steps, notebook.runs[0].loss.calls) == (2, 1)


@pytest.mark.parametrize(
    "cells",
    [
        ["F.cross_entropy(net(data[:8][0]), data[:8][1]).backward(); head.step()", "body.step()"],
        [
            """
            for x, y in DataLoader(data, batch_size=24):
                F.cross_entropy(net(x), y).backward(); head.step()
            body.step()
            """
        ],
    ],
    ids=["in the next cell", "after the pass"],
)
def test_a_step_elsewhere_does_not_take_the_loss_of_an_earlier_one(notebook, cells):
    notebook.run(SETUP, *cells)
    assert [run.loss is None for run in notebook.runs] == [False, True]
