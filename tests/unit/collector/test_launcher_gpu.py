"""The launcher and a GPU: it sees none while it warms up, and its kernels may name their threads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.collector import launcher, places


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str | None]:
    """What CUDA_VISIBLE_DEVICES was at each import, the optimizer's first step and the look for backends."""
    found: list[str | None] = []

    def look(*_: object) -> None:
        found.append(os.environ.get("CUDA_VISIBLE_DEVICES"))

    monkeypatch.setattr(launcher, "_WARM", ("torch", "torchvision"))
    monkeypatch.setattr(launcher, "HOME", tmp_path / "home")
    monkeypatch.setattr(launcher, "_FONT_CACHE", tmp_path / "none")
    monkeypatch.setattr(launcher, "kernel_environment", dict)
    monkeypatch.setattr("importlib.import_module", look)
    monkeypatch.setattr(launcher, "_build_optimizer", look)
    monkeypatch.setattr(launcher, "_find_backends", look)
    monkeypatch.setattr(launcher, "look_ahead", lambda: None)
    return found


@pytest.mark.parametrize("before", [None, "0", "GPU-a"])
def test_no_gpu_is_visible_while_it_warms_up(
    seen: list[str | None], before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if before is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", before)
    launcher.warm_up()
    assert seen == ["", "", "", ""]
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == before


@pytest.mark.parametrize("there", [True, False])
def test_files_of_processes_are_open_for_writing_only_where_a_gpu_is(
    there: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    driver = tmp_path / "nvidiactl"
    if there:
        driver.touch()
    monkeypatch.setattr(places, "_GPU_DRIVER", driver)
    assert places.kernel_places(tmp_path).processes == (Path("/proc") if there else None)
