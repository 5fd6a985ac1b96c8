"""Trainings in threads: which pass a step belongs to is known where they take no turns."""

from __future__ import annotations

import pytest

SETUP = """
import threading

def step(net, stepper):
    stepper.zero_grad()
    F.cross_entropy(net(torch.randn(4, 2)), torch.arange(4) % 2).backward()
    stepper.step()

def in_thread(net, stepper):
    work = threading.Thread(target=step, args=(net, stepper))
    work.start()
    work.join()

nets = [nn.Linear(2, 2) for _ in range(2)]
one, two = [torch.optim.SGD(net.parameters(), lr=0.1) for net in nets]
"""


@pytest.mark.parametrize(
    ("cells", "complete"),
    [
        (["step(nets[0], one)\nin_thread(nets[1], two)\nstep(nets[0], one)"], False),
        (["step(nets[0], one)\nin_thread(nets[1], two)"], True),
        (["in_thread(nets[0], one)", "in_thread(nets[1], two)", "step(nets[0], one)"], True),
        (["step(nets[0], one)\nstep(nets[1], two)\nstep(nets[0], one)"], True),
    ],
)
def test_a_record_of_trainings_by_turns_in_threads_is_not_complete(notebook, cells, complete):
    notebook.run(SETUP, *cells)
    assert notebook.history.complete is complete, notebook.history.notes
