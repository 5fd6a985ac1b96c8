"""Trained weights that were changed a little before the next run are doubted, fresh ones never."""

from __future__ import annotations

import pytest

SETUP = """
torch.manual_seed(3)
data = TensorDataset(torch.randn(32, 12), torch.randint(0, 2, (32,)).float())

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(12, 10)
        self.norm = nn.BatchNorm1d(10)
        self.second = nn.Linear(10, 1)

    def forward(self, x):
        return self.second(torch.tanh(self.norm(self.first(x)))).squeeze(1)

def train(net, lr=0.01):
    loader = DataLoader(data, batch_size=8)
    stepper = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    for inputs, labels in loader:
        stepper.zero_grad()
        nn.BCEWithLogitsLoss()(net(inputs), labels).backward()
        stepper.step()

net = Net()
train(net)
"""

DISGUISES = {
    "scaled by a millionth": "with torch.no_grad(): [p.mul_(1 + 1e-6) for p in net.parameters()]",
    "scaled": "with torch.no_grad(): [p.mul_(0.9) for p in net.parameters()]",
    "with noise": "with torch.no_grad(): [p.add_(0.02 * torch.randn_like(p)) for p in net.parameters()]",
    "noise on a copy": "import copy; net = copy.deepcopy(net)\n"
    "for p in net.parameters(): p.data = p.data + 0.02 * torch.randn_like(p)",
}
FRESH = {
    "a new object": "net = Net()",
    "reset": "net.first.reset_parameters(); net.norm.reset_parameters(); net.second.reset_parameters()",
    "another initialisation": "for p in net.parameters(): p.data.uniform_(-0.1, 0.1)",
    "the same seed": "torch.manual_seed(3); torch.randn(32, 12); torch.randint(0, 2, (32,)); net = Net()",
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_slightly_changed_trained_weights_cannot_pass_for_fresh(notebook, disguise):
    notebook.run(SETUP, disguise, "train(net, 0.02)")
    start = notebook.runs[-1].start
    assert not start.determined
    assert "resemble those that run 0 ended with" in start.why
    assert start.carried_from is None


@pytest.mark.parametrize("renewal", FRESH.values(), ids=FRESH)
def test_fresh_weights_are_not_doubted(notebook, renewal):
    notebook.run(SETUP, renewal, "train(net, 0.02)")
    start = notebook.runs[-1].start
    assert start.determined
    assert start.carried_share == 0.0


def test_fresh_nets_of_one_architecture_are_not_doubted(notebook):
    notebook.run(SETUP, *["net = Net(); train(net)"] * 20)
    assert all(run.start.determined and run.start.carried_share == 0.0 for run in notebook.runs)
