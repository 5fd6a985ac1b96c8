from __future__ import annotations

import pytest
import torch

from grader.collector import gpu


class PlayedCuda:
    """A GPU whose allocator remembers its bound."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, there: bool = True) -> None:
        self.share = 1.0
        monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
        monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", self.set)
        monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda: self.share)

    def set(self, share: float) -> None:
        self.share = share


def test_the_kernel_is_bounded_below_the_whole_card(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = PlayedCuda(monkeypatch)
    gpu.take_share()
    assert 0.5 < cuda.share < 1.0
    assert gpu.share_changed() == ()


def test_a_bound_that_was_lifted_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = PlayedCuda(monkeypatch)
    gpu.take_share()
    cuda.share = 1.0
    assert gpu.share_changed() == ("the bound on GPU memory was raised from 90% to 100%",)


def test_a_lower_bound_of_the_notebooks_own_is_nothing_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = PlayedCuda(monkeypatch)
    gpu.take_share()
    cuda.share = 0.5
    assert gpu.share_changed() == ()


def test_a_promised_gpu_that_is_not_there_is_an_error_and_not_a_slow_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    PlayedCuda(monkeypatch, there=False)
    with pytest.raises(RuntimeError, match="no GPU is visible"):
        gpu.take_share()
