from __future__ import annotations

import hashlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.errors import DataError, SandboxUnavailable, StoreError, UsageError
from grader.evidence.codec import Bundle, decode
from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.intake import Submission, find_submissions
from grader.sandbox.base import Job
from grader.sandbox.fake import FakeSandbox
from grader.store import Store, ledger, open_store
from grader.store.models import AttemptRow, JobRow
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running import execution
from grader.workflows.running.events import Event, Finished, Retrying, Started, Stopping, Waiting
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import RunReport, run
from grader.workflows.running.stopping import StopSignal
from tests import course


@dataclass
class Class:
    """A folder of submissions, a database, and all that happened."""

    root: Path
    store: Store
    events: list[Event] = field(default_factory=list)
    stop: StopSignal = field(default_factory=StopSignal)

    @property
    def submissions(self) -> Path:
        return self.root / "submissions"

    def grade(self, sandbox: FakeSandbox | None = None, **more: Any) -> RunReport:
        rubric = load_rubric_file(more.pop("rubric", None) or course.write_rubric(self.root))
        files = [read_file(item) for item in find_submissions(self.submissions).submissions]
        settings: dict[str, Any] = {
            "reference": Reference(),
            "open_sandbox": lambda: sandbox or course.sandbox(),
            "notify": self.events.append,
            "stop": self.stop,
            "actor": "ta",
            "jobs": 1,
        }
        return run(plan_work(files, lambda _: rubric), store=self.store, **{**settings, **more})

    def rows(self, table: type) -> Sequence[Any]:
        with self.store.database.reading() as session:
            return session.query(table).all()


@pytest.fixture
def lab(tmp_path: Path, database: str) -> Iterator[Class]:
    store = open_store(database, evidence=tmp_path / "evidence")
    group = Class(tmp_path, store)
    course.hand_in(group.submissions, "s1", course.GOOD)
    course.hand_in(group.submissions, "s2", course.SHADOWING)
    yield group
    store.close()


def failing(times: int, error: Exception) -> Callable[[Job], Bundle | Exception]:
    left = [times]

    def reply(job: Job) -> Bundle | Exception:
        left[0] -= 1
        return error if left[0] >= 0 else course.answer(job)

    return reply


def test_each_submission_gets_an_attempt_and_a_verdict(lab: Class) -> None:
    report = lab.grade()
    points = {result.student: result.verdict.points for result in report.results}
    assert points == {"s1": 2.0, "s2": 0.0}
    assert report.unfinished == 0
    assert [row.outcome for row in lab.rows(AttemptRow)] == ["COMPLETED", "COMPLETED"]


def test_finished_work_is_not_run_again_and_adds_no_row(lab: Class) -> None:
    lab.grade()
    with lab.store.database.reading() as session:
        head = ledger.head(session).seq
    again = course.sandbox()
    report = lab.grade(again)
    assert again.jobs == []
    assert [result.verdict.points for result in report.results] == [2.0, 0.0]
    with lab.store.database.reading() as session:
        assert ledger.head(session).seq == head


def test_fresh_runs_everything_again_under_a_new_number(lab: Class) -> None:
    lab.grade()
    again = course.sandbox()
    report = lab.grade(again, fresh=True)
    assert len(again.jobs) == 2
    assert [result.attempt.number for result in report.results] == [2, 2]


def test_a_changed_notebook_is_run_and_the_others_are_not(lab: Class) -> None:
    lab.grade()
    course.hand_in(lab.submissions, "s2", course.GOOD)
    again = course.sandbox()
    report = lab.grade(again)
    assert len(again.jobs) == 1
    assert [result.verdict.points for result in report.results] == [2.0, 2.0]


def test_files_beside_a_notebook_are_handed_in_with_it_and_kept(lab: Class) -> None:
    lab.grade()
    (lab.submissions / "s1" / "helper.py").write_bytes(b"x = 1")
    again = course.sandbox()
    lab.grade(again)
    assert [job.files for job in again.jobs] == [(("helper.py", b"x = 1"),)]
    (lab.submissions / "s1" / "helper.py").write_bytes(b"x = 2")
    changed = course.sandbox()
    lab.grade(changed)
    assert [job.files for job in changed.jobs] == [(("helper.py", b"x = 2"),)]
    # Without the folder: from what is stored.
    (newest,) = [row for row in lab.rows(AttemptRow) if row.student == "s1" and row.number == 3]
    raw = lab.store.blobs.get(newest.notebook)
    kept = read_file(Submission("s1", Path("elsewhere.ipynb"), lambda: raw))
    assert kept.beside.files == (("helper.py", b"x = 2"),)
    assert kept.raw == raw


def test_handing_in_the_first_version_again_brings_its_marks_back(lab: Class) -> None:
    lab.grade()
    course.hand_in(lab.submissions, "s1", course.SHADOWING)
    lab.grade()
    course.hand_in(lab.submissions, "s1", course.GOOD)
    again = course.sandbox()
    report = lab.grade(again)
    assert again.jobs == []
    assert report.results[0].verdict.points == 2.0


def test_a_changed_threshold_is_judged_from_stored_evidence(lab: Class) -> None:
    lab.grade()
    changed = course.write_rubric(
        lab.root, course.RUBRIC.replace("points: 2", "points: 1").replace("total: 5", "total: 4"), "new.yaml"
    )
    again = course.sandbox()
    report = lab.grade(again, rubric=changed)
    assert again.jobs == []
    assert [(item.verdict.points, item.verdict.out_of) for item in report.results] == [(1.0, 4.0), (0.0, 4.0)]


@pytest.mark.parametrize(
    ("raw", "said"), [(b"", "empty"), (b"{}", "notebook"), (b"[1]", "notebook"), (b"{", "JSON")]
)
def test_what_is_no_notebook_becomes_a_row_without_a_sandbox(lab: Class, raw: bytes, said: str) -> None:
    course.hand_in(lab.submissions, "s3", raw=raw)
    box = course.sandbox()
    report = lab.grade(box)
    bad = report.results[2]
    assert bad.attempt.outcome == "INVALID_SUBMISSION"
    assert said.lower() in bad.attempt.detail.lower()
    assert len(box.jobs) == 2


def test_a_notebook_that_an_earlier_version_could_not_read_is_run_again_once(lab: Class) -> None:
    refused = course.sandbox(lambda job: course.answer(job, outcome=Outcome.INVALID_SUBMISSION, detail="odd"))
    assert {item.attempt.outcome for item in lab.grade(refused).results} == {"INVALID_SUBMISSION"}
    again = course.sandbox()
    assert {item.attempt.outcome for item in lab.grade(again).results} == {"COMPLETED"}
    assert len(again.jobs) == 2
    once_more = course.sandbox()
    lab.grade(once_more)
    assert once_more.jobs == []


def test_the_sandbox_gets_the_clean_copy_and_the_evidence_is_of_the_file_handed_in(lab: Class) -> None:
    cell = {
        "cell_type": "code",
        "source": "a = 1\r\nb = 2",
        "outputs": None,
        "id": "own",
        "execution_count": 7,
    }
    raw = json.dumps({"cells": [None, cell]}).encode()
    course.hand_in(lab.submissions, "s3", raw=raw)
    box = course.sandbox()
    result = lab.grade(box).results[2]
    [job] = [job for job in box.jobs if b"b = 2" in job.notebook]
    nbformat.validate(nbformat.reads(job.notebook.decode(), as_version=4))
    stored = lab.store.blobs.get(result.attempt.evidence)
    evidence = decode(stored, limit_bytes=len(stored)).evidence
    assert evidence.notebook == result.attempt.notebook == hashlib.sha256(raw).hexdigest()
    damaged, whole = evidence.cells
    assert (damaged.kind, damaged.source) == ("raw", "")
    assert damaged.submitted.left_out
    assert (whole.source, whole.handout_id, whole.submitted.execution_count) == ("a = 1\nb = 2", "own", 7)
    assert whole.run.status == "ok"


def test_a_class_of_broken_files_needs_no_sandbox_at_all(lab: Class) -> None:
    for student in ("s1", "s2"):
        course.hand_in(lab.submissions, student, raw=b"nothing")

    def refuse() -> FakeSandbox:
        raise AssertionError("no sandbox is needed")

    report = lab.grade(open_sandbox=refuse)
    assert [result.attempt.outcome for result in report.results] == ["INVALID_SUBMISSION"] * 2


def test_a_sandbox_that_fails_twice_is_tried_a_third_time(
    lab: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "_PAUSE_S", 0)
    report = lab.grade(course.sandbox(failing(2, SandboxUnavailable("engine gone"))))
    assert [result.attempt.outcome for result in report.results] == ["COMPLETED"] * 2
    assert [event.tries for event in lab.events if isinstance(event, Retrying)] == [1, 2]


def test_an_engine_that_is_being_restarted_is_waited_for_before_a_try_counts(
    lab: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "_PAUSE_S", 0)
    monkeypatch.setattr(execution, "_ENGINE_PAUSE_S", 0.01)
    asked: list[bool] = []

    def answers(sandbox: FakeSandbox) -> bool:
        asked.append(len(asked) >= 3)
        return asked[-1]

    monkeypatch.setattr(FakeSandbox, "answers", answers)
    report = lab.grade(course.sandbox(failing(1, SandboxUnavailable("engine gone"))))
    assert [result.attempt.outcome for result in report.results] == ["COMPLETED"] * 2
    assert asked == [False, False, False, True]


def test_an_engine_that_never_comes_back_is_waited_for_only_so_long(
    lab: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "_PAUSE_S", 0)
    monkeypatch.setattr(execution, "_ENGINE_PAUSE_S", 0.01)
    monkeypatch.setattr(execution, "_ENGINE_S", 0.05)
    monkeypatch.setattr(FakeSandbox, "answers", lambda sandbox: False)
    report = lab.grade(course.sandbox(failing(3, SandboxUnavailable("engine gone"))))
    assert report.results[0].attempt.outcome == "SANDBOX_UNAVAILABLE"


def test_a_sandbox_that_keeps_failing_costs_no_points_and_goes_to_the_ta(
    lab: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "_PAUSE_S", 0)
    report = lab.grade(course.sandbox(failing(3, RuntimeError("engine gone"))))
    first, second = report.results
    assert first.attempt.outcome == "SANDBOX_UNAVAILABLE"
    assert "engine gone" in first.attempt.detail
    assert (first.verdict.points, first.verdict.pending) == (0.0, 5.0)
    assert second.attempt.outcome == "COMPLETED"


def test_what_the_sandbox_failed_is_run_by_the_next_run(lab: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "_PAUSE_S", 0)
    lab.grade(course.sandbox(failing(3, SandboxUnavailable("engine gone"))))
    box = course.sandbox()
    report = lab.grade(box)
    assert len(box.jobs) == 1
    assert [result.attempt.outcome for result in report.results] == ["COMPLETED"] * 2


def test_a_failed_fresh_run_leaves_the_earlier_attempt_standing(
    lab: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "_PAUSE_S", 0)
    lab.grade()
    report = lab.grade(course.sandbox(failing(99, SandboxUnavailable("engine gone"))), fresh=True)
    assert [result.verdict.points for result in report.results] == [2.0, 0.0]


def test_no_sandbox_at_all_queues_nothing(lab: Class) -> None:
    def refuse() -> FakeSandbox:
        raise SandboxUnavailable("no engine answers")

    with pytest.raises(SandboxUnavailable):
        lab.grade(open_sandbox=refuse)
    assert lab.rows(JobRow) == []


def test_missing_data_is_named_with_its_command_and_nothing_is_queued(lab: Class, tmp_path: Path) -> None:
    asks = course.write_rubric(lab.root, course.RUBRIC.replace("total: 5", "total: 5\ndata: [cifar10]"))
    with pytest.raises(DataError) as raised:
        lab.grade(rubric=asks, data=tmp_path / "data")
    assert "grader data cifar10" in str(raised.value)
    assert lab.rows(JobRow) == []
    (tmp_path / "data" / "cifar-10-batches-py").mkdir(parents=True)
    assert lab.grade(rubric=asks, data=tmp_path / "data").unfinished == 0


def test_judging_that_fails_keeps_the_evidence_for_the_next_run(
    lab: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("our fault")

    with monkeypatch.context() as patch:
        patch.setattr(execution.Judge, "verdict", crash)
        patch.setattr("grader.workflows.running.run._judge_standing", lambda *_: None)
        report = lab.grade()
        assert [result.verdict for result in report.results] == [None, None]
    box = course.sandbox()
    report = lab.grade(box)
    assert box.jobs == []
    assert [result.verdict.points for result in report.results] == [2.0, 0.0]


def test_a_first_press_finishes_what_runs_and_the_next_run_goes_on(lab: Class) -> None:
    def press_while_running(job: Job) -> Bundle:
        lab.stop.press()
        return course.answer(job)

    report = lab.grade(course.sandbox(press_while_running))
    assert report.unfinished == 1
    assert [result.attempt is not None for result in report.results] == [True, False]
    lab.stop = StopSignal()
    box = course.sandbox()
    assert lab.grade(box).unfinished == 0
    assert len(box.jobs) == 1


def test_a_second_press_breaks_off_and_counts_no_try(lab: Class) -> None:
    def broken_off(job: Job) -> Exception:
        lab.stop.press()
        lab.stop.press()
        return SandboxUnavailable("container removed")

    report = lab.grade(course.sandbox(broken_off))
    assert report.unfinished == 2
    assert lab.rows(AttemptRow) == []
    assert [(row.state, row.tries) for row in lab.rows(JobRow)] == [("queued", 0), ("queued", 0)]


def test_several_threads_do_each_job_once(lab: Class) -> None:
    for number in range(3, 23):
        course.hand_in(lab.submissions, f"s{number}", course.GOOD, f"x = {number}")
    box = course.sandbox()
    report = lab.grade(box, jobs=4)
    assert len(box.jobs) == 22
    assert len(lab.rows(AttemptRow)) == 22
    assert len({result.attempt.job for result in report.results}) == 22


def test_two_runs_at_once_share_the_work(lab: Class) -> None:
    for number in range(3, 13):
        course.hand_in(lab.submissions, f"s{number}", course.GOOD, f"x = {number}")
    both_started = threading.Barrier(2, timeout=60)
    boxes = []

    def start() -> None:
        waited = []

        def reply(job: Job) -> Bundle:
            if not waited:
                waited.append(both_started.wait())
            return course.answer(job)

        box = course.sandbox(reply)
        boxes.append(box)
        unfinished.append(lab.grade(box, rubric=rubric).unfinished)

    rubric = course.write_rubric(lab.root)
    unfinished: list[int] = []
    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(box.jobs) for box in boxes) == 12
    assert all(box.jobs for box in boxes)
    assert unfinished == [0, 0]
    assert len(lab.rows(AttemptRow)) == 12


def test_a_clock_set_back_in_mid_run_loses_nothing_and_the_newest_attempt_counts(
    tmp_path: Path, database: str
) -> None:
    hours = itertools.count()
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC)
    # Every look finds the clock an hour earlier.
    with open_store(
        database, evidence=tmp_path / "evidence", clock=lambda: noon - timedelta(hours=next(hours))
    ) as store:
        lab = Class(tmp_path, store)
        for number in range(4):
            course.hand_in(lab.submissions, f"s{number}", course.GOOD, f"x = {number}")
        assert lab.grade(jobs=2).unfinished == 0
        again = course.sandbox()
        lab.grade(again)
        assert again.jobs == []
        newest = lab.grade(course.sandbox(timed_out), fresh=True).results
        assert [result.attempt.outcome for result in newest] == ["TIMEOUT"] * 4
        assert len(lab.rows(AttemptRow)) == 8
        with store.database.reading() as session:
            assert ledger.examine(session) is None


def timed_out(job: Job) -> Bundle:
    return course.answer(job, outcome=Outcome.TIMEOUT)


def test_a_database_that_fails_stops_the_run_with_its_error(
    lab: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise StoreError("evidence cannot be stored")

    box = course.sandbox()
    monkeypatch.setattr("grader.workflows.running.recording.encode", full)
    with pytest.raises(StoreError):
        lab.grade(box)
    monkeypatch.undo()
    assert lab.grade(course.sandbox(), stop=StopSignal()).unfinished == 0


@pytest.mark.parametrize("broken", ["beat", "notify"])
def test_a_failure_of_the_watch_breaks_off_what_runs_and_the_next_run_goes_on(
    lab: Class, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    removed = threading.Event()

    def hang(job: Job) -> Exception:
        if broken == "notify":
            lab.stop.press()
        assert removed.wait(60)
        return SandboxUnavailable("container removed")

    def fail(*_: object) -> None:
        raise StoreError("no room on the disk")

    def tell(event: Event) -> None:
        if broken == "notify" and isinstance(event, Stopping):
            fail()

    box = course.sandbox(hang)
    monkeypatch.setattr(box, "close", removed.set)
    with monkeypatch.context() as patch, pytest.raises(StoreError, match="no room"):
        if broken == "beat":
            patch.setattr("grader.store.Queue.beat", fail)
        lab.grade(box, notify=tell, lease_s=0.01)
    assert lab.rows(AttemptRow) == []
    assert lab.grade(course.sandbox(), stop=StopSignal()).unfinished == 0


def test_text_that_a_database_cannot_hold_does_not_stop_the_run(lab: Class) -> None:
    def odd(job: Job) -> Bundle:
        return course.answer(job, outcome=Outcome.CELL_ERROR, detail="NUL \x00 in a message")

    report = lab.grade(course.sandbox(odd))
    assert report.results[0].attempt.detail == "NUL \x00 in a message"


def test_a_notebook_of_no_known_rubric_is_an_error_that_says_what_to_do(lab: Class) -> None:
    files = [read_file(item) for item in find_submissions(lab.submissions).submissions]
    with pytest.raises(UsageError) as raised:
        plan_work(files, lambda _: None)
    assert "--rubric" in str(raised.value)


def test_an_unreadable_file_takes_the_rubric_of_the_others(lab: Class) -> None:
    course.hand_in(lab.submissions, "s3", raw=b"{")
    rubric = load_rubric_file(course.write_rubric(lab.root))
    files = [read_file(item) for item in find_submissions(lab.submissions).submissions]
    works = plan_work(files, lambda _: rubric)
    assert [work.assignment for work in works] == ["mini"] * 3


def test_events_tell_of_start_and_end(lab: Class) -> None:
    lab.grade()
    kinds = [type(event) for event in lab.events]
    assert kinds.count(Started) == 2
    assert kinds.count(Finished) == 2
    assert Waiting not in kinds
