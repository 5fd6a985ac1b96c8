"""A class takes hardly more of the host's memory than a few do, however many they are and however large."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.functional import measured_run

SOAKED = "GRADER_SOAK" in os.environ
#: Of a submission that is not at work. It was 29 kB where the whole class was read before anything ran.
ROOM_FOR_EACH_BYTES = 12_000
#: Of the printed output of a notebook that is large.
LARGE_BYTES = 2_000_000


def measure(folder: Path, output_bytes: int, *counts: int, how: str = "traced") -> list[dict[str, int]]:
    """What a run of each so many submissions took, all in one process."""
    path = Path(measured_run.__file__)
    ended = subprocess.run(
        [sys.executable, path, folder, how, str(output_bytes), *map(str, counts)],
        env=os.environ | {"PYTHONPATH": str(path.parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_what_is_kept_of_each_of_many_submissions_is_little(tmp_path: Path) -> None:
    # The first run imports what is needed once, and counts for nothing.
    _, few, many = measure(tmp_path, 0, 5, 30, 100)
    assert (many["traced"] - few["traced"]) / (100 - 30) < ROOM_FOR_EACH_BYTES, (few, many)


def test_of_many_large_notebooks_those_at_work_are_in_memory(tmp_path: Path) -> None:
    _, few, many = measure(tmp_path, LARGE_BYTES, 2, 5, 15)
    # How many of those at work meet in memory is chance, on a busy machine above all. If each that has ended
    # stayed there, ten more notebooks would take ten times their bytes.
    assert many["traced"] - few["traced"] < 10 * LARGE_BYTES / 2, (few, many)
    assert many["resident"] < 1.3 * few["resident"], (few, many)


@pytest.mark.skipif(not SOAKED, reason="some minutes of work: `make soak`")
@pytest.mark.parametrize(("output_bytes", "count"), [(0, 5_000), (10_000_000, 200)], ids=["tiny", "large"])
def test_a_whole_class_takes_hardly_more_than_ten(tmp_path: Path, output_bytes: int, count: int) -> None:
    ten, whole = (measure(tmp_path / str(each), output_bytes, each, how="plain")[0] for each in (10, count))
    assert whole["resident"] < 1.3 * ten["resident"], (ten, whole)
