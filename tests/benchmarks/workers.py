"""What a server makes of many workers, each without a network but for the wire to the server.

Usage: workers.py [SEATS [JOB_SECONDS [DATABASE...]]], with ``file`` and ``server`` (PostgreSQL) for DATABASE

The server is a process of its own, as `grader serve` starts it: uvicorn, judges behind walls, its disk writes
on. A worker claims over HTTP, is busy for a fixed time in place of a notebook, sends its evidence and
ends its job. First one, two and four workers of one seat are compared (`RATIOS`); then so many seats in two
workers, and the share of the time in which they are busy (`GOAL`). Where they are not, half as many are
tried, and the lines say what the machine's time went to.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.store import open_store
from tests import postgresql
from tests.remote import DeskProcess, Wire, WorkerProcess, fill, no_network, only_of_worker

GOAL = 0.95
RATIOS = {2: 1.9, 4: 3.7}
#: What is measured, after so long a time for all to begin: first ends wait until judges are there.
WARM_S, WINDOW_S = 12.0, 20.0
#: Rounds of the ratios, in turns, so that what else the machine does meets all alike.
ROUNDS = 3


@dataclass(frozen=True)
class Told:
    """What came of one measurement.

    Attributes:
        rate: Notebooks ended in a second of the window.
        busy: Share of the seats' time.
        server_ms, judge_ms: CPU time of a job.
    """

    rate: float
    busy: float
    server_ms: float
    judge_ms: float


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "file":
        yield str(folder / "grader.db")
        return
    with postgresql.server(settings=("listen_addresses=",)) as server:
        yield postgresql.migrated_database(server)


def measure(kind: str, shares: list[int], job_s: float) -> Told:
    """Lets workers of so many seats each work for a while."""
    with tempfile.TemporaryDirectory(prefix="workers-bench-", dir=os.environ.get("GRADER_BENCH_DIR")) as name:
        folder = Path(name)
        with database(kind, folder) as location:
            with open_store(location, evidence=f"{name}/evidence") as store:
                fill(store, folder, round(sum(shares) * (WARM_S + WINDOW_S + 3) / job_s) + 2 * sum(shares))
                tokens = [store.workers.let_in(f"w{number}", "bench") for number in range(len(shares))]
            desk = DeskProcess(location, folder)
            desk.start()
            wires = [Wire(desk.port) for _ in shares]
            workers = [
                WorkerProcess(only_of_worker(folder / f"m{number}"), wire, token, seats=seats, seconds=job_s)
                for number, (wire, token, seats) in enumerate(zip(wires, tokens, shares, strict=True))
            ]
            try:
                for worker in workers:
                    worker.start()
                time.sleep(WARM_S)
                begin, cpu = time.time(), desk.cpu_s()
                time.sleep(WINDOW_S)
                end, spent = time.time(), desk.cpu_s()
                ran = [span for worker in workers for span in worker.stop()]
            finally:
                desk.end()
                for wire in wires:
                    wire.close()
    jobs = sum(begin <= ended < end for _, ended in ran)
    busy_s = sum(max(0.0, min(ended, end) - max(began, begin)) for began, ended in ran)
    server_s, judge_s = (after - before for before, after in zip(cpu, spent, strict=True))
    each = 1000 / max(jobs, 1)
    return Told(jobs / (end - begin), busy_s / (sum(shares) * (end - begin)), each * server_s, each * judge_s)


def ratios(kind: str, job_s: float) -> None:
    rates: dict[int, list[float]] = {number: [] for number in (1, *RATIOS)}
    for _ in range(ROUNDS):
        for number, found in rates.items():
            found.append(measure(kind, [1] * number, job_s).rate)
    one = sorted(rates[1])[ROUNDS // 2]
    for number, goal in RATIOS.items():
        found = [rate / one for rate in sorted(rates[number])]
        say(
            f"{kind}: {number} workers, jobs of {job_s:g} s: {found[ROUNDS // 2]:.2f} times one"
            f" ({found[0]:.2f} to {found[-1]:.2f}; goal {goal})"
        )


def seats(kind: str, number: int, job_s: float) -> bool:
    """Measures and prints; whether they were busy enough."""
    told = measure(kind, [number // 2, number - number // 2] if number > 1 else [1], job_s)
    cores = os.cpu_count() or 1
    say(
        f"{kind}: {number} seats, jobs of {job_s:g} s: busy {told.busy:.1%} (goal {GOAL:.0%}),"
        f" {told.rate:.1f} jobs/s; CPU a job: server {told.server_ms:.1f} ms, judges {told.judge_ms:.1f} ms"
        f" ({cores} cores, load {os.getloadavg()[0]:.1f})"
    )
    return told.busy >= GOAL


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(number: int, job_s: float, kinds: list[str]) -> int:
    say("workers without a network" if no_network() else "workers with this machine's network")
    for kind in kinds or ("file", "server"):
        ratios(kind, job_s)
        wanted = number
        while not seats(kind, wanted, job_s) and wanted > 1:
            wanted //= 2
    return 0


if __name__ == "__main__":
    wanted, lasting, *databases = [*sys.argv[1:], "100", "1"][: max(2, len(sys.argv) - 1)]
    sys.exit(main(int(wanted), float(lasting), databases))
