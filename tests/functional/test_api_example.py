"""The program in docs/api.md, run as it stands against a server that listens."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import threading
from pathlib import Path

from grader.facts.case import Reference
from grader.web.roles import Role
from grader.web.serve import Opened, listen
from grader.workflows.accounts.people import add_account
from grader.workflows.accounts.tokens import Scope, make_token
from tests.large_class import ASSIGNMENT, fill

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "marks_to_csv.py"
STUDENTS = 250


def test_marks_of_an_assignment_become_a_csv(tmp_path: Path) -> None:
    with fill(tmp_path, STUDENTS) as store:
        add_account(store, "ben", Role.INSTRUCTOR)
        token = make_token(store, "sheet", "ben", [Scope.READ]).secret
        with store.reading() as history:
            results = list(history.results(assignment=ASSIGNMENT))
        with listen("127.0.0.1", 0) as listening:
            desk = Opened(store, Reference(), listening)
            serving = threading.Thread(target=desk.run)
            serving.start()
            try:
                ended = subprocess.run(
                    [sys.executable, EXAMPLE, desk.place.origins[0], store.course.name, ASSIGNMENT],
                    env=os.environ | {"GRADER_TOKEN": token},
                    capture_output=True,
                    text=True,
                    timeout=300,
                )
            finally:
                desk.stop()
                serving.join()
    assert ended.returncode == 0, ended.stderr
    rows = list(csv.DictReader(ended.stdout.splitlines()))
    assert len(rows) == STUDENTS
    for row, result in zip(rows, results, strict=True):
        assert result.mark is not None
        assert (row["student"], float(row["points"])) == (result.student, result.mark.points)
        for line in result.mark.criteria:
            assert row[line.criterion] == ("" if line.pending else str(line.points))
