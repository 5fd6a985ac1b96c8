"""How many submissions run at a time where each needs a GPU."""

from __future__ import annotations

import threading
from pathlib import Path

from grader.evidence.codec import Bundle
from grader.sandbox.base import Job
from grader.sandbox.fake import FakeSandbox
from grader.store import open_store
from tests import course

from .test_run import Class


def grade_eight(folder: Path, box: FakeSandbox, jobs: int | None) -> None:
    with open_store(str(folder / "grader.db")) as store:
        lab = Class(folder, store)
        for number in range(8):
            course.hand_in(lab.submissions, f"s{number}", course.GOOD, f"number = {number}")
        assert lab.grade(box, jobs=jobs).unfinished == 0


def test_by_default_there_are_as_many_jobs_as_gpus(tmp_path: Path) -> None:
    all_at_once = threading.Barrier(4, timeout=60)

    def reply(job: Job) -> Bundle:
        all_at_once.wait()
        return course.answer(job)

    box = course.sandbox(reply)
    box.at_once = 4
    grade_eight(tmp_path, box, jobs=None)


def test_more_jobs_than_gpus_are_not_begun(tmp_path: Path) -> None:
    names: set[str] = set()

    def reply(job: Job) -> Bundle:
        names.add(threading.current_thread().name)
        return course.answer(job)

    box = course.sandbox(reply)
    box.at_once = 1
    grade_eight(tmp_path, box, jobs=4)
    assert names == {"worker-0"}
