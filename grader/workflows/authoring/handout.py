"""`grader handout`: a handout, its description and a first rubric, from one solved notebook."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader.checks import registry
from grader.facts.handout import fingerprint
from grader.intake import parse_notebook
from grader.rubric.loader import load_rubric
from grader.sandbox.base import Job, Sandbox
from grader.workflows.authoring.blank import blank_of
from grader.workflows.authoring.draft import Draft, draft_plan, draft_rubric

__all__ = ["NewLab", "new_lab"]


@dataclass(frozen=True)
class NewLab:
    """What a new lab begins with, as the bytes of its files.

    Attributes:
        handout: The notebook for students.
        solution: The solution with the ids of the handout's cells, to try the rubric with.
        description: What a rubric's `handout:` names.
        rubric: The draft.
        criteria: How many it has.
    """

    handout: bytes
    solution: bytes
    description: str
    rubric: str
    criteria: int


def new_lab(
    solution: Mapping[str, Any], *, name: str, title: str, sandbox: Sandbox, data: Sequence[str] = ()
) -> NewLab:
    """Runs a solution once and drafts a lab from it.

    Args:
        solution: An ``.ipynb`` as parsed JSON.
        name: Of the assignment.
        title: In words.
        sandbox: Where it is run.
        data: Data sets that it reads.

    Raises:
        UsageError: Nothing is marked as solution, or a mark is wrong.
        SubmissionError: It is no notebook.
        SandboxUnavailable: The sandbox does not work here.
    """
    blank = blank_of(solution, name=f"{name}.ipynb")
    solved = _with_ids(solution, blank.notebook)
    raw = json.dumps(solved, indent=1).encode()
    draft = Draft.of(name, parse_notebook(raw), blank.solved)
    plan = draft_plan(draft, data)
    bundle = sandbox.open(plan).run(Job("solution", raw, plan))
    text = draft_rubric(draft, title, f"handouts/{name}.json", bundle, data)
    rubric = load_rubric(text, registry(), name=f"{name}.yaml")
    handout = json.dumps(blank.notebook, indent=1) + "\n"
    description = fingerprint(blank.notebook).model_dump_json(indent=1) + "\n"
    return NewLab(handout.encode(), raw, description, text, len(rubric.criteria))


def _with_ids(solution: Mapping[str, Any], handout: Mapping[str, Any]) -> dict[str, Any]:
    cells = [
        {
            **cell,
            "id": given["id"],
            "metadata": {**(cell.get("metadata") or {}), "id": given["metadata"]["id"]},
        }
        for cell, given in zip(solution["cells"], handout["cells"], strict=True)
    ]
    return {**solution, "cells": cells, "nbformat": 4, "nbformat_minor": 5}
