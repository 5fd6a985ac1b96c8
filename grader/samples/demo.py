"""Writes a sample course: a rubric of its own beside a bundled one, data, submissions good and bad."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from grader.errors import UsageError
from grader.facts.handout import fingerprint
from grader.files.whole import write_whole
from grader.samples.datasets import write_stand_in
from grader.samples.percent import (
    PercentCell,
    answered,
    notebook_bytes,
    notebook_cells,
    read_percent,
)
from grader.workflows.regrading.reference import bundled

__all__ = ["ASSIGNMENTS", "write_demo"]

#: The labs of the sample course; the first one's rubric and handout come with the grader.
ASSIGNMENTS = ("convolution", "pets")

_COURSE = Path(__file__).parent / "demo_course"
_OPTIONS = "grader.toml"


def write_demo(folder: Path) -> Path:
    """Writes the sample course, the same files each time; what is there already is never written over.

    Args:
        folder: New, empty, or a sample course written before; marks in it, and files that were changed, are
            kept.

    Raises:
        UsageError: The folder holds something else.
    """
    options = (_COURSE / _OPTIONS).read_bytes()
    if _holds_something_else(folder, options):
        raise UsageError(
            "this folder is not empty",
            where=str(folder),
            expected="a new or empty folder, or a sample course",
            todo="name another folder",
        )
    handouts = {
        "convolution": notebook_cells(
            json.loads((bundled("rubrics") / "convolution_handout.ipynb").read_text())
        ),
        "pets": read_percent((_COURSE / "pets" / "handout.percent").read_text()),
    }
    _write(folder / _OPTIONS, options)
    _write_rubric(folder, handouts["pets"])
    _write_submissions(folder / "submissions", handouts)
    if not (folder / "data").exists():
        write_stand_in("cifar10", folder / "data")
    return folder


def _holds_something_else(folder: Path, options: bytes) -> bool:
    if not folder.exists():
        return False
    if not folder.is_dir():
        return True
    mark = folder / _OPTIONS
    return any(folder.iterdir()) and not (mark.is_file() and mark.read_bytes() == options)


def _write_rubric(folder: Path, handout: list[PercentCell]) -> None:
    raw = notebook_bytes(handout)
    _write(folder / "handouts" / "pets.ipynb", raw)
    _write(folder / "rubrics" / "pets.yaml", (_COURSE / "pets.yaml").read_bytes())
    description = fingerprint(json.loads(raw)).model_dump_json(indent=1)
    _write(folder / "rubrics" / "handouts" / "pets.json", description.encode())


def _write_submissions(folder: Path, handouts: Mapping[str, list[PercentCell]]) -> None:
    for assignment in ASSIGNMENTS:
        for answers in sorted((_COURSE / assignment).glob("*.percent")):
            if answers.stem == "handout":
                continue
            cells = answered(handouts[assignment], read_percent(answers.read_text()))
            _write(folder / assignment / answers.stem / f"{assignment}.ipynb", notebook_bytes(cells))
    # Two that every class has: an upload that broke off, and the wrong file.
    whole = notebook_bytes(handouts["convolution"])
    _write(folder / "convolution" / "finn" / "convolution.ipynb", whole[: len(whole) // 2])
    _write(folder / "convolution" / "gil" / "notes.txt", b"my notebook is on my other computer\n")


def _write(path: Path, raw: bytes) -> None:
    if not path.exists():
        write_whole(path, raw)
