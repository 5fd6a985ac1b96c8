from __future__ import annotations

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
    monkeypatch.chdir(tmp_path)
    for name in ("GRADER_DB", "GRADER_RUBRIC", "GRADER_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GRADER_USER", "ta")
    monkeypatch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: course.sandbox())
    course.write_rubric(tmp_path / "rubrics")
    course.hand_in(tmp_path / "submissions", "s1", course.GOOD)
    course.hand_in(tmp_path / "submissions", "s2", course.SHADOWING)
    yield tmp_path


@pytest.fixture
def grader(capsys: pytest.CaptureFixture[str]) -> Grader:
    def run(*arguments: str | Path) -> Ended:
        code = execute([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


@pytest.fixture
def graded(lab: Path, grader: Grader) -> Path:
    """The course folder after `grader run`."""
    assert grader("run", "submissions", "--rubric", "mini").code == 0
    return lab
