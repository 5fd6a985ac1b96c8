"""The seal over a working session: training breaks nothing, taking things out of it shows."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.collector.conftest import Notebook


def sealed(notebook: Notebook) -> Notebook:
    kernel = SimpleNamespace(session=SimpleNamespace(), shell_handlers={}, _graded=notebook.session)
    notebook.session.seal(kernel)
    return notebook


TRAIN = """
net = nn.Linear(4, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for x, y in DataLoader(TensorDataset(torch.randn(8, 4), torch.ones(8, 1)), batch_size=4):
    optimizer.zero_grad(); F.mse_loss(net(x), y).backward(); optimizer.step()
"""


def test_a_sealed_session_stays_whole_while_it_works(notebook: Notebook) -> None:
    sealed(notebook).run(TRAIN, TRAIN)
    assert [collected.tampering for collected in notebook.collected] == [()] * 3
    assert len(notebook.runs) == 2
    assert notebook.history.complete


@pytest.mark.parametrize("forged", [None, SimpleNamespace(broken=lambda: ())])
def test_a_seal_that_was_taken_away_or_replaced_counts_as_broken(
    notebook: Notebook, forged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(sealed(notebook).session), "_seal", forged)
    assert notebook.run("x = 1").tampering == ("the notebook took the seal away",)
    assert not notebook.history.complete


def test_a_recorder_put_in_the_place_of_ours_is_seen(
    notebook: Notebook, make_notebook: Callable[..., Notebook], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = vars(make_notebook().session)["_recorder"]
    # Back in its place before the notebook is taken down, which undoes what its own recorder did.
    with monkeypatch.context() as forging:
        forging.setitem(vars(sealed(notebook).session), "_recorder", other)
        tampering = notebook.run("x = 1").tampering
    assert "the notebook changed the session._recorder" in tampering
