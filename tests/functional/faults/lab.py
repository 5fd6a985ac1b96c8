"""A class, its database, and commands of the grader that something happens to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from grader.store import Store, open_store
from grader.workflows.regrading.reference import bundled, load_reference
from tests import course, graded_once
from tests.functional.faults import command
from tests.functional.forked import Forked
from tests.postgresql import Cluster

__all__ = ["HELD_BY_A_TA", "NOT_DONE", "Command", "Lab"]

#: Exit codes: all is graded, of which one file waits for a person; nothing could be done.
HELD_BY_A_TA, NOT_DONE = 1, 2
LONG_S = 300.0
_PAUSE_S = 0.02
_STRICTER = course.RUBRIC.replace("points: 2", "points: 1").replace("total: 5", "total: 4")
_SETTINGS = 'rubric = "mini"\njobs = 1\nlease_s = 1.0\nbusy_timeout_s = 0.2\n'


class Command:
    """A started command."""

    def __init__(self, folder: Path, number: int, arguments: tuple[str, ...], told: dict[str, Any]) -> None:
        self._folder = folder
        self._said = folder / f"said-{number}"
        given = {"arguments": arguments, "folder": str(folder), "said": str(self._said), **told}
        self._process = Forked(command.main, json.dumps(given))

    @property
    def said(self) -> str:
        return self._said.read_text(encoding="utf-8") if self._said.exists() else ""

    @property
    def pid(self) -> int:
        return self._process.pid

    def ends_with(self, code: int) -> Command:
        """Waits for its end, which has to be this: an exit code, or a signal as a negative number."""
        return self.ends_with_one_of(code)

    def ends_with_one_of(self, *codes: int) -> Command:
        assert self._process.wait(LONG_S) in codes, self.said
        return self

    def is_killed(self) -> Command:
        return self.ends_with(-signal.SIGKILL)

    def until_it_says(self, text: str) -> Command:
        _wait(lambda: text in self.said, self)
        return self

    def until_stopped(self) -> Command:
        """Until SIGSTOP reached it."""
        state = Path(f"/proc/{self.pid}/stat")
        _wait(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", self)
        return self

    def until_held(self) -> Command:
        _wait((self._folder / f"held-{self.pid}").exists, self)
        return self

    def send(self, number: signal.Signals) -> None:
        self._process.send(number)

    def runs(self) -> bool:
        return self._process.runs()

    def end(self) -> None:
        self._process.end()


def _wait(has_come: Any, command: Command) -> None:
    for _ in range(round(LONG_S / _PAUSE_S)):
        if has_come():
            return
        assert command.runs(), command.said
        time.sleep(_PAUSE_S)
    pytest.fail(command.said)


class Lab:
    """A folder with a course, and what was started in it.

    Attributes:
        server: Where a fault takes it down; None for a file.
    """

    def __init__(self, folder: Path, database: str, server: Cluster | None = None) -> None:
        self.folder = folder
        self.database = database
        self.server = server
        self.evidence = folder / "evidence"
        self.judged_again = False
        self._commands: list[Command] = []
        (folder / "grader.toml").write_text(_SETTINGS)
        self.rubric = course.write_rubric(folder / "rubrics")
        self.stricter = course.write_rubric(folder, _STRICTER, "stricter.yaml")
        self.submissions = folder / "submissions"
        course.hand_in(self.submissions, "s1", course.GOOD)
        course.hand_in(self.submissions, "s2", course.SHADOWING)
        course.hand_in(self.submissions, "s3", course.GOOD, "print(total)", "sum = total")
        course.hand_in(self.submissions, "s4", raw=b"{")
        course.hand_in(self.submissions, "s5", course.GOOD, "number = 5")

    def start(self, *arguments: str | Path, **told: Any) -> Command:
        """Starts a command on this database; `told` says what happens to it (see `command`)."""
        words = (*map(str, arguments), "--db", self.database)
        self._commands.append(Command(self.folder, len(self._commands), words, told))
        return self._commands[-1]

    def grade(self, **told: Any) -> Command:
        return self.start("run", "submissions", "--yes", "--evidence", self.evidence, **told)

    def go_on(self) -> None:
        """Lets go what is held."""
        (self.folder / "go").touch()

    def finish(self) -> None:
        """The run that a person starts after the fault."""
        self._let_settle()
        self.grade().ends_with(HELD_BY_A_TA)

    def _let_settle(self) -> None:
        """As if an hour had gone by: what was begun a moment ago is taken for somebody's who still writes."""
        for path in self.evidence.glob("*/.new-*"):
            os.utime(path, (0, 0))

    def store(self) -> Store:
        return open_store(self.database, evidence=self.evidence)

    def check(self) -> None:
        """What holds after each fault."""
        assert not any(each.runs() for each in self._commands)
        begun = [path for kind in (".*.partial", "*.unfinished") for path in self.folder.rglob(kind)]
        assert begun == [], "files that were begun"
        with self.store() as store:
            graded_once.check(
                store,
                self.submissions,
                self.rubric,
                reference=load_reference(bundled("reference")),
                judged_again=self.judged_again,
            )

    @property
    def is_there(self) -> bool:
        """Whether nothing of it lay on a disk that is gone; who took that away has checked it before."""
        return self.evidence.exists() and ("://" in self.database or Path(self.database).exists())

    def end(self) -> None:
        for each in self._commands:
            each.end()

    @contextmanager
    def small_disk(self) -> Iterator[Disk]:
        """A disk of its own that can be filled; skips the test where none may be mounted."""
        place = self.folder / "disk"
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(place)]
        made = subprocess.run(mount, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            pytest.skip(f"a full disk needs a mount, which is not allowed here: {made.stderr.strip()}")
        try:
            yield Disk(place)
        finally:
            self.end()
            subprocess.run(["umount", "--lazy", str(place)], check=True)


class Disk:
    """A small file system."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    def fill(self) -> None:
        """Leaves not a byte."""
        with self._ballast.open("wb", buffering=0) as file:
            for size in (1 << 16, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def make_room(self) -> None:
        self._ballast.unlink()
