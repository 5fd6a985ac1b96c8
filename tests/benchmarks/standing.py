"""What a page costs at ten thousand submissions, as CPU time and as a ratio to a bare query.

Usage: standing.py [COUNT]

Fills a database with COUNT judged submissions of one assignment, 16 criteria each, some marked by people.
Then asks what the pages of a course ask most: 50 students, the next waiting item, the histogram, other
weights; and gives marks. Fails where one takes longer than it may. CPU time of this process is what counts,
so that a busy machine fails nothing; beside it stands how many times a bare ``SELECT`` of one row that is.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median

from sqlalchemy import text

from grader.grading.verdict import Finding, Verdict
from grader.judging.judgement import Status
from grader.store import Signature, Store, WritableHistory, open_store
from grader.store.marks import MarkRecord
from grader.store.records import NewAttempt, RubricRecord, RubricText, SubmissionRecord
from grader.workflows.marking.marks import MarkOrder, give_marks

#: CPU milliseconds of one question, and of one mark.
READ_MS, MARK_MS = 5.0, 20.0
TIMES = 25
CRITERIA = tuple(f"criterion-{number:02d}" for number in range(16))
SIGNED = Signature("bench", datetime(2026, 3, 1, 12, tzinfo=UTC), "bench")


def finding(random: Random, criterion: str) -> Finding:
    """A machine's finding, or one of ten kinds of answers that wait for a person."""
    status = random.choice((Status.PASS, Status.PASS, Status.FAIL, Status.PARTIAL, Status.NEEDS_TA))
    points = {Status.PASS: 3.0, Status.PARTIAL: 1.5}.get(status, 0.0)
    waits = 3.0 if status is Status.NEEDS_TA else 0.0
    message = (
        f"The answer {random.randrange(10)} stands in cell {random.randrange(40)}, expected was another one."
    )
    return Finding(
        criterion=criterion,
        title=criterion,
        status=status,
        points=points,
        out_of=3.0,
        pending=waits,
        message=message,
    )


def verdict(random: Random) -> Verdict:
    found = tuple(finding(random, criterion) for criterion in CRITERIA)
    points, pending = (sum(getattr(item, name) for item in found) for name in ("points", "pending"))
    return Verdict(assignment="lab", findings=found, points=points, out_of=3.0 * len(found), pending=pending)


def add(history: WritableHistory, number: int, rubric: RubricRecord, random: Random) -> None:
    """One student's file, attempt, verdict, and for every third a mark by a person."""
    student, notebook = f"s{number:05d}", f"{number:064x}"
    history.hand_in(
        SubmissionRecord(
            student=student, assignment="lab", notebook=notebook, path=f"{student}/lab.ipynb",
            submitted_at=None, late=False, problem="",
        ),
        SIGNED,
    )  # fmt: skip
    attempt = history.add_attempt(
        NewAttempt(
            job=number + 1, student=student, assignment="lab", notebook=notebook, outcome="COMPLETED",
            detail="", evidence=notebook, plan="p", image="", sandbox="fake", isolation="fork", seed=0,
            wall_time_s=1.0, cells_s=0.5,
        ),
        SIGNED,
    )  # fmt: skip
    judged = history.add_verdict(
        verdict(random), attempt=attempt, rubric=rubric, version="1", signature=SIGNED
    )
    if number % 3 == 0:
        mark = MarkRecord(
            student=student,
            assignment="lab",
            criterion=CRITERIA[number % 16],
            points=1.0,
            comment="",
            verdict=judged.seq,
        )
        history.give_mark(mark, SIGNED)


def fill(store: Store, count: int) -> None:
    random = Random(4711)
    text = RubricText(digest="d", handout="", assignment="lab", name="lab.yaml", text="", handout_text="")
    for start in range(0, count, 200):
        with store.writing() as history:
            rubric = history.keep_rubric(text, SIGNED)
            for number in range(start, min(count, start + 200)):
                add(history, number, rubric, random)


def cpu_ms(call: Callable[[int], object]) -> float:
    """The median of CPU milliseconds of one call, after one that warms up."""
    call(0)
    spent = []
    for number in range(1, TIMES + 1):
        before = time.process_time()
        call(number)
        spent.append(1000 * (time.process_time() - before))
    return median(spent)


def questions(store: Store) -> dict[str, Callable[[int], object]]:
    """Each in a transaction of its own, as a page asks it."""

    def asked(question: Callable[..., object]) -> Callable[[int], object]:
        def ask(number: int) -> object:
            with store.reading() as history:
                return question(history, number)

        return ask

    def next_item(history, number: int) -> object:
        criterion = CRITERIA[number % 16]
        [first] = history.next_waiting("lab", criterion)
        return history.next_waiting("lab", criterion, after=first)

    return {
        "a page of 50 students": asked(lambda history, n: history.page("lab", after=f"s{200 * n:05d}")),
        "the next two waiting items": asked(next_item),
        "the counters": asked(lambda history, n: history.counts("lab")),
        "a histogram": asked(lambda history, n: history.histogram("lab")),
        "a what-if over all weights": asked(
            lambda history, n: history.what_if("lab", dict.fromkeys(CRITERIA, 1.0 + n % 5))
        ),
    }


def mark(store: Store) -> Callable[[int], object]:
    def give(number: int) -> object:
        order = MarkOrder(f"s{7 * number + 1:05d}", CRITERIA[3], 1.0, "seen")
        return give_marks(store, "lab", [order], actor="bench")

    return give


def main(count: str = "10000") -> int:
    """Prints what each costs and holds it to its limit."""
    with tempfile.TemporaryDirectory() as name, open_store(str(Path(name) / "class.db")) as store:
        fill(store, int(count))

        def bare(_: int) -> object:
            with store.reading() as history:
                return history.session.execute(text("SELECT points FROM standing LIMIT 1")).all()

        unit = cpu_ms(bare)
        costs = {what: (cpu_ms(ask), READ_MS) for what, ask in questions(store).items()}
        costs["one mark, checked and written"] = (cpu_ms(mark(store)), MARK_MS)
        sys.stdout.write(f"a bare query: {unit:.2f} ms of CPU\n")
        for what, (spent, limit) in costs.items():
            sys.stdout.write(
                f"{what}: {spent:.2f} ms, {spent / unit:.1f} bare queries (may take {limit:g} ms)\n"
            )
    slow = [what for what, (spent, limit) in costs.items() if spent > limit]
    if slow:
        raise SystemExit(f"too slow at {count} submissions: {', '.join(slow)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
