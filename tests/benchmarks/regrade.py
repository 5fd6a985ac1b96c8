"""How long judging again takes, and how it grows with the class.

Usage: regrade.py DATABASE SUBMISSIONS RUBRIC OLD NEW [COUNT ...]

DATABASE holds the evidence of a run of SUBMISSIONS. Each class is made of copies of these submissions under
distinct ids, their stored evidence answered by a fake sandbox; then every mark is judged again by the rubric
with OLD replaced by NEW, such as one threshold. Nothing is executed. Fails where judging again takes longer
than it may, or longer for each submission the larger the class is. ``make bench`` runs it on the sample
course.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

from grader.cli import execute
from grader.evidence.codec import Bundle
from grader.facts.case import Reference
from grader.intake import Submission, find_submissions, normalise_notebook, parse_notebook
from grader.sandbox.base import Job
from grader.sandbox.fake import FakeSandbox
from grader.store import open_store
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal

#: Seconds for each submission: 20 s for a class of 1000.
LIMIT_S = 0.02
#: How much longer one may take in the largest class than in the smallest, which bears the start-up.
GROWTH = 1.5

#: A text of the rubric and what replaces it.
Change = tuple[str, str]


def stored_evidence(database: str, assignment: str) -> dict[str, Bundle]:
    """The evidence of each notebook, by the SHA-256 of its bytes."""
    with open_store(database) as store, store.reading() as history:
        attempts = [item.attempt for item in history.results(assignment=assignment)]
        bundles = [store.evidence(attempt) for attempt in attempts if attempt is not None]
    return {bundle.evidence.notebook: bundle for bundle in bundles}


def fill(
    database: Path, notebooks: list[bytes], evidence: dict[str, Bundle], rubric: Path, count: int
) -> None:
    """Stores `count` submissions with verdicts.

    Raises:
        SystemExit: One of them came to something else than its notebook did.
    """
    # A sandbox gets the clean copy, which other notebooks may have as well.
    clean = {normalise_notebook(parse_notebook(raw)): _digest(raw) for raw in notebooks}

    def answer(job: Job) -> Bundle:
        # It keeps all jobs that it answered, as no sandbox does.
        sandbox.jobs.clear()
        return evidence[clean[job.notebook]]

    sandbox = FakeSandbox(answer)

    class_list = [
        Submission(
            f"copy{number:04d}", Path("copy.ipynb"), partial(notebooks.__getitem__, number % len(notebooks))
        )
        for number in range(count)
    ]
    loaded = load_rubric_file(rubric)
    with open_store(str(database)) as store:
        run(
            plan_work((read_file(item) for item in class_list), lambda _: loaded),
            store=store,
            reference=Reference(),
            open_sandbox=lambda: sandbox,
            notify=lambda event: None,
            stop=StopSignal(),
            actor="bench",
            data=rubric.resolve().parent.parent / "data",
            jobs=2,
        )
        with store.reading() as history:
            came = Counter(item.attempt.outcome for item in history.results() if item.attempt is not None)
    copies = [evidence[_digest(notebooks[number % len(notebooks)])] for number in range(count)]
    expected = Counter(bundle.evidence.outcome.value for bundle in copies)
    if came != expected:
        raise SystemExit(f"outcomes of the copies: {dict(came)}; expected: {dict(expected)}")


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def changed_rubric(folder: Path, rubric: Path, old: str, new: str) -> Path:
    """A copy of the rubric with one text changed; its handout is found beside it as before."""
    text = rubric.read_text()
    if text.count(old) != 1 or old == new:
        raise SystemExit(
            f"{rubric}: {old!r} stands there {text.count(old)} times; expected: once, and another"
        )
    changed = folder / rubric.name
    changed.write_text(text.replace(old, new))
    (folder / "handouts").symlink_to(rubric.resolve().parent / "handouts")
    return changed


def judge_again(database: Path, assignment: str, rubric: Path) -> float:
    """Seconds of ``grader regrade`` over the whole class."""
    command = ["regrade", "--assignment", assignment, "--rubric", str(rubric), "--db", str(database)]
    started = time.perf_counter()
    code = execute(command)
    wall = time.perf_counter() - started
    if code != 0:
        raise SystemExit(f"`grader {' '.join(command)}` ended with exit code {code}")
    return wall


def judged_by(database: Path, assignment: str, rubric: Path) -> int:
    """How many marks stand on this rubric."""
    digest = load_rubric_file(rubric).rubric.digest
    with open_store(str(database)) as store, store.reading() as history:
        return sum(
            item.rubric is not None and item.rubric.digest == digest
            for item in history.results(assignment=assignment)
        )


def measure(
    notebooks: list[bytes], evidence: dict[str, Bundle], rubric: Path, change: Change, count: int
) -> float:
    """Seconds for a class of `count`."""
    assignment = load_rubric_file(rubric).assignment
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = folder / "class.db"
        fill(database, notebooks, evidence, rubric, count)
        changed = changed_rubric(folder, rubric, *change)
        wall = judge_again(database, assignment, changed)
        if judged_by(database, assignment, changed) != count:
            raise SystemExit("not every mark stands on the changed rubric")
    sys.stdout.write(f"{count} submissions judged again in {wall:.1f} s\n")
    return wall


def main(database: str, submissions: str, rubric: str, old: str, new: str, *counts: str) -> int:
    """Prints seconds for each size of class, smallest first, and holds them to what is allowed."""
    evidence = stored_evidence(database, load_rubric_file(Path(rubric)).assignment)
    found = (item.read() for item in find_submissions(Path(submissions)).submissions if not item.problem)
    notebooks = [raw for raw in found if hashlib.sha256(raw).hexdigest() in evidence]
    sizes = sorted(map(int, counts or ("100", "1000")))
    each = [measure(notebooks, evidence, Path(rubric), (old, new), size) / size for size in sizes]
    if each[-1] > LIMIT_S:
        raise SystemExit(
            f"too slow: {1000 * each[-1]:.1f} s for 1000, and {1000 * LIMIT_S:.0f} s are allowed"
        )
    if each[-1] > GROWTH * each[0]:
        raise SystemExit(f"{sizes[-1]} take {each[-1] / each[0]:.1f} times as long for each as {sizes[0]} do")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
