"""Forgeries as data: work left undone with an attack around it, judged by a rubric."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from grader.checks import registry
from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan
from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.grading.verdict import Verdict
from grader.rubric.loader import load_rubric
from grader.rubric.model import Rubric
from grader.rubric.plan import plan_for
from grader.sandbox.base import Job, Worker
from reference import ARCHITECTURES, FUNCTIONS
from tests.attacks.bench import LIMITS, notebook, run_again_if_too_busy

__all__ = ["RUBRIC_FILE", "ForgedVerdicts", "Forgery", "forge", "forgeries", "forging_plan", "judged", "work"]

_FOLDER = Path(__file__).parent / "forging"
RUBRIC_FILE = _FOLDER / "rubric.yaml"
_RUBRICS = {"forged": RUBRIC_FILE, "by_hand": _FOLDER / "rubric_by_hand.yaml"}
_OTHER_FILES = frozenset({"work.yaml", *(path.name for path in _RUBRICS.values())})
_REFERENCE = Reference(functions=FUNCTIONS, architectures=ARCHITECTURES, digest="attacks")


class Forgery(BaseModel):
    """One attempt to get points for undone work.

    Attributes:
        rubric: By which it is judged, and its twin.
        work: Which undone work; ``until_the_second_run`` leaves out its last cell, ``none`` all of it.
        before: Cells of the attack that run before the work.
        after: Those that run after it.
        reaches_in: It changes our own code or objects, which must be flagged.
        twin: Harmless cells close to the attack; after done work they must cost nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    group: str
    rubric: Literal["forged", "by_hand"] = "forged"
    work: Literal["undone", "until_the_second_run", "none"] = "undone"
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = (Outcome.COMPLETED, Outcome.CELL_ERROR)
    reaches_in: bool = False
    twin: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"{self.group}/{self.name}"


@dataclass(frozen=True)
class ForgedVerdicts:
    """What came of a forgery, and of its twin, which the same sandbox served next."""

    evidence: Bundle
    forged: Verdict
    twin: Verdict


def forgeries() -> list[Forgery]:
    """All cases, in order of file and place; what stands at the top of a file holds for all of it."""
    files = {
        path.stem: YAML(typ="safe").load(path.read_text())
        for path in sorted(_FOLDER.glob("*.yaml"))
        if path.name not in _OTHER_FILES
    }
    return [
        Forgery.model_validate({"group": group, **common, **case})
        for group, document in files.items()
        for common in [{key: value for key, value in document.items() if key != "cases"}]
        for case in document["cases"]
    ]


@cache
def rubric(name: str = "forged") -> Rubric:
    return load_rubric(_RUBRICS[name], registry())


@cache
def work(kind: str) -> tuple[str, ...]:
    """Cells of the work, done or not."""
    if kind == "none":
        return ()
    cells = YAML(typ="safe").load((_FOLDER / "work.yaml").read_text())
    return tuple(cells["undone"][:-1] if kind == "until_the_second_run" else cells[kind])


def forging_plan(name: str = "forged") -> Plan:
    return plan_for(rubric(name), limits=LIMITS)


def run(worker: Worker, cells: tuple[str, ...], name: str = "forged") -> Bundle:
    return run_again_if_too_busy(worker, Job("forgery", notebook(cells), forging_plan(name)))


def judged(bundle: Bundle, name: str = "forged") -> Verdict:
    return grade(rubric(name), bundle, _REFERENCE)


def forge(forgery: Forgery, worker: Worker) -> ForgedVerdicts:
    """Runs a forgery, then honest work with the twin's cells, and judges both."""
    by = forgery.rubric
    forged = run(worker, (*forgery.before, *work(forgery.work), *forgery.after), by)
    twin = run(worker, (*work("done"), *forgery.twin), by)
    return ForgedVerdicts(forged, judged(forged, by), judged(twin, by))
