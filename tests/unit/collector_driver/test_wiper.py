"""The process that wipes: what it says, and that whatever becomes of it is told as something left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from grader.collector import wiper
from grader.collector.wiper import Wiper

UID = 23_456


@contextmanager
def started(monkeypatch: pytest.MonkeyPatch, remove: Callable[[int], object]) -> Iterator[Wiper]:
    """One whose children do `remove` in place of becoming somebody else and removing what is theirs."""
    monkeypatch.setattr(wiper, "remove_everything", remove)
    made = Wiper.start()
    try:
        yield made
    finally:
        with suppress(OSError):
            made.close()
        # It ends by itself, as the launcher hangs up.
        with suppress(ChildProcessError):
            os.waitpid(made.pid, 0)


def test_each_wipe_is_done_by_a_child_for_its_uid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def note(uid: int) -> None:
        (tmp_path / str(os.getpid())).write_text(f"{uid} {os.getppid()} {os.getsid(0) == os.getpid()}")

    with started(monkeypatch, note) as ours:
        assert ours.wipe(UID) == ours.wipe(UID) == []
        said = [path.read_text() for path in tmp_path.iterdir()]
        assert said == [f"{UID} {ours.pid} True"] * 2


def test_it_and_its_children_have_no_file_of_the_launchers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def note(uid: int) -> None:
        # The listing of one's own has a file of its own.
        there = [each for each in Path("/proc/self/fd").iterdir() if int(each.name) > 2][:-1]
        mine = [each for each in Path(f"/proc/{os.getppid()}/fd").iterdir() if int(each.name) > 2]
        (tmp_path / "said").write_text(f"{len(there)} {len(mine)}")

    with (tmp_path / "secret").open("w"), started(monkeypatch, note) as ours:
        assert ours.wipe(UID) == []
        # The wiper has its own end of the channel.
        assert (tmp_path / "said").read_text() == "0 1"


def test_a_child_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(uid: int) -> None:
        os._exit(3)

    with started(monkeypatch, fail) as ours:
        assert ours.wipe(UID) == ["the wiper ended with 768"]


def test_a_child_that_takes_too_long_is_ended_and_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(wiper, "_WIPE_S", 0.05)

    def hang(uid: int) -> None:
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(600)

    with started(monkeypatch, hang) as ours:
        assert ours.wipe(UID) == ["the wiper took longer than 0.05 s"]
        pid = (tmp_path / "pid").read_text() if (tmp_path / "pid").exists() else ""
        # Dead, and waiting for its parent, which ends with this test.
        deadline = time.monotonic() + 60
        while pid and Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                break
            time.sleep(0.01)
        else:
            assert not pid or not Path(f"/proc/{pid}").exists()


def test_a_wiper_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with started(monkeypatch, lambda uid: None) as ours:
        os.kill(ours.pid, signal.SIGKILL)
        os.waitpid(ours.pid, 0)
        [said] = ours.wipe(UID)
        assert said.startswith("the wiper is gone")


def test_it_ends_with_the_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    with started(monkeypatch, lambda uid: None) as ours:
        ours.close()
        ended, _ = os.waitpid(ours.pid, 0)
        assert ended == ours.pid
