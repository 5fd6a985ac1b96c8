"""One notebook with ours and with what a course would take instead, and a class as it grows.

Usage: peers.py PEERS_PYTHON DEMO [ROUNDS [LAB_ROUNDS [SIZE ...]]]

PEERS_PYTHON has the peers (`requirements-peers.txt`), DEMO is the sample course, graded. Each round measures
every contender once, in turns, so that what else the machine does meets all alike. Writes
``docs/benchmarks.md`` and its picture. ``make peers`` does all of it.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from grader.sandbox.engine import connect
from grader.sandbox.image import find_image
from tests.benchmarks.contenders import Cost, Peers, ours, sample_lab, two_cells
from tests.benchmarks.growth import SIZES
from tests.benchmarks.growth import measure as grow
from tests.benchmarks.one_submission import where_time_goes
from tests.benchmarks.peer_page import Measured, Series, picture, write_page

#: Notebooks of ours in each round, after the first; and of a peer, which takes seconds for each.
OURS, THEIRS = 8, 1
ROUNDS = 5
_DOCS = Path(__file__).resolve().parents[2] / "docs"


def compare(
    notebook: Callable[[int], bytes], peers: Peers, folder: Path, rounds: int, kind: str
) -> dict[str, Series]:
    """Each contender's costs of one kind of notebook, a mean for each round."""
    costs: dict[str, Series] = defaultdict(Series)
    for turn in range(rounds):
        few = [notebook(100 * turn + number) for number in range(THEIRS)]
        many = [notebook(100 * turn + number) for number in range(OURS + 1)]
        place = folder / f"{kind}-{turn}"

        def warm(jobs: int, many: Sequence[bytes] = many, place: Path = place) -> Cost:
            told = ours(many, place.with_name(f"{place.name}-{jobs}"), jobs=jobs)
            if jobs == 1:
                costs["first"].add(Cost(told.first_s, None))
                costs["cells"].add(Cost(told.cells_s, told.container_s))
            return told.each

        def apart(sandbox: str, few: Sequence[bytes] = few, place: Path = place) -> Cost:
            three = [*few, notebook(0)]
            return ours(
                three, place.with_name(f"{place.name}-{sandbox}"), sandbox=sandbox, isolation="container"
            ).each

        steps: dict[str, Callable[[], Cost]] = {
            "warm": lambda many=many: peers.warm_python(many),
            "fork": lambda: warm(1),
            "fork, 2 jobs": lambda: warm(2),
            "bubblewrap": lambda: apart("bubblewrap"),
            "container": lambda: apart("docker"),
            "nbconvert": lambda few=few: peers.nbconvert(few),
            "nbconvert in a container": lambda few=few: peers.nbconvert_in_container(few),
            "otter": lambda few=few: peers.otter(few),
            "nbgrader": lambda few=few: peers.nbgrader(few),
            "nbgrader again": lambda few=few: peers.nbgrader(few, again=True),
        }
        for name, step in steps.items():
            cost = step()
            costs[name].add(cost)
            _say(f"{kind}, round {turn + 1}: {name}: {cost.wall_s:.3f} s")
    return dict(costs)


def machine() -> dict[str, str]:
    """What it was measured on."""
    cpu = next(
        (line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ": ?"
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    with closing(connect()) as client:
        engine = client.version()
    return {
        "processors": f"{len(os.sched_getaffinity(0))} of {cpu.partition(':')[2].strip()}",
        "memory": f"{memory:.0f} GiB",
        "system": f"Linux {platform.release()}, Python {platform.python_version()},"
        f" Docker {engine['Version']}",
        "grader": version("grader"),
    }


def main(
    python: str, demo: str, rounds: str = str(ROUNDS), lab_rounds: str = str(ROUNDS), *sizes: str
) -> int:
    """Measures and writes; some 20 minutes on an idle machine."""
    load = [os.getloadavg()[0]]
    with closing(connect()) as client:
        image = find_image(client)
    if image is None:
        raise SystemExit("no sandbox image of this version: `grader image build` makes it")
    with tempfile.TemporaryDirectory(prefix="peers-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        peers = Peers(Path(python), image.tag, folder / "theirs")
        small = compare(two_cells, peers, folder, int(rounds), "two cells")
        lab = compare(sample_lab(folder / "course"), peers, folder, int(lab_rounds), "a lab")
        phases = where_time_goes([two_cells(1000 + number) for number in range(21)], folder / "where")
        load.append(os.getloadavg()[0])
        grown = [grow(Path(demo).resolve(), size) for size in map(int, sizes or map(str, SIZES))]
        load.append(os.getloadavg()[0])
        versions = peers.versions()
    told = Measured(
        datetime.now(UTC).date(),
        machine(),
        versions,
        load,
        (int(rounds), int(lab_rounds)),
        small,
        lab,
        phases,
        grown,
    )
    (_DOCS / "pictures").mkdir(exist_ok=True)
    (_DOCS / "pictures" / "one-submission.svg").write_text(picture(phases))
    page = _DOCS / "benchmarks.md"
    page.write_text(write_page(told, page.read_text()))
    _say("written: docs/benchmarks.md")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
