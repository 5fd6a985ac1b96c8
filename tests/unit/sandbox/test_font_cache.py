"""Matplotlib's list of fonts, made once for all sandboxes without an image."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from grader.sandbox import font_cache as module
from grader.sandbox.font_cache import font_cache


@pytest.fixture
def lister(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Plays matplotlib; gives the folders that it was asked to write to."""
    asked: list[Path] = []

    def run(command: list[str], *, env: dict[str, str], **_: Any) -> None:
        folder = Path(env["MPLCONFIGDIR"])
        asked.append(folder)
        (folder / "fontlist-v390.json").write_text("{}")
        (folder / "fontlist-v390.json.matplotlib-lock").write_text("")

    monkeypatch.setattr(module.subprocess, "run", run)
    monkeypatch.setattr(module, "version", lambda name: "3.11")
    return asked


def test_fonts_are_listed_once(tmp_path: Path, lister: list[Path]) -> None:
    first, second = font_cache(tmp_path), font_cache(tmp_path)
    assert first == second is not None
    assert len(lister) == 1
    assert [path.name for path in first.iterdir()] == ["fontlist-v390.json"]
    assert list(tmp_path.iterdir()) == [first]


def test_another_matplotlib_gets_a_list_of_its_own(
    tmp_path: Path, lister: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = font_cache(tmp_path)
    monkeypatch.setattr(module, "version", lambda name: "3.12")
    assert font_cache(tmp_path) != before
    assert len(lister) == 2


def test_of_two_that_list_at_once_the_first_stands(
    tmp_path: Path, lister: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    play = module.subprocess.run

    def overtaken(*args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(module.subprocess, "run", play)
        font_cache(tmp_path)
        play(*args, **kwargs)

    monkeypatch.setattr(module.subprocess, "run", overtaken)
    folder = font_cache(tmp_path)
    assert folder is not None
    assert list(tmp_path.iterdir()) == [folder]


def test_without_a_list_a_sandbox_starts_all_the_same(
    tmp_path: Path, lister: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise subprocess.CalledProcessError(1, "python")

    monkeypatch.setattr(module.subprocess, "run", fail)
    assert font_cache(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
