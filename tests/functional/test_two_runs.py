"""Two runs on one database, whose evidence folders differ, share a class and do each notebook once."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

from grader.evidence.codec import Bundle
from grader.facts.case import Reference
from grader.intake import find_submissions
from grader.sandbox.base import Job
from grader.store import Store, open_store
from grader.store.blobs import BlobFolder
from grader.store.models import AttemptRow, JobRow
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal
from tests import course

CLASS = 40


def test_two_runs_whose_evidence_folders_differ_share_a_class_and_do_each_notebook_once(
    database: str, tmp_path: Path
) -> None:
    for number in range(CLASS):
        course.hand_in(tmp_path / "submissions", f"s{number}", course.GOOD, f"number = {number}")
    rubric = load_rubric_file(course.write_rubric(tmp_path))
    files = [read_file(item) for item in find_submissions(tmp_path / "submissions").submissions]
    works = plan_work(files, lambda _: rubric)
    ran: dict[str, list[str]] = {"ann": [], "bob": []}
    at_work = {name: threading.Event() for name in ran}

    def grade(name: str) -> None:
        def reply(job: Job) -> Bundle:
            at_work[name].set()
            assert all(event.wait(120) for event in at_work.values())
            ran[name].append(job.attempt)
            return course.answer(job)

        with open_store(database) as opened:
            # Below `open_store`, which would not let them differ.
            store = Store(opened.database, BlobFolder(tmp_path / name), opened.clock)
            report = run(
                works,
                store=store,
                reference=Reference(),
                open_sandbox=lambda: course.sandbox(reply),
                notify=lambda _: None,
                stop=StopSignal(),
                actor=name,
                jobs=2,
            )
        unfinished.append(report.unfinished)

    unfinished: list[int] = []
    threads = [threading.Thread(target=grade, args=(name,)) for name in ran]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unfinished == [0, 0]
    assert all(ran.values())
    assert len(ran["ann"]) + len(ran["bob"]) == CLASS
    with open_store(database) as store, store.database.reading() as session:
        assert Counter(row.student for row in session.query(AttemptRow)) == Counter(
            f"s{number}" for number in range(CLASS)
        )
        assert {row.state for row in session.query(JobRow)} == {"done"}
