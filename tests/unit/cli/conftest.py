from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.cli import execute
from tests import course


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Grader = Callable[..., Ended]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A course folder as current folder: a rubric called mini, two submissions, a sandbox that is a fake."""
    _set_up(tmp_path, monkeypatch)
    yield tmp_path


def _set_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for name in ("GRADER_DB", "GRADER_RUBRIC", "GRADER_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GRADER_USER", "ta")
    monkeypatch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: course.sandbox())
    course.write_rubric(folder / "rubrics")
    course.hand_in(folder / "submissions", "s1", course.GOOD)
    course.hand_in(folder / "submissions", "s2", course.SHADOWING)


@pytest.fixture
def grader(capsys: pytest.CaptureFixture[str]) -> Grader:
    def run(*arguments: str | Path) -> Ended:
        code = execute([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def graded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course folder after `grader run`; tests get a copy of what it left."""
    folder = tmp_path_factory.mktemp("graded")
    with pytest.MonkeyPatch.context() as patch:
        _set_up(folder, patch)
        assert execute(["run", "submissions", "--rubric", "mini"]) == 0
    return folder


@pytest.fixture
def graded(lab: Path, graded_once: Path) -> Path:
    """The course folder after `grader run`."""
    shutil.copytree(graded_once, lab, dirs_exist_ok=True)
    return lab
