"""Files that a run wrote, and what says that none of a kind was to be written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from grader.evidence.record import CellRecord, Cut, FileWritten
from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import located, own_cell_failed, stopped_early
from grader.facts.training.runs import runs_in
from grader.facts.words.answers import Answer

__all__ = ["finished_runs", "named_files", "no_such_files", "written_files"]

#: Pictures and numbers are no checkpoints: `savefig`, `savetxt`.
_SAVES = re.compile(r"\b(?!savefig\b|savetxt\b)(\w*_)?(save|dump|serialize)\w*\s*\(|\.write(_bytes)?\s*\(")


def named_files(answer: Answer, names: Sequence[str]) -> Known[tuple[str, ...]]:
    """Those of some file names that an answer has word for word, in words or outputs."""
    text = f"{answer.words}\n{answer.outputs}"
    return Known(tuple(name for name in names if _names(text, name)))


def written_files(case: Case, sections: Sequence[str]) -> Known[tuple[FileWritten, ...]]:
    """Files that cells of these sections wrote; those of any cell where one is not named or not found.

    Of files outside the work folder those are known that ``torch.save`` wrote with weights of a training.
    """
    placed = all(located(case, section) for section in sections)
    cells = {cell for section in sections for cell in case.alignment.cells_of(section)}
    anywhere = not sections or not placed
    checkpoints = case.evidence.checkpoints
    saved = () if checkpoints is None else checkpoints.saved
    outside = (each for each in saved if each.run is not None and PurePosixPath(each.path).is_absolute())
    elsewhere = (FileWritten(path=each.path, cell=each.cell, size_bytes=0) for each in outside)
    files = (*case.evidence.files, *elsewhere)
    return Known(tuple(file for file in files if anywhere or file.cell in cells))


def finished_runs(case: Case, sections: Sequence[str]) -> tuple[TrainingRun, ...]:
    """Trainings of these sections with two passes or more, in cells that ran without an error."""
    if not sections or not all(located(case, section) for section in sections):
        return ()
    fine = {cell.index for cell in case.evidence.cells if cell.run is not None and cell.run.status == "ok"}
    runs = runs_in(case, sections)
    return tuple(run for run in runs if run.passes > 1 and _cells_of((run,)) <= fine)


def no_such_files(case: Case, sections: Sequence[str]) -> Fact[bool]:
    """Whether the lack of files of some kind shows that none were to be written.

    A training that finished and wrote nothing shows it, where no code of the student's may save something.
    """
    finished = finished_runs(case, sections)
    if stopped_early(case) or (own_cell_failed(case) and not finished):
        return Unknown("some cells failed or did not run")
    if Cut.FILES in case.evidence.cut:
        return Unknown("more files were written than were recorded")
    lost = next((name for name in sections if not located(case, name)), None)
    if lost is not None:
        return Unknown(f"the part '{case.sections[lost].title}' was not found in the notebook")
    training = _cells_of(case.evidence.training.runs)
    other = [file.path for file in written_files(case, sections).value if file.cell in training]
    if other:
        return Unknown(f"files were written under other names, as `{other[0]}`")
    here = training if not sections else _cells_of(runs_in(case, sections))
    last = max(here) if finished else len(case.evidence.cells)
    cells = (cell for cell in case.evidence.cells if cell.index <= last or _is_here(cell, case, sections))
    if any(_may_save(cell, case, sections, training) for cell in cells):
        return Unknown("there is code that may save some")
    return Known(True)


def _may_save(cell: CellRecord, case: Case, sections: Sequence[str], training: frozenset[int]) -> bool:
    """Whether code of the student's that belongs here saves something, if it comes to that."""
    if cell.kind != "code" or cell.index in case.alignment.unchanged or not _SAVES.search(cell.source):
        return False
    return _is_here(cell, case, sections) or cell.index in training or "def " in cell.source


def _is_here(cell: CellRecord, case: Case, sections: Sequence[str]) -> bool:
    names = (*sections, *((case.section,) if case.section else ()))
    return any(cell.index in case.alignment.cells_of(name) for name in names)


def _cells_of(runs: Sequence[TrainingRun]) -> frozenset[int]:
    cells = ((run.cell, run.last_cell) for run in runs)
    return frozenset(cell for pair in cells for cell in pair if cell is not None)


def _names(text: str, name: str) -> bool:
    """The name, not as the beginning of a longer one (``epoch4`` in ``epoch4_train_err.csv``)."""
    return re.search(rf"(?<![\w]){re.escape(name)}(?![\w])(?!\.csv)", text) is not None
