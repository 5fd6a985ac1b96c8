"""A notebook in a plain IPython shell with the collector installed, as the kernel has it."""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch

from tests.vision import usable_torchvision

matplotlib.use("agg")
usable_torchvision()  # Some of the collector's own modules import it.

import matplotlib.pyplot as plt  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from traitlets.config import Config  # noqa: E402

from grader.collector.session import KernelSession  # noqa: E402
from grader.evidence.arrays import Arrays  # noqa: E402
from grader.evidence.frames import Collected, ProbeRequest  # noqa: E402
from grader.evidence.plan import Plan, probe_id  # noqa: E402
from grader.evidence.record import ProbeResult, ShimKind, ShimUse  # noqa: E402
from grader.evidence.training import TrainingHistory, TrainingRun  # noqa: E402
from grader.sandbox.histories import gone_on  # noqa: E402
from tests.in_process import without_threads_of_other_tests  # noqa: E402

COMMON = """
import torch, torch.nn as nn, torch.nn.functional as F, numpy as np
from torch.utils.data import DataLoader, TensorDataset
"""


class Notebook:
    """Cells run one after another; `collected` holds what each of them gave."""

    def __init__(self, session: KernelSession, shell: InteractiveShell) -> None:
        self.session = session
        self.shell = shell
        self.collected: list[Collected] = []
        self.arrays: list[Arrays] = []
        self.error: BaseException | None = None

    @property
    def namespace(self) -> dict[str, Any]:
        return self.shell.user_ns

    def run(self, *cells: str, check: bool = True) -> Collected:
        """Runs cells; a cell that raises fails the test unless `check` is off."""
        for source in cells:
            self.session.begin_cell(len(self.collected))
            result = self.shell.run_cell(textwrap.dedent(source))
            self.error = result.error_in_exec or result.error_before_exec
            collected, arrays = self.session.collect()
            self._goes_on(collected.training)
            self.collected.append(collected)
            self.arrays.append(arrays)
            if check and self.error is not None:
                raise self.error
        return self.collected[-1]

    def _goes_on(self, training: TrainingHistory | None) -> None:
        """The host takes a history that does not extend the one before for forged."""
        if self.collected and self.collected[-1].training is not None and training is not None:
            _, change = gone_on(self.collected[-1].training, training)
            assert change == ""

    @property
    def history(self) -> TrainingHistory:
        training = self.collected[-1].training
        assert training is not None
        return training

    @property
    def runs(self) -> tuple[TrainingRun, ...]:
        return self.history.runs

    @property
    def shims(self) -> list[ShimUse]:
        return [use for collected in self.collected for use in collected.shims]

    @property
    def kinds(self) -> set[ShimKind]:
        """The kinds of stand-ins that were used."""
        return {use.kind for use in self.shims}

    @property
    def anomalies(self) -> list[str]:
        return [text for collected in self.collected for text in collected.anomalies]

    def probe(
        self, probe: Any, inputs: tuple[Any, ...] = (), arrays: tuple[Any, ...] = ()
    ) -> tuple[ProbeResult, Arrays]:
        request = ProbeRequest(id=probe_id(probe), probe=probe, inputs=inputs)
        return self.session.probe(request, arrays)


@contextmanager
def settings_of_libraries() -> Iterator[None]:
    """Puts back what a notebook may set for its whole process, which here is that of the next test too."""
    printing, dtype, grad = (
        copy.copy(torch._tensor_str.PRINT_OPTS),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )
    with np.printoptions(), np.errstate(), matplotlib.rc_context():
        yield
    plt.close("all")
    vars(torch._tensor_str.PRINT_OPTS).update(vars(printing))
    torch.set_default_dtype(dtype)
    torch.set_grad_enabled(grad)


@pytest.fixture
def make_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Notebook]]:
    """Builds notebooks from plan fields; everything is taken out again after the test."""
    made: list[Notebook] = []
    work = tmp_path / "content"
    work.mkdir()
    monkeypatch.chdir(work)

    def make(data_dir: Path | None = None, files: dict[str, bytes] | None = None, **plan: Any) -> Notebook:
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        session = KernelSession(
            Plan(assignment="test", **plan), shell.user_ns, data_dir=data_dir, work_dir=work, files=files
        )
        session.install(shell)
        made.append(Notebook(session, shell))
        return made[-1]

    with settings_of_libraries():
        yield make
        for notebook in reversed(made):
            notebook.session.uninstall()


@pytest.fixture(autouse=True)
def threads_of_other_tests() -> Iterator[None]:
    with without_threads_of_other_tests():
        yield


@pytest.fixture
def notebook(make_notebook: Callable[..., Notebook]) -> Notebook:
    """A notebook under the default budget, common imports done in cell 0."""
    made = make_notebook()
    made.run(COMMON)
    return made
