"""A run waits while the queue is paused, says so once, and goes on when it is resumed."""

from __future__ import annotations

from pathlib import Path

from grader.facts.case import Reference
from grader.intake import find_submissions
from grader.store import Store, open_store
from grader.workflows.desk.steering import pause, resume
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.events import Event, Notice, Started
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import RunReport, run
from grader.workflows.running.stopping import StopSignal
from tests import course


def graded(store: Store, folder: Path, notify, stop: StopSignal) -> RunReport:
    rubric = load_rubric_file(course.write_rubric(folder / "rubrics"))
    files = [read_file(each) for each in find_submissions(folder / "submissions").submissions]
    return run(
        plan_work(files, lambda _: rubric),
        store=store,
        reference=Reference(),
        open_sandbox=course.sandbox,
        notify=notify,
        stop=stop,
        actor="ann",
        jobs=2,
    )


def test_a_run_waits_for_the_queue_and_goes_on_by_itself(tmp_path: Path) -> None:
    for student in ("s1", "s2", "s3"):
        course.hand_in(tmp_path / "submissions", student)
    events: list[Event] = []
    with open_store(str(tmp_path / "grader.db")) as store:
        pause(store, "", "new GPUs", actor="cara")

        def notify(event: Event) -> None:
            events.append(event)
            if isinstance(event, Notice):
                # Nothing was begun before; what was paused is taken up while the run waits.
                assert not any(isinstance(each, Started) for each in events)
                resume(store, "", actor="cara")

        report = graded(store, tmp_path, notify, StopSignal())
        assert report.unfinished == 0
    [said] = [each.text for each in events if isinstance(each, Notice)]
    assert said.startswith("cara paused the queue: new GPUs; 3 of this run wait until `grader queue resume`")


def test_a_run_that_is_stopped_leaves_what_is_paused_in_the_queue(tmp_path: Path) -> None:
    course.hand_in(tmp_path / "submissions", "s1")
    stop = StopSignal()
    with open_store(str(tmp_path / "grader.db")) as store:
        pause(store, "", "new GPUs", actor="cara")
        report = graded(
            store, tmp_path, lambda event: stop.press() if isinstance(event, Notice) else None, stop
        )
        assert report.unfinished == 1
        with store.reading() as history:
            [jobs] = history.jobs()
        assert (jobs.state, jobs.number) == ("queued", 1)
