"""Files that the notebook writes, and whether the student can name them."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from grader.evidence.record import CellRecord, Cut, FileWritten
from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.fields import Regex, Where
from grader.facts.notebook import located, own_cell_failed, stopped_early
from grader.facts.training.runs import in_cells, runs_in, where_of
from grader.facts.words.answers import answer_in
from grader.judging.check import Check
from grader.judging.judgement import Judgement
from grader.judging.nothing import not_located

__all__ = ["FilesWritten"]

_SAVES = re.compile(r"\b(save|savez|savez_compressed|dump)\s*\(")


class FilesWritten(Check):
    """Looks for files by name: among those that the run wrote, or in the student's answer.

    With `named` each file has to be named in the criterion's section; an answer that names only some of them,
    or names them by a pattern, goes to a TA with the list of what is missing. With `patterns` each pattern
    has to fit a file that a cell of `sections` (or any cell) wrote; where training wrote files under other
    names, or code saves only where a network gets good enough, a TA looks. So does one where a cell failed,
    unless a training of `sections` went through two passes or more and wrote nothing.

    Fields: `named`, file names; `patterns`, regular expressions on paths in the work folder; `sections`.
    """

    example: ClassVar[str] = """\
- id: checkpoints
  title: Checkpoints are saved
  points: 1
  check: files_written
  patterns: ['epoch\\d+$']
"""

    check: Literal["files_written"] = "files_written"
    named: tuple[str, ...] = ()
    patterns: tuple[Regex, ...] = ()
    sections: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _asks_for_something(self) -> FilesWritten:
        if not self.named and not self.patterns:
            raise ValueError("give named or patterns")
        return self

    def section_names(self) -> tuple[str, ...]:
        return self.sections

    def judge(self, case: Case) -> Judgement:
        return self._judge_named(case) if self.named else self._judge_written(case)

    def _judge_named(self, case: Case) -> Judgement:
        answer = answer_in(case)
        text = f"{answer.words}\n{answer.outputs}"
        missing = [name for name in self.named if not _names(text, name)]
        written = {file.path.rsplit("/", 1)[-1] for file in case.evidence.files}
        data = {
            "expected": list(self.named),
            "missing": missing,
            "written": [name for name in self.named if name in written],
        }
        more: dict[str, Any] = {"where": answer.where, "data": data}
        if answer.located and not answer.touched:
            return Judgement.failed("Nothing was handed in for this part.", **more)
        if not missing:
            return Judgement.passed(f"All {len(self.named)} files are named.", **more)
        listed = ", ".join(f"`{name}`" for name in missing[:4]) + (", ..." if len(missing) > 4 else "")
        count = len(self.named) - len(missing)
        return Judgement.needs_ta(
            f"{count} of {len(self.named)} files are named word for word; not {listed}. A TA looks at it.",
            **more,
        )

    def _judge_written(self, case: Case) -> Judgement:
        placed = all(located(case, section) for section in self.sections)
        cells = {cell for section in self.sections for cell in case.alignment.cells_of(section)}
        anywhere = not self.sections or not placed
        files = [file for file in case.evidence.files if anywhere or file.cell in cells]
        found = [file for file in files if any(re.search(pattern, file.path) for pattern in self.patterns)]
        missing = [
            pattern for pattern in self.patterns if not any(re.search(pattern, file.path) for file in found)
        ]
        where = tuple(Where(cell=cell) for cell in dict.fromkeys(file.cell for file in found))
        more: dict[str, Any] = {"where": where, "data": {"written": [file.path for file in found[:50]]}}
        if not missing and placed:
            return Judgement.passed(f"{len(found)} such files were written, as `{found[0].path}`.", **more)
        finished = _finished(case, self.sections) if placed and self.sections else ()
        doubt = self._doubt(case, files, finished)
        if doubt:
            return Judgement.needs_ta(doubt, **more)
        if not finished:
            return Judgement.failed("No such files were written.", **more)
        trained = in_cells(run.cell for run in finished)
        return Judgement.failed(
            f"The training {trained} wrote no such files.", **{**more, "where": where or where_of(finished)}
        )

    def _doubt(self, case: Case, files: list[FileWritten], finished: tuple[TrainingRun, ...]) -> str:
        """Why the lack of such files does not show that none were to be written; empty where it does."""
        if stopped_early(case) or (own_cell_failed(case) and not finished):
            return "No such files were seen, but some cells failed or did not run."
        if Cut.FILES in case.evidence.cut:
            return "No such files were seen, but more were written than were recorded; a TA looks at it."
        lost = next((judgement for name in self.sections if (judgement := not_located(case, name))), None)
        if lost is not None:
            return lost.message
        training = _training_cells(case.evidence.training.runs)
        here = training if not self.sections else _training_cells(runs_in(case, self.sections))
        other = [file.path for file in files if file.cell in training]
        if other:
            return f"Files were written under other names, as `{other[0]}`; a TA looks whether they will do."
        last = max(here) if finished else len(case.evidence.cells)
        cells = (cell for cell in case.evidence.cells if cell.index <= last or self._is_here(cell, case))
        if any(self._may_save(cell, case, training) for cell in cells):
            return "No such files were seen, but there is code that may save some; a TA looks at it."
        return ""

    def _is_here(self, cell: CellRecord, case: Case) -> bool:
        names = (*self.sections, *((case.section,) if case.section else ()))
        return any(cell.index in case.alignment.cells_of(name) for name in names)

    def _may_save(self, cell: CellRecord, case: Case, training: frozenset[int]) -> bool:
        """Whether code of the student's that belongs here saves something, if it comes to that."""
        if cell.kind != "code" or cell.index in case.alignment.unchanged or not _SAVES.search(cell.source):
            return False
        return self._is_here(cell, case) or cell.index in training or "def " in cell.source


def _training_cells(runs: tuple[TrainingRun, ...]) -> frozenset[int]:
    cells = ((run.cell, run.last_cell) for run in runs)
    return frozenset(cell for pair in cells for cell in pair if cell is not None)


def _finished(case: Case, sections: tuple[str, ...]) -> tuple[TrainingRun, ...]:
    """Trainings of these sections with two passes or more, in cells that ran without an error."""
    fine = {cell.index for cell in case.evidence.cells if cell.run is not None and cell.run.status == "ok"}
    runs = runs_in(case, sections)
    return tuple(run for run in runs if run.passes > 1 and _training_cells((run,)) <= fine)


def _names(text: str, name: str) -> bool:
    """The name, not as the beginning of a longer one (``epoch4`` in ``epoch4_train_err.csv``)."""
    return re.search(rf"(?<![\w]){re.escape(name)}(?![\w])(?!\.csv)", text) is not None
