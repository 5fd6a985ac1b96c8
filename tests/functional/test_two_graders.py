"""Two people who give marks at the same time: each mark is kept once, and the chain stays whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from grader.store import open_store
from grader.store.audit import audit
from grader.store.models import MarkRow

PROGRAM = Path(__file__).with_name("marking_writer.py")
MARKS = 200


def start(database: str, evidence: Path, name: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(PROGRAM.parents[2])}
    arguments = [sys.executable, PROGRAM, database, evidence, name, str(MARKS)]
    return subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True)


def test_two_graders_at_once_lose_no_mark(database: str, tmp_path: Path) -> None:
    open_store(database, evidence=tmp_path).close()
    both = [start(database, tmp_path, name) for name in ("ann", "bob")]
    assert [process.communicate(timeout=300)[1] for process in both] == ["", ""]
    with open_store(database, evidence=tmp_path) as store:
        assert audit(store).sound
        with store.database.reading() as session:
            rows = [(row.student, row.points) for row in session.query(MarkRow).order_by(MarkRow.seq)]
    for name in ("ann", "bob"):
        assert [points for student, points in rows if student == name] == [float(n) for n in range(MARKS)]
    assert len({student for student, _ in rows[:MARKS]}) == 2, "they took turns, not one after the other"
