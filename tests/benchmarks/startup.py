"""What a notebook costs beside its own cells: warm forks here against a fresh container and kernel each.

The same machine, image and notebooks in one run, so that the ratio means something where seconds do not:

- ours: a run as `grader run --jobs 1` does it, on distinct two-cell torch notebooks, from when the first
  one is in the history (its container is warm then) to the last one: sandbox, judging and database;
- peer: ``docker run`` of the same image with ``jupyter nbconvert --execute`` for each notebook, which is
  how the autograders in use start one.

Run it with ``make bench`` on an otherwise idle machine. Exits with 1 where a target is missed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nbformat

from grader.facts.case import Reference
from grader.intake import Submission
from grader.sandbox.select import choose_sandbox
from grader.store import open_store
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.events import Finished
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal

COPIES = 30
PEER_COPIES = 5
#: Targets: seconds of ours beside the cells, and how many times less than the peer's that must be.
BESIDE_S = 0.30
TIMES_LESS = 15.0

RUBRIC = """\
assignment: startup
title: A layer is stepped once
total: 1
criteria:
  - id: names
    title: Builtins are left alone
    points: 1
    check: no_builtin_shadowing
"""


@dataclass(frozen=True)
class Ours:
    """Means for each notebook, in seconds.

    Attributes:
        whole_s: Wall time.
        beside_s: Wall time less the cells' own.
        image: Digest of the image that ran them.
    """

    whole_s: float
    beside_s: float
    image: str


def notebook(number: int) -> bytes:
    """Two cells, distinct content: a layer is built, applied and stepped once."""
    cells = [
        nbformat.v4.new_code_cell("import torch\nimport torch.nn as nn"),
        nbformat.v4.new_code_cell(
            f"net = nn.Linear({number + 2}, 1)\n"
            "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)\n"
            f"net(torch.ones(4, {number + 2})).sum().backward()\n"
            "optimizer.step()\n"
            "print(sum(p.numel() for p in net.parameters()))"
        ),
    ]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()


def measure_ours(folder: Path) -> Ours:
    """Grades one notebook to warm up and `COPIES` more in the same run."""
    (folder / "startup.yaml").write_text(RUBRIC)
    rubric = load_rubric_file(folder / "startup.yaml")
    names = [f"s{number:02}" for number in range(COPIES + 1)]
    files = [
        read_file(Submission(name, Path(f"{name}.ipynb"), partial(notebook, number)))
        for number, name in enumerate(names)
    ]
    finished: list[float] = []

    def notify(event: object) -> None:
        if isinstance(event, Finished):
            finished.append(time.perf_counter())

    with open_store(str(folder / "grader.db")) as store:
        run(
            plan_work(files, lambda _: rubric),
            store=store,
            reference=Reference(),
            open_sandbox=lambda: choose_sandbox(
                "docker", isolation="fork", gpus="none", data_dir=None, run_id="bench", notify=notify
            ),
            notify=notify,
            stop=StopSignal(),
            actor="bench",
            jobs=1,
        )
        with store.reading() as history:
            attempts = {result.student: result.attempt for result in history.results()}
    cells_s = []
    for name in names[1:]:
        attempt = attempts[name]
        if attempt is None or attempt.outcome != "COMPLETED":
            raise SystemExit(f"a notebook of ours ended with {attempt and attempt.outcome}")
        cells_s.append(attempt.cells_s)
    wall_s = finished[-1] - finished[0]
    return Ours(wall_s / COPIES, (wall_s - sum(cells_s)) / COPIES, str(attempts[names[0]].image))


def measure_peer(image: str, folder: Path) -> float:
    """Mean seconds of ``docker run`` with nbconvert, a fresh container for each notebook."""
    walls = []
    for number in range(PEER_COPIES):
        (folder / f"{number}.ipynb").write_bytes(notebook(number))
        command = ["docker", "run", "--rm", "--network", "none", "--user", "1000", "--env", "HOME=/tmp/home"]
        command += ["--volume", f"{folder}:/nb:ro", "--tmpfs", "/tmp:exec,mode=1777", "--workdir", "/tmp"]
        command += ["--entrypoint", "/opt/env/bin/python", image, "-m", "nbconvert", "--execute"]
        command += ["--to", "notebook", "--stdout", f"/nb/{number}.ipynb"]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        walls.append(time.perf_counter() - started)
        if done.returncode or '"output_type": "stream"' not in done.stdout:
            raise SystemExit(f"the peer failed:\n{done.stderr[-2000:]}")
    return statistics.mean(walls)


def main() -> int:
    """Prints the figures, their ratios and whether the targets are met."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        ours = measure_ours(Path(folder))
        peer_s = measure_peer(ours.image, Path(folder))
    ratio = peer_s / ours.beside_s
    met = ours.beside_s <= BESIDE_S and ratio >= TIMES_LESS
    lines = [
        f"grader, warm container, {COPIES} notebooks: {ours.whole_s:.3f} s each, "
        f"{ours.beside_s:.3f} s beside the cells",
        f"docker run + nbconvert --execute, {PEER_COPIES} notebooks: {peer_s:.2f} s each",
        f"ratio: {peer_s / ours.whole_s:.1f} times less in all, {ratio:.1f} times less beside the cells",
        f"{'met' if met else 'MISSED'}: at most {BESIDE_S:g} s beside the cells, {TIMES_LESS:g} times less",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
