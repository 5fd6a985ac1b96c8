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

#: Ways in which notebooks use what was handed in with them, each a cell that prints what follows it.
WAYS = {
    "a package with modules that import each other": ("from lab.shapes import area\nprint(area(2))", "8"),
    "a module of a folder put on the path": (
        "import sys\nsys.path.append('src')\nimport scaling\nprint(scaling.FACTOR)",
        "7",
    ),
    "a script run in the notebook": ("%run settings.py\nprint(rate)", "0.25"),
    "a module that is loaded anew at each change": (
        "%load_ext autoreload\n%autoreload 2\nimport helper\nprint(helper.double_all([3]))",
        "[6]",
    ),
    "a module read anew": (
        "import importlib, helper\nprint(importlib.reload(helper).double_all([4]))",
        "[8]",
    ),
    "a table": (
        "import csv\nprint([row for row in csv.reader(open('./data/deep/table.csv'))])",
        "[['1', '2']]",
    ),
    "numbers saved by NumPy": (
        "import numpy as np\nprint(np.loadtxt('data/numbers.txt').sum())",
        "6.0",
    ),
    "a path made from the current folder": (
        "import os\nprint(open(os.path.join(os.getcwd(), 'notes.txt')).read())",
        "before",
    ),
    "Colab's folder": ("print(open('/content/notes.txt').read())", "before"),
    "settings as JSON, found by pattern": (
        "import glob, json\nprint(json.load(open(glob.glob('*.json')[0]))['epochs'])",
        "3",
    ),
}
OF_WAYS = (
    *FILES,
    ("lab/__init__.py", b""),
    ("lab/shapes.py", b"from .factor import FACTOR\n\ndef area(side):\n    return FACTOR * side\n"),
    ("lab/factor.py", b"FACTOR = 4\n"),
    ("src/scaling.py", b"FACTOR = 7\n"),
    ("settings.py", b"rate = 0.25\n"),
    ("data/numbers.txt", b"1 2 3\n"),
    ("settings.json", b'{"epochs": 3}'),
)


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


def test_helpers_and_data_are_found_in_the_ways_in_which_notebooks_look_for_them(worker: Worker) -> None:
    bundle = run(worker, *(source for source, _ in WAYS.values()), files=OF_WAYS)
    found = [printed(bundle, place).strip() for place in range(len(WAYS))]
    assert dict(zip(WAYS, found, strict=True)) == {way: answer for way, (_, answer) in WAYS.items()}
    assert bundle.evidence.anomalies == ()
