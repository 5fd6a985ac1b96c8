from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader.facts.case import Reference
from grader.intake import find_submissions
from grader.store import Signature, Store, open_store
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal
from grader.workflows.views.show import find_results
from tests import course


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 10, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_days(self, days: float) -> None:
        self.now += timedelta(days=days)


@pytest.fixture
def clock() -> Clock:
    return Clock()


Grade = Callable[..., Store]


def grade_class(
    folder: Path,
    clock: Callable[[], datetime],
    rubric: str = course.RUBRIC,
    *students: str,
    database: str | None = None,
) -> Store:
    """A store with `students` graded by `rubric`: builtin-shadowing FAIL or PASS, `why` pending."""
    for number, student in enumerate(students or ("s1", "s2")):
        first = course.SHADOWING if number % 2 else course.GOOD
        course.hand_in(folder / "submissions", student, first, f"number = {number}")
    loaded = load_rubric_file(course.write_rubric(folder, rubric))
    files = [read_file(item) for item in find_submissions(folder / "submissions").submissions]
    store = open_store(database or str(folder / "grader.db"), evidence=folder / "evidence", clock=clock)
    run(
        plan_work(files, lambda _: loaded),
        store=store,
        reference=Reference(),
        open_sandbox=course.sandbox,
        notify=lambda _: None,
        stop=StopSignal(),
        actor="grader",
        jobs=1,
    )
    return store


@pytest.fixture
def graded(tmp_path: Path, clock: Clock, database: str) -> Iterator[Store]:
    store = grade_class(tmp_path, clock, database=database)
    yield store
    store.close()


def hand_in_late(store: Store, student: str) -> None:
    """The course system's date of 2026-03-09 12:00 comes to a file that was graded without one."""
    result = find_results(store, "mini", [student])[0]
    again = replace(result.submission, submitted_at=datetime(2026, 3, 9, 12, tzinfo=UTC), late=True)
    with store.writing() as history:
        history.hand_in(again, Signature("ann", store.clock(), "grader run"))


POLICY = """\
remarks:
  remarks_open_from: 2026-03-10T00:00:00Z
  remarks_open_until: 2026-03-20T00:00:00Z
  marks_may_fall: {fall}
  decided_by_another: {another}
  sentence: A mark can go either up or down.
"""


def with_policy(*, fall: bool = True, another: bool = False) -> str:
    return course.RUBRIC + POLICY.format(fall=str(fall).lower(), another=str(another).lower())
