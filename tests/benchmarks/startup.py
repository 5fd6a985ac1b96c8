"""What a notebook costs beside its own cells: warm forks here against a fresh container and kernel each.

The same machine, image and notebooks in one run, so that the ratio means something where seconds do not:

- ours: `grader run --jobs 1` on 30 distinct two-cell torch notebooks, its container warm after the first;
- peer: ``docker run`` of the same image with ``jupyter nbconvert --execute`` for each notebook, which is
  how the autograders in use start one.

Run it with ``make bench`` on an otherwise idle machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import docker
import nbformat

from grader.evidence.plan import Limits, Plan
from grader.sandbox.base import Job, Worker
from grader.sandbox.select import choose_sandbox

COPIES = 30
PEER_COPIES = 5
PLAN = Plan(assignment="startup", limits=Limits(cell_s=60, notebook_s=120))


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


def measure_ours(worker: Worker) -> tuple[float, float]:
    """Seconds for each notebook, whole and beside its cells.

    Returns:
        Mean wall time, and mean of wall time less the cells' own.
    """
    worker.run(Job("warm-up", notebook(COPIES), PLAN))
    walls, besides = [], []
    for number in range(COPIES):
        started = time.perf_counter()
        bundle = worker.run(Job(f"bench-{number}", notebook(number), PLAN))
        wall = time.perf_counter() - started
        if bundle.evidence.outcome != "COMPLETED":
            raise SystemExit(f"a notebook of ours ended with {bundle.evidence.outcome}")
        walls.append(wall)
        besides.append(wall - bundle.evidence.cells_s)
    return statistics.mean(walls), statistics.mean(besides)


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
    """Prints the figures and their ratios."""
    sandbox = choose_sandbox(
        "docker", isolation="fork", gpus="none", data_dir=None, run_id="bench", notify=lambda text: None
    )
    try:
        worker = sandbox.open(PLAN)
        whole, beside = measure_ours(worker)
        image = worker.run(Job("image", notebook(0), PLAN)).evidence.environment.image
    finally:
        sandbox.close()
    docker.from_env().images.get(image)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        peer = measure_peer(image, Path(folder))
    lines = [
        f"grader, warm container, {COPIES} notebooks: {whole:.3f} s each, {beside:.3f} s beside the cells",
        f"docker run + nbconvert --execute, {PEER_COPIES} notebooks: {peer:.2f} s each",
        f"ratio: {peer / whole:.1f} times less in all, {peer / beside:.1f} times less beside the cells",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
