"""`kill -9` at every transition of a run: whoever runs again finds nothing lost and nothing done twice."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.store import Store, ledger, open_store
from grader.workflows.views.show import find_results
from tests import course, graded_once
from tests.functional import killed_publication, killed_regrade, killed_run
from tests.functional.forked import Forked

STUDENTS = ["s1", "s2", "s3"]


@dataclass(frozen=True)
class Lab:
    """A course's folder, and where its marks are kept."""

    folder: Path
    database: str

    def store(self) -> Store:
        return open_store(self.database, evidence=self.folder / "evidence")


@pytest.fixture
def lab(tmp_path: Path, database: str) -> Lab:
    return set_up(tmp_path, database)


def set_up(folder: Path, database: str) -> Lab:
    course.write_rubric(folder)
    for student in STUDENTS[:-1]:
        course.hand_in(folder / "submissions", student, course.GOOD, f"name = {student!r}")
    course.hand_in(folder / "submissions", STUDENTS[-1], raw=b"{")
    return Lab(folder, database)


def start(lab: Lab, event: str = "never", count: int = 1) -> Forked:
    return Forked(killed_run.main, *places(lab), event, str(count))


def places(lab: Lab) -> tuple[str | Path, ...]:
    return lab.folder / "submissions", lab.folder / "mini.yaml", lab.database, lab.folder / "evidence"


def start_with_room_for(file_bytes: int, lab: Lab) -> subprocess.Popen[bytes]:
    path = Path(killed_run.__file__)
    return subprocess.Popen(
        [sys.executable, path, *places(lab), "never", "1"],
        env=os.environ | {"PYTHONPATH": str(path.parents[2])},
        stderr=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY)),
    )


def check_that_each_is_graded_once(lab: Lab) -> None:
    with lab.store() as store:
        graded_once.check(store, lab.folder / "submissions", lab.folder / "mini.yaml")


@pytest.mark.parametrize(
    ("event", "count"),
    [("Planned", 1), ("Started", 1), ("Started", 3), ("Answer", 1), ("Answer", 2), ("CellRunning", 2),
     ("Recorded", 1), ("Recorded", 3), ("Attempt", 1), ("Attempt", 3), ("Verdict", 2), ("Blob", 1),
     ("Blob", 8), ("Finished", 1), ("Finished", 3)],
)  # fmt: skip
def test_a_killed_run_is_completed_by_the_next(lab: Lab, event: str, count: int) -> None:
    assert start(lab, event, count).wait(300) == -signal.SIGKILL
    an_hour_later(lab)
    assert start(lab).wait(300) == 0
    check_that_each_is_graded_once(lab)


def an_hour_later(lab: Lab) -> None:
    """What was begun a moment ago is taken for somebody's who still writes."""
    for path in (lab.folder / "evidence").glob("*/.new-*"):
        os.utime(path, (0, 0))


@pytest.mark.parametrize("room_bytes", [20_000, 60_000, 200_000])
def test_a_run_without_room_on_the_disk_ends_by_itself_and_the_next_completes_it(
    tmp_path: Path, room_bytes: int
) -> None:
    lab = set_up(tmp_path, str(tmp_path / "grader.db"))
    for student in (f"s{number}" for number in range(4, 16)):
        course.hand_in(lab.folder / "submissions", student, course.GOOD, f"name = {student!r}")
    lab.store().close()
    full = start_with_room_for(room_bytes, lab)
    _, said = full.communicate(timeout=300)
    assert full.returncode == 1
    assert b"StoreError" in said
    assert start(lab).wait(300) == 0
    check_that_each_is_graded_once(lab)


def test_a_run_killed_beside_another_leaves_its_work_to_that_one(lab: Lab) -> None:
    for number in range(4, 12):
        course.hand_in(lab.folder / "submissions", f"s{number}", course.GOOD, f"number = {number}")
    both = [start(lab, "Answer", 3), start(lab)]
    assert [process.wait(300) for process in both][1] == 0
    # The killed one may have been writing what the notebook before left; that goes with a later run.
    an_hour_later(lab)
    assert start(lab).wait(300) == 0
    check_that_each_is_graded_once(lab)


def test_a_killed_regrade_leaves_whole_verdicts_and_the_next_completes_it(lab: Lab) -> None:
    assert start(lab).wait(300) == 0
    stricter = course.RUBRIC.replace("points: 2", "points: 1").replace("total: 5", "total: 4")
    rubric = course.write_rubric(lab.folder, stricter, "new.yaml")
    assert regrade(lab, rubric, 2).wait(300) == -signal.SIGKILL
    assert judged_out_of(lab) == [4.0, 5.0, 5.0]
    assert regrade(lab, rubric, 99).wait(300) == 0
    assert judged_out_of(lab) == [4.0, 4.0, 4.0]


def test_a_killed_publication_has_published_nothing_and_the_next_all_of_it(lab: Lab) -> None:
    assert start(lab).wait(300) == 0
    stricter = course.RUBRIC.replace("points: 2", "points: 1").replace("total: 5", "total: 4")
    rubric = course.write_rubric(lab.folder, stricter, "new.yaml")
    for count in (1, 3):
        assert publish(lab, rubric, count).wait(300) == -signal.SIGKILL
        assert judged_out_of(lab) == [5.0, 5.0, 5.0]
        assert published(lab) is None
    assert publish(lab, rubric, 99).wait(300) == 0
    assert judged_out_of(lab) == [4.0, 4.0, 4.0]
    assert published(lab) == stricter


def publish(lab: Lab, rubric: Path, count: int) -> Forked:
    return Forked(killed_publication.main, rubric, lab.database, lab.folder / "evidence", str(count))


def published(lab: Lab) -> str | None:
    with lab.store() as store, store.reading() as history:
        publication = history.published_rubric("mini")
    return publication.rubric.text if publication else None


def regrade(lab: Lab, rubric: Path, count: int) -> Forked:
    return Forked(killed_regrade.main, rubric, lab.database, lab.folder / "evidence", str(count))


def judged_out_of(lab: Lab) -> list[float]:
    """What each student's newest verdict is out of; the history must be unbroken."""
    with lab.store() as store:
        with store.database.reading() as session:
            assert ledger.examine(session) is None
        return [result.verdict.out_of for result in find_results(store, "mini")]
