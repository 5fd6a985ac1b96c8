"""What a training run started from: reused weights are found, fresh ones are never accused."""

from __future__ import annotations

import pytest

SETUP = """
torch.manual_seed(3)
data = TensorDataset(torch.randn(32, 6), torch.randint(0, 2, (32,)).float())

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.second = nn.Linear(5, 1)

    def forward(self, x):
        return self.second(torch.tanh(self.first(x))).squeeze(1)

def train(net, lr=0.1, epochs=2, optimizer=torch.optim.SGD, **more):
    loader = DataLoader(data, batch_size=8, shuffle=True)
    criterion = nn.BCEWithLogitsLoss()
    stepper = optimizer(net.parameters(), lr=lr, **more)
    for epoch in range(epochs):
        for inputs, labels in loader:
            stepper.zero_grad()
            criterion(net(inputs), labels).backward()
            stepper.step()
"""

CASES = {
    "the object is trained again": ("net = Net(); train(net)", "train(net, 0.2)", 1.0),
    "a new object": ("net = Net(); train(net)", "net = Net(); train(net)", 0.0),
    "a new object in the same cell": ("net = Net(); train(net); net = Net(); train(net)", "", 0.0),
    "trained again in the same cell": ("net = Net(); train(net); train(net, 0.2)", "", 1.0),
    "the same settings twice in one cell": ("net = Net(); train(net); train(net)", "", 1.0),
    "the initial state is loaded again": (
        "import copy; net = Net(); start = copy.deepcopy(net.state_dict()); train(net)",
        "net.load_state_dict(start); train(net)",
        0.0,
    ),
    "reset_parameters": (
        "net = Net(); train(net)",
        "net.first.reset_parameters(); net.second.reset_parameters(); train(net)",
        0.0,
    ),
    "reset_parameters in the same cell": (
        "net = Net(); train(net); net.first.reset_parameters(); net.second.reset_parameters(); train(net)",
        "",
        0.0,
    ),
    "trained weights are loaded into a new object": (
        "net = Net(); train(net); torch.save(net.state_dict(), 'net.pt')",
        "net = Net(); net.load_state_dict(torch.load('net.pt')); train(net)",
        1.0,
    ),
    "a checkpoint of an earlier epoch is loaded": (
        "net = Net(); train(net, epochs=1); torch.save(net.state_dict(), 'net.pt'); train(net)",
        "net = Net(); net.load_state_dict(torch.load('net.pt')); train(net)",
        1.0,
    ),
    "only the first layer is reset": (
        "net = Net(); train(net)",
        "net.first.reset_parameters(); train(net)",
        0.5,
    ),
    "values are written through .data": (
        "net = Net(); train(net)",
        "for p in net.parameters(): p.data.normal_()\ntrain(net)",
        0.0,
    ),
    "values are written through .data in the same cell": (
        "net = Net(); train(net)\nfor p in net.parameters(): p.data.normal_()\ntrain(net)",
        "",
        0.0,
    ),
    "reused after a fused optimizer": (
        "net = Net(); train(net, fused=True)",
        "train(net, 0.2, fused=True)",
        1.0,
    ),
    "the same seed gives the same start": (
        "torch.manual_seed(0); net = Net(); train(net)",
        "torch.manual_seed(0); net = Net(); train(net)",
        0.0,
    ),
    "a deep copy of a trained net": (
        "import copy; net = Net(); train(net)",
        "net = copy.deepcopy(net); train(net)",
        1.0,
    ),
}


@pytest.mark.parametrize(("first", "second", "share"), CASES.values(), ids=CASES)
def test_share_of_carried_weights(notebook, first, second, share):
    notebook.run(SETUP, first, second)
    last = notebook.runs[-1]
    assert len(notebook.runs) >= 2
    assert last.start.determined
    assert last.start.carried_share == pytest.approx(share)
    assert (last.start.carried_from is not None) == (share > 0)
    assert notebook.history.complete


def test_reuse_and_loading_are_told_apart_by_identity(notebook):
    notebook.run(SETUP, "net = Net(); train(net)", "train(net)")
    notebook.run("other = Net(); other.load_state_dict(net.state_dict()); train(other)")
    assert notebook.runs[1].start.identity_share == 1.0
    assert notebook.runs[2].start.identity_share == 0.0
    assert notebook.runs[2].start.carried_from == 1


@pytest.mark.parametrize(
    "again", ["net.load_state_dict(start)", "torch.manual_seed(0); net = Net()"], ids=["loaded", "same seed"]
)
def test_the_same_initial_values_are_said_to_be_initial(notebook, again):
    notebook.run(
        SETUP,
        "import copy; torch.manual_seed(0); net = Net(); start = copy.deepcopy(net.state_dict()); train(net)",
        f"{again}; train(net)",
    )
    assert notebook.runs[1].start.reloaded_initial


def test_a_fresh_head_on_the_same_frozen_backbone_is_fresh(notebook):
    notebook.run(
        SETUP,
        """
        backbone = nn.Linear(6, 5)
        for p in backbone.parameters(): p.requires_grad = False
        class Transfer(nn.Module):
            def __init__(self):
                super().__init__()
                self.backbone = backbone
                self.head = nn.Linear(5, 1)
            def forward(self, x):
                return self.head(self.backbone(x)).squeeze(1)
        train(Transfer())
        """,
        "train(Transfer(), 0.2)",
    )
    assert notebook.runs[1].start.carried_share == 0.0


def test_fresh_scales_and_biases_are_not_taken_for_carried_ones(notebook):
    notebook.run(
        SETUP,
        """
        def build():
            net = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 1), nn.Flatten(0))
            nn.init.zeros_(net[0].bias); nn.init.zeros_(net[2].bias)
            return net
        train(build(), lr=0.0)
        """,
        "train(build())",
    )
    assert notebook.runs[1].start.carried_share == 0.0


def test_an_optimizer_for_each_epoch_is_one_run(notebook):
    notebook.run(
        SETUP,
        """
        net = Net()
        loader = DataLoader(data, batch_size=8)
        for epoch in range(4):
            stepper = torch.optim.SGD(net.parameters(), lr=0.1)
            for inputs, labels in loader:
                F.binary_cross_entropy_with_logits(net(inputs), labels).backward()
                stepper.step()
        """,
    )
    assert len(notebook.runs) == 1
    assert notebook.runs[0].passes == 4


def test_a_schedule_does_not_open_a_run(notebook):
    notebook.run(
        SETUP,
        """
        def scheduled(net, by_hand):
            loader = DataLoader(data, batch_size=8)
            stepper = torch.optim.SGD(net.parameters(), lr=0.1)
            scheduler = torch.optim.lr_scheduler.StepLR(stepper, 1)
            for epoch in range(3):
                for inputs, labels in loader:
                    F.binary_cross_entropy_with_logits(net(inputs), labels).backward()
                    stepper.step()
                if by_hand:
                    stepper.param_groups[0]["lr"] *= 0.5
                else:
                    scheduler.step()
        scheduled(Net(), by_hand=False)
        """,
        "scheduled(Net(), by_hand=True)",
    )
    assert [run.cell for run in notebook.runs] == [2, 3]


def test_an_edited_global_optimizer_in_another_cell_opens_a_carried_run(notebook):
    loop = """
    for inputs, labels in DataLoader(data, batch_size=8):
        F.binary_cross_entropy_with_logits(net(inputs), labels).backward()
        stepper.step()
    """
    notebook.run(SETUP, "net = Net(); stepper = torch.optim.SGD(net.parameters(), lr=0.1)", loop)
    notebook.run("stepper.param_groups[0]['lr'] = 0.5", loop)
    assert [run.start.carried_share for run in notebook.runs] == [0.0, 1.0]
    assert notebook.runs[1].start.determined


def test_an_edited_global_optimizer_in_one_cell_cannot_be_told(notebook):
    notebook.run(
        SETUP,
        """
        net = Net()
        stepper = torch.optim.SGD(net.parameters(), lr=0.1)
        for lr in (0.1, 0.01):
            stepper.param_groups[0]["lr"] = lr
            for inputs, labels in DataLoader(data, batch_size=8):
                F.binary_cross_entropy_with_logits(net(inputs), labels).backward()
                stepper.step()
        """,
    )
    assert not notebook.runs[1].start.determined
    assert "written by hand" in notebook.runs[1].start.why


def test_a_reset_net_under_a_kept_optimizer_is_a_fresh_run(notebook):
    loop = """
    for inputs, labels in DataLoader(data, batch_size=8):
        F.binary_cross_entropy_with_logits(net(inputs), labels).backward()
        stepper.step()
    """
    notebook.run(SETUP, "net = Net(); stepper = torch.optim.SGD(net.parameters(), lr=0.1)", loop)
    notebook.run("net.first.reset_parameters(); net.second.reset_parameters()", loop)
    assert [run.start.carried_share for run in notebook.runs] == [0.0, 0.0]


BY_HAND = """
for inputs, labels in DataLoader(data, batch_size=8):
    F.binary_cross_entropy_with_logits(net(inputs), labels).backward()
    {update}
    net.zero_grad()
"""
UPDATES = {
    "data": "for p in net.parameters(): p.data -= 0.1 * p.grad",
    "no_grad": "with torch.no_grad(): [p.sub_(0.1 * p.grad) for p in net.parameters()]",
}


@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)
def test_updates_by_hand_are_a_run(notebook, update):
    notebook.run(SETUP, "net = Net()", BY_HAND.format(update=update), "train(net)")
    by_hand, reused = notebook.runs
    assert (by_hand.method, by_hand.cell, by_hand.model.names) == ("by_hand", 3, ("net",))
    assert by_hand.loss.function == "binary_cross_entropy_with_logits"
    assert reused.start.carried_share == 1.0


def test_updates_by_hand_in_two_cells_cannot_be_told(notebook):
    loop = BY_HAND.format(update=UPDATES["data"])
    notebook.run(SETUP, "net = Net()", loop, loop)
    assert not notebook.runs[1].start.determined


IN_A_FUNCTION = """
def step(net, inputs, labels, lr):
    F.binary_cross_entropy_with_logits(net(inputs), labels).backward()
    for p in net.parameters(): p.data -= lr * p.grad
    net.zero_grad()
def train_by_hand(net, lr, epochs=2):
    for epoch in range(epochs):
        for inputs, labels in DataLoader(data, batch_size=8):
            step(net, inputs, labels, lr)
"""


@pytest.mark.parametrize(
    ("calls", "told_apart"),
    [
        ("train_by_hand(net, 0.1)", True),
        ("train_by_hand(net, 0.1)\nnet = Net()\ntrain_by_hand(net, 0.01)", True),
        ("for lr in (0.1, 0.01): train_by_hand(Net(), lr)", True),
        ("[train_by_hand(net, 0.1) for net in (Net(), Net())]", True),
        ("train_by_hand(net, 0.1)\ntrain_by_hand(net, 0.01)", False),
        ("for lr in (0.1, 0.01): train_by_hand(net, lr)", False),
        ("def compare():\n    for lr in (0.1, 0.01): train_by_hand(net, lr)\ncompare(); compare()", False),
        ("def compare():\n    for lr in (0.1, 0.01): train_by_hand(net, lr)\ncompare()", False),
        ("def compare():\n    for lr in (0.1, 0.01): train_by_hand(Net(), lr)\ncompare()", True),
        ("def whole(): train_by_hand(net, 0.1, 4)\nwhole()", True),
        ("for x, y in DataLoader(data, batch_size=8): step(net, x, y, 0.1)", True),
        ("%time train_by_hand(net, 0.1)", True),
    ],
)
def test_several_calls_that_update_one_net_by_hand_in_a_cell_cannot_be_told_apart(
    notebook, calls, told_apart
):
    notebook.run(SETUP, IN_A_FUNCTION, "net = Net()", calls)
    assert all(run.method == "by_hand" for run in notebook.runs)
    assert all(run.start.determined for run in notebook.runs) is told_apart


def test_a_cell_that_trains_step_by_step_does_not_keep_its_batches(notebook):
    notebook.run(
        SETUP,
        "import gc, weakref\nseen = []",
        """
        def step(net, inputs, labels):
            seen.append(weakref.ref(inputs))
            F.binary_cross_entropy_with_logits(net(inputs), labels).backward()
        net = Net()
        for _ in range(5):
            for inputs, labels in DataLoader(data, batch_size=8):
                step(net, inputs, labels)
        gc.collect()
        alive = sum(each() is not None for each in seen)
        """,
    )
    assert len(notebook.namespace["seen"]) >= 5
    # The loop's own variable, and the latest call.
    assert notebook.namespace["alive"] <= 2


def test_backward_passes_alone_are_no_training(notebook):
    notebook.run(SETUP, "net = Net()", BY_HAND.format(update="pass"))
    assert notebook.runs == ()


def test_training_without_a_loader_is_read_step_by_step(notebook):
    notebook.run(
        SETUP,
        """
        def plain(net):
            stepper = torch.optim.SGD(net.parameters(), lr=0.1)
            for inputs, label in data:
                F.binary_cross_entropy_with_logits(net(inputs[None]), label[None]).backward()
                stepper.step()
        net = Net(); plain(net)
        for p in net.parameters(): p.data.normal_()
        plain(net); plain(net)
        """,
    )
    assert [run.start.carried_share for run in notebook.runs] == [0.0, 0.0, 1.0]
    assert [run.source for run in notebook.runs] == [None, None, None]
    assert all(run.start.determined for run in notebook.runs)
