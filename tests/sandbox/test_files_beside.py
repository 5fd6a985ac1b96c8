"""Files handed in with a notebook lie beside it while it runs, in every sandbox, and for it alone."""

from __future__ import annotations

from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan
from grader.evidence.record import Outcome
from grader.sandbox.base import Job, Worker

from .conftest import ROOMY, notebook

FILES = (
    ("helper.py", b"def double_all(numbers):\n    return [2 * n for n in numbers]\n"),
    ("data/deep/table.csv", b"1,2\n"),
    ("empty.txt", b""),
    ("notes.txt", b"before"),
)
USES = (
    "from helper import double_all\nprint(double_all([1, 2]))",
    "print(open('data/deep/table.csv').read(), repr(open('empty.txt').read()))",
    # They are the student's own.
    "import os, shutil\nopen('notes.txt', 'w').write('after')\nshutil.rmtree('data')",
)
LOOKS = "import os\nprint(sorted(os.listdir()))\nimport helper"


def run(worker: Worker, *sources: str, files: tuple[tuple[str, bytes], ...] = ()) -> Bundle:
    return worker.run(Job("attempt", notebook(*sources), Plan(assignment="test", limits=ROOMY), files))


def printed(bundle: Bundle, cell: int) -> str:
    found = bundle.evidence.cells[cell].run
    return "".join(output.text for output in found.outputs) if found is not None else ""


def test_a_notebook_reads_and_changes_what_came_with_it(worker: Worker) -> None:
    bundle = run(worker, *USES, files=FILES)
    assert bundle.evidence.outcome is Outcome.COMPLETED, printed(bundle, 2)
    assert printed(bundle, 0) == "[2, 4]\n"
    assert printed(bundle, 1) == "1,2\n ''\n"
    # What came with it was not written by it; what it wrote since was.
    written = {each.path: each.cell for each in bundle.evidence.files if "__pycache__" not in each.path}
    assert written == {"notes.txt": 2}
    assert bundle.evidence.anomalies == ()


def test_the_next_notebook_finds_nothing_of_it(worker: Worker) -> None:
    run(worker, *USES, files=FILES)
    bundle = run(worker, LOOKS)
    assert printed(bundle, 0).startswith("[]")
    error = bundle.evidence.cells[0].run.error if bundle.evidence.cells[0].run else None
    assert error is not None
    assert error.type == "ModuleNotFoundError"
