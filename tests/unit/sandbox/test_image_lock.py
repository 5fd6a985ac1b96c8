"""One process builds images at a time, and another one that waits for it says so."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from grader.sandbox import image


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(image, "cache_folder", lambda: tmp_path)
    return tmp_path


def test_who_is_alone_says_nothing(folder: Path) -> None:
    said: list[str] = []
    with image._lock(said.append):
        pass
    assert said == []


def test_who_waits_says_so(folder: Path) -> None:
    said: list[str] = []
    with (folder / "image.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        def hear(text: str) -> None:
            said.append(text)
            fcntl.flock(held, fcntl.LOCK_UN)

        with image._lock(hear):
            assert said == ["another process is building an image: waiting until it is done"]
