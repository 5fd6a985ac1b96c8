"""A command of the grader in a process that something happens to; a program of its own, for tests.

It is told by JSON:

    arguments   of the command
    folder      where it works
    said        file that gets what it prints
    at, count   the moment: the count-th event of this name. Events are those of a run, and ``Answer``, when
                the fake sandbox is asked; ``Attempt``, ``Verdict`` and ``Mark``, when the row is written and
                its transaction is not over; ``Blob``, when bytes are written and the file has no name yet;
                ``Migrate``, when the database's tables are made; ``Call``, any call within the grader;
                ``Report``, when a report is drawn; ``File``, when its bytes are written beside its place
    then        what happens there: ``kill``; ``SIGTERM`` or the like; ``hold``, until a file called ``go``
    engine      ``away``: the sandbox fails each job and does not answer; ``restarts``: only the first one,
                and it answers again when it was asked three times
    clock_s     by how much its clock is wrong
    patience_s  for how long it waits for what is away
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grader.store
from grader.checks import registry
from grader.cli import app, execute, progress, sandboxed
from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.sandbox import select
from grader.sandbox.base import Job
from grader.store import WritableHistory, open_store, schema
from grader.store.store import utc_now
from grader.workflows.desk import learning
from grader.workflows.running import execution, grade_folder, patience
from grader.workflows.views import report
from tests import course
from tests.functional.rows_written import tell_of_rows

# Imported here for all that are forked from this process, as a command would import it when it comes to it.
_AT_HAND = (registry(), app, sandboxed, learning, grade_folder, __import__("alembic.command"))
__import__("sqlalchemy.dialects.postgresql.psycopg")

_PACKAGE = str(Path(grader.__file__).parent)
_PAUSE_S = 0.01


def main(told: str) -> None:
    """Changes this process for good: it is to serve this one command."""
    said = json.loads(told)
    os.chdir(said["folder"])
    os.environ["GRADER_USER"] = said.get("user", "ta")
    sys.stdout = sys.stderr = open(said["said"], "a", buffering=1, encoding="utf-8")  # noqa: SIM115, PTH123
    # Whatever started the tests may ignore them, as a shell does for what runs in the background.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    moment = _Moment(said.get("at", "never"), said.get("count", 1), said.get("then", "kill"))
    _watch(moment)
    _play(moment, engine=said.get("engine", "there"))
    patience._PAUSE_S = execution._ENGINE_PAUSE_S = execution._PAUSE_S = _PAUSE_S
    patience.LONGEST_S = execution._ENGINE_S = said.get("patience_s", patience.LONGEST_S)
    if "clock_s" in said:
        wrong = timedelta(seconds=said["clock_s"])
        grader.store.open_store = partial(open_store, clock=lambda: utc_now() + wrong)
    if said.get("at") == "Call":
        moment.count_calls()
    sys.exit(execute(said["arguments"]))


class _Moment:
    """Comes once, at the `count`-th event called `name`, in whichever thread."""

    def __init__(self, name: str, count: int, then: str) -> None:
        self._name, self._left, self._then = name, count, then
        self._lock = threading.Lock()

    def at(self, what: str) -> None:
        if what != self._name:
            return
        with self._lock:
            self._left -= 1
            has_come = self._left == 0
        if has_come:
            self._act()

    def _act(self) -> None:
        if self._then == "hold":
            Path(f"held-{os.getpid()}").touch()
            while not Path("go").exists():
                time.sleep(_PAUSE_S)
        elif self._then == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            os.kill(os.getpid(), getattr(signal, self._then))

    def after(self, what: str, original: Callable[..., Any]) -> Callable[..., Any]:
        """`original`, and maybe the moment after it."""

        def act(*arguments: Any, **more: Any) -> Any:
            result = original(*arguments, **more)
            self.at(what)
            return result

        return act

    def count_calls(self) -> None:
        """Makes each call of a function of the grader an event, in all threads that begin from now on."""

        def look(frame: Any, event: str, _argument: object) -> None:
            if event == "call" and frame.f_code.co_filename.startswith(_PACKAGE):
                self.at("Call")

        threading.setprofile(look)
        sys.setprofile(look)


def _watch(moment: _Moment) -> None:
    tell_of_rows(moment.at)
    WritableHistory.give_mark = moment.after("Mark", WritableHistory.give_mark)
    schema.migrate = moment.after("Migrate", schema.migrate)
    report.render_report = moment.after("Report", report.render_report)
    os.fsync = moment.after("Blob", os.fsync)
    Path.replace = _before_it_has_its_name(moment, Path.replace)
    tell = progress.LineView.__call__

    def heard(view: progress.LineView, event: Any) -> None:
        tell(view, event)
        moment.at(type(event).__name__)

    progress.LineView.__call__ = heard


def _before_it_has_its_name(moment: _Moment, replace: Callable[..., Path]) -> Callable[..., Path]:
    def act(path: Path, target: Path) -> Path:
        if path.suffix == ".partial":
            moment.at("File")
        return replace(path, target)

    return act


def _play(moment: _Moment, *, engine: str) -> None:
    fails = {"there": 0, "restarts": 1, "away": 1_000_000}[engine]
    asked, looked = itertools.count(1), itertools.count(1)

    def answer(job: Job) -> Bundle | Exception:
        moment.at("Answer")
        return SandboxUnavailable("no engine answers") if next(asked) <= fails else course.answer(job)

    box = course.sandbox(answer)
    box.answers = lambda: next(looked) > 3 * fails
    select.choose_sandbox = lambda *_, **__: box
