from __future__ import annotations

import importlib.util
import marshal
import os
import time
from pathlib import Path

import pytest

from grader.sandbox.code_folder import MOUNTED, CodeFolder


def age(folder: Path) -> None:
    long_ago = time.time() - 3600
    os.utime(folder, (long_ago, long_ago))


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """As a killed run leaves it."""
    folder = tmp_path / "grader-code-left"
    (folder / "grader").mkdir(parents=True)
    age(folder)
    return folder


def test_the_code_is_there_until_it_is_removed(tmp_path: Path) -> None:
    folder = CodeFolder(tmp_path)
    assert (folder.path / "grader" / "collector" / "driver.py").is_file()
    folder.remove()
    folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_code_is_compiled_where_it_can_still_be_written_to(tmp_path: Path) -> None:
    folder = CodeFolder(tmp_path)
    driver = folder.path / "grader" / "collector" / "driver.py"
    compiled = Path(importlib.util.cache_from_source(str(driver)))
    code = marshal.loads(compiled.read_bytes()[16:])
    assert code.co_filename == f"{MOUNTED}/grader/collector/driver.py"
    folder.remove()


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path, left: Path) -> None:
    CodeFolder(tmp_path).remove()
    assert not left.exists()


def test_folders_of_living_runs_stay(tmp_path: Path) -> None:
    living = CodeFolder(tmp_path)
    age(living.path)
    CodeFolder(tmp_path).remove()
    assert (living.path / "grader").is_dir()
    living.remove()


def test_a_folder_that_was_only_just_made_stays(tmp_path: Path, left: Path) -> None:
    os.utime(left)
    CodeFolder(tmp_path).remove()
    assert left.exists()


def test_a_link_of_the_same_name_leads_nowhere(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    age(precious)
    (tmp_path / "grader-code-link").symlink_to(precious)
    CodeFolder(tmp_path).remove()
    assert precious.is_dir()
