"""One network by several objects: what stands around it, and what it stands around."""

from __future__ import annotations

import pytest

SETUP = """
data = TensorDataset(torch.randn(8, 4), torch.arange(8) % 3)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 8)
        self.out = nn.Linear(8, 3)
    def forward(self, x):
        return self.out(self.fc(x).relu())

class Task(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner
    def forward(self, x):
        return self.inner(2 * x)

class Tempered(Task):
    def __init__(self, inner):
        super().__init__(inner)
        self.heat = nn.Parameter(torch.ones(1))
    def forward(self, x):
        return self.inner(x) / self.heat

def train(model):
    stepper = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in DataLoader(data, batch_size=4):
        stepper.zero_grad()
        F.cross_entropy(model(x), y).backward()
        stepper.step()

def look(model):
    with torch.no_grad():
        for x, y in DataLoader(data, batch_size=4):
            model(x)
"""

AROUND = {
    "parallel": "nn.DataParallel(net)",
    "of the student's own": "Task(net)",
    "sequential": "nn.Sequential(nn.Identity(), net, nn.LogSoftmax(1))",
    "twice": "Task(nn.DataParallel(net))",
    "compiled": "torch.compile(net, backend='eager')",
}


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
def test_what_stands_around_a_network_is_that_network(notebook, around):
    notebook.run(SETUP, "net = Net()", f"train({around})", "look(net)", f"look({around})")
    trained = notebook.runs[0].model
    assert trained.names == ("net",)
    assert "Net" in (trained.class_name, *trained.also)
    assert {each.model.token for each in notebook.history.evaluations} == {trained.token}


def test_a_class_of_torch_gives_way_to_the_one_that_the_student_wrote(notebook):
    notebook.run(
        SETUP, "net = nn.DataParallel(Net())", "train(net)", "task = Task(Net())", "train(task.inner)"
    )
    first, second = (run.model for run in notebook.runs)
    assert (first.class_name, first.also, first.names) == ("Net", ("DataParallel",), ("net",))
    assert (second.class_name, second.also, second.names) == ("Net", ("Task",), ("task",))


def test_what_adds_parameters_or_is_built_of_others_is_another_network(notebook):
    notebook.run(SETUP, "net = Net()", "train(net)", "train(Tempered(net))", "train(Task(Net()))")
    first, tempered, other = (run.model for run in notebook.runs)
    assert len({first.token, tempered.token, other.token}) == 3
    assert (tempered.names, other.names) == ((), ())
    assert (tempered.class_name, tempered.also) == ("Tempered", ())


def test_steps_without_a_gradient_train_nothing(notebook):
    step = (
        "stepper = torch.optim.{}(net.parameters(), lr=0.1)\nF.cross_entropy(net(data[:4][0]), data[:4][1])"
    )
    for optimizer in ("SGD", "Adam"):
        notebook.run(SETUP, "net = Net()", f"{step.format(optimizer)}\nstepper.step()")
    assert notebook.runs == ()
    notebook.run("F.cross_entropy(net(data[:4][0]), data[:4][1]).backward()\nstepper.step()\nstepper.step()")
    assert [(run.optimizer, run.steps) for run in notebook.runs] == [("Adam", 2)]


def test_a_step_counts_whose_gradients_come_with_it_or_go_with_it(notebook):
    notebook.run(
        SETUP,
        """
        net = Net()
        stepper = torch.optim.LBFGS(net.parameters(), lr=0.1, max_iter=1)
        def loss():
            stepper.zero_grad()
            value = F.cross_entropy(net(data[:4][0]), data[:4][1])
            value.backward()
            return value
        stepper.step(loss)
        """,
        """
        net = Net()
        stepper = torch.optim.SGD(net.parameters(), lr=0.1)
        stepper.register_step_post_hook(lambda optimizer, *_: optimizer.zero_grad())
        F.cross_entropy(net(data[:4][0]), data[:4][1]).backward()
        stepper.step()
        """,
        """
        net = Net()
        stepper = torch.optim.SGD(net.parameters(), lr=0.1)
        stepper.register_step_pre_hook(
            lambda *_: F.cross_entropy(net(data[:4][0]), data[:4][1]).backward() and None
        )
        stepper.step()
        """,
    )
    assert [run.steps for run in notebook.runs] == [1, 1, 1]
