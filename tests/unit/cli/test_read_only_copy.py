"""A copy that nobody may write is shown, exported and audited, and stays as it is."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

import grader as package
from grader.files.leftovers import remove_leftovers
from grader.sandbox import code_folder


@pytest.fixture
def copy(graded: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a class beside its evidence, as on a disk that is mounted read-only."""
    (graded / "copy").mkdir()
    shutil.copy(graded / "grader.db", graded / "copy" / "grader.db")
    shutil.copytree(graded / "grader.db.evidence", graded / "copy" / "grader.db.evidence")
    for module in ("engine", "schema"):
        monkeypatch.setattr(f"grader.store.{module}.may_write", lambda _: False)
    return graded / "copy" / "grader.db"


def test_what_only_reads_works_on_a_copy_that_may_not_be_written(copy: Path, grader, graded: Path) -> None:
    before = {path: path.read_bytes() for path in copy.parent.rglob("*") if path.is_file()}
    for command, said in (
        ("list -a mini", "s1"), ("show s2 -a mini --history --why", "stands on"), ("pending -a mini", "s1"),
        ("summary -a mini", "A small lab"), ("report -a mini --out reports", "2 reports are in"),
        ("export json -a mini --out marks.json", "marks.json"), ("export csv -a mini --out -", "s2"),
        ("remark list -a mini", "no remark requests"), ("audit", "unbroken"), ("db zone", "UTC"),
    ):  # fmt: skip
        ended = grader(*command.split(), "--db", copy)
        assert ended.code == 0, (command, ended)
        assert said in ended.out, (command, ended)
    after = {path: path.read_bytes() for path in copy.parent.rglob("*") if path.is_file()}
    assert after == before


def test_what_writes_is_told_that_it_may_not(copy: Path, grader) -> None:
    ended = grader(
        "mark", "s1", "-a", "mini", "--criterion", "why", "--points", "1", "--comment", "x", "--db", copy
    )
    assert ended.code == 2
    assert "may not be written" in ended.err and "can be shown, exported and audited" in ended.err


def test_a_demo_in_a_folder_with_something_of_ones_own_writes_nothing(lab: Path, grader) -> None:
    before = {path: path.read_bytes() for path in lab.rglob("*") if path.is_file()}
    ended = grader("demo", ".")
    assert ended.code == 2 and "not empty" in ended.err
    assert {path: path.read_bytes() for path in lab.rglob("*") if path.is_file()} == before


def test_the_next_run_knows_every_temporary_folder_of_ours(tmp_path: Path) -> None:
    prefixes = set()
    for path in Path(package.__file__).parent.rglob("*.py"):
        if "collector" not in path.parts:
            found = re.findall(r'prefix="(grader-[a-z]+-)"', path.read_text(encoding="utf-8"))
            prefixes.update(found)
    assert len(prefixes) >= 5
    for prefix in prefixes - {code_folder._PREFIX}:
        (tmp_path / f"{prefix}killed").mkdir()
    left = list(tmp_path.iterdir())
    for path in left:
        os.utime(path, (0, 0))
    assert remove_leftovers(tmp_path) == len(left)
    assert list(tmp_path.iterdir()) == []
