"""What the attack tests stand on: sandboxes, an honest submission, and what must be unchanged around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import nbformat

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.plan import (
    Call,
    FunctionProbe,
    IntegersInput,
    Limits,
    ModuleProbe,
    NormalInput,
    Plan,
    Probe,
    Target,
)
from grader.sandbox.base import Job, Worker
from tests.attacks.memory import Growth, growth
from tests.attacks.model import Attack
from tests.attacks.survivors import living_uids, waiting_uids

__all__ = [
    "HONEST",
    "LIMITS",
    "PRELUDE",
    "Fight",
    "TwinRun",
    "Twins",
    "attack_limits",
    "fight",
    "honest_evidence",
    "notebook",
    "plan_for",
    "printed",
    "run_again_if_too_busy",
    "run_cells",
    "run_twins",
    "twins_by_group",
    "was_too_busy",
]

_MIB = 1024 * 1024

#: Enough for every twin, soon reached by an attack, and the same for all, so that they share containers.
LIMITS = Limits(
    memory_bytes=1024 * _MIB,
    cell_s=4.0,
    notebook_s=40.0,
    probe_s=5.0,
    collect_s=5.0,
    work_bytes=64 * _MIB,
    work_inodes=4000,
    shm_bytes=32 * _MIB,
    pids=128,
    output_bytes=4 * _MIB,
    cell_output_bytes=_MIB,
)

#: Given to every case: says for each attempt whether it was refused.
PRELUDE = """\
def attempt(what, act):
    try:
        got = act()
    except BaseException as error:
        print('refused:', what, '|', type(error).__name__)
    else:
        print('ESCAPED:', what, '|', repr(got)[:200])
"""

_NET = """\
import torch
from torch import nn

class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc = nn.Linear(5 * 7 * 7, 1)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv(x)))
        x = self.pool(x)
        return self.fc(x.view(-1, 5 * 7 * 7)).squeeze(1)

small_net = SmallNet()
"""

_SEEN = """\
import os, re
for folder in ('/content', '/tmp', '/dev/shm', '/dev/mqueue', os.path.expanduser('~')):
    inside = [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names]
    print(folder, sorted(name for name in inside if '/.cache/' not in name))
def lives_under_another_uid(process):
    # A process may hide behind root by not being dumpable, or show as dead when its first thread has ended.
    try:
        uid = int(re.search(r'Uid:\\s+(\\d+)', open('/proc/' + process + '/status').read())[1])
        tasks = '/proc/' + process + '/task/'
        threads = [open(tasks + thread + '/stat').read() for thread in os.listdir(tasks)]
    except OSError:
        return False
    alive = {thread.rpartition(')')[2].split()[0] for thread in threads} - set('ZX')
    return uid >= 20_000 and uid != os.getuid() and alive
others = [name for name in os.listdir('/proc') if name.isdigit() and lives_under_another_uid(name)]
print('processes of other submissions', len(others))
# CUDA opens one for each process, with numbers of process and namespace in its name.
print('sockets', [re.sub(r'[0-9]+', '#', line.split()[-1]) for line in open('/proc/net/unix') if '@' in line])
print(sorted(os.environ))
"""

#: Its evidence must be the same after every attack as before all of them.
HONEST = (
    _NET,
    "def sum_of_cubes(n):\n    return sum(k ** 3 for k in range(1, n + 1))",
    "import numpy as np\nprint(np.dot([1, 2], [3, 4]), torch.rand(2), np.random.rand())",
    _SEEN,
)

_PROBES: tuple[Probe, ...] = (
    ModuleProbe(target=Target(names=("small_net", "SmallNet")), inputs=(NormalInput(shape=(2, 3, 32, 32)),)),
    FunctionProbe(
        target=Target(names=("sum_of_cubes",)),
        calls=(Call(args=(IntegersInput(low=1, high=9, container="python"),)),),
    ),
)


@dataclass
class Fight:
    """What came of one attack.

    Attributes:
        attack: Evidence of the hostile notebook.
        honest: Evidence of the honest submission that the same sandbox served next, and
        twin: evidence of the harmless twin, after that; None where each submission gets its own sandbox.
        grew: Memory taken outside the kernel while it ran.
        survivors: Its uid, where the host still saw a living process of it when it was over.
    """

    attack: Bundle
    honest: Bundle | None
    twin: Bundle | None
    grew: Growth
    survivors: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Twins:
    """The harmless twins of a group, for sandboxes that serve one submission each: handed in as one."""

    group: str
    attacks: tuple[Attack, ...]

    @property
    def id(self) -> str:
        return f"{self.group}/twins"


@dataclass(frozen=True)
class TwinRun:
    """What came of them.

    Attributes:
        printed: What the cells of each twin wrote, by the id of its attack.
    """

    bundle: Bundle
    printed: dict[str, str]


def fight(attack: Attack, worker: Worker, *, shared: bool) -> Fight:
    """Runs the attack; then, where a sandbox serves several submissions, the honest one and the twin."""
    limits, cuda = attack_limits(attack), attack.needs == "gpu"
    prelude = PRELUDE + attack.prelude
    its_uid = waiting_uids(worker) if shared else set()
    with growth(measured=attack.check == "flat_memory") as grown:
        hostile = run_cells(worker, (prelude, *attack.cells), limits, cuda=cuda)
    if not shared:
        return Fight(hostile, None, None, grown)
    survivors = frozenset(its_uid & living_uids(worker))
    honest = run_cells(worker, HONEST, limits, cuda=cuda)
    harmless = run_cells(worker, (prelude, *attack.twin.cells), limits, cuda=cuda)
    return Fight(hostile, honest, harmless, grown, survivors)


def twins_by_group(attacks: Sequence[Attack]) -> list[Twins]:
    """The harmless twins, a group at a time."""
    return [Twins(group, tuple(found)) for group, found in groupby(attacks, lambda attack: attack.group)]


def run_twins(twins: Twins, worker: Worker) -> TwinRun:
    cells, ends = [PRELUDE], []
    for attack in twins.attacks:
        cells += [attack.prelude, *attack.twin.cells]
        ends.append(len(cells))
    bundle = run_cells(worker, cells, LIMITS.model_copy(update={"notebook_s": 120.0}))
    spans = zip(twins.attacks, [1, *ends], ends, strict=False)
    return TwinRun(bundle, {attack.id: printed(bundle, begin, end) for attack, begin, end in spans})


def notebook(cells: Sequence[str]) -> bytes:
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    return nbformat.writes(document).encode()


def plan_for(limits: Limits, probes: tuple[Probe, ...] = _PROBES, *, cuda: bool = False) -> Plan:
    return Plan(assignment="attacks", limits=limits, probes=probes, cuda=cuda)


def run_cells(
    worker: Worker, cells: Sequence[str], limits: Limits, *, attempt: str = "attack", cuda: bool = False
) -> Bundle:
    return run_again_if_too_busy(worker, Job(attempt, notebook(cells), plan_for(limits, cuda=cuda)))


def run_again_if_too_busy(worker: Worker, job: Job) -> Bundle:
    """Runs it, once more where the machine was too busy, as the service does."""
    try:
        return worker.run(job)
    except SandboxUnavailable as error:
        if not was_too_busy(error):
            raise
    return worker.run(job)


def was_too_busy(error: SandboxUnavailable) -> bool:
    """Whether others had the processors for so long that nothing can be said of the submission."""
    return "too busy" in (error.found or "")


def attack_limits(attack: Attack) -> Limits:
    return LIMITS.model_copy(update=dict(attack.limits))


def printed(bundle: Bundle, begin: int = 0, end: int | None = None) -> str:
    """All that the cells from `begin` up to `end` wrote, their errors included."""
    parts: list[str] = []
    for cell in bundle.evidence.cells[begin:end]:
        if cell.run is not None:
            parts += [output.text for output in cell.run.outputs]
            parts += [cell.run.error.message] if cell.run.error else []
    return "\n".join(parts)


def honest_evidence(bundle: Bundle) -> dict[str, Any]:
    """What must be equal in every run of `HONEST`: all but times and the hidden inputs drawn afresh."""
    evidence = bundle.evidence
    return {
        "outcome": evidence.outcome,
        "printed": printed(bundle).splitlines(),
        "anomalies": evidence.anomalies,
        "shims": [shim.kind for shim in evidence.shims],
        "training": evidence.training.model_dump(),
        "probes": {name: _probe_facts(result.model_dump()) for name, result in evidence.probes.items()},
    }


def _probe_facts(result: dict[str, Any]) -> dict[str, Any]:
    record = result["record"] or {}
    facts = {key: record.get(key) for key in ("name", "class_name")} | {"candidates": result["candidates"]}
    parameters = [(each["name"], each["shape"]) for each in record.get("parameters", ())]
    return {"status": result["status"], "parameters": parameters, **facts}
