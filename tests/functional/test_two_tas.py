"""Two TAs mark at once, each in a process of their own: no mark is lost, and neither sees an error."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from grader.store import Store, ledger
from grader.store.models import LedgerRow, MarkRow
from grader.workflows.show import find_result
from tests.unit.workflows.conftest import grade_class

MARKS = 200
TAS = ("ann", "bob")


def start(folder: Path, database: str, actor: str) -> subprocess.Popen[bytes]:
    program = Path(__file__).with_name("marking_ta.py")
    arguments = [database, folder / "evidence", folder / "go", actor, str(MARKS)]
    return subprocess.Popen(
        [sys.executable, program, *arguments],
        env=os.environ | {"PYTHONPATH": str(program.parents[2])},
        stderr=subprocess.PIPE,
    )


def given(store: Store) -> list[tuple[str, str]]:
    """Who gave which mark, in the order of the history."""
    with store.reading() as session:
        assert ledger.examine(session) is None
        query = session.query(LedgerRow.actor, MarkRow.comment).join(MarkRow, MarkRow.seq == LedgerRow.seq)
        return [(row.actor, row.comment) for row in query.order_by(MarkRow.seq)]


def test_two_who_mark_at_once_lose_no_mark_and_see_no_error(tmp_path: Path, database: str) -> None:
    with grade_class(tmp_path, lambda: datetime.now(UTC), database=database) as store:
        working = [start(tmp_path, database, actor) for actor in TAS]
        while not all((tmp_path / f"go.{actor}").exists() for actor in TAS):
            assert all(process.poll() is None for process in working)
            time.sleep(0.01)
        (tmp_path / "go").touch()
        told = [process.communicate(timeout=300)[1] for process in working]
        assert (told, [process.returncode for process in working]) == ([b"", b""], [0, 0])
        marks = given(store)
        for actor in TAS:
            assert [what for who, what in marks if who == actor] == [f"mark {n}" for n in range(MARKS)]
        assert len(list(groupby(marks, key=lambda mark: mark[0]))) > len(TAS), "they did not mark at once"
        assert find_result(store, "s2", "mini").mark.criterion("why").points == 3.0
