"""Figures and files of weights as the kernel records them: how often, how much of them, and without harm."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

from grader.evidence.plots import MOST_AXES, MOST_IMAGES, MOST_LINES, MOST_PLOTS
from grader.evidence.record import Cut
from tests.unit.collector.conftest import Notebook

TRAIN = """
loader = DataLoader(TensorDataset(torch.randn(8, 3), torch.randint(2, (8,))), 4)
net = nn.Linear(3, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(2):
    for x, y in loader:
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    torch.save({"weights": net.state_dict(), "epoch": epoch}, "net.pt")
"""


@pytest.fixture(autouse=True)
def no_figures_left() -> None:
    plt.close("all")


def test_a_figure_that_is_saved_and_one_that_is_left_are_told_apart_and_told_once(notebook: Notebook) -> None:
    first = notebook.run("""
        import io, matplotlib.pyplot as plt
        saved, axes = plt.subplots()
        axes.plot([3, 1, 2], label="loss")
        axes.set(title="Losses", xlabel="epoch")
        saved.savefig(io.BytesIO())
        saved.savefig(io.BytesIO())
        plt.figure()
        plt.imshow([[0.0, 1.0]])
    """)
    assert first.plots is not None
    assert [(plot.how, plot.cell) for plot in first.plots] == [("saved", 1), ("left", 1)]
    (axes,) = first.plots[0].axes
    assert (axes.title, axes.x_label, axes.y_label) == ("Losses", "epoch", "")
    assert [(line.points, line.label) for line in axes.lines] == [(3, "loss")]
    assert first.plots[1].axes[0].images == ((1, 2),)
    assert notebook.run("print('nothing more')").plots == ()


def test_lines_of_equal_heights_have_equal_digests_whatever_they_are_drawn_with(notebook: Notebook) -> None:
    collected = notebook.run("""
        import numpy as np, torch, matplotlib.pyplot as plt
        for heights in ([1, 2, 3], np.array([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0]), [1, 2, 4]):
            plt.plot(heights)
    """)
    assert collected.plots is not None
    digests = [line.digest for line in collected.plots[0].axes[0].lines]
    assert digests[0] == digests[1] == digests[2] != digests[3]


def test_what_is_cut_of_figures_says_so(notebook: Notebook) -> None:
    collected = notebook.run(f"""
        import matplotlib.pyplot as plt
        from matplotlib.figure import Figure
        many = Figure()
        for place in range({MOST_AXES + 1}):
            many.add_axes((0, 0, 1, 1))
        full = Figure()
        axes = full.add_subplot()
        for place in range({MOST_LINES + 1}):
            axes.plot([place, 1])
        for place in range({MOST_IMAGES + 1}):
            axes.imshow([[place]])
        for figure in (many, full):
            figure.savefig("figure.png", dpi=10)
    """)
    assert collected.plots is not None
    many, full = collected.plots
    assert (len(many.axes), many.cut) == (MOST_AXES, True)
    assert (len(full.axes[0].lines), len(full.axes[0].images)) == (MOST_LINES, MOST_IMAGES)
    assert full.axes[0].cut
    assert Cut.PLOTS not in collected.cut


def test_more_figures_than_are_kept_are_said_to_be_cut(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.collector.recorder.plots.MOST_PLOTS", 2)
    collected = notebook.run("""
        from matplotlib.figure import Figure
        for count in range(3):
            figure = Figure()
            figure.add_subplot().plot(range(count + 2))
            figure.savefig("figure.png", dpi=10)
    """)
    assert collected.plots is not None
    assert len(collected.plots) == 2 < MOST_PLOTS
    assert Cut.PLOTS in collected.cut


def test_a_checkpoint_is_of_the_training_whose_weights_are_in_it(notebook: Notebook) -> None:
    collected = notebook.run(TRAIN)
    assert collected.checkpoints is not None
    assert [(each.path, each.run, each.epoch) for each in collected.checkpoints.saved] == [
        ("net.pt", 0, 1),
        ("net.pt", 0, 2),
    ]
    again = notebook.run("""
        best = nn.Linear(3, 2)
        best.load_state_dict(torch.load("net.pt")["weights"])
        torch.save(nn.Linear(3, 2).state_dict(), "net.pt")
    """)
    assert again.checkpoints is not None
    (loaded,) = again.checkpoints.loaded
    assert (loaded.saved_in, loaded.run, loaded.epoch, loaded.line) == (1, 0, 2, 3)
    assert (loaded.class_name, loaded.names) == ("Linear", ("best",))
    (saved,) = again.checkpoints.saved
    assert (saved.run, saved.epoch) == (None, None)


def test_a_data_set_that_reads_its_files_again_and_again_is_told_of_once(notebook: Notebook) -> None:
    collected = notebook.run(
        """
for place in range(3):
    torch.save(torch.ones(place), f"{place}.tensor")
for epoch in range(50):
    for place in range(3):
        torch.load(f"{place}.tensor")
"""
    )
    assert collected.checkpoints is not None
    assert [each.path for each in collected.checkpoints.loaded] == ["0.tensor", "1.tensor", "2.tensor"]
    assert collected.training is not None
    assert collected.training.complete


def test_objects_that_cannot_be_looked_into_are_saved_all_the_same(notebook: Notebook) -> None:
    collected = notebook.run(
        """
class Odd(dict):
    def values(self):
        raise RuntimeError("no values")

torch.save({"odd": Odd(a=1)}, "odd.pt")
torch.save(nn.Linear(2, 1).state_dict(), "net.pt")
"""
    )
    assert collected.checkpoints is not None
    assert "net.pt" in [each.path for each in collected.checkpoints.saved]
