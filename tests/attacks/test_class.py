"""A class with hostile students in one run: every honest student has the mark of working alone.

With GRADER_SOAK it has 200 students, a tenth of them hostile, in each of the ways below; without, every
second way comes once, among four times as many honest students.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from sqlalchemy import select

from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.intake import Submission
from grader.sandbox.base import Sandbox
from grader.store import Store, open_store
from grader.store.models import AttemptRow
from grader.store.results import Result
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal
from reference import ARCHITECTURES, FUNCTIONS
from tests.attacks.bench import LIMITS, PRELUDE, notebook
from tests.attacks.conftest import containers_of
from tests.attacks.forger import RUBRIC_FILE, forgeries, work
from tests.attacks.model import attacks

pytestmark = pytest.mark.docker

FULL = 10.0
#: What ends by a limit, kills, stays behind or forges.
HOSTILE = (
    "time/endless-loop",
    "time/sigint-ignored",
    "time/stops-itself",
    "memory/hundred-gigabyte-list",
    "memory/fork-bomb",
    "disk/fill-the-work-folder",
    "output/infinite-print",
    "privilege/kill-everything",
    "persistence/daemon",
    "persistence/files-everywhere",
    "persistence/abstract-socket-held-by-a-daemon",
    "persistence/altered-caches",
    "channel/frames-on-every-descriptor",
    "channel/forged-replies",
    "interpreter/patched-counting",
    "history/recorders-lists-edited",
)
SOAKED = "GRADER_SOAK" in os.environ
CHOSEN = [*HOSTILE, *HOSTILE][:20] if SOAKED else HOSTILE[::2]
#: One student in so many is hostile.
EVERY = 10 if SOAKED else 5
SIZE = EVERY * len(CHOSEN)
RUN_ID = "attacks-class"


@dataclass(frozen=True)
class Class:
    """Everybody's marks after one run.

    Attributes:
        hostile: Students who attacked.
    """

    store: Store
    results: dict[str, Result]
    hostile: frozenset[str]


def hostile_notebooks() -> list[bytes]:
    by_id = {attack.id: (PRELUDE + attack.prelude, *attack.cells) for attack in attacks()}
    by_id |= {each.id: (*each.before, *work(each.work), *each.after) for each in forgeries()}
    return [notebook((*by_id[name], f"hostile = {number}")) for number, name in enumerate(CHOSEN)]


def honest_notebook(number: int) -> bytes:
    """Done work, as no other student wrote it."""
    return notebook((*work("done"), f"student = {number}"))


def a_class() -> dict[str, bytes]:
    """Notebooks by student; honest ones follow on each hostile one."""
    hostile = iter(hostile_notebooks())
    return {
        f"{'mallory' if number % EVERY == 1 else 'student'}{number:03}": (
            next(hostile) if number % EVERY == 1 else honest_notebook(number)
        )
        for number in range(SIZE)
    }


def rubric_with_limits(folder: Path) -> Path:
    """The rubric of the forgeries, with limits that an attack soon reaches."""
    yaml = YAML()
    document = yaml.load(RUBRIC_FILE.read_text())
    document["limits"] = {**LIMITS.model_dump(), "cell_s": 3.0, "notebook_s": 12.0}
    path = folder / RUBRIC_FILE.name
    yaml.dump(document, path)
    return path


def graded(
    notebooks: dict[str, bytes], folder: Path, open_sandbox: Callable[..., Sandbox]
) -> tuple[Store, dict[str, Result]]:
    rubric = load_rubric_file(rubric_with_limits(folder))
    files = [
        read_file(Submission(student, Path(f"{student}.ipynb"), partial(notebooks.__getitem__, student)))
        for student in notebooks
    ]
    store = open_store(str(folder / "grader.db"))
    run(
        plan_work(files, lambda cells: rubric),
        store=store,
        reference=Reference(functions=FUNCTIONS, architectures=ARCHITECTURES, digest="attacks"),
        open_sandbox=lambda: open_sandbox("fork", RUN_ID),
        notify=lambda event: None,
        stop=StopSignal(),
        actor="test",
        jobs=2,
    )
    with store.reading() as history:
        return store, {result.student: result for result in history.results(assignment="forged")}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, open_sandbox: Callable[..., Sandbox]) -> Iterator[Class]:
    notebooks = a_class()
    store, found = graded(notebooks, tmp_path_factory.mktemp("class"), open_sandbox)
    yield Class(store, found, frozenset(name for name in notebooks if name.startswith("mallory")))
    store.close()


def points(result: Result) -> dict[str, float]:
    assert result.verdict is not None
    return {finding.criterion: finding.points for finding in result.verdict.findings}


def test_everybody_has_a_result_and_every_hostile_student_is_there(mixed: Class) -> None:
    assert len(mixed.results) == SIZE
    assert len(mixed.hostile) == len(CHOSEN)


def test_each_submission_has_exactly_one_terminal_attempt(mixed: Class) -> None:
    with mixed.store.database.reading() as session:
        attempts = Counter(session.scalars(select(AttemptRow.student)))
    assert attempts == dict.fromkeys(mixed.results, 1)
    outcomes = Counter(result.attempt.outcome for result in mixed.results.values() if result.attempt)
    assert outcomes[Outcome.SANDBOX_UNAVAILABLE] == 0
    assert outcomes[Outcome.TIMEOUT] >= 2


def test_every_honest_student_has_the_mark_of_working_alone(
    mixed: Class, tmp_path: Path, open_sandbox: Callable[..., Sandbox]
) -> None:
    store, alone = graded({"student": honest_notebook(SIZE)}, tmp_path, open_sandbox)
    store.close()
    deserved = points(alone["student"])
    assert sum(deserved.values()) == FULL
    honest = {name: result for name, result in mixed.results.items() if name not in mixed.hostile}
    assert {name: points(result) for name, result in honest.items()} == dict.fromkeys(honest, deserved)


def test_no_hostile_student_has_points(mixed: Class) -> None:
    assert {name: sum(points(mixed.results[name]).values()) for name in mixed.hostile} == dict.fromkeys(
        mixed.hostile, 0.0
    )


def test_no_container_is_left(mixed: Class) -> None:
    assert containers_of(RUN_ID) == []
