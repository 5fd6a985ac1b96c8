"""Notebooks that try the wall from inside, and what each must meet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import nbformat

from grader.errors import GraderError
from grader.evidence.codec import Bundle
from grader.evidence.plan import Limits, Plan
from grader.evidence.record import CellRun, Environment, Outcome
from grader.sandbox.base import Job, Sandbox, Worker
from grader.sandbox.pythons import COLAB_PYTHON, is_older_than_colab, said_of

__all__ = ["Finding", "python_said", "try_wall"]

_MIB = 1024 * 1024
LIMITS = Limits(
    memory_bytes=1024 * _MIB,
    notebook_s=120.0,
    cell_s=60.0,
    work_bytes=32 * _MIB,
    pids=128,
    output_bytes=_MIB,
    cell_output_bytes=_MIB // 4,
)


class Finding(NamedTuple):
    """One line of the diagnosis.

    Attributes:
        ok: Whether nothing is to be done.
        message: What was seen, and what to do where `ok` is false.
    """

    name: str
    ok: bool
    message: str


@dataclass(frozen=True)
class _Look:
    """A cell that tries something and prints JSON."""

    name: str
    source: str
    holds: Callable[[Any], bool]
    todo: str


_LOOKS = (
    _Look(
        "no privileges",
        "import json, os, re\n"
        "status = open('/proc/self/status').read()\n"
        "print(json.dumps([os.getuid(), re.search(r'NoNewPrivs:\\s*(\\d)', status)[1],\n"
        "    max(int(bits, 16) for bits in re.findall(r'Cap(?:Prm|Eff|Amb):\\s*(\\w+)', status))]))",
        lambda seen: seen[0] != 0 and seen[1:] == ["1", 0],
        "use an engine that drops capabilities and knows no-new-privileges",
    ),
    _Look(
        "no network",
        "import json, socket\nprint(json.dumps(sorted(name for _, name in socket.if_nameindex())))",
        lambda seen: seen == ["lo"],
        "the sandbox must have no interface but loopback",
    ),
    _Look(
        "read-only system",
        "import json, os, sys\nfolders = ['/', '/etc', '/opt/code', sys.prefix]\n"
        "print(json.dumps([name for name in folders if os.access(name, os.W_OK)]))",
        lambda seen: seen == [],
        "these folders can be written",
    ),
    _Look(
        "system call filter",
        "import json, re\nstatus = open('/proc/self/status').read()\n"
        "print(json.dumps(re.search(r'Seccomp:\\s*(\\d)', status)[1]))",
        lambda seen: seen != "0",
        "the kernel must be built with seccomp filters",
    ),
    _Look(
        "process limit",
        "import json, threading\n"
        "enough, started = threading.Event(), 0\n"
        "try:\n"
        "    while started < 256:\n"
        "        threading.Thread(target=enough.wait, daemon=True).start()\n"
        "        started += 1\n"
        "except RuntimeError:\n"
        "    pass\n"
        "enough.set()\n"
        "print(json.dumps(started))",
        lambda seen: seen <= LIMITS.pids,
        f"more processes than {LIMITS.pids} could be started: enable the pids control group",
    ),
    _Look(
        "work folder limit",
        "import json, os\n"
        "written = 0\n"
        "try:\n"
        "    for number in range(80):\n"
        "        with open(f'/content/{number}', 'wb') as file:\n"
        "            written += file.write(bytes(1024 * 1024))\n"
        "except OSError:\n"
        "    pass\n"
        "print(json.dumps(written))",
        lambda seen: seen <= LIMITS.work_bytes,
        f"more than {LIMITS.work_bytes // _MIB} MiB could be written: tmpfs must be limited in size",
    ),
)

_PROCESSORS = _Look(
    "processor limit",
    "import json, os, time\n"
    "def burn():\n"
    "    end = time.monotonic() + 1\n"
    "    while time.monotonic() < end: pass\n"
    "    os._exit(0)\n"
    "began, used = time.monotonic(), 0.0\n"
    "for _ in range(3):\n"
    "    if os.fork() == 0: burn()\n"
    "for _ in range(3):\n"
    "    usage = os.wait3(0)[2]\n"
    "    used += usage.ru_utime + usage.ru_stime\n"
    "print(json.dumps(used / (time.monotonic() - began)))",
    lambda seen: seen < LIMITS.cpus * 1.4,
    "more than one processor could be used: enable the cpu control group",
)


@dataclass(frozen=True)
class _Ending:
    """A notebook that must be stopped."""

    name: str
    source: str
    outcome: Outcome
    todo: str
    changes: dict[str, float] = field(default_factory=dict)


_ENDINGS = (
    _Ending(
        "output limit",
        "while True: print('x' * 1000)",
        Outcome.OUTPUT_LIMIT,
        "build the image again with `grader image build`",
    ),
    _Ending(
        "time limit",
        "while True: pass",
        Outcome.TIMEOUT,
        "build the image again with `grader image build`",
        {"cell_s": 2.0},
    ),
    _Ending(
        "memory limit",
        "kept = []\nwhile True: kept.append(bytearray(64 * 1024 * 1024))",
        Outcome.OUT_OF_MEMORY,
        "enable memory accounting in the kernel (cgroup_enable=memory)",
    ),
)


def try_wall(sandbox: Sandbox, *, limits_processors: bool) -> list[Finding]:
    """Runs submissions that look around and take too much of everything.

    Args:
        sandbox: What to try; it is not closed.
        limits_processors: Whether it claims to.
    """
    looks = (*_LOOKS, _PROCESSORS) if limits_processors else _LOOKS
    plan = Plan(assignment="doctor", limits=LIMITS)
    try:
        with closing(sandbox.open(plan)) as worker:
            seen = worker.run(Job("doctor", _notebook([look.source for look in looks]), plan))
            return [*_seen(seen, looks), *(_ended(worker, ending) for ending in _ENDINGS)]
    except GraderError as error:
        return [Finding("sandbox", False, str(error))]


def _seen(bundle: Bundle, looks: Sequence[_Look]) -> Iterator[Finding]:
    evidence = bundle.evidence
    runs = [cell.run for cell in evidence.cells]
    if len(runs) != len(looks):
        yield Finding("sandbox", False, f"{evidence.outcome}: {evidence.outcome_detail}")
        return
    yield Finding("sandbox", True, f"{evidence.environment.sandbox} ran a notebook")
    yield Finding("Python", True, python_said(evidence.environment))
    for look, run in zip(looks, runs, strict=True):
        yield _look_finding(look, run)
    for layer, state in sorted(evidence.environment.confinement.items()):
        yield _layer(layer, state)


def python_said(environment: Environment) -> str:
    """Which Python notebooks met. An older one grades as well, so nothing has to be done, but is said."""
    said = said_of(environment.python)
    if not is_older_than_colab(environment.python):
        return said
    if environment.sandbox == "bubblewrap":
        return f"{said}; bubblewrap runs what grader itself runs in: install it with a newer Python"
    newer = f"`grader image build --python {COLAB_PYTHON}`"
    return f"{said}; where Docker reaches an image registry, {newer} makes one"


def _look_finding(look: _Look, run: CellRun | None) -> Finding:
    error = run.error.message if run is not None and run.error is not None else "the cell was not run"
    try:
        seen = json.loads("".join(each.text for each in run.outputs if each.name == "stdout") if run else "")
    except ValueError:
        return Finding(look.name, False, f"could not be tried: {error}")
    if look.holds(seen):
        return Finding(look.name, True, "holds")
    return Finding(look.name, False, f"does not hold: {look.todo} (seen from inside: {seen})")


def _layer(name: str, state: str) -> Finding:
    missing = state == "not in this kernel"
    todo = (
        "a newer kernel, with it in the boot option lsm=, adds this layer; the other layers hold without it"
    )
    return Finding(name, not missing, f"{state}: {todo}" if missing else state)


def _ended(worker: Worker, ending: _Ending) -> Finding:
    plan = Plan(assignment="doctor", limits=LIMITS.model_copy(update=ending.changes))
    evidence = worker.run(Job("doctor", _notebook([ending.source]), plan)).evidence
    run = evidence.cells[0].run if evidence.cells else None
    # Where each process is limited rather than all together, Python can say so itself.
    refused = run is not None and run.error is not None and run.error.type == "MemoryError"
    if evidence.outcome is ending.outcome or (refused and ending.outcome is Outcome.OUT_OF_MEMORY):
        return Finding(ending.name, True, "a submission over it was stopped")
    message = f"a submission over it ended with {evidence.outcome} {evidence.outcome_detail}".strip()
    return Finding(ending.name, False, f"{message}: {ending.todo}")


def _notebook(sources: Sequence[str]) -> bytes:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    text: str = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
    return text.encode()
