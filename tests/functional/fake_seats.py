"""The process of a server's seats, with a sandbox that runs nothing; a program of its own, for tests.

Usage: fake_seats.py FOLDER. It takes its task as the real one does, and leaves a file in the folder for each
notebook that it begins; while ``FOLDER/hold`` is there, it goes no further, and ``FOLDER/asked`` tells then
that it was asked to stop.
"""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path

from grader.evidence.codec import Bundle
from grader.facts.case import Reference
from grader.sandbox.base import Job
from grader.store import open_store
from grader.workflows.serving.child import Task, stopped_by
from grader.workflows.serving.service import Service, work_at_queues
from tests import course


def main(folder: Path) -> None:
    task = Task.of(sys.stdin.readline())
    stop = stopped_by(sys.stdin)

    def answer(job: Job) -> Bundle:
        (folder / f"began-{uuid.uuid4().hex}").touch()
        while (folder / "hold").exists():
            if stop.finishing:
                (folder / "asked").touch()
            time.sleep(0.02)
        return course.answer(job)

    with open_store(task.databases[0], create=False) as store:
        service = Service([store], Reference(), [folder], None, False, task.actor, 1.0)
        work_at_queues(
            service,
            task.seats,
            open_sandbox=lambda: course.sandbox(answer),
            notify=lambda _: None,
            stop=stop,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
