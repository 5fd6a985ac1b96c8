"""`grader check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli import setup
from grader.cli.console import number, print_line, print_table
from grader.cli.options import Data, ReferenceFolder, SandboxName
from grader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.evidence.record import CellRecord
    from grader.grading.verdict import Finding
    from grader.workflows.trying.try_check import CheckTrial

__all__ = ["check"]


def check(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="A kind of check, as loss_function.")],
    notebook: Annotated[
        Path, typer.Argument(metavar="NOTEBOOK", help="An .ipynb, or text in percent format.")
    ],
    section: Annotated[
        str | None,
        typer.Option("--section", "-s", metavar="HEADING", help="Heading of the part that it looks at."),
    ] = None,
    keys: Annotated[
        list[str] | None,
        typer.Option("--with", "-w", metavar="KEY=VALUE", help="A key of the check, its value as in YAML."),
    ] = None,
    handout: Annotated[
        Path | None,
        typer.Option("--handout", metavar="FILE", help="What students were given, which is no answer."),
    ] = None,
    data: Data = None,
    sandbox: SandboxName = None,
    reference: ReferenceFolder = None,
) -> int:
    """Try one check on one notebook: run it once, print the facts and the judgement, keep nothing.

    Example: grader check loss_function s101.ipynb --with classes=9
    """
    from grader.facts.handout import fingerprint
    from grader.workflows.trying.try_check import trial_rubric, try_check

    options = setup.settings(notebook, data=data, sandbox=sandbox, reference=reference)
    rubric = trial_rubric(kind, dict(_key(text) for text in keys or ()), section)
    content = _notebook(notebook)
    given = None if handout is None else fingerprint(_parsed(handout))
    answers = setup.reference(options, notebook)
    box = setup.sandbox(options)
    try:
        trial = try_check(content, rubric, answers, box, given)
    finally:
        box.close()
    print_table(("fact", "what the record says"), _named(trial))
    _print_finding(trial.finding, trial.cells)
    return 0


def _notebook(path: Path) -> bytes:
    """A file as it is, or text in percent format as a notebook."""
    from grader.files.named import read_bytes
    from grader.samples.percent import notebook_bytes, read_percent

    raw = read_bytes(path)
    is_file = path.suffix == ".ipynb"
    return raw if is_file else notebook_bytes(read_percent(raw.decode("utf-8", "replace")))


def _parsed(path: Path) -> Any:
    import json

    try:
        return json.loads(_notebook(path))
    except (ValueError, RecursionError) as error:
        raise UsageError("the handout is no notebook", where=str(path), found=str(error)) from error


def _key(text: str) -> tuple[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    key, given, value = text.partition("=")
    if not given:
        raise UsageError("this is no key with a value", found=text, expected="--with KEY=VALUE")
    try:
        return key.strip(), YAML(typ="safe", pure=True).load(value)
    except YAMLError as error:
        raise UsageError("this value is no YAML", where=f"--with {key}", found=value) from error


def _named(trial: CheckTrial) -> list[tuple[str, str]]:
    """Facts with their cells by name."""
    from grader.reporting.cells import cells_by_name

    return [
        (cells_by_name(what, trial.cells), cells_by_name(said, trial.cells)) for what, said in trial.facts
    ]


def _print_finding(finding: Finding, cells: Sequence[CellRecord]) -> None:
    from grader.reporting.cells import cells_by_name
    from grader.workflows.views.cells import place_name

    print_line(f"{finding.status}, {number(finding.points)} of 1, {number(finding.pending)} open")
    print_line(f"message: {cells_by_name(finding.message, cells)}")
    if finding.open:
        print_line(f"why a person has to look: {cells_by_name(finding.open, cells)}")
    for where in finding.where:
        print_line(f"at {place_name(cells, where)}")
    if finding.advice:
        print_line(f"advice: {cells_by_name(finding.advice, cells)}")
