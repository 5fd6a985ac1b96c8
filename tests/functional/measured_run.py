"""Runs of `grader run` in this process whose memory is measured; a program of its own, for tests.

Usage: measured_run.py FOLDER plain|traced OUTPUT_BYTES COUNT...
For each COUNT a class of so many is made and graded in a sandbox that is a fake, and a line of JSON says how
many bytes this process held at most: `resident` by the system, `traced` by Python's own count, where it is
kept; it starts anew with each class.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import re
import sys
import tracemalloc
from pathlib import Path

from grader.cli import execute
from grader.evidence.codec import Bundle
from grader.sandbox import select
from grader.sandbox.base import Job
from tests import course

_PARTS = 10
_STATUS = Path("/proc/self/status")


def main(folder: Path, how: str, output_bytes: int, counts: list[int]) -> None:
    box = course.sandbox()

    def answer(job: Job) -> Bundle:
        box.jobs.clear()  # It keeps them for tests that ask.
        return course.answer(job)

    box = course.sandbox(answer)
    box.close = lambda: None  # type: ignore[method-assign]
    select.choose_sandbox = lambda *_, **__: box  # type: ignore[assignment]
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    course.write_rubric(folder / "rubrics")
    for place, count in enumerate(counts):
        hand_in(folder / f"class{place}", count, output_bytes)
    if how == "traced":
        # So that what is held is measured, and not what waits to be collected.
        gc.set_threshold(200, 2, 2)
        tracemalloc.start()
    for place, count in enumerate(counts):
        sys.stdout.write(json.dumps(measured(f"class{place}", count)) + "\n")
        sys.stdout.flush()


def hand_in(folder: Path, count: int, output_bytes: int) -> None:
    """Notebooks of a few kinds, so that what is kept of each kind does not count for each student."""
    picture = "iVBORw0KGgo" + "A" * (output_bytes // _PARTS)
    shown = {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}
    for number in range(count):
        cell = {
            "cell_type": "code",
            "source": f"total = {number % 7}",
            "metadata": {},
            "outputs": [shown] if output_bytes else [],
            "execution_count": 1,
        }
        cells = [cell] * (_PARTS if output_bytes else 1)
        raw = json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}).encode()
        course.hand_in(folder, f"s{number:05}", raw=raw)


def measured(submissions: str, count: int) -> dict[str, int]:
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    if tracemalloc.is_tracing():
        tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    arguments = ["run", submissions, "--rubric", "mini", "--jobs", "2", "--db", f"{submissions}.db"]
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()) as told:
        code = execute(arguments)
    assert code == 0, told.getvalue()[-2000:]
    assert said.getvalue().count("COMPLETED") == count
    _, peak = tracemalloc.get_traced_memory()
    resident = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())
    assert resident is not None
    return {"count": count, "traced": peak - before, "resident": int(resident.group(1)) * 1024}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), [int(text) for text in sys.argv[4:]])
