"""The process of a server's seats: begun anew where it dies, and let finish what it runs."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.store import Store, open_store
from grader.workflows.regrading.reference import bundled
from grader.workflows.serving.child import Task, main
from grader.workflows.serving.supervisor import Supervisor
from grader.workflows.upkeep.settings import Settings
from tests import course
from tests.queued import queue_up

LONG_S = 300.0
PROGRAM = Path(__file__).parents[3] / "functional" / "fake_seats.py"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "grader.db")) as opened:
        yield opened


def until(has_come: Callable[[], bool]) -> None:
    for _ in range(round(LONG_S / 0.2)):
        if has_come():
            return
        time.sleep(0.2)
    pytest.fail("it did not come")


def supervised(store: Store, folder: Path, said: list[str], **more: float) -> Supervisor:
    task = Task((store.location,), Settings().model_dump_json(), (), "", "server", 1)
    command = (sys.executable, str(PROGRAM), str(folder))
    return Supervisor(task, said.append, command=command, first_pause_s=0.01, **more)


def outcomes(store: Store) -> list[tuple[str, int, str]]:
    with store.reading() as history:
        found = [(each, each.attempt) for each in history.results(assignment="mini")]
    return [(each.student, attempt.number, attempt.outcome) for each, attempt in found if attempt is not None]


@pytest.fixture(autouse=True)
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PROGRAM.parents[2]))


def test_who_is_killed_is_replaced_and_each_notebook_has_one_attempt(store: Store, tmp_path: Path) -> None:
    rubric = course.write_rubric(tmp_path / "rubrics")
    said: list[str] = []
    (tmp_path / "hold").touch()
    queue_up(store, "s1", course.GOOD, rubric=rubric)
    with supervised(store, tmp_path, said) as seats:
        until(lambda: len(list(tmp_path.glob("began-*"))) == 1)
        first = seats.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        (tmp_path / "hold").unlink()
        queue_up(store, "s2", course.SHADOWING, rubric=rubric)
        until(lambda: len(outcomes(store)) == 2)
        assert seats.pid not in (None, first)
    assert outcomes(store) == [("s1", 1, "COMPLETED"), ("s2", 1, "COMPLETED")]
    assert [line.startswith("the process of the workers ended (killed by SIGKILL)") for line in said] == [
        True
    ]
    with store.reading() as history:
        assert history.first_break() is None


def test_what_runs_when_the_server_stops_is_finished_and_nothing_else_begun(
    store: Store, tmp_path: Path
) -> None:
    rubric = course.write_rubric(tmp_path / "rubrics")
    (tmp_path / "hold").touch()
    for number in range(3):
        queue_up(store, f"s{number}", course.GOOD, f"number = {number}", rubric=rubric)
    said: list[str] = []
    seats = supervised(store, tmp_path, said).__enter__()
    until(lambda: len(list(tmp_path.glob("began-*"))) == 1)
    stopping = threading.Thread(target=seats.__exit__, args=(None, None, None))
    stopping.start()
    until((tmp_path / "asked").exists)
    (tmp_path / "hold").unlink()
    stopping.join(LONG_S)
    assert not stopping.is_alive() and seats.pid is None and said == []
    assert [student for student, _, _ in outcomes(store)] == ["s0"]
    with store.reading() as history:
        assert [(each.state, each.number) for each in history.jobs()] == [("queued", 2)]


def test_what_takes_too_long_then_is_broken_off_and_runs_again_later(store: Store, tmp_path: Path) -> None:
    rubric = course.write_rubric(tmp_path / "rubrics")
    (tmp_path / "hold").touch()
    queue_up(store, "s1", course.GOOD, rubric=rubric)
    with supervised(store, tmp_path, [], drain_s=0.0) as seats:
        until(lambda: len(list(tmp_path.glob("began-*"))) == 1)
        pid = seats.pid
        (tmp_path / "hold").unlink()
    assert pid is not None and not Path(f"/proc/{pid}").exists()
    assert len(outcomes(store)) <= 1
    again: list[str] = []
    with supervised(store, tmp_path, again):
        until(lambda: len(outcomes(store)) == 1)
    assert outcomes(store) == [("s1", 1, "COMPLETED")]


def test_the_real_process_says_what_keeps_it_from_working(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sandbox that is not here is a matter for whoever runs the server; nothing was taken."""
    queue_up(store, "s1", course.GOOD, rubric=course.write_rubric(tmp_path / "rubrics"))
    options = Settings(sandbox="bubblewrap", gpus="all")
    task = Task(
        (store.location,), options.model_dump_json(), (str(tmp_path),), str(bundled("reference")), "server", 1
    )
    source, sink = os.pipe()
    os.write(sink, task.line())
    with os.fdopen(source) as lines:
        monkeypatch.setattr(sys, "stdin", lines)
        handlers = {
            number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            assert main() == 2
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            os.close(sink)
    assert "gives no GPU" in capsys.readouterr().err
    with store.reading() as history:
        assert [(each.state, each.number) for each in history.jobs()] == [("queued", 1)]
