"""A database on a disk that nobody may write to is read as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.store import Signature, open_store
from grader.store.records import SubmissionRecord


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_a_database_on_a_disk_that_is_mounted_read_only_is_shown(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "grader.db")) as store, store.writing() as history:
        record = SubmissionRecord(
            student="s1", assignment="mini", notebook=store.blobs.put(b"work"), path="p", submitted_at=None,
            late=False, problem="",
        )  # fmt: skip
        history.hand_in(record, Signature("ann", store.clock(), "test"))
    root = str(Path(__file__).parents[2])
    python = [sys.executable, "-c", "from grader.cli import main; main()", "audit", "--db", "/mnt/grader.db"]
    ended = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(tmp_path), "/mnt", *python],
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if "bwrap:" in ended.stderr:
        pytest.skip("bubblewrap may not make namespaces here")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("unbroken: ")
