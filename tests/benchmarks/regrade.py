"""How long judging again takes, and how it grows with the class.

Usage: regrade.py DATABASE SUBMISSIONS RUBRIC [COUNT ...]

DATABASE holds the evidence of a run of SUBMISSIONS. Each class is made of copies of these submissions under
distinct ids, their stored evidence answered by a fake sandbox; then every mark is judged again by the rubric
with one threshold changed. Nothing is executed.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from grader.cli import execute
from grader.evidence.codec import Bundle, decode
from grader.intake import Submission, find_submissions
from grader.rubric.case import Reference
from grader.sandbox.base import Job
from grader.sandbox.fake import FakeSandbox
from grader.store import open_store
from grader.store.history import results
from grader.workflows.planning import plan_work, read_file
from grader.workflows.rubrics import load_rubric_file
from grader.workflows.run import run
from grader.workflows.stopping import StopSignal


def stored_evidence(database: str, assignment: str) -> dict[str, Bundle]:
    """The evidence of each notebook, by the SHA-256 of its bytes."""
    with open_store(database) as store, store.reading() as session:
        attempts = [item.attempt for item in results(session, assignment=assignment)]
        bundles = [decode(store.blobs.get(attempt.evidence)) for attempt in attempts if attempt is not None]
    return {bundle.evidence.notebook: bundle for bundle in bundles}


def fill(
    database: Path, notebooks: list[bytes], evidence: dict[str, Bundle], rubric: Path, count: int
) -> None:
    """Stores `count` submissions with verdicts."""

    def answer(job: Job) -> Bundle:
        return evidence[hashlib.sha256(job.notebook).hexdigest()]

    class_list = [
        Submission(
            f"copy{number:04d}", Path("copy.ipynb"), partial(notebooks.__getitem__, number % len(notebooks))
        )
        for number in range(count)
    ]
    loaded = load_rubric_file(rubric)
    with open_store(str(database)) as store:
        run(
            plan_work([read_file(item) for item in class_list], lambda _: loaded),
            store=store,
            reference=Reference(),
            open_sandbox=lambda: FakeSandbox(answer),
            notify=lambda event: None,
            stop=StopSignal(),
            actor="bench",
            jobs=2,
        )


def main(database: str, submissions: str, rubric: str, *counts: str) -> int:
    """Prints seconds for each size of class."""
    notebooks = [item.read() for item in find_submissions(Path(submissions)).submissions]
    loaded = load_rubric_file(Path(rubric))
    evidence = stored_evidence(database, loaded.assignment)
    for count in counts or ("100", "1000"):
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "class.db"
            fill(target, notebooks, evidence, Path(rubric), int(count))
            changed = Path(folder) / Path(rubric).name
            changed.write_text(
                Path(rubric).read_text().replace("fresh_at_least: 0.41", "fresh_at_least: 0.42")
            )
            (Path(folder) / "handouts").symlink_to(Path(rubric).resolve().parent / "handouts")
            command = ["regrade", "--assignment", loaded.assignment, "--rubric", str(changed)]
            started = time.perf_counter()
            code = execute([*command, "--db", str(target)])
            wall = time.perf_counter() - started
            sys.stdout.write(f"{count} submissions judged again in {wall:.1f} s, exit code {code}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
