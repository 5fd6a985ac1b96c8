"""How the image's wheels are fetched: by the host's pip, which needs none of them installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from grader.sandbox.wheels import fetch_wheels


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Command lines in the place of pip, which finds everything."""
    given: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        given.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return given


def test_a_further_index_for_torch_is_asked_as_well(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_INDEX", "https://wheels.example/cpu")
    fetch_wheels(tmp_path / "wheels", "cpu", "3.12", print)
    assert len(commands) == 2
    for command in commands:
        assert command[command.index("--extra-index-url") + 1] == "https://wheels.example/cpu"


@pytest.mark.parametrize("value", [None, ""])
def test_without_one_pips_own_settings_decide(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], tmp_path: Path, value: str | None
) -> None:
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    if value is not None:
        monkeypatch.setenv("TORCH_INDEX", value)
    fetch_wheels(tmp_path / "wheels", "cpu", "3.12", print)
    assert not [word for command in commands for word in command if "index" in word]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_wheels_are_fetched_for_the_images_python_and_never_built(
    commands: list[list[str]], tmp_path: Path, python: str
) -> None:
    fetch_wheels(tmp_path / "wheels", "cpu", python, print)
    for command in commands:
        assert f"--python-version={python}" in command
        assert "--only-binary=:all:" in command
