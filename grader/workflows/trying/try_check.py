"""`grader check`: one check on one notebook, for whoever writes a check or a rubric; keeps nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grader.checks import registry
from grader.errors import UsageError
from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan
from grader.evidence.record import CellRecord
from grader.facts.case import Case, Reference
from grader.facts.facts import Facts
from grader.facts.handout import Handout
from grader.grading.grade import grade
from grader.grading.verdict import Finding
from grader.rubric.loader import load_rubric
from grader.rubric.model import Rubric
from grader.rubric.plan import plan_for
from grader.rubric.problems import nearest
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.whole_passes import with_whole_passes
from grader.workflows.trying.facts_in_words import facts_in_words

__all__ = ["CheckTrial", "trial_rubric", "tried", "try_check"]


@dataclass(frozen=True)
class CheckTrial:
    """What a check had to go by, and what it made of it.

    Attributes:
        facts: What the attempt says, as (what, said) pairs.
        finding: The judgement on one point.
        cells: All of the notebook.
    """

    facts: tuple[tuple[str, str], ...]
    finding: Finding
    cells: tuple[CellRecord, ...] = ()


def trial_rubric(kind: str, keys: Mapping[str, Any], heading: str | None) -> Rubric:
    """A rubric of one criterion worth one point.

    Args:
        kind: The check's word, as `loss_function`.
        keys: Its further keys, as a rubric has them.
        heading: A regular expression for the heading of the part that it looks at; the whole notebook
            where it is None.

    Raises:
        UsageError: There is no such kind.
        RubricError: A key that the kind does not have, or a value that it does not take.
    """
    if kind not in registry():
        raise UsageError(
            f"there is no kind of check '{kind}'{nearest(kind, registry())}",
            todo="choose one of docs/checks.md",
        )
    criterion: dict[str, Any] = {"id": "trial", "title": kind, "points": 1, "check": kind, **keys}
    rubric: dict[str, Any] = {"assignment": "trial", "title": "trial", "total": 1, "criteria": [criterion]}
    if heading is not None:
        rubric["sections"] = {"part": {"title": heading, "heading": heading}}
        criterion["section"] = "part"
    # JSON is YAML: one reader, one kind of message for what is wrong in it.
    return load_rubric(json.dumps(rubric, indent=1), registry(), name=f"check {kind}")


def try_check(
    notebook: bytes,
    rubric: Rubric,
    reference: Reference,
    sandbox: Sandbox,
    handout: Handout | None = None,
) -> CheckTrial:
    """Runs a notebook once and judges it by the one criterion; what the handout gave is no answer.

    Raises:
        SandboxUnavailable: The sandbox does not work here.
    """
    plan = plan_for(rubric)
    worker = sandbox.open(plan)

    def run(by: Plan) -> Bundle:
        return worker.run(Job("trial", notebook, by))

    return tried(with_whole_passes(run(plan), plan, run), rubric, reference, handout)


def tried(bundle: Bundle, rubric: Rubric, reference: Reference, handout: Handout | None = None) -> CheckTrial:
    """What the one criterion makes of evidence that is there already."""
    criterion = rubric.criteria[0]
    facts = Facts.of(bundle, rubric.sections, handout)
    case = Case(facts, criterion.section, reference, criterion.check.watches(), criterion.check.parts())
    verdict = grade(rubric, bundle, reference, handout)
    return CheckTrial(
        facts_in_words(case, criterion.check.probes()), verdict.findings[0], bundle.evidence.cells
    )
