from __future__ import annotations

import io

import pytest
from rich.console import Console

from grader.cli import progress
from grader.cli.progress import BarView, LineView, view
from grader.evidence.record import Outcome
from grader.workflows.running.events import (
    Away,
    Back,
    CellRunning,
    Event,
    Finished,
    Notice,
    Planned,
    Recorded,
    Retrying,
    Started,
    Stopping,
    Waiting,
)

DONE = Finished("s1", "mini", Outcome.COMPLETED, 2.0, 5.0, 3.0, 1.25)
FAILED = Finished("s2", "mini", Outcome.SANDBOX_UNAVAILABLE, 0.0, 5.0, 5.0, 0.0)
STORY: list[Event] = [
    Planned(3, 2), Started("s1", "mini"), CellRunning("s1", 7), Notice("Sandbox: docker"),
    Recorded("s1", "mini"),
    DONE, Started("s2", "mini"), Retrying("s2", 1, "engine gone"), FAILED, Waiting(1), Stopping(False),
    Stopping(True),
]  # fmt: skip


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr(progress, "errors", lambda: console)
    return text


def test_lines_tell_each_step_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = LineView()
    for event in STORY:
        lines(event)
    assert capsys.readouterr().err.splitlines() == [
        "3 submissions, 2 to run",
        "Sandbox: docker",
        "s1: COMPLETED, 2/5, 3 pending, 1.2 s",
        "s2: the sandbox failed (engine gone); try 2",
        "s2: SANDBOX_UNAVAILABLE, -/5, 5 pending, 0.0 s",
        "waiting for another run, which is working on 1; if it was killed, half a minute at most",
        "finishing what runs, then stopping; once more to stop now",
        "stopping now; run again to go on from here",
    ]


def test_the_bar_shows_what_is_done_running_and_failed(screen: io.StringIO) -> None:
    with BarView() as bar:
        for event in STORY[:3]:
            bar(event)
        bar._progress.refresh()
        shown = screen.getvalue()
        assert "0/2" in shown
        assert "1 running" in shown
        assert "s1 cell 7" in shown
        for event in STORY[3:]:
            bar(event)
        bar._progress.refresh()
    assert "2/2" in screen.getvalue()
    assert "1 failed" in screen.getvalue()
    assert "Sandbox: docker" in screen.getvalue()


def test_what_is_being_recorded_runs_no_longer(screen: io.StringIO) -> None:
    with BarView() as bar:
        for event in (Planned(3, 2), Started("s1", "mini"), Started("s2", "mini"), Recorded("s1", "mini")):
            bar(event)
        screen.truncate(0)
        bar._progress.refresh()
        assert "0/2" in screen.getvalue()
        assert "1 running" in screen.getvalue()


def test_nothing_to_run_shows_no_bar(screen: io.StringIO) -> None:
    with BarView() as bar:
        bar(Planned(3, 0))
    assert "3 submissions, all of them done before" in screen.getvalue()
    assert "running" not in screen.getvalue()


@pytest.mark.parametrize(("terminal", "kind"), [(True, BarView), (False, LineView)])
def test_a_bar_is_for_terminals(monkeypatch: pytest.MonkeyPatch, terminal: bool, kind: type) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    assert isinstance(view(), kind)


def test_a_students_name_cannot_write_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    LineView()(Retrying("\x1b[31mred", 1, "\x1b]52;c;x\x07"))
    assert "\x1b" not in capsys.readouterr().err


AWAY = Away("the database", "the database is locked by another program", 120.0)


def test_lines_tell_what_is_waited_for_and_when_it_is_back(capsys: pytest.CaptureFixture[str]) -> None:
    lines = LineView()
    lines(AWAY)
    lines(Back("the database"))
    assert capsys.readouterr().err.splitlines() == [
        "waiting, since the database is locked by another program; 120 s at most, and nothing is lost",
        "the database answers again",
    ]


def test_what_is_away_before_there_is_a_bar_is_told_in_lines(screen: io.StringIO) -> None:
    with BarView() as bar:
        bar(AWAY)
        bar(Back("the database"))
        assert screen.getvalue().splitlines() == [
            "waiting, since the database is locked by another program; 120 s at most, and nothing is lost",
            "the database answers again",
        ]


def test_the_bar_shows_what_is_waited_for_as_long_as_it_is_away(screen: io.StringIO) -> None:
    with BarView() as bar:
        for event in (*STORY[:2], AWAY):
            bar(event)
        bar._progress.refresh()
        assert "waiting, since the database is locked" in screen.getvalue()
        bar(Back("the database"))
        screen.truncate(0)
        bar._progress.refresh()
        assert "waiting" not in screen.getvalue()


@pytest.mark.parametrize("kind", [LineView, BarView])
def test_a_terminal_that_is_gone_stops_nothing(kind: type[LineView | BarView], monkeypatch) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(5, "Input/output error")

    console = Console(file=Gone(), force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr(progress, "errors", lambda: console)
    with kind() as shown:
        for event in STORY:
            shown(event)
