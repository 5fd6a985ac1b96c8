"""Files that the notebook writes, and whether the student can name them."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from grader.evidence.record import FileWritten
from grader.facts.case import Case
from grader.facts.fields import Regex, SectionName, Where
from grader.facts.known import Unknown
from grader.facts.notebook import located
from grader.facts.training.files import finished_runs, named_files, no_such_files, written_files
from grader.facts.training.runs import in_cells, where_of
from grader.facts.words.answers import answer_in
from grader.judging.check import Check, Early
from grader.judging.exhibits import Pair, Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_handed_in

__all__ = ["FilesWritten"]


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

    early: ClassVar[Early] = "outcome"

    check: Literal["files_written"] = "files_written"
    named: tuple[str, ...] = ()
    patterns: tuple[Regex, ...] = ()
    sections: tuple[SectionName, ...] = ()

    @model_validator(mode="after")
    def _asks_for_something(self) -> FilesWritten:
        if not self.named and not self.patterns:
            raise ValueError("give named or patterns")
        return self

    def judge(self, case: Case) -> Judgement:
        return self._judge_named(case) if self.named else self._judge_written(case)

    def _judge_named(self, case: Case) -> Judgement:
        answer = answer_in(case)
        named = named_files(answer, self.named)
        missing = [name for name in self.named if name not in named.value]
        written = {file.path.rsplit("/", 1)[-1] for file in case.evidence.files}
        rows: list[dict[str, Any]] = [
            {"file": name, "named": name not in missing, "written": name in written} for name in self.named
        ]
        shown = (Pair(expected=list(self.named)), Table.of("files", rows))
        bare = nothing_handed_in(case)
        if bare is not None:
            return bare.model_copy(update={"exhibits": shown})
        more: dict[str, Any] = {"where": answer.where, "exhibits": shown}
        if not missing:
            return Judgement.passed(f"All {len(self.named)} files are named.", on=named, **more)
        listed = ", ".join(f"`{name}`" for name in missing[:4]) + (", ..." if len(missing) > 4 else "")
        return Judgement.needs_ta(
            f"{len(named.value)} of {len(self.named)} files are named word for word; not {listed}.",
            open="The answer may name them in other words, or by a pattern.",
            **more,
        )

    def _judge_written(self, case: Case) -> Judgement:
        found = written_files(case, self.sections).map(self._fitting)
        missing = [each for each in self.patterns if not any(re.search(each, f.path) for f in found.value)]
        where = tuple(Where(cell=cell) for cell in dict.fromkeys(file.cell for file in found.value))
        written = [file.path for file in found.value[:50]]
        files = Table.of("files written", [{"file": path} for path in written])
        more: dict[str, Any] = {"where": where, "exhibits": (files,)}
        if not missing and all(located(case, section) for section in self.sections):
            text = f"{len(found.value)} such files were written, as `{written[0]}`."
            return Judgement.passed(text, on=found, **more)
        none = no_such_files(case, self.sections)
        if isinstance(none, Unknown):
            text = "No such files were seen." if missing else "Such files were seen."
            return Judgement.needs_ta(text, open=f"But {none.why}.", **more)
        finished = finished_runs(case, self.sections)
        if not finished:
            return Judgement.failed("No such files were written.", on=none, **more)
        text = f"The training {in_cells(run.cell for run in finished)} wrote no such files."
        return Judgement.failed(text, on=none, **{**more, "where": where or where_of(finished)})

    def _fitting(self, files: tuple[FileWritten, ...]) -> tuple[FileWritten, ...]:
        return tuple(file for file in files if any(re.search(each, file.path) for each in self.patterns))
