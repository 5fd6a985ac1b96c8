"""`grader precheck`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import setup
from grader.cli.console import print_labelled, print_line, print_table, print_text
from grader.cli.options import Data, ReferenceFolder, RubricName, SandboxName

if TYPE_CHECKING:
    from grader.workflows.prechecking.precheck import Looked, PreCheck

__all__ = ["precheck"]


def precheck(
    notebook: Annotated[
        Path,
        typer.Argument(metavar="NOTEBOOK", help="An .ipynb, or a zip of it with what it reads."),
    ],
    rubric: RubricName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
    data: Data = None,
    sandbox: SandboxName = None,
    reference: ReferenceFolder = None,
) -> int:
    """Look at a notebook before it is handed in: what the rubric marks public, and whether it runs through.

    It runs in the sandbox in which it would be graded. Nothing is kept, and nothing of it is a mark. The exit
    code is 0 where all that was looked at is well, 1 where something is not, 2 where nothing could be run.

    Example: grader precheck lab2.ipynb --rubric lab2 --data data/
    """
    from grader.workflows.prechecking.offline import file_to_check, precheck_file, rubric_of
    from grader.workflows.regrading.rubrics import RubricShelf

    # As with `rubric try`: the current folder is that of whoever asks, also where the notebook lies in it.
    options = setup.settings(rubric=rubric, data=data, sandbox=sandbox, reference=reference)
    chooser = RubricShelf(setup.places(), zone=setup.zone(options)).chooser(options.rubric)
    file = file_to_check(notebook)
    loaded = rubric_of(file, chooser)
    answers = setup.reference(options)
    box = setup.sandbox(options)
    try:
        seen = precheck_file(file, loaded, answers, box, options)
    finally:
        box.close()
    if as_json:
        told = {**seen.model_dump(mode="json"), "all_well": seen.all_well, "limits": list(seen.limits)}
        print_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        _print(seen)
    return 0 if seen.all_well else 1


def _print(seen: PreCheck) -> None:
    print_line(f"Pre-check for {seen.title}")
    if seen.problem:
        print_line(f"This file cannot be taken: {seen.problem}")
        return
    print_line(" ".join(part for part in (seen.run, seen.detail) if part))
    if seen.facts:
        print_line(f"({'; '.join(seen.facts)})")
    if seen.looked:
        rows = [(each.title, each.seems, f"{each.points:g}") for each in seen.looked]
        print_table(("looked at", "it seems", "out of"), rows, right=("out of",))
    for each in seen.looked:
        if each.seems != "as asked":
            _print_details(each)
    print_line("What a pre-check cannot tell:")
    for sentence in seen.limits:
        print_line(f"  {sentence}")


def _print_details(each: Looked) -> None:
    print_line("")
    print_line(f"{each.title}: {each.seems}")
    parts = [
        ("  asked", each.asks),
        ("  found", each.found),
        ("  said", each.words),
        ("  look at", "\n".join(each.places)),
        ("  try", each.hint),
    ]
    print_labelled([(label, text) for label, text in parts if text])
