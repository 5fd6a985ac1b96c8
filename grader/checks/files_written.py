"""Files that the notebook writes, and whether the student can name them."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from grader.checks._answers import answer_in
from grader.checks._probes import own_cell_failed, stopped_early
from grader.rubric.case import Case
from grader.rubric.model import Check, Judgement, Regex, Where

__all__ = ["FilesWritten"]


class FilesWritten(Check):
    """Looks for files by name: among those that the run wrote, or in the student's answer.

    With `named` each file has to be named in the criterion's section; an answer that names only some of them,
    or names them by a pattern, goes to a TA with the list of what is missing. With `patterns` each pattern
    has to fit a file that a cell of `sections` (or any cell) wrote.

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
        cells = {cell for section in self.sections for cell in case.alignment.cells_of(section)}
        files = [file for file in case.evidence.files if not self.sections or file.cell in cells]
        missing = [
            pattern for pattern in self.patterns if not any(re.search(pattern, file.path) for file in files)
        ]
        found = [file for file in files if any(re.search(pattern, file.path) for pattern in self.patterns)]
        where = tuple(Where(cell=cell) for cell in dict.fromkeys(file.cell for file in found))
        more: dict[str, Any] = {"where": where, "data": {"written": [file.path for file in found[:50]]}}
        if not missing:
            return Judgement.passed(f"{len(found)} such files were written, as `{found[0].path}`.", **more)
        if stopped_early(case) or own_cell_failed(case):
            return Judgement.needs_ta(
                "No such files were seen, but some cells failed or did not run.", **more
            )
        return Judgement.failed("No such files were written.", **more)


def _names(text: str, name: str) -> bool:
    """The name, not as the beginning of a longer one (``epoch4`` in ``epoch4_train_err.csv``)."""
    return re.search(rf"(?<![\w]){re.escape(name)}(?![\w])(?!\.csv)", text) is not None
