"""What the host's part costs as a class grows: recording, judging again, reports, an export; memory and disk.

Usage: growth.py DEMO [SIZE ...]

DEMO is a sample course that was graded (``make demo``). Each class is made of copies of its lab `pets` under
distinct ids, their stored evidence answered by a fake sandbox, so that nothing is executed: a notebook's own
cost in a sandbox is `peers.py`'s to tell, and the same in a class of any size. Each step is a process of its
own, of which the time, the processor's time and the most memory are told.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.intake import find_submissions
from tests.benchmarks.regrade import changed_rubric, fill, stored_evidence

__all__ = ["SIZES", "Grown", "Step", "measure"]

SIZES = (10, 100, 1000)
#: Reports are drawn for so many students of a class: each costs the same, and a tenth of a second.
REPORTS = 50
_LAB = "pets"
_GRADER = str(Path(sys.executable).with_name("grader"))
_CHANGE = ("expected: 1313", "expected: 1312")


@dataclass(frozen=True)
class Step:
    """One command over a class.

    Attributes:
        wall_s, processor_s: Of it all, its children included.
        memory_bytes: The most that one of its processes held.
    """

    wall_s: float
    processor_s: float
    memory_bytes: int


@dataclass(frozen=True)
class Grown:
    """A class of one size.

    Attributes:
        size: Submissions.
        steps: By name: record, regrade, report, export.
        database_bytes, evidence_bytes: On disk in the end.
    """

    size: int
    steps: dict[str, Step]
    database_bytes: int
    evidence_bytes: int


def measure(demo: Path, size: int) -> Grown:
    """Makes a class of `size` and does with it what a course does.

    Raises:
        SystemExit: A step failed.
    """
    with tempfile.TemporaryDirectory(prefix="growth-") as name:
        folder = Path(name)
        database = folder / "class.db"
        rubric = changed_rubric(folder, demo / "rubrics" / f"{_LAB}.yaml", *_CHANGE)
        students = [f"copy{number:04d}" for number in range(min(size, REPORTS))]
        of_lab = ["--assignment", _LAB, "--db", str(database)]
        commands = {
            "record": ["-m", "tests.benchmarks.growth", str(demo), str(database), str(size)],
            "regrade": [_GRADER, "regrade", "--rubric", str(rubric), *of_lab],
            "report": [_GRADER, "report", *students, "--out", str(folder / "reports"), *of_lab],
            "export": [_GRADER, "export", "csv", "--out", str(folder / "marks.csv"), *of_lab],
        }
        steps = {step: _step(command, folder / f"{step}.log") for step, command in commands.items()}
        files = {path for path in folder.glob("class*") if path.is_file()}
        kept = {path for place in folder.glob("class*/") for path in place.rglob("*") if path.is_file()}
        return Grown(size, steps, _bytes(files), _bytes(kept - files))


#: Linux tells of a process at least as much memory as whoever started it held: this one holds little.
_STARTER = """
import json, os, sys
log, *command = sys.argv[1:]
out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
into = [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)]
_, status, used = os.wait4(os.posix_spawn(command[0], command, os.environ, file_actions=into), 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


def _step(command: Sequence[str], log: Path) -> Step:
    began = time.perf_counter()
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, str(log), sys.executable, *command]
    told = subprocess.run(starter, check=True, capture_output=True)
    ended, processor_s, memory_kib = json.loads(told.stdout)
    if ended:
        raise SystemExit(f"{' '.join(command)}\nended with {ended}:\n{log.read_text()}")
    return Step(time.perf_counter() - began, processor_s, memory_kib * 1024)


def _bytes(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def record(demo: Path, database: Path, size: int) -> None:
    """Records a class, as the host does with what its sandboxes send."""
    evidence = stored_evidence(str(demo / "grader.db"), _LAB)
    found = (item.read() for item in find_submissions(demo / "submissions" / _LAB).submissions)
    notebooks = [raw for raw in found if hashlib.sha256(raw).hexdigest() in evidence]
    fill(database, notebooks, evidence, demo / "rubrics" / f"{_LAB}.yaml", size)


def main(demo: str, *sizes: str) -> int:
    """Prints a line for each step of each size."""
    for size in map(int, sizes or map(str, SIZES)):
        grown = measure(Path(demo), size)
        for name, step in grown.steps.items():
            sys.stdout.write(
                f"{size:6} {name:8} {step.wall_s:7.1f} s {step.processor_s:7.1f} s of a processor"
                f" {step.memory_bytes / 2**20:6.0f} MiB\n"
            )
        mib = [size_bytes / 2**20 for size_bytes in (grown.database_bytes, grown.evidence_bytes)]
        sys.stdout.write(f"{size:6} database {mib[0]:.1f} MiB, evidence {mib[1]:.1f} MiB\n")
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[2].endswith(".db"):
        record(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
        raise SystemExit(0)
    raise SystemExit(main(*sys.argv[1:]))
