"""The peers, and ours, as things that bring notebooks to their end: what one notebook costs with each.

A cost is seconds by the wall, and seconds of a processor of everything that worked for it: on a busy machine
the second says more. All run with one thread for arithmetic.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

import nbformat

from grader.facts.case import Reference
from grader.intake import Submission
from grader.samples.demo import write_demo
from grader.sandbox.engine import connect
from grader.sandbox.execution import Execution
from grader.sandbox.select import choose_sandbox
from grader.store import open_store
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.events import Finished, Started
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal

__all__ = ["Cost", "Ours", "Peers", "containers_s", "ours", "sample_lab", "two_cells"]

_ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": ""}
_RUN = "bench-peers"
_KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}

RUBRIC = """\
assignment: bench
title: Notebooks that cost little
total: 1
criteria:
  - id: names
    title: Builtins are left alone
    points: 1
    check: no_builtin_shadowing
"""

#: Executes notebooks named on its stdin, each in a fork of a process that has torch; says what that took.
_WARM = """\
import json, os, resource, sys, time, torch, matplotlib
matplotlib.use("agg")
import matplotlib.pyplot
weight = torch.nn.Parameter(torch.zeros(1))
weight.grad = torch.zeros(1)
torch.optim.SGD([weight], 0.1).step()
print("ready", flush=True)
for path in map(str.strip, sys.stdin):
    began = time.perf_counter()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        names = {"__name__": "__main__"}
        for cell in json.load(open(path))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and not source.lstrip().startswith(("%", "!")):
                exec(compile(source, "cell", "exec"), names)
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    print(json.dumps([status, time.perf_counter() - began, used.ru_utime + used.ru_stime]), flush=True)
"""


@dataclass(frozen=True)
class Cost:
    """Of one notebook, a mean over a few.

    Attributes:
        wall_s: Seconds by the wall.
        processor_s: Seconds of a processor; None where what worked is out of sight.
    """

    wall_s: float
    processor_s: float | None


@dataclass(frozen=True)
class Ours:
    """One run of ours, from its beginning.

    Attributes:
        first_s: Until the first notebook was in the history, with the sandbox's start.
        each: Of the others, in the sandbox that was warm then.
        cells_s: Of `each.wall_s`, what passed in the notebook's own cells.
        container_s: Of `each.processor_s`, what passed in the container; None where nobody counts.
    """

    first_s: float
    each: Cost
    cells_s: float
    container_s: float | None


def two_cells(number: int) -> bytes:
    """Distinct content: a layer is built, applied and stepped once."""
    return _notebook(
        "import torch\nimport torch.nn as nn",
        f"net = nn.Linear({number + 2}, 1)\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        f"net(torch.ones(4, {number + 2})).sum().backward()\n"
        "optimizer.step()\n"
        "print(sum(p.numel() for p in net.parameters()))",
    )


def sample_lab(folder: Path) -> Callable[[int], bytes]:
    """Gives a lab of the sample course as a student hands it in, 36 cells, each with a comment of its own."""
    write_demo(folder)
    lab = nbformat.read(folder / "submissions" / "convolution" / "ada" / "convolution.ipynb", as_version=4)

    def numbered(number: int) -> bytes:
        own = nbformat.v4.new_code_cell(f"# of student {number}")
        kept = nbformat.v4.new_notebook(cells=[*lab.cells, own], metadata=_KERNEL)
        return nbformat.writes(kept).encode()

    return numbered


def _notebook(*sources: str) -> bytes:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=_KERNEL)).encode()


def ours(
    notebooks: Sequence[bytes],
    folder: Path,
    *,
    sandbox: str = "docker",
    isolation: str = "fork",
    jobs: int = 1,
) -> Ours:
    """Grades notebooks as `grader run` does: sandbox, judging and history.

    Raises:
        SystemExit: One of them did not end as it should.
    """
    folder.mkdir()
    (folder / "bench.yaml").write_text(RUBRIC)
    rubric = load_rubric_file(folder / "bench.yaml")
    files = [
        read_file(Submission(f"s{number:03}", Path("bench.ipynb"), partial(bytes, raw)))
        for number, raw in enumerate(notebooks)
    ]
    watch = _Watch(jobs, len(notebooks))
    close = Execution.close

    def count_and_close(execution: Execution) -> None:
        if isolation == "fork" and watch.counts:
            watch.count_containers()
        close(execution)

    # The last result is recorded while its container is removed.
    with (
        open_store(str(folder / "grader.db")) as store,
        patch.object(Execution, "close", count_and_close),
    ):
        run(
            plan_work(files, lambda _: rubric),
            store=store,
            reference=Reference(),
            open_sandbox=lambda: choose_sandbox(
                sandbox, isolation=isolation, gpus="none", data_dir=None, run_id=_RUN, notify=watch
            ),
            notify=watch,
            stop=StopSignal(),
            actor="bench",
            jobs=jobs,
        )
        with store.reading() as history:
            attempts = [result.attempt for result in history.results()]
    odd = [attempt for attempt in attempts if attempt is None or attempt.outcome != "COMPLETED"]
    if odd:
        raise SystemExit(f"{sandbox}, {isolation}: {len(odd)} notebooks did not complete: {odd[0]}")
    cells_s = sum(attempt.cells_s for attempt in attempts if attempt is not None) / len(attempts)
    return watch.told(cells_s)


class _Watch:
    """Hears of the end of each notebook, and counts from when every seat has ended one."""

    def __init__(self, seats: int, total: int) -> None:
        self._seats, self._total, self._ended, self._begun = seats, total, 0, 0
        self._began = time.perf_counter()
        self._first_s = self._from = self._to = 0.0
        self._host: list[float] = []
        self._inside: list[float | None] = []

    def __call__(self, event: object) -> None:
        if isinstance(event, Started):
            self._begun += 1
            if self._begun == self._seats + 1:
                self.count_containers()
        if not isinstance(event, Finished):
            return
        self._to = time.perf_counter()
        self._ended += 1
        self._first_s = self._first_s or self._to - self._began
        if self._ended in (self._seats, self._total):
            self._host.append(time.process_time())
        if self._ended == self._seats:
            self._from = time.perf_counter()

    @property
    def counts(self) -> bool:
        """Whether the first ones are done."""
        return bool(self._inside)

    def count_containers(self) -> None:
        """Takes note of what they have used: when the first ones are done, and before one is gone."""
        self._inside.append(containers_s())

    def told(self, cells_s: float) -> Ours:
        count = self._total - self._seats
        before, after = [*self._inside, None, None][:2]
        inside = (after - before) / count if before is not None and after is not None else None
        used = None if inside is None or inside <= 0 else (self._host[1] - self._host[0]) / count + inside
        return Ours(self._first_s, Cost((self._to - self._from) / count, used), cells_s, inside)


def containers_s() -> float | None:
    """Processor time of this benchmark's containers; None where there are none, or nobody counts."""
    with closing(connect()) as client:
        there = client.containers.list(filters={"name": f"grader-{_RUN}"})
    used = [_usage_s(str(container.id)) for container in there]
    known = [seconds for seconds in used if seconds is not None]
    return sum(known) if known and len(known) == len(used) else None


def _usage_s(container: str) -> float | None:
    """Of one container, by the files of both versions of control groups."""
    for file, unit in (
        (f"/sys/fs/cgroup/cpuacct/docker/{container}/cpuacct.usage", 1e9),
        (f"/sys/fs/cgroup/system.slice/docker-{container}.scope/cpu.stat", 1e6),
    ):
        if Path(file).exists():
            found = re.search(r"\d+", Path(file).read_text())
            return int(found.group()) / unit if found else None
    return None


class Peers:
    """What a course would take instead, in a Python of their own.

    Args:
        python: With nbgrader, otter-grader, nbconvert and torch (`requirements-peers.txt`).
        image: Of the sandbox, for a fresh container.
        folder: For their files.
    """

    def __init__(self, python: Path, image: str, folder: Path) -> None:
        self._python = python
        # nbgrader starts programs that lie beside its Python.
        self._environment = {**_ENVIRONMENT, "PATH": f"{python.parent}:{os.environ['PATH']}"}
        self._image = image
        self._folder = folder
        folder.mkdir()
        folder.chmod(0o755)

    def warm_python(self, notebooks: Sequence[bytes]) -> Cost:
        """The same code in a fork of a Python that has torch: what no grader can be cheaper than."""
        paths = self._write("warm", notebooks)
        process = subprocess.Popen(
            [self._python, "-c", _WARM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            text=True,
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        said = []
        for path in paths:
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            said.append(json.loads(process.stdout.readline()))
        process.communicate()
        if any(status for status, _, _ in said):
            raise SystemExit("warm Python: a notebook did not end as it should")
        return Cost(_mean(wall for _, wall, _ in said), _mean(used for _, _, used in said))

    def nbconvert(self, notebooks: Sequence[bytes]) -> Cost:
        """``jupyter nbconvert --execute``, a process and a kernel each, no wall around them."""
        paths = self._write("nbconvert", notebooks)
        command = [self._python, "-m", "nbconvert", "--execute", "--to", "notebook", "--stdout"]
        return self._each(len(paths), *([*command, path] for path in paths))

    def nbconvert_in_container(self, notebooks: Sequence[bytes]) -> Cost:
        """The same in a fresh container of our image, as the autograders in use start one."""
        paths = self._write("container", notebooks)
        folder = paths[0].parent
        command = ["docker", "run", "--rm", "--network", "none", "--user", "1000", "--env", "HOME=/tmp/home"]
        command += ["--env", "OMP_NUM_THREADS=1", "--volume", f"{folder}:/nb:ro"]
        command += [
            "--tmpfs",
            "/tmp:exec,mode=1777",
            "--workdir",
            "/tmp",
            "--entrypoint",
            "/bin/sh",
            self._image,
        ]
        inside = (
            "/opt/env/bin/python -m nbconvert --execute --to notebook --stdout /nb/{} > /dev/null && times"
        )
        said, began = [], time.perf_counter()
        for path in paths:
            done = self._run([*command, "-c", inside.format(path.name)])
            said.append(_seconds_of_children(done.stdout))
        return Cost((time.perf_counter() - began) / len(paths), _mean(said))

    def nbgrader(self, notebooks: Sequence[bytes], *, again: bool = False) -> Cost:
        """``nbgrader autograde`` over all of them, without a wall; `again` after the tests have changed."""
        course = self._folder / "nbgrader"
        if not again:
            self._hand_in_to_nbgrader(course, notebooks)
        command = [self._python, "-m", "nbgrader", "autograde", "ps1", *(["--force"] if again else [])]
        return self._each(len(notebooks), command, cwd=course)

    def otter(self, notebooks: Sequence[bytes]) -> Cost:
        """``otter run`` for each: in process, without a wall."""
        made = self._folder / "otter-tests"
        if not made.exists():
            (made / "tests").mkdir(parents=True)
            (made / "tests" / "q1.py").write_text(_OTTER_TEST)
            self._run([self._python, "-m", "otter", "generate", "--no-environment"], cwd=made)
        paths = self._write("otter", notebooks)
        folder = paths[0].parent
        command = [self._python, "-m", "otter", "run", "-a", made / "autograder.zip", "-o", folder]
        return self._each(len(paths), *([*command, path] for path in paths), cwd=folder)

    def versions(self) -> dict[str, str]:
        """Of what is compared with."""
        names = ("nbgrader", "otter-grader", "nbconvert", "torch")
        script = f"from importlib.metadata import version; print(*map(version, {names!r}))"
        said = self._run([self._python, "-c", script]).stdout.split()
        return dict(zip(names, said, strict=True))

    def _write(self, name: str, notebooks: Sequence[bytes]) -> list[Path]:
        folder = self._folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        paths = [folder / f"{number}.ipynb" for number in range(len(notebooks))]
        for path, raw in zip(paths, notebooks, strict=True):
            path.write_bytes(raw)
        return paths

    def _hand_in_to_nbgrader(self, course: Path, notebooks: Sequence[bytes]) -> None:
        """A course with one assignment of one test, and a notebook of each student with that test in it."""
        texts = [self._with_test(raw) for raw in notebooks]
        shutil.rmtree(course, ignore_errors=True)
        (course / "source" / "ps1").mkdir(parents=True)
        (course / "nbgrader_config.py").write_text(
            "c = get_config()\nc.CourseDirectory.course_id = 'bench'\n"
        )
        (course / "source" / "ps1" / "nb.ipynb").write_text(texts[0])
        self._run([self._python, "-m", "nbgrader", "generate_assignment", "ps1"], cwd=course)
        for number, text in enumerate(texts):
            student = course / "submitted" / f"s{number:03}" / "ps1"
            student.mkdir(parents=True)
            (student / "nb.ipynb").write_text(text)

    def _with_test(self, raw: bytes) -> str:
        test = nbformat.v4.new_code_cell("assert 1 + 1 == 2")
        test.metadata["nbgrader"] = {
            "grade": True, "solution": False, "locked": True, "task": False, "grade_id": "test", "points": 1,
            "schema_version": 3, "cell_type": "code",
        }  # fmt: skip
        notebook = nbformat.reads(raw, as_version=4)
        notebook.cells.append(test)
        return nbformat.writes(notebook)

    def _each(self, count: int, *commands: Sequence[str | Path], cwd: Path | None = None) -> Cost:
        """What commands cost in all, for each of `count` notebooks."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        for command in commands:
            self._run(command, cwd=cwd)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Cost(wall / count, used / count)

    def _run(
        self, command: Sequence[str | Path], cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=cwd or self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(
                f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stderr[-2000:]}"
            )
        return done


_OTTER_TEST = """\
OK_FORMAT = True
case = {"code": ">>> 1 + 1\\n2", "hidden": False, "locked": False}
suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
test = {"name": "q1", "points": 1, "suites": [suite]}
"""


def _seconds_of_children(times: str) -> float:
    """From the shell's ``times``: its own, then its children's user and system time, as 0m1.234s."""
    found = re.findall(r"(\d+)m([\d.]+)s", times.splitlines()[-1])
    return sum(60 * int(minutes) + float(seconds) for minutes, seconds in found)


def _mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)
