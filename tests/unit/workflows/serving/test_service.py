"""Seats of a server: whatever waits in the queue is run and judged, whoever put it there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from grader.evidence.plan import Plan
from grader.facts.case import Reference
from grader.sandbox.fake import FakeSandbox, FakeWorker
from grader.store import Result, Store, open_store
from grader.store.models import JobRow
from grader.workflows.running.events import Event, Finished, Notice
from grader.workflows.running.stopping import StopSignal
from grader.workflows.serving import service as serving
from grader.workflows.serving.orders import CourseFiles
from grader.workflows.serving.service import Service, work_at_queues
from tests import course
from tests.queued import queue_up

DATA = course.RUBRIC.replace("assignment: mini", "assignment: pictures").replace(
    "total: 5", "total: 5\ndata: [gestures]"
)


@pytest.fixture
def store(tmp_path: Path, database: str) -> Iterator[Store]:
    with open_store(database, evidence=tmp_path / "evidence") as opened:
        yield opened


@pytest.fixture
def rubric(tmp_path: Path) -> Path:
    return course.write_rubric(tmp_path / "rubrics")


def serve(
    stores: Sequence[Store], place: Path, *, until: int, sandbox: FakeSandbox | None = None, notices: int = 0
) -> list[Event]:
    """Works until so many jobs are at their end and so many notices were given."""
    stop, events = StopSignal(), []

    def notify(event: Event) -> None:
        events.append(event)
        done = sum(isinstance(each, Finished) for each in events)
        said = sum(isinstance(each, Notice) for each in events)
        if done >= until and said >= notices and not stop.finishing:
            stop.press()

    further = {store.course.name: CourseFiles((place,)) for store in stores[1:]}
    work_at_queues(
        Service(stores, Reference(), [place], None, False, "server", 30.0, own=further),
        1,
        open_sandbox=lambda: sandbox or course.sandbox(),
        notify=notify,
        stop=stop,
    )
    return events


def results(store: Store, assignment: str = "mini") -> dict[str, Result]:
    with store.reading() as history:
        return {each.student: each for each in history.results(assignment=assignment)}


def states(store: Store) -> list[tuple[str, str, int]]:
    with store.database.reading() as session:
        return [(row.student, row.state, row.tries) for row in session.query(JobRow).order_by(JobRow.id)]


def test_what_others_queued_is_run_with_the_files_beside_it_and_judged(
    store: Store, rubric: Path, tmp_path: Path
) -> None:
    queue_up(store, "s1", course.GOOD, rubric=rubric, beside=(("helper.py", b"x = 1"),))
    queue_up(store, "s2", course.SHADOWING, rubric=rubric)
    queue_up(store, "s3", raw=b"%PDF-1.7 my homework", rubric=rubric)
    sandbox = course.sandbox()
    serve([store], tmp_path, until=3, sandbox=sandbox)
    assert [job.files for job in sandbox.jobs] == [(("helper.py", b"x = 1"),), ()]
    found = results(store)
    assert {student: each.verdict and each.verdict.points for student, each in found.items()} == {
        "s1": 2.0,
        "s2": 0.0,
        "s3": 0.0,
    }
    assert found["s3"].attempt is not None and found["s3"].attempt.outcome == "INVALID_SUBMISSION"
    assert found["s3"].attempt.detail.startswith("the file is a PDF")
    with store.reading() as history:
        assert found["s1"].attempt is not None
        seal = history.seal(found["s1"].attempt.seq)
        assert history.first_break() is None
    assert seal is not None and (seal.actor, seal.why) == ("server", "grader serve")


def test_a_job_of_an_image_that_is_not_here_is_left_to_others(
    store: Store, rubric: Path, tmp_path: Path
) -> None:
    queue_up(store, "s1", course.GOOD, rubric=rubric, image="sha256:elsewhere")
    queue_up(store, "s2", course.GOOD, rubric=rubric, image="fake")
    serve([store], tmp_path, until=1)
    assert states(store) == [("s1", "queued", 0), ("s2", "done", 0)]


def test_an_assignment_that_cannot_be_served_waits_and_holds_nobody_up(
    store: Store, rubric: Path, tmp_path: Path
) -> None:
    """Its data set is not here: no try is used up, and nothing is recorded against a student."""
    pictures = course.write_rubric(tmp_path / "rubrics", DATA, "pictures.yaml")
    queue_up(store, "s1", course.GOOD, rubric=pictures)
    queue_up(store, "s2", course.GOOD, rubric=rubric)
    events = serve([store], tmp_path, until=1)
    assert states(store) == [("s1", "queued", 0), ("s2", "done", 0)]
    (said,) = [each.text for each in events if isinstance(each, Notice)]
    assert "pictures waits" in said and "gestures" in said
    assert results(store, "pictures")["s1"].attempt is None


def test_a_job_whose_plan_is_gone_ends_at_nobodys_cost_and_the_next_is_run(
    store: Store, rubric: Path, tmp_path: Path
) -> None:
    queue_up(store, "s1", course.GOOD, rubric=rubric)
    with store.database.writing() as session:
        job = session.query(JobRow).one()
        job.plan = "0" * 64
    queue_up(store, "s2", course.GOOD, rubric=rubric)
    serve([store], tmp_path, until=2)
    found = results(store)
    assert found["s1"].attempt is not None and found["s1"].attempt.outcome == "SANDBOX_UNAVAILABLE"
    assert found["s1"].verdict is None
    assert found["s2"].verdict is not None
    # What stands for nothing is done again when it is asked for.
    assert queue_up(store, "s1", course.GOOD, rubric=rubric) is not None


def test_a_file_of_the_course_judges_before_what_judged_earlier(
    store: Store, rubric: Path, tmp_path: Path
) -> None:
    queue_up(store, "s1", course.SHADOWING, rubric=rubric)
    serve([store], tmp_path, until=1)
    course.write_rubric(tmp_path / "rubrics", course.KINDER)
    queue_up(store, "s2", course.SHADOWING, rubric=rubric)
    serve([store], tmp_path, until=1)
    course.write_rubric(tmp_path / "rubrics", "half: [written")
    queue_up(store, "s3", course.SHADOWING, "x = 3", rubric=course.write_rubric(tmp_path / "older"))
    serve([store], tmp_path, until=1)
    points = {student: each.verdict and each.verdict.points for student, each in results(store).items()}
    # The file that nobody can read is passed over: what judged last judges.
    assert points == {"s1": 0.0, "s2": 2.0, "s3": 2.0}


def test_courses_take_turns(tmp_path: Path, rubric: Path) -> None:
    with (
        open_store(str(tmp_path / "a.db")) as first,
        open_store(str(tmp_path / "b.db")) as second,
    ):
        for number in range(3):
            queue_up(first, f"a{number}", course.GOOD, rubric=rubric)
            queue_up(second, f"b{number}", course.GOOD, rubric=rubric)
        events = serve([first, second], tmp_path, until=6)
    order = [each.student for each in events if isinstance(each, Finished)]
    assert order == ["a0", "b0", "a1", "b1", "a2", "b2"]


@pytest.mark.parametrize(("warm_s", "openings"), [(1000.0, 1), (-1.0, 2)])
def test_the_sandbox_is_kept_warm_for_a_while_and_then_let_go(
    store: Store,
    rubric: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    warm_s: float,
    openings: int,
) -> None:
    monkeypatch.setattr(serving, "_WARM_S", warm_s)
    opened: list[Plan] = []

    class Counted(FakeSandbox):
        def open(self, plan: Plan) -> FakeWorker:
            opened.append(plan)
            return super().open(plan)

    class Idle(StopSignal):
        """The second notebook comes once the seat has looked in vain."""

        looked = 0

        def pause(self, seconds: float) -> None:
            self.looked += 1
            if self.looked == 3:
                queue_up(store, "s2", course.GOOD, rubric=rubric)
            elif len(results(store)) == 2 and results(store)["s2"].attempt is not None:
                self.press()

    queue_up(store, "s1", course.GOOD, rubric=rubric)
    work_at_queues(
        Service([store], Reference(), [tmp_path], None, False, "server", 30.0),
        1,
        open_sandbox=lambda: Counted(course.answer),
        notify=lambda _: None,
        stop=Idle(),
    )
    assert len(opened) == openings
